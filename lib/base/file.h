/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_FILE_H
#define CCAIO_LIB_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * file - whole small files: facts, policies, manifests, what /proc and /sys say.
 *
 * Nothing here waits: a FIFO or a device that is given as a file is an error.
 */

/*
 * The content of the file at path (relative to dirfd, which may be AT_FDCWD):
 * at most max bytes, then one NUL that does not count; len may be NULL.  The
 * caller frees.  flags are added to O_RDONLY: O_NOFOLLOW for evidence.  Returns
 * NULL with err set; errno then holds the positive error code, EFBIG for a file
 * of more than max bytes, EINVAL for what is not a regular file.
 */
char *file_read_at(int dirfd, const char *path, int flags, size_t max, size_t *len,
		   struct err *err);

/* The same for a path as the user typed it. */
char *file_read(const char *path, size_t max, size_t *len, struct err *err);

/* Write all of it, however often that takes.  0, or -1 with errno. */
int file_write_all(int fd, const void *data, size_t len);

/*
 * Write len bytes to a new file at path so that a reader sees the old file or the
 * whole new one: written beside it, flushed to the disk, then renamed.  Returns
 * 0, or -errno with err set and nothing left behind.
 */
int file_replace_at(int dirfd, const char *path, const void *data, size_t len, struct err *err);

#endif
