/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_PROBES_H
#define CCAIO_COLLECTORS_TRACEFS_PROBES_H

#include <stdbool.h>

struct arming;
struct types;
struct instance;
struct tracing;

/*
 * probes - ccaio's own dynamic events: what no tracepoint of the kernel reports.
 *
 * Names and fields are those of collectors/decode/probe-names.h, the group is this run's own
 * ("ccaio_<pid>"): dynamic events are global, and two runs must not share one.
 */

/*
 * Create and switch on, in this instance, each probe that the kernel accepts in one of its
 * forms; the others are noted in arming with the kernel's words.  types: the kernel's, where
 * somebody has loaded them already; else NULL.
 */
void probes_arm(const struct tracing *tracing, const struct instance *instance, const char *group,
		struct types *types, struct arming *arming);

/*
 * How often a probe that stands in for a dma event was hit without being able to
 * record it (too many returns outstanding, a probe within a probe).
 */
unsigned long long probes_missed(const struct tracing *tracing);

/*
 * What the kernel counts itself of the probes that are asked for, whether it records them or not:
 * from the text of kprobe_profile, lines "name hits misses".  Accepts NULL.
 */
struct probes_profile {
	unsigned long long hits, misses;
};
struct probes_profile probes_profile(const char *text, bool (*is_asked)(const char *name));

/* The same as probes_missed() from such a text. */
unsigned long long probes_parse_missed(const char *profile);

/*
 * Remove every dynamic event of the group.  They must be off.  Returns 0, or -errno of the last one
 * that could not be removed.
 */
int probes_remove(const char *group);

#endif
