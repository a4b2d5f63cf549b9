/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/process/command.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"

struct command {
	char *name;
	pid_t pid;
	bool ended;
	bool killed; /* by a second signal */
	bool left;   /* given up: it may still run */
	int wait_status;
	int interrupted;
	int signal_fd;
	int go[2];   /* ccaio → child: one byte, now exec */
	int fail[2]; /* child → ccaio: errno of a failed exec; end of file when it worked */
	sigset_t old_mask;
	bool mask_changed;
};

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static const int forwarded[] = { SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH };

static bool is_ending(int number)
{
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
		if (ending[i] == number)
			return true;
	}
	return false;
}

/* Is there such a program?  exec decides what may be run; this only finds typing mistakes early. */
static bool can_find(const char *name)
{
	const char *path = getenv("PATH");
	char *dirs, *dir, *rest;
	bool found = false;

	if (strchr(name, '/'))
		return access(name, F_OK) == 0;
	rest = dirs = xstrdup(path ? path : "/bin:/usr/bin");
	while (!found && (dir = strsep(&rest, ":")) != NULL) {
		char *file = xasprintf("%s/%s", *dir ? dir : ".", name);
		struct stat st;

		found = stat(file, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
		free(file);
	}
	free(dirs);
	return found;
}

/* In the child: become user, as login would.  Returns 0 or errno. */
static int become(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 ||
	    setuid(user->pw_uid) < 0)
		return errno;
	if (setenv("HOME", user->pw_dir, 1) < 0 || setenv("USER", user->pw_name, 1) < 0 ||
	    setenv("LOGNAME", user->pw_name, 1) < 0)
		return errno;
	return 0;
}

static void __attribute__((noreturn))
child(struct command *command, char *const argv[], const struct passwd *user)
{
	char byte;
	int code = 0;

	close(command->go[1]);
	close(command->fail[0]);
	/* end of file: ccaio has died or given up */
	if (read(command->go[0], &byte, 1) != 1)
		_exit(127);
	sigprocmask(SIG_SETMASK, &command->old_mask, NULL);
	signal(SIGXFSZ, SIG_DFL); /* ccaio ignores it (cmd/main.c) */
	if (user)
		code = become(user);
	if (code == 0) {
		execvp(argv[0], argv);
		code = errno;
	}
	if (write(command->fail[1], &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

static int block_signals(struct command *command, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigaddset(&set, ending[i]);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(&set, forwarded[i]);
	if (sigprocmask(SIG_BLOCK, &set, &command->old_mask) < 0)
		return err_sys(err, "cannot block signals");
	command->mask_changed = true;
	command->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (command->signal_fd < 0)
		return err_sys(err, "cannot watch signals");
	return 0;
}

static void close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++) {
		if (pair[i] >= 0)
			close(pair[i]);
		pair[i] = -1;
	}
}

struct command *command_new(char *const argv[], const char *user_name, struct err *err)
{
	const struct passwd *user = NULL;
	struct command *command;

	if (!can_find(argv[0])) {
		err_set(err, ENOENT, "no such command: %s", argv[0]);
		return NULL;
	}
	if (user_name) {
		errno = 0;
		user = getpwnam(user_name);
		if (!user) {
			err_set(err, ENOENT, "no such user: %s", user_name);
			return NULL;
		}
	}
	command = xcalloc(1, sizeof(*command));
	command->name = xstrdup(argv[0]);
	command->signal_fd = -1;
	command->pid = -1;
	command->go[0] = command->go[1] = command->fail[0] = command->fail[1] = -1;
	if (block_signals(command, err) < 0)
		goto fail;
	if (pipe2(command->go, O_CLOEXEC) < 0 || pipe2(command->fail, O_CLOEXEC) < 0) {
		err_sys(err, "cannot make a pipe to %s", argv[0]);
		goto fail;
	}
	command->pid = fork();
	if (command->pid < 0) {
		err_sys(err, "cannot fork for %s", argv[0]);
		goto fail;
	}
	if (command->pid == 0)
		child(command, argv, user);
	close(command->go[0]);
	close(command->fail[1]);
	command->go[0] = command->fail[1] = -1;
	return command;
fail:
	command_free(command);
	return NULL;
}

void command_free(struct command *command)
{
	if (!command)
		return;
	if (command->pid > 0 && !command->ended) {
		kill(command->pid, SIGKILL);
		waitpid(command->pid, NULL, 0);
	}
	close_pair(command->go);
	close_pair(command->fail);
	if (command->signal_fd >= 0)
		close(command->signal_fd);
	if (command->mask_changed)
		sigprocmask(SIG_SETMASK, &command->old_mask, NULL);
	free(command->name);
	free(command);
}

pid_t command_pid(const struct command *command)
{
	return command->pid;
}

int command_go(struct command *command, struct err *err)
{
	int code = 0;
	ssize_t n;

	command_handle(command);
	if (command->interrupted)
		return err_set(err, EINTR, "interrupted by SIG%s before %s was started",
			       sigabbrev_np(command->interrupted), command->name);
	if (write(command->go[1], "g", 1) != 1)
		return err_sys(err, "cannot start %s", command->name);
	do {
		n = read(command->fail[0], &code, sizeof(code));
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	/* the command itself was found: of a script, or of a program for another C library */
	if (n == sizeof(code) && code == ENOENT)
		return err_set(err, code,
			       "cannot run %s: the interpreter that it names is not there",
			       command->name);
	return err_set(err, n == sizeof(code) && code > 0 ? code : EIO, "cannot run %s: %s",
		       command->name,
		       n == sizeof(code) ? strerror(code) : "it died before its start");
}

int command_fd(const struct command *command)
{
	return command->signal_fd;
}

static void end_early(struct command *command, const struct signalfd_siginfo *info)
{
	int number = (int)info->ssi_signo;

	if (command->interrupted) {
		kill(command->pid, SIGKILL);
		command->killed = true;
		return;
	}
	command->interrupted = number;
	/* the terminal signals the whole foreground group: the program has it already */
	if (info->ssi_code != SI_KERNEL)
		kill(command->pid, number);
}

bool command_handle(struct command *command)
{
	struct signalfd_siginfo info;

	while (read(command->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		int number = (int)info.ssi_signo;

		if (command->ended)
			continue;
		if (is_ending(number))
			end_early(command, &info);
		else if (number != SIGCHLD && info.ssi_code != SI_KERNEL)
			kill(command->pid, number);
	}
	if (!command->ended &&
	    waitpid(command->pid, &command->wait_status, WNOHANG) == command->pid)
		command->ended = true;
	return command->ended;
}

int command_wait_status(const struct command *command)
{
	return command->wait_status;
}

int command_exit_status(const struct command *command)
{
	if (command->left)
		return command->killed ? 128 + SIGKILL : 124; /* as timeout(1) */
	if (WIFSIGNALED(command->wait_status))
		return 128 + WTERMSIG(command->wait_status);
	return WEXITSTATUS(command->wait_status);
}

bool command_killed(const struct command *command)
{
	return command->killed;
}

void command_leave(struct command *command)
{
	command->left = !command->ended;
	command->ended = true;
}

bool command_left(const struct command *command)
{
	return command->left;
}

int command_interrupted(const struct command *command)
{
	return command->interrupted;
}
