/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_HIST_H
#define CCAIO_COLLECTORS_TRACEFS_HIST_H

#include <stdint.h>

/*
 * hist - the text in which the kernel shows a histogram (Linux
 * Documentation/trace/histogram.rst), as far as the meter needs it:
 *
 *     { dev: 0000:00:02.0     , dir:          1, size: ~ 2^12 } hitcount:         66  size: 270336
 *
 * libtracefs 1.6 makes histograms and does not read them.
 */
#define HIST_NAME 256

struct hist_entry {
	char dev[HIST_NAME]; /* "" none */
	uint64_t dir;	     /* 0 none */
	uint64_t log2;	     /* of size; 0 none */
	uint64_t hits, sum;  /* sum: of the value named */
};

/*
 * Call fn for each entry of all histograms in the text that have this value ("size").  text may
 * be NULL.  Returns how many events the kernel dropped, for want of room.
 */
uint64_t hist_each(const char *text, const char *value,
		   void (*fn)(void *ctx, const struct hist_entry *entry), void *ctx);

#endif
