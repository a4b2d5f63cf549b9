/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Find the folder that a path names, without following other people's links. */
#include "lib/base/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"

#define LINKS_MAX 40 /* as many as the kernel follows */

bool place_is_proc(int dir)
{
	struct statfs fs;

	return fstatfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* A walk along a path. */
struct walk {
	int dir;    /* where it is */
	char *rest; /* what is still to go */
	unsigned int links;
	bool follow;
};

static int failed(int code, struct err *err)
{
	return err_set(err, code, "%s", strerror(code));
}

/* Go on from dir, which is the walk's from now on. */
static void move(struct walk *w, int dir)
{
	close(w->dir);
	w->dir = dir;
}

/* Take the next component off the rest; "" at its end.  The caller frees. */
static char *next(struct walk *w, bool *last)
{
	char *at = w->rest + strspn(w->rest, "/"), *word, *rest;
	size_t len = strcspn(at, "/");

	word = xstrndup(at, len);
	at += len;
	at += strspn(at, "/");
	*last = !*at;
	rest = xstrdup(at);
	free(w->rest);
	w->rest = rest;
	return word;
}

/* The link open at fd: its target comes in front of what is left to go. */
static int take_link(struct walk *w, int fd, const struct stat *st, const char *name,
		     struct err *err)
{
	char target[PATH_MAX], *rest;
	ssize_t n;

	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(
			err, ELOOP,
			"'%s' on the way there is a symbolic link of user %u: name its target "
			"instead",
			name, st->st_uid);
	if (++w->links > LINKS_MAX)
		return failed(ELOOP, err);
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n <= 0)
		return failed(n < 0 ? errno : ENOENT, err);
	target[n] = '\0';
	if (target[0] == '/') {
		int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (root < 0)
			return failed(errno, err);
		move(w, root);
	}
	rest = xasprintf("%s/%s", target, w->rest);
	free(w->rest);
	w->rest = rest;
	return 0;
}

/* One step.  1: name is the place's own, in w->dir. */
static int step(struct walk *w, const char *name, bool last, struct err *err)
{
	struct stat st;
	int fd, ret = 0;

	if (strcmp(name, "..") != 0 && last && !w->follow)
		return 1;
	fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT && last ? 1 : failed(errno, err);
	if (fstat(fd, &st) < 0) {
		ret = failed(errno, err);
	} else if (S_ISLNK(st.st_mode) && last && place_is_proc(w->dir)) {
		ret = 1;
	} else if (S_ISLNK(st.st_mode)) {
		ret = take_link(w, fd, &st, name, err);
	} else if (last && strcmp(name, "..") != 0) {
		ret = 1;
	} else if (!S_ISDIR(st.st_mode)) {
		ret = failed(ENOTDIR, err);
	} else {
		move(w, fd);
		return 0;
	}
	close(fd);
	return ret;
}

/* A descriptor that can be flushed, where the folder may be read; one to go through where not. */
static int for_writing(const struct walk *w)
{
	int fd = openat(w->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : openat(w->dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int place_open(struct place *p, const char *path, bool follow, struct err *err)
{
	struct walk w = { .rest = xstrdup(path), .follow = follow };
	char *name = NULL;
	bool last = false;
	int ret = 0;

	*p = (struct place)PLACE_NONE;
	w.dir = open(path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w.dir < 0)
		ret = failed(errno, err);
	while (ret == 0) {
		free(name);
		name = next(&w, &last);
		if (!*name || (last && (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)))
			ret = failed(EISDIR, err);
		else if (strcmp(name, ".") != 0)
			ret = step(&w, name, last, err);
	}
	if (ret == 1) {
		p->dir = for_writing(&w);
		ret = p->dir < 0 ? failed(errno, err) : 0;
	}
	if (ret == 0) {
		p->name = name;
		p->path = xstrdup(path);
		name = NULL;
	}
	free(name);
	free(w.rest);
	if (w.dir >= 0)
		close(w.dir);
	return ret;
}

void place_close(struct place *p)
{
	if (p->dir >= 0)
		close(p->dir);
	free(p->name);
	free(p->path);
	*p = (struct place)PLACE_NONE;
}
