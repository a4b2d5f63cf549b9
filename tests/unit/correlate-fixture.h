/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine that sends, receives and reads disks, and what correlation makes of it. */
#ifndef CCAIO_TESTS_UNIT_CORRELATE_FIXTURE_H
#define CCAIO_TESTS_UNIT_CORRELATE_FIXTURE_H

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/correlate/correlate.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/traffic.h"
#include "tests/unit/packets.h"

#define DATA (FLOW_ACK | 0x08)
#define APP 100	  /* the program's process */
#define OTHER 200 /* somebody else */
#define HDR 12

/* A machine that sends and receives, and what a kernel and a capture would tell of it. */
struct machine {
	struct names *names;
	struct event *events;
	size_t nevents, cap_events;
	struct frame **frames;
	struct packet *packets;
	size_t npackets, cap_packets, cap_frames;
	uint16_t eth0, net, disk;
	uint64_t now;
	uint64_t slot;
	uint16_t cpu;
	bool launched;	/* the program was started in the window */
	bool addresses; /* TCP probes tell them */
	bool no_bounce_probe, no_tcp_probes, no_sync, no_maps;
	bool no_header; /* its network device is no virtio device */
	uint64_t next_skb;
	size_t memory;			 /* for lists; 0: as always */
	uint64_t lead;			 /* of packets before their events; 0: 50 of these */
	const struct platform *platform; /* NULL: nothing is known of the machine */
};

/* A connection of the machine. */
struct line {
	struct machine *m;
	uint64_t sock;
	uint16_t port;
	int32_t pid;
	uint32_t at[2];
};

static inline void begin(struct machine *m)
{
	memset(m, 0, sizeof(*m));
	m->names = names_new();
	m->eth0 = names_intern(m->names, "eth0", 4);
	m->net = names_intern(m->names, "0000:00:01.0", 12);
	m->disk = names_intern(m->names, "0000:00:02.0", 12);
	m->slot = 0x72900000;
	m->next_skb = 0xffff000010000000;
}

static inline struct event *emit(struct machine *m, enum event_kind kind, int32_t pid)
{
	struct event *e;

	XGROW(m->events, m->nevents, m->cap_events);
	e = &m->events[m->nevents++];
	memset(e, 0, sizeof(*e));
	e->kind = (uint8_t)kind;
	e->ts_ns = m->now += 1000;
	e->pid = pid;
	e->cpu = m->cpu;
	e->dir = EVENT_DIR_NONE;
	return e;
}

static inline void map(struct machine *m, uint16_t dev, enum event_dir dir, uint64_t size)
{
	struct event *e;

	if (m->no_maps)
		return;
	e = emit(m, EVENT_BOUNCE, 0);
	e->dev = dev;
	e->orig = 0x45000000 + m->slot;
	e->size = size;
	e = emit(m, EVENT_MAP, 0);
	e->dev = dev;
	e->orig = 0x45000000 + m->slot;
	e->dma = m->slot;
	e->size = size;
	e->dir = (uint8_t)dir;
	m->slot += (size + 2047) / 2048 * 2048;
}

static inline void capture(struct machine *m, const struct frame *frame, enum flow_dir dir)
{
	size_t n = m->npackets, size = offsetof(struct frame, bytes) + frame->len;
	struct frame *copy = xcalloc(1, size);

	memcpy(copy, frame, size);
	XGROW(m->frames, n, m->cap_frames);
	m->frames[m->npackets] = copy;
	XGROW(m->packets, m->npackets, m->cap_packets);
	m->packets[m->npackets] = frame_packet(copy, m->now, dir);
	m->packets[m->npackets++].iface = m->eth0;
}

