/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_TRACEFS_H
#define CCAIO_COLLECTORS_TRACEFS_TRACEFS_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct tracefs_instance;

/*
 * tracing - the kernel's tracing directory, and the control files of its instances.
 *
 * The files are read and written by libtracefs; what is added here is what its callers
 * need to name a failure: -errno.  Control files take one write(2) per request.
 */
struct tracing {
	char *path;			/* "/sys/kernel/tracing" */
	struct tracefs_instance *files; /* the top level as libtracefs sees it */
};

/*
 * Find the mounted tracing directory: $CCAIO_TRACING_DIR, or where libtracefs finds tracefs
 * or debugfs.  Nothing is mounted.  -ENOENT says how to mount it, -EPERM and -EACCES who
 * forbids it.  Release in any case.
 */
int tracing_open(struct tracing *tracing, struct err *err);
void tracing_release(struct tracing *tracing);

/* Write text to a control file of the instance.  Returns 0 or -errno; no sentence. */
int tracing_write(struct tracefs_instance *files, const char *path, const char *text);

/*
 * What a control file says, NUL-terminated; NULL with errno set where it cannot be read.
 * The caller frees.
 */
char *tracing_read(struct tracefs_instance *files, const char *path);

/* Does what a control file says (NULL: nothing) have this line? */
bool tracing_has_line(const char *text, const char *line);

/* Is there such a file or folder? */
bool tracing_exists(struct tracefs_instance *files, const char *path);

#endif
