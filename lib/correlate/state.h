/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_CORRELATE_STATE_H
#define CCAIO_LIB_CORRELATE_STATE_H

/* What correlate.c and correlate-result.c share. */
#include "lib/correlate/carry/carry.h"
#include "lib/correlate/correlate.h"
#include "lib/correlate/disk/blockio.h"
#include "lib/correlate/match.h"
#include "lib/counters/diskcount.h"
#include "lib/counters/netcount.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/owners.h"
#include "lib/net/conn.h"

#define CORRELATE_IFACES 64
#define CORRELATE_SUMS 512
#define NO_INDEX UINT32_MAX

/* What the correlator keeps about one of exchanges.conns. */
struct conn_state {
	struct flow_key key;
	uint32_t next;	    /* in its bucket */
	uint32_t first_row; /* in the order of the stream */
	uint32_t row[2];    /* by enum flow_dir: the one that its last packet held, or the first */
	bool bound;	    /* to a socket */
	uint64_t socket;
	bool finished[2]; /* by enum flow_dir: its FIN was captured */
	uint16_t device;  /* names id that carried it last */
	uint64_t dma_bytes[2], transfers[2];
};

struct unattributed_sum {
	uint16_t device;
	uint8_t dir;
	const char *why;
	bool not_tcp;
	bool early; /* before the program that ccaio launched began */
	uint64_t transfers, bytes;
};

/* All streaming DMA of one device, counted event by event. */
struct device_sum {
	uint64_t mapped, synced, unmapped; /* bytes: sent; received */
	uint64_t nmapped, nsynced, nunmapped;
	uint64_t mapped_in, nmapped_in; /* given for the device to write */
	bool by_program;		/* a task of the program mapped any of it */
	int64_t balance, lowest;	/* maps for sending less their unmaps */
	uint64_t carried[2];		/* of it, of known packets */
	uint64_t frames[2], wire[2];
	uint64_t frame_bytes; /* of packets with known transfers, sent */
	uint64_t frame_dma;   /* of the same: mapped bytes, without descriptor tables */
};

struct correlate {
	struct exchanges *x;
	const struct names *names;
	const struct platform *platform;
	struct owners *owners;
	struct carry *carry;
	struct blockio *blockio;
	struct diskcount *diskcount;
	struct netcount *netcount;
	struct conn_table *packets;
	struct conn_state *conns;
	struct passing_conns *passing; /* NULL: all connections are listed */
	uint32_t *row_next;	       /* next row of the same connection */
	uint32_t *buckets;
	size_t nbuckets;
	struct {
		uint16_t iface;
		struct match_queue *queues[2];
	} ifaces[CORRELATE_IFACES];
	size_t nifaces;
	struct device_sum *sums; /* by names id */
	size_t nsums;
	struct unattributed_sum unattributed[CORRELATE_SUMS];
	size_t nunattributed;
	bool events_seen;
	bool have_transfers;	    /* some packet's are known */
	uint64_t nonce;		    /* of the run; 0: everything is the window */
	uint64_t unplaced;	    /* sent by TCP on sockets whose addresses are not known */
	uint64_t began_ns;	    /* first exec of the program; 0 not seen */
	uint64_t start_ns, stop_ns; /* the window; UINT64_MAX: not seen yet */
};

/* Of a device that need not have been seen yet; good until the next call. */
struct device_sum *correlate_sum(struct correlate *c, uint16_t device);

/* Makes the connections of exchanges.json known by their addresses. */
void correlate_index(struct correlate *c);
/* The connection of this number; NULL: it was left out, or is over. */
struct exchange_conn *correlate_conn(const struct correlate *c, uint32_t id, struct conn_state **s);
/* What an event said of a socket, to its connection. */
void correlate_bind(struct correlate *c, struct owner_socket *s);

void correlate_result(struct correlate *c);
/* A connection that is not listed is over: its totals, shares and sums. */
void correlate_conn_over(struct correlate *c, const struct exchange_conn *conn,
			 const struct conn_state *s);

/* An event of the window, and the socket that it is about (may be NULL). */
void correlate_call(struct correlate *c, const struct event *e, struct owner_socket *s);
/* Completes x->program.unseen_bytes. */
void correlate_unplaced(struct correlate *c);

/* Do the events show what the program sent and received by any socket? */
bool correlate_calls_known(const struct correlate *c);
/* Fills x->program.alive. */
void correlate_alive(struct correlate *c);
/* Fills x->result.nothing_else and x->result.other_traffic. */
void correlate_other_traffic(struct correlate *c);

#endif
