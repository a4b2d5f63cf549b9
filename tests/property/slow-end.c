/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Their ends, and the syncs meanwhile. */
#include "tests/property/slow-state.h"

/* ---- the end of a life ---- */

/* Was this slot ever part of a mapping that the stream shows? */
static bool ever_mapped(const struct slow *s, uint64_t plain)
{
	for (size_t i = 0; slow_in_pool(s, plain) && i < s->nlives; i++) {
		const struct life *l = &s->lives[i];

		if (l->bounced && !l->older && slow_in_pool(s, l->dma) &&
		    slow_in_pool(s, slow_last_of(l->dma, l->size)) &&
		    slow_shares(s, l, plain, plain))
			return true;
	}
	return false;
}

/* Is it a part of one whose unmap may have been that of an older mapping? */
static bool may_be_live(const struct slow *s, const struct event *e, uint64_t plain)
{
	for (size_t i = 0; i < s->nended; i++) {
		const struct ended *d = &s->ended[i];

		if (d->valid && d->mixed && !d->alloc && d->dev == e->dev && plain >= d->dma &&
		    slow_last_of(plain, e->size) <= slow_last_of(d->dma, d->size))
			return true;
	}
	return false;
}

static void unknown(struct slow *s, const struct event *e, uint64_t plain, uint64_t bit, bool alloc)
{
	const struct ended *r = slow_find_ended(s, e->dev, plain, alloc);

	if ((r && r->mixed) || (!alloc && may_be_live(s, e, plain))) {
		slow_open(s, CLAIM_LIFECYCLE);
		return;
	}
	if (r && r->shared && !s->from_boot)
		r = NULL;
	if (s->from_boot && !(r && !r->racy) && !slow_has_rings(s, e->dev))
		s->before_boot++;
	if (s->from_boot || (r && !r->racy && !slow_in_flight(s, r->since))) {
		slow_absent(s, CLAIM_LIFECYCLE);
		return;
	}
	if (r || (!alloc && ever_mapped(s, plain)))
		slow_open(s, CLAIM_LIFECYCLE);
	s->older++;
	s->publications++;
	slow_witness_unknown(s, e);
	slow_published(s, e, plain, bit, alloc);
}

static void agree(struct slow *s, const struct event *e, const struct life *l, uint64_t plain,
		  bool size, bool dir)
{
	if ((size && !(e->flags & EVENT_F_BY_ORIG) && (e->size ? e->size : 1) != l->size) ||
	    (dir && !(e->flags & EVENT_F_NO_DIR) && e->dir != l->dir) ||
	    (e->dma != plain) != l->aliased)
		slow_absent(s, CLAIM_LIFECYCLE);
}

/* Is this what may still be reported of the mapping before l? */
static bool is_late(const struct event *e, const struct life *l)
{
	return l->late && l->late == e->size && l->late_dir == e->dir;
}

static void end_life(struct slow *s, const struct event *e, struct life *l)
{
	const struct event *by = &s->ev[l->taken_by];
	bool racy = false;

	if (!l->taken)
		racy = !s->from_boot &&
		       ((e->flags & EVENT_F_BY_ORIG) || slow_in_flight(s, l->seq) || is_late(e, l));
	else if (l->alloc || l->sg || (e->cpu == by->cpu && e->pid == by->pid && !l->maybe_ended))
		slow_absent(s, CLAIM_SLOTS_DISJOINT);
	l->live = false;
	slow_add_ended(s, (struct ended){ .dma = l->dma,
					  .size = l->size,
					  .since = l->seq,
					  .dev = l->dev,
					  .dir = l->dir,
					  .alloc = l->alloc,
					  .shared = !l->alloc && !l->bounced,
					  .racy = racy });
}

/* Does l fit an unmap that a preempted task tells late? */
static bool fits_late(const struct slow *s, const struct event *e, const struct life *l)
{
	const struct event *by = &s->ev[l->taken_by];

	return l->taken && !l->sg && l->size == e->size && l->dir == e->dir &&
	       (e->cpu != by->cpu || e->pid != by->pid);
}

/* The oldest that fits best and that this CPU can have released in time. */
static struct life *which_ends(struct slow *s, const struct event *e, uint64_t plain, bool alloc)
{
	struct life *best = NULL;
	int best_score = -1;

	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];
		int score;

		if (!l->live || l->older || l->dev != e->dev || l->dma != plain ||
		    l->alloc != alloc)
			continue;
		score = (alloc || !l->sg ? 16 : 0) + (l->size == (e->size ? e->size : 1) ? 8 : 0) +
			(l->dir == e->dir || (e->flags & EVENT_F_NO_DIR) ? 4 : 0) +
			(!l->taken || slow_in_flight(s, l->taken_by + 1) ? 2 : 0);
		if (score > best_score) {
			best_score = score;
			best = l;
		}
	}
	for (size_t i = 0; best && !alloc && i < s->nlives; i++) {
		struct life *l = &s->lives[i];

		if (l != best && l->live && !l->older && l->dev == e->dev && l->dma == plain &&
		    fits_late(s, e, l))
			l->maybe_ended = true;
	}
	return best;
}