/* The driver's part of sending one frame. */
static inline void xmit(struct machine *m, uint64_t skb, uint32_t len, int32_t pid)
{
	struct event *e = emit(m, EVENT_NET_XMIT_START, pid);

	e->link = skb;
	e->dev = m->eth0;
	e->size = len;
	e = emit(m, EVENT_VQ_ADD, pid);
	e->link = skb;
	e->orig = 0xabc;
	e->aux = 1;
	e->dev = names_intern(m->names, "output.0", 8);
	map(m, m->net, EVENT_TO_DEVICE, len + (m->no_header ? 0 : HDR));
	e = emit(m, EVENT_VQ_KICK, pid);
	e->orig = 0xabc;
	e = emit(m, EVENT_NET_XMIT, pid);
	e->link = skb;
	e->dev = m->eth0;
	e->size = len;
}

/* As the probe reads them from the socket, in network order. */
static inline void tell_addresses(const struct line *l, struct event *e)
{
	if (l->m->addresses)
		flow_pack_tcp(e, AF_INET, htonl(0x0a00020f), htonl(0x0a000202), l->port,
			      htons(8088));
}

static inline void sock_state(struct line *l, unsigned int from, unsigned int to, uint16_t sport,
			      int32_t pid)
{
	static const uint8_t local[4] = { 10, 0, 2, 15 }, remote[4] = { 10, 0, 2, 2 };
	static const uint8_t none[16];
	struct event *e = emit(l->m, EVENT_SOCK_STATE, pid);

	e->link = l->sock;
	flow_pack_sock(e, AF_INET, local, remote, none, none, sport, 8088, from, to);
}

/* Send payload as one skb, cut into segments of mss bytes (0: as it is). */
static inline void send_flags(struct line *l, uint8_t flags, const char *payload, uint32_t len,
			      uint32_t mss)
{
	struct machine *m = l->m;
	static struct frame f;
	uint64_t skb = m->next_skb += 256;
	uint32_t done = 0;
	struct event *e;

	if (!m->no_tcp_probes) {
		e = emit(m, EVENT_TCP_TX, l->pid);
		e->link = skb;
		e->orig = l->sock;
		e->size = 20 + len;
		tell_addresses(l, e);
	}
	do {
		uint32_t n = mss && len - done > mss ? mss : len - done;

		frame_tcp(&f, FLOW_OUT, l->port, 1000 + l->at[0], 1000 + l->at[1], flags,
			  payload + done, n);
		if (mss && len > mss)
			skb = m->next_skb += 256;
		capture(m, &f, FLOW_OUT);
		xmit(m, skb, f.len, l->pid);
		done += n;
		l->at[0] += n;
	} while (done < len);
	l->at[0] += flags & (FLOW_SYN | FLOW_FIN) ? 1 : 0;
}

static inline void buffer(struct machine *m, uint64_t size)
{
	struct event *e = emit(m, m->no_sync ? EVENT_UNMAP : EVENT_SYNC_CPU, 0);

	e->dev = m->net;
	e->dma = m->slot += 4096;
	e->size = m->no_sync ? 1536 : size;
	e->dir = EVENT_FROM_DEVICE;
}

/* The stack's part of receiving the frame f. */
static inline void receive(struct line *l, const struct frame *f)
{
	struct machine *m = l->m;
	uint64_t skb = m->next_skb += 256;
	struct event *e = emit(m, EVENT_NET_RX, 0);

	e->link = skb;
	e->dev = m->eth0;
	e->size = f->len - 14;
	capture(m, f, FLOW_IN);
	if (!m->no_tcp_probes) {
		e = emit(m, EVENT_TCP_RX, 0);
		e->link = skb;
		e->orig = l->sock;
		e->size = f->len - 34;
	}
}

static inline void recv_flags(struct line *l, uint8_t flags, const char *payload, uint32_t len)
{
	static struct frame f;

	frame_tcp(&f, FLOW_IN, l->port, 1000 + l->at[1], 1000 + l->at[0], flags, payload, len);
	buffer(l->m, f.len + (l->m->no_header ? 0 : HDR));
	receive(l, &f);
	l->at[1] += len + (flags & (FLOW_SYN | FLOW_FIN) ? 1 : 0);
}

