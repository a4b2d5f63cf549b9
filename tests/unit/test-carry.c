/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the events of a network device to the packets: orders of them that are hard to tell apart.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/correlate/carry/carry.h"
#include "lib/evidence/event.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/owners.h"
#include "tests/unit/test.h"

#define HDR 12
#define ETH 14
#define APP 100
#define KWORKER 7

/* What carry found, as far as a test looks at it. */
struct found {
	uint64_t skb_len, socket;
	uint64_t dma[8];
	size_t ndma;
	unsigned int wire, grade, socket_grade, queue;
	uint64_t dma_bytes, table_bytes;
};

struct bench {
	struct names *names;
	struct owners *owners;
	struct carry *carry;
	uint16_t eth0, net, disk;
	uint16_t cpu, queue;
	uint64_t now;
	bool unmaps;
	struct found in[32], out[32];
	size_t nin, nout;
	uint64_t unattributed[2], commands;
};

static void carried(void *ctx, const struct packet_dma *packet_dma)
{
	struct bench *b = ctx;
	struct found *f = packet_dma->dir == FLOW_IN ? &b->in[b->nin++] : &b->out[b->nout++];

	f->skb_len = packet_dma->frame - ETH;
	f->socket = packet_dma->socket;
	f->wire = packet_dma->wire;
	f->queue = packet_dma->rx_queue;
	f->grade = packet_dma->dma_grade;
	f->socket_grade = packet_dma->socket_grade;
	f->dma_bytes = packet_dma->dma_bytes;
	f->table_bytes = packet_dma->table_bytes;
	f->ndma = packet_dma->ndma;
	for (size_t i = 0; i < packet_dma->ndma && i < 8; i++)
		f->dma[i] = packet_dma->dma[i].dma;
}

static void unattributed(void *ctx, uint64_t ts_ns, uint16_t device, enum flow_dir dir,
			 uint64_t bytes, const char *why)
{
	struct bench *b = ctx;

	(void)ts_ns, (void)device;
	*(why == carry_command ? &b->commands : &b->unattributed[dir]) += bytes;
}

static struct event *next(struct bench *b, struct event *e, enum event_kind kind)
{
	*e = (struct event){ .kind = (uint8_t)kind,
			     .ts_ns = b->now += 1000,
			     .cpu = b->cpu,
			     .dir = EVENT_DIR_NONE,
			     .orig = EVENT_NO_ADDR,
			     .dma = EVENT_NO_ADDR };
	return e;
}

static void xmit(struct bench *b, uint64_t skb, uint32_t frame, int32_t pid, uint64_t socket)
{
	struct event e;

	next(b, &e, EVENT_NET_XMIT_START)->link = skb;
	e.dev = b->eth0;
	e.size = frame;
	e.pid = pid;
	carry_event(b->carry, &e);
	next(b, &e, EVENT_VQ_ADD)->link = skb;
	e.orig = 0xabc;
	e.dev = names_intern(b->names, "output.0", 8);
	e.pid = pid;
	e.dma = socket;
	carry_event(b->carry, &e);
	next(b, &e, EVENT_MAP)->dev = b->net;
	e.dir = EVENT_TO_DEVICE;
	e.dma = 0x9000;
	e.size = frame + HDR;
	e.pid = pid;
	carry_event(b->carry, &e);
	next(b, &e, EVENT_NET_XMIT)->link = skb;
	e.dev = b->eth0;
	e.size = frame;
	e.pid = pid;
	carry_event(b->carry, &e);
}

static void begin(struct bench *b)
{
	static const struct carry_ops ops = { carried, unattributed };

	memset(b, 0, sizeof(*b));
	b->names = names_new();
	b->eth0 = names_intern(b->names, "eth0", 4);
	b->net = names_intern(b->names, "0000:00:01.0", 12);
	b->disk = names_intern(b->names, "0000:00:02.0", 12);
	b->owners = owners_new();
	owners_add_root(b->owners, APP);
	b->carry = carry_new(b->names, NULL, b->owners, &ops, b);
	xmit(b, 0x1, 60, 0, 0); /* which device is eth0 */
	b->nout = 0;
}

