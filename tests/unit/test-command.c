/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collectors/process/command.h"
#include "lib/base/err.h"
#include "tests/unit/test.h"

/* Handle signals until the command has ended. */
static void wait_for(struct command *command)
{
	struct pollfd fd = { command_fd(command), POLLIN, 0 };

	while (!command_handle(command))
		poll(&fd, 1, -1);
}

static struct command *shell(char *script)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, script, NULL };
	struct err err;

	return command_new(argv, NULL, &err);
}

static void test_exit_status(void)
{
	struct command *command = shell((char[]){ "exit 7" });
	struct err err;

	check(command_go(command, &err) == 0);
	wait_for(command);
	check(WIFEXITED(command_wait_status(command)) && command_exit_status(command) == 7);
	check(command_interrupted(command) == 0);
	command_free(command);
}

static void test_killed_by_signal(void)
{
	struct command *command = shell((char[]){ "kill -USR1 $$" });
	struct err err;

	check(command_go(command, &err) == 0);
	wait_for(command);
	check(command_exit_status(command) == 128 + SIGUSR1);
	command_free(command);
}

static void test_no_such_command(void)
{
	char *argv[] = { (char[]){ "/nonexistent/program" }, NULL };
	struct err err = { "" };

	check(command_new(argv, NULL, &err) == NULL);
	check(strcmp(err.text, "no such command: /nonexistent/program") == 0);
	argv[0] = (char[]){ "no-such-program-anywhere" };
	check(command_new(argv, NULL, &err) == NULL);
	check(strcmp(err.text, "no such command: no-such-program-anywhere") == 0);
}

static void test_no_such_user(void)
{
	char *argv[] = { (char[]){ "sh" }, NULL };
	struct err err = { "" };

	check(command_new(argv, "no-such-user-here", &err) == NULL);
	check(strcmp(err.text, "no such user: no-such-user-here") == 0);
}

static void test_not_executable(void)
{
	char *argv[] = { (char[]){ "/" }, NULL };
	struct err err = { "" };
	struct command *command = command_new(argv, NULL, &err);

	check(command != NULL);
	check(command_go(command, &err) == -EACCES);
	check(strcmp(err.text, "cannot run /: Permission denied") == 0);
	command_free(command);
}

/* The first signal goes to the command, which may refuse; the second one kills it. */
static void test_signals_are_forwarded(void)
{
	int ready[2];
	char script[128], byte;
	struct command *command;
	struct err err;

	check(pipe(ready) == 0);
	snprintf(script, sizeof(script),
		 "trap 'echo t >&%d' TERM; echo r >&%d; while :; do sleep 0.01; done", ready[1],
		 ready[1]);
	command = shell(script);
	check(command_go(command, &err) == 0);
	check(read(ready[0], &byte, 1) == 1 && byte == 'r' && read(ready[0], &byte, 1) == 1);
	kill(getpid(), SIGTERM);
	check(!command_handle(command));
	check(command_interrupted(command) == SIGTERM);
	check(read(ready[0], &byte, 1) == 1 && byte == 't');
	kill(getpid(), SIGTERM);
	wait_for(command);
	check(WIFSIGNALED(command_wait_status(command)) &&
	      WTERMSIG(command_wait_status(command)) == SIGKILL);
	command_free(command);
	close(ready[0]);
	close(ready[1]);
}

static void test_interrupted_before_start(void)
{
	struct command *command = shell((char[]){ "exit 0" });
	struct err err = { "" };

	kill(getpid(), SIGINT);
	check(command_go(command, &err) == -EINTR);
	check(strstr(err.text, "before sh was started") != NULL);
	command_free(command);
}

int main(void)
{
	test_exit_status();
	test_killed_by_signal();
	test_no_such_command();
	test_no_such_user();
	test_not_executable();
	test_signals_are_forwarded();
	test_interrupted_before_start();
	return done();
}
