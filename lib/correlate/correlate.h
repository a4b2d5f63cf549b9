/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_CORRELATE_CORRELATE_H
#define CCAIO_LIB_CORRELATE_CORRELATE_H

#include <stdint.h>

struct event;
struct exchanges;
struct names;
struct packet;
struct platform;

/*
 * correlate - from exchanges to the processes that made them and the buffers that carried them.
 *
 * Works on what lib/exchange/traffic.h made of a run's packets (exchanges), on the same
 * packets again (their headers are enough) and on the kernel's events:
 *
 *   process → socket     inet_sock_set_state and the calls, fork, exit      exact
 *   socket → packet      skb pointer (tcp events), then 5-tuple and order   exact, nested
 *   packet → transfer    lib/correlate/carry/carry.h                                        nested,
 * sized
 *
 * A packet and the event of its passing are matched by connection (where the
 * event's socket is known) or interface, by frame size, and by order; not by
 * time.  Feed packets and events in their own order each; a packet should
 * not be much later than its event (CORRELATE_AHEAD_NS is a good lead).  What finds
 * no partner among CORRELATE_WAITING others is given up and counted.
 *
 * Where the platform knows the run's nonce, only what happens between its markers
 * is attributed and summed up; what came before teaches about sockets and devices.
 */
#define CORRELATE_WAITING 65536
#define CORRELATE_AHEAD_NS 200000000

struct correlate;

/*
 * All are borrowed until correlate_finish; x may be empty (nothing was captured), platform
 * may be NULL.  names holds the names of events and of packets' interfaces.
 */
struct correlate *correlate_new(struct exchanges *x, const struct names *names,
				const struct platform *platform);
void correlate_packet(struct correlate *c, const struct packet *packet);
void correlate_event(struct correlate *c, const struct event *event);

/* Completes exchanges (grades, totals, UNATTRIBUTED, conservation) and frees c. */
void correlate_finish(struct correlate *c);

#endif
