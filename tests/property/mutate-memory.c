/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutations of what was read from the kernel's memory: it contradicts the stream then. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/snapshot.h"
#include "tests/property/kernel.h"
#include "tests/property/mutate.h"

static bool is_of_run(const struct history *h)
{
	return !from_boot(h) && !h->options.window_only;
}

/* One of the two; NULL: there is none. */
static struct snapshot *either(struct history *h, struct rng *r)
{
	return rng_one_in(r, 2) ? h->platform->start : h->platform->end;
}

static bool is_start(const struct history *h, const struct snapshot *s)
{
	return s == h->platform->start;
}

/* Where the mark number n of snapshots is, from 1; NOWHERE: there is none. */
static size_t snapshot_mark(const struct history *h, unsigned int n)
{
	for (size_t i = 0; i < h->count; i++) {
		if (event_at(h, i)->kind == EVENT_MARK &&
		    event_at(h, i)->aux == EVENT_MARK_SNAPSHOT && --n == 0)
			return i;
	}
	return NOWHERE;
}

static bool speaks_of(const struct history *h, size_t i, uint64_t from, uint64_t size)
{
	const struct event *e = event_at(h, i);
	uint64_t dma = e->dma & ~h->alias;

	if (e->kind != EVENT_MAP && e->kind != EVENT_UNMAP && e->kind != EVENT_ALLOC &&
	    e->kind != EVENT_FREE)
		return false;
	return (e->flags & EVENT_F_BY_ORIG) ||
	       (e->dma != EVENT_NO_ADDR && dma < from + size && from < dma + e->size);
}

/* Does no event speak of the range while that snapshot was taken? */
static bool is_quiet(const struct history *h, const struct snapshot *s, uint64_t from,
		     uint64_t size)
{
	size_t first = snapshot_mark(h, is_start(h, s) ? 1 : 3);
	size_t last = is_start(h, s) ? snapshot_mark(h, 2) : h->count;

	if (first == NOWHERE || last == NOWHERE)
		return false;
	for (size_t i = first; i < last; i++) {
		if (speaks_of(h, i, from, size))
			return false;
	}
	return true;
}

static struct snapshot_queue *any_queue(struct snapshot *s, struct rng *r)
{
	struct snapshot_device *d =
		s && s->ndevices ? &s->devices[rng_below(r, s->ndevices)] : NULL;

	return d && d->nqueues ? &d->queues[0] : NULL;
}

static struct snapshot_descriptor *any_descriptor(struct snapshot *s, struct rng *r)
{
	struct snapshot_queue *q = any_queue(s, r);

	return q && q->ndescriptors ? &q->descriptors[rng_below(r, q->ndescriptors)] : NULL;
}

/* A slot that nothing in the history ever had; 0: none. */
static uint64_t unused_slot(const struct history *h)
{
	const struct snapshot *both[] = { h->platform->start, h->platform->end };
	const struct range *pool = &h->platform->swiotlb.pools[0].range;

	for (uint64_t at = pool->end + 1 - SLOT; at >= pool->start; at -= SLOT) {
		bool used = false;

		for (size_t i = 0; i < h->count; i++) {
			const struct event *e = event_at(h, i);
			uint64_t dma = e->dma & ~h->alias & ~(SLOT - 1);

			used |= e->dma != EVENT_NO_ADDR && dma < at + SLOT &&
				at < (e->dma & ~h->alias) + e->size;
		}
		for (int k = 0; k < 2; k++) {
			for (size_t i = 0; both[k]->npools && i < both[k]->pools[0].nlive; i++) {
				const struct snapshot_live *l = &both[k]->pools[0].live[i];

				used |= l->start < at + SLOT && at < l->start + l->size;
			}
		}
		if (!used)
			return at;
	}
	return 0;
}

static bool descriptor_protected(struct history *h, struct rng *r)
{
	struct snapshot *s = either(h, r);
	struct snapshot_descriptor *d = any_descriptor(s, r);

	/* of the window only, older memory that nothing decides leaves nothing open */
	if (!d || (is_start(h, s) && h->options.window_only))
		return false;
	d->address = h->ram_free;
	return true;
}

