/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_TRACE_WATCH_H
#define CCAIO_CMD_TRACE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "collectors/facts/pool-full.h"

struct err;

/*
 * watch - what ccaio trace looks at, beside the recorded events, while the program runs: the
 * program itself, the time, and whether the bounce pool is full.
 *
 * A pool that is full is said on stderr at once, then every ten seconds for as long as the
 * kernel complains.
 */
struct watch {
	int fd;	   /* readable when watch_look has something to do */
	int timer; /* --timeout, and what is left to a program that was given up */
	struct pool_full pool;
	bool quiet;
	bool expired;
	uint64_t first_us, said_us; /* complaints about the pool; 0 none yet */
	uint64_t complaints;
};

#define WATCH_NONE                                   \
	{                                            \
		.fd = -1, .timer = -1, .pool.fd = -1 \
	}

/* program_fd: readable when the program may have ended. */
int watch_open(struct watch *w, int program_fd, struct err *err);

/* Set w->expired in so many milliseconds, at the latest. */
int watch_within(struct watch *w, uint64_t ms, struct err *err);

/* Take what there is: say what is to be said, set w->expired. */
void watch_look(struct watch *w);

void watch_close(struct watch *w);

#endif
