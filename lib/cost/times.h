/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COST_TIMES_H
#define CCAIO_LIB_COST_TIMES_H

#include <stdint.h>

struct cost_times;
struct event;

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

struct times *times_new(void);
void times_feed(struct times *t, const struct event *ev); /* each event, in time order */
/* Frees it; returns what was found, which the caller frees, or NULL: no map was timed. */
struct cost_times *times_finish(struct times *t);

#endif