static bool descriptor_moved(struct history *h, struct rng *r)
{
	struct snapshot *s = either(h, r);
	struct snapshot_descriptor *d = any_descriptor(s, r);
	uint64_t slot = d ? unused_slot(h) : 0;

	if (!slot || (is_start(h, s) && h->options.window_only))
		return false;
	d->address = slot | h->alias;
	return true;
}

static bool ring_moved(struct history *h, struct rng *r)
{
	struct snapshot_queue *q = any_queue(either(h, r), r);

	if (!q || !q->nrings)
		return false;
	q->rings[0].address += 0x100000;
	return true;
}

/* Entry of the same slots with the same buffer. */
static const struct snapshot_live *same_in(const struct snapshot *s, size_t pool,
					   const struct snapshot_live *l)
{
	for (size_t i = 0; pool < s->npools && i < s->pools[pool].nlive; i++) {
		const struct snapshot_live *o = &s->pools[pool].live[i];

		if (o->start == l->start && o->size == l->size && o->orig == l->orig)
			return o;
	}
	return NULL;
}

/* The only event of the stream that speaks of these slots, or NOWHERE: none, or several. */
static size_t only_event(const struct history *h, const struct snapshot_live *l, size_t *count)
{
	size_t found = NOWHERE;

	*count = 0;
	for (size_t i = 0; i < h->count; i++) {
		const struct event *e = event_at(h, i);

		if ((e->flags & EVENT_F_BY_ORIG) && e->orig != l->orig)
			continue;
		if (!speaks_of(h, i, l->start & ~(SLOT - 1), (l->size + SLOT - 1) / SLOT * SLOT))
			continue;
		++*count;
		found = i;
	}
	return *count == 1 ? found : NOWHERE;
}

/* An entry whose absence the stream or the other snapshot contradicts. */
static bool is_needed(struct history *h, struct snapshot *s, size_t pool,
		      const struct snapshot_live *l)
{
	size_t count, only = only_event(h, l, &count);
	bool mapped = only != NOWHERE && event_at(h, only)->kind == EVENT_MAP &&
		      !(event_at(h, only)->flags & EVENT_F_SG) &&
		      h->steps[only].made == MADE_BOUNCED;

	if (!is_quiet(h, h->platform->end, l->start, l->size))
		return false;
	if (!is_start(h, s) && mapped)
		return true;
	return is_of_run(h) && !count && same_in(h->platform->start, pool, l) &&
	       same_in(h->platform->end, pool, l) &&
	       is_quiet(h, h->platform->start, l->start, l->size);
}

static bool slot_left_out(struct history *h, struct rng *r)
{
	struct snapshot *s = either(h, r);

	for (size_t p = 0; s && p < s->npools; p++) {
		struct snapshot_pool *pool = &s->pools[p];

		for (size_t i = 0; i < pool->nlive; i++) {
			struct snapshot_live *l = &pool->live[i];

			if (!is_needed(h, s, p, l))
				continue;
			if (rng_one_in(r, 2))
				pool->used -= (l->size + SLOT - 1) / SLOT;
			*l = pool->live[--pool->nlive];
			return true;
		}
	}
	return false;
}

/* Is it a bounce of this buffer whose map was told before the step first? */
static bool was_mapped_before(const struct history *h, size_t i, size_t first)
{
	size_t map = other_step(h, i, EVENT_MAP), failed = other_step(h, i, EVENT_MAP_FAILED);

	return (map != NOWHERE && map < first) || (failed != NOWHERE && failed < first);
}

/*
 * A buffer that no map can explain that was on its way when the snapshot was read, preferably of
 * one that was told before; EVENT_NO_ADDR: there is none.
 */
static uint64_t unexplained_buffer(const struct history *h, const struct snapshot *s)
{
	size_t first = is_start(h, s) ? 0 : snapshot_mark(h, 3);
	uint64_t orig = BUFFER_BASE;

	for (size_t i = 0; i < h->count && i < first; i++) {
		if (is_bounce(h, i) && was_mapped_before(h, i, first))
			orig = event_at(h, i)->orig & ~C_BIT;
	}
	for (size_t i = 0; i < h->count; i++) {
		if (is_bounce(h, i) && (event_at(h, i)->orig & ~C_BIT) == orig &&
		    !was_mapped_before(h, i, first))
			return EVENT_NO_ADDR;
	}
	return orig;
}

