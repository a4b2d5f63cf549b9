/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The DMA API's life of a buffer, event by event.
 *
 * Linux emits the events in an order that matters here (kernel/dma/mapping.c):
 * bounce before the slot is taken, map after it, unmap AFTER the slot was
 * released, free BEFORE the memory is, unmap_sg before the unmap.  So on
 * several CPUs a slot's next map may come before its last unmap.
 */
#include <string.h>

#include "lib/judge-state.h"
#include "lib/names.h"

static struct recent *recent_at(struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
{
	uint64_t h = (dma ^ ((uint64_t)dev << 44) ^ ((uint64_t)alloc << 63)) * 0x9e3779b97f4a7c15u;

	return &j->recent[h >> 51];
}

static void recent_set(struct judge *j, uint16_t dev, uint64_t dma, bool alloc, bool racy)
{
	*recent_at(j, dev, dma, alloc) = (struct recent){ dma, dev, alloc, true, racy };
}

static const struct recent *recent_get(struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
{
	const struct recent *r = recent_at(j, dev, dma, alloc);

	return r->used && r->dma == dma && r->dev == dev && r->alloc == alloc ? r : NULL;
}

static void recent_clear(struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
{
	struct recent *r = recent_at(j, dev, dma, alloc);

	if (r->used && r->dma == dma && r->dev == dev && r->alloc == alloc)
		r->used = false;
}

/*
 * Could this CPU have been inside the kernel's unmap ever since event `since`
 * of another CPU?  Only if it has told nothing in between.
 */
static bool unmap_in_flight(const struct judge *j, const struct event *ev, uint64_t since,
			    uint16_t since_cpu)
{
	return ev->cpu != since_cpu && j->cpus[ev->cpu].prev_seq < since;
}

/* ---- bounces ---- */

void judge_bounce(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);

	dev->seen = true;
	dev->totals.events++;
	j->n.bounces++;
	j->n.bounce_seen = true;
	if (j->npending == MAX_PENDING) {
		j->n.dropped++;
		memmove(&j->pending[0], &j->pending[1], (MAX_PENDING - 1) * sizeof(j->pending[0]));
		j->npending--;
	}
	j->pending[j->npending++] = (struct pending){
		.orig = ev->orig,
		.size = ev->size,
		.seq = j->seq,
		.pid = ev->pid,
		.cpu = ev->cpu,
		.dev = ev->dev,
	};
}

enum pair { PAIR_NONE, PAIR_EXACT, PAIR_BY_ORDER };

/*
 * The bounce of a map: same device and buffer address, of this CPU or of the
 * same task before it moved.  Where addresses do not agree but the newest
 * bounce of this CPU is of this device and size (a bus that offsets DMA
 * addresses), it is its pair by order only.
 */
static enum pair take_bounce(struct judge *j, const struct event *ev, struct pending *out)
{
	enum pair how = PAIR_NONE;
	size_t i, found = 0;

	for (i = j->npending; i > 0; i--) {
		const struct pending *p = &j->pending[i - 1];

		if (p->dev != ev->dev || p->orig != ev->orig ||
		    (p->cpu != ev->cpu && p->pid != ev->pid))
			continue;
		found = i;
		how = PAIR_EXACT;
		if (p->size == ev->size)
			break;
	}
	if (!found && j->npending) {
		const struct pending *p = &j->pending[j->npending - 1];

		if (p->dev == ev->dev && p->cpu == ev->cpu && p->size == ev->size &&
		    p->pid == ev->pid) {
			found = j->npending;
			how = PAIR_BY_ORDER;
		}
	}
	if (!found)
		return PAIR_NONE;
	*out = j->pending[found - 1];
	memmove(&j->pending[found - 1], &j->pending[found],
		(j->npending - found) * sizeof(j->pending[0]));
	j->npending--;
	return how;
}

/* ---- maps ---- */

struct overlap {
	struct judge *j;
	struct mapping *newer;
};

/* A mapping's memory goes to a newer one: an unmap must still turn up for it. */
static bool supersede(void *ctx, uint32_t index, struct mapping *m)
{
	struct overlap *o = ctx;
	const struct mapping *n = o->newer;
	bool bounced = (m->flags | n->flags) & MAPPING_BOUNCED;
	bool allocs = (m->flags & n->flags) & MAPPING_ALLOC;
	bool either = (m->flags | n->flags) & MAPPING_ALLOC;
	/* one address for two buffers: direct maps agree in where the original is */
	bool clash = !either && m->orig != EVENT_NO_ADDR && n->orig != EVENT_NO_ADDR &&
		     m->orig - m->dma != n->orig - n->dma;

	(void)index;
	/* The same shared buffer mapped twice, or a part of an allocation: no new memory. */
	if (!bounced && !allocs && !clash && !(m->flags & MAPPING_INHERITED))
		return true;
	if (m->flags & MAPPING_SUPERSEDED)
		return true;
	m->flags |= MAPPING_SUPERSEDED;
	m->super_seq = n->seq;
	m->super_cpu = n->cpu;
	return true;
}

static void enter(struct judge *j, const struct event *ev, uint64_t plain, unsigned int flags)
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
		.flags = flags,
	};
	struct overlap o = { j, &m };

	/* Parts of one inherited mapping turn up one by one, often in one slot. */
	if (!(flags & MAPPING_INHERITED))
		ledger_overlaps(j->ledger, m.dma, m.size, supersede, &o);
	recent_clear(j, ev->dev, plain, flags & MAPPING_ALLOC);
	ledger_add(j->ledger, &m);
	if (ledger_slots(j->ledger) > j->n.slots_hiwater)
		j->n.slots_hiwater = ledger_slots(j->ledger);
}

