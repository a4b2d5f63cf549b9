/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The DMA API's life of a buffer, event by event.
 *
 * Linux emits the events in an order that matters here (kernel/dma/mapping.c):
 * bounce before the slot is taken, map after it, unmap AFTER the slot was
 * released, free BEFORE the memory is, unmap_sg before the unmap.  So on
 * several CPUs a slot's next map may come before its last unmap.
 *
 * Such a race cannot be read from a slot that was given twice: the unmap of the
 * second case, too, is reported by a CPU that was silent since before the map.  No
 * other event, time or order separates them, so the claim slots-disjoint stays
 * open.  That costs little: a pool's free slots are handed out in turn, and the
 * next one is the one just released only where the pool is all but full.  In
 * 579,216 unmaps of twelve processes that read a disk on four CPUs, half of them with
 * a pool of 4 MiB, there was none.
 */
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/judge/state.h"
#include "lib/judge/witness.h"

struct overlap {
	struct judge *j;
	const struct event *ev; /* … that made the newer one */
	const struct mapping *newer;
	uint32_t unmapped[64]; /* it may be this one, of several like it, that was unmapped */
	size_t nunmapped;
};

/* Behind an IOMMU each device has its own addresses. */
static bool own_addresses(struct judge *j, const struct mapping *a, const struct mapping *b)
{
	return a->dev != b->dev &&
	       (judge_device(j, a->dev)->iommu || judge_device(j, b->dev)->iommu);
}

/*
 * Its memory goes to a newer one before its end was reported.  How that end is reported, if at all,
 * may show that it was no race (resolve_superseded, judge_end_of_stream).
 */
static void supersede(const struct overlap *o, uint32_t index, struct mapping *m)
{
	struct mapping_state *state = judge_mapping(o->j, index);
	const struct mapping *n = o->newer;

	m->flags |= MAPPING_SUPERSEDED;
	state->clashes = !judge_device(o->j, n->dev)->out_of_scope;
	o->j->n.taken_marks += m->flags & MAPPING_INHERITED ? 1 : 0;
	state->super_seq = n->seq;
	state->super_cpu = n->cpu;
	state->super_pid = n->pid;
	judge_find_overlap(
		o->j, FIND_UNDECIDED, judge_device(o->j, m->dev), o->ev, state->clashes,
		"memory at 0x%llx was given to another mapping (event %llu) before the end of "
		"event %llu's was reported: the kernel reported it late, or gave the memory twice",
		(unsigned long long)m->dma, (unsigned long long)n->seq, (unsigned long long)m->seq);
}

static bool visit_overlap(void *ctx, uint32_t index, struct mapping *m)
{
	struct overlap *o = ctx;
	const struct mapping *n = o->newer;
	bool bounced = (m->flags | n->flags) & MAPPING_BOUNCED;
	bool allocs = (m->flags & n->flags) & MAPPING_ALLOC;
	bool either = (m->flags | n->flags) & MAPPING_ALLOC;
	/* one address for two buffers: direct maps agree in where the original is */
	bool clash = !either && m->orig != EVENT_NO_ADDR && n->orig != EVENT_NO_ADDR &&
		     m->orig - m->dma != n->orig - n->dma;

	/* The same shared buffer mapped twice, or a part of an allocation: no new memory. */
	if (!bounced && !allocs && !clash)
		return true;
	if ((m->flags & MAPPING_INHERITED) && !(n->flags & (MAPPING_BOUNCED | MAPPING_ALLOC)))
		return true;
	if ((m->flags & MAPPING_SUPERSEDED) || own_addresses(o->j, m, n))
		return true;
	if (judge_mapping(o->j, index)->unmaps && (m->flags & MAPPING_SG) && o->nunmapped < 64) {
		o->unmapped[o->nunmapped++] = index;
		return true;
	}
	supersede(o, index, m);
	return true;
}

/* Its slot is in use again, so it was this one that an unmap by buffer meant. */
static void settle_unmapped(struct judge *j, uint32_t index)
{
	struct mapping m = *ledger_at(j->ledger, index);

	ledger_remove(j->ledger, index);
	j->n.ambiguous--;
	for (uint32_t i = 0; (i = ledger_next_orig(j->ledger, i, m.dev, m.orig));) {
		struct mapping_state *other = judge_mapping(j, i);

		if (ledger_at(j->ledger, i)->dir == m.dir && other->unmaps)
			other->unmaps--;
	}
}

