/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"

/* Files of /proc and /sys say size 0: what counts is what read() returns. */
static char *read_all(int fd, const char *path, size_t max, size_t *len, struct err *err)
{
	size_t cap = 4096, used = 0;
	char *text = xcalloc(cap, 1);
	ssize_t n;

	while ((n = read(fd, text + used, cap - used - 1)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_sys(err, "cannot read %s", path);
			goto fail;
		}
		used += (size_t)n;
		if (used > max) {
			err_set(err, EFBIG, "cannot read %s: it is larger than %zu bytes", path,
				max);
			errno = EFBIG;
			goto fail;
		}
		if (used + 1 == cap) {
			cap *= 2;
			text = xrealloc(text, cap, 1);
		}
	}
	text[used] = '\0';
	if (len)
		*len = used;
	return text;
fail:;
	int saved = errno ? errno : EIO;

	free(text);
	errno = saved;
	return NULL;
}

char *file_read_at(int dirfd, const char *path, int flags, size_t max, size_t *len, struct err *err)
{
	char *text = NULL;
	struct stat st;
	int fd, saved;

	/* O_NONBLOCK: opening a FIFO without a writer must not wait for one. */
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
	if (fd < 0) {
		err_sys(err, "cannot read %s", path);
		return NULL;
	}
	if (fstat(fd, &st) < 0) {
		err_sys(err, "cannot read %s", path);
	} else if (!S_ISREG(st.st_mode)) {
		err_set(err, EINVAL, "cannot read %s: not a regular file", path);
		errno = EINVAL;
	} else {
		text = read_all(fd, path, max, len, err);
	}
	saved = errno;
	close(fd);
	errno = saved;
	return text;
}

char *file_read(const char *path, size_t max, size_t *len, struct err *err)
{
	return file_read_at(AT_FDCWD, path, 0, max, len, err);
}

int file_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_replace_at(int dirfd, const char *path, const void *data, size_t len, struct err *err)
{
	char *beside = xasprintf("%s.new", path);
	int fd, ret = 0;

	fd = openat(dirfd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) {
		ret = err_sys(err, "cannot create %s", path);
		goto out;
	}
	if (file_write_all(fd, data, len) < 0 || fsync(fd) < 0)
		ret = err_sys(err, "cannot write %s", path);
	if (close(fd) < 0 && ret == 0)
		ret = err_sys(err, "cannot write %s", path);
	if (ret == 0 && renameat(dirfd, beside, dirfd, path) < 0)
		ret = err_sys(err, "cannot create %s", path);
	if (ret < 0)
		unlinkat(dirfd, beside, 0);
out:
	free(beside);
	return ret;
}
