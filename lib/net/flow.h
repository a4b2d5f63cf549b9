/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_NET_FLOW_H
#define CCAIO_LIB_NET_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;

/*
 * flow - packets and who talks to whom: frames, TCP segments, 5-tuples.
 *
 * Frames come from the host: every length in them is checked against what was
 * captured, and nothing is believed that does not fit.
 */
enum flow_dir {
	FLOW_OUT = 0, /* left this machine */
	FLOW_IN = 1,  /* came in */
	FLOW_DIR_UNKNOWN = 2,
};

/* IEEE 802 local experimental: what ccaio's own frames carry, to nobody */
#define FLOW_ETHERTYPE_CANARY 0x88b5

/* One packet as a collector hands it over, link layer already taken off; bytes borrowed. */
struct packet {
	uint64_t ts_ns;	    /* CLOCK_MONOTONIC where the collector knows it */
	const uint8_t *l3;  /* network layer */
	uint32_t cap;	    /* bytes at l3 */
	uint32_t len;	    /* bytes that the network layer and what follows had on the wire */
	uint32_t frame;	    /* the same with the link layer: what net events call len on TX */
	uint16_t ethertype; /* 0x0800, 0x86dd … */
	uint16_t iface;	    /* names id of the interface */
	uint8_t dir;	    /* enum flow_dir */
	uint32_t number;    /* in its file, from 1; 0 unknown */
};

struct flow_addr {
	uint8_t ip[16]; /* IPv4 in the first four bytes, the rest 0 */
	uint16_t port;	/* host order */
	uint8_t family; /* 4 or 6 */
};

#define FLOW_FIN 0x01
#define FLOW_SYN 0x02
#define FLOW_RST 0x04
#define FLOW_ACK 0x10

/* A TCP segment; payload borrowed from the packet. */
struct segment {
	struct flow_addr src, dst;
	uint32_t seq, ack;
	uint8_t flags;		/* FLOW_FIN … */
	uint8_t tcp_header;	/* bytes */
	uint16_t ip_header;	/* bytes, extension headers included */
	uint32_t payload_len;	/* on the wire */
	uint32_t payload_cap;	/* of it captured, <= payload_len */
	const uint8_t *payload; /* never NULL when payload_cap > 0 */
};

/*
 * Take the Ethernet header (with VLAN tags) off a frame of cap captured bytes,
 * len on the wire.  Fills ethertype, l3, cap, len and frame of out and leaves
 * the others.  False when the frame is too short.
 */
bool packet_from_ethernet(struct packet *out, const uint8_t *frame, uint32_t cap, uint32_t len);

/*
 * The same of a "cooked" packet of Linux (LINKTYPE_LINUX_SLL, or with two LINKTYPE_LINUX_SLL2),
 * which has no Ethernet header but says whether it was sent: fills dir, too, and with two *index,
 * the interface's number.
 */
bool packet_from_cooked(struct packet *out, const uint8_t *data, uint32_t cap, uint32_t len,
			bool two, uint32_t *index);

/* "UDP", "ARP" …: what a packet is that segment_parse() refuses.  A constant. */
const char *packet_kind(const struct packet *packet);
/*
 * Is that kind what a machine says to its own link, whoever runs on it: ARP, neighbour discovery,
 * multicast listeners (their hop limits keep them there), DHCP?
 */
bool packet_is_housekeeping(const char *kind);
/* That of the canary's. */
extern const char packet_own_frames[];
/* That of fragments of TCP, or broken TCP: whoever sent it used no other sockets. */
extern const char packet_unreadable_tcp[];

/* False when the packet is not TCP, is a later fragment, or is cut within its headers. */
bool segment_parse(struct segment *out, const struct packet *packet);

bool flow_addr_equal(const struct flow_addr *a, const struct flow_addr *b);

/* "10.0.2.15:43210", "[fe80::1]:443".  Returns text. */
#define FLOW_TEXT 56
const char *flow_addr_text(const struct flow_addr *addr, char text[FLOW_TEXT]);

/*
 * What a socket event can say about addresses in its 64 bytes: an IPv4 address
 * as a number (192.0.2.1 is 0xc0000201), for IPv6 a 64-bit hash (FNV-1a over
 * the 16 bytes).  IPv4 carried in IPv6 sockets (::ffff:192.0.2.1) is IPv4.
 */
struct flow_key {
	uint64_t local, remote;
	uint16_t local_port, remote_port;
	uint8_t family; /* 4 or 6 */
};

void flow_key_make(struct flow_key *key, const struct flow_addr *local,
		   const struct flow_addr *remote);
bool flow_key_equal(const struct flow_key *a, const struct flow_key *b);

/*
 * EVENT_SOCK_STATE (inet_sock_set_state) in struct event:
 *   link  the socket's address
 *   orig  local address, dma  remote address: numbers or hashes, see flow_key
 *   size  local port << 16 | remote port
 *   aux   family (4 or 6) << 16 | old state << 8 | new state
 * A decoder fills time, cpu, pid, comm, kind and link itself and calls this for
 * the rest.  saddr and daddr are the event's 4-byte fields, saddr6 and daddr6
 * its 16-byte ones, all as they are in the record (network order); family is
 * AF_INET or AF_INET6.
 */
void flow_pack_sock(struct event *event, unsigned int family, const uint8_t saddr[4],
		    const uint8_t daddr[4], const uint8_t saddr6[16], const uint8_t daddr6[16],
		    uint16_t sport, uint16_t dport, unsigned int oldstate, unsigned int newstate);
void flow_unpack_sock(const struct event *event, struct flow_key *key, unsigned int *oldstate,
		      unsigned int *newstate);

/*
 * EVENT_TCP_TX and EVENT_TCP_RX whose probe reads the socket's addresses:
 *   dma    local address << 32 | remote address (IPv4)
 *   attrs  local port << 16 | remote port
 *   aux    family: 4; 0 where the event does not tell
 * family is AF_INET for the addresses to count; saddr, daddr and dport are in network order.
 */
void flow_pack_tcp(struct event *event, unsigned int family, uint32_t saddr, uint32_t daddr,
		   uint16_t sport, uint16_t dport);
/* False when the event does not tell. */
bool flow_unpack_tcp(const struct event *event, struct flow_key *key);

/* TCP states as inet_sock_set_state numbers them (Linux include/net/tcp_states.h). */
enum {
	FLOW_ESTABLISHED = 1,
	FLOW_SYN_SENT = 2,
	FLOW_SYN_RECV = 3,
	FLOW_CLOSE = 7,
	FLOW_LISTEN = 10,
	FLOW_NEW_SYN_RECV = 12,
};

#endif