/*
 * A preempted task's unmap of a mapping older than the window was taken for that of the first
 * mapping of the stream in its slot, perhaps: then the latter's is still to come.
 */
static uint32_t previous_kind(const struct judge *j, const struct returned_address *r)
{
	return r->maybe_older && r->size && !j->from_boot ? JUDGE_KIND(r->size, r->dir) : 0;
}

static void set_state(struct judge *j, uint32_t index, uint32_t previous)
{
	while (index >= j->nmappings) {
		j->nmappings = j->nmappings ? 2 * j->nmappings : 256;
		j->mappings = xrealloc(j->mappings, j->nmappings, sizeof(*j->mappings));
	}
	j->mappings[index] = (struct mapping_state){ .unshown = j->unshown, .previous = previous };
}

void judge_enter(struct judge *j, const struct event *ev, uint64_t plain, unsigned int flags)
{
	struct mapping m = {
		.dma = plain,
		.size = ev->size ? ev->size : 1,
		.orig = flags & MAPPING_ALLOC ? ev->link : ev->orig,
		.seq = j->seq,
		.ts_ns = ev->ts_ns,
		.attrs = ev->attrs,
		.pid = ev->pid,
		.dev = ev->dev,
		.cpu = ev->cpu,
		.dir = ev->dir,
		.flags = flags | (plain != ev->dma ? MAPPING_ALIASED : 0),
	};
	struct returned_address before;
	uint32_t previous = 0;
	struct overlap o;

	o.j = j;
	o.ev = ev;
	o.newer = &m;
	o.nunmapped = 0;
	/* Parts of one inherited mapping turn up one by one, often in one slot. */
	if (!(flags & MAPPING_INHERITED))
		ledger_overlaps(j->ledger, m.dma, m.size, visit_overlap, &o);
	for (size_t i = 0; i < o.nunmapped; i++) {
		uint32_t old = o.unmapped[i];

		if (judge_mapping(j, old)->unmaps)
			settle_unmapped(j, old);
		else /* more of them than were unmapped */
			supersede(&o, old, ledger_at(j->ledger, old));
	}
	if (returned_remove(j->returned, ev->dev, plain, flags & MAPPING_ALLOC, &before) &&
	    (flags & MAPPING_BOUNCED))
		previous = previous_kind(j, &before);
	set_state(j, ledger_add(j->ledger, &m), previous);
	if (!j->n.ambiguous && ledger_slots(j->ledger) > j->n.slots_hiwater)
		j->n.slots_hiwater = ledger_slots(j->ledger);
}

/* What lies in a pool's slots is listed from the ledger's table. */
static void list_range(struct judge *j, const struct event *ev, const struct place *p,
		       uint64_t plain)
{
	bool slots = p->kind == PLACE_SHARED && plain != ev->orig &&
		     (p->memory == MEMORY_POOL ||
		      memmap_state(j->memory, plain, ev->size) == MEMORY_POOL);

	if (!slots || ev->kind == EVENT_ALLOC || ev->kind == EVENT_UNMAP)
		published_add(&j->published, ev->dma, ev->size, p->memory);
}

/* A map into a slot of a pool: most ranges, of which nothing more is to be said. */
static inline bool is_slot(struct judge *j, const struct device *dev, const struct event *ev,
			   uint64_t plain, uint64_t bit)
{
	return ev->kind == EVENT_MAP && !bit && plain != ev->orig && !dev->iommu &&
	       !device_is_accepted(dev) && !j->options.rmm &&
	       !alias_is_protected(&j->alias, ev->dma) &&
	       memmap_state(j->memory, plain, ev->size) == MEMORY_POOL;
}

