/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_COVERAGE_COVERAGE_H
#define CCAIO_LIB_JUDGE_COVERAGE_COVERAGE_H

#include "lib/judge/state.h"

/*
 * coverage - what the evidence must be before the absence of a counterexample
 * means anything.
 *
 * One function per condition, listed in coverage.c.  It looks at the stream that
 * ended, its source and the facts, and says how the condition stands; one that
 * says nothing leaves it unmet.
 */
typedef void coverage_fn(const struct judge *j, const struct stream_info *info,
			 struct cond_verdict *cond);

/* coverage-events.c */
coverage_fn coverage_events_armed, coverage_not_truncated;
/* coverage-loss.c */
coverage_fn coverage_nothing_lost, coverage_conserved;
/* coverage-window.c */
coverage_fn coverage_window_marked, coverage_canary_seen, coverage_baseline;
/* coverage-devices.c */
coverage_fn coverage_devices_known;
/* coverage-machine.c */
coverage_fn coverage_pool_known, coverage_environment_stable;
/* consistency.c */
coverage_fn coverage_facts_consistent;

/* An active virtio device whose rings the stream does not show allocated, or NULL. */
const struct platform_virtio *coverage_ring_never_seen(const struct judge *j);
/* Do the facts list a device whose DMA events carry this name? */
bool coverage_is_listed(const struct judge *j, const char *name);

/* How a condition stands, with the reason; what was said before is replaced. */
void cond_met(struct cond_verdict *cond, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void cond_not_applicable(struct cond_verdict *cond, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* remedy: what would meet it */
void cond_unmet(struct cond_verdict *cond, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
