/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_NET_TCP_H
#define CCAIO_LIB_NET_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/extents.h"

struct segment;

/*
 * tcp - one direction of a TCP connection put back in order.
 *
 * Bytes are known by their offset in the stream: 0 is the first payload byte
 * after the SYN, or the first one captured.  Each byte is delivered once, in
 * order; what the capture lost, or cut off, is delivered as a hole.  The first
 * copy of a byte counts: a retransmission that says something else is ignored.
 * Segments that came too early wait, TCP_WAITING bytes and TCP_SEGMENTS of them
 * at most; then the hole before them is given up.
 */
#define TCP_WAITING (1u << 20)
#define TCP_SEGMENTS 512
#define TCP_WINDOW (64u << 20) /* farther ahead than this is no data of the connection */

/* data NULL: len bytes were on the wire, but not captured. */
typedef void tcp_deliver_fn(void *ctx, uint64_t offset, uint64_t ts_ns, const uint8_t *data,
			    uint64_t len);

struct tcp_half {
	uint32_t first_seq; /* sequence number of offset 0 */
	bool synced;	    /* first_seq is known */
	bool fin;	    /* the end of the stream is known: */
	uint64_t fin_offset;
	uint64_t next; /* offset of the next byte to deliver */
	struct extents seen;
	struct tcp_waiting *waiting; /* sorted by offset */
	size_t nwaiting, cap_waiting;
	uint64_t waiting_bytes;
	/* counters */
	uint64_t payload;	/* distinct bytes seen on the wire */
	uint64_t retransmitted; /* bytes seen again */
	uint64_t lost;		/* bytes that must have been there but were never seen */
	uint64_t strange;	/* segments outside the window: ignored */
};

void tcp_half_release(struct tcp_half *half);

/*
 * Take one segment.  *offset gets its place in the stream, fresh the part of it
 * that was not seen before (see extents_add).  Returns the new bytes, -1 when
 * the segment lies outside the window and was ignored.
 */
int64_t tcp_half_segment(struct tcp_half *half, const struct segment *segment, uint64_t ts_ns,
			 uint64_t *offset, struct extent *fresh, tcp_deliver_fn *deliver,
			 void *ctx);

/* The peer acknowledged up to ack: what is missing before it will not come any more. */
void tcp_half_acked(struct tcp_half *half, uint32_t ack, uint64_t ts_ns, tcp_deliver_fn *deliver,
		    void *ctx);

/* The connection is over: deliver what waits. */
void tcp_half_flush(struct tcp_half *half, uint64_t ts_ns, tcp_deliver_fn *deliver, void *ctx);

/* All bytes up to the FIN were delivered. */
bool tcp_half_is_finished(const struct tcp_half *half);

#endif