static bool slot_added(struct history *h, struct rng *r)
{
	struct snapshot *s = either(h, r);
	uint64_t slot = s ? unused_slot(h) : 0;
	uint64_t orig = slot ? unexplained_buffer(h, s) : EVENT_NO_ADDR;
	struct snapshot_pool *pool;

	if (orig == EVENT_NO_ADDR || (is_start(h, s) && !is_of_run(h) && !from_boot(h)))
		return false;
	pool = &s->pools[0];
	XGROW(pool->live, pool->nlive, pool->cap);
	pool->live[pool->nlive++] = (struct snapshot_live){ slot, orig, SLOT };
	pool->used += rng_below(r, 2);
	return true;
}

static bool features_edited(struct history *h, struct rng *r)
{
	struct snapshot *s = either(h, r);

	if (!s || !s->ndevices)
		return false;
	s->devices[rng_below(r, s->ndevices)].features ^= 1ull << rng_below(r, 64);
	return true;
}

static bool api_denied(struct history *h, struct rng *r)
{
	struct snapshot_queue *q = any_queue(either(h, r), r);

	if (q)
		q->dma_api = TRI_NO;
	return q != NULL;
}

static bool queue_left_out(struct history *h, struct rng *r)
{
	struct snapshot *s = either(h, r);
	struct snapshot_queue *q = any_queue(s, r);

	if (!q)
		return false;
	q->index++; /* another one */
	return true;
}

static bool device_left_out(struct history *h, struct rng *r)
{
	struct snapshot *s = either(h, r);
	struct snapshot_device *d = s && s->ndevices ? &s->devices[s->ndevices - 1] : NULL;

	if (!d)
		return false;
	free(d->name);
	d->name = xstrdup("virtio99");
	return true;
}

static bool page_protected(struct history *h, struct rng *r)
{
	struct snapshot *s = either(h, r);

	if (!s || !s->npages || s->page_mask != h->platform->realm.shared_bit)
		return false;
	s->pages[rng_below(r, s->npages)].mark = SNAPSHOT_CLEAR;
	return true;
}

static int by_page(const void *a, const void *b)
{
	const struct snapshot_pages *x = a, *y = b;

	return x->range.start < y->range.start ? -1 : x->range.start > y->range.start;
}

static bool is_lasting_alloc(const struct history *h, size_t i)
{
	return is_alloc_event(h, i) && event_at(h, i)->dma != EVENT_NO_ADDR &&
	       end_step(h, i) == NOWHERE && !behind_iommu(h, i) && i < snapshot_mark(h, 3);
}

/* An allocation that lives at the end, of which the kernel's page tables say another thing. */
static bool alloc_protected(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;
	struct snapshot *end = p->end;
	size_t i = end && end->page_mask && end->page_mask == p->realm.shared_bit
			   ? find_step(h, r, is_lasting_alloc)
			   : NOWHERE;
	struct range page;

	if (i == NOWHERE)
		return false;
	for (size_t k = 0; k < p->npci; k++) {
		if (p->pci[k].tsm)
			return false;
	}
	page.start = (event_at(h, i)->dma & ~h->alias) / 4096 * 4096;
	page.end = page.start + 4095;
	if (!is_quiet(h, end, page.start, 4096))
		return false;
	for (size_t k = 0; k < end->npages; k++) {
		struct snapshot_pages *is = &end->pages[k];

		if (is->range.end < page.start)
			continue;
		if (is->range.start <= page.end) { /* a ring's, or of the pool */
			is->mark = SNAPSHOT_CLEAR;
			return true;
		}
		break;
	}
	XGROW(end->pages, end->npages, end->pages_cap);
	end->pages[end->npages++] =
		(struct snapshot_pages){ .range = page, .mark = SNAPSHOT_CLEAR };
	qsort(end->pages, end->npages, sizeof(*end->pages), by_page);
	return true;
}

