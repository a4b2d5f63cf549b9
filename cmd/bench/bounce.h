/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_BENCH_BOUNCE_H
#define CCAIO_CMD_BENCH_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * bench-bounce - what the bounce path costs, as ratios of things measured side by side.
 */

/* One ratio: the median over rounds, in each of which both sides ran one after the other. */
struct bench_ratio {
	const char *name;	 /* what is compared with what */
	double value, low, high; /* median, smallest, largest */
	double limit;
	bool at_least;		   /* value must be >= limit, else <= */
	double ours_ns, theirs_ns; /* per operation, medians */
};

static inline bool bench_ratio_met(const struct bench_ratio *r)
{
	return r->at_least ? r->value >= r->limit : r->value <= r->limit;
}

#define BENCH_BOUNCE_RATIOS 4
#define BENCH_SHARING_SIZES 8

/* One transfer of a size, with static (0) and with dynamic (1) sharing. */
struct bench_sharing {
	size_t size;
	double ns[2];	    /* per transfer */
	double messages[2]; /* virtio-msg messages per transfer */
	/* counted by a device that reads all that it can reach while a mapping is live: */
	uint64_t pages[2];  /* at once */
	uint64_t beyond[2]; /* bytes of the Realm that were not of this transfer */
};

struct bench_bounce {
	struct bench_ratio ratios[BENCH_BOUNCE_RATIOS];
	double two_by_clock; /* two threads against one by the clock: less on a busy machine */
	struct bench_sharing sharing[BENCH_SHARING_SIZES];
};

/* Takes a few seconds.  0 or -errno. */
int bench_bounce_run(struct bench_bounce *b, unsigned int rounds, struct err *err);

#endif