/* The stream is over; what carry found stays in b. */
static void finish(struct bench *b)
{
	carry_finish(b->carry);
	carry_free(b->carry);
	owners_free(b->owners);
	names_free(b->names);
}

/* The driver takes a buffer over. */
static void take(struct bench *b, uint64_t dma, uint64_t size)
{
	struct event e;

	next(b, &e, b->unmaps ? EVENT_UNMAP : EVENT_SYNC_CPU)->dev = b->net;
	e.dir = EVENT_FROM_DEVICE;
	e.dma = dma;
	e.size = size;
	carry_event(b->carry, &e);
}

static void enter(struct bench *b, uint64_t skb, uint64_t len)
{
	struct event e;

	next(b, &e, EVENT_NET_ENTER)->link = skb;
	e.dev = b->eth0;
	e.size = len;
	e.aux = b->queue;
	carry_event(b->carry, &e);
}

/* A packet of len bytes in one buffer. */
static void arrive(struct bench *b, uint64_t skb, uint64_t dma, uint64_t len)
{
	take(b, dma, len + ETH + HDR);
	enter(b, skb, len);
}

static void merge(struct bench *b, uint64_t into, uint64_t skb, int ret)
{
	struct event e;

	next(b, &e, EVENT_NET_MERGE)->link = skb;
	e.orig = into;
	e.aux = (uint32_t)ret;
	carry_event(b->carry, &e);
}

static void receive(struct bench *b, uint64_t skb, uint64_t len)
{
	struct event e;

	next(b, &e, EVENT_NET_RX)->link = skb;
	e.dev = b->eth0;
	e.size = len;
	carry_event(b->carry, &e);
}

static bool is(const struct found *f, unsigned int grade, unsigned int wire, size_t ndma,
	       const uint64_t *dma)
{
	return f->grade == grade && f->wire == wire && f->ndma == ndma &&
	       memcmp(f->dma, dma, ndma * sizeof(*dma)) == 0;
}

#define IS(f, grade, wire, ...) \
	is(f, grade, wire, sizeof((uint64_t[]){ __VA_ARGS__ }) / 8, (uint64_t[]){ __VA_ARGS__ })

/* Two connections of equal sizes, packet by packet, given out in another order. */
static void two_flows_merged(void)
{
	struct bench b;

	begin(&b);
	arrive(&b, 0xa0, 0x1000, 1500);
	arrive(&b, 0xb0, 0x2000, 1500);
	arrive(&b, 0xa1, 0x3000, 1500);
	merge(&b, 0xa0, 0xa1, 0);
	arrive(&b, 0xb1, 0x4000, 1500);
	merge(&b, 0xb0, 0xb1, 0);
	/* too much for the first: goes on by itself, and others are merged into it */
	arrive(&b, 0xa2, 0x5000, 1500);
	merge(&b, 0xa0, 0xa2, -7);
	arrive(&b, 0xa3, 0x6000, 1500);
	merge(&b, 0xa2, 0xa3, 0);
	receive(&b, 0xb0, 2960);
	receive(&b, 0xa2, 2960);
	receive(&b, 0xa0, 2960);
	finish(&b);
	check(b.nin == 3 && b.unattributed[FLOW_IN] == 0);
	check(IS(&b.in[0], GRADE_NESTED, 2, 0x2000, 0x4000));
	check(IS(&b.in[1], GRADE_NESTED, 2, 0x5000, 0x6000));
	check(IS(&b.in[2], GRADE_NESTED, 2, 0x1000, 0x3000));
}