/* The claim dma-in-shared for one published range. */
enum memory_state judge_address(struct judge *j, struct device *dev, const struct event *ev,
				uint64_t plain, uint64_t bit, bool alloc)
{
	struct place p;

	if (is_slot(j, dev, ev, plain, bit)) {
		j->alias.plain += !dev->areas && !(ev->attrs & EVENT_ATTR_MMIO);
		return MEMORY_POOL;
	}
	p = judge_place(j, dev, ev, plain, bit, alloc);
	if (device_is_accepted(dev)) {
		j->n.accepted++;
		if (memmap_touches_pool(j->memory, plain, ev->size))
			judge_refute(
				j, BREACH_TRUSTED_POOL, judge_of_trust(dev, FIND_FACT), dev, ev,
				p.memory, "%s memory of the bounce pool",
				dev->tsm_of_facts
					? "the facts call the device accepted (TDISP), but as one "
					  "that is not it was given"
					: "an accepted (TDISP) device was given");
		list_range(j, ev, &p, plain);
		return p.memory;
	}
	if (bit && !j->alias.bit)
		dev->alias_bits |= bit;
	/* a kernel that publishes aliases does so for all of its shared memory */
	if (!bit && !dev->iommu && !dev->areas && !(ev->attrs & EVENT_ATTR_MMIO))
		j->alias.plain++;
	j->alias.seen |= bit && j->alias.bit;
	if (j->options.rmm && !dev->iommu)
		judge_ask_monitor(j, ev, plain, alloc, &p);
	/* A sync does not say how its memory came to be mapped: it may be a coherent allocation. */
	if (p.kind == PLACE_PROTECTED &&
	    (ev->kind == EVENT_SYNC_CPU || ev->kind == EVENT_SYNC_DEVICE))
		p = (struct place){ PLACE_UNDECIDED, p.memory,
				    "memory older than the window is not known to be shared" };
	if (p.kind == PLACE_PROTECTED && dev->tsm_doubt)
		p = (struct place){ PLACE_UNDECIDED, dev->assigned ? MEMORY_UNKNOWN : p.memory,
				    "the facts call the device accepted (TDISP), but this is no "
				    "Realm" };
	if (p.kind == PLACE_PROTECTED && dev->entrusted) {
		dev->entrusted_ranges++;
		list_range(j, ev, &p, plain);
		return p.memory;
	}
	if (p.kind == PLACE_PROTECTED && dev->assigned)
		p = (struct place){ PLACE_UNDECIDED, MEMORY_UNKNOWN,
				    "the platform may let this assigned device reach protected "
				    "memory, and nothing attests it" };
	if (p.kind == PLACE_PROTECTED && dev->tsm_later)
		p = (struct place){ PLACE_UNDECIDED, MEMORY_UNKNOWN,
				    "the device is accepted (TDISP) in the window, and nothing "
				    "shows whether it was when it was given protected memory" };
	/* an IOVA does not show whether the buffer was bounced: that no bounce is there does */
	if (p.kind == PLACE_PROTECTED)
		judge_refute(j, BREACH_PROTECTED, dev->iommu ? FIND_ABSENCE : FIND_FACT, dev, ev,
			     p.memory, "the device was given %s memory at 0x%llx (%llu byte%s)",
			     p.memory == MEMORY_MIXED ? "partly protected" : "protected",
			     (unsigned long long)ev->dma, (unsigned long long)ev->size,
			     ev->size == 1 ? "" : "s");
	else if (p.kind == PLACE_UNDECIDED && p.why == judge_unshown && ev->kind == EVENT_ALLOC &&
		 pages_may_settle(j)) {
		j->unshown = true;
		return p.memory;
	} else if (p.kind == PLACE_UNDECIDED)
		judge_doubt(j, CLAIM_DMA_IN_SHARED, dev, ev, p.memory, "%s", p.why);
	list_range(j, ev, &p, plain);
	return p.memory;
}

/*
 * Page excess: what was made shared for this mapping or allocation and is not part of
 * it (sharing goes by pages, buffers do not).
 */
static void count_shared(struct device *dev, uint64_t size, enum memory_state memory)
{
	if (memory != MEMORY_DECRYPTED && memory != MEMORY_ALIAS)
		return;
	if (dev->newly_shared > size)
		dev->totals.excess_bytes += dev->newly_shared - size;
	dev->newly_shared = 0;
}

static void count_map(struct device *dev, const struct event *ev, bool bounced)
{
	struct device_totals *t = &dev->totals;
	unsigned int dir = ev->dir & 3;

	t->maps[dir]++;
	t->map_bytes[dir] += ev->size;
	if (bounced)
		t->bounced++;
	else
		t->direct++;
	/* A direction nothing reported counts as out: the larger claim on the reader's trust. */
	if (dir != EVENT_FROM_DEVICE)
		t->out_bytes += ev->size;
	/* Every bounce map first copies the original out, whatever the direction (swiotlb.c). */
	if (bounced && (dir == EVENT_FROM_DEVICE || dir == EVENT_BIDIRECTIONAL))
		t->stale_bytes += ev->size;
}

