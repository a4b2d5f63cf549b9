/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One snapshot of the kernel's memory against the ledger, and against what is older than the
 * stream.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/saturate.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/limit.h"
#include "lib/judge/finish.h"
#include "lib/judge/witness.h"

struct audit {
	struct judge *j;
	struct witness *w;
	const struct snapshot *s;
	/* what events spoke of meanwhile is not compared: of coherent memory, of any */
	const struct spans *touched_allocs, *touched, *bounced;
	const struct event *mark;
	bool start;
	/* where it is now */
	const struct snapshot_device *d;
	const struct snapshot_queue *q;
	struct device *dev;
	uint16_t id;
	/* of this queue: published in protected memory; the first of them */
	uint64_t nprotected;
	char first[128];
};

static const char *queue_name(const struct audit *a)
{
	return a->q->name ? a->q->name : "a queue without a name";
}

struct around {
	uint64_t start, end;
	uint16_t dev;
	bool whole, any;
};

static bool visit(void *ctx, uint32_t index, struct mapping *m)
{
	struct around *a = ctx;

	(void)index;
	if (m->flags & MAPPING_INHERITED)
		return true; /* what syncs showed of an older one: the snapshot knows more */
	a->any = true;
	a->whole |= (!a->dev || m->dev == a->dev) && m->dma <= a->start &&
		    m->dma + (m->size - 1) >= a->end;
	return !a->whole;
}

/* Does the ledger have a mapping of dev that holds the whole range? */
static struct around in_ledger(struct judge *j, uint64_t start, uint64_t size, uint16_t dev)
{
	struct around a = { .start = start, .end = start + (size - 1), .dev = dev };

	ledger_overlaps(j->ledger, start, size, visit, &a);
	return a;
}

/* ---- one range that a ring names, or that a ring is ---- */

static void note_protected(struct audit *a, const struct event *ev, const char *what)
{
	if (!a->nprotected++)
		snprintf(a->first, sizeof(a->first), "%s, %llu bytes at 0x%llx", what,
			 (unsigned long long)ev->size, (unsigned long long)ev->dma);
}

/* Once for each queue, so that no queue hides another one. */
static void find_protected(struct audit *a)
{
	struct event ev = { .kind = EVENT_MAP, .ts_ns = a->mark ? a->mark->ts_ns : a->j->last_ns };

	if (!a->nprotected)
		return;
	ev.dev = a->id;
	ev.dma = ev.orig = EVENT_NO_ADDR;
	judge_refute(
		a->j, BREACH_RING, FIND_FACT, a->dev, &ev, MEMORY_PROTECTED,
		"queue %s of %s names protected memory %llu times (%s): read from the kernel's "
		"memory when the window %s",
		queue_name(a), a->d->name, (unsigned long long)a->nprotected, a->first,
		a->start ? "opened" : "closed");
}

/* May this device have no protected memory?  One that was accepted (TDISP) may. */
static bool is_plain_device(const struct audit *a)
{
	return !a->dev->tsm_known && !a->dev->tsm_doubt && !a->dev->tsm_later;
}

/*
 * It lies in RAM of which nothing shows that it is shared.  In a confidential guest that publishes
 * plain addresses a driver may have decrypted it before the stream began.
 */
static bool may_be_decrypted(const struct audit *a, const struct event *ev)
{
	const struct judge *j = a->j;

	return j->guest->class == GUEST_CONFIDENTIAL && !a->dev->iommu &&
	       !alias_is_protected(&j->alias, ev->dma) && !j->alias.seen;
}

/* Where the range lies, with what the page tables say of it. */
static struct place place_of(struct audit *a, const struct event *ev, uint64_t plain, uint64_t bit)
{
	struct place p = judge_place(a->j, a->dev, ev, plain, bit, ev->kind == EVENT_ALLOC);

	if (pages_protected(a->j, a->s, plain, ev->size))
		return (struct place){ PLACE_PROTECTED, MEMORY_PROTECTED, NULL };
	if (p.kind != PLACE_SHARED && pages_shared(a->j, a->s, plain, ev->size))
		return (struct place){ PLACE_SHARED, MEMORY_DECRYPTED, NULL };
	if (p.kind == PLACE_PROTECTED && may_be_decrypted(a, ev))
		return (struct place){ PLACE_UNDECIDED, p.memory,
				       "a ring names memory of which nothing shows whether it was "
				       "decrypted before the stream began" };
	return p;
}

