/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_PACKETS_PACKET_QUEUE_H
#define CCAIO_COLLECTORS_PACKETS_PACKET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet;

/*
 * packet-queue - packets that wait to be looked at, so that this need not happen
 * while the program waits for its answer.
 */
struct packet_queue {
	uint8_t *bytes;
	size_t size, end, next;
};

/* Room for so many bytes, packets' own and about 64 for each.  All of it is touched now, not later.
 */
void packet_queue_init(struct packet_queue *queue, size_t size);
void packet_queue_release(struct packet_queue *queue);

/* Append a copy.  false: there is no room; there is again once packet_queue_next has returned
 * false. */
bool packet_queue_put(struct packet_queue *queue, const struct packet *packet);

/* The oldest packet, out of the queue; its bytes are there until the next put.  false: none is
 * left. */
bool packet_queue_next(struct packet_queue *queue, struct packet *packet);

#endif