/* Is there a mapping that only the later of the two moments can show? */
static bool moments_differ(struct history *h)
{
	struct snapshot *end = h->platform->end;

	for (size_t p = 0; p < end->npools; p++) {
		for (size_t i = 0; i < end->pools[p].nlive; i++) {
			const struct snapshot_live *l = &end->pools[p].live[i];
			size_t count, map = only_event(h, l, &count), bounce;

			if (map == NOWHERE || !is_needed(h, end, p, l))
				continue;
			bounce = other_step(h, map, EVENT_BOUNCE);
			if (bounce != NOWHERE && bounce > snapshot_mark(h, 2) &&
			    event_at(h, bounce)->cpu == event_at(h, map)->cpu)
				return true;
		}
	}
	return false;
}

static void swap_moments(struct platform *p)
{
	struct snapshot *start = p->start;

	p->start = p->end;
	p->end = start;
}

static bool other_moment(struct history *h, struct rng *r)
{
	(void)r;
	if (!h->platform->start || !moments_differ(h))
		return false;
	swap_moments(h->platform);
	return true;
}

static bool unread(struct history *h, struct rng *r)
{
	struct snapshot_queue *q = any_queue(either(h, r), r);

	if (!q || !is_of_run(h))
		return false;
	q->unread = 1;
	return true;
}

static bool not_read(struct history *h, struct rng *r)
{
	struct snapshot *s = either(h, r);

	if (!s || !is_of_run(h))
		return false;
	free(s->trouble);
	s->trouble = xstrdup("/proc/kcore cannot be read");
	return true;
}

static bool pool_moved(struct history *h, struct rng *r)
{
	struct snapshot *s = either(h, r);

	if (!s || !s->npools)
		return false;
	s->pools[0].range.end += SLOT;
	return true;
}

static bool counted_more(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;

	if (!p->start || !from_boot(h) || !p->ndisks)
		return false;
	/* more than any history maps */
	p->disks[rng_below(r, p->ndisks)].before.read_sectors += 1u << 30;
	p->disks[0].after = p->disks[0].before;
	return true;
}

static bool is_count(const struct history *h, size_t i)
{
	return event_at(h, i)->kind == EVENT_MARK && event_at(h, i)->aux == EVENT_MARK_COUNT;
}

/* Packets that came while recording was off. */
static bool received_more(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;
	struct platform_net *n;
	bool bounced = false;

	if (!p->start || !from_boot(h) || !p->nnet)
		return false;
	n = &p->net[rng_below(r, p->nnet)];
	for (size_t i = 0; i < h->count && !is_count(h, i); i++) {
		const struct event *e = event_at(h, i);

		for (size_t k = 0; k < p->nvirtio; k++)
			bounced |= e->kind == EVENT_MAP && e->dma != EVENT_NO_ADDR &&
				   h->steps[i].made == MADE_BOUNCED &&
				   strcmp(p->virtio[k].name, n->virtio) == 0 &&
				   strcmp(names_get(h->names, e->dev), p->virtio[k].parent) == 0;
	}
	/* more than any history has buffers */
	n->before.rx_packets = n->after.rx_packets = 1u << 20;
	return bounced;
}

const struct mutation mutations_memory[] = {
	{ "received-more", received_more },
	{ "counted-more", counted_more },
	{ "descriptor-protected", descriptor_protected },
	{ "descriptor-moved", descriptor_moved },
	{ "ring-moved", ring_moved },
	{ "slot-left-out", slot_left_out },
	{ "slot-added", slot_added },
	{ "features-edited", features_edited },
	{ "api-denied", api_denied },
	{ "queue-left-out", queue_left_out },
	{ "device-left-out", device_left_out },
	{ "page-protected", page_protected },
	{ "alloc-protected", alloc_protected },
	{ "other-moment", other_moment },
	{ "queue-unread", unread },
	{ "memory-not-read", not_read },
	{ "memory-other-pool", pool_moved },
	{ NULL, NULL },
};
