/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * carry-rx - from received buffers to the packets made of them, and to their sockets.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/correlate/carry/state.h"
#include "lib/exchange/owners.h"

#define SMALLEST 64	   /* what is smaller holds no packet, but an answer of the control queue */
#define STALE_NS 100000000 /* no poll keeps a packet for a tenth of a second */
#define WAIT_NS 2000000000 /* unless its CPU is a virtual one, and had to wait for a real one */

static struct carry_buffers *buffers_of(struct carry_cpu *cpu, uint16_t device)
{
	for (size_t i = 0; i < BUFFERS_OF_CPU; i++) {
		if (!cpu->buffers[i]) {
			cpu->buffers[i] = xcalloc(1, sizeof(*cpu->buffers[i]));
			cpu->buffers[i]->device = device;
		}
		if (cpu->buffers[i]->device == device)
			return cpu->buffers[i];
	}
	return NULL;
}

static struct carry_waiting *waiting_at(struct carry_buffers *b, unsigned int i)
{
	return &b->ring[(b->first + i) % CARRY_BUFFERS];
}

static void drop_oldest(struct carry *c, struct carry_buffers *b)
{
	const struct carried_dma *dma = &waiting_at(b, 0)->dma;

	c->ops.unattributed(c->ctx, dma->ts_ns, b->device, FLOW_IN, dma->size,
			    "no packet was made from it");
	b->first = (b->first + 1) % CARRY_BUFFERS;
	b->count--;
}

static bool is_stale(const struct carry_waiting *w, uint64_t now_ns)
{
	return now_ns - w->dma.ts_ns > (w->skb ? WAIT_NS : STALE_NS);
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
		c->ops.unattributed(c->ctx, e->ts_ns, e->dev, FLOW_IN, e->size,
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
		c->ops.unattributed(c->ctx, e->ts_ns, e->dev, FLOW_IN, e->size,
				    "too many devices on one CPU");
		return;
	}
	/* they were no received packets after all: the sizes that came tell */
	if (b->unmapped && !unmap)
		b->count = b->fresh = 0;
	b->unmapped = unmap;
	while (b->count && (b->count == CARRY_BUFFERS || is_stale(waiting_at(b, 0), e->ts_ns)))
		drop_oldest(c, b);
	*waiting_at(b, b->count++) = (struct carry_waiting){ .dma = { e->ts_ns, e->dma, e->size,
								      carry_in_pool(c, e->dma) } };
	b->fresh++;
}

/* ---- what the events show ---- */

static unsigned int find_skb(struct carry_buffers *b, uint64_t skb)
{
	unsigned int i;

	for (i = 0; i < b->count; i++)
		if (waiting_at(b, i)->skb == skb)
			break;
	return i;
}

static void rename_skb(struct carry_buffers *b, uint64_t from, uint64_t to)
{
	for (unsigned int i = 0; i < b->count; i++)
		if (waiting_at(b, i)->skb == from)
			waiting_at(b, i)->skb = to;
}

/* A virtio-net header, where none has been seen yet? */
static bool teaches_header(struct carry_device *d, uint64_t over)
{
	if (d->header || (over != 10 && over != 20 && over != 24))
		return false;
	d->header = (unsigned int)over;
	return true;
}

/*
 * How many of the newest buffers hold len bytes with what is before them?  All since
 * an skb entered last, unless the driver threw some away.
 */
static unsigned int filled(const struct carry *c, struct carry_buffers *b, struct carry_device *d,
			   uint64_t len)
{
	uint64_t bytes = len + ETHERNET + carry_header(c, d->device), sum = 0, newest = 0;
	unsigned int fresh = b->fresh < b->count ? b->fresh : b->count;

	for (unsigned int n = 1; n <= fresh; n++) {
		uint64_t size = waiting_at(b, b->count - n)->dma.size;

		newest = n == 1 ? size : newest;
		sum += size;
		if (!b->unmapped && sum == bytes)
			return n;
	}
	/* unmapped ones are whole, and only the last of them need not be full */
	if (b->unmapped)
		return sum >= bytes && sum - newest < bytes ? fresh : 0;
	return sum > len + ETHERNET && teaches_header(d, sum - len - ETHERNET) ? fresh : 0;
}

void carry_net_enter(struct carry *c, const struct event *e)
{
	struct carry_device *d = carry_iface(c, e->dev);
	struct carry_cpu *cpu = carry_cpu(c, e->cpu);
	struct carry_buffers *b = NULL;
	unsigned int count;

	if (d && cpu && d->device && e->link && e->size <= UINT32_MAX - ETHERNET)
		b = buffers_of(cpu, d->device);
	if (!b)
		return;
	b->entered = true;
	rename_skb(b, e->link, 0); /* its address has been used before: what became of that? */
	count = filled(c, b, d, e->size);
	for (unsigned int n = 1; n <= count; n++)
		waiting_at(b, b->count - n)->skb = e->link;
	if (count) {
		waiting_at(b, b->count - count)->len = (uint32_t)e->size;
		waiting_at(b, b->count - count)->queue = (uint16_t)e->aux;
	}
	b->fresh = 0;
}

void carry_net_merge(struct carry *c, const struct event *e)
{
	struct carry_cpu *cpu = carry_cpu(c, e->cpu);

	if (!cpu || e->aux || !e->link || !e->into)
		return;
	for (size_t i = 0; i < BUFFERS_OF_CPU && cpu->buffers[i]; i++) {
		struct carry_buffers *b = cpu->buffers[i];

		rename_skb(b, e->link, find_skb(b, e->into) < b->count ? e->into : 0);
	}
}

