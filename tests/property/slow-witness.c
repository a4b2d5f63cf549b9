/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The slow judge on what the kernel's memory shows at the start and at the end. */
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/snapshot.h"
#include "lib/judge/types/ledger.h"
#include "tests/property/slow-state.h"

/* ---- ranges ---- */

static bool meet(uint64_t a, uint64_t a_last, uint64_t b, uint64_t b_last)
{
	return a <= b_last && b <= a_last;
}

/* ring: by what allocates and frees only, since a part of one may be mapped for itself. */
static bool spoken_of(const struct slow *s, bool start, bool ring, uint64_t from, uint64_t last)
{
	const struct slow_spoken *list = start ? s->w.early : s->w.late;

	for (size_t i = 0; i < (start ? s->w.nearly : s->w.nlate); i++) {
		if ((!ring || list[i].alloc) &&
		    meet(list[i].range.start, list[i].range.end, from, last))
			return true;
	}
	return false;
}

static void add_spoken(struct slow *s, struct slow_spoken r)
{
	if (s->w.marks == 1) {
		XGROW(s->w.early, s->w.nearly, s->w.early_cap);
		s->w.early[s->w.nearly++] = r;
	} else if (s->w.marks >= 3) {
		XGROW(s->w.late, s->w.nlate, s->w.late_cap);
		s->w.late[s->w.nlate++] = r;
	}
}

static void speak(struct slow *s, uint64_t from, uint64_t size, bool alloc)
{
	struct slow_spoken r = { { from, slow_last_of(from, size) }, alloc };
	const struct event *e = &s->ev[s->now];

	if (slow_touches_pool(s, from, size)) {
		r.range.start -= from % SWIOTLB_SLOT_SIZE;
		r.range.end |= SWIOTLB_SLOT_SIZE - 1;
	}
	if (e->kind == EVENT_FREE || (e->flags & EVENT_F_BY_ORIG)) {
		XGROW(s->w.ending, s->w.nending, s->w.ending_cap);
		s->w.ending[s->w.nending++] = (struct slow_ending){ r.range, s->now };
	}
	for (size_t i = s->w.ndiffering; i > 0 && slow_in_flight(s, s->w.read_at + 1); i--) {
		struct range *d = &s->w.differing[i - 1];

		if (meet(d->start, d->end, r.range.start, r.range.end))
			*d = s->w.differing[--s->w.ndiffering];
	}

	add_spoken(s, r);
}

/* ---- what is old ---- */

static bool old_of(const struct slow_old *o, uint64_t from, uint64_t last, uint16_t dev)
{
	return o->live && meet(o->start, o->last, from, last) && (!o->dev || o->dev == dev);
}

/* A buffer from and to these very addresses; NULL: none. */
static const struct slow_old *same_buffer(const struct slow *s, uint64_t from, uint64_t last,
					  uint16_t dev)
{
	for (size_t i = 0; i < s->w.nold; i++) {
		const struct slow_old *o = &s->w.old[i];

		if (!o->slots && !o->ring && old_of(o, from, last, dev) && o->start == from &&
		    o->last == last)
			return o;
	}
	return NULL;
}

/*
 * Those with slots, and those without but rings if not rings, have ended.  Of buffers that overlap
 * the one that is the same, if there is one.
 */
static bool end_old(struct slow *s, uint64_t from, uint64_t last, uint16_t dev, bool slots,
		    bool buffers, bool rings)
{
	const struct slow_old *same = same_buffer(s, from, last, dev);
	bool any = false;

	for (size_t i = 0; i < s->w.nold; i++) {
		struct slow_old *o = &s->w.old[i];
		bool kind = o->slots ? slots : o->ring ? rings : buffers;

		if (!kind || !old_of(o, from, last, dev) ||
		    (same && o != same && !o->slots && !o->ring))
			continue;
		o->live = false;
		any = true;
	}
	return any;
}