static inline void connect_line(struct line *l, struct machine *m, uint64_t sock, uint16_t port,
				int32_t pid)
{
	*l = (struct line){ .m = m, .sock = sock, .port = port, .pid = pid };
	sock_state(l, FLOW_CLOSE, FLOW_SYN_SENT, 0, pid);
	send_flags(l, FLOW_SYN, "", 0, 0);
	recv_flags(l, FLOW_SYN | FLOW_ACK, "", 0);
	sock_state(l, FLOW_SYN_SENT, FLOW_ESTABLISHED, port, 0);
	send_flags(l, FLOW_ACK, "", 0, 0);
}

static inline void say(struct line *l, const char *text, uint32_t mss)
{
	struct event *e = emit(l->m, EVENT_SOCK_SEND, l->pid);

	e->link = l->sock;
	e->size = strlen(text);
	e->aux = 2u << 16 | 6;
	send_flags(l, DATA, text, (uint32_t)strlen(text), mss);
}

static inline void hear(struct line *l, const char *text)
{
	recv_flags(l, DATA, text, (uint32_t)strlen(text));
}

/* A task wants sectors. */
static inline void bio(struct machine *m, int32_t pid, uint64_t sector, uint64_t bytes,
		       const char *disk)
{
	struct event *e = emit(m, EVENT_BLK_QUEUE, pid);

	e->dma = sector;
	e->size = bytes;
	e->comm = names_intern(m->names, "cat", 3);
	e->dev = names_intern(m->names, disk, strlen(disk));
}

/* A worker issues the request, and it is mapped: data at phys. */
static inline void request(struct machine *m, uint64_t sector, uint64_t bytes, enum event_dir dir,
			   uint64_t phys)
{
	struct event *e = emit(m, EVENT_BLK_ISSUE, 7);

	e->dma = sector;
	e->size = bytes;
	e->aux = dir == EVENT_TO_DEVICE ? EVENT_BLK_WRITE : EVENT_BLK_READ;
	e->comm = names_intern(m->names, "kworker", 7);
	e->dev = names_intern(m->names, "254:0", 5);
	map(m, m->disk, EVENT_TO_DEVICE, 16);
	map(m, m->disk, dir, bytes);
	m->events[m->nevents - 1].orig = m->events[m->nevents - 2].orig = phys;
	map(m, m->disk, EVENT_FROM_DEVICE, 1);
	map(m, m->disk, EVENT_TO_DEVICE, 48);
}

/* What the packets say. */
static inline struct exchanges *listen_to(struct machine *m)
{
	struct traffic_options options = { .memory = m->memory };
	struct traffic *t = traffic_new(m->names, &options);
	struct exchanges *x;

	for (size_t i = 0; i < m->npackets; i++)
		traffic_packet(t, &m->packets[i]);
	x = traffic_finish(t);
	x->program.roots[x->program.nroots++] = APP;
	x->program.launched = m->launched;
	return x;
}

/* What the events say of it. */
static inline void correlate_all(struct machine *m, struct exchanges *x, bool events)
{
	struct correlate *c = correlate_new(x, m->names, m->platform);
	size_t p = 0;

	for (size_t i = 0; events && i < m->nevents; i++) {
		while (p < m->npackets &&
		       m->packets[p].ts_ns <= m->events[i].ts_ns + (m->lead ? m->lead : 50000))
			correlate_packet(c, &m->packets[p++]);
		correlate_event(c, &m->events[i]);
	}
	while (p < m->npackets)
		correlate_packet(c, &m->packets[p++]);
	correlate_finish(c);
}

static inline void forget(struct machine *m)
{
	for (size_t i = 0; i < m->npackets; i++)
		free(m->frames[i]);
	free(m->frames);
	free(m->packets);
	free(m->events);
}

/* Run what was reported through both passes. */
static inline struct exchanges *judge(struct machine *m, bool events)
{
	struct exchanges *x = listen_to(m);

	correlate_all(m, x, events);
	forget(m);
	return x;
}

static inline void end(struct machine *m, struct exchanges *x)
{
	exchanges_free(x);
	names_free(m->names);
}

static const char ask[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#endif