/* What was merged is freed, and its address is the next packet's in the same poll. */
static void address_used_again(void)
{
	struct bench b;

	begin(&b);
	arrive(&b, 0xa0, 0x1000, 1500);
	arrive(&b, 0xa1, 0x2000, 1500);
	merge(&b, 0xa0, 0xa1, 0);
	arrive(&b, 0xa1, 0x3000, 1500);
	merge(&b, 0xa0, 0xa1, 0);
	arrive(&b, 0xa1, 0x4000, 1500); /* of somebody else */
	receive(&b, 0xa1, 1500);
	receive(&b, 0xa0, 4420);
	arrive(&b, 0xa0, 0x5000, 1500);
	receive(&b, 0xa0, 1500);
	/* one that the stack threw away */
	arrive(&b, 0xa0, 0x6000, 1500);
	arrive(&b, 0xa0, 0x7000, 1500);
	receive(&b, 0xa0, 1500);
	finish(&b);
	check(b.nin == 4 && b.unattributed[FLOW_IN] == 1500 + ETH + HDR);
	check(IS(&b.in[3], GRADE_NESTED, 1, 0x7000));
	check(IS(&b.in[0], GRADE_NESTED, 1, 0x4000));
	check(IS(&b.in[1], GRADE_NESTED, 3, 0x1000, 0x2000, 0x3000));
	check(IS(&b.in[2], GRADE_NESTED, 1, 0x5000));
}

/* Long packets in several buffers, of which one is merged into another. */
static void several_buffers(void)
{
	struct bench b;

	begin(&b);
	b.queue = 3;
	take(&b, 0x1000, 4096);
	take(&b, 0x2000, 4096);
	take(&b, 0x3000, 100);
	enter(&b, 0xa0, 8292 - ETH - HDR);
	take(&b, 0x4000, 4096);
	take(&b, 0x5000, 4096);
	enter(&b, 0xa1, 8192 - ETH - HDR);
	merge(&b, 0xa0, 0xa1, 0);
	receive(&b, 0xa0, 8292 + 8192 - 2 * (ETH + HDR) - 52);
	finish(&b);
	check(b.nin == 1 && b.in[0].queue == 3);
	check(IS(&b.in[0], GRADE_NESTED, 2, 0x1000, 0x2000, 0x3000, 0x4000, 0x5000));
}

/* What the driver throws away becomes no packet, and nobody else's. */
static void thrown_away(void)
{
	struct bench b;

	begin(&b);
	take(&b, 0x1000, 1500 + ETH + HDR);
	arrive(&b, 0xa0, 0x2000, 1500);
	receive(&b, 0xa0, 1500);
	finish(&b);
	check(b.nin == 1 && IS(&b.in[0], GRADE_NESTED, 1, 0x2000));
	check(b.unattributed[FLOW_IN] == 1500 + ETH + HDR);
}

/* Events of merging that are missing: sizes only make it likely, and what they contradict is no
 * link. */
static void merging_not_told(void)
{
	struct bench b;

	begin(&b);
	arrive(&b, 0xa0, 0x1000, 1500);
	arrive(&b, 0xa1, 0x2000, 1500);
	receive(&b, 0xa0, 2960);
	/* one that cannot be of these lengths */
	arrive(&b, 0xa2, 0x3000, 1500);
	arrive(&b, 0xa3, 0x4000, 700);
	merge(&b, 0xa2, 0xa3, 0);
	receive(&b, 0xa2, 9000);
	/* reported for a packet whose own beginning is lost */
	arrive(&b, 0xb1, 0x5000, 1500);
	merge(&b, 0xb0, 0xb1, 0);
	receive(&b, 0xb0, 1500);
	finish(&b);
	check(b.nin == 3);
	check(IS(&b.in[0], GRADE_SIZED, 2, 0x1000, 0x2000));
	check(b.in[1].grade == GRADE_NONE && b.in[1].ndma == 0);
	check(b.in[2].grade < GRADE_NESTED);
}

