/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TAR_H
#define CCAIO_COLLECTORS_TAR_H

#include <stdint.h>
#include <sys/types.h>

struct err;

/*
 * tar - archives of plain files, as POSIX describes them (pax, "ustar" and its extended headers).
 *
 * Written: ustar headers, an extended one for a size that does not fit; owner root, no device
 * numbers.  Read: regular files, in at most one folder, the same for all.  Anything
 * else (links, devices, names that lead out, sizes beyond the end, wrong sums, data behind the end)
 * is refused: the archive is somebody else's.
 */
#define TAR_BLOCK 512

/* The file behind a header begins at offset at; name is without the folder.  0 or -errno. */
typedef int (*tar_member_fn)(void *ctx, const char *name, uint64_t at, uint64_t size,
			     struct err *err);

/*
 * List the members of the archive of size bytes open at fd.  path is for messages.  Returns 0;
 * -EBADMSG with err set for what is no such archive; or what fn returned.
 */
int tar_list(int fd, uint64_t size, const char *path, tar_member_fn fn, void *ctx, struct err *err);

/* Append the file open at in, size bytes from its beginning, under this name.  0 or -errno. */
int tar_add(int out, const char *folder, const char *name, int in, uint64_t size, mode_t mode,
	    int64_t mtime, struct err *err);

/* The end of the archive. */
int tar_end(int out, struct err *err);

#endif