static bool drop_older(struct slow *s, const struct event *e, uint64_t plain)
{
	bool any = false;

	for (size_t i = 0; !s->from_boot && s->older && i < s->nlives; i++) {
		struct life *l = &s->lives[i];

		if (!l->live || !l->older || l->dev != e->dev || l->dma < plain ||
		    slow_last_of(l->dma, l->size) > slow_last_of(plain, e->size))
			continue;
		l->live = false;
		any = true;
	}
	return any;
}

static bool any_of_buffer(const struct slow *s, const struct event *e)
{
	for (size_t i = 0; i < s->nlives; i++) {
		if (slow_is_alike(&s->lives[i], e->dev, e->orig, -1))
			return true;
	}
	return false;
}

/* dma_unmap_sg: which of several mappings of the buffer ended may stay open. */
static void unmap_by_buffer(struct slow *s, const struct event *e)
{
	int dir = e->flags & EVENT_F_NO_DIR ? -1 : e->dir;
	size_t n = 0, gone = 0;

	for (size_t i = 0; i < s->nlives; i++) {
		if (!slow_is_alike(&s->lives[i], e->dev, e->orig, dir))
			continue;
		n++;
		if (s->lives[i].gone > gone)
			gone = s->lives[i].gone;
	}
	if (!n && s->from_boot && !slow_has_rings(s, e->dev) && !any_of_buffer(s, e)) {
		s->before_boot++;
		slow_absent(s, CLAIM_LIFECYCLE);
	} else if (!n && s->from_boot) {
		slow_absent(s, CLAIM_LIFECYCLE);
	} else if (!n) {
		slow_open(s, CLAIM_DMA_IN_SHARED);
		s->older++;
		s->publications++;
		slow_witness_unknown(s, e);
	}
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];

		if (!slow_is_alike(l, e->dev, e->orig, dir))
			continue;
		l->gone = gone + 1;
		if (gone + 1 >= n)
			end_life(s, e, l);
	}
}

/* Is there an older mapping in this range whose slots a newer one has? */
static bool fits_taken(const struct slow *s, const struct event *e, uint64_t plain)
{
	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *l = &s->lives[i];

		if (l->live && l->older && l->taken && l->dev == e->dev && l->dma >= plain &&
		    slow_last_of(l->dma, l->size) <= slow_last_of(plain, e->size))
			return true;
	}
	return false;
}

void slow_unmap(struct slow *s, const struct event *e)
{
	struct life *l;
	uint64_t plain, bit;
	bool racy = false, mixed = false;

	s->unmaps++;
	s->sg_unmaps += (e->flags & EVENT_F_BY_ORIG) != 0;
	if (e->flags & EVENT_F_BY_ORIG) {
		unmap_by_buffer(s, e);
		return;
	}
	if (e->dma == EVENT_NO_ADDR) {
		slow_fact(s, CLAIM_LIFECYCLE);
		return;
	}
	plain = slow_plain_of(s, e->dev, e->dma, &bit);
	l = which_ends(s, e, plain, false);
	if (l && !(l->size == e->size && l->dir == e->dir) && !s->from_boot && l->bounced &&
	    !slow_in_flight(s, l->seq)) {
		bool taken = fits_taken(s, e, plain), late = !taken && is_late(e, l);

		if (taken || late)
			slow_open(s, CLAIM_LIFECYCLE);
		if (late) {
			slow_open(s, CLAIM_SLOTS_DISJOINT);
			l->late = 0;
		}
		if (taken || late)
			l = NULL;
	}
	if (l && ((l->size == e->size && l->dir == e->dir) || s->from_boot ||
		  (l->bounced && !slow_in_flight(s, l->seq)))) {
		for (size_t i = 0; i < s->nlives; i++)
			mixed |= &s->lives[i] != l && s->lives[i].live && !s->lives[i].older &&
				 s->lives[i].dev == e->dev && s->lives[i].dma == plain &&
				 fits_late(s, e, &s->lives[i]);
		agree(s, e, l, plain, true, true);
		end_life(s, e, l);
		s->ended[s->nended - 1].mixed = mixed;
		return;
	}
	if (drop_older(s, e, plain)) {
		slow_published(s, e, plain, bit, false);
		racy = slow_in_flight(s, 1);
	} else {
		unknown(s, e, plain, bit, false);
		racy = s->older && !s->from_boot;
	}
	slow_add_ended(s,
		       (struct ended){ .dma = plain,
				       .since = 1,
				       .dev = e->dev,
				       .racy = racy,
				       .shared = slow_memory(s, plain, e->size) != MEMORY_POOL });
}

