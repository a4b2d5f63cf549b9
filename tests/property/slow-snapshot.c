/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The slow judge reads one snapshot of the kernel's memory, and compares it with the events. */
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/snapshot.h"
#include "lib/judge/types/ledger.h"
#include "tests/property/slow-state.h"

/* ring: by what allocates and frees only, since a part of one may be mapped for itself. */
static bool spoken_of(const struct slow *s, bool start, bool ring, uint64_t from, uint64_t last)
{
	const struct slow_spoken *list = start ? s->w.early : s->w.late;

	for (size_t i = 0; i < (start ? s->w.nearly : s->w.nlate); i++) {
		if ((!ring || list[i].alloc) &&
		    slow_meet(list[i].range.start, list[i].range.end, from, last))
			return true;
	}
	return false;
}

/* Every byte of it is in one of these, whose slots count as a whole. */
static bool all_in_use(const struct snapshot *of, uint64_t from, uint64_t last)
{
	for (;;) {
		uint64_t reached = from;

		for (size_t i = 0; i < of->npools; i++) {
			for (size_t k = 0; k < of->pools[i].nlive; k++) {
				const struct snapshot_live *l = &of->pools[i].live[k];
				uint64_t n = l->size / SWIOTLB_SLOT_SIZE +
					     (l->size % SWIOTLB_SLOT_SIZE != 0);
				uint64_t end = slow_last_of(l->start, n * SWIOTLB_SLOT_SIZE);

				if (n && l->start <= from && end >= reached)
					reached = end + 1;
			}
		}
		if (reached > last)
			return true;
		if (reached == from)
			return false;
		from = reached;
	}
}

static bool all_in_old_slots(const struct slow *s, uint64_t from, uint64_t last)
{
	for (;;) {
		uint64_t reached = from;

		for (size_t i = 0; i < s->w.nold; i++) {
			const struct slow_old *o = &s->w.old[i];

			if (o->slots && o->start <= from && o->last >= reached)
				reached = o->last + 1;
		}
		if (reached > last)
			return true;
		if (reached == from)
			return false;
		from = reached;
	}
}

/* ---- one snapshot ---- */

struct reading {
	const struct snapshot *of;
	bool start;
};

static bool pages_decide(const struct slow *s, const struct snapshot *of)
{
	return s->realm && !s->c_bit_kind && !s->plain_only && of->page_mask &&
	       of->page_mask == s->p->realm.shared_bit;
}

static bool is_marked(const struct slow *s, const struct snapshot *of, uint64_t from, uint64_t last,
		      enum snapshot_mark mark)
{
	for (size_t i = 0; pages_decide(s, of) && i < of->npages; i++) {
		if (of->pages[i].mark == mark &&
		    slow_meet(of->pages[i].range.start, of->pages[i].range.end, from, last))
			return true;
	}
	return false;
}

/* The page tables have an entry for each byte of it, and all say that it is shared. */
static bool all_marked_shared(const struct slow *s, const struct snapshot *of, uint64_t from,
			      uint64_t last)
{
	if (!pages_decide(s, of) || is_marked(s, of, from, last, SNAPSHOT_CLEAR) ||
	    is_marked(s, of, from, last, SNAPSHOT_ABSENT))
		return false;
	for (;;) {
		uint64_t reached = from;

		for (size_t i = 0; i < of->npages; i++) {
			if (of->pages[i].range.start <= from && of->pages[i].range.end >= reached)
				reached = of->pages[i].range.end + 1;
		}
		if (reached > last)
			return true;
		if (reached == from)
			return false;
		from = reached;
	}
}

/* Never accepted, nor called so. */
static bool is_plain_device(const struct slow *s, uint16_t dev)
{
	for (size_t i = 0; i < s->now && i < s->n; i++) {
		if (s->ev[i].kind == EVENT_TSM && s->ev[i].dev == dev)
			return false;
	}
	return !slow_accepted_by_facts(s, dev);
}

static bool events_hold(const struct slow *s, uint64_t from, uint64_t last, uint16_t dev)
{
	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *l = &s->lives[i];

		if (l->live && !l->older && l->dev == dev && slow_contains(l, from, last) &&
		    slow_owns_some(s, l, from, last))
			return true;
	}
	return false;
}

static void add_old(struct slow *s, struct slow_old o)
{
	XGROW(s->w.old, s->w.nold, s->w.old_cap);
	o.live = true;
	s->w.old[s->w.nold++] = o;
}

