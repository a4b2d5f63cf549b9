/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames for tests: one client 10.0.2.15, one server 10.0.2.2, Ethernet and IPv4 without options.
 */
#ifndef CCAIO_TESTS_UNIT_PACKETS_H
#define CCAIO_TESTS_UNIT_PACKETS_H

#include <stdint.h>
#include <string.h>

#include "lib/net/flow.h"

#define FRAME_MAX 65600
#define FRAME_HEADERS 54 /* 14 + 20 + 20 */

struct frame {
	uint32_t len;
	uint8_t bytes[FRAME_MAX]; /* last: a copy may be shorter */
};

static inline void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* dir FLOW_OUT: from client port to server port 8088. */
static inline void frame_tcp(struct frame *f, enum flow_dir dir, uint16_t port, uint32_t seq,
			     uint32_t ack, uint8_t flags, const void *payload, uint32_t len)
{
	static const uint8_t client[4] = { 10, 0, 2, 15 }, server[4] = { 10, 0, 2, 2 };
	uint8_t *ip = f->bytes + 14, *tcp = ip + 20;

	memset(f->bytes, 0, FRAME_HEADERS);
	put16(f->bytes + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, 40 + len);
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, dir == FLOW_OUT ? client : server, 4);
	memcpy(ip + 16, dir == FLOW_OUT ? server : client, 4);
	put16(tcp, dir == FLOW_OUT ? port : 8088);
	put16(tcp + 2, dir == FLOW_OUT ? 8088 : port);
	put32(tcp + 4, seq);
	put32(tcp + 8, ack);
	tcp[12] = 0x50;
	tcp[13] = flags;
	if (len)
		memcpy(tcp + 20, payload, len);
	f->len = FRAME_HEADERS + len;
}

static inline struct packet frame_packet(const struct frame *f, uint64_t ts_ns, enum flow_dir dir)
{
	struct packet p = { .ts_ns = ts_ns, .dir = (uint8_t)dir, .iface = 1 };

	packet_from_ethernet(&p, f->bytes, f->len, f->len);
	return p;
}

#endif
