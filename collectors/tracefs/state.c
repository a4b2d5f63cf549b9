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

/* Returns false while anybody has one of its files open: then the kernel refuses. */
static bool remove_instance(const char *name)
{
	struct tracefs_instance *instance = tracefs_instance_alloc(NULL, name);
	bool gone = !instance || tracefs_instance_destroy(instance) == 0;

	if (instance)
		tracefs_instance_free(instance);
	return gone;
}

/* Undo one line of this kind.  Returns false when it could not be undone and must be tried again.
 */
static bool undo(struct tracefs_instance *files, const char *kind, const char *line)
{
	size_t len = strlen(kind);
	const char *name = line + len + 1;

	if (strncmp(line, kind, len) != 0 || line[len] != ' ' || !is_below(name))
		return true;
	if (strcmp(kind, "off") == 0) {
		int ret = tracing_write(files, name, "0");

		return ret == 0 || ret == -ENOENT;
	}
	if (strcmp(kind, "trigger") == 0) {
		int ret =
			tracefs_instance_file_append(files, name, "!stacktrace\n") < 0 ? -errno : 0;

		return ret == 0 || ret == -ENOENT || ret == -EINVAL;
	}
	if (strcmp(kind, "group") == 0)
		return probes_remove(name) == 0;
	return strchr(name, '/') || remove_instance(name);
}

/* Clean up after the run of this file, if it is dead. */
static void clean_one(struct tracefs_instance *files, int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	/* dynamic events can be removed once they are off everywhere */
	static const char *const kinds[] = { "instance", "trigger", "off", "group" };
	bool done = true;
	struct stat st;

	if (fd < 0)
		return;
	/* removed meanwhile: its name may be a new run's by now */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0 || st.st_nlink == 0) {
		close(fd);
		return;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char *text = file_read_at(dir_fd, name, O_NOFOLLOW, 1u << 20, NULL, NULL),
		     *rest = text, *line;

		while (rest && (line = strsep(&rest, "\n")) != NULL)
			done = undo(files, kinds[i], line) && done;
		free(text);
	}
	if (done)
		unlinkat(dir_fd, name, 0);
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
			remove_instance(instances[i]);
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

void state_release(struct state *state)
{
	if (state->path && state->fd >= 0)
		unlink(state->path);
	if (state->fd >= 0)
		close(state->fd);
	free(state->path);
	state->path = NULL;
	state->fd = -1;
}
