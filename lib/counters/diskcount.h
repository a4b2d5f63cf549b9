/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COUNTERS_DISKCOUNT_H
#define CCAIO_LIB_COUNTERS_DISKCOUNT_H

struct event;
struct exchanges;
struct names;
struct platform;

/*
 * diskcount - do the disks' own counters agree with the block events?
 *
 * The kernel counts the sectors of a request when it tells that it completed them (Linux
 * block/blk-mq.c, blk_update_request).  The counters are read between two EVENT_MARK_COUNT at
 * either end of the run, so that what completed between the two looks must have been counted, and
 * nothing can have been counted that completed neither between them nor during one.  A
 * request that was on its way at a look (its in_flight) may have been reported before and
 * counted after it: it is allowed for with the size of the largest one of that disk.
 *
 * Data that virtio-blk read or wrote was mapped for its device first, so no more of it can have
 * been counted than was mapped since the first look began, but for what was on its way then.
 */
struct diskcount;

/* platform may be NULL.  All are borrowed.  Free it with free(). */
struct diskcount *diskcount_new(const struct names *names, const struct platform *platform);

/* EVENT_BLK_COMPLETE, EVENT_MAP and EVENT_MARK of this run, in order; ignores all others. */
void diskcount_event(struct diskcount *d, const struct event *event);

/* Adds the equations to x->sums.list, and a note where they cannot be made. */
void diskcount_result(const struct diskcount *d, struct exchanges *x);

#endif
