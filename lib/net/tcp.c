/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/tcp.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/net/flow.h"

struct tcp_waiting {
	uint64_t offset;
	uint64_t len; /* on the wire */
	uint64_t cap; /* captured */
	uint8_t *data;
};

void tcp_half_release(struct tcp_half *half)
{
	for (size_t i = 0; i < half->nwaiting; i++)
		free(half->waiting[i].data);
	free(half->waiting);
	extents_release(&half->seen);
	memset(half, 0, sizeof(*half));
}

bool tcp_half_is_finished(const struct tcp_half *half)
{
	return half->fin && half->next >= half->fin_offset;
}

/* Distance of a sequence number from the next byte expected, modulo 2^32. */
static int64_t ahead(const struct tcp_half *half, uint32_t seq)
{
	return (int32_t)(seq - (half->first_seq + (uint32_t)half->next));
}

/*
 * Deliver [offset, offset + len), skipping what was delivered or given up already;
 * data is not NULL when cap > 0.
 */
static void deliver_part(struct tcp_half *half, uint64_t offset, const uint8_t *data, uint64_t cap,
			 uint64_t len, uint64_t ts_ns, tcp_deliver_fn *deliver, void *ctx)
{
	uint64_t skip = half->next > offset ? half->next - offset : 0;

	if (skip >= len)
		return;
	if (cap > skip)
		deliver(ctx, offset + skip, ts_ns, data + skip, cap - skip);
	if (len > cap) {
		uint64_t from = cap > skip ? cap : skip;

		deliver(ctx, offset + from, ts_ns, NULL, len - from);
	}
	half->next = offset + len;
}

/* Deliver the piece of a segment at offset whose turn it is, without a copy. */
static void deliver_piece(struct tcp_half *half, uint64_t offset, const struct segment *s,
			  const struct extent *piece, uint64_t ts_ns, tcp_deliver_fn *deliver,
			  void *ctx)
{
	uint64_t skip = piece->start - offset, len = piece->end - piece->start;
	uint64_t cap = s->payload_cap > skip ? s->payload_cap - skip : 0;

	deliver_part(half, piece->start, cap ? s->payload + skip : NULL, cap < len ? cap : len, len,
		     ts_ns, deliver, ctx);
}

static void skip_to(struct tcp_half *half, uint64_t offset, uint64_t ts_ns, tcp_deliver_fn *deliver,
		    void *ctx)
{
	uint64_t hole = offset - half->next;

	half->lost += hole;
	extents_add(&half->seen, half->next, offset, NULL);
	deliver(ctx, half->next, ts_ns, NULL, hole);
	half->next = offset;
}

/* Deliver what waits and is in order now; with give_up also what is behind holes before limit. */
static void drain(struct tcp_half *half, bool give_up, uint64_t limit, uint64_t ts_ns,
		  tcp_deliver_fn *deliver, void *ctx)
{
	size_t done = 0;

	while (done < half->nwaiting) {
		struct tcp_waiting *w = &half->waiting[done];

		if (w->offset > half->next) {
			if (!give_up || w->offset > limit)
				break;
			skip_to(half, w->offset, ts_ns, deliver, ctx);
		}
		deliver_part(half, w->offset, w->data, w->cap, w->len, ts_ns, deliver, ctx);
		half->waiting_bytes -= w->len;
		free(w->data);
		done++;
	}
	if (done == 0)
		return;
	half->nwaiting -= done;
	memmove(half->waiting, half->waiting + done, half->nwaiting * sizeof(*half->waiting));
}