static bool is_trusted(const struct device *dev)
{
	return dev->tsm_known && dev->tsm == EVENT_TSM_RUN;
}

/* What lies in a pool's slots is listed from the ledger's table. */
static void list_range(struct judge *j, const struct event *ev, const struct place *p,
		       uint64_t plain)
{
	bool slots = p->kind == PLACE_SHARED && plain != ev->orig &&
		     memmap_state(j->memory, plain, ev->size) == MEMORY_POOL;

	if (!slots || ev->kind == EVENT_ALLOC || ev->kind == EVENT_UNMAP)
		judge_publish(j, ev->dma, ev->size, p->memory);
}

/* The claim dma-in-shared for one published range. */
static enum memory_state judge_address(struct judge *j, struct device *dev, const struct event *ev,
				       uint64_t plain, uint64_t bit, bool alloc)
{
	struct place p = judge_place(j, dev, ev, plain, bit, alloc);

	if (is_trusted(dev)) {
		if (p.memory == MEMORY_POOL)
			judge_find(
				j, CLAIM_DMA_IN_SHARED, FIND_FACT, dev, ev, p.memory,
				"an accepted (TDISP) device was given memory of the bounce pool");
		list_range(j, ev, &p, plain);
		return p.memory;
	}
	if (bit && !j->shared_bit)
		dev->alias_bits |= bit;
	j->alias_seen |= bit && j->shared_bit;
	if (j->options.rmm && !dev->iommu)
		judge_ask_monitor(j, dev, ev, plain, alloc, &p);
	if (p.kind == PLACE_PROTECTED)
		judge_find(j, CLAIM_DMA_IN_SHARED, FIND_FACT, dev, ev, p.memory,
			   "the device was given %s memory at 0x%llx (%llu bytes)",
			   p.memory == MEMORY_MIXED ? "partly protected" : "protected",
			   (unsigned long long)ev->dma, (unsigned long long)ev->size);
	else if (p.kind == PLACE_UNDECIDED)
		judge_find(j, CLAIM_DMA_IN_SHARED, FIND_UNDECIDED, dev, ev, p.memory, "%s", p.why);
	list_range(j, ev, &p, plain);
	return p.memory;
}

