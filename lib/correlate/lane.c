/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/correlate/lane.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/exchange/exchange.h"

#define LOOK 4096	/* how many that wait are looked at for one of a known connection */
#define LOOK_UNKNOWN 64 /* … where only size and order can tell */

struct waiting_packet {
	struct lane_packet packet;
	bool done;
};

struct waiting_carriage {
	struct carriage carriage; /* its dma is owned here */
	bool done;
};

/* Rings; a place that is done is skipped until it is the oldest. */
struct lane {
	struct lane_ops ops;
	void *ctx;
	size_t max;
	struct waiting_packet *packets;
	size_t first_packet, npackets, cap_packets;
	struct waiting_carriage *carriages;
	size_t first_carriage, ncarriages, cap_carriages;
};

struct lane *lane_new(size_t max, const struct lane_ops *ops, void *ctx)
{
	struct lane *lane = xcalloc(1, sizeof(*lane));

	lane->ops = *ops;
	lane->ctx = ctx;
	lane->max = max;
	return lane;
}

static struct waiting_packet *packet_at(struct lane *lane, size_t i)
{
	return &lane->packets[(lane->first_packet + i) % lane->cap_packets];
}

static struct waiting_carriage *carriage_at(struct lane *lane, size_t i)
{
	return &lane->carriages[(lane->first_carriage + i) % lane->cap_carriages];
}

static void pop_packets(struct lane *lane, bool oldest)
{
	while (lane->npackets && (oldest || packet_at(lane, 0)->done)) {
		struct waiting_packet *w = packet_at(lane, 0);

		if (!w->done)
			lane->ops.lone_packet(lane->ctx, &w->packet);
		oldest = false;
		lane->first_packet = (lane->first_packet + 1) % lane->cap_packets;
		lane->npackets--;
	}
}

static void pop_carriages(struct lane *lane, bool oldest)
{
	while (lane->ncarriages && (oldest || carriage_at(lane, 0)->done)) {
		struct waiting_carriage *w = carriage_at(lane, 0);

		if (!w->done)
			lane->ops.lone_carriage(lane->ctx, &w->carriage);
		free(w->carriage.dma);
		oldest = false;
		lane->first_carriage = (lane->first_carriage + 1) % lane->cap_carriages;
		lane->ncarriages--;
	}
}

/*
 * Is this carriage that packet?  A known socket decides by its addresses; a
 * connection without a known socket, or a packet without payload, may be anybody's.
 */
static bool fits(const struct carriage *c, const struct lane_packet *p)
{
	if (c->frame != p->frame)
		return false;
	return !c->key_known || (p->conn != LANE_NO_CONN && flow_key_equal(&c->key, &p->key));
}

static unsigned int grade_of(const struct carriage *c, bool skipped)
{
	return c->key_known && !skipped ? GRADE_EXACT : GRADE_SIZED;
}

/* Of the same connection and with payload: passing over such a one costs certainty. */
static bool is_rival(const struct carriage *c, const struct lane_packet *p)
{
	return c->key_known && p->len && p->conn != LANE_NO_CONN &&
	       flow_key_equal(&c->key, &p->key);
}

void lane_packet(struct lane *lane, const struct lane_packet *packet)
{
	bool skipped = false;
	size_t looked = 0;

	for (size_t i = 0; i < lane->ncarriages && looked < LOOK; i++) {
		struct waiting_carriage *w = carriage_at(lane, i);

		if (w->done)
			continue;
		looked++;
		if (!w->carriage.key_known && looked > LOOK_UNKNOWN)
			continue;
		if (!fits(&w->carriage, packet)) {
			skipped |= is_rival(&w->carriage, packet) && w->carriage.frame > 60;
			continue;
		}
		lane->ops.matched(lane->ctx, packet, &w->carriage, grade_of(&w->carriage, skipped));
		w->done = true;
		pop_carriages(lane, false);
		return;
	}
	if (lane->npackets == lane->max)
		pop_packets(lane, true);
	if (lane->npackets == lane->cap_packets) {
		size_t cap = lane->cap_packets ? 2 * lane->cap_packets : 64;
		struct waiting_packet *grown = xcalloc(cap, sizeof(*grown));

		for (size_t i = 0; i < lane->npackets; i++)
			grown[i] = *packet_at(lane, i);
		free(lane->packets);
		lane->packets = grown;
		lane->cap_packets = cap;
		lane->first_packet = 0;
	}
	lane->npackets++;
	*packet_at(lane, lane->npackets - 1) = (struct waiting_packet){ *packet, false };
}

static void keep_carriage(struct lane *lane, const struct carriage *carriage)
{
	struct waiting_carriage *w;

	if (lane->ncarriages == lane->max)
		pop_carriages(lane, true);
	if (lane->ncarriages == lane->cap_carriages) {
		size_t cap = lane->cap_carriages ? 2 * lane->cap_carriages : 64;
		struct waiting_carriage *grown = xcalloc(cap, sizeof(*grown));

		for (size_t i = 0; i < lane->ncarriages; i++)
			grown[i] = *carriage_at(lane, i);
		free(lane->carriages);
		lane->carriages = grown;
		lane->cap_carriages = cap;
		lane->first_carriage = 0;
	}
	lane->ncarriages++;
	w = carriage_at(lane, lane->ncarriages - 1);
	w->done = false;
	w->carriage = *carriage;
	w->carriage.dma = NULL;
	if (carriage->ndma) {
		w->carriage.dma = xcalloc(carriage->ndma, sizeof(*carriage->dma));
		memcpy(w->carriage.dma, carriage->dma, carriage->ndma * sizeof(*carriage->dma));
	}
}

void lane_carriage(struct lane *lane, const struct carriage *carriage)
{
	size_t look = carriage->key_known ? LOOK : LOOK_UNKNOWN, looked = 0;
	bool skipped = false;

	for (size_t i = 0; i < lane->npackets && looked < look; i++) {
		struct waiting_packet *w = packet_at(lane, i);

		if (w->done)
			continue;
		looked++;
		if (!fits(carriage, &w->packet)) {
			skipped |= is_rival(carriage, &w->packet);
			continue;
		}
		lane->ops.matched(lane->ctx, &w->packet, carriage, grade_of(carriage, skipped));
		w->done = true;
		pop_packets(lane, false);
		return;
	}
	keep_carriage(lane, carriage);
}

void lane_free(struct lane *lane)
{
	if (!lane)
		return;
	while (lane->npackets)
		pop_packets(lane, true);
	while (lane->ncarriages)
		pop_carriages(lane, true);
	free(lane->packets);
	free(lane->carriages);
	free(lane);
}
