/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_NET_CONN_H
#define CCAIO_LIB_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/flow.h"
#include "lib/net/tcp.h"

/*
 * conn - the TCP connections in a stream of packets.
 *
 * Connections are numbered in the order of their first packet.  Headers alone
 * decide about numbers and stream offsets, so that the packets of a run and the
 * same packets without their payload give the same ones.  At most CONN_MAX
 * live connections are kept, then the one idle for longest is closed; and CONN_OVER that have
 * ended, for what still comes of them.
 */
#define CONN_MAX 16384
#define CONN_OVER 4096

enum conn_end {
	CONN_OPEN = 0, /* still open when the capture ended, or forgotten */
	CONN_FINISHED, /* both sides said FIN */
	CONN_RESET,
	CONN_REFUSED, /* a RST answered the SYN */
};

struct conn {
	uint32_t id; /* 0, 1, … */
	struct flow_addr local, remote;
	uint16_t iface;
	bool server;	     /* the remote side opened it */
	bool from_start;     /* the SYN was seen */
	enum conn_end end;   /* so far */
	uint64_t opened_ns;  /* first packet */
	uint64_t last_ns;    /* last packet */
	uint64_t packets[2]; /* by enum flow_dir */
	uint64_t frame_bytes[2];
	struct tcp_half half[2]; /* by enum flow_dir */
	bool over;		 /* closed() was called */
	bool reset;		 /* a RST ended it: what comes after it is nobody's */
	void *user;		 /* for the caller; NULL at first */
};

struct conn_ops {
	void (*opened)(void *ctx, struct conn *conn);
	/* In order, each byte once; data NULL: not captured. */
	void (*data)(void *ctx, struct conn *conn, enum flow_dir dir, uint64_t offset,
		     uint64_t ts_ns, const uint8_t *data, uint64_t len);
	/* The connection ended, or is forgotten.  Last call for it but for released. */
	void (*closed)(void *ctx, struct conn *conn, uint64_t ts_ns);
	/* conn is about to be freed. */
	void (*released)(void *ctx, struct conn *conn);
};

/* Where one segment belongs. */
struct conn_segment {
	struct conn *conn;
	enum flow_dir dir;
	struct segment segment;
	uint64_t offset;     /* in the stream of that direction */
	struct extent fresh; /* the part that was not seen before */
	uint64_t fresh_bytes;
	bool strange; /* outside the window: offset means nothing */
};

struct conn_table;

/* Any of ops' functions may be NULL.  ops is copied. */
struct conn_table *conn_table_new(const struct conn_ops *ops, void *ctx);

/* Ends all connections (closed, released).  Accepts NULL. */
void conn_table_free(struct conn_table *table);

/*
 * Take one packet.  False when it is no TCP.  out may be NULL; out->conn stays
 * valid until the next call.  A packet of unknown direction: whoever sent the
 * first SYN is local.
 */
bool conn_table_packet(struct conn_table *table, const struct packet *packet,
		       struct conn_segment *out);

#endif
