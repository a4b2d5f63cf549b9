/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_TYPES_FULL_H
#define CCAIO_LIB_JUDGE_TYPES_FULL_H

#include <stdint.h>

struct event;

/*
 * full - for how long maps failed, as they do while the bounce pool is full.
 *
 * Failures that are less than FULL_GAP_NS apart are one stretch: a driver that waits for room
 * tries again.  Zero is the beginning.
 */
#define FULL_GAP_NS 1000000000ull

struct full {
	uint64_t count;		    /* failed maps */
	uint64_t stretches;	    /* 0 none */
	uint64_t first_ns, last_ns; /* of the first and the last failure */
	uint64_t longest_ns;	    /* stretch */
	uint64_t total_ns;	    /* all stretches together */
	uint64_t begun_ns;	    /* the one that goes on */
	uint64_t largest;	    /* bytes that could not be mapped */
	uint16_t dev;		    /* of the largest */
};

/* A map failed.  Events come in time order. */
void full_add(struct full *f, const struct event *ev);

#endif
