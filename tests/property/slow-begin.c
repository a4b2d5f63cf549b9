/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mappings and allocations that begin. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/judge/types/ledger.h"
#include "tests/property/slow-state.h"

/* ---- lives ---- */

static void forget_ended(struct slow *s, uint16_t dev, uint64_t dma, bool alloc)
{
	for (size_t i = 0; i < s->nended; i++) {
		if (s->ended[i].dev == dev && s->ended[i].dma == dma && s->ended[i].alloc == alloc)
			s->ended[i].valid = false;
	}
}

void slow_add_ended(struct slow *s, struct ended e)
{
	forget_ended(s, e.dev, e.dma, e.alloc);
	XGROW(s->ended, s->nended, s->ended_cap);
	e.valid = true;
	s->ended[s->nended++] = e;
}

const struct ended *slow_find_ended(const struct slow *s, uint16_t dev, uint64_t dma, bool alloc)
{
	for (size_t i = 0; i < s->nended; i++) {
		const struct ended *e = &s->ended[i];

		if (e->valid && e->dev == dev && e->dma == dma && e->alloc == alloc)
			return e;
	}
	return NULL;
}

bool slow_is_alike(const struct life *l, uint16_t dev, uint64_t orig, int dir)
{
	return l->live && l->sg && l->dev == dev && l->orig == orig && (dir < 0 || l->dir == dir);
}

static void take_memory(struct slow *s, const struct life *n)
{
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];
		bool bounced = l->bounced || n->bounced, both = l->alloc && n->alloc;
		bool clash = !l->alloc && !n->alloc && l->orig != EVENT_NO_ADDR &&
			     n->orig != EVENT_NO_ADDR && l->orig - l->dma != n->orig - n->dma;

		if (!l->live || !slow_shares(s, l, n->dma, slow_last_of(n->dma, n->size)))
			continue;
		if ((!bounced && !both && !clash) || (l->older && !n->bounced && !n->alloc))
			continue;
		if (l->taken || (l->dev != n->dev &&
				 (slow_behind_iommu(s, l->dev) || slow_behind_iommu(s, n->dev))))
			continue;
		if (l->sg && l->gone) { /* so it was this one that ended */
			for (size_t k = 0; k < s->nlives; k++)
				s->lives[k].gone -=
					s->lives[k].gone &&
					slow_is_alike(&s->lives[k], l->dev, l->orig, l->dir);
			l->live = false;
			continue;
		}
		l->taken = true;
		l->taken_by = s->now;
		slow_open(s, CLAIM_SLOTS_DISJOINT); /* a race or a fault */
	}
}

/* Slots that live mappings own; unknown while it is open which ones are live. */
static void count_slots(struct slow *s)
{
	uint64_t used = 0;

	for (size_t k = 0; s->p && k < s->p->swiotlb.npools; k++) {
		struct range r = s->p->swiotlb.pools[k].range;
		size_t n = (r.end - r.start) / SWIOTLB_SLOT_SIZE + 1;
		size_t *owner;

		if (s->p->swiotlb.pools[k].name && strcmp(s->p->swiotlb.pools[k].name, "default"))
			continue; /* the kernel's counters are about the default pool */
		owner = xcalloc(n, sizeof(*owner)); /* 1-based; later ones take over */

		for (size_t i = 0; i < s->nlives; i++) {
			const struct life *l = &s->lives[i];
			uint64_t last = slow_last_of(l->dma, l->size);

			if (!l->bounced || l->dma < r.start || last > r.end)
				continue;
			for (uint64_t a = (l->dma - r.start) / SWIOTLB_SLOT_SIZE;
			     a <= (last - r.start) / SWIOTLB_SLOT_SIZE; a++)
				owner[a] = i + 1;
		}
		for (size_t a = 0; a < n; a++)
			used += owner[a] && s->lives[owner[a] - 1].live;
		free(owner);
	}
	for (size_t i = 0; i < s->nlives; i++) {
		if (s->lives[i].live && s->lives[i].gone)
			return;
	}
	if (used > s->hiwater)
		s->hiwater = used;
}

void slow_begin(struct slow *s, const struct event *e, uint64_t plain, struct life l)
{
	const struct ended *before;

	l.begin = s->now;
	l.seq = s->now + 1;
	l.dma = plain;
	l.size = e->size ? e->size : 1;
	l.orig = l.alloc ? e->link : e->orig;
	l.dev = e->dev;
	l.dir = e->dir;
	l.aliased = plain != e->dma;
	l.live = true;
	if (!l.older)
		take_memory(s, &l);
	before = slow_find_ended(s, e->dev, plain, false);
	if (l.bounced && before && before->racy && before->size && !s->from_boot) {
		l.late = before->size;
		l.late_dir = before->dir;
	}
	forget_ended(s, e->dev, plain, l.alloc);
	XGROW(s->lives, s->nlives, s->cap);
	s->lives[s->nlives++] = l;
	count_slots(s);
}

void slow_map(struct slow *s, const struct event *e)
{
	const struct event *bounce = NULL;
	enum memory_state is = MEMORY_UNKNOWN;
	bool by_order, paired = slow_take_bounce(s, e, &bounce, &by_order);
	uint64_t plain, bit;
	struct life l = { .sg = e->flags & EVENT_F_SG };

	if (e->dma == EVENT_NO_ADDR || e->kind == EVENT_MAP_FAILED) {
		s->failed++;
		s->failed_paired += paired;
		return;
	}
	s->maps++;
	s->publications++;
	if (paired && by_order)
		slow_learn_offset(s, e, bounce);
	plain = slow_plain_of(s, e->dev, e->dma, &bit);
	if (slow_behind_iommu(s, e->dev) && (paired || slow_bounce_unreported(s))) {
		slow_open(s, CLAIM_DMA_IN_SHARED);
	} else {
		is = slow_published(s, e, plain, bit, false);
	}
	slow_pair(s, e, plain, is, paired ? bounce : NULL, by_order);
	slow_observe(s, e, plain, paired, by_order);
	if (paired && !by_order && !slow_behind_iommu(s, e->dev) && !s->bit && !s->rehearsal) {
		if (slow_memory(s, plain, e->size) != MEMORY_POOL || !bit)
			s->against++;
		else
			s->support[__builtin_ctzll(bit)]++;
	}
	s->paired += paired;
	l.bounced = paired || (slow_memory(s, plain, e->size) == MEMORY_POOL && plain != e->orig);
	slow_begin(s, e, plain, l);
}

void slow_alloc(struct slow *s, const struct event *e)
{
	uint64_t plain, bit;
	bool unshown;

	if (e->dma == EVENT_NO_ADDR || (e->dma == 0 && e->link == 0)) {
		s->failed++;
		return;
	}
	s->publications++;
	plain = slow_plain_of(s, e->dev, e->dma, &bit);
	unshown = slow_unshown(s, e, plain, bit);
	if (unshown)
		s->against++; /* what slow_published() counts */
	else
		slow_published(s, e, plain, bit, true);
	slow_begin(s, e, plain, (struct life){ .alloc = true, .unshown = unshown });
}
