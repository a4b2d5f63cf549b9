/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of mappings: unmaps and frees.
 */
#include "lib/judge/state.h"
#include "lib/judge/witness.h"

/*
 * The end of a mapping whose memory a newer one has already: no race for certain?
 * The kernel reports an unmap after it released the slot, but an unmap_sg and a
 * free before.  A task that was preempted in between may tell late, so only what
 * one task did on one CPU is certain.
 */
static void resolve_superseded(struct judge *j, struct device *dev, const struct event *ev,
			       uint32_t index)
{
	const struct mapping *m = ledger_at(j->ledger, index);
	const struct mapping_state *state = judge_mapping(j, index);
	bool told_before = m->flags & (MAPPING_ALLOC | MAPPING_SG);
	bool one_task =
		ev->cpu == state->super_cpu && ev->pid == state->super_pid && !state->unmaps;

	if (!told_before && !one_task)
		return;
	judge_find_overlap(
		j, FIND_ABSENCE, dev, ev, state->clashes,
		"memory at 0x%llx was given to another mapping (event %llu) before this one, "
		"of event %llu, ended",
		(unsigned long long)m->dma, (unsigned long long)state->super_seq,
		(unsigned long long)m->seq);
}

/* ---- mappings older than the window ---- */

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

			j->n.taken_marks -= m->flags & MAPPING_SUPERSEDED ? 1 : 0;
			ledger_remove(j->ledger, p.list[i]);
			any = true;
		}
	} while (p.count);
	return any;
}

/* ---- addresses that are not mapped ---- */

/*
 * Could this CPU have been inside the kernel's unmap ever since event `since`
 * of another CPU?  Only if it has emitted nothing in between.
 */
bool judge_in_flight_since(const struct judge *j, const struct event *ev, uint64_t since)
{
	return j->cpus[ev->cpu].prev_seq < since;
}

/* No mapping fits: older than the window, or a fault? */
void judge_unknown_address(struct judge *j, struct device *dev, const struct event *ev,
			   uint64_t plain, uint64_t bit, bool alloc, const char *what)
{
	const struct returned_address *r = returned_find(j->returned, dev->id, plain, alloc);

	if ((r && r->maybe_live) ||
	    (!alloc && returned_maybe_live(j->returned, dev->id, plain, ev->size))) {
		judge_doubt(j, CLAIM_LIFECYCLE, dev, ev, MEMORY_UNKNOWN,
			    "%s of 0x%llx, whose unmap may have been that of an older mapping",
			    what, (unsigned long long)ev->dma);
		return;
	}
	if (r && r->shared && !j->from_boot)
		r = NULL; /* another one like it may be older than the window */
	/* in flight since before that mapping was made: it may mean an older one */
	if (r && !r->maybe_older && (j->from_boot || !judge_in_flight_since(j, ev, r->since))) {
		judge_refute(j, BREACH_GIVEN_BACK, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			     "%s of 0x%llx, which was given back before", what,
			     (unsigned long long)ev->dma);
		return;
	}
	if (j->from_boot) {
		j->observed.older += !dev->vring_seen;
		judge_refute(j, BREACH_NEVER_MAPPED, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			     "%s of 0x%llx, which was never mapped", what,
			     (unsigned long long)ev->dma);
		return;
	}
	if (r || (!alloc && ledger_slot_known(j->ledger, plain)) ||
	    returned_maybe_forgotten(j->returned, dev->id, plain, alloc))
		judge_doubt(j, CLAIM_LIFECYCLE, dev, ev, MEMORY_UNKNOWN,
			    "%s of 0x%llx, which is not mapped, or is older than the window", what,
			    (unsigned long long)ev->dma);
	dev->totals.inherited++;
	j->n.inherited++;
	witness_unknown(j, ev, what);
	judge_address(j, dev, ev, plain, bit, alloc);
}

/* ---- which one ends ---- */

/*
 * Is there an older mapping that this unmap may be of, whose slots a newer one has?  A task that
 * was preempted may tell it late.
 */
static bool fits_taken(struct judge *j, const struct event *ev, uint64_t plain)
{
	struct parts p = { .start = plain,
			   .end = plain + (ev->size ? ev->size - 1 : 0),
			   .dev = ev->dev };

	if (j->from_boot || !j->n.taken_marks || p.end < p.start)
		return false;
	ledger_each(j->ledger, visit_taken, &p);
	return p.count > 0;
}

/* The mapping before may not have been unmapped yet: does this unmap fit it? */
static bool fits_previous(const struct mapping_state *state, const struct event *ev)
{
	return state->previous && state->previous == JUDGE_KIND(ev->size, ev->dir);
}