/* Older than the stream: judged as any other mapping. */
static void judge_old(struct audit *a, const struct event *ev, uint64_t plain, uint64_t bit,
		      const char *what)
{
	struct judge *j = a->j;
	struct place p = place_of(a, ev, plain, bit);

	a->w->known++;
	a->dev->totals.inherited++;
	if (!is_plain_device(a) || (p.kind == PLACE_SHARED && p.memory != MEMORY_DECRYPTED)) {
		judge_address(j, a->dev, ev, plain, bit, ev->kind == EVENT_ALLOC);
		return;
	}
	if (j->options.rmm && !a->dev->iommu && p.kind != PLACE_PROTECTED)
		judge_ask_monitor(j, ev, plain, ev->kind == EVENT_ALLOC, &p);
	if (p.kind == PLACE_PROTECTED)
		note_protected(a, ev, what);
	else if (p.kind == PLACE_UNDECIDED && !j->options.window_only) /* of the run only */
		judge_doubt(j, CLAIM_DMA_IN_SHARED, a->dev, ev, p.memory, "%s", p.why);
	else if (p.kind == PLACE_SHARED)
		published_add(&j->published, ev->dma, ev->size, p.memory);
}

/* Published, and no event reported so. */
static void behind_events(struct audit *a, const struct event *ev, uint64_t plain, uint64_t bit,
			  const char *what)
{
	struct place p = place_of(a, ev, plain, bit);

	if (p.kind == PLACE_PROTECTED && is_plain_device(a))
		note_protected(a, ev, what);
	a->w->behind++;
	witness_say(&a->w->behind_why,
		    "queue %s of %s has %s, %llu bytes at 0x%llx, that no event gave it",
		    queue_name(a), a->d->name, what, (unsigned long long)ev->size,
		    (unsigned long long)ev->dma);
}

static void take_range(struct audit *a, uint64_t address, uint64_t size, unsigned int kind,
		       unsigned int dir, const char *what)
{
	struct event ev = { .dma = address,
			    .size = size,
			    .orig = EVENT_NO_ADDR,
			    .dev = a->id,
			    .dir = (uint8_t)dir,
			    .kind = kind };
	uint64_t bit, plain = judge_plain(a->j, a->dev, address, &bit);

	if (!size || size - 1 > UINT64_MAX - plain ||
	    spans_touch(kind == EVENT_ALLOC ? a->touched_allocs : a->touched, plain, size))
		return;
	if (a->mark) {
		ev.ts_ns = a->mark->ts_ns;
		ev.cpu = a->mark->cpu;
	}
	if (in_ledger(a->j, plain, size, a->id).whole ||
	    (!a->start && witness_old_holds(a->w, plain, size, a->id, kind == EVENT_ALLOC))) {
		/* the events have judged where it lies; the page tables know better */
		if (is_plain_device(a) && pages_protected(a->j, a->s, plain, size))
			note_protected(a, &ev, what);
	} else if (!a->start || a->j->from_boot) {
		behind_events(a, &ev, plain, bit, what);
	} else {
		witness_add_old(a->w,
				&(struct old){ .range = { plain, plain + (size - 1) },
					       .orig = EVENT_NO_ADDR,
					       .dev = a->id,
					       .kind = kind == EVENT_ALLOC ? OLD_RING : OLD_BUFFER,
					       .live = true });
		judge_old(a, &ev, plain, bit, what);
	}
}

static void take_queue(struct audit *a)
{
	char what[64];

	a->nprotected = 0;
	for (size_t i = 0; i < a->q->nrings; i++)
		take_range(a, a->q->rings[i].address, a->q->rings[i].size, EVENT_ALLOC,
			   EVENT_BIDIRECTIONAL, "ring memory");
	for (size_t i = 0; i < a->q->ndescriptors; i++) {
		const struct snapshot_descriptor *d = &a->q->descriptors[i];

		snprintf(what, sizeof(what), "descriptor %u", d->head);
		take_range(a, d->address, d->length, EVENT_MAP,
			   d->use == SNAPSHOT_IN ? EVENT_FROM_DEVICE : EVENT_TO_DEVICE, what);
	}
	find_protected(a);
}

/* ---- devices ---- */

