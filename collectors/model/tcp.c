/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/model/tcp.h"

#include <string.h>

#include "lib/net/flow.h"

#define WINDOW 65535u

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t sum(const uint8_t *p, size_t len, uint32_t acc)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		acc += p[i] << 8 | p[i + 1];
	return len & 1 ? acc + (p[len - 1] << 8) : acc;
}

static uint16_t fold(uint32_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return ~acc;
}

/* RFC 791: version and length, total length, DF, ttl 64, TCP. */
static void ipv4(uint8_t *ip, bool from_guest, size_t len)
{
	ip[0] = 0x45;
	put16(ip + 2, len);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = 6;
	put32(ip + 12, from_guest ? MODEL_GUEST_IP : MODEL_HOST_IP);
	put32(ip + 16, from_guest ? MODEL_HOST_IP : MODEL_GUEST_IP);
	put16(ip + 10, fold(sum(ip, 20, 0)));
}

size_t model_tcp_frame(uint8_t frame[MODEL_FRAME_MAX], struct model_tcp *t, bool from_guest,
		       uint8_t flags, const uint8_t *payload, size_t size)
{
	static const uint8_t guest_mac[6] = { 0x52, 0x54, 0, 0, 0, 0x15 };
	static const uint8_t host_mac[6] = { 0x52, 0x55, 0x0a, 0, 2, 2 };
	uint8_t *ip = frame + 14, *tcp = frame + 34;

	memset(frame, 0, MODEL_HEADERS);
	memcpy(frame, from_guest ? host_mac : guest_mac, 6);
	memcpy(frame + 6, from_guest ? guest_mac : host_mac, 6);
	put16(frame + 12, 0x0800);
	ipv4(ip, from_guest, 40 + size);
	put16(tcp, from_guest ? t->guest_port : t->host_port);
	put16(tcp + 2, from_guest ? t->host_port : t->guest_port);
	put32(tcp + 4, t->next);
	put32(tcp + 8, flags & FLOW_ACK ? t->acked : 0);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	put16(tcp + 14, WINDOW);
	if (size)
		memcpy(tcp + 20, payload, size);
	/* RFC 9293: with the pseudo header */
	put16(tcp + 16, fold(sum(tcp, 20 + size, sum(ip + 12, 8, 6 + 20 + size))));
	t->next += size + !!(flags & (FLOW_SYN | FLOW_FIN));
	return MODEL_HEADERS + size;
}
