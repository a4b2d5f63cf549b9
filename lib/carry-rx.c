/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * carry-rx - from received buffers to the packets made of them, and to their sockets.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/carry-priv.h"
#include "lib/owners.h"
#include "lib/xalloc.h"

#define BUFFERS_OF_PACKET 64
#define SMALLEST 64	   /* what is smaller holds no packet, but an answer of the control queue */
#define STALE_NS 100000000 /* no poll keeps a packet for a tenth of a second */

/* Some of the waiting buffers: count of them from index on, and how the packet came of them. */
struct made_of {
	unsigned int index, count;
	unsigned int wire; /* packets on the wire that became one */
	enum grade grade;
};

static struct carry_buffers *buffers_of(struct carry_cpu *cpu, uint16_t device)
{
	for (size_t i = 0; i < 4; i++) {
		if (!cpu->buffers[i]) {
			cpu->buffers[i] = xcalloc(1, sizeof(*cpu->buffers[i]));
			cpu->buffers[i]->device = device;
		}
		if (cpu->buffers[i]->device == device)
			return cpu->buffers[i];
	}
	return NULL;
}

static struct carried_dma *buffer_at(struct carry_buffers *b, unsigned int i)
{
	return &b->ring[(b->first + i) % CARRY_BUFFERS];
}

static void drop_oldest(struct carry *c, struct carry_buffers *b)
{
	c->ops.stray(c->ctx, buffer_at(b, 0)->ts_ns, b->device, FLOW_IN, buffer_at(b, 0)->size,
		     "no packet came of it");
	b->first = (b->first + 1) % CARRY_BUFFERS;
	b->count--;
}

void carry_buffer(struct carry *c, const struct event *e)
{
	bool unmap = e->kind == EVENT_UNMAP;
	struct carry_device *d = carry_dma_device(c, e->dev);
	struct carry_cpu *cpu = carry_cpu(c, e->cpu);
	struct carry_buffers *b;

	if (unmap && e->size < SMALLEST)
		return;
	if (!carry_is_net(c, e->dev) || !cpu) {
		c->ops.stray(c->ctx, e->ts_ns, e->dev, FLOW_IN, e->size,
			     "of a device that is not known");
		return;
	}
	/* where buffers are synced, an unmap says only that a page of them is used up */
	if (d && unmap && d->syncs)
		return;
	if (d && !unmap)
		d->syncs = true;
	if (d && unmap)
		d->unmaps = true;
	b = buffers_of(cpu, e->dev);
	if (!b) {
		c->ops.stray(c->ctx, e->ts_ns, e->dev, FLOW_IN, e->size,
			     "too many devices on one CPU");
		return;
	}
	if (b->unmapped && !unmap)
		b->count =
			0; /* they were no received packets after all: the sizes that came tell */
	b->unmapped = unmap;
	while (b->count &&
	       (b->count == CARRY_BUFFERS || e->ts_ns - buffer_at(b, 0)->ts_ns > STALE_NS))
		drop_oldest(c, b);
	*buffer_at(b, b->count++) =
		(struct carried_dma){ e->ts_ns, e->dma, e->size, carry_in_pool(c, e->dma) };
}

/* One long packet in several buffers: the first holds the headers. */
static unsigned int one_packet(struct carry_buffers *b, unsigned int from, uint64_t bytes)
{
	uint64_t sum = 0;

	for (unsigned int n = 0; n < BUFFERS_OF_PACKET && from + n < b->count; n++) {
		sum += buffer_at(b, from + n)->size;
		if (sum == bytes)
			return n + 1;
		if (sum > bytes)
			break;
	}
	return 0;
}

/*
 * Several packets merged into one (GRO): all but the last carry the same payload,
 * and all but the first lost their IP and TCP headers, 40 to 120 bytes.
 */
static unsigned int merged(struct carry_buffers *b, unsigned int from, uint64_t len,
			   unsigned int over)
{
	uint64_t first = buffer_at(b, from)->size, sum = first - over;

	if (first <= over + 40)
		return 0;
	for (unsigned int n = 2; n <= BUFFERS_OF_PACKET && from + n <= b->count; n++) {
		uint64_t size = buffer_at(b, from + n - 1)->size;
		uint64_t headers;

		if (size > first || size <= over + 40)
			return 0;
		sum += size - over;
		headers = sum > len ? (sum - len) / (n - 1) : 0;
		if (headers >= 40 && headers <= 120 && headers % 4 == 0 &&
		    headers * (n - 1) == sum - len)
			return n;
		if (size < first)
			return 0; /* a shorter one is the last */
	}
	return 0;
}

static struct made_of made_at(struct carry_buffers *b, unsigned int from, uint64_t len,
			      unsigned int header)
{
	unsigned int n = one_packet(b, from, len + ETHERNET + header);

	if (n)
		return (struct made_of){ from, n, 1, GRADE_NESTED };
	n = merged(b, from, len, ETHERNET + header);
	return (struct made_of){ from, n, n, GRADE_NESTED };
}