static bool overlaps(uint64_t a, uint64_t b, uint64_t size)
{
	return a < b ? b - a < size : a - b < size;
}

static void judge_pair(struct judge *j, struct device *dev, const struct event *ev, uint64_t plain,
		       enum memory_state memory, enum pair how, const struct pending *bounce)
{
	enum memory_state orig = judge_orig_state(j, ev);

	if (how != PAIR_NONE) {
		if (how == PAIR_BY_ORDER) {
			j->n.by_order++;
			judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_UNDECIDED, dev, ev, memory,
				   "a bounce and its map agree in order and size, but not in the "
				   "buffer's address");
		}
		if (bounce->size != ev->size)
			judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_FACT, dev, ev, memory,
				   "%llu bytes were bounced but %llu were mapped",
				   (unsigned long long)bounce->size, (unsigned long long)ev->size);
		if (!dev->iommu && overlaps(plain, ev->orig, ev->size ? ev->size : 1))
			judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_FACT, dev, ev, memory,
				   "the buffer was bounced but the device was given the original");
		return;
	}
	if (is_trusted(dev) || orig == MEMORY_POOL || orig == MEMORY_DECRYPTED ||
	    orig == MEMORY_ALIAS || (ev->attrs & EVENT_ATTR_MMIO))
		return;
	if (ev->orig != EVENT_NO_ADDR && plain == ev->orig) {
		if (memory == MEMORY_DECRYPTED || memory == MEMORY_ALIAS)
			return; /* a shared buffer, mapped as it is */
		if (orig == MEMORY_PROTECTED || orig == MEMORY_MIXED)
			judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_FACT, dev, ev, memory,
				   "a protected buffer was mapped without a bounce");
		else
			judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_UNDECIDED, dev, ev, memory,
				   "a buffer was mapped without a bounce and nothing shows whether "
				   "it is protected");
		return;
	}
	if ((ev->attrs & EVENT_ATTR_CC_SHARED) && memory == MEMORY_ALIAS)
		return;
	if (!j->n.bounce_seen && !j->n.start_seen && !j->from_boot) {
		j->n.early++; /* the events were being switched on */
		return;
	}
	judge_find(
		j, CLAIM_BOUNCE_PAIRED, FIND_ABSENCE, dev, ev, memory,
		"the device was given another address than the buffer's, but no bounce was seen");
}

/*
 * Page excess: what was made shared in a device's name and not then given to it
 * (sharing goes by pages, buffers do not).
 */
static void count_shared(struct device *dev, uint64_t size, enum memory_state memory)
{
	struct device_totals *t = &dev->totals;

	if (memory == MEMORY_DECRYPTED || memory == MEMORY_ALIAS)
		t->excess_bytes -= t->excess_bytes < size ? t->excess_bytes : size;
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
	/* A direction nobody told counts as out: the larger claim on the reader's trust. */
	if (dir != EVENT_FROM_DEVICE)
		t->out_bytes += ev->size;
	/* Every bounce map first copies the original out, whatever the direction (swiotlb.c). */
	if (bounced && (dir == EVENT_FROM_DEVICE || dir == EVENT_BIDIRECTIONAL))
		t->stale_bytes += ev->size;
}