/* An event of a buffer is missing: its packet gets none of those that are others'. */
static void buffer_not_told(void)
{
	struct bench b;

	begin(&b);
	enter(&b, 0xa0, 1500);
	arrive(&b, 0xb0, 0x2000, 1500);
	receive(&b, 0xa0, 1500);
	receive(&b, 0xb0, 1500);
	finish(&b);
	check(b.nin == 2 && b.in[0].ndma == 0 && b.in[0].grade == GRADE_NONE);
	check(IS(&b.in[1], GRADE_NESTED, 1, 0x2000));
}

/* A kernel that does not tell any of it: the first ones that fit, as long as only they do. */
static void nothing_told(void)
{
	struct bench b;

	begin(&b);
	take(&b, 0x1000, 1500 + ETH + HDR);
	take(&b, 0x2000, 1500 + ETH + HDR);
	receive(&b, 0xa0, 2960);
	take(&b, 0x3000, 100 + ETH + HDR);
	take(&b, 0x4000, 1500 + ETH + HDR);
	take(&b, 0x5000, 1500 + ETH + HDR);
	receive(&b, 0xa1, 1500);
	finish(&b);
	check(b.nin == 2 && IS(&b.in[0], GRADE_NESTED, 2, 0x1000, 0x2000));
	check(IS(&b.in[1], GRADE_SIZED, 1, 0x4000));
}

/* Buffers that are unmapped, whole: how many became a packet is reported by nothing but the
 * bracket. */
static void unmapped(void)
{
	struct bench b;

	begin(&b);
	b.unmaps = true;
	take(&b, 0x1000, 1536);
	enter(&b, 0xa0, 1400);
	take(&b, 0x2000, 1536);
	take(&b, 0x3000, 1536);
	enter(&b, 0xa1, 2000);
	take(&b, 0x4000, 1536);
	enter(&b, 0xa2, 1400);
	merge(&b, 0xa0, 0xa2, 0);
	receive(&b, 0xa1, 2000);
	receive(&b, 0xa0, 2760);
	/* more than a packet of this length can need */
	take(&b, 0x5000, 1536);
	take(&b, 0x6000, 1536);
	enter(&b, 0xa3, 1000);
	receive(&b, 0xa3, 1000);
	finish(&b);
	check(b.nin == 3 && IS(&b.in[0], GRADE_NESTED, 1, 0x2000, 0x3000));
	check(IS(&b.in[1], GRADE_NESTED, 2, 0x1000, 0x4000));
	check(b.in[2].grade == GRADE_SIZED);
}

/* Polled here, received by another CPU; and what another one polls at the same time. */
static void other_cpus(void)
{
	struct bench b;

	begin(&b);
	take(&b, 0x1000, 1500 + ETH + HDR);
	b.cpu = 1;
	arrive(&b, 0xb0, 0x2000, 1500);
	b.cpu = 0;
	enter(&b, 0xa0, 1500);
	b.cpu = 1;
	receive(&b, 0xa0, 1500);
	b.cpu = 0;
	receive(&b, 0xb0, 1500);
	finish(&b);
	check(b.nin == 2 && IS(&b.in[0], GRADE_NESTED, 1, 0x1000));
	check(IS(&b.in[1], GRADE_NESTED, 1, 0x2000));
}

static void establish(struct bench *b, uint64_t sock, uint16_t port)
{
	static const uint8_t local[4] = { 10, 0, 2, 15 }, remote[4] = { 10, 0, 2, 2 }, none[16];
	struct event e;

	next(b, &e, EVENT_SOCK_STATE)->link = sock;
	flow_pack_sock(&e, 2, local, remote, none, none, port, 8088, FLOW_SYN_SENT,
		       FLOW_ESTABLISHED);
	owners_event(b->owners, &e);
}

static void hand_down(struct bench *b, uint64_t skb, uint64_t sock, uint64_t len, int32_t pid)
{
	struct event e;

	next(b, &e, EVENT_TCP_TX)->link = skb;
	e.orig = sock;
	e.size = len;
	e.pid = pid;
	carry_event(b->carry, &e);
}