/* sysfs has the same bits, as digits. */
static bool features_agree(const struct snapshot_device *d, const struct platform_virtio *v)
{
	for (unsigned int bit = 0; bit < 64; bit++) {
		if ((platform_virtio_feature(v, bit) == TRI_YES) != (d->features >> bit & 1))
			return false;
	}
	return true;
}

static const struct platform_virtio *listed(const struct platform *p, const char *name)
{
	for (size_t i = 0; i < p->nvirtio; i++) {
		if (strcmp(p->virtio[i].name, name) == 0)
			return &p->virtio[i];
	}
	return NULL;
}

static void check_features(struct audit *a)
{
	const struct platform_virtio *v = listed(a->j->platform, a->d->name);
	bool api = a->d->features >> VIRTIO_F_ACCESS_PLATFORM & 1;

	if (!v) {
		witness_say(&a->w->features_why,
			    "%s is in the kernel's memory, but not in the facts", a->d->name);
		return;
	}
	if (v->features && !features_agree(a->d, v))
		witness_say(&a->w->features_why,
			    "the features of %s are 0x%llx in the kernel's memory, others in the "
			    "facts",
			    a->d->name, (unsigned long long)a->d->features);
	for (size_t i = 0; i < a->d->nqueues; i++) {
		if (a->d->queues[i].dma_api != (api ? TRI_YES : TRI_NO))
			witness_say(&a->w->features_why,
				    "queue %u of %s %s the DMA API, against its features",
				    a->d->queues[i].index, a->d->name, api ? "bypasses" : "uses");
	}
}

static void take_devices(struct audit *a)
{
	for (size_t i = 0; i < a->s->ndevices; i++) {
		a->d = &a->s->devices[i];
		check_features(a);
		a->id = a->d->parent ? names_find(a->j->names, a->d->parent) : 0;
		if (!a->id) {
			if (a->d->nqueues && a->d->queues[0].dma_api == TRI_YES)
				witness_say(&a->w->baseline_why,
					    "what device %s works through is not known",
					    a->d->name);
			continue;
		}
		a->dev = judge_device(a->j, a->id);
		for (size_t k = 0; k < a->d->nqueues; k++) {
			a->q = &a->d->queues[k];
			/* the others are counterexamples of no-bypass */
			if (a->q->dma_api == TRI_YES)
				take_queue(a);
		}
	}
}

static bool has_queue(const struct snapshot_device *d, const struct snapshot_queue *q)
{
	for (size_t i = 0; i < d->nqueues; i++) {
		const struct snapshot_queue *other = &d->queues[i];

		if (other->index == q->index && other->packed == q->packed &&
		    !other->name == !q->name && (!q->name || strcmp(other->name, q->name) == 0))
			return true;
	}
	return false;
}

/* All of these devices and queues must be among those. */
static void find_all(struct witness *w, const struct snapshot *these, const struct snapshot *those,
		     const char *when)
{
	for (size_t i = 0; i < these->ndevices; i++) {
		const struct snapshot_device *d = &these->devices[i];
		const struct snapshot_device *other = snapshot_find(those, d->name);

		if (!other || !d->parent != !other->parent ||
		    (d->parent && strcmp(d->parent, other->parent) != 0)) {
			witness_say(&w->features_why, "%s is in the kernel's memory at the %s only",
				    d->name, when);
			continue;
		}
		for (size_t q = 0; q < d->nqueues; q++) {
			if (!has_queue(other, &d->queues[q]))
				witness_say(&w->features_why,
					    "queue %u of %s is in the kernel's memory at the %s "
					    "only",
					    d->queues[q].index, d->name, when);
		}
	}
}

/* Drivers make their queues when they are bound, and no others later. */
static void same_devices(struct witness *w, const struct platform *p)
{
	if (!p->start || p->start->trouble)
		return;
	find_all(w, p->start, p->end, "start");
	find_all(w, p->end, p->start, "end");
}

/* ---- pools ---- */

static uint64_t slots_of(uint64_t size)
{
	return size / SWIOTLB_SLOT_SIZE + (size % SWIOTLB_SLOT_SIZE != 0);
}

/* Slots of a map that was on its way when the pool was read, and may have failed. */
static bool may_have_failed(const struct audit *a, const struct snapshot_live *l)
{
	return l->orig != EVENT_NO_ADDR && spans_touch(a->bounced, l->orig, 1);
}