/*
 * Which waiting buffers became the packet of len bytes?  The first ones if their
 * sizes fit; else the only ones that fit (GRO gives out several connections' packets in
 * its own order); where several would do, the first of them, and then it is size
 * alone that says so.
 */
static struct made_of find_buffers(struct carry_buffers *b, uint64_t len, unsigned int header)
{
	struct made_of found = { 0 };

	for (unsigned int i = 0; i < b->count; i++) {
		struct made_of made = made_at(b, i, len, header);

		if (!made.count)
			continue;
		if (i == 0)
			return made;
		if (found.count) {
			found.grade = GRADE_SIZED;
			return found;
		}
		found = made;
	}
	return found;
}

/* Unmapped buffers do not tell how much of them was used: only their number can fit. */
static struct made_of count_buffers(struct carry_buffers *b, uint64_t len)
{
	struct made_of found = { 0 };
	const uint64_t mtu = 1500, headers = 40;

	if (!b->count)
		return found;
	found.count = 1;
	if (len > mtu)
		found.count = (unsigned int)((len - headers + mtu - headers - 1) / (mtu - headers));
	if (found.count > b->count)
		found.count = b->count;
	if (found.count > BUFFERS_OF_PACKET)
		found.count = BUFFERS_OF_PACKET;
	found.wire = found.count;
	found.grade = GRADE_SIZED;
	return found;
}

static void take_buffers(struct carry_buffers *b, const struct made_of *made, struct carriage *in)
{
	in->dma = xcalloc(made->count, sizeof(*in->dma));
	in->ndma = made->count;
	for (unsigned int i = 0; i < made->count; i++) {
		in->dma[i] = *buffer_at(b, made->index + i);
		in->dma_bytes += in->dma[i].size;
	}
	for (unsigned int i = made->index; i > 0; i--)
		*buffer_at(b, i - 1 + made->count) = *buffer_at(b, i - 1);
	b->first = (b->first + made->count) % CARRY_BUFFERS;
	b->count -= made->count;
}

static void hand_out(struct carry *c, struct carry_held *h)
{
	c->ops.carried(c->ctx, &h->carriage);
	free(h->carriage.dma);
	memset(h, 0, sizeof(*h));
}

/* Packets go out in the order in which they came in. */
static void release_held(struct carry *c, unsigned int keep, uint64_t now_ns)
{
	while (c->nheld) {
		struct carry_held *h = &c->held[c->first_held];
		bool late = now_ns > h->carriage.ts_ns + STALE_NS;

		if (!h->resolved && c->nheld <= keep && !late)
			return;
		hand_out(c, h);
		c->first_held = (c->first_held + 1) % CARRY_HELD;
		c->nheld--;
	}
}

void carry_net_rx(struct carry *c, const struct event *e)
{
	struct carry_device *d = carry_iface(c, e->dev);
	struct carry_cpu *cpu = carry_cpu(c, e->cpu);
	struct carry_buffers *b = NULL;
	struct made_of made = { 0 };
	struct carry_held *h;

	if (!d || !cpu || e->size > UINT32_MAX - ETHERNET)
		return;
	release_held(c, CARRY_HELD - 1, e->ts_ns);
	h = &c->held[(c->first_held + c->nheld++) % CARRY_HELD];
	h->skb = e->link;
	h->resolved = false;
	h->carriage = (struct carriage){ .ts_ns = e->ts_ns, .dir = FLOW_IN, .iface = e->dev };
	h->carriage.frame = (uint32_t)e->size + ETHERNET;
	h->carriage.device = d->device;
	h->carriage.conn = OWNERS_NO_CONN;
	if (d->device)
		b = buffers_of(cpu, d->device);
	if (b)
		made = b->unmapped ? count_buffers(b, e->size)
				   : find_buffers(b, e->size, carry_header(c, d->device));
	if (made.count)
		take_buffers(b, &made, &h->carriage);
	h->carriage.wire = made.count ? made.wire : 1;
	h->carriage.dma_grade = (uint8_t)made.grade;
}

void carry_tcp_rx(struct carry *c, const struct event *e)
{
	/* the newest one at this address; several events may tell of it */
	for (unsigned int i = c->nheld; i > 0; i--) {
		struct carry_held *h = &c->held[(c->first_held + i - 1) % CARRY_HELD];

		if (h->skb != e->link)
			continue;
		if (!h->resolved)
			carry_set_socket(c, &h->carriage, e->orig, GRADE_EXACT);
		h->resolved = true;
		break;
	}
	release_held(c, CARRY_HELD - 1, e->ts_ns);
}

void carry_rx_finish(struct carry *c)
{
	release_held(c, 0, UINT64_MAX);
	for (size_t i = 0; i < CARRY_CPUS; i++)
		for (size_t j = 0; c->cpus[i] && j < 4; j++)
			while (c->cpus[i]->buffers[j] && c->cpus[i]->buffers[j]->count)
				drop_oldest(c, c->cpus[i]->buffers[j]);
}
