/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_BEFORE_H
#define CCAIO_LIB_JUDGE_BEFORE_H

#include <stdbool.h>
#include <stdint.h>

struct event;
struct judge;
struct stream_info;

/*
 * before - was recording off for a moment between boot and the window?
 *
 * In an instance that was armed at boot nobody watches the control files until ccaio comes.  Two
 * things show it then: what the kernel's memory holds when the window opens (audit.c: slots,
 * rings), and the counters of disks and interfaces, which count since boot.  Data that a device
 * read or wrote was mapped for it first, so no more of it can have been counted than was mapped
 * until the counters were read, between the first two EVENT_MARK_COUNT.
 */
struct before {
	unsigned int counts;	    /* EVENT_MARK_COUNT of this run */
	uint64_t silence_ns, at_ns; /* the longest silence before the window, and when it began */
	uint64_t begun_ns, last_ns; /* of the first event and of the last one */
	char *why;		    /* what counters show; NULL: nothing */
};

/* Before the judge takes the event. */
void before_event(struct judge *j, const struct event *ev);

/* What is missing, one sentence; NULL: nothing is known to be. */
const char *before_gap(const struct judge *j);

#endif
