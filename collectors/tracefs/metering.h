/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_METERING_H
#define CCAIO_COLLECTORS_TRACEFS_METERING_H

#include <stdbool.h>
#include <stdint.h>

#include "collectors/tracefs/instance.h"

struct meter;
struct state;
struct tracing;

/*
 * metering - the kernel sums up what bouncing costs: probes at the entry and the return of
 * swiotlb_bounce() and at the entry of swiotlb_tbl_map_single(), with histograms as their
 * triggers.  swiotlb_find_slots(), the search alone, is inlined in Debian's kernels.
 *
 * In an instance of its own, "ccaio-meter-<pid>": a histogram that measures time makes the
 * kernel write longer time stamps there, and its triggers are nothing that is recorded.  A
 * variable of a histogram can be no value of one, so a synthetic event carries times from the
 * return to a histogram by device.
 */
struct metering {
	struct instance instance;
	const char *group; /* of the run's dynamic events; borrowed */
	const struct tracing *tracing;
	char *trouble;	     /* why it does not measure, or not all */
	bool counts, copies; /* it counts copies; it takes their times */
	bool searches;	     /* it takes the times of searches for slots */
	uint64_t missed;     /* before the window */
	uint64_t busy_ns;    /* before the window */
	struct meter *meter; /* what was read at the end */
};

#define METERING_INIT               \
	{                           \
		.instance.hold = -1 \
	}

/*
 * Arm it, noting in state what must be undone.  What this kernel cannot do is said in trouble and
 * left out.  Release in any case; tracing and group must live until then.
 */
void metering_open(struct metering *m, const struct tracing *tracing, struct state *state,
		   const char *group);

/* Begin anew, right before the window opens. */
void metering_begin(struct metering *m);
/* Read it, right after the window closed. */
void metering_end(struct metering *m);

/* What was read, which the caller frees; NULL: nothing was asked for. */
struct meter *metering_describe(struct metering *m);

/* Remove the instance; the group's events are left to probes_remove().  Returns 0 or -errno. */
int metering_close(struct metering *m);

/* Can this kernel do it, as far as can be told without trying? */
bool metering_possible(const struct tracing *tracing);

/*
 * The triggers of an instance of this name, which hold it, are removed.  Nothing is done to an
 * instance that is not there.
 */
#define METERING_INSTANCE "ccaio-meter-" /* and the process's number */
void metering_clear_triggers(const char *instance, const char *group);

/* The histograms' texts as the meter's numbers; any may be NULL. */
void metering_parse(struct meter *meter, const char *copies, const char *copy_times,
		    const char *search_times);

/* CPU time that no CPU idled since boot, from the text of /proc/stat; 0 where it does not tell. */
uint64_t metering_busy_ns(const char *stat, long ticks_per_second);

#endif
