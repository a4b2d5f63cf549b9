/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_TRACEFS_H
#define CCAIO_COLLECTORS_TRACEFS_TRACEFS_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/*
 * tracing - the kernel's tracing directory and its control files.
 *
 * Paths are relative to the directory.  Control files take one write(2) per
 * request and answer with errno.
 */
struct tracing {
	char *path; /* "/sys/kernel/tracing" */
	int fd;
};

/*
 * Find the mounted tracing directory: $CCAIO_TRACING_DIR, /sys/kernel/tracing,
 * any mounted tracefs, debugfs' tracing.  Nothing is mounted.  -ENOENT says how to
 * mount it, -EPERM and -EACCES who forbids it.  Release in any case.
 */
int tracing_open(struct tracing *tracing, struct err *err);
void tracing_release(struct tracing *tracing);

/* Write text to the control file at path under dirfd.  Returns 0 or -errno; no sentence. */
int tracing_write(int dirfd, const char *path, const char *text);

/* The same, appending (dynamic_events, set_event: opening for writing empties them). */
int tracing_append(int dirfd, const char *path, const char *text);

/*
 * What the control file at path says, NUL-terminated, at most 1 MiB; NULL with
 * errno set where it cannot be read.  The caller frees.
 */
char *tracing_read(int dirfd, const char *path);

/* The unsigned number that the file holds.  Returns 0 or -errno. */
int tracing_read_number(int dirfd, const char *path, unsigned long long *number);

bool tracing_exists(int dirfd, const char *path);

#endif
