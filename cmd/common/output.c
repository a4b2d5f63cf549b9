/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that the user names with --output.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/common/cmd.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"
#include "reports/wrap.h"

bool cmd_to_stdout(const char *path)
{
	static const char *const names[] = { "-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1" };

	for (size_t i = 0; path && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(path, names[i]) == 0)
			return true;
	}
	return !path;
}

bool cmd_on_terminal(const char *path)
{
	return cmd_to_stdout(path) && isatty(STDOUT_FILENO);
}

void cmd_fit_terminal(uint64_t width, const char *path)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (width)
		wrap_set_columns((int)width);
	else if (columns && atoi(columns) > 0)
		wrap_set_columns(atoi(columns));
	else if (cmd_on_terminal(path) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
		 size.ws_col)
		wrap_set_columns(size.ws_col);
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

int cmd_output_open(struct cmd_output *out, const char *path, const char *what, struct err *err)
{
	struct err why = { "" };
	struct stat st;
	int ret;

	*out = (struct cmd_output){ .place = PLACE_NONE, .path = path, .what = what };
	if (cmd_to_stdout(path))
		return 0;
	ret = place_open(&out->place, path, true, &why);
	if (ret < 0)
		return err_set(err, -ret, "cannot write %s to %s: %s", what, path, why.text);
	if (fstatat(out->place.dir, out->place.name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		out->mode = st.st_mode & 07777;
		out->special = !S_ISREG(st.st_mode);
	}
	if (!out->special && faccessat(out->place.dir, ".", W_OK | X_OK, AT_EACCESS) < 0) {
		ret = cannot(what, path, err);
		cmd_output_close(out);
	}
	return ret;
}

void cmd_output_close(struct cmd_output *out)
{
	place_close(&out->place);
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

static int write_and_close(int fd, const struct cmd_output *out, const char *text, size_t len,
			   struct err *err)
{
	int ret = 0;

	if (file_write_all(fd, text, len) < 0)
		ret = cannot(out->what, out->path, err);
	if (close(fd) < 0 && ret == 0)
		ret = cannot(out->what, out->path, err);
	return ret;
}

/* Written beside it and renamed: what was there stays when this fails. */
static int replace(const struct cmd_output *out, const char *text, size_t len, struct err *err)
{
	const struct place *p = &out->place;
	char *beside = xasprintf("%s.ccaio-%d", p->name, getpid());
	int fd, ret;

	fd = openat(p->dir, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0) {
		ret = cannot(out->what, out->path, err);
		goto done;
	}
	if (out->mode)
		fchmod(fd, out->mode);
	ret = write_and_close(fd, out, text, len, err);
	if (ret == 0 && renameat(p->dir, beside, p->dir, p->name) < 0)
		ret = cannot(out->what, out->path, err);
	if (ret < 0)
		unlinkat(p->dir, beside, 0);
done:
	free(beside);
	return ret;
}

/* A FIFO or a device.  What has become a file, or a link to one, is another thing: not written. */
static int write_special(const struct cmd_output *out, const char *text, size_t len,
			 struct err *err)
{
	bool own = place_is_proc(out->place.dir); /* a descriptor of this process */
	int fd = openat(out->place.dir, out->place.name,
			O_WRONLY | O_NOCTTY | O_CLOEXEC | (own ? O_TRUNC : O_NOFOLLOW));
	struct stat st;

	if (fd < 0)
		return cannot(out->what, out->path, err);
	if (!own && (fstat(fd, &st) < 0 || S_ISREG(st.st_mode))) {
		close(fd);
		return err_set(err, EEXIST, "cannot write %s to %s: it was replaced meanwhile",
			       out->what, out->path);
	}
	return write_and_close(fd, out, text, len, err);
}

int cmd_output_write(const struct cmd_output *out, void (*fn)(FILE *out, const void *ctx),
		     const void *ctx, struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *memory;
	int ret;

	if (cmd_to_stdout(out->path)) {
		fn(stdout, ctx);
		return 0;
	}
	memory = open_memstream(&text, &len);
	if (!memory)
		abort(); /* no memory for a buffer: as fatal as in lib/base/xalloc.c */
	fn(memory, ctx);
	fclose(memory);
	ret = out->special ? write_special(out, text, len, err) : replace(out, text, len, err);
	free(text);
	return ret;
}

int cmd_write(const char *path, const char *what, void (*fn)(FILE *out, const void *ctx),
	      const void *ctx, struct err *err)
{
	struct cmd_output out;
	int ret = cmd_output_open(&out, path, what, err);

	if (ret == 0)
		ret = cmd_output_write(&out, fn, ctx, err);
	cmd_output_close(&out);
	return ret;
}