static void end_mapping(struct judge *j, struct device *dev, const struct event *ev, uint32_t i,
			bool maybe_live)
{
	struct mapping *m = ledger_at(j->ledger, i);
	bool maybe_older = false;

	if (m->flags & MAPPING_SUPERSEDED)
		resolve_superseded(j, dev, ev, i);
	else
		maybe_older = !j->from_boot && ((ev->flags & EVENT_F_BY_ORIG) ||
						judge_in_flight_since(j, ev, m->seq) ||
						fits_previous(judge_mapping(j, i), ev));
	returned_add(j->returned, &(struct returned_address){
					  .dma = m->dma,
					  .since = m->seq,
					  .dev = dev->id,
					  .alloc = m->flags & MAPPING_ALLOC,
					  .shared = !(m->flags & (MAPPING_ALLOC | MAPPING_BOUNCED)),
					  .maybe_older = maybe_older,
					  .maybe_live = maybe_live,
					  .dir = m->dir,
					  .size = m->size });
	if (judge_mapping(j, i)->unshown)
		pages_unshown(j, i);
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
		struct mapping_state *state = judge_mapping(j, i);
		struct mapping *m = ledger_at(j->ledger, i);

		if (i != found && (m->flags & MAPPING_SUPERSEDED) && m->size == ev->size &&
		    m->dir == ev->dir && !(m->flags & MAPPING_SG) &&
		    (ev->cpu != state->super_cpu || ev->pid != state->super_pid)) {
			state->unmaps = 1;
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
static int fit(const struct judge *j, const struct event *ev, uint32_t i, bool alloc)
{
	const struct mapping *m = ledger_at(j->ledger, i);

	/* what dma_map_sg made, dma_unmap_sg ends */
	return 16 * (alloc || !(m->flags & MAPPING_SG)) +
	       8 * (m->size == (ev->size ? ev->size : 1)) +
	       4 * (m->dir == ev->dir || (ev->flags & EVENT_F_NO_DIR)) +
	       2 * (!(m->flags & MAPPING_SUPERSEDED) ||
		    judge_in_flight_since(j, ev, judge_mapping(j, i)->super_seq));
}

/* *superseded: one of those that begin there is. */
static uint32_t find_ending(const struct judge *j, const struct event *ev, uint64_t plain,
			    bool alloc, bool *superseded)
{
	uint32_t found = LEDGER_NONE;
	int best = -1; /* of the one found; -1: it is the only one so far */

	*superseded = false;
	for (uint32_t i = 0; (i = ledger_next(j->ledger, i, ev->dev, plain));) {
		const struct mapping *m = ledger_at(j->ledger, i);
		int score;

		*superseded |= (m->flags & MAPPING_SUPERSEDED) != 0;
		if ((m->flags & MAPPING_INHERITED) || !(m->flags & MAPPING_ALLOC) != !alloc)
			continue;
		if (!found) {
			found = i;
			continue;
		}
		if (best < 0)
			best = fit(j, ev, found, alloc);
		score = fit(j, ev, i, alloc);
		if (score > best || (score == best && m->seq < ledger_at(j->ledger, found)->seq)) {
			best = score;
			found = i;
		}
	}
	return found;
}

struct like {
	uint32_t last, any; /* entries of the buffer: that fit in direction, of any direction */
	uint32_t count, unmaps;
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
		if (judge_mapping(j, i)->unmaps > like.unmaps)
			like.unmaps = judge_mapping(j, i)->unmaps;
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
	bool all = like->unmaps + 1 >= like->count;
	uint32_t i = 0, next = ledger_next_orig(j->ledger, 0, ev->dev, ev->orig);

	while ((i = next)) {
		struct mapping *m = ledger_at(j->ledger, i);

		next = ledger_next_orig(j->ledger, i, ev->dev, ev->orig);
		if (!(ev->flags & EVENT_F_NO_DIR) && m->dir != ev->dir)
			continue;
		if (all)
			end_mapping(j, dev, ev, i, false);
		else
			judge_mapping(j, i)->unmaps = like->unmaps + 1;
	}
	if (all)
		j->n.ambiguous -= like->unmaps < j->n.ambiguous ? like->unmaps : j->n.ambiguous;
	else
		j->n.ambiguous++;
}

static void unmap_by_orig(struct judge *j, struct device *dev, const struct event *ev)
{
	struct like like = find_like(j, ev);

	j->observed.sg_unmaps++;
	if (like.count) {
		end_one_of(j, dev, ev, &like);
		return;
	}
	if (j->from_boot && like.any) {
		judge_agreement(j, dev, ev, ledger_at(j->ledger, like.any), ev->dma, "unmap");
		return;
	}
	if (j->from_boot) {
		j->observed.older += !dev->vring_seen;
		judge_refute(j, BREACH_NEVER_MAPPED, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			     "unmap of the buffer at 0x%llx, which was never mapped",
			     (unsigned long long)ev->orig);
		return;
	}
	judge_doubt(j, CLAIM_DMA_IN_SHARED, dev, ev, MEMORY_UNKNOWN,
		    "a scatter-gather mapping is older than the window and its unmap does not name "
		    "the device's address");
	dev->totals.inherited++;
	j->n.inherited++;
	witness_unknown(j, ev, "unmap");
}

/* The predecessor of this mapping may not have been unmapped yet; this may be its unmap. */
static void take_previous(struct judge *j, struct device *dev, const struct event *ev,
			  uint32_t index)
{
	const struct mapping *m = ledger_at(j->ledger, index);
	struct mapping_state *state = judge_mapping(j, index);

	state->previous = 0;
	judge_doubt(j, CLAIM_LIFECYCLE, dev, ev, MEMORY_UNKNOWN,
		    "unmap of 0x%llx, which does not fit the mapping there, but may be of the one "
		    "before",
		    (unsigned long long)ev->dma);
	judge_find_overlap(j, FIND_UNDECIDED, dev, ev, state->clashes,
			   "memory at 0x%llx was mapped (event %llu) before the unmap of the "
			   "mapping before it was reported",
			   (unsigned long long)m->dma, (unsigned long long)m->seq);
}

void judge_unmap(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);
	uint64_t plain, bit;
	bool maybe_older = false, superseded;
	uint32_t i;

	dev->seen = true;
	dev->totals.events++;
	dev->totals.unmaps++;
	j->n.unmaps++;
	if (ev->flags & EVENT_F_BY_ORIG) {
		unmap_by_orig(j, dev, ev);
		return;
	}
	if (ev->dma == EVENT_NO_ADDR) {
		judge_refute(j, BREACH_UNMAP_OF_ERROR, FIND_FACT, dev, ev, MEMORY_UNKNOWN,
			     "unmap of the error that a map returned (DMA_MAPPING_ERROR), which is "
			     "no address");
		return;
	}
	plain = judge_plain(j, dev, ev->dma, &bit);
	i = find_ending(j, ev, plain, false, &superseded);
	if (i) {
		bool maybe_live = superseded && may_have_meant(j, ev, plain, i);
		struct mapping *m = ledger_at(j->ledger, i);
		bool agrees = m->size == (ev->size ? ev->size : 1) && m->dir == ev->dir;
		bool older = !j->from_boot && (judge_in_flight_since(j, ev, m->seq) ||
					       !(m->flags & MAPPING_BOUNCED));

		if (!agrees && !older && fits_taken(j, ev, plain)) {
			judge_doubt(
				j, CLAIM_LIFECYCLE, dev, ev, MEMORY_UNKNOWN,
				"unmap of 0x%llx, which does not fit the mapping there, but may "
				"be of an older one",
				(unsigned long long)ev->dma);
			older = true;
		} else if (!agrees && !older && fits_previous(judge_mapping(j, i), ev)) {
			take_previous(j, dev, ev, i);
			older = true;
		}
		/* One older than the window may have had the slot, or maps the same memory. */
		if (agrees || !older) {
			judge_agreement(j, dev, ev, m, plain, "unmap");
			end_mapping(j, dev, ev, i, maybe_live);
			return;
		}
	}
	if (drop_inherited(j, ev, plain)) {
		judge_address(j, dev, ev, plain, bit, false);
		maybe_older = judge_in_flight_since(j, ev, 1); /* or an even older one */
	} else {
		judge_unknown_address(j, dev, ev, plain, bit, false, "unmap");
		maybe_older = j->n.inherited > 0 && !j->from_boot;
	}
	/* it began before the first event, and another one of its slot may have ended before it */
	returned_add(j->returned,
		     &(struct returned_address){
			     .dma = plain,
			     .since = 1,
			     .dev = dev->id,
			     .shared = memmap_state(j->memory, plain, ev->size) != MEMORY_POOL,
			     .maybe_older = maybe_older });
}

void judge_free_event(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);
	uint64_t plain, bit;
	bool superseded;
	uint32_t i;

	dev->seen = true;
	dev->totals.events++;
	if (ev->dma == EVENT_NO_ADDR || (ev->link == 0 && ev->dma == 0))
		return; /* freeing NULL */
	j->n.frees++;
	plain = judge_plain(j, dev, ev->dma, &bit);
	i = find_ending(j, ev, plain, true, &superseded);
	if (i) {
		judge_agreement(j, dev, ev, ledger_at(j->ledger, i), plain, "free");
		end_mapping(j, dev, ev, i, false);
		return;
	}
	drop_inherited(j, ev, plain); /* what syncs had shown of it */
	judge_unknown_address(j, dev, ev, plain, bit, true, "free");
	returned_add(j->returned,
		     &(struct returned_address){ .dma = plain, .dev = dev->id, .alloc = true });
}