/* The areas' own count of used slots, against what the slots say: without events in between. */
static void check_used(struct audit *a, char **why)
{
	uint64_t used = 0, found = 0;

	for (size_t i = 0; i < a->s->npools; i++) {
		used = saturate_add(used, a->s->pools[i].used);
		for (size_t k = 0; k < a->s->pools[i].nlive; k++)
			found = saturate_add(found, slots_of(a->s->pools[i].live[k].size));
	}
	if (used != found && !a->touched->count && !a->bounced->count)
		witness_say(why,
			    "the bounce pools count %llu slots in use, but %llu of them are in the "
			    "snapshot",
			    (unsigned long long)used, (unsigned long long)found);
}

/* Pools of the facts and of the kernel's memory are the same. */
static void check_pools(struct audit *a)
{
	const struct platform *p = a->j->platform;

	for (size_t i = 0; i < a->s->npools; i++) {
		const struct range *r = &a->s->pools[i].range;
		bool known = false;

		for (size_t k = 0; k < p->swiotlb.npools; k++)
			known |= p->swiotlb.pools[k].range.start == r->start &&
				 p->swiotlb.pools[k].range.end == r->end;
		if (!known)
			witness_say(
				&a->w->slots_why,
				"the kernel's memory has a bounce pool at 0x%llx that the facts "
				"do not have",
				(unsigned long long)r->start);
	}
}

/* Whatever lies in a pool counts as shared: all of its pages must be. */
static void check_pool_pages(struct audit *a)
{
	for (size_t i = 0; i < a->s->npools; i++) {
		const struct range *r = &a->s->pools[i].range;

		if (r->end < r->start ||
		    !pages_protected(a->j, a->s, r->start, r->end - r->start + 1))
			continue;
		judge_doubt(a->j, CLAIM_DMA_IN_SHARED, NULL, NULL, MEMORY_PROTECTED,
			    "the kernel's page tables mark pages of the bounce pool at 0x%llx as "
			    "protected when the window %s",
			    (unsigned long long)r->start, a->start ? "opened" : "closed");
	}
}

static void take_slots(struct audit *a)
{
	for (size_t i = 0; i < a->s->npools && !a->j->from_boot; i++) {
		for (size_t k = 0; k < a->s->pools[i].nlive; k++) {
			const struct snapshot_live *l = &a->s->pools[i].live[k];

			if (spans_touch(a->touched, l->start, l->size) ||
			    in_ledger(a->j, l->start, l->size, 0).any)
				continue;
			witness_add_old(
				a->w,
				&(struct old){ .range = { l->start, l->start + (l->size - 1) },
					       .orig = l->orig,
					       .kind = OLD_SLOTS,
					       .live = true,
					       .maybe_ended = may_have_failed(a, l) });
		}
	}
}

/* Each old buffer that reaches into a pool lies in slots of it. */
static void check_buffers(struct audit *a)
{
	struct spans slots = { 0 };

	for (size_t i = 0; i < a->w->nold; i++) {
		const struct old *o = &a->w->old[i];

		if (o->kind == OLD_SLOTS)
			spans_add(&slots, o->range.start, o->range.end - o->range.start + 1);
	}
	spans_join(&slots);
	for (size_t i = 0; i < a->w->nold; i++) {
		const struct old *o = &a->w->old[i];
		uint64_t size = o->range.end - o->range.start + 1;

		if (o->kind == OLD_BUFFER &&
		    memmap_touches_pool(a->j->memory, o->range.start, size) &&
		    !spans_cover(&slots, o->range.start, size))
			witness_say(&a->w->baseline_why,
				    "a ring names slots of the bounce pool at 0x%llx that are not "
				    "in use by the pool's own list",
				    (unsigned long long)o->range.start);
	}
	spans_free(&slots);
}

/* ---- slot by slot ---- */

struct owners {
	struct audit *a;
	struct spans used;  /* slots that the pool has in use */
	struct spans owned; /* slots of live mappings, and those that may be */
};

static uint64_t slot_start(uint64_t address)
{
	return address - address % SWIOTLB_SLOT_SIZE;
}

/* At the start of a window an event may still be on its way; text is taken over. */
static void differ(struct audit *a, uint64_t start, uint64_t size, char *text)
{
	if (a->start) {
		witness_add_differing(a->w, start, size, text);
		return;
	}
	witness_say(&a->w->slots_why, "%s", text);
	free(text);
}

