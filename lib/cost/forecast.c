/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pools of other sizes, fed with the requests of a recording. */
#include "lib/cost/forecast.h"

#include <stdbool.h>
#include <stddef.h>

void forecast_init(struct forecast *f, unsigned int cpus)
{
	*f = (struct forecast){ .areas = pool_areas(cpus), .least = pool_least(cpus) };
	for (unsigned int i = 0; i < FORECAST_TRIED; i++) {
		uint64_t slots = f->least << i;

		if (slots > POOL_MOST)
			break;
		f->slots[i] = slots;
		f->pools[i] = pool_new((uint32_t)slots, f->areas);
	}
}

void forecast_release(struct forecast *f)
{
	for (unsigned int i = 0; i < FORECAST_TRIED; i++)
		pool_free(f->pools[i]);
}

struct again {
	struct pool *pool;
	unsigned int index;
	bool full;
};

static void place_again(void *ctx, uint32_t slots, struct placed *placed)
{
	struct again *a = ctx;
	uint32_t *at = &placed->at[a->index];

	*at = POOL_NOWHERE;
	if (slots > POOL_SEGMENT || a->full)
		return;
	*at = pool_take(a->pool, 0, slots, (uint64_t)slots << POOL_SLOT_SHIFT);
	a->full = *at == POOL_NOWHERE;
}

/* The smallest pool of more than this many slots that is at place i, with all that is live in it.
 */
static void begin_larger(struct forecast *f, unsigned int i, uint64_t than,
			 const struct forecast_live *live)
{
	uint64_t next = f->slots[i];

	pool_free(f->pools[i]);
	f->pools[i] = NULL;
	f->slots[i] = 0;
	for (;;) {
		struct again again = { .index = i };

		while (next <= than)
			next <<= FORECAST_TRIED;
		if (next > POOL_MOST)
			return;
		again.pool = pool_new((uint32_t)next, f->areas);
		live->each(live->ctx, place_again, &again);
		if (!again.full) {
			f->slots[i] = next;
			f->pools[i] = again.pool;
			return;
		}
		pool_free(again.pool);
		than = next;
	}
}

/* All pools of up to so many slots are full. */
static void give_up(struct forecast *f, const struct forecast_request *r, uint64_t slots,
		    const struct forecast_live *live, struct placed *placed)
{
	if (slots > f->full.slots)
		f->full = (struct forecast_full){ slots, r->ts_ns, r->size, r->dev };
	for (unsigned int i = 0; i < FORECAST_TRIED; i++) {
		if (!f->slots[i] || f->slots[i] > slots)
			continue;
		begin_larger(f, i, slots, live);
		placed->at[i] = POOL_NOWHERE;
	}
}

void forecast_take_larger(struct forecast *f, const struct forecast_request *r,
			  struct placed *placed, const struct forecast_live *live)
{
	for (unsigned int i = 0; i < FORECAST_TRIED;) {
		if (f->pools[i] && placed->at[i] == POOL_NOWHERE) {
			placed->at[i] = pool_take(f->pools[i], r->cpu, r->slots, r->size);
			if (placed->at[i] == POOL_NOWHERE) {
				give_up(f, r, f->slots[i], live, placed);
				i = 0; /* larger ones took the places of all that were full */
				continue;
			}
		}
		i++;
	}
}

void forecast_refused(struct forecast *f, const struct forecast_request *r, uint64_t slots,
		      const struct forecast_live *live)
{
	struct placed none;

	if (r->slots <= POOL_SEGMENT && slots > f->full.slots)
		give_up(f, r, slots, live, &none);
}

uint64_t forecast_holds(const struct forecast *f)
{
	uint64_t least = 0;

	for (unsigned int i = 0; i < FORECAST_TRIED; i++) {
		if (f->slots[i] && (!least || f->slots[i] < least))
			least = f->slots[i];
	}
	return least;
}
