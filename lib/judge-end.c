/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happens to a mapping after it was made: syncs, unmaps, frees.
 */
#include "lib/judge-state.h"

static uint64_t recent_hash(uint16_t dev, uint64_t dma, bool alloc)
{
	return (dma ^ ((uint64_t)dev << 44) ^ ((uint64_t)alloc << 63)) * 0x9e3779b97f4a7c15u;
}

static struct recent *recent_at(struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
{
	return &j->recent[recent_hash(dev, dma, alloc) >> 51];
}

static bool is_recent(const struct recent *r, uint16_t dev, uint64_t dma, bool alloc)
{
	return r->used && r->dma == dma && r->dev == dev && r->alloc == alloc;
}

/* Which bit stands for an address that had to leave the table. */
static uint64_t forgotten_bit(uint16_t dev, uint64_t dma, bool alloc)
{
	return (recent_hash(dev, dma, alloc) >> 20) % FORGOTTEN_BITS;
}

static void recent_set(struct judge *j, const struct recent *what)
{
	struct recent *r = recent_at(j, what->dev, what->dma, what->alloc);

	if (r->used && !is_recent(r, what->dev, what->dma, what->alloc)) {
		uint64_t bit = forgotten_bit(r->dev, r->dma, r->alloc);

		j->forgotten[bit / 64] |= 1ull << (bit % 64);
	}
	*r = *what;
	r->used = true;
}

static const struct recent *recent_get(struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
{
	const struct recent *r = recent_at(j, dev, dma, alloc);

	return is_recent(r, dev, dma, alloc) ? r : NULL;
}

static bool may_be_forgotten(const struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
{
	uint64_t bit = forgotten_bit(dev, dma, alloc);

	return j->forgotten[bit / 64] >> (bit % 64) & 1;
}

void judge_recent_clear(struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
{
	struct recent *r = recent_at(j, dev, dma, alloc);

	if (is_recent(r, dev, dma, alloc))
		r->used = false;
}

/*
 * Could this CPU have been inside the kernel's unmap ever since event `since`
 * of another CPU?  Only if it has told nothing in between.
 */
static bool in_flight_since(const struct judge *j, const struct event *ev, uint64_t since)
{
	return j->cpus[ev->cpu].prev_seq < since;
}

/* ---- unmaps ---- */

/*
 * The unmap of a mapping whose memory a newer one has already: a race, or a fault?
 * The kernel tells an unmap after it released the slot, but an unmap_sg and a
 * free before.  A task that was preempted in between may tell late, so only what
 * one task did on one CPU is certain.
 */
static void resolve_superseded(struct judge *j, struct device *dev, const struct event *ev,
			       const struct mapping *m)
{
	bool told_before = m->flags & (MAPPING_ALLOC | MAPPING_SG);
	bool one_task = ev->cpu == m->super_cpu && ev->pid == m->super_pid && !m->gone;

	if (!told_before && in_flight_since(j, ev, m->super_seq)) {
		j->n.races++;
		return;
	}
	judge_find(j, CLAIM_SLOTS_DISJOINT, told_before || one_task ? FIND_ABSENCE : FIND_UNDECIDED,
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

	if (r && r->mixed) {
		judge_find(j, CLAIM_LIFECYCLE, FIND_UNDECIDED, dev, ev, MEMORY_UNKNOWN,
			   "%s of 0x%llx, whose unmap may have been that of an older mapping", what,
			   (unsigned long long)ev->dma);
		return;
	}
	if (r && r->shared && !j->from_boot)
		r = NULL; /* another one like it may be older than the window */
	/* in flight since before that mapping was made: it may mean an older one */
	if (r && !r->racy && (j->from_boot || !in_flight_since(j, ev, r->since))) {
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
	if (r || (!alloc && ledger_slot_known(j->ledger, plain)) ||
	    may_be_forgotten(j, dev->id, plain, alloc))
		judge_find(j, CLAIM_LIFECYCLE, FIND_UNDECIDED, dev, ev, MEMORY_UNKNOWN,
			   "%s of 0x%llx, which is not mapped, or is older than the window", what,
			   (unsigned long long)ev->dma);
	dev->totals.inherited++;
	j->n.inherited++;
	judge_address(j, dev, ev, plain, bit, alloc);
}

struct parts {
	uint64_t start, end;
	uint32_t list[64];
	size_t count;
	uint16_t dev;
	bool owned; /* a mapping of the stream has a slot of it */
};

static bool visit_part(void *ctx, uint32_t index, struct mapping *m)
{
	struct parts *p = ctx;

	if ((m->flags & MAPPING_INHERITED) && m->dev == p->dev && m->dma >= p->start &&
	    m->dma + (m->size - 1) <= p->end)
		p->list[p->count++] = index;
	return p->count < 64;
}

/* One whose slots a newer mapping has is not found by its address any more. */
static void visit_taken(void *ctx, uint32_t index, struct mapping *m)
{
	if ((m->flags & MAPPING_SUPERSEDED) && ((struct parts *)ctx)->count < 64)
		visit_part(ctx, index, m);
}

/* Forget what syncs had shown of an inherited mapping, now that its unmap shows all of it. */
static bool drop_inherited(struct judge *j, const struct event *ev, uint64_t plain)
{
	struct parts p = { .start = plain,
			   .end = plain + (ev->size ? ev->size - 1 : 0),
			   .dev = ev->dev };
	bool any = false;

	if (j->from_boot || !j->n.inherited || p.end < p.start)
		return false;
	do {
		p.count = 0;
		ledger_overlaps(j->ledger, p.start, ev->size, visit_part, &p);
		if (!p.count && j->n.taken_marks)
			ledger_each(j->ledger, visit_taken, &p);
		for (size_t i = 0; i < p.count; i++) {
			struct mapping *m = ledger_at(j->ledger, p.list[i]);

			if (m->flags & MAPPING_SUPERSEDED) {
				j->n.races++;
				j->n.taken_marks--;
			}
			ledger_remove(j->ledger, p.list[i]);
			any = true;
		}
	} while (p.count);
	return any;
}

static void check_agreement(struct judge *j, struct device *dev, const struct event *ev,
			    const struct mapping *m, uint64_t plain, const char *what)
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
	if ((ev->dma != plain) != !!(m->flags & MAPPING_ALIASED))
		judge_find(j, CLAIM_LIFECYCLE, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			   "%s of 0x%llx, but event %llu published it %s the shared bit", what,
			   (unsigned long long)ev->dma, (unsigned long long)m->seq,
			   m->flags & MAPPING_ALIASED ? "with" : "without");
}

static void end_mapping(struct judge *j, struct device *dev, const struct event *ev, uint32_t i,
			bool mixed)
{
	struct mapping *m = ledger_at(j->ledger, i);
	bool racy = false;

	if (m->flags & MAPPING_SUPERSEDED)
		resolve_superseded(j, dev, ev, m);
	else
		racy = !j->from_boot &&
		       ((ev->flags & EVENT_F_BY_ORIG) || in_flight_since(j, ev, m->seq));
	recent_set(j, &(struct recent){ .dma = m->dma,
					.since = m->seq,
					.dev = dev->id,
					.alloc = m->flags & MAPPING_ALLOC,
					.shared = !(m->flags & (MAPPING_ALLOC | MAPPING_BOUNCED)),
					.racy = racy,
					.mixed = mixed });
	ledger_remove(j->ledger, i);
}

/*
 * A task that was preempted in between may have meant an older mapping than found.
 * Then the one that is found, and ended here, may still be live.
 */
static bool may_have_meant(struct judge *j, const struct event *ev, uint64_t plain, uint32_t found)
{
	bool any = false;

	for (uint32_t i = 0; (i = ledger_next(j->ledger, i, ev->dev, plain));) {
		struct mapping *m = ledger_at(j->ledger, i);

		if (i != found && (m->flags & MAPPING_SUPERSEDED) && m->size == ev->size &&
		    m->dir == ev->dir && !(m->flags & MAPPING_SG) &&
		    (ev->cpu != m->super_cpu || ev->pid != m->super_pid)) {
			m->gone = 1;
			any = true;
		}
	}
	return any;
}

/*
 * Which mapping does this unmap or free end?  One that agrees in size and
 * direction; of several, the oldest that this CPU can have released in time, that
 * is, before its slot was given to the next: then the others can still fit theirs.
 */
static uint32_t find_ending(const struct judge *j, const struct event *ev, uint64_t plain,
			    bool alloc)
{
	uint32_t found = LEDGER_NONE;
	uint64_t seq = 0;
	int best = -1;

	for (uint32_t i = 0; (i = ledger_next(j->ledger, i, ev->dev, plain));) {
		const struct mapping *m = ledger_at(j->ledger, i);
		int score;

		if ((m->flags & MAPPING_INHERITED) || !(m->flags & MAPPING_ALLOC) != !alloc)
			continue;
		/* what dma_map_sg made, dma_unmap_sg ends */
		score = 16 * (alloc || !(m->flags & MAPPING_SG)) +
			8 * (!ev->size || m->size == ev->size) +
			4 * (m->dir == ev->dir || (ev->flags & EVENT_F_NO_DIR)) +
			2 * (!(m->flags & MAPPING_SUPERSEDED) ||
			     in_flight_since(j, ev, m->super_seq));
		if (score > best || (score == best && m->seq < seq)) {
			best = score;
			seq = m->seq;
			found = i;
		}
	}
	return found;
}

struct like {
	uint32_t last, any; /* entries of the buffer: that fit in direction, of any direction */
	uint32_t count, gone;
};

static struct like find_like(const struct judge *j, const struct event *ev)
{
	struct like like = { 0 };

	for (uint32_t i = 0; (i = ledger_next_orig(j->ledger, i, ev->dev, ev->orig));) {
		const struct mapping *m = ledger_at(j->ledger, i);

		like.any = i;
		if (!(ev->flags & EVENT_F_NO_DIR) && m->dir != ev->dir)
			continue;
		like.last = i;
		like.count++;
		if (m->gone > like.gone)
			like.gone = m->gone;
	}
	return like;
}

/*
 * dma_unmap_sg names the buffer only.  Where several mappings of it are live,
 * which one ended stays open until its slot is used again or all of them ended.
 */
static void end_one_of(struct judge *j, struct device *dev, const struct event *ev,
		       const struct like *like)
{
	bool all = like->gone + 1 >= like->count;
	uint32_t i = 0, next = ledger_next_orig(j->ledger, 0, ev->dev, ev->orig);

	while ((i = next)) {
		struct mapping *m = ledger_at(j->ledger, i);

		next = ledger_next_orig(j->ledger, i, ev->dev, ev->orig);
		if (!(ev->flags & EVENT_F_NO_DIR) && m->dir != ev->dir)
			continue;
		if (all)
			end_mapping(j, dev, ev, i, false);
		else
			m->gone = like->gone + 1;
	}
	if (all)
		j->n.ambiguous -= like->gone < j->n.ambiguous ? like->gone : j->n.ambiguous;
	else
		j->n.ambiguous++;
}

static void unmap_by_orig(struct judge *j, struct device *dev, const struct event *ev)
{
	struct like like = find_like(j, ev);

	if (like.count) {
		end_one_of(j, dev, ev, &like);
		return;
	}
	if (j->from_boot && like.any) {
		check_agreement(j, dev, ev, ledger_at(j->ledger, like.any), ev->dma, "unmap");
		return;
	}
	if (j->from_boot) {
		judge_find(j, CLAIM_LIFECYCLE, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			   "unmap of the buffer at 0x%llx, which was never mapped",
			   (unsigned long long)ev->orig);
		return;
	}
	judge_find(j, CLAIM_DMA_IN_SHARED, FIND_UNDECIDED, dev, ev, MEMORY_UNKNOWN,
		   "a scatter-gather mapping is older than the window and its unmap does not name "
		   "the device's address");
	dev->totals.inherited++;
	j->n.inherited++;
}

void judge_unmap(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);
	uint64_t plain, bit;
	bool racy = false;
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
	i = find_ending(j, ev, plain, false);
	if (i) {
		bool mixed = may_have_meant(j, ev, plain, i);
		const struct mapping *m = ledger_at(j->ledger, i);
		bool agrees = m->size == ev->size && m->dir == ev->dir;

		bool older = !j->from_boot &&
			     (in_flight_since(j, ev, m->seq) || !(m->flags & MAPPING_BOUNCED));

		/* One older than the window may have had the slot, or maps the same memory. */
		if (agrees || !older) {
			check_agreement(j, dev, ev, m, plain, "unmap");
			end_mapping(j, dev, ev, i, mixed);
			return;
		}
	}
	if (drop_inherited(j, ev, plain)) {
		judge_address(j, dev, ev, plain, bit, false);
		racy = in_flight_since(j, ev, 1); /* or an even older one */
	} else {
		unknown_address(j, dev, ev, plain, bit, false, "unmap");
		racy = j->n.inherited > 0 && !j->from_boot;
	}
	/* it began before the first event, and another one of its slot may have ended before it */
	recent_set(j, &(struct recent){ .dma = plain,
					.since = 1,
					.dev = dev->id,
					.shared = memmap_state(j->memory, plain, ev->size) !=
						  MEMORY_POOL,
					.racy = racy });
}

/* ---- syncs ---- */

struct fit {
	struct judge *j;
	const struct event *ev;
	uint64_t start, end;
	bool partly, agrees;
};

/* Is there a live mapping that this sync reaches beyond, or another one that it fits? */
static bool visit_fit(void *ctx, uint32_t index, struct mapping *m)
{
	struct fit *f = ctx;
	uint64_t last = m->dma + (m->size - 1);
	/* a part of memory that was allocated before the window may be mapped directly */
	bool within_older = !f->j->from_boot && !(m->flags & (MAPPING_BOUNCED | MAPPING_ALLOC));

	(void)index;
	/* the ledger also names mappings that only share a slot */
	if (m->dev != f->ev->dev || (m->flags & MAPPING_INHERITED) || m->dma > f->end ||
	    last < f->start)
		return true;
	if (m->dma <= f->start && last >= f->end) {
		f->agrees |= (m->flags & MAPPING_ALLOC) || m->dir == EVENT_BIDIRECTIONAL ||
			     m->dir == f->ev->dir;
		return true;
	}
	f->partly |= !within_older;
	return true;
}

static struct fit find_fit(struct judge *j, const struct event *ev, uint64_t plain)
{
	struct fit f = {
		.j = j, .ev = ev, .start = plain, .end = plain + (ev->size ? ev->size - 1 : 0)
	};

	ledger_overlaps(j->ledger, plain, ev->size, visit_fit, &f);
	return f;
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

static bool visit_touched(void *ctx, uint32_t index, struct mapping *m)
{
	struct parts *p = ctx;

	if ((m->flags & MAPPING_BOUNCED) && !(m->flags & MAPPING_INHERITED))
		p->owned = true;
	if ((m->flags & MAPPING_INHERITED) && m->dev == p->dev) {
		p->list[p->count++] = index;
		if (m->dma < p->start)
			p->start = m->dma;
		if (m->dma + (m->size - 1) > p->end)
			p->end = m->dma + (m->size - 1);
	}
	return p->count < 64;
}

/*
 * From now on this much of an older mapping is known to be live, and with it all
 * that was seen in the same slots: a slot belongs to one mapping.
 */
static void note_inherited(struct judge *j, const struct event *ev, uint64_t plain)
{
	struct parts p = { .start = plain,
			   .end = plain + (ev->size ? ev->size - 1 : 0),
			   .dev = ev->dev };
	struct event hull = *ev;
	unsigned int flags = MAPPING_INHERITED;

	if (p.end < p.start)
		return;
	ledger_overlaps(j->ledger, plain, ev->size, visit_touched, &p);
	if (p.owned)
		return;
	for (size_t i = 0; i < p.count; i++) {
		j->n.taken_marks -=
			ledger_at(j->ledger, p.list[i])->flags & MAPPING_SUPERSEDED ? 1 : 0;
		ledger_remove(j->ledger, p.list[i]);
	}
	hull.dma = ev->dma - (plain - p.start);
	hull.size = p.end - p.start + 1;
	if (memmap_state(j->memory, p.start, hull.size) == MEMORY_POOL)
		flags |= MAPPING_BOUNCED;
	judge_enter(j, &hull, p.start, flags);
}

static void sync_unknown(struct judge *j, struct device *dev, const struct event *ev,
			 uint64_t plain, uint64_t bit)
{
	if (find_fit(j, ev, plain).partly) {
		judge_find(j, CLAIM_LIFECYCLE, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			   "sync of %llu bytes at 0x%llx reaches beyond the live mapping",
			   (unsigned long long)ev->size, (unsigned long long)ev->dma);
		return;
	}
	unknown_address(j, dev, ev, plain, bit, false, "sync");
	if (j->from_boot)
		return;
	note_inherited(j, ev, plain);
}

void judge_sync(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);
	const struct mapping *m;
	uint64_t plain, bit;
	struct event part;
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
	if (m->flags & (MAPPING_ALLOC | MAPPING_INHERITED))
		return;
	part = *ev;
	part.size = m->size; /* a sync may concern a part, and a BIDIRECTIONAL map any direction */
	if (m->dir == EVENT_BIDIRECTIONAL)
		part.dir = m->dir;
	if (part.dir != m->dir && !(ev->flags & EVENT_F_NO_DIR)) {
		if (find_fit(j, ev, plain).agrees)
			return; /* an allocation that this mapping is a part of */
		if (!j->from_boot && !(m->flags & MAPPING_BOUNCED)) {
			unknown_address(j, dev, ev, plain, bit, false, "sync");
			return;
		}
	}
	check_agreement(j, dev, &part, m, plain, "sync");
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
	i = find_ending(j, ev, plain, true);
	if (i) {
		check_agreement(j, dev, ev, ledger_at(j->ledger, i), plain, "free");
		end_mapping(j, dev, ev, i, false);
		return;
	}
	drop_inherited(j, ev, plain); /* what syncs had shown of it */
	unknown_address(j, dev, ev, plain, bit, true, "free");
	recent_set(j, &(struct recent){ .dma = plain, .dev = dev->id, .alloc = true });
}
