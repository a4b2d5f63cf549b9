/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COST_STATE_H
#define CCAIO_LIB_COST_STATE_H

#include "lib/cost/cost.h"
#include "lib/cost/forecast.h"
#include "lib/cost/live.h"
#include "lib/cost/where.h"

/* state - what the files of lib/cost share; nobody else includes it. */

#define PENDING_MOST 1024
#define LEAVING_MOST 256

/* A bounce whose map event has not come yet: the kernel takes its slots in between. */
struct pending {
	uint64_t orig, size, ts_ns;
	int32_t pid;
	uint16_t dev, cpu;
	uint32_t slots; /* 0: more than a pool can give */
	bool waiting;	/* it failed; the driver will try again */
	struct placed placed;
};

/* The end of a list's mapping comes before its slots are given back. */
struct leaving {
	struct live live;
	uint64_t ts_ns;
	uint16_t cpu;
};

/* By names id. */
struct device_cost {
	struct cost_device result;
	uint64_t slots[COST_DIRS];
	uint64_t peak; /* of struct cost_builder, that result.slots_at_peak is about */
	/* copied so far, by enum meter_way, where the window opened and where it closed */
	struct {
		uint64_t copies, bytes;
	} opened[METER_WAYS], closed[METER_WAYS];
};

struct cost_builder {
	const struct platform *platform; /* may be NULL */
	struct where_map where;
	struct names *names;
	struct cost *cost;
	struct device_cost *devices;
	struct times *times;
	size_t ndevices;
	bool begun, mapped;  /* an event was seen; of them one of a bounced map */
	bool opened, closed; /* the window, by the marks of this run */

	/* slots.c */
	struct forecast forecast;
	struct live_table *live;
	struct pending pending[PENDING_MOST]; /* oldest first */
	size_t npending, nwaiting;	      /* … of which the driver will try again */
	struct leaving leaving[LEAVING_MOST];
	size_t nleaving;
	uint64_t level;	  /* slots in use */
	uint64_t peaks;	  /* that the level has had */
	uint64_t unnamed; /* of these: single ones of mappings older than the window */
	uint16_t largest_dev;
};

/* window.c: what is between the run's marks, and the kernel's own sums of it */
void window_mark(struct cost_builder *b, const struct event *mark);
/* At the end, where the results of all devices are in place. */
void window_meter(struct cost_builder *b);

/* cost.c */
struct device_cost *cost_device_new(struct cost_builder *b, uint16_t dev);

static inline struct device_cost *cost_device(struct cost_builder *b, uint16_t dev)
{
	return dev < b->ndevices ? &b->devices[dev] : cost_device_new(b, dev);
}

/* slots.c; plain is an address without the shared bit; is_default: in the default pool */
void slots_begin(struct cost_builder *b, uint64_t ts_ns);
void slots_left(struct cost_builder *b, const struct event *ev);
/* Before each event: slots that were given back since the last one. */
static inline void slots_at(struct cost_builder *b, const struct event *ev)
{
	if (b->nleaving)
		slots_left(b, ev);
}
void slots_bounce(struct cost_builder *b, const struct event *ev);
/* Was a bounce waiting for this map? */
bool slots_announced(const struct cost_builder *b, const struct event *ev);
void slots_map(struct cost_builder *b, const struct event *ev, uint64_t plain, bool is_default);
void slots_failed(struct cost_builder *b, const struct event *ev);
void slots_unmap(struct cost_builder *b, const struct event *ev, uint64_t plain, bool is_default);
void slots_end(struct cost_builder *b);

#endif