void slow_free(struct slow *s, const struct event *e)
{
	struct life *l;
	uint64_t plain, bit;

	if (e->dma == EVENT_NO_ADDR || (e->dma == 0 && e->link == 0))
		return;
	plain = slow_plain_of(s, e->dev, e->dma, &bit);
	l = which_ends(s, e, plain, true);
	if (l) {
		agree(s, e, l, plain, true, true);
		end_life(s, e, l);
		return;
	}
	drop_older(s, e, plain);
	unknown(s, e, plain, bit, true);
	slow_add_ended(s, (struct ended){ .dma = plain, .dev = e->dev, .alloc = true });
}

/* ---- syncs ---- */

static void sync_of_older(struct slow *s, const struct event *e, uint64_t plain, uint64_t bit)
{
	uint64_t last = plain + (e->size ? e->size - 1 : 0);
	struct event hull = *e;

	unknown(s, e, plain, bit, false);
	if (s->from_boot || last < plain)
		return;
	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *l = &s->lives[i];

		if (l->live && l->bounced && !l->older && slow_shares(s, l, plain, last) &&
		    slow_owns(s, l, l->dma > plain ? l->dma : plain))
			return; /* a slot that belongs to somebody */
	}
	/* with all that was seen in the same slots */
	hull.size = last - plain + 1;
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];
		uint64_t end = slow_last_of(l->dma, l->size);

		if (!l->live || !l->older || l->taken || l->dev != e->dev ||
		    !slow_shares(s, l, plain, last))
			continue;
		l->live = false;
		if (l->dma < plain - (e->dma - hull.dma)) {
			hull.size += plain - (e->dma - hull.dma) - l->dma;
			hull.dma = e->dma - (plain - l->dma);
		}
		if (end > plain - (e->dma - hull.dma) + hull.size - 1)
			hull.size = end - (plain - (e->dma - hull.dma)) + 1;
	}
	plain -= e->dma - hull.dma;
	slow_begin(s, &hull, plain,
		   (struct life){ .older = true,
				  .bounced = slow_memory(s, plain, hull.size) == MEMORY_POOL });
}

/* What is synced is not among those of its buffer that ended. */
static void show_live(struct slow *s, struct life *l)
{
	size_t gone = 0, left = 0;

	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *m = &s->lives[i];

		if (slow_is_alike(m, l->dev, l->orig, l->dir) && m->gone > gone)
			gone = m->gone;
		left += m != l && m->gone && slow_is_alike(m, l->dev, l->orig, -1);
	}
	l->gone = 0;
	if (left < gone && s->from_boot)
		slow_absent(s, CLAIM_LIFECYCLE);
	else if (left < gone)
		slow_open(s, CLAIM_LIFECYCLE);
}

void slow_sync(struct slow *s, const struct event *e)
{
	uint64_t plain, bit, last;
	bool beyond = false, fits = false;
	struct life *l;

	plain = slow_plain_of(s, e->dev, e->dma, &bit);
	last = plain + (e->size ? e->size - 1 : 0);
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *m = &s->lives[i];
		uint64_t from = m->dma > plain ? m->dma : plain;

		if (!m->live || m->older || m->dev != e->dev || m->dma > last ||
		    slow_last_of(m->dma, m->size) < plain || !slow_owns(s, m, from))
			continue;
		if (slow_contains(m, plain, last))
			fits |= m->alloc || m->dir == EVENT_BIDIRECTIONAL || m->dir == e->dir;
		else
			beyond |= s->from_boot || m->bounced || m->alloc;
	}
	l = slow_around(s, e->dev, plain, e->size);
	if (!l && beyond) {
		slow_absent(s, CLAIM_LIFECYCLE);
	} else if (!l) {
		sync_of_older(s, e, plain, bit);
	} else if (!l->alloc && !l->older) {
		bool right = l->dir == EVENT_BIDIRECTIONAL || l->dir == e->dir ||
			     (e->flags & EVENT_F_NO_DIR);

		if (l->gone && l->sg && slow_has_slots(s, l))
			show_live(s, l);
		if (!right && fits)
			return;
		if (!right && !s->from_boot && !l->bounced) {
			unknown(s, e, plain, bit, false);
			return;
		}
		agree(s, e, l, plain, false, l->dir != EVENT_BIDIRECTIONAL);
	}
}