static void find_canary(struct judge *j, const struct device *dev, const struct event *ev)
{
	const struct platform *p = j->platform;

	if (!p || !j->n.start_seen)
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

static void count_failed(struct judge *j, struct device *dev, bool bounced)
{
	j->n.failed++;
	j->n.failed_paired += bounced;
	dev->totals.failed++;
}

void judge_map(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);
	struct pending bounce;
	enum memory_state memory;
	uint64_t plain, bit;
	enum pair how;
	bool bounced;

	dev->seen = true;
	dev->totals.events++;
	how = take_bounce(j, ev, &bounce);
	if (ev->dma == EVENT_NO_ADDR) {
		count_failed(j, dev, how != PAIR_NONE);
		return;
	}
	j->n.maps++;
	plain = judge_plain(j, dev, ev->dma, &bit);
	memory = judge_address(j, dev, ev, plain, bit, false);
	judge_pair(j, dev, ev, plain, memory, how, &bounce);
	if (how == PAIR_EXACT && !dev->iommu)
		judge_learn_bit(j, plain, bit, ev->size);
	j->n.paired += how != PAIR_NONE;
	bounced = how != PAIR_NONE ||
		  (memmap_state(j->memory, plain, ev->size) == MEMORY_POOL && plain != ev->orig);
	count_map(dev, ev, bounced);
	if (!bounced)
		count_shared(dev, ev->size, memory);
	if (j->platform && j->platform->trace.ncanaries)
		find_canary(j, dev, ev);
	enter(j, ev, plain,
	      (bounced ? MAPPING_BOUNCED : 0) | (ev->flags & EVENT_F_SG ? MAPPING_SG : 0));
}

void judge_map_failed(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);
	struct pending bounce;

	dev->seen = true;
	dev->totals.events++;
	count_failed(j, dev, take_bounce(j, ev, &bounce) != PAIR_NONE);
}

/* ---- unmaps ---- */

/* The unmap of a mapping whose memory a newer one has already: a race, or a fault? */
static void resolve_superseded(struct judge *j, struct device *dev, const struct event *ev,
			       const struct mapping *m)
{
	if (unmap_in_flight(j, ev, m->super_seq, m->super_cpu)) {
		j->n.races++;
		return;
	}
	judge_find(j, CLAIM_SLOTS_DISJOINT, ev->cpu == m->super_cpu ? FIND_ABSENCE : FIND_UNDECIDED,
		   dev, ev, MEMORY_UNKNOWN,
		   "memory at 0x%llx was given to another mapping (event %llu) before this one, "
		   "of event %llu, ended",
		   (unsigned long long)m->dma, (unsigned long long)m->super_seq,
		   (unsigned long long)m->seq);
}

/* No mapping fits: older than the window, or a fault? */
static void unknown_address(struct judge *j, struct device *dev, const struct event *ev,
			    uint64_t plain, uint64_t bit, bool alloc, const char *what)
{
	const struct recent *r = recent_get(j, dev->id, plain, alloc);

	if (r && !r->racy) {
		judge_find(j, CLAIM_LIFECYCLE, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			   "%s of 0x%llx, which was given back before", what,
			   (unsigned long long)ev->dma);
		return;
	}
	if (j->from_boot) {
		judge_find(j, CLAIM_LIFECYCLE, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			   "%s of 0x%llx, which was never mapped", what,
			   (unsigned long long)ev->dma);
		return;
	}
	if (r || (!alloc && ledger_slot_known(j->ledger, plain)))
		judge_find(j, CLAIM_LIFECYCLE, FIND_UNDECIDED, dev, ev, MEMORY_UNKNOWN,
			   "%s of 0x%llx, which is not mapped, or is older than the window", what,
			   (unsigned long long)ev->dma);
	dev->totals.inherited++;
	j->n.inherited++;
	if (!alloc || j->rehearsal || bit)
		judge_address(j, dev, ev, plain, bit, alloc);
}

struct parts {
	uint64_t start, end;
	uint32_t list[64];
	size_t count;
	uint16_t dev;
};

static bool visit_part(void *ctx, uint32_t index, struct mapping *m)
{
	struct parts *p = ctx;

	if ((m->flags & MAPPING_INHERITED) && m->dev == p->dev && m->dma >= p->start &&
	    m->dma + (m->size - 1) <= p->end)
		p->list[p->count++] = index;
	return p->count < 64;
}

