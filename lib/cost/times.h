/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COST_TIMES_H
#define CCAIO_LIB_COST_TIMES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/event.h"

struct cost_times;

/*
 * times - how long bounced maps took, by the times of their own events.
 *
 * Linux records swiotlb_bounced before it searches slots, and the event of the map after it has
 * copied the buffer into them (kernel/dma/swiotlb.c swiotlb_map, kernel/dma/mapping.c).  Where one
 * follows the other on a CPU with no event between, the time between is the search, the copy, and
 * the recording of the first event.  An interrupt between them that records nothing is in it, so
 * each size goes by its median.  Maps of lists, and events of probes, are left out.
 */
struct times;

/* The bounce that is the last event of a CPU; size 0: another event is. */
struct times_last {
	uint64_t orig, size, ts_ns;
	uint16_t dev;
};

/* First in struct times, so that most events are done with where they are fed. */
struct times_cpus {
	struct times_last *last; /* by CPU */
	size_t count;
};

struct times *times_new(void);
void times_take(struct times *t,
		const struct event *ev); /* times_feed() for a bounce and the next */
/* Each event, in time order. */
static inline void times_feed(struct times *t, const struct event *ev)
{
	const struct times_cpus *cpus = (const struct times_cpus *)t;

	if (ev->kind == EVENT_BOUNCE || (ev->cpu < cpus->count && cpus->last[ev->cpu].size))
		times_take(t, ev);
}
/* Frees it; returns what was found, which the caller frees, or NULL: no map was timed. */
struct cost_times *times_finish(struct times *t);

#endif