static void read_range(struct slow *s, const struct reading *r, uint16_t dev, uint64_t address,
		       uint64_t size, bool ring)
{
	struct event e = { .kind = ring ? EVENT_ALLOC : EVENT_MAP,
			   .dma = address,
			   .size = size,
			   .orig = EVENT_NO_ADDR,
			   .dev = dev };
	uint64_t bit, from = slow_plain_of(s, dev, address, &bit), last = from + (size - 1);
	bool plain = is_plain_device(s, dev), clear;
	enum memory_state what;
	enum answer is;

	if (!size || last < from || spoken_of(s, r->start, ring, from, last))
		return;
	clear = is_marked(s, r->of, from, last, SNAPSHOT_CLEAR);
	if (events_hold(s, from, last, dev) ||
	    (!r->start && slow_old_holds(s, from, last, dev, ring))) {
		if (clear && plain)
			slow_fact(s, CLAIM_DMA_IN_SHARED);
		return;
	}
	is = slow_address_is(s, &e, from, bit, ring, &what);
	if (clear)
		is = PROTECTED;
	else if (is != SHARED && all_marked_shared(s, r->of, from, last)) {
		is = SHARED;
		what = MEMORY_DECRYPTED;
	} else if (is == PROTECTED && s->realm && !s->alias_seen && !(e.dma & s->c_bit) &&
		   !slow_behind_iommu(s, dev))
		is = OPEN; /* perhaps it was decrypted before the stream began */
	if (plain && is == PROTECTED)
		slow_fact(s, CLAIM_DMA_IN_SHARED);
	if (!r->start || s->from_boot) {
		s->w.behind = true;
		return;
	}
	add_old(s, (struct slow_old){ .start = from,
				      .last = last,
				      .orig = EVENT_NO_ADDR,
				      .dev = dev,
				      .ring = ring });
	s->publications++;
	if (!plain || (is == SHARED && what != MEMORY_DECRYPTED))
		slow_published(s, &e, from, bit, ring);
	else if (is == OPEN && !s->window_only)
		slow_open(s, CLAIM_DMA_IN_SHARED);
}

static void read_device(struct slow *s, const struct reading *r, const struct snapshot_device *d)
{
	uint16_t dev = d->parent ? names_find(s->names, d->parent) : 0;
	const struct platform_virtio *v = NULL;
	bool api = d->features >> VIRTIO_F_ACCESS_PLATFORM & 1;

	for (size_t i = 0; i < s->p->nvirtio && !v; i++) {
		if (strcmp(s->p->virtio[i].name, d->name) == 0)
			v = &s->p->virtio[i];
	}
	s->w.devices |= !v;
	for (unsigned int bit = 0; v && v->features && bit < 64; bit++)
		s->w.devices |=
			(platform_virtio_feature(v, bit) == TRI_YES) != (d->features >> bit & 1);
	for (size_t i = 0; v && i < d->nqueues; i++)
		s->w.devices |= d->queues[i].dma_api != (api ? TRI_YES : TRI_NO);
	if (!dev) {
		s->w.no_baseline |= d->nqueues && d->queues[0].dma_api == TRI_YES;
		return;
	}
	for (size_t i = 0; i < d->nqueues; i++) {
		const struct snapshot_queue *q = &d->queues[i];

		if (q->dma_api != TRI_YES)
			continue;
		for (size_t k = 0; k < q->nrings; k++)
			read_range(s, r, dev, q->rings[k].address, q->rings[k].size, true);
		for (size_t k = 0; k < q->ndescriptors; k++)
			read_range(s, r, dev, q->descriptors[k].address, q->descriptors[k].length,
				   false);
	}
}

/* A map of this buffer was on its way, and may have failed. */
static bool may_have_failed(const struct slow *s, bool start, uint64_t orig)
{
	const struct slow_bounced *b = &s->w.bounced[!start];

	for (size_t i = 0; i < b->n; i++) {
		if (b->list[i] == orig && orig != EVENT_NO_ADDR)
			return true;
	}
	return false;
}