/* Keep one piece of a segment, [piece->start, piece->end), until it is its turn. */
static void wait_for_turn(struct tcp_half *half, uint64_t offset, const struct segment *s,
			  const struct extent *piece)
{
	struct tcp_waiting w = { .offset = piece->start, .len = piece->end - piece->start };
	uint64_t skip = piece->start - offset;
	size_t i;

	if (s->payload_cap > skip) {
		w.cap = s->payload_cap - skip < w.len ? s->payload_cap - skip : w.len;
		w.data = xcalloc(1, w.cap);
		memcpy(w.data, s->payload + skip, w.cap);
	}
	XGROW(half->waiting, half->nwaiting, half->cap_waiting);
	for (i = half->nwaiting; i > 0 && half->waiting[i - 1].offset > piece->start; i--)
		half->waiting[i] = half->waiting[i - 1];
	half->waiting[i] = w;
	half->nwaiting++;
	half->waiting_bytes += w.len;
}

static void synchronise(struct tcp_half *half, const struct segment *s)
{
	half->first_seq = s->seq + (s->flags & FLOW_SYN ? 1 : 0);
	half->synced = true;
}

int64_t tcp_half_segment(struct tcp_half *half, const struct segment *s, uint64_t ts_ns,
			 uint64_t *offset, struct extent *fresh, tcp_deliver_fn *deliver, void *ctx)
{
	uint32_t seq = s->seq + (s->flags & FLOW_SYN ? 1 : 0);
	struct extent piece;
	uint64_t added;
	int64_t delta;

	*offset = half->next;
	*fresh = (struct extent){ half->next, half->next };
	if (!half->synced) {
		/* a pure ACK in the middle of a connection says where the next byte will be */
		synchronise(half, s);
	}
	delta = ahead(half, seq);
	if (delta > TCP_WINDOW || delta < -(int64_t)TCP_WINDOW || delta + (int64_t)half->next < 0) {
		/* a keep-alive probe sits one byte before the stream's beginning */
		if (s->payload_len > 1 || delta != -1)
			half->strange++;
		return -1;
	}
	*offset = half->next + (uint64_t)delta;
	if (s->flags & FLOW_FIN && !half->fin) {
		half->fin = true;
		half->fin_offset = *offset + s->payload_len;
	}
	*fresh = (struct extent){ *offset, *offset };
	if (s->payload_len == 0)
		return 0;
	/* only what nobody said before: of two versions of a byte the first one counts */
	for (uint64_t at = *offset, to = at + s->payload_len;
	     extents_next_hole(&half->seen, at, to, &piece); at = piece.end) {
		if (piece.start == half->next && half->nwaiting == 0)
			deliver_piece(half, *offset, s, &piece, ts_ns, deliver, ctx);
		else
			wait_for_turn(half, *offset, s, &piece);
	}
	added = extents_add(&half->seen, *offset, *offset + s->payload_len, fresh);
	half->payload += added;
	half->retransmitted += s->payload_len - added;
	drain(half, false, 0, ts_ns, deliver, ctx);
	if (half->waiting_bytes > TCP_WAITING || half->nwaiting > TCP_SEGMENTS)
		drain(half, true, half->waiting[0].offset, ts_ns, deliver, ctx);
	return (int64_t)added;
}

void tcp_half_acked(struct tcp_half *half, uint32_t ack, uint64_t ts_ns, tcp_deliver_fn *deliver,
		    void *ctx)
{
	uint64_t upto;
	int64_t delta;

	if (!half->synced)
		return;
	delta = ahead(half, ack);
	if (delta <= 0 || delta > TCP_WINDOW)
		return;
	upto = half->next + (uint64_t)delta;
	if (half->fin && upto > half->fin_offset)
		upto = half->fin_offset; /* the FIN takes a number, too */
	drain(half, true, upto, ts_ns, deliver, ctx);
	/* the last number may be a FIN that was not captured: one byte more decides nothing */
	if (upto > half->next + 1)
		skip_to(half, upto, ts_ns, deliver, ctx);
}

void tcp_half_flush(struct tcp_half *half, uint64_t ts_ns, tcp_deliver_fn *deliver, void *ctx)
{
	drain(half, true, UINT64_MAX, ts_ns, deliver, ctx);
}
