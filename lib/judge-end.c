/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happens to a mapping after it was made: syncs, unmaps, frees.
 */
#include "lib/judge-state.h"

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

void judge_recent_clear(struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
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
	judge_enter(j, ev, plain,
		    MAPPING_INHERITED | (memmap_state(j->memory, plain, ev->size) == MEMORY_POOL
						 ? MAPPING_BOUNCED
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