/* Pools that the facts have not, counts that do not fit, protected pages. */
static void read_pools(struct slow *s, const struct reading *r)
{
	uint64_t used = 0, found = 0;

	for (size_t i = 0; i < r->of->npools; i++) {
		const struct snapshot_pool *p = &r->of->pools[i];
		bool known = false;

		for (size_t k = 0; k < s->p->swiotlb.npools; k++)
			known |= s->p->swiotlb.pools[k].range.start == p->range.start &&
				 s->p->swiotlb.pools[k].range.end == p->range.end;
		s->w.slots |= !known;
		used += p->used;
		for (size_t k = 0; k < p->nlive; k++)
			found += p->live[k].size / SWIOTLB_SLOT_SIZE +
				 (p->live[k].size % SWIOTLB_SLOT_SIZE != 0);
		if (is_marked(s, r->of, p->range.start, p->range.end, SNAPSHOT_CLEAR))
			slow_open(s, CLAIM_DMA_IN_SHARED);
	}
	if (used == found || (r->start ? s->w.nearly : s->w.nlate) || s->w.bounced[!r->start].n)
		return;
	if (r->start)
		s->w.no_baseline = true;
	else
		s->w.slots = true;
}

static bool events_have_slots(const struct slow *s, uint64_t from, uint64_t last)
{
	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *l = &s->lives[i];

		if (l->live && !l->older && slow_shares(s, l, from, last) &&
		    slow_owns_some(s, l, from - from % SWIOTLB_SLOT_SIZE,
				   last | (SWIOTLB_SLOT_SIZE - 1)))
			return true;
	}
	return false;
}

static void differ(struct slow *s, bool start, uint64_t from, uint64_t last)
{
	if (!start) {
		s->w.slots = true;
		return;
	}
	XGROW(s->w.differing, s->w.ndiffering, s->w.differing_cap);
	s->w.differing[s->w.ndiffering++] = (struct range){ from, last };
}

/* Slots: whoever has them by the events or of old must have them, and nobody else may. */
static void compare_slots(struct slow *s, const struct snapshot *of, bool start)
{
	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *l = &s->lives[i];
		uint64_t last = slow_last_of(l->dma, l->size);

		if (!l->live || l->taken || l->older || l->gone || l->maybe_ended ||
		    !slow_has_slots(s, l) ||
		    spoken_of(s, start, false, l->dma - l->dma % SWIOTLB_SLOT_SIZE, last))
			continue;
		if (!all_in_use(of, l->dma, last))
			differ(s, start, l->dma, last);
	}
	for (size_t i = 0; i < s->w.nold; i++) {
		const struct slow_old *o = &s->w.old[i];

		if (o->live && o->slots && !o->maybe_ended &&
		    !spoken_of(s, false, false, o->start, o->last) &&
		    !all_in_use(of, o->start, o->last))
			differ(s, start, o->start, o->last);
	}
	for (size_t i = 0; i < of->npools; i++) {
		for (size_t k = 0; k < of->pools[i].nlive; k++) {
			const struct snapshot_live *e = &of->pools[i].live[k];
			uint64_t last = slow_last_of(e->start, e->size);
			bool owned = spoken_of(s, start, false, e->start, last) ||
				     may_have_failed(s, start, e->orig);

			for (size_t m = 0; m < s->nlives; m++) {
				const struct life *l = &s->lives[m];

				owned |= l->live && slow_touches_pool(s, l->dma, l->size) &&
					 slow_meet(l->dma - l->dma % SWIOTLB_SLOT_SIZE,
						   slow_last_of(l->dma, l->size), e->start, last);
			}
			for (size_t m = 0; m < s->w.nold; m++)
				owned |= s->w.old[m].live && s->w.old[m].slots &&
					 slow_meet(s->w.old[m].start, s->w.old[m].last, e->start,
						   last);
			if (!owned)
				differ(s, start, e->start, last);
		}
	}
}

bool slow_pages_may_tell(const struct slow *s)
{
	return s->w.on && ((s->p->start && pages_decide(s, s->p->start)) ||
			   (s->p->end && pages_decide(s, s->p->end)));
}

/* What the page tables say of live allocations: some wait for it, and it may contradict others. */
static void show(struct slow *s, const struct reading *r)
{
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];
		uint64_t last = slow_last_of(l->dma, l->size);

		if (!l->live || l->taken || spoken_of(s, r->start, true, l->dma, last))
			continue;
		if (l->alloc && is_marked(s, r->of, l->dma, last, SNAPSHOT_CLEAR) &&
		    is_plain_device(s, l->dev) && !slow_behind_iommu(s, l->dev))
			slow_open(s, CLAIM_DMA_IN_SHARED);
		if (all_marked_shared(s, r->of, l->dma, last))
			l->unshown = false;
	}
}