static bool old_holds(const struct slow *s, uint64_t from, uint64_t last, uint16_t dev, bool rings)
{
	for (size_t i = 0; i < s->w.nold; i++) {
		const struct slow_old *o = &s->w.old[i];

		if (old_of(o, from, last, dev) && o->start <= from && o->last >= last &&
		    (o->ring || !rings))
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

/* ---- events ---- */

static void unmap_of_buffer(struct slow *s, const struct event *e)
{
	size_t like = 0;

	for (size_t i = 0; i < s->nlives; i++) {
		if (!slow_is_alike(&s->lives[i], e->dev, e->orig, -1))
			continue;
		speak(s, s->lives[i].dma, s->lives[i].size, false);
		like++;
	}
	for (size_t i = 0; i < s->w.nold; i++)
		like += s->w.old[i].live && s->w.old[i].slots && s->w.old[i].orig == e->orig;
	for (size_t i = 0; i < s->w.nold; i++) {
		struct slow_old *o = &s->w.old[i];

		if (!o->live || !o->slots || o->orig != e->orig)
			continue;
		o->live = like > 1; /* which of them ended is not known */
		o->maybe_ended = true;
		s->w.hit = true;
		speak(s, o->start, o->last - o->start + 1, false);
	}
}

/* Slots that somebody had: this very mapping, which was on its way, or one that must have ended. */
static void map_over_old(struct slow *s, const struct event *e, uint64_t from, uint64_t last)
{
	if (from == e->orig || slow_memory(s, from, e->size) != MEMORY_POOL)
		return;
	for (size_t i = slow_in_flight(s, s->w.read_at + 1) ? s->w.nold : 0; i > 0; i--) {
		struct slow_old *o = &s->w.old[i - 1];

		if (!o->live || !o->slots || o->orig != e->orig || o->start > from ||
		    o->last < last)
			continue;
		o->live = false;
		return;
	}
	if (!end_old(s, from, last, e->dev, true, false, false))
		return;
	end_old(s, from, last, e->dev, false, true, false);
	slow_open(s, CLAIM_SLOTS_DISJOINT);
}

/* A part of coherent memory: slots that this has stay with it. */
static bool is_of_alloc(const struct slow *s, const struct event *e, uint64_t from, uint64_t last)
{
	for (size_t i = 0; i < s->w.nold; i++) {
		const struct slow_old *o = &s->w.old[i];

		if (o->live && o->ring && o->dev == e->dev && o->start <= from && o->last >= last)
			return true;
	}
	return slow_alloc_around(s, e->dev, from, e->size) != NULL;
}

static void read_start(struct slow *s);

void slow_witness_begin(struct slow *s)
{
	s->w.on = s->p && s->p->trace.nonce && (s->p->start || s->p->end);
}

/* What was mapped for this device in this direction by now. */
static uint64_t mapped(const struct slow *s, const char *device, unsigned int dir)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->now; i++) {
		const struct event *e = &s->ev[i];

		if (e->kind == EVENT_MAP && e->dma != EVENT_NO_ADDR &&
		    (e->dir == dir || e->dir == EVENT_BIDIRECTIONAL) &&
		    strcmp(names_get(s->names, e->dev), device) == 0)
			sum += e->size;
	}
	return sum;
}

/* Buffers of it that were given back by now, and it may have written. */
static uint64_t arrived(const struct slow *s, const char *device, bool *bounced)
{
	uint64_t n = 0;

	*bounced = false;
	for (size_t i = 0; i < s->nlives; i++)
		*bounced |= s->lives[i].bounced &&
			    strcmp(names_get(s->names, s->lives[i].dev), device) == 0;
	for (size_t i = 0; i < s->now; i++) {
		const struct event *e = &s->ev[i];

		n += (e->kind == EVENT_UNMAP || e->kind == EVENT_SYNC_CPU) &&
		     e->dir != EVENT_TO_DEVICE && strcmp(names_get(s->names, e->dev), device) == 0;
	}
	return n;
}

static void compare_counters(struct slow *s)
{
	const struct platform *p = s->p;

	for (size_t i = 0; i < p->ndisks; i++) {
		const struct platform_disk *d = &p->disks[i];

		if (!d->virtio || !d->counted || !d->device ||
		    d->before.read_sectors > UINT64_MAX / 512 ||
		    d->before.written_sectors > UINT64_MAX / 512)
			continue;
		s->w.counted_more |=
			d->before.read_sectors * 512 > mapped(s, d->device, EVENT_FROM_DEVICE) ||
			d->before.written_sectors * 512 > mapped(s, d->device, EVENT_TO_DEVICE);
	}
	for (size_t i = 0; i < p->nnet * p->nvirtio; i++) {
		const struct platform_net *n = &p->net[i / p->nvirtio];
		const struct platform_virtio *v = &p->virtio[i % p->nvirtio];

		bool bounced;

		if (!n->counted || !n->virtio || !v->parent || strcmp(n->virtio, v->name) != 0)
			continue;
		s->w.counted_more |= n->before.tx_bytes > mapped(s, v->parent, EVENT_TO_DEVICE);
		s->w.counted_more |=
			n->before.rx_packets > arrived(s, v->parent, &bounced) && bounced;
	}
}

/* The devices' counters were read between the first two marks of that kind. */
static void count_mark(struct slow *s)
{
	size_t marks = 0;

	for (size_t i = 0; i <= s->now; i++)
		marks += s->ev[i].kind == EVENT_MARK && s->ev[i].aux == EVENT_MARK_COUNT &&
			 s->ev[i].link == s->p->trace.nonce;
	if (marks == 2)
		compare_counters(s);
}

