/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that the user names with --output.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/common/cmd.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

bool cmd_to_stdout(const char *path)
{
	static const char *const names[] = { "-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1" };

	for (size_t i = 0; path && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(path, names[i]) == 0)
			return true;
	}
	return !path;
}

/* Is there a file to be replaced, or none yet?  A link is neither: its target is written. */
static bool is_replaced(const char *path, mode_t *mode)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT;
	*mode = st.st_mode & 07777;
	return S_ISREG(st.st_mode);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? xstrndup(path, slash - path + 1) : xstrdup(".");
}

static int cannot(const char *what, const char *path, struct err *err)
{
	return err_sys(err, "cannot write %s to %s", what, path);
}

int cmd_check_output(const char *path, const char *what, struct err *err)
{
	mode_t mode = 0;
	struct stat st;
	char *folder;
	int ret = 0;

	if (cmd_to_stdout(path))
		return 0;
	if (!is_replaced(path, &mode)) {
		if (stat(path, &st) < 0 && errno != ENOENT)
			return cannot(what, path, err);
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			return err_set(err, EISDIR, "cannot write %s to %s: %s", what, path,
				       strerror(EISDIR));
		return 0;
	}
	folder = folder_of(path);
	if (access(folder, W_OK | X_OK) < 0)
		ret = cannot(what, path, err);
	free(folder);
	return ret;
}

static bool same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int cmd_spare(const char *input, const char *path, struct err *err)
{
	char *folder;
	bool hit;

	if (cmd_to_stdout(path) || !input)
		return 0;
	folder = folder_of(path);
	hit = same(path, input) || same(folder, input);
	free(folder);
	return hit ? err_set(err, EINVAL,
			     "%s is evidence or belongs to it: write the output to another place",
			     path)
		   : 0;
}

static int write_and_close(int fd, const char *path, const char *what, const char *text, size_t len,
			   struct err *err)
{
	int ret = 0;

	if (file_write_all(fd, text, len) < 0)
		ret = cannot(what, path, err);
	if (close(fd) < 0 && ret == 0)
		ret = cannot(what, path, err);
	return ret;
}

/* Written beside it and renamed: what was there stays when this fails. */
static int replace(const char *path, mode_t mode, const char *what, const char *text, size_t len,
		   struct err *err)
{
	char *beside = xasprintf("%s.ccaio-%d", path, getpid());
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666), ret;

	if (fd < 0) {
		ret = cannot(what, path, err);
		goto out;
	}
	if (mode)
		fchmod(fd, mode);
	ret = write_and_close(fd, path, what, text, len, err);
	if (ret == 0 && rename(beside, path) < 0)
		ret = cannot(what, path, err);
	if (ret < 0)
		unlink(beside);
out:
	free(beside);
	return ret;
}

int cmd_write(const char *path, const char *what, void (*fn)(FILE *out, const void *ctx),
	      const void *ctx, struct err *err)
{
	char *text = NULL;
	mode_t mode = 0;
	size_t len = 0;
	FILE *out;
	int fd, ret;

	if (cmd_to_stdout(path)) {
		fn(stdout, ctx);
		return 0;
	}
	out = open_memstream(&text, &len);
	if (!out)
		abort(); /* no memory for a buffer: as fatal as in lib/base/xalloc.c */
	fn(out, ctx);
	fclose(out);
	if (is_replaced(path, &mode)) {
		ret = replace(path, mode, what, text, len, err);
	} else {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		ret = fd < 0 ? cannot(what, path, err)
			     : write_and_close(fd, path, what, text, len, err);
	}
	free(text);
	return ret;
}
