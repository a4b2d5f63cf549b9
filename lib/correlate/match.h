/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_CORRELATE_MATCH_H
#define CCAIO_LIB_CORRELATE_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/extents.h"
#include "lib/correlate/carry/carry.h"

/*
 * match - the packets captured on one interface in one direction, matched with the events of their
 * transfers.
 */
#define MATCH_NO_CONN UINT32_MAX /* the packet is no TCP */

struct match_packet {
	struct flow_key key;
	uint32_t conn;
	const char *kind; /* of what is no TCP: "UDP" …; constant */
	uint32_t number;  /* in its file, from 1; 0 unknown */
	uint32_t frame;
	uint64_t offset, len; /* payload in the stream */
	struct extent fresh;
	uint64_t fresh_bytes;
};

struct match_queue;

struct match_ops {
	/* They are the same.  grade: how sure. */
	void (*matched)(void *ctx, const struct match_packet *packet,
			const struct packet_dma *packet_dma, unsigned int grade);
	/* No partner was found. */
	void (*lone_packet)(void *ctx, const struct match_packet *packet);
	void (*lone_packet_dma)(void *ctx, const struct packet_dma *packet_dma);
};

/* At most max of each wait; past that the oldest is given up. */
struct match_queue *match_new(size_t max, const struct match_ops *ops, void *ctx);
/* Gives up all that waits.  Accepts NULL. */
void match_free(struct match_queue *queue);

void match_packet(struct match_queue *queue, const struct match_packet *packet);
void match_packet_dma(struct match_queue *queue, const struct packet_dma *packet_dma); /* copied */

#endif