/* Where the skb's buffers wait: elsewhere only if another CPU goes on with what this one polled. */
static struct carry_buffers *where_is(struct carry *c, struct carry_cpu *cpu, uint16_t device,
				      uint64_t skb)
{
	struct carry_buffers *here = buffers_of(cpu, device);

	if (!here || !skb || find_skb(here, skb) < here->count)
		return here;
	for (unsigned int i = 0; i < c->ncpus; i++) {
		struct carry_buffers *b = NULL;

		for (size_t j = 0; c->cpus[i] && j < BUFFERS_OF_CPU && !b; j++)
			if (c->cpus[i]->buffers[j] && c->cpus[i]->buffers[j]->device == device)
				b = c->cpus[i]->buffers[j];
		if (b && find_skb(b, skb) < b->count)
			return b;
	}
	return here;
}

/*
 * Do the lengths of those that were merged come to len?  All but the first lost the same headers:
 * IPv4 and UDP at least.  Returns how many there are; 0: they do not.
 */
static unsigned int adds_up(struct carry_buffers *b, uint64_t skb, uint64_t len)
{
	unsigned int parts = 0;
	uint64_t sum = 0, lost;

	for (unsigned int i = 0; i < b->count; i++) {
		const struct carry_waiting *w = waiting_at(b, i);

		if (w->skb != skb || !w->len)
			continue;
		parts++;
		sum += w->len;
	}
	if (parts < 2)
		return parts && sum == len ? 1 : 0;
	lost = sum > len ? sum - len : 0;
	if (lost % (parts - 1) || lost / (parts - 1) < 28 || lost / (parts - 1) > 256)
		return 0;
	return parts;
}

/* Take the skb's buffers out; the others stay in their order. */
static void take_buffers(struct carry_buffers *b, uint64_t skb, struct packet_dma *in)
{
	unsigned int kept = 0, n = 0;

	for (unsigned int i = 0; i < b->count; i++)
		n += waiting_at(b, i)->skb == skb;
	in->dma = xcalloc(n, sizeof(*in->dma));
	for (unsigned int i = 0; i < b->count; i++) {
		const struct carry_waiting *w = waiting_at(b, i);

		if (w->skb != skb) {
			*waiting_at(b, kept++) = *w;
			continue;
		}
		if (!in->rx_queue)
			in->rx_queue = w->queue;
		in->dma[in->ndma++] = w->dma;
		in->dma_bytes += w->dma.size;
	}
	b->count = kept;
	if (b->fresh > kept)
		b->fresh = kept;
}

/* ---- packets ---- */

static void hand_out(struct carry *c, struct carry_held *h)
{
	c->ops.carried(c->ctx, &h->packet_dma);
	free(h->packet_dma.dma);
	memset(h, 0, sizeof(*h));
}

/* Packets go out in the order in which they came in. */
static void release_held(struct carry *c, unsigned int keep, uint64_t now_ns)
{
	while (c->nheld) {
		struct carry_held *h = &c->held[c->first_held];
		bool late = now_ns > h->packet_dma.ts_ns + WAIT_NS;

		if (!h->resolved && c->nheld <= keep && !late)
			return;
		hand_out(c, h);
		c->first_held = (c->first_held + 1) % CARRY_HELD;
		c->nheld--;
	}
}

/* The buffers that the packet came of. */
static void find_buffers(struct carry *c, struct carry_cpu *cpu, const struct event *e,
			 struct packet_dma *in)
{
	struct carry_buffers *b = where_is(c, cpu, in->device, e->link);

	if (!b || !e->link)
		return;
	in->wire = adds_up(b, e->link, e->size);
	in->dma_grade =
		in->wire ? GRADE_NESTED
			 : carry_guess(b, e->link, e->size, carry_header(c, in->device), &in->wire);
	if (in->dma_grade != GRADE_NONE)
		take_buffers(b, e->link, in);
}

void carry_net_rx(struct carry *c, const struct event *e)
{
	struct carry_device *d = carry_iface(c, e->dev);
	struct carry_cpu *cpu = carry_cpu(c, e->cpu);
	struct carry_held *h;

	if (!d || !cpu || e->size > UINT32_MAX - ETHERNET)
		return;
	release_held(c, CARRY_HELD - 1, e->ts_ns);
	h = &c->held[(c->first_held + c->nheld++) % CARRY_HELD];
	h->skb = e->link;
	h->resolved = false;
	h->packet_dma = (struct packet_dma){ .ts_ns = e->ts_ns, .dir = FLOW_IN, .iface = e->dev };
	h->packet_dma.frame = (uint32_t)e->size + ETHERNET;
	h->packet_dma.device = d->device;
	h->packet_dma.conn = OWNERS_NO_CONN;
	if (d->device)
		find_buffers(c, cpu, e, &h->packet_dma);
	if (!h->packet_dma.wire)
		h->packet_dma.wire = 1;
}

void carry_tcp_rx(struct carry *c, const struct event *e)
{
	if (!e->link)
		return;
	/* the newest one at this address; several events may tell of it */
	for (unsigned int i = c->nheld; i > 0; i--) {
		struct carry_held *h = &c->held[(c->first_held + i - 1) % CARRY_HELD];

		if (h->skb != e->link)
			continue;
		if (!h->resolved)
			carry_set_socket(c, &h->packet_dma, e->sock_of, GRADE_EXACT);
		h->resolved = true;
		break;
	}
	release_held(c, CARRY_HELD - 1, e->ts_ns);
}

void carry_rx_finish(struct carry *c)
{
	release_held(c, 0, UINT64_MAX);
	for (size_t i = 0; i < CARRY_CPUS; i++)
		for (size_t j = 0; c->cpus[i] && j < BUFFERS_OF_CPU; j++)
			while (c->cpus[i]->buffers[j] && c->cpus[i]->buffers[j]->count)
				drop_oldest(c, c->cpus[i]->buffers[j]);
}
