/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/flow.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/evidence/event.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERNET 14
#define SLL_HEADER 16
#define SLL2_HEADER 20
#define SLL_OUTGOING 4 /* Linux include/uapi/linux/if_packet.h, PACKET_OUTGOING */
#define IP_TCP 6
#define IPV6_FRAGMENT 44

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

bool packet_from_ethernet(struct packet *out, const uint8_t *frame, uint32_t cap, uint32_t len)
{
	uint32_t at = 12;
	uint16_t type;

	if (cap > len)
		cap = len;
	for (int tags = 0;; tags++) {
		if (cap < at + 2)
			return false;
		type = be16(frame + at);
		at += 2;
		if ((type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ) || tags == 2)
			break;
		at += 2;
	}
	if (cap < at)
		return false;
	out->ethertype = type;
	out->l3 = frame + at;
	out->cap = cap - at;
	out->len = len - at;
	out->frame = len;
	return true;
}

/* Protocol and type lie at different places in the two versions. */
bool packet_from_cooked(struct packet *out, const uint8_t *data, uint32_t cap, uint32_t len,
			bool two, uint32_t *index)
{
	uint32_t at = two ? SLL2_HEADER : SLL_HEADER;

	if (cap > len)
		cap = len;
	if (cap < at)
		return false;
	out->ethertype = be16(data + (two ? 0 : 14));
	out->dir = data[two ? 10 : 1] == SLL_OUTGOING ? FLOW_OUT : FLOW_IN;
	out->frame = len - at + ETHERNET;
	if (two)
		*index = be32(data + 4);
	for (int tags = 0;
	     tags < 2 && (out->ethertype == ETHERTYPE_VLAN || out->ethertype == ETHERTYPE_QINQ);
	     tags++) {
		if (cap < at + 4)
			return false;
		out->ethertype = be16(data + at + 2);
		at += 4;
	}
	out->l3 = data + at;
	out->cap = cap - at;
	out->len = len - at;
	return true;
}

/* Where TCP begins and how long it is with its payload; false if this is no TCP. */
static bool ipv4(struct segment *s, const struct packet *p, uint32_t *at, uint32_t *total)
{
	uint32_t header;

	if (p->cap < 20 || p->l3[0] >> 4 != 4)
		return false;
	header = (p->l3[0] & 15u) * 4;
	*total = be16(p->l3 + 2);
	/* segments of 64 KiB and more (big TCP) and some offloads leave the length at 0 */
	if (*total == 0)
		*total = p->len;
	if (header < 20 || header > *total || *total > p->len || header > p->cap ||
	    p->l3[9] != IP_TCP || (be16(p->l3 + 6) & 0x1fff) != 0)
		return false;
	s->src.family = s->dst.family = 4;
	memcpy(s->src.ip, p->l3 + 12, 4);
	memcpy(s->dst.ip, p->l3 + 16, 4);
	*at = header;
	return true;
}

static bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 60;
}

static bool ipv6(struct segment *s, const struct packet *p, uint32_t *at, uint32_t *total)
{
	uint8_t next;

	if (p->cap < 40 || p->l3[0] >> 4 != 6)
		return false;
	*total = be16(p->l3 + 4);
	*total = *total == 0 ? p->len : *total + 40;
	if (*total > p->len)
		return false;
	s->src.family = s->dst.family = 6;
	memcpy(s->src.ip, p->l3 + 8, 16);
	memcpy(s->dst.ip, p->l3 + 24, 16);
	next = p->l3[6];
	*at = 40;
	for (int n = 0; n < 8 && is_extension(next); n++) {
		if (p->cap < *at + 8)
			return false;
		next = p->l3[*at];
		*at += (p->l3[*at + 1] + 1u) * 8;
		if (*at > p->cap || *at > *total)
			return false;
	}
	return next == IP_TCP;
}

const char packet_own_frames[] = "ccaio's own frames";
const char packet_unreadable_tcp[] = "TCP that cannot be read";

static const char kind_arp[] = "ARP", kind_igmp[] = "IGMP", kind_dhcp[] = "DHCP",
		  kind_neighbours[] = "ICMPv6 neighbour discovery",
		  kind_listeners[] = "ICMPv6 multicast listener reports";