void slow_snapshot_begin(struct slow *s)
{
	struct reading r = { s->p->start, true };

	if (!r.of)
		return;
	for (size_t i = 0; i < r.of->npools && !s->from_boot; i++) {
		for (size_t k = 0; k < r.of->pools[i].nlive; k++) {
			const struct snapshot_live *l = &r.of->pools[i].live[k];
			uint64_t last = l->start + (l->size - 1);

			if (spoken_of(s, true, false, l->start, last) ||
			    events_have_slots(s, l->start, last))
				continue;
			add_old(s, (struct slow_old){ .start = l->start,
						      .last = last,
						      .orig = l->orig,
						      .slots = true,
						      .maybe_ended =
							      may_have_failed(s, true, l->orig) });
		}
	}
	for (size_t i = 0; i < r.of->ndevices; i++)
		read_device(s, &r, &r.of->devices[i]);
	for (size_t i = 0; i < s->w.nold; i++) {
		const struct slow_old *o = &s->w.old[i];

		if (!o->slots && !o->ring &&
		    slow_touches_pool(s, o->start, o->last - o->start + 1) &&
		    !all_in_old_slots(s, o->start, o->last))
			s->w.no_baseline = true;
	}
	read_pools(s, &r);
	show(s, &r);
	if (s->from_boot && !r.of->trouble)
		compare_slots(s, r.of, true);
}

/* ---- the end ---- */

static bool lacks(const struct snapshot *these, const struct snapshot *those)
{
	for (size_t i = 0; i < these->ndevices; i++) {
		const struct snapshot_device *d = &these->devices[i], *o = NULL;

		for (size_t k = 0; k < those->ndevices && !o; k++) {
			if (strcmp(those->devices[k].name, d->name) == 0)
				o = &those->devices[k];
		}
		if (!o || strcmp(o->parent ? o->parent : "?", d->parent ? d->parent : "?") != 0)
			return true;
		for (size_t q = 0; q < d->nqueues; q++) {
			const struct snapshot_queue *a = &d->queues[q];
			bool found = false;

			for (size_t k = 0; k < o->nqueues; k++) {
				const struct snapshot_queue *b = &o->queues[k];

				found |=
					a->index == b->index && a->packed == b->packed &&
					strcmp(a->name ? a->name : "", b->name ? b->name : "") == 0;
			}
			if (!found)
				return true;
		}
	}
	return false;
}

static bool is_whole(const struct snapshot *of)
{
	return of && !of->trouble;
}

void slow_witness_end(struct slow *s)
{
	struct reading r = { .of = s->p ? s->p->end : NULL };

	if (!s->w.on || s->w.marks < 4 || !is_whole(r.of) ||
	    (!s->from_boot && !is_whole(s->p->start)))
		return;
	for (size_t i = 0; i < r.of->ndevices; i++)
		read_device(s, &r, &r.of->devices[i]);
	if (is_whole(s->p->start))
		s->w.devices |= lacks(s->p->start, r.of) || lacks(r.of, s->p->start);
	read_pools(s, &r);
	show(s, &r);
	compare_slots(s, r.of, false);
}

static bool shows_all(const struct slow *s, const struct snapshot *of)
{
	for (size_t i = 0; i < s->p->nvirtio; i++) {
		const struct platform_virtio *v = &s->p->virtio[i];
		bool shown = platform_virtio_active(v) == TRI_NO;

		for (size_t k = 0; k < of->ndevices && !shown; k++) {
			const struct snapshot_device *d = &of->devices[k];

			shown = strcmp(d->name, v->name) == 0 && d->nqueues && d->parent &&
				v->parent && strcmp(d->parent, v->parent) == 0;
			for (size_t q = 0; q < d->nqueues; q++)
				shown &= !d->queues[q].unread;
		}
		if (!shown)
			return false;
	}
	return true;
}

bool slow_start_known(const struct slow *s)
{
	if (!s->w.on || s->w.no_baseline || s->w.marks != 4 || !is_whole(s->p->start) ||
	    !is_whole(s->p->end) || !s->p->virtio_listed || !s->p->pci_listed ||
	    !shows_all(s, s->p->start) || !shows_all(s, s->p->end))
		return false;
	for (size_t i = 0; i < s->p->npci; i++) {
		const struct platform_pci *d = &s->p->pci[i];

		if ((d->driver || d->driver_unreported) && d->bus_master != TRI_NO &&
		    !(d->class && strncmp(d->class, "0x06", 4) == 0) && !platform_pci_is_virtio(d))
			return false;
	}
	for (size_t i = 0; i < s->p->nother; i++) {
		if (s->p->other[i].driver && !platform_other_is_fw_cfg(&s->p->other[i]) &&
		    !platform_other_walks(&s->p->other[i]))
			return false;
	}
	return true;
}
