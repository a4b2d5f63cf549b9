/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <tracefs/tracefs.h>
#include <unistd.h>

#include "collectors/decode/probe-names.h"
#include "collectors/tracefs/probes.h"
#include "collectors/tracefs/tracefs.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

#define NOTES_MAX (1u << 20)

/* A path below the tracing directory that a state file may name: no way out of it. */
static bool is_below(const char *path)
{
	return path[0] != '/' && !strstr(path, "..");
}

/* The number behind the prefix; 0 where the name is none of a run. */
static int run_of(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(name, prefix, len) != 0 || !name[len] ||
	    name[len + strspn(name + len, "0123456789")] != '\0')
		return 0;
	return atoi(name + len);
}

static int switch_off(struct tracefs_instance *files, const char *path)
{
	int ret = tracing_write(files, path, "0");

	return ret == -ENOENT ? 0 : ret;
}

static int remove_trigger(struct tracefs_instance *files, const char *path)
{
	bool gone = tracefs_instance_file_append(files, path, "!stacktrace\n") >= 0 ||
		    errno == ENOENT || errno == EINVAL;

	return gone ? 0 : -errno;
}

/* The kernel refuses while anybody has one of its files open. */
static int remove_instance(struct tracefs_instance *files, const char *name)
{
	struct tracefs_instance *instance = tracefs_instance_alloc(NULL, name);
	int ret = 0;

	(void)files;
	errno = 0;
	if (instance && !strchr(name, '/') && tracefs_instance_destroy(instance) < 0)
		ret = errno ? -errno : -EBUSY;
	if (instance)
		tracefs_instance_free(instance);
	return ret;
}

static int remove_group(struct tracefs_instance *files, const char *name)
{
	(void)files;
	return probes_remove(name);
}

/* In this order: dynamic events can be removed once they are off everywhere. */
static const struct {
	const char *kind;
	int (*undo)(struct tracefs_instance *files, const char *name);
} changes[] = {
	{ "instance ", remove_instance },
	{ "trigger ", remove_trigger },
	{ "off ", switch_off },
	{ "group ", remove_group },
};

/* Undo what the text of a file notes.  Returns 0, or -errno of what must be tried again. */
static int undo(struct tracefs_instance *files, const char *text, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *kind = changes[i].kind;
		char *copy = xstrdup(text), *rest = copy, *line;

		while ((line = strsep(&rest, "\n")) != NULL) {
			int one = 0;

			if (strncmp(line, kind, strlen(kind)) == 0 && is_below(line + strlen(kind)))
				one = changes[i].undo(files, line + strlen(kind));
			if (one < 0)
				ret = err_set(err, -one, "cannot undo a change of tracing (%s): %s",
					      line, strerror(-one));
		}
		free(copy);
	}
	return ret;
}

/* Clean up after the run of this file, if it is dead. */
static void clean_one(struct tracefs_instance *files, int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	char *text;

	if (fd < 0)
		return;
	/* removed meanwhile: its name may be a new run's by now */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0 || st.st_nlink == 0) {
		close(fd);
		return;
	}
	text = file_read_at(dir_fd, name, O_NOFOLLOW, NOTES_MAX, NULL, NULL);
	if (!text || undo(files, text, NULL) == 0)
		unlinkat(dir_fd, name, 0);
	free(text);
	close(fd);
}

/* Dead, too, is one that waits for its parent to ask how it ended (a zombie). */
static bool is_alive(int pid)
{
	char *path, *text, *state;
	bool alive;

	if (kill(pid, 0) < 0)
		return errno != ESRCH;
	path = xasprintf("/proc/%d/stat", pid);
	text = file_read(path, 4096, NULL, NULL);
	/* "27 (name) Z 1 …"; a name may hold anything */
	state = text ? strrchr(text, ')') : NULL;
	alive = !state || state[1] != ' ' || !strchr("ZX", state[2]);
	free(text);
	free(path);
	return alive;
}

/*
 * What killed runs left whose file of /run is not this one's: instances and groups carry the
 * process's number.  A run of another PID namespace has other numbers, but has a file of its
 * instance open and its probes are on, so that the kernel keeps them.
 */