static void find_canary(struct judge *j, const struct device *dev, const struct event *ev)
{
	const struct platform *p = j->platform;

	/* inside the window, that is between this CPU's markers */
	if (!j->cpus[ev->cpu].start_seq || j->cpus[ev->cpu].stop_seq)
		return;
	for (size_t i = 0; i < p->trace.ncanaries; i++) {
		const struct platform_canary *c = &p->trace.canaries[i];
		bool in = strncmp(c->kind, "blk", 3) == 0;

		if (j->canary_found[i] || c->size != ev->size || strcmp(c->kind, "none") == 0 ||
		    ev->dir != (in ? EVENT_FROM_DEVICE : EVENT_TO_DEVICE) ||
		    dev->id != names_find(j->names, c->device))
			continue;
		j->canary_found[i] = 1;
		return; /* one transfer answers for one canary */
	}
}

static void count_failed(struct judge *j, struct device *dev, const struct event *ev, bool bounced)
{
	full_add(&j->full, ev);
	j->n.failed++;
	j->n.failed_paired += bounced;
	dev->totals.failed++;
}

/* Behind an IOMMU the device was given the slot, but the event only names the original. */
static enum memory_state judge_bounced_iova(struct judge *j, struct device *dev,
					    const struct event *ev)
{
	judge_doubt(j, CLAIM_DMA_IN_SHARED, dev, ev, MEMORY_IOVA,
		    "bounced behind an IOMMU: the event does not name the slot");
	published_add(&j->published, ev->dma, ev->size, MEMORY_IOVA);
	return MEMORY_IOVA;
}

void judge_map(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);
	struct bounce bounce;
	enum memory_state memory;
	uint64_t plain, bit;
	enum pair how;
	bool bounced;

	dev->seen = true;
	dev->totals.events++;
	if (ev->dma == EVENT_NO_ADDR) {
		count_failed(j, dev, ev, bounces_take_failed(&j->bounces, ev));
		bounces_pass(&j->bounces, ev);
		return;
	}
	how = bounces_take(&j->bounces, ev, judge_bounce_unreported(j, ev), &bounce);
	bounces_pass(&j->bounces, ev);
	j->n.maps++;
	if (how == PAIR_BY_ORDER)
		judge_learn_offset(j, dev, ev, &bounce);
	plain = judge_plain(j, dev, ev->dma, &bit);
	if (dev->iommu && (how != PAIR_NONE || judge_bounce_unreported(j, ev)))
		memory = judge_bounced_iova(j, dev, ev);
	else
		memory = judge_address(j, dev, ev, plain, bit, false);
	judge_pair(j, dev, ev, plain, memory, how, &bounce);
	judge_observe_map(j, dev, ev, plain, memory, how);
	if (how == PAIR_EXACT && !dev->iommu && alias_learns(&j->alias))
		alias_learn(&j->alias, bit,
			    memmap_state(j->memory, plain, ev->size) == MEMORY_POOL);
	j->n.paired += how != PAIR_NONE;
	bounced = how != PAIR_NONE ||
		  (memmap_state(j->memory, plain, ev->size) == MEMORY_POOL && plain != ev->orig);
	count_map(dev, ev, bounced);
	if (!bounced)
		count_shared(dev, ev->size, memory);
	if (j->platform && j->platform->trace.ncanaries)
		find_canary(j, dev, ev);
	judge_enter(j, ev, plain,
		    (bounced ? MAPPING_BOUNCED : 0) | (ev->flags & EVENT_F_SG ? MAPPING_SG : 0));
}

void judge_map_failed(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);

	dev->seen = true;
	dev->totals.events++;
	if ((ev->flags & EVENT_F_SG) && (ev->flags & EVENT_F_PROBE)) {
		for (size_t n = judge_take_bounces_failed(j, ev); n > 0; n--)
			count_failed(j, dev, ev, true);
	} else {
		count_failed(j, dev, ev, bounces_take_failed(&j->bounces, ev));
	}
	bounces_pass(&j->bounces, ev);
}

/* ---- coherent allocations ---- */

void judge_alloc(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);
	uint64_t plain, bit;

	dev->seen = true;
	dev->totals.events++;
	if (ev->dma == EVENT_NO_ADDR || (ev->dma == 0 && ev->link == 0)) {
		j->n.failed++; /* the allocation failed: nothing was published */
		dev->totals.failed++;
		return;
	}
	j->n.allocs++;
	dev->totals.allocs++;
	dev->totals.alloc_bytes += ev->size;
	dev->vring_seen = true;
	plain = judge_plain(j, dev, ev->dma, &bit);
	j->unshown = false;
	count_shared(dev, ev->size, judge_address(j, dev, ev, plain, bit, true));
	judge_enter(j, ev, plain, MAPPING_ALLOC);
	j->unshown = false;
}
