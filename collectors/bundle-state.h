/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_BUNDLE_STATE_H
#define CCAIO_COLLECTORS_BUNDLE_STATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "collectors/bundle.h"
#include "collectors/members.h"
#include "lib/base/place.h"

struct manifest;

/* What bundle.c (writing) and bundle-read.c share. */
struct bundle {
	char *path;
	/* reading only */
	struct manifest *manifest;
	struct members members;
	/* writing only */
	int dir;		/* the folder; -1 none */
	struct manifest *begun; /* of the files that are complete; NULL none yet */
	struct place place;	/* where it is to be */
	char *work;		/* its name there until it is finished; NULL: it has been renamed */
	bool tar;		/* a tar is made of it in the end */
	bool shared;		/* it can be read by the folder's group in the end */
	gid_t group;		/* that one */
};

struct bundle *bundle_new(const char *path);

#endif