/* Forget what syncs had shown of an inherited mapping, now that its unmap shows all of it. */
static bool drop_inherited(struct judge *j, const struct event *ev, uint64_t plain)
{
	struct parts p = { .start = plain,
			   .end = plain + (ev->size ? ev->size - 1 : 0),
			   .dev = ev->dev };
	bool any = false;

	if (j->from_boot || !j->n.inherited)
		return false;
	do {
		p.count = 0;
		ledger_overlaps(j->ledger, p.start, p.end - p.start + 1, visit_part, &p);
		for (size_t i = 0; i < p.count; i++) {
			struct mapping *m = ledger_at(j->ledger, p.list[i]);

			if (m->flags & MAPPING_SUPERSEDED)
				j->n.races++;
			ledger_remove(j->ledger, p.list[i]);
			any = true;
		}
	} while (p.count == 64);
	return any;
}

static void check_agreement(struct judge *j, struct device *dev, const struct event *ev,
			    const struct mapping *m, const char *what)
{
	if (ev->size && m->size != ev->size)
		judge_find(j, CLAIM_LIFECYCLE, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			   "%s of %llu bytes, but event %llu mapped %llu", what,
			   (unsigned long long)ev->size, (unsigned long long)m->seq,
			   (unsigned long long)m->size);
	if (!(ev->flags & EVENT_F_NO_DIR) && ev->dir != m->dir)
		judge_find(j, CLAIM_LIFECYCLE, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			   "%s with direction %s, but event %llu mapped with %s", what,
			   event_dir_name(ev->dir), (unsigned long long)m->seq,
			   event_dir_name(m->dir));
}

static void end_mapping(struct judge *j, struct device *dev, const struct event *ev, uint32_t i,
			bool alloc, const char *what)
{
	struct mapping *m = ledger_at(j->ledger, i);
	bool racy = false;

	if (ev->flags & EVENT_F_BY_ORIG) {
		/* dma_unmap_sg names neither size nor address, only the direction */
		if (!(ev->flags & EVENT_F_NO_DIR) && ev->dir != m->dir)
			check_agreement(j, dev, ev, m, what);
	} else {
		check_agreement(j, dev, ev, m, what);
	}
	if (m->flags & MAPPING_SUPERSEDED)
		resolve_superseded(j, dev, ev, m);
	else
		racy = !j->from_boot && unmap_in_flight(j, ev, m->seq, m->cpu);
	recent_set(j, dev->id, m->dma, alloc, racy);
	ledger_remove(j->ledger, i);
}

static void unmap_by_orig(struct judge *j, struct device *dev, const struct event *ev)
{
	uint32_t i = ledger_find_orig(j->ledger, ev->dev, ev->orig);

	if (i) {
		end_mapping(j, dev, ev, i, false, "unmap");
		return;
	}
	if (j->from_boot) {
		judge_find(j, CLAIM_LIFECYCLE, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			   "unmap of the buffer at 0x%llx, which was never mapped",
			   (unsigned long long)ev->orig);
		return;
	}
	/* Its device-visible address stays unknown, so the address claim cannot hold. */
	dev->totals.inherited++;
	j->n.inherited++;
}

void judge_unmap(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);
	uint64_t plain, bit;
	uint32_t i;

	dev->seen = true;
	dev->totals.events++;
	dev->totals.unmaps++;
	j->n.unmaps++;
	if (ev->flags & EVENT_F_BY_ORIG) {
		unmap_by_orig(j, dev, ev);
		return;
	}
	plain = judge_plain(j, dev, ev->dma, &bit);
	i = ledger_find(j->ledger, ev->dev, plain, ev->size, ev->dir, false);
	if (i && !(ledger_at(j->ledger, i)->flags & MAPPING_INHERITED)) {
		const struct mapping *m = ledger_at(j->ledger, i);
		bool agrees = m->size == ev->size && m->dir == ev->dir;

		/* A newer mapping took the slot of one that is older than the window. */
		if (agrees || j->from_boot || !unmap_in_flight(j, ev, m->seq, m->cpu)) {
			end_mapping(j, dev, ev, i, false, "unmap");
			return;
		}
	}
	if (drop_inherited(j, ev, plain)) {
		judge_address(j, dev, ev, plain, bit, false);
		recent_set(j, dev->id, plain, false, false);
		return;
	}
	unknown_address(j, dev, ev, plain, bit, false, "unmap");
	recent_set(j, dev->id, plain, false, j->n.inherited > 0 && !j->from_boot);
}

