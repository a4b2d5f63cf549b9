/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_CORRELATE_PASSING_H
#define CCAIO_LIB_CORRELATE_PASSING_H

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct conn_state;
struct correlate;
struct exchange_conn;
struct flow_key;

/*
 * passing - connections that are not listed (lib/exchange/unlisted.h), while they last.
 *
 * One is here from its first packet until it ended, its packets have met their events, and its
 * socket was closed, or PASSING_LINGER_NS have passed since.  Then its bytes are added to totals,
 * shares and sums, and it leaves.
 */
#define PASSING_LINGER_NS UINT64_C(10000000000)

struct passing_conns;

struct passing_conns *passing_conns_new(void);
void passing_conns_free(struct passing_conns *p); /* accepts NULL; whoever is there is forgotten */

/* A connection's first packet, and no packet of it comes any more. */
void passing_opened(struct correlate *c, const struct conn *conn);
void passing_released(struct correlate *c, const struct conn *conn);
/* One of its packets waits for its events, or does no longer. */
void passing_waits(struct correlate *c, uint32_t id, bool waits);
/* Its socket was closed. */
void passing_closed(struct correlate *c, uint32_t id);
/* Events have come so far: let go who has lingered. */
void passing_now(struct correlate *c, uint64_t ts_ns);
/* All is over: let everybody go. */
void passing_end(struct correlate *c);

/* NULL: not there. */
struct exchange_conn *passing_conn(const struct correlate *c, uint32_t id, struct conn_state **s);
/* The oldest without a socket that has these addresses; NO_INDEX none. */
uint32_t passing_find(const struct correlate *c, const struct flow_key *key);

#endif
