/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_PLACE_H
#define CCAIO_LIB_BASE_PLACE_H

#include <stdbool.h>

struct err;

/*
 * place - a name in a folder that is held open.
 *
 * ccaio runs as root and writes where the user says, often into a folder that the traced
 * program may write to.  Whoever can write there can put a symbolic link into any path that
 * is opened later.  A place is therefore found once, before the program runs: from then
 * on files are made through its descriptor (openat, renameat), never by path.
 *
 * On the way to it a symbolic link is followed only where root or the caller made it: the
 * link of anybody else is an error, as is more than 40 links.
 */
struct place {
	int dir;    /* the folder; -1 none */
	char *name; /* in it: no slash, neither "." nor ".." */
	char *path; /* as the user named it, for messages */
};

#define PLACE_NONE        \
	{                 \
		.dir = -1 \
	}

/*
 * Find it.  follow: where the last component is a link, go on to what it names.
 * The name need not exist.  Returns 0, or -errno with the mere reason in err ("Permission
 * denied"): the caller knows what it was for.  Then there is nothing to release.
 */
int place_open(struct place *p, const char *path, bool follow, struct err *err);

/*
 * Is the folder of /proc?  What looks like a link there (/proc/self/fd/2) is none to follow by its
 * text; the kernel knows what it is, and it is the caller's own.  place_open ends at it.
 */
bool place_is_proc(int dir);

/* A place that was never opened (PLACE_NONE) is accepted. */
void place_close(struct place *p);

#endif
