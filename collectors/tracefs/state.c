/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/tracefs/probes.h"
#include "collectors/tracefs/tracefs.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

/* A path below the tracing directory that a state file may name: no way out of it. */
static bool is_below(const char *path)
{
	return path[0] != '/' && !strstr(path, "..");
}

/* Undo one line of this kind.  Returns false when it could not be undone and must be tried again.
 */
static bool undo(const struct tracing *tracing, const char *kind, const char *line)
{
	size_t len = strlen(kind);
	const char *name = line + len + 1;
	char *path;
	bool done;

	if (strncmp(line, kind, len) != 0 || line[len] != ' ' || !is_below(name))
		return true;
	if (strcmp(kind, "off") == 0) {
		int ret = tracing_write(tracing->fd, name, "0");

		return ret == 0 || ret == -ENOENT;
	}
	if (strcmp(kind, "group") == 0)
		return probes_remove(tracing, name) == 0;
	if (strchr(name, '/'))
		return true;
	/* The kernel refuses while anybody has one of its files open. */
	path = xasprintf("instances/%s", name);
	done = unlinkat(tracing->fd, path, AT_REMOVEDIR) == 0 || errno == ENOENT;
	free(path);
	return done;
}

/* Clean up after the run of this file, if it is dead. */
static void clean_one(const struct tracing *tracing, int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	/* dynamic events can be removed once they are off everywhere */
	static const char *const kinds[] = { "instance", "off", "group" };
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
		char *text = tracing_read(dir_fd, name), *rest = text, *line;

		while (rest && (line = strsep(&rest, "\n")) != NULL)
			done = undo(tracing, kinds[i], line) && done;
		free(text);
	}
	if (done)
		unlinkat(dir_fd, name, 0);
	close(fd);
}

void state_clean(const struct tracing *tracing)
{
	DIR *dir = opendir(STATE_DIR);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[strspn(entry->d_name, "0123456789")] == '\0')
			clean_one(tracing, dirfd(dir), entry->d_name);
	}
	closedir(dir);
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
	return err_set(err, EAGAIN, "cannot keep %s: somebody removes it", state->path);
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
