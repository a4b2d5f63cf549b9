/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The slow judge on what the kernel's memory shows at the start and at the end. */
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/snapshot.h"
#include "lib/judge/types/ledger.h"
#include "tests/property/slow-state.h"

/* ---- ranges ---- */

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

		if (slow_meet(d->start, d->end, r.range.start, r.range.end))
			*d = s->w.differing[--s->w.ndiffering];
	}

	add_spoken(s, r);
}

/* ---- what is old ---- */

static bool old_of(const struct slow_old *o, uint64_t from, uint64_t last, uint16_t dev)
{
	return o->live && slow_meet(o->start, o->last, from, last) && (!o->dev || o->dev == dev);
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

bool slow_old_holds(const struct slow *s, uint64_t from, uint64_t last, uint16_t dev, bool rings)
{
	for (size_t i = 0; i < s->w.nold; i++) {
		const struct slow_old *o = &s->w.old[i];

		if (old_of(o, from, last, dev) && o->start <= from && o->last >= last &&
		    (o->ring || !rings))
			return true;
	}
	return false;
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

static void note_bounced(struct slow *s, uint64_t orig)
{
	struct slow_bounced *b = &s->w.bounced[s->w.marks >= 3];

	if (s->w.marks != 1 && s->w.marks < 3)
		return;
	XGROW(b->list, b->n, b->cap);
	b->list[b->n++] = slow_without_c_bit(s, orig);
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
	for (size_t i = 0; i < s->nwaiting && (s->w.marks == 1 || s->w.marks == 3); i++)
		note_bounced(s, s->ev[s->waiting[i]].orig);
	if (s->w.marks != 2)
		return;
	s->w.read_at = s->now;
	slow_snapshot_begin(s);
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
	if (e->kind == EVENT_BOUNCE) {
		slow_learn_c_bit(s, e->orig);
		note_bounced(s, e->orig);
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