bool packet_is_housekeeping(const char *kind)
{
	static const char *const kinds[] = { kind_arp, kind_igmp, kind_dhcp, kind_neighbours,
					     kind_listeners };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	}
	return false;
}

/* Where the header of IPv6's last protocol begins; *next is that protocol. */
static uint32_t ipv6_last(const struct packet *p, uint8_t *next)
{
	uint32_t at = 40;

	*next = p->l3[6];
	for (int n = 0; n < 8 && is_extension(*next) && p->cap >= at + 8; n++) {
		*next = p->l3[at];
		at += (p->l3[at + 1] + 1u) * 8;
	}
	return at;
}

/* RFC 4861: a neighbour's messages come from the link, so their hop limit was never lowered. */
static const char *icmpv6_kind(const struct packet *p, uint32_t at)
{
	uint8_t type = p->cap > at ? p->l3[at] : 0;

	if (type >= 133 && type <= 137 && p->l3[7] == 255)
		return kind_neighbours;
	if (((type >= 130 && type <= 132) || type == 143) && p->l3[7] == 1)
		return kind_listeners;
	return "ICMPv6";
}

static const char *udp_kind(const struct packet *p, uint32_t at)
{
	unsigned int from, to;

	if (p->cap < at + 4)
		return "UDP";
	from = be16(p->l3 + at);
	to = be16(p->l3 + at + 2);
	if (p->ethertype == ETHERTYPE_IPV4
		    ? (from == 67 && to == 68) || (from == 68 && to == 67)
		    : (from == 546 && to == 547) || (from == 547 && to == 546))
		return kind_dhcp;
	return "UDP";
}

/* Of IPv4, where a later fragment has no header of its protocol. */
static const char *ipv4_kind(const struct packet *p)
{
	bool first = (be16(p->l3 + 6) & 0x1fff) == 0;

	switch (p->l3[9]) {
	case 1:
		return "ICMP";
	case 2:
		return p->l3[8] == 1 ? kind_igmp : "IP, but neither TCP, UDP nor ICMP";
	case IP_TCP:
		return packet_unreadable_tcp;
	case 17:
		return first ? udp_kind(p, (p->l3[0] & 15u) * 4) : "UDP";
	default:
		return "IP, but neither TCP, UDP nor ICMP";
	}
}

static const char *ipv6_kind(const struct packet *p)
{
	uint8_t next;
	uint32_t at = ipv6_last(p, &next);

	if (next == IPV6_FRAGMENT && p->cap >= at + 8) {
		next = p->l3[at];
		at = p->cap; /* whether it is the first one matters to nobody */
	}
	switch (next) {
	case IP_TCP:
		return packet_unreadable_tcp;
	case 17:
		return udp_kind(p, at);
	case 0:
	case 58:
		return icmpv6_kind(p, at);
	default:
		return "IP, but neither TCP, UDP nor ICMP";
	}
}

const char *packet_kind(const struct packet *p)
{
	if (p->ethertype == 0x0806)
		return kind_arp;
	if (p->ethertype == FLOW_ETHERTYPE_CANARY)
		return packet_own_frames;
	if (p->ethertype == ETHERTYPE_IPV4 && p->cap >= 20)
		return ipv4_kind(p);
	if (p->ethertype == ETHERTYPE_IPV6 && p->cap >= 40)
		return ipv6_kind(p);
	return "neither IP nor ARP";
}

bool segment_parse(struct segment *out, const struct packet *p)
{
	uint32_t at, total, header;

	memset(out, 0, sizeof(*out));
	if (!(p->ethertype == ETHERTYPE_IPV4   ? ipv4(out, p, &at, &total)
	      : p->ethertype == ETHERTYPE_IPV6 ? ipv6(out, p, &at, &total)
					       : false))
		return false;
	if (p->cap < at + 20 || total < at + 20)
		return false;
	header = (p->l3[at + 12] >> 4) * 4u;
	if (header < 20 || at + header > total)
		return false;
	out->src.port = be16(p->l3 + at);
	out->dst.port = be16(p->l3 + at + 2);
	out->seq = be32(p->l3 + at + 4);
	out->ack = be32(p->l3 + at + 8);
	out->flags = p->l3[at + 13];
	out->tcp_header = (uint8_t)header;
	out->ip_header = (uint16_t)at;
	at += header;
	out->payload_len = total - at;
	if (p->cap > at) {
		out->payload = p->l3 + at;
		out->payload_cap = p->cap - at;
		if (out->payload_cap > out->payload_len)
			out->payload_cap = out->payload_len; /* Ethernet padding */
	}
	return true;
}

