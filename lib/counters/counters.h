/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COUNTERS_COUNTERS_H
#define CCAIO_LIB_COUNTERS_COUNTERS_H

#include <stddef.h>

struct event;
struct names;
struct platform;

/*
 * counters - do the devices' own counters agree with the events, where nobody looks at exchanges?
 *
 * What lib/correlate/correlate.h does among others for a bundle, for a bare trace.dat with facts.
 */
struct counters;

/* Both are borrowed.  NULL where platform is, or tells of no counters. */
struct counters *counters_new(const struct names *names, const struct platform *platform);

/* All events of the run, in order; c may be NULL, here and below. */
void counters_feed(struct counters *c, const struct event *events, size_t count);

/* The first equation that does not hold, one sentence (caller frees); NULL: none. */
char *counters_broken(const struct counters *c);
void counters_free(struct counters *c);

#endif