static void clean_unnoted(void)
{
	char **instances = tracefs_instances(NULL);
	struct tracefs_dynevent **events;

	for (size_t i = 0; instances && instances[i]; i++) {
		int pid = run_of(instances[i], STATE_INSTANCE);

		if (pid > 0 && !is_alive(pid))
			remove_instance(NULL, instances[i]);
	}
	tracefs_list_free(instances);
	events = tracefs_dynevent_get_all(TRACEFS_DYNEVENT_KPROBE | TRACEFS_DYNEVENT_KRETPROBE,
					  NULL);
	for (size_t i = 0; events && events[i]; i++) {
		char *group = NULL;
		int pid;

		tracefs_dynevent_info(events[i], &group, NULL, NULL, NULL, NULL);
		pid = group ? run_of(group, PROBE_GROUP "_") : 0;
		free(group);
		if (pid > 0 && !is_alive(pid))
			tracefs_dynevent_destroy(events[i], false);
	}
	tracefs_dynevent_list_free(events);
}

void state_clean(const struct tracing *tracing)
{
	DIR *dir = opendir(STATE_DIR);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[strspn(entry->d_name, "0123456789")] == '\0')
			clean_one(tracing->files, dirfd(dir), entry->d_name);
	}
	if (dir)
		closedir(dir);
	clean_unnoted();
}

bool state_alone(const struct state *state)
{
	DIR *dir = opendir(STATE_DIR);
	struct dirent *entry;
	bool alone = true;

	while (dir && alone && (entry = readdir(dir)) != NULL) {
		int fd;

		if (entry->d_name[strspn(entry->d_name, "0123456789")] != '\0' ||
		    strcmp(entry->d_name, strrchr(state->path, '/') + 1) == 0)
			continue;
		fd = openat(dirfd(dir), entry->d_name,
			    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0)
			continue;
		alone = flock(fd, LOCK_SH | LOCK_NB) == 0;
		close(fd);
	}
	if (dir)
		closedir(dir);
	return alone;
}

/*
 * Make the file and lock it.  Between the two another run that starts may find it without a
 * lock, take it for a dead run's, and remove it: then once more.
 */
static int make_locked(struct state *state, struct err *err)
{
	struct stat st;

	for (int i = 0; i < 100; i++) {
		state->fd = open(state->path,
				 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (state->fd < 0)
			return err_sys(err, "cannot make %s", state->path);
		while (flock(state->fd, LOCK_EX) < 0) {
			if (errno != EINTR)
				return err_sys(err, "cannot lock %s", state->path);
		}
		if (fstat(state->fd, &st) == 0 && st.st_nlink > 0)
			return 0;
		close(state->fd);
		state->fd = -1;
	}
	return err_set(err, EAGAIN, "cannot keep %s: another program removes it", state->path);
}

int state_open(struct state *state, struct err *err)
{
	state->fd = -1;
	state->path = NULL;
	if ((mkdir("/run", 0755) < 0 && errno != EEXIST) ||
	    (mkdir(STATE_DIR, 0700) < 0 && errno != EEXIST))
		return err_sys(
			err, "cannot make %s, where ccaio notes what it must restore after a crash",
			STATE_DIR);
	state->path = xasprintf("%s/%d", STATE_DIR, (int)getpid());
	return make_locked(state, err);
}

int state_note(struct state *state, const char *what, const char *name, struct err *err)
{
	char *line = xasprintf("%s %s\n", what, name);
	ssize_t len = strlen(line), n = write(state->fd, line, len);

	free(line);
	if (n != len)
		return err_sys(err, "cannot write %s", state->path);
	return 0;
}

int state_undo(struct state *state, const struct tracing *tracing, struct err *err)
{
	char *text = state->fd < 0 ? NULL
				   : file_read_at(AT_FDCWD, state->path, O_NOFOLLOW, NOTES_MAX,
						  NULL, NULL);
	int ret = text ? undo(tracing->files, text, err) : 0;

	if (text && ret == 0)
		unlink(state->path);
	if (state->fd >= 0)
		close(state->fd);
	free(text);
	free(state->path);
	*state = (struct state){ .fd = -1 };
	return ret;
}
