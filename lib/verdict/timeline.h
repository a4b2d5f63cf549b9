/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_TIMELINE_H
#define CCAIO_LIB_VERDICT_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/event.h"

struct platform;

/*
 * timeline - a stream in at most TIMELINE_BUCKETS numbers per series, for drawing.
 *
 * Buckets are equally long.  When time runs past the last one, neighbours are
 * joined and buckets become twice as long: a long stream costs no more memory
 * than a short one.  What is counted is exact; only when is blurred, to one bucket.
 */
#define TIMELINE_BUCKETS 512

enum timeline_series {
	TIMELINE_EVENTS,     /* DMA events */
	TIMELINE_MAPS,	     /* streaming maps that succeeded */
	TIMELINE_BOUNCED,    /* of these: through a pool */
	TIMELINE_OUT_BYTES,  /* mapped or synced towards a device */
	TIMELINE_IN_BYTES,   /* synced or unmapped towards the CPU */
	TIMELINE_POOL_SLOTS, /* most slots of the pools in use at once (2 KiB each) */
	TIMELINE_VIOLATIONS, /* events that refute a claim; recordings of before 0.2 lack it */
	TIMELINE_SERIES
};

struct timeline {
	uint64_t start_ns;  /* where bucket 0 begins */
	uint64_t bucket_ns; /* length of each */
	/* the run, by its first start mark and its last stop mark; 0 unknown */
	uint64_t window_from_ns, window_to_ns;
	size_t used;	   /* buckets up to the last event */
	bool pool_partial; /* too many mappings at once to count them all */
	uint64_t series[TIMELINE_SERIES][TIMELINE_BUCKETS];
};

/* Building one from events in time order.  platform tells the pools; NULL: none known. */
struct timeline_builder;

struct timeline_builder *timeline_builder_new(const struct platform *platform);
void timeline_builder_feed(struct timeline_builder *builder, const struct event *events,
			   size_t count);

/*
 * An event at ts_ns breaks claims, by these facts and by these absences (bits of enum breach).
 * Before timeline_builder_finish() it is not known whether they refute.
 */
void timeline_builder_violation(struct timeline_builder *builder, uint64_t ts_ns, uint32_t facts,
				uint32_t absences);
/* Count those in TIMELINE_VIOLATIONS that these facts or absences refute. */
void timeline_builder_refuted(struct timeline_builder *builder, uint32_t facts, uint32_t absences);

/* The result (caller frees with free()); the builder is freed. */
struct timeline *timeline_builder_finish(struct timeline_builder *builder);

/*
 * A series as text ("0 0 17 …", used numbers; the caller frees) and back.  Reading
 * returns how many numbers there were, -EINVAL for anything else than numbers or too many of them.
 */
char *timeline_series_format(const struct timeline *timeline, enum timeline_series series);
int timeline_series_parse(struct timeline *timeline, enum timeline_series series, const char *text);

#endif
