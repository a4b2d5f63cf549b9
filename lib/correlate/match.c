/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/correlate/match.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/exchange/exchange.h"

#define LOOK 4096	/* how many that wait are looked at for one of a known connection */
#define LOOK_UNKNOWN 64 /* … where only size and order can tell */

struct waiting_packet {
	struct match_packet packet;
	bool done;
};

struct waiting_packet_dma {
	struct packet_dma packet_dma; /* its dma is owned here */
	bool done;
};

/* Rings; a place that is done is skipped until it is the oldest. */
struct match_queue {
	struct match_ops ops;
	void *ctx;
	size_t max;
	struct waiting_packet *packets;
	size_t first_packet, npackets, cap_packets;
	struct waiting_packet_dma *packet_dmas;
	size_t first_packet_dma, npacket_dmas, cap_packet_dmas;
};

struct match_queue *match_new(size_t max, const struct match_ops *ops, void *ctx)
{
	struct match_queue *queue = xcalloc(1, sizeof(*queue));

	queue->ops = *ops;
	queue->ctx = ctx;
	queue->max = max;
	return queue;
}

static struct waiting_packet *packet_at(struct match_queue *queue, size_t i)
{
	return &queue->packets[(queue->first_packet + i) % queue->cap_packets];
}

static struct waiting_packet_dma *packet_dma_at(struct match_queue *queue, size_t i)
{
	return &queue->packet_dmas[(queue->first_packet_dma + i) % queue->cap_packet_dmas];
}

static void pop_packets(struct match_queue *queue, bool oldest)
{
	while (queue->npackets && (oldest || packet_at(queue, 0)->done)) {
		struct waiting_packet *w = packet_at(queue, 0);

		if (!w->done)
			queue->ops.lone_packet(queue->ctx, &w->packet);
		oldest = false;
		queue->first_packet = (queue->first_packet + 1) % queue->cap_packets;
		queue->npackets--;
	}
}

static void pop_packet_dmas(struct match_queue *queue, bool oldest)
{
	while (queue->npacket_dmas && (oldest || packet_dma_at(queue, 0)->done)) {
		struct waiting_packet_dma *w = packet_dma_at(queue, 0);

		if (!w->done)
			queue->ops.lone_packet_dma(queue->ctx, &w->packet_dma);
		free(w->packet_dma.dma);
		oldest = false;
		queue->first_packet_dma = (queue->first_packet_dma + 1) % queue->cap_packet_dmas;
		queue->npacket_dmas--;
	}
}

/*
 * Are these events of that packet?  A known socket decides by its addresses; a
 * connection without a known socket, or a packet without payload, may be anybody's.
 */
static bool fits(const struct packet_dma *c, const struct match_packet *p)
{
	if (c->frame != p->frame)
		return false;
	return !c->key_known || (p->conn != MATCH_NO_CONN && flow_key_equal(&c->key, &p->key));
}

static unsigned int grade_of(const struct packet_dma *c, bool skipped)
{
	return c->key_known && !skipped ? GRADE_EXACT : GRADE_SIZED;
}

/* Of the same connection and with payload: passing over such a one costs certainty. */
static bool is_rival(const struct packet_dma *c, const struct match_packet *p)
{
	return c->key_known && p->len && p->conn != MATCH_NO_CONN &&
	       flow_key_equal(&c->key, &p->key);
}

void match_packet(struct match_queue *queue, const struct match_packet *packet)
{
	bool skipped = false;
	size_t looked = 0;

	for (size_t i = 0; i < queue->npacket_dmas && looked < LOOK; i++) {
		struct waiting_packet_dma *w = packet_dma_at(queue, i);

		if (w->done)
			continue;
		looked++;
		if (!w->packet_dma.key_known && looked > LOOK_UNKNOWN)
			continue;
		if (!fits(&w->packet_dma, packet)) {
			skipped |= is_rival(&w->packet_dma, packet) && w->packet_dma.frame > 60;
			continue;
		}
		queue->ops.matched(queue->ctx, packet, &w->packet_dma,
				   grade_of(&w->packet_dma, skipped));
		w->done = true;
		pop_packet_dmas(queue, false);
		return;
	}
	if (queue->npackets == queue->max)
		pop_packets(queue, true);
	if (queue->npackets == queue->cap_packets) {
		size_t cap = queue->cap_packets ? 2 * queue->cap_packets : 64;
		struct waiting_packet *grown = xcalloc(cap, sizeof(*grown));

		for (size_t i = 0; i < queue->npackets; i++)
			grown[i] = *packet_at(queue, i);
		free(queue->packets);
		queue->packets = grown;
		queue->cap_packets = cap;
		queue->first_packet = 0;
	}
	queue->npackets++;
	*packet_at(queue, queue->npackets - 1) = (struct waiting_packet){ *packet, false };
}

static void keep_packet_dma(struct match_queue *queue, const struct packet_dma *packet_dma)
{
	struct waiting_packet_dma *w;

	if (queue->npacket_dmas == queue->max)
		pop_packet_dmas(queue, true);
	if (queue->npacket_dmas == queue->cap_packet_dmas) {
		size_t cap = queue->cap_packet_dmas ? 2 * queue->cap_packet_dmas : 64;
		struct waiting_packet_dma *grown = xcalloc(cap, sizeof(*grown));

		for (size_t i = 0; i < queue->npacket_dmas; i++)
			grown[i] = *packet_dma_at(queue, i);
		free(queue->packet_dmas);
		queue->packet_dmas = grown;
		queue->cap_packet_dmas = cap;
		queue->first_packet_dma = 0;
	}
	queue->npacket_dmas++;
	w = packet_dma_at(queue, queue->npacket_dmas - 1);
	w->done = false;
	w->packet_dma = *packet_dma;
	w->packet_dma.dma = NULL;
	if (packet_dma->ndma) {
		w->packet_dma.dma = xcalloc(packet_dma->ndma, sizeof(*packet_dma->dma));
		memcpy(w->packet_dma.dma, packet_dma->dma,
		       packet_dma->ndma * sizeof(*packet_dma->dma));
	}
}

void match_packet_dma(struct match_queue *queue, const struct packet_dma *packet_dma)
{
	size_t look = packet_dma->key_known ? LOOK : LOOK_UNKNOWN, looked = 0;
	bool skipped = false;

	for (size_t i = 0; i < queue->npackets && looked < look; i++) {
		struct waiting_packet *w = packet_at(queue, i);

		if (w->done)
			continue;
		looked++;
		if (!fits(packet_dma, &w->packet)) {
			skipped |= is_rival(packet_dma, &w->packet);
			continue;
		}
		queue->ops.matched(queue->ctx, &w->packet, packet_dma,
				   grade_of(packet_dma, skipped));
		w->done = true;
		pop_packets(queue, false);
		return;
	}
	keep_packet_dma(queue, packet_dma);
}

void match_free(struct match_queue *queue)
{
	if (!queue)
		return;
	while (queue->npackets)
		pop_packets(queue, true);
	while (queue->npacket_dmas)
		pop_packet_dmas(queue, true);
	free(queue->packets);
	free(queue->packet_dmas);
	free(queue);
}