/*
 * A task that sends while another one's skb waits in the queue cuts that, too: its segments are
 * new skbs, but their socket is reported.
 */
static void segments_of_another(void)
{
	struct bench b;

	begin(&b);
	establish(&b, 0xcc00, 40000);
	establish(&b, 0xdd00, 40001);
	b.cpu = 1;
	hand_down(&b, 0x100, 0xcc00, 3000, APP);
	b.cpu = 0;
	hand_down(&b, 0x200, 0xdd00, 3000, APP + 1);
	xmit(&b, 0x300, 1514, APP + 1, 0xcc00);
	xmit(&b, 0x400, 1514, APP + 1, 0xdd00);
	/* a packet of nobody's, in size like a part of what was handed down here */
	hand_down(&b, 0x500, 0xdd00, 3000, APP + 1);
	xmit(&b, 0x600, 1514, APP + 1, 0xee00);
	/* an older kernel */
	xmit(&b, 0x700, 1514, APP + 1, EVENT_NO_ADDR);
	finish(&b);
	check(b.nout == 4);
	check(b.out[0].socket == 0xcc00 && b.out[0].socket_grade == GRADE_EXACT);
	check(b.out[1].socket == 0xdd00 && b.out[1].socket_grade == GRADE_EXACT);
	check(b.out[2].socket == 0);
	check(b.out[3].socket == 0xdd00 && b.out[3].socket_grade == GRADE_NESTED);
}

static void command(struct bench *b, enum event_kind kind, int32_t pid, uint64_t size)
{
	struct event e;

	next(b, &e, kind)->pid = pid;
	if (kind == EVENT_MAP) {
		e.dev = b->net;
		e.dir = EVENT_TO_DEVICE;
		e.dma = 0x8000;
		e.size = size;
	} else {
		e.orig = 0xc0;
		e.dev = kind == EVENT_VQ_ADD ? names_intern(b->names, "control", 7) : 0;
	}
	carry_event(b->carry, &e);
}

/* What is mapped for the control queue is nobody's payload, unless the program itself does it. */
static void commands(void)
{
	struct bench b;

	begin(&b);
	command(&b, EVENT_VQ_ADD, KWORKER, 0);
	command(&b, EVENT_MAP, KWORKER, 2);
	xmit(&b, 0x100, 60, KWORKER, 0); /* by a soft interrupt */
	b.cpu = 1;
	command(&b, EVENT_MAP, KWORKER, 10);
	command(&b, EVENT_MAP, KWORKER + 1, 300);
	command(&b, EVENT_VQ_KICK, KWORKER + 1, 0);
	command(&b, EVENT_MAP, KWORKER, 20);
	command(&b, EVENT_VQ_KICK, KWORKER, 0);
	check(b.commands == 32 && b.unattributed[FLOW_OUT] == 300 && b.nout == 1);
	command(&b, EVENT_MAP, KWORKER, 1000);
	command(&b, EVENT_VQ_ADD, APP, 0);
	command(&b, EVENT_MAP, APP, 40);
	command(&b, EVENT_VQ_KICK, APP, 0);
	/* one that never rang */
	command(&b, EVENT_VQ_ADD, KWORKER, 0);
	b.now += 2000000000;
	command(&b, EVENT_MAP, KWORKER, 5000);
	finish(&b);
	check(b.commands == 32 && b.unattributed[FLOW_OUT] == 6340);
}

