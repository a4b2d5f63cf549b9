/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/packets/packet-queue.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/net/flow.h"

void packet_queue_init(struct packet_queue *queue, size_t size)
{
	*queue = (struct packet_queue){ .bytes = xcalloc(1, size), .size = size };
	/* fresh memory is mapped when it is written: now, before anybody's time is measured */
	memset(queue->bytes, 0xff, size);
}

void packet_queue_release(struct packet_queue *queue)
{
	free(queue->bytes);
	*queue = (struct packet_queue){ 0 };
}

bool packet_queue_put(struct packet_queue *queue, const struct packet *packet)
{
	uint8_t *to = queue->bytes + queue->end;

	if (sizeof(*packet) > queue->size - queue->end ||
	    packet->cap > queue->size - queue->end - sizeof(*packet))
		return false;
	memcpy(to, packet, sizeof(*packet));
	memcpy(to + sizeof(*packet), packet->l3, packet->cap);
	queue->end += sizeof(*packet) + packet->cap;
	return true;
}

bool packet_queue_next(struct packet_queue *queue, struct packet *packet)
{
	if (queue->next == queue->end) {
		queue->next = queue->end = 0;
		return false;
	}
	memcpy(packet, queue->bytes + queue->next, sizeof(*packet));
	packet->l3 = queue->bytes + queue->next + sizeof(*packet);
	queue->next += sizeof(*packet) + packet->cap;
	return true;
}
