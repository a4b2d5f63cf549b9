/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/correlate.h"
#include "lib/event.h"
#include "lib/exchange.h"
#include "lib/names.h"
#include "lib/platform.h"
#include "lib/traffic.h"
#include "lib/xalloc.h"
#include "tests/unit/packets.h"
#include "tests/unit/test.h"

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
	uint64_t next_skb;
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

static void begin(struct machine *m)
{
	memset(m, 0, sizeof(*m));
	m->names = names_new();
	m->eth0 = names_intern(m->names, "eth0", 4);
	m->net = names_intern(m->names, "0000:00:01.0", 12);
	m->disk = names_intern(m->names, "0000:00:02.0", 12);
	m->slot = 0x72900000;
	m->next_skb = 0xffff000010000000;
}

static struct event *emit(struct machine *m, enum event_kind kind, int32_t pid)
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

static void map(struct machine *m, uint16_t dev, enum event_dir dir, uint64_t size)
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

static void capture(struct machine *m, const struct frame *frame, enum flow_dir dir)
{
	struct frame *copy = xcalloc(1, sizeof(*copy));
	size_t n = m->npackets;

	memcpy(copy, frame, sizeof(*copy));
	XGROW(m->frames, n, m->cap_frames);
	m->frames[m->npackets] = copy;
	XGROW(m->packets, m->npackets, m->cap_packets);
	m->packets[m->npackets] = frame_packet(copy, m->now, dir);
	m->packets[m->npackets++].iface = m->eth0;
}

/* The driver's part of sending one frame. */
static void xmit(struct machine *m, uint64_t skb, uint32_t len, int32_t pid)
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
	map(m, m->net, EVENT_TO_DEVICE, len + HDR);
	e = emit(m, EVENT_VQ_KICK, pid);
	e->orig = 0xabc;
	e = emit(m, EVENT_NET_XMIT, pid);
	e->link = skb;
	e->dev = m->eth0;
	e->size = len;
}

/* As the probe reads them from the socket, in network order. */
static void tell_addresses(const struct line *l, struct event *e)
{
	if (l->m->addresses)
		flow_pack_tcp(e, AF_INET, htonl(0x0a00020f), htonl(0x0a000202), l->port,
			      htons(8088));
}

static void sock_state(struct line *l, unsigned int from, unsigned int to, uint16_t sport,
		       int32_t pid)
{
	static const uint8_t local[4] = { 10, 0, 2, 15 }, remote[4] = { 10, 0, 2, 2 };
	static const uint8_t none[16];
	struct event *e = emit(l->m, EVENT_SOCK_STATE, pid);

	e->link = l->sock;
	flow_pack_sock(e, AF_INET, local, remote, none, none, sport, 8088, from, to);
}