/* ---- syncs ---- */

static bool visit_partly(void *ctx, uint32_t index, struct mapping *m)
{
	struct parts *p = ctx;

	(void)index;
	/* the ledger also names mappings that only share a slot */
	if (m->dev != p->dev || (m->flags & MAPPING_INHERITED) || m->dma > p->end ||
	    m->dma + (m->size - 1) < p->start)
		return true;
	p->count = 1;
	return false;
}

static void count_sync(struct device *dev, const struct event *ev)
{
	dev->totals.syncs++;
	if (ev->kind == EVENT_SYNC_CPU) {
		if (ev->dir != EVENT_TO_DEVICE)
			dev->totals.sync_in_bytes += ev->size;
	} else if (ev->dir != EVENT_FROM_DEVICE) {
		dev->totals.sync_out_bytes += ev->size;
	}
}

static void sync_unknown(struct judge *j, struct device *dev, const struct event *ev,
			 uint64_t plain, uint64_t bit)
{
	struct parts p = { .start = plain,
			   .end = plain + (ev->size ? ev->size - 1 : 0),
			   .dev = ev->dev };

	ledger_overlaps(j->ledger, plain, ev->size, visit_partly, &p);
	if (p.count) {
		judge_find(j, CLAIM_LIFECYCLE, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			   "sync of %llu bytes at 0x%llx reaches beyond the live mapping",
			   (unsigned long long)ev->size, (unsigned long long)ev->dma);
		return;
	}
	unknown_address(j, dev, ev, plain, bit, false, "sync");
	if (j->from_boot)
		return;
	/* From now on this much of it is known to be live. */
	enter(j, ev, plain,
	      MAPPING_INHERITED |
		      (memmap_state(j->memory, plain, ev->size) == MEMORY_POOL ? MAPPING_BOUNCED
									       : 0));
}

void judge_sync(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);
	const struct mapping *m;
	uint64_t plain, bit;
	uint32_t i;

	dev->seen = true;
	dev->totals.events++;
	j->n.syncs++;
	count_sync(dev, ev);
	plain = judge_plain(j, dev, ev->dma, &bit);
	i = ledger_find_around(j->ledger, ev->dev, plain, ev->size, false);
	if (!i) {
		sync_unknown(j, dev, ev, plain, bit);
		return;
	}
	m = ledger_at(j->ledger, i);
	if (!(m->flags & (MAPPING_ALLOC | MAPPING_INHERITED)) && m->dir != EVENT_BIDIRECTIONAL &&
	    !(ev->flags & EVENT_F_NO_DIR) && ev->dir != m->dir)
		check_agreement(j, dev,
				&(struct event){ .dir = ev->dir,
						 .ts_ns = ev->ts_ns,
						 .dma = ev->dma,
						 .dev = ev->dev,
						 .kind = ev->kind,
						 .orig = EVENT_NO_ADDR,
						 .pid = ev->pid,
						 .cpu = ev->cpu },
				m, "sync");
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
	count_shared(dev, ev->size, judge_address(j, dev, ev, plain, bit, true));
	enter(j, ev, plain, MAPPING_ALLOC);
}

void judge_free_event(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);
	uint64_t plain, bit;
	uint32_t i;

	dev->seen = true;
	dev->totals.events++;
	if (ev->dma == EVENT_NO_ADDR || (ev->link == 0 && ev->dma == 0))
		return; /* freeing NULL */
	j->n.frees++;
	plain = judge_plain(j, dev, ev->dma, &bit);
	i = ledger_find(j->ledger, ev->dev, plain, ev->size, ev->dir, true);
	if (i) {
		end_mapping(j, dev, ev, i, true, "free");
		return;
	}
	unknown_address(j, dev, ev, plain, bit, true, "free");
	recent_set(j, dev->id, plain, true, false);
}