bool flow_addr_equal(const struct flow_addr *a, const struct flow_addr *b)
{
	return a->port == b->port && a->family == b->family && memcmp(a->ip, b->ip, 16) == 0;
}

const char *flow_addr_text(const struct flow_addr *addr, char text[FLOW_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "?";

	inet_ntop(addr->family == 6 ? AF_INET6 : AF_INET, addr->ip, ip, sizeof(ip));
	snprintf(text, FLOW_TEXT, addr->family == 6 ? "[%s]:%u" : "%s:%u", ip, addr->port);
	return text;
}

static uint64_t hash16(const uint8_t ip[16])
{
	uint64_t h = 0xcbf29ce484222325;

	for (int i = 0; i < 16; i++)
		h = (h ^ ip[i]) * 0x100000001b3;
	return h;
}

static bool is_mapped(const uint8_t ip[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(ip, prefix, sizeof(prefix)) == 0;
}

static uint64_t address(const struct flow_addr *a)
{
	return a->family == 6 ? hash16(a->ip) : be32(a->ip);
}

void flow_key_make(struct flow_key *key, const struct flow_addr *local,
		   const struct flow_addr *remote)
{
	memset(key, 0, sizeof(*key));
	key->local = address(local);
	key->remote = address(remote);
	key->local_port = local->port;
	key->remote_port = remote->port;
	key->family = local->family;
}

bool flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
	return a->local == b->local && a->remote == b->remote && a->local_port == b->local_port &&
	       a->remote_port == b->remote_port && a->family == b->family;
}

void flow_pack_sock(struct event *event, unsigned int family, const uint8_t saddr[4],
		    const uint8_t daddr[4], const uint8_t saddr6[16], const uint8_t daddr6[16],
		    uint16_t sport, uint16_t dport, unsigned int oldstate, unsigned int newstate)
{
	bool six = family == AF_INET6;

	if (six && is_mapped(daddr6)) {
		/* the kernel leaves the 4-byte fields of such sockets filled in as well */
		six = false;
		daddr = daddr6 + 12;
		if (is_mapped(saddr6))
			saddr = saddr6 + 12;
	}
	event->orig = six ? hash16(saddr6) : be32(saddr);
	event->dma = six ? hash16(daddr6) : be32(daddr);
	event->size = (uint64_t)sport << 16 | dport;
	event->aux = (six ? 6u : 4u) << 16 | (oldstate & 0xff) << 8 | (newstate & 0xff);
}

void flow_unpack_sock(const struct event *event, struct flow_key *key, unsigned int *oldstate,
		      unsigned int *newstate)
{
	memset(key, 0, sizeof(*key));
	key->local = event->orig;
	key->remote = event->dma;
	key->local_port = (uint16_t)(event->size >> 16);
	key->remote_port = (uint16_t)event->size;
	key->family = (uint8_t)(event->aux >> 16);
	*oldstate = event->aux >> 8 & 0xff;
	*newstate = event->aux & 0xff;
}

void flow_pack_tcp(struct event *event, unsigned int family, uint32_t saddr, uint32_t daddr,
		   uint16_t sport, uint16_t dport)
{
	if (family != AF_INET || !daddr || !sport || !dport)
		return;
	event->dma = (uint64_t)ntohl(saddr) << 32 | ntohl(daddr);
	event->attrs = (uint32_t)sport << 16 | ntohs(dport);
	event->aux = 4;
}

bool flow_unpack_tcp(const struct event *event, struct flow_key *key)
{
	if (event->aux != 4)
		return false;
	*key = (struct flow_key){
		.local = event->dma >> 32,
		.remote = event->dma & UINT32_MAX,
		.local_port = (uint16_t)(event->attrs >> 16),
		.remote_port = (uint16_t)event->attrs,
		.family = 4,
	};
	return true;
}
