/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COUNTERS_NETCOUNT_H
#define CCAIO_LIB_COUNTERS_NETCOUNT_H

#include <stdbool.h>

struct event;
struct exchanges;
struct names;
struct platform;

/*
 * netcount - do the network devices' own counters agree with the packets that events show of?
 *
 * virtio-net counts a frame as sent when it takes it back from the device, after its memory was
 * unmapped, and all that one poll took back at once (Linux drivers/net/virtio_net.c,
 * free_old_xmit); a frame as received when the poll that handed it to GRO is over, 64 of them at
 * most (virtnet_receive).  Both run with softirqs off.  So a frame whose unmap, or whose
 * napi_gro_receive_entry, is reported has surely been counted once its CPU reports something
 * that cannot happen within such a poll.
 *
 * The counters are read between two EVENT_MARK_COUNT at either end of the run.  What was reported
 * and surely counted between the two looks must be in the difference.  What was reported until the
 * end of the last look may be in it, but for what was surely counted before the first.  Where these
 * are the same the numbers must be equal.
 */
struct netcount;

/* platform may be NULL.  All are borrowed. */
struct netcount *netcount_new(const struct names *names, const struct platform *platform);
void netcount_free(struct netcount *n); /* accepts NULL */

/* All events of this run, in order. */
void netcount_event(struct netcount *n, const struct event *event);

/* Adds the equations to x->sums.list, and a note where they cannot be made. */
void netcount_result(const struct netcount *n, struct exchanges *x);

/* Were this interface's counters compared in this direction (enum flow_dir)? */
bool netcount_compared(const struct netcount *n, const char *iface, int dir);

#endif