/* ---- memory state ---- */

struct closing {
	struct judge *j;
	const struct event *ev;
};

static bool visit_closed(void *ctx, uint32_t index, struct mapping *m)
{
	struct closing *c = ctx;
	struct event what = *c->ev;

	(void)index;
	what.dma = m->dma;
	what.dev = m->dev;
	what.dir = m->dir;
	judge_find(c->j, CLAIM_DMA_IN_SHARED, FIND_ABSENCE, judge_device(c->j, m->dev), &what,
		   MEMORY_PROTECTED,
		   "memory at 0x%llx became protected while the device still had it (event %llu)",
		   (unsigned long long)m->dma, (unsigned long long)m->seq);
	return true;
}

static void visit_virt(void *ctx, uint32_t index, struct mapping *m)
{
	struct closing *c = ctx;
	uint64_t start = c->ev->link, end = start + (c->ev->size ? c->ev->size - 1 : 0);

	if ((m->flags & MAPPING_ALLOC) && m->orig <= end && m->orig + (m->size - 1) >= start)
		visit_closed(ctx, index, m);
}

void judge_encrypt(struct judge *j, const struct event *ev)
{
	struct closing c = { j, ev };

	if (ev->aux) /* the call failed: the range's state is as before */
		return;
	if (ev->flags & EVENT_F_VIRT) {
		memmap_encrypt(j->virt, ev->link, ev->size);
		ledger_each(j->ledger, visit_virt, &c);
		return;
	}
	memmap_encrypt(j->memory, ev->orig, ev->size);
	if (ev->size)
		ledger_overlaps(j->ledger, ev->orig, ev->size, visit_closed, &c);
}

void judge_decrypt(struct judge *j, const struct event *ev)
{
	if (ev->aux)
		return;
	if (ev->flags & EVENT_F_VIRT)
		memmap_decrypt(j->virt, ev->link, ev->size);
	else
		memmap_decrypt(j->memory, ev->orig, ev->size);
	if (ev->dev && !(ev->flags & EVENT_F_VIRT))
		judge_device(j, ev->dev)->totals.excess_bytes += ev->size;
}

/* ---- the end ---- */

static void visit_left(void *ctx, uint32_t index, struct mapping *m)
{
	struct judge *j = ctx;
	uint64_t last = j->seq;
	struct device *dev = judge_device(j, m->dev);
	struct event ev = { .ts_ns = m->ts_ns,
			    .dma = m->dma,
			    .size = m->size,
			    .orig = m->orig,
			    .dev = m->dev,
			    .cpu = m->cpu,
			    .pid = m->pid,
			    .dir = m->dir,
			    .kind = m->flags & MAPPING_ALLOC ? EVENT_ALLOC : EVENT_MAP };

	(void)index;
	if (!(m->flags & MAPPING_INHERITED))
		dev->totals.live++;
	if (!(m->flags & MAPPING_SUPERSEDED))
		return;
	j->seq = m->seq;
	/* The unmap may have been on its way when tracing stopped. */
	judge_find(j, CLAIM_SLOTS_DISJOINT,
		   m->super_cpu != m->cpu && last - m->super_seq < 8 ? FIND_UNDECIDED
								     : FIND_ABSENCE,
		   dev, &ev, MEMORY_UNKNOWN,
		   "memory at 0x%llx was given to another mapping (event %llu) while event %llu's "
		   "was live",
		   (unsigned long long)m->dma, (unsigned long long)m->super_seq,
		   (unsigned long long)m->seq);
	j->seq = last;
}

void judge_end_of_stream(struct judge *j)
{
	ledger_each(j->ledger, visit_left, j);
}