static void visit_owner(void *ctx, uint32_t index, struct mapping *m)
{
	struct owners *o = ctx;
	struct judge *j = o->a->j;
	uint64_t start = slot_start(m->dma), end = m->dma + (m->size - 1);
	bool doubtful = (m->flags & (MAPPING_SUPERSEDED | MAPPING_INHERITED)) ||
			judge_mapping(j, index)->unmaps;

	if (!memmap_touches_pool(j->memory, m->dma, m->size))
		return;
	spans_add(&o->owned, start, end - start + 1);
	if (doubtful || !(m->flags & MAPPING_POOL) ||
	    spans_touch(o->a->touched, start, end - start + 1))
		return;
	if (!spans_cover(&o->used, m->dma, m->size))
		differ(o->a, m->dma, m->size,
		       xasprintf("event %llu's mapping at 0x%llx is live by the events, but its "
				 "slots are free in the kernel's memory",
				 (unsigned long long)m->seq, (unsigned long long)m->dma));
}

static void compare_slots(struct audit *a)
{
	struct owners o = { .a = a };

	for (size_t i = 0; i < a->s->npools; i++) {
		for (size_t k = 0; k < a->s->pools[i].nlive; k++) {
			const struct snapshot_live *l = &a->s->pools[i].live[k];

			spans_add(&o.used, l->start, slots_of(l->size) * SWIOTLB_SLOT_SIZE);
		}
	}
	spans_join(&o.used);
	ledger_each(a->j->ledger, visit_owner, &o);
	for (size_t i = 0; i < a->w->nold; i++) {
		const struct old *old = &a->w->old[i];
		uint64_t size = old->range.end - old->range.start + 1;

		if (!old->live || old->kind != OLD_SLOTS)
			continue;
		spans_add(&o.owned, old->range.start, size);
		if (!old->maybe_ended && !spans_touch(a->touched, old->range.start, size) &&
		    !spans_cover(&o.used, old->range.start, size))
			witness_say(&a->w->slots_why,
				    "slots at 0x%llx, in use when the window opened, are free at "
				    "its end, and no event ended their mapping",
				    (unsigned long long)old->range.start);
	}
	spans_join(&o.owned);
	for (size_t i = 0; i < a->s->npools; i++) {
		for (size_t k = 0; k < a->s->pools[i].nlive; k++) {
			const struct snapshot_live *l = &a->s->pools[i].live[k];

			if (!may_have_failed(a, l) && !spans_touch(&o.owned, l->start, l->size) &&
			    !spans_touch(a->touched, l->start, l->size))
				differ(a, l->start, l->size,
				       xasprintf("slots at 0x%llx are in use in the kernel's "
						 "memory, but no event mapped them",
						 (unsigned long long)l->start));
		}
	}
	spans_free(&o.used);
	spans_free(&o.owned);
}

void audit_start(struct judge *j, const struct event *mark)
{
	struct witness *w = j->witness;
	struct audit a = { .j = j,
			   .w = w,
			   .s = j->platform->start,
			   .touched_allocs = &w->early.allocs,
			   .touched = &w->early.all,
			   .bounced = &w->early.bounced,
			   .mark = mark,
			   .start = true };

	if (!a.s)
		return;
	take_slots(&a);
	take_devices(&a);
	witness_sort_old(w);
	check_buffers(&a);
	check_used(&a, &w->baseline_why);
	check_pools(&a);
	check_pool_pages(&a);
	pages_settle(j, a.s, a.touched_allocs);
	if (j->from_boot && !a.s->trouble)
		compare_slots(&a);
}

void audit_end(struct judge *j)
{
	struct witness *w = j->witness;
	struct audit a = { .j = j,
			   .w = w,
			   .s = j->platform->end,
			   .touched_allocs = &w->late.allocs,
			   .touched = &w->late.all,
			   .bounced = &w->late.bounced };

	/* what is old is known only where the first one was read */
	if (!a.s || a.s->trouble ||
	    (!j->from_boot && (!j->platform->start || j->platform->start->trouble)))
		return;
	take_devices(&a);
	same_devices(w, j->platform);
	check_pools(&a);
	check_pool_pages(&a);
	pages_settle(j, a.s, a.touched_allocs);
	check_used(&a, &w->slots_why);
	compare_slots(&a);
}