/* A packet of frame bytes that is mapped in these pieces; what carry made of it. */
static const struct found *in_pieces(struct bench *b, uint32_t frame, const uint64_t *sizes,
				     size_t n)
{
	struct event e;

	next(b, &e, EVENT_NET_XMIT_START)->link = 0x500;
	e.dev = b->eth0;
	e.size = frame;
	carry_event(b->carry, &e);
	for (size_t i = 0; i < n; i++) {
		next(b, &e, EVENT_MAP)->dev = b->net;
		e.dir = EVENT_TO_DEVICE;
		e.dma = 0x9000 + i * 0x10000;
		e.size = sizes[i];
		carry_event(b->carry, &e);
	}
	next(b, &e, EVENT_NET_XMIT)->link = 0x500;
	e.dev = b->eth0;
	e.size = frame;
	carry_event(b->carry, &e);
	return &b->out[b->nout - 1];
}

#define PIECES(b, frame, ...)                                  \
	in_pieces(b, frame, (const uint64_t[]){ __VA_ARGS__ }, \
		  sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8)

/* A fragmented packet with its table: all bytes are accounted for, and the table's are not its. */
static void tables(void)
{
	const struct found *f;
	uint64_t most[20];
	struct bench b;

	begin(&b);
	f = PIECES(&b, 66 + 300, HDR + 66, 300, 32);
	check(f->grade == GRADE_NESTED && f->table_bytes == 32 && f->dma_bytes == 410);
	/* the header in a piece of its own, frames of TSO and USO */
	f = PIECES(&b, 66 + 65483, HDR, 66, 32768, 32715, 64);
	check(f->grade == GRADE_NESTED && f->table_bytes == 64 && f->ndma == 5);
	/* all that an skb may have */
	for (size_t i = 0; i < 19; i++)
		most[i] = i ? 3000 : HDR + 54;
	most[19] = UINT64_C(19) * 16;
	f = in_pieces(&b, 54 + 18 * 3000, most, 20);
	check(f->grade == GRADE_NESTED && f->table_bytes == 304);
	/* without a table, data that is as long as one would be */
	f = PIECES(&b, 66 + 300 + 32, HDR + 66, 300, 32);
	check(f->grade == GRADE_NESTED && f->table_bytes == 0 && f->dma_bytes == 410);
	f = PIECES(&b, 66 + 32, HDR + 66, 32, 32);
	check(f->grade == GRADE_NESTED && f->table_bytes == 32);
	/* what has the size of no table, or of another's */
	f = PIECES(&b, 66 + 300, HDR + 66, 300, 48);
	check(f->grade == GRADE_SIZED && f->table_bytes == 0);
	f = PIECES(&b, 66, HDR + 66, 16);
	check(f->grade == GRADE_SIZED && f->table_bytes == 0);
	f = PIECES(&b, 66 + 300, HDR + 66, 32, 300);
	check(f->grade == GRADE_SIZED && f->table_bytes == 0);
	/* a byte is missing, or too many */
	f = PIECES(&b, 66 + 300, HDR + 66, 299, 32);
	check(f->grade == GRADE_SIZED && f->table_bytes == 0);
	f = PIECES(&b, 66 + 300, HDR + 66, 301, 32);
	check(f->grade == GRADE_SIZED && f->table_bytes == 0);
	finish(&b);
}

/* The first packet of a device tells the length of the header, though it has a table. */
static void table_of_the_first(void)
{
	static const struct carry_ops ops = { carried, unattributed };
	struct bench b;

	begin(&b);
	carry_free(b.carry);
	b.carry = carry_new(b.names, NULL, b.owners, &ops, &b);
	check(PIECES(&b, 66 + 300, 20, 66, 300, 48)->table_bytes == 48);
	check(carry_header(b.carry, b.net) == 20);
	check(PIECES(&b, 60, 80)->grade == GRADE_NESTED);
	check(PIECES(&b, 60, 72)->grade == GRADE_SIZED);
	finish(&b);
}

int main(void)
{
	two_flows_merged();
	address_used_again();
	several_buffers();
	thrown_away();
	merging_not_told();
	buffer_not_told();
	nothing_told();
	unmapped();
	other_cpus();
	segments_of_another();
	commands();
	tables();
	table_of_the_first();
	return done();
}
