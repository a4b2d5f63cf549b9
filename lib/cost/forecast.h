/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COST_FORECAST_H
#define CCAIO_LIB_COST_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cost/pool.h"

/*
 * forecast - the same requests in pools of other sizes: which would have been full, and when?
 *
 * Kernels since Linux 6.0 round a pool up to a power of two, so those are tried, from the
 * smallest that a kernel makes for these CPUs.  FORECAST_TRIED of them run side by side; where
 * the smallest is full, a larger one takes its place, with what is live placed anew in it.  Each
 * costs as much as a tenth of all judging; with two, the smaller one's successor is always one
 * whose slots were handed out and given back for a while.
 */
#define FORECAST_TRIED 2

/* Where one mapping is in each of the pools tried. */
struct placed {
	uint32_t at[FORECAST_TRIED]; /* number of the first slot; POOL_NOWHERE: not in this one */
};

struct forecast_full {
	uint64_t slots; /* the largest pool that would have been full; 0 none */
	uint64_t ts_ns; /* when for the first time, … */
	uint64_t size;	/* … for how many bytes, … */
	uint16_t dev;	/* … of which device */
};

struct forecast {
	unsigned int areas;
	uint64_t least;			    /* slots of pools[0] at first */
	uint64_t slots[FORECAST_TRIED];	    /* of each, 0: there is none */
	struct pool *pools[FORECAST_TRIED]; /* the i-th after the smallest is at no fixed place */
	struct forecast_full full;
};

/* A request, as the kernel's search sees it. */
struct forecast_request {
	uint64_t ts_ns, size;
	uint32_t slots;
	uint16_t dev, cpu;
};

/* Calls place(place_ctx, …) for each mapping that is live, in any order: see
 * forecast_take_larger(). */
struct forecast_live {
	void (*each)(void *ctx,
		     void (*place)(void *place_ctx, uint32_t slots, struct placed *placed),
		     void *place_ctx);
	void *ctx;
};

void forecast_init(struct forecast *f, unsigned int cpus);
void forecast_release(struct forecast *f);

/*
 * Place a request in all pools; one of more than POOL_SEGMENT slots, which no pool takes, is in
 * none.  false: some are full for it, see forecast_take_larger().
 */
static inline bool forecast_take(struct forecast *f, const struct forecast_request *request,
				 struct placed *placed)
{
	bool full = false;

	for (unsigned int i = 0; i < FORECAST_TRIED; i++) {
		placed->at[i] = POOL_NOWHERE;
		if (!f->pools[i] || request->slots > POOL_SEGMENT)
			continue;
		placed->at[i] = pool_take(f->pools[i], request->cpu, request->slots, request->size);
		full |= placed->at[i] == POOL_NOWHERE;
	}
	return !full;
}

/*
 * Those that are full for this request are given up, and larger ones are begun, in which
 * everything of live is placed first; the request is not among it, but is placed then.
 */
void forecast_take_larger(struct forecast *f, const struct forecast_request *request,
			  struct placed *placed, const struct forecast_live *live);

static inline void forecast_give(struct forecast *f, uint32_t slots, const struct placed *placed)
{
	for (unsigned int i = 0; i < FORECAST_TRIED; i++) {
		if (f->pools[i] && placed->at[i] != POOL_NOWHERE)
			pool_give(f->pools[i], placed->at[i], slots);
	}
}

/* The kernel refused it with a pool of so many slots: so would all up to there. */
void forecast_refused(struct forecast *f, const struct forecast_request *request, uint64_t slots,
		      const struct forecast_live *live);

/* Slots of the smallest pool that was never full; 0: none of those that can be. */
uint64_t forecast_holds(const struct forecast *f);

#endif