/* Send payload as one skb, cut into segments of mss bytes (0: as it is). */
static void send_flags(struct line *l, uint8_t flags, const char *payload, uint32_t len,
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

static void buffer(struct machine *m, uint64_t size)
{
	struct event *e = emit(m, m->no_sync ? EVENT_UNMAP : EVENT_SYNC_CPU, 0);

	e->dev = m->net;
	e->dma = m->slot += 4096;
	e->size = m->no_sync ? 1536 : size;
	e->dir = EVENT_FROM_DEVICE;
}

/* The stack's part of receiving the frame f. */
static void receive(struct line *l, const struct frame *f)
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

static void recv_flags(struct line *l, uint8_t flags, const char *payload, uint32_t len)
{
	static struct frame f;

	frame_tcp(&f, FLOW_IN, l->port, 1000 + l->at[1], 1000 + l->at[0], flags, payload, len);
	buffer(l->m, f.len + HDR);
	receive(l, &f);
	l->at[1] += len + (flags & (FLOW_SYN | FLOW_FIN) ? 1 : 0);
}

static void connect_line(struct line *l, struct machine *m, uint64_t sock, uint16_t port,
			 int32_t pid)
{
	*l = (struct line){ .m = m, .sock = sock, .port = port, .pid = pid };
	sock_state(l, FLOW_CLOSE, FLOW_SYN_SENT, 0, pid);
	send_flags(l, FLOW_SYN, "", 0, 0);
	recv_flags(l, FLOW_SYN | FLOW_ACK, "", 0);
	sock_state(l, FLOW_SYN_SENT, FLOW_ESTABLISHED, port, 0);
	send_flags(l, FLOW_ACK, "", 0, 0);
}

static void say(struct line *l, const char *text, uint32_t mss)
{
	struct event *e = emit(l->m, EVENT_SOCK_SEND, l->pid);

	e->link = l->sock;
	e->size = strlen(text);
	send_flags(l, DATA, text, (uint32_t)strlen(text), mss);
}

static void hear(struct line *l, const char *text)
{
	recv_flags(l, DATA, text, (uint32_t)strlen(text));
}

/* Run what was told through both passes. */
static struct exchanges *judge(struct machine *m, bool events)
{
	struct traffic_options options = { 0 };
	struct traffic *t = traffic_new(m->names, &options);
	struct correlate *c;
	struct exchanges *x;
	size_t p = 0;

	for (size_t i = 0; i < m->npackets; i++)
		traffic_packet(t, &m->packets[i]);
	x = traffic_finish(t);
	x->roots[x->nroots++] = APP;
	x->launched = m->launched;
	c = correlate_new(x, m->names, m->platform);
	for (size_t i = 0; events && i < m->nevents; i++) {
		while (p < m->npackets && m->packets[p].ts_ns <= m->events[i].ts_ns + 50000)
			correlate_packet(c, &m->packets[p++]);
		correlate_event(c, &m->events[i]);
	}
	while (p < m->npackets)
		correlate_packet(c, &m->packets[p++]);
	correlate_finish(c);
	for (size_t i = 0; i < m->npackets; i++)
		free(m->frames[i]);
	free(m->frames);
	free(m->packets);
	free(m->events);
	return x;
}

static void end(struct machine *m, struct exchanges *x)
{
	exchanges_free(x);
	names_free(m->names);
}

static bool failed(const struct exchanges *x, const char *left_name)
{
	for (size_t i = 0; i < x->nchecks; i++)
		if (!x->checks[i].ok && strcmp(x->checks[i].left_name, left_name) == 0)
			return true;
	return false;
}

static const char ask[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

static void one_exchange(void)
{
	struct machine m;
	struct line l;
	struct exchanges *x;
	struct exchange_half *out, *in;

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	hear(&l, ok);
	x = judge(&m, true);
	check(x->nconns == 1 && x->nrows == 1 && x->program_known);
	check(x->conns[0].program && x->conns[0].pid == APP && x->conns[0].owner == GRADE_EXACT);
	check(x->conns[0].socket == 0xcc00);
	out = &x->rows[0].half[FLOW_OUT];
	in = &x->rows[0].half[FLOW_IN];
	check(x->rows[0].grade == GRADE_NESTED);
	check(out->bytes[GRADE_NESTED] == strlen(ask) && out->bytes[GRADE_NONE] == 0);
	check(in->bytes[GRADE_NESTED] == strlen(ok));
	check(out->packets == 1 && out->transfers == 1 && out->slots == 1);
	check(out->dma_bytes == strlen(ask) + FRAME_HEADERS + HDR && out->nlist == 1);
	check(out->list[0].size == out->dma_bytes && out->list[0].bounced);
	check(out->descriptors == 1 && out->kicks == 1 && strcmp(out->queues, "output.0") == 0);
	check(in->transfers == 1 && in->dma_bytes == strlen(ok) + FRAME_HEADERS + HDR);
	check(strcmp(x->devices[0].name, "0000:00:01.0") == 0);
	check(strcmp(x->devices[0].iface, "eth0") == 0);
	check(x->devices[0].other_bytes[0] == 0 && x->devices[0].unknown_bytes[0] == 0);
	check(x->clear_bytes == strlen(ask) && x->tls_bytes == 0);
	check(x->conns[0].app_bytes[FLOW_OUT] == strlen(ask));
	check(x->conserved && x->nchecks >= 6 && x->nunattributed == 0);
	end(&m, x);
}

static void segmented(void)
{
	char body[5000] = "POST /e HTTP/1.1\r\nContent-Length: 4000\r\n\r\n";
	size_t head = strlen(body);
	struct machine m;
	struct line l;
	struct exchanges *x;

	memset(body + head, 'x', 4000);
	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, body, 1460);
	hear(&l, ok);
	x = judge(&m, true);
	check(x->rows[0].half[FLOW_OUT].packets == 3);
	check(x->rows[0].half[FLOW_OUT].bytes[GRADE_NESTED] == head + 4000);
	check(x->rows[0].grade == GRADE_NESTED);
	end(&m, x);
}

static void merged_and_multi_buffer(void)
{
	static char body[10001];
	struct machine m;
	struct line l;
	struct exchanges *x;
	static struct frame f;
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n";
	size_t len;

	strcpy(body, head);
	memset(body + strlen(head), 'x', 9000);
	len = strlen(head) + 9000;
	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	/* three packets merged into one by GRO */
	frame_tcp(&f, FLOW_IN, l.port, 1000 + l.at[1], 1000 + l.at[0], DATA, body, 4000);
	buffer(&m, 1460 + FRAME_HEADERS + HDR);
	buffer(&m, 1460 + FRAME_HEADERS + HDR);
	buffer(&m, 1080 + FRAME_HEADERS + HDR);
	receive(&l, &f);
	/* one packet in two buffers */
	frame_tcp(&f, FLOW_IN, l.port, 1000 + l.at[1] + 4000, 1000 + l.at[0], DATA, body + 4000,
		  (uint32_t)len - 4000);
	buffer(&m, 4096);
	buffer(&m, f.len + HDR - 4096);
	receive(&l, &f);
	x = judge(&m, true);
	check(x->rows[0].end == EXCHANGE_COMPLETE && x->rows[0].grade == GRADE_NESTED);
	check(x->rows[0].half[FLOW_IN].transfers == 5 && x->rows[0].half[FLOW_IN].packets == 2);
	check(x->rows[0].half[FLOW_IN].bytes[GRADE_NESTED] == len);
	check(x->devices[0].event_packets[FLOW_IN] == 5);
	end(&m, x);
}

static void two_programs(void)
{
	struct machine m;
	struct line a, b, child;
	struct exchanges *x;
	struct event *e;
	uint64_t sum;

	begin(&m);
	e = emit(&m, EVENT_FORK, APP);
	e->aux = APP + 1;
	connect_line(&a, &m, 0xcc00, 40000, APP);
	connect_line(&b, &m, 0xdd00, 40001, OTHER);
	connect_line(&child, &m, 0xee00, 40002, APP + 1);
	/* the same sizes, interleaved */
	say(&b, ask, 0);
	say(&a, ask, 0);
	say(&child, ask, 0);
	hear(&child, ok);
	hear(&b, ok);
	hear(&a, ok);
	x = judge(&m, true);
	check(x->nrows == 3);
	for (size_t i = 0; i < 3; i++) {
		check(x->rows[i].grade == GRADE_NESTED);
		check(x->conns[i].program == (x->conns[i].local.port != 40001));
		check(x->conns[i].carried[FLOW_OUT][GRADE_NESTED] == strlen(ask));
	}
	check(x->conns[2].pid == APP + 1);
	check(x->clear_bytes == 2 * strlen(ask));
	/* each line: SYN, ACK, request */
	sum = 3 * (FRAME_HEADERS + HDR) + strlen(ask);
	check(x->devices[0].program_bytes[FLOW_OUT] == 2 * sum);
	check(x->devices[0].other_bytes[FLOW_OUT] == sum);
	check(x->conserved);
	end(&m, x);
}

static void retransmitted(void)
{
	struct machine m;
	struct line l;
	struct exchanges *x;

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	l.at[0] -= (uint32_t)strlen(ask);
	send_flags(&l, DATA, ask, (uint32_t)strlen(ask), 0);
	hear(&l, ok);
	x = judge(&m, true);
	check(x->rows[0].half[FLOW_OUT].packets == 2 && x->rows[0].half[FLOW_OUT].transfers == 2);
	check(x->rows[0].half[FLOW_OUT].retransmitted == strlen(ask));
	check(x->rows[0].half[FLOW_OUT].bytes[GRADE_NESTED] == strlen(ask));
	check(x->conns[0].payload[FLOW_OUT] == strlen(ask) && x->conserved);
	end(&m, x);
}

/*
 * A segment joined to another one in a socket's backlog is never received by
 * itself, and its skb is soon used again, for another connection.
 */
static void joined_in_the_backlog(void)
{
	struct machine m;
	struct line a, b;
	struct event again;
	struct exchanges *x;
	uint64_t skb;

	begin(&m);
	connect_line(&a, &m, 0xcc00, 40000, APP);
	connect_line(&b, &m, 0xdd00, 40001, OTHER);
	say(&a, ask, 0);
	say(&b, ask, 0);
	m.no_tcp_probes = true;
	skb = m.next_skb;
	hear(&a, ok);
	m.no_tcp_probes = false;
	m.next_skb = skb;
	hear(&b, ok);
	/* the second of two events about the same segment */
	again = m.events[m.nevents - 1];
	*emit(&m, EVENT_TCP_RX, 0) = again;
	x = judge(&m, true);
	check(x->conns[0].carried[FLOW_IN][GRADE_SIZED] == strlen(ok));
	check(x->conns[1].carried[FLOW_IN][GRADE_NESTED] == strlen(ok));
	check(x->conserved);
	end(&m, x);
}

/* A connection older than the recording: only its packets tell whose the socket is. */
static void older_connections(void)
{
	for (int told = 0; told < 2; told++) {
		struct exchanges *x;
		struct machine m;
		struct line l, other;

		begin(&m);
		m.addresses = told;
		l = (struct line){ .m = &m, .sock = 0xcc00, .port = 40000, .pid = APP };
		other = (struct line){ .m = &m, .sock = 0xdd00, .port = 40001, .pid = OTHER };
		say(&l, ask, 0);
		say(&other, ask, 0);
		hear(&other, ok);
		hear(&l, ok);
		x = judge(&m, true);
		check(x->nrows == 2);
		check(x->rows[0].grade == (told ? GRADE_NESTED : GRADE_SIZED));
		check(x->conns[0].program == told && !x->conns[1].program);
		check(x->conns[0].socket == (told ? 0xcc00 : 0));
		check(x->conns[1].pid == (told ? OTHER : 0));
		end(&m, x);
	}
}

static void edge(struct machine *m, unsigned int what)
{
	struct event *e = emit(m, EVENT_MARK, 0);

	e->link = 7;
	e->aux = what;
}

/* A frame of nobody whose transmission the window cuts, at map number cut. */
static void across(struct machine *m, unsigned int what, unsigned int cut, uint32_t size)
{
	struct event *e = emit(m, EVENT_NET_XMIT_START, 0);
	uint64_t skb = e->link = m->next_skb += 256;

	e->dev = m->eth0;
	e->size = size + 90 - HDR;
	for (unsigned int i = 0; i <= 2; i++) {
		if (i == cut)
			edge(m, what);
		if (i < 2)
			map(m, m->net, EVENT_TO_DEVICE, i ? size : 90);
	}
	e = emit(m, EVENT_NET_XMIT, 0);
	e->link = skb;
	e->dev = m->eth0;
	e->size = size + 90 - HDR;
}

/* Packets on their way as the window opens and closes: each byte of its maps is somebody's. */
static void at_the_edges(void)
{
	struct platform *p = platform_new();
	struct exchanges *x;
	struct machine m;
	struct line l;

	p->trace.nonce = 7;
	for (unsigned int cut = 0; cut <= 2; cut++) {
		begin(&m);
		m.platform = p;
		across(&m, EVENT_MARK_START, cut, 40);
		connect_line(&l, &m, 0xcc00, 40000, APP);
		say(&l, ask, 0);
		across(&m, EVENT_MARK_STOP, cut, 60);
		x = judge(&m, true);
		check(!failed(x, "DMA bytes"));
		check(!failed(x, "packets by the interface's own count"));
		end(&m, x);
	}
	platform_free(p);
}

static void without_probes(void)
{
	struct machine m;
	struct line l;
	struct exchanges *x;

	begin(&m);
	m.no_tcp_probes = true;
	m.no_sync = true;
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	hear(&l, ok);
	x = judge(&m, true);
	check(x->rows[0].grade == GRADE_SIZED);
	check(x->rows[0].half[FLOW_IN].bytes[GRADE_SIZED] == strlen(ok));
	check(x->rows[0].half[FLOW_OUT].bytes[GRADE_SIZED] == strlen(ask));
	end(&m, x);

	begin(&m);
	m.no_maps = true;
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	x = judge(&m, true);
	check(x->rows[0].grade == GRADE_NONE && x->rows[0].half[FLOW_OUT].transfers == 0);
	check(x->rows[0].half[FLOW_OUT].bytes[GRADE_NONE] == strlen(ask));
	end(&m, x);

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	x = judge(&m, false);
	check(!x->correlated && !x->program_known && x->rows[0].grade == GRADE_NONE);
	end(&m, x);
}

/* A packet whose events are missing: its bytes are nobody's, and the sums say so. */
static void lost_events(void)
{
	struct machine m;
	struct line l;
	struct exchanges *x;
	size_t before;

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	before = m.nevents;
	say(&l, ask, 0);
	m.nevents = before;
	hear(&l, ok);
	x = judge(&m, true);
	check(x->nrows == 2 && x->rows[1].grade == GRADE_NONE);
	check(x->rows[1].half[FLOW_OUT].bytes[GRADE_NONE] == strlen(ask));
	check(x->rows[0].grade == GRADE_NESTED);
	check(!x->conserved && failed(x, "payload of the packets"));
	end(&m, x);
}

/* A map that is larger than the packet, and DMA that no packet explains. */
static void more_than_the_packets(void)
{
	struct machine m;
	struct line l;
	struct exchanges *x;

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	map(&m, m.net, EVENT_TO_DEVICE, 3000);
	say(&l, ask, 0);
	x = judge(&m, true);
	check(x->devices[0].unknown_bytes[FLOW_OUT] == 3000);
	check(!failed(x, "DMA bytes") && x->conserved);
	end(&m, x);

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	for (size_t i = m.nevents; i-- > 0;) {
		if (m.events[i].kind == EVENT_MAP) {
			m.events[i].size += 100;
			break;
		}
	}
	x = judge(&m, true);
	check(x->rows[0].grade == GRADE_SIZED);
	check(!x->conserved && failed(x, "frames and their virtio-net headers"));
	end(&m, x);
}

/* A task wants sectors. */
static void bio(struct machine *m, int32_t pid, uint64_t sector, uint64_t bytes, const char *disk)
{
	struct event *e = emit(m, EVENT_BLK_QUEUE, pid);

	e->dma = sector;
	e->size = bytes;
	e->comm = names_intern(m->names, "cat", 3);
	e->dev = names_intern(m->names, disk, strlen(disk));
}

/* A worker issues the request, and it is mapped: data at phys. */
static void request(struct machine *m, uint64_t sector, uint64_t bytes, enum event_dir dir,
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

static void page(struct machine *m, enum event_kind kind, int32_t pid, uint64_t phys, uint64_t size,
		 uint64_t inode)
{
	struct event *e = emit(m, kind, pid);

	e->orig = phys;
	e->size = size;
	e->link = inode;
	e->aux = 254 << 20;
}

static const struct exchange_block *block_of(const struct exchanges *x, int32_t pid, uint64_t inode)
{
	for (size_t i = 0; i < x->nblocks; i++)
		if (x->blocks[i].pid == pid && x->blocks[i].inode == inode)
			return &x->blocks[i];
	return NULL;
}

/* Who asked, not who issued; and which file the memory was. */
static void disk_owners(void)
{
	const struct exchange_block *b;
	struct exchanges *x;
	struct machine m;

	begin(&m);
	/* two neighbours of the program's, and one of another task, in one request */
	bio(&m, APP, 100, 4096, "254:0");
	bio(&m, APP, 108, 4096, "254:0");
	bio(&m, OTHER, 116, 4096, "254:0");
	page(&m, EVENT_PAGE_IN, APP, 0x60000000, 8192, 12);
	page(&m, EVENT_PAGE_IN, OTHER, 0x60002000, 4096, 13);
	request(&m, 100, 12288, EVENT_FROM_DEVICE, 0x60000000);
	/* the same memory is no file's any more: a direct write of another's */
	page(&m, EVENT_PAGE_OUT, 0, 0x60000000, 8192, 12);
	bio(&m, OTHER, 200, 8192, "254:0");
	request(&m, 200, 8192, EVENT_TO_DEVICE, 0x60000000);
	/* what the program brought into memory is its own, whoever writes it back */
	page(&m, EVENT_PAGE_IN, APP, 0x61000000, 4096, 14);
	bio(&m, 8, 300, 4096, "254:0");
	request(&m, 300, 4096, EVENT_TO_DEVICE, 0x61000000);
	/* two ask for the same sectors: somebody of them */
	bio(&m, APP, 400, 4096, "254:0");
	bio(&m, OTHER, 400, 4096, "254:0");
	request(&m, 400, 4096, EVENT_FROM_DEVICE, 0x62000000);
	/* nobody is known to have asked: who issued it, as far as that goes */
	request(&m, 500, 4096, EVENT_FROM_DEVICE, 0x63000000);
	x = judge(&m, true);
	check(x->nblocks == 6 && x->conserved);
	b = block_of(x, APP, 12);
	check(b && b->program && b->cached && b->owner == GRADE_EXACT && b->filler == 0);
	check(b && b->bytes[FLOW_IN] == 8192 && b->requests[FLOW_IN] == 1 && b->transfers == 4);
	b = block_of(x, OTHER, 13);
	check(b && !b->program && b->bytes[FLOW_IN] == 4096 && b->requests[FLOW_IN] == 0);
	b = block_of(x, 8, 14);
	check(b && b->program && b->filler == APP && b->bytes[FLOW_OUT] == 4096);
	b = block_of(x, 7, 0);
	check(b && !b->program && !b->cached && b->owner == GRADE_SIZED);
	for (size_t i = 0; i < x->nblocks; i++)
		if (x->blocks[i].pid == OTHER && !x->blocks[i].cached)
			check(x->blocks[i].bytes[FLOW_OUT] == 8192 ||
			      x->blocks[i].owner == GRADE_SIZED);
	end(&m, x);
}

/* A bio for a partition has the partition's number and the disk's sectors. */
static void disk_partitions(void)
{
	static char *partitions[] = { (char *)"254:1" };
	static struct platform_disk vda = { .name = (char *)"vda",
					    .number = (char *)"254:0",
					    .partitions = partitions,
					    .npartitions = 1 };
	struct platform *p = platform_new();
	struct exchanges *x;
	struct machine m;

	for (int known = 0; known < 2; known++) {
		begin(&m);
		p->disks = &vda;
		p->ndisks = (size_t)known;
		m.platform = p;
		bio(&m, APP, 2148, 4096, "254:1");
		request(&m, 2148, 4096, EVENT_FROM_DEVICE, 0x62000000);
		x = judge(&m, true);
		check(x->nblocks == 1 && x->blocks[0].program == known);
		check(x->blocks[0].owner == (known ? GRADE_EXACT : GRADE_SIZED));
		check(strcmp(x->blocks[0].disk, known ? "vda" : "254:0") == 0);
		end(&m, x);
	}
	p->disks = NULL;
	p->ndisks = 0;
	platform_free(p);
}

static struct platform_virtio *rng_device; /* NULL: none is known */

/* One exchange of the program, and then something else.  Is that all of the program? */
static bool nothing_else(void (*then)(struct machine *), bool calls_known, const char *doubt)
{
	static char *calls[] = { (char *)"sock:sock_send_length", (char *)"sock:sock_recv_length" };
	struct platform *p = platform_new();
	struct exchanges *x;
	struct machine m;
	struct line l;
	bool nothing;

	begin(&m);
	m.platform = p;
	if (calls_known) {
		p->trace.events = calls;
		p->trace.nevents = 2;
	}
	p->virtio = rng_device;
	p->nvirtio = rng_device != NULL;
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	hear(&l, ok);
	if (then)
		then(&m);
	x = judge(&m, true);
	nothing = x->nothing_else;
	check(x->conns[0].control_packets[FLOW_OUT] == 2);
	check(x->conns[0].control_packets[FLOW_IN] == 1);
	check(x->conns[0].control_bytes[FLOW_OUT] == 2 * (FRAME_HEADERS + HDR));
	check(strstr(x->beyond, "besides, 3 packets without payload") == x->beyond);
	check(strstr(x->beyond, doubt));
	end(&m, x);
	p->trace.events = NULL;
	p->trace.nevents = p->nvirtio = 0;
	p->virtio = NULL;
	platform_free(p);
	return nothing;
}

static void call(struct machine *m, int32_t pid, unsigned int family, unsigned int protocol)
{
	struct event *e = emit(m, EVENT_SOCK_SEND, pid);

	e->link = 0xdd00;
	e->size = 58;
	e->aux = family << 16 | protocol;
}

static void udp(struct machine *m)
{
	call(m, APP, 2, 17);
}

static void raw_frames(struct machine *m)
{
	call(m, APP, 17, 0);
}

static void unknown_family(struct machine *m)
{
	call(m, APP, 0, 0);
}

static void uring(struct machine *m)
{
	call(m, 300, 2, 17);
	m->events[m->nevents - 1].comm = names_intern(m->names, "iou-wrk-100", 11);
}

static void harmless(struct machine *m)
{
	call(m, OTHER, 2, 17);
	call(m, 301, 2, 17);
	m->events[m->nevents - 1].comm = names_intern(m->names, "iou-wrk-200", 11);
	call(m, APP, 1, 0);
	call(m, APP, 16, 0);
	call(m, APP, 10, 6);
	bio(m, OTHER, 100, 4096, "254:0");
	request(m, 100, 4096, EVENT_FROM_DEVICE, 0x62000000);
}

static void unasked(struct machine *m)
{
	request(m, 100, 4096, EVENT_FROM_DEVICE, 0x62000000);
}

static void written_back(struct machine *m)
{
	bio(m, OTHER, 100, 4096, "254:0");
	request(m, 100, 4096, EVENT_TO_DEVICE, 0x62000000);
}

static void entropy(struct machine *m)
{
	map(m, names_intern(m->names, "0000:00:03.0", 12), EVENT_FROM_DEVICE, 64);
}

/* What a device was given before the program began is not the program's. */
static void before_it_began(void)
{
	for (int launched = 0; launched < 2; launched++) {
		for (int late = 0; late < 2; late++) {
			struct exchanges *x;
			struct machine m;
			struct line l;

			begin(&m);
			m.launched = launched;
			if (!late)
				map(&m, m.net, EVENT_TO_DEVICE, 102);
			emit(&m, EVENT_EXEC, APP);
			if (late)
				map(&m, m.net, EVENT_TO_DEVICE, 102);
			connect_line(&l, &m, 0xcc00, 40000, APP);
			say(&l, ask, 0);
			x = judge(&m, true);
			check(x->nunattributed == 1 && x->unattributed[0].bytes == 102);
			check(x->devices[0].other_bytes[FLOW_OUT] == (launched && !late ? 102 : 0));
			check(x->devices[0].unknown_bytes[FLOW_OUT] ==
			      (launched && !late ? 0 : 102));
			check(x->conserved);
			end(&m, x);
		}
	}
}

/* Who of the program went on after the recording: as far as starts and ends were told. */
static void who_went_on(bool told, bool ended, bool thread_execs)
{
	static char fork[] = "sched:sched_process_fork", gone[] = "sched:sched_process_exit";
	char *events[] = { fork, gone };
	struct platform *p = platform_new();
	struct exchanges *x;
	struct machine m;
	struct event *e;
	struct line l;

	begin(&m);
	m.launched = true;
	if (told) {
		p->trace.events = events;
		p->trace.nevents = 2;
	}
	m.platform = p;
	emit(&m, EVENT_EXEC, APP);
	for (int i = 0; i < 3; i++)
		emit(&m, EVENT_FORK, APP)->aux = APP + 30u - 10u * (unsigned int)i;
	e = emit(&m, EVENT_EXEC, APP + 20);
	e->comm = names_intern(m.names, "daemon", 6);
	emit(&m, EVENT_EXIT, APP + 30);
	if (thread_execs) {
		/* the first thread has been ended by then */
		emit(&m, EVENT_EXIT, APP);
		emit(&m, EVENT_EXEC, APP)->aux = APP + 10;
	} else {
		emit(&m, EVENT_EXIT, APP + 10);
	}
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	if (ended)
		emit(&m, EVENT_EXIT, APP);
	x = judge(&m, true);
	check(x->conns[0].program && x->conns[0].pid == APP);
	check(x->alive_known == (told && ended));
	check(x->nalive == (told && ended) && x->nalive_listed == x->nalive);
	check(!x->nalive || strstr(x->alive[0], "daemon["));
	end(&m, x);
	p->trace.events = NULL;
	p->trace.nevents = 0;
	platform_free(p);
}

static void alive(void)
{
	who_went_on(true, true, false);
	who_went_on(true, true, true);
	who_went_on(true, false, false);
	who_went_on(false, true, false);
}

static void entropy_for_the_program(struct machine *m)
{
	entropy(m);
	m->events[m->nevents - 1].pid = APP;
}

/* What the kernel's own thread asks of the device is not the program's. */
static void rng(void)
{
	static struct platform_virtio v = { .device_id = 4, .parent = (char *)"0000:00:03.0" };

	rng_device = &v;
	check(nothing_else(entropy, true, "; nothing else of the program touched a device"));
	check(!nothing_else(entropy_for_the_program, true, "whose 0 bytes out and 64 in"));
	rng_device = NULL;
}

static void beyond(void)
{
	check(nothing_else(NULL, true, "; nothing else of the program touched a device"));
	check(nothing_else(harmless, true, "; nothing else of the program touched a device"));
	check(!nothing_else(NULL, false, "does not tell what it sent by sockets other than TCP"));
	check(!nothing_else(udp, true, "other than TCP it sent 58 bytes and received 0"));
	check(!nothing_else(raw_frames, true, "other than TCP it sent 58 bytes"));
	check(!nothing_else(unknown_family, true, "other than TCP it sent 58 bytes"));
	check(!nothing_else(uring, true, "other than TCP it sent 58 bytes"));
	check(!nothing_else(unasked, true, "who asked for 4096 bytes of disks is not known"));
	check(!nothing_else(written_back, true, "4096 bytes that others wrote to disks may hold"));
	check(!nothing_else(entropy, true, "whose 0 bytes out and 64 in were is not known"));
}

static void blk(struct machine *m, int32_t pid, uint64_t bytes)
{
	struct event *e = emit(m, EVENT_BLK_ISSUE, pid);

	e->size = bytes;
	e->comm = names_intern(m->names, "dd", 2);
}

static void disk(void)
{
	struct machine m;
	struct exchanges *x;

	begin(&m);
	/* two requests of a plug: issued first, mapped after */
	blk(&m, APP, 8192);
	blk(&m, OTHER, 4096);
	map(&m, m.disk, EVENT_TO_DEVICE, 16);
	map(&m, m.disk, EVENT_FROM_DEVICE, 4096);
	map(&m, m.disk, EVENT_FROM_DEVICE, 4096);
	map(&m, m.disk, EVENT_FROM_DEVICE, 1);
	map(&m, m.disk, EVENT_TO_DEVICE, 64);
	map(&m, m.disk, EVENT_TO_DEVICE, 16);
	map(&m, m.disk, EVENT_TO_DEVICE, 4096);
	map(&m, m.disk, EVENT_FROM_DEVICE, 1);
	map(&m, m.disk, EVENT_TO_DEVICE, 48);
	map(&m, m.disk, EVENT_TO_DEVICE, 512); /* for nobody */
	x = judge(&m, true);
	check(x->nblocks == 2 && x->ndevices == 1 && x->devices[0].block);
	check(x->blocks[0].program && x->blocks[0].bytes[FLOW_IN] == 8192);
	check(x->blocks[0].transfers == 5 && x->blocks[0].dma_bytes == 16 + 8192 + 1 + 64);
	check(x->blocks[0].carried[FLOW_IN][GRADE_NESTED] == 8192);
	check(!x->blocks[1].program && x->blocks[1].bytes[FLOW_OUT] == 4096);
	check(strcmp(x->blocks[1].comm, "dd") == 0);
	check(x->devices[0].unknown_bytes[FLOW_OUT] == 512 && x->nunattributed == 3);
	check(strcmp(x->unattributed[0].reason, "block requests of dd[200]") == 0);
	check(x->conserved);
	end(&m, x);
}

int main(void)
{
	one_exchange();
	segmented();
	merged_and_multi_buffer();
	two_programs();
	retransmitted();
	joined_in_the_backlog();
	older_connections();
	without_probes();
	lost_events();
	at_the_edges();
	more_than_the_packets();
	disk();
	disk_owners();
	disk_partitions();
	beyond();
	before_it_began();
	alive();
	rng();
	return done();
}
