/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <string.h>

#include "collectors/packets/packet-queue.h"
#include "lib/net/flow.h"
#include "tests/unit/test.h"

static struct packet packet(uint64_t ts_ns, const char *bytes)
{
	return (struct packet){
		.ts_ns = ts_ns, .l3 = (const uint8_t *)bytes, .cap = strlen(bytes), .len = 1500
	};
}

static bool is(const struct packet *p, uint64_t ts_ns, const char *bytes)
{
	return p->ts_ns == ts_ns && p->len == 1500 && p->cap == strlen(bytes) &&
	       memcmp(p->l3, bytes, p->cap) == 0;
}

static void in_order(void)
{
	struct packet_queue q;
	struct packet p = packet(1, "one"), out;
	char text[] = "three";

	packet_queue_init(&q, 1024);
	check(!packet_queue_next(&q, &out));
	check(packet_queue_put(&q, &p));
	p = packet(2, "");
	check(packet_queue_put(&q, &p));
	p = packet(3, text);
	check(packet_queue_put(&q, &p));
	memset(text, 'x', sizeof(text) - 1); /* what is in the queue is a copy */
	check(packet_queue_next(&q, &out) && is(&out, 1, "one"));
	check(packet_queue_next(&q, &out) && is(&out, 2, ""));
	check(packet_queue_next(&q, &out) && is(&out, 3, "three"));
	check(!packet_queue_next(&q, &out));
	check(!packet_queue_next(&q, &out));
	packet_queue_release(&q);
}

static void room(void)
{
	struct packet_queue q;
	struct packet p = packet(7, "12345678"), out;
	size_t one = sizeof(p) + 8, taken = 0;

	packet_queue_init(&q, 3 * one - 1);
	for (int round = 0; round < 2; round++) {
		check(packet_queue_put(&q, &p));
		check(packet_queue_put(&q, &p));
		check(!packet_queue_put(&q, &p)); /* one byte short */
		while (packet_queue_next(&q, &out))
			taken += is(&out, 7, "12345678");
	}
	check(taken == 4);
	p.cap = UINT32_MAX;
	check(!packet_queue_put(&q, &p)); /* longer than the queue */
	packet_queue_release(&q);
}

int main(void)
{
	in_order();
	room();
	return done();
}