bool slow_gap(const struct slow *s)
{
	return s->w.counted_more || s->w.ndiffering;
}

static void mark(struct slow *s, const struct event *e)
{
	if (e->aux != EVENT_MARK_SNAPSHOT || e->link != s->p->trace.nonce)
		return;
	s->w.marks++;
	for (size_t i = 0; i < s->w.nending && (s->w.marks == 1 || s->w.marks == 3); i++) {
		size_t at = s->w.ending[i].at, last = at;

		for (size_t k = at + 1; k < s->now; k++) {
			if (s->ev[k].cpu == s->ev[at].cpu)
				last = k;
		}
		if (s->ev[s->now].cpu != s->ev[at].cpu &&
		    slow_reported_before(s, last, false) < at + 1)
			add_spoken(s, (struct slow_spoken){ s->w.ending[i].range, false });
	}
	if (s->w.marks != 2)
		return;
	s->w.read_at = s->now;
	read_start(s);
}

void slow_witness_event(struct slow *s, const struct event *e)
{
	uint64_t plain, bit, last;

	s->w.hit = false;
	if (s->from_boot && e->kind == EVENT_MARK && e->aux == EVENT_MARK_COUNT &&
	    e->link == s->p->trace.nonce && !s->info->is_model)
		count_mark(s);
	if (!s->w.on)
		return;
	if (e->kind == EVENT_MARK) {
		mark(s, e);
		return;
	}
	if (e->kind == EVENT_UNMAP && (e->flags & EVENT_F_BY_ORIG)) {
		unmap_of_buffer(s, e);
		return;
	}
	if (e->kind != EVENT_MAP && e->kind != EVENT_UNMAP && e->kind != EVENT_ALLOC &&
	    e->kind != EVENT_FREE && e->kind != EVENT_SYNC_CPU && e->kind != EVENT_SYNC_DEVICE)
		return;
	plain = slow_plain_of(s, e->dev, e->dma, &bit);
	last = slow_last_of(plain, e->size);
	if (e->kind == EVENT_SYNC_CPU || e->kind == EVENT_SYNC_DEVICE) {
		for (size_t i = 0; i < s->w.nold; i++)
			s->w.hit |= old_of(&s->w.old[i], plain, last, e->dev);
		return;
	}
	if (e->dma != EVENT_NO_ADDR)
		speak(s, plain, e->size ? e->size : 1,
		      e->kind == EVENT_ALLOC || e->kind == EVENT_FREE);
	if ((e->kind == EVENT_MAP || e->kind == EVENT_ALLOC) && e->dma != EVENT_NO_ADDR)
		map_over_old(s, e, plain, last);
	else if (e->kind == EVENT_UNMAP)
		s->w.hit = end_old(s, plain, last, e->dev, !is_of_alloc(s, e, plain, last), true,
				   false);
	else if (e->kind == EVENT_FREE)
		s->w.hit = end_old(s, plain, last, e->dev, true, false, true);
}

void slow_witness_unknown(struct slow *s, const struct event *e)
{
	(void)e;
	if (s->w.on && s->w.marks >= 2 && !s->w.hit && !slow_in_flight(s, s->w.read_at + 1))
		s->w.no_baseline = true;
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
		    meet(of->pages[i].range.start, of->pages[i].range.end, from, last))
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
	if (events_hold(s, from, last, dev) || (!r->start && old_holds(s, from, last, dev, ring))) {
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
	if (used == found || (r->start ? s->w.nearly : s->w.nlate))
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
			bool owned = spoken_of(s, start, false, e->start, last);

			for (size_t m = 0; m < s->nlives; m++) {
				const struct life *l = &s->lives[m];

				owned |= l->live && slow_touches_pool(s, l->dma, l->size) &&
					 meet(l->dma - l->dma % SWIOTLB_SLOT_SIZE,
					      slow_last_of(l->dma, l->size), e->start, last);
			}
			for (size_t m = 0; m < s->w.nold; m++)
				owned |= s->w.old[m].live && s->w.old[m].slots &&
					 meet(s->w.old[m].start, s->w.old[m].last, e->start, last);
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

/* Allocations that wait for the page tables. */
static void show(struct slow *s, const struct reading *r)
{
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];
		uint64_t last = slow_last_of(l->dma, l->size);

		if (l->live && !l->taken && !spoken_of(s, r->start, true, l->dma, last) &&
		    all_marked_shared(s, r->of, l->dma, last))
			l->unshown = false;
	}
}

static void read_start(struct slow *s)
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
						      .slots = true });
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
