/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Syncs: which mapping do they concern, and do they fit it?
 */
#include "lib/judge/state.h"

void judge_disagreement(struct judge *j, struct device *dev, const struct event *ev,
			const struct mapping *m, uint64_t plain, const char *what)
{
	uint64_t size = ev->size ? ev->size : 1; /* as a map of 0 bytes is entered */

	if (!(ev->flags & EVENT_F_BY_ORIG) && m->size != size)
		judge_refute(j, BREACH_OTHER_SIZE, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			     "%s of %llu bytes, but event %llu mapped %llu", what,
			     (unsigned long long)ev->size, (unsigned long long)m->seq,
			     (unsigned long long)m->size);
	if (!(ev->flags & EVENT_F_NO_DIR) && ev->dir != m->dir)
		judge_refute(j, BREACH_OTHER_DIRECTION, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			     "%s with direction %s, but event %llu mapped with %s", what,
			     event_dir_name(ev->dir), (unsigned long long)m->seq,
			     event_dir_name(m->dir));
	if ((ev->dma != plain) != !!(m->flags & MAPPING_ALIASED))
		judge_refute(j, BREACH_OTHER_ALIAS, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			     "%s of 0x%llx, but event %llu published it %s the shared bit", what,
			     (unsigned long long)ev->dma, (unsigned long long)m->seq,
			     m->flags & MAPPING_ALIASED ? "with" : "without");
}

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

struct parts {
	uint64_t start, end;
	uint32_t list[64];
	size_t count;
	uint16_t dev;
	bool owned;   /* a mapping of the stream has a slot of it */
	bool foreign; /* an older one of another device has */
};

static bool visit_touched(void *ctx, uint32_t index, struct mapping *m)
{
	struct parts *p = ctx;

	if ((m->flags & MAPPING_BOUNCED) && !(m->flags & MAPPING_INHERITED))
		p->owned = true;
	p->foreign |= (m->flags & MAPPING_INHERITED) && m->dev != p->dev;
	/* one whose memory went to another mapping is not live any more, or that was a fault */
	if ((m->flags & MAPPING_INHERITED) && m->dev == p->dev &&
	    !(m->flags & MAPPING_SUPERSEDED)) {
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
	for (size_t i = 0; i < p.count; i++)
		ledger_remove(j->ledger, p.list[i]);
	hull.dma = ev->dma - (plain - p.start);
	hull.size = p.end - p.start + 1;
	/* whose slots they are is not for this one to change */
	if (!p.foreign && memmap_state(j->memory, p.start, hull.size) == MEMORY_POOL)
		flags |= MAPPING_BOUNCED;
	judge_enter(j, &hull, p.start, flags);
}

static void sync_unknown(struct judge *j, struct device *dev, const struct event *ev,
			 uint64_t plain, uint64_t bit)
{
	if (find_fit(j, ev, plain).partly) {
		judge_refute(j, BREACH_SYNC_BEYOND, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			     "sync of %llu bytes at 0x%llx reaches beyond the live mapping",
			     (unsigned long long)ev->size, (unsigned long long)ev->dma);
		return;
	}
	judge_unknown_address(j, dev, ev, plain, bit, false, "sync");
	if (j->from_boot)
		return;
	note_inherited(j, ev, plain);
}

/*
 * Of several scatter-gather mappings of one buffer some ended, which was undecided: not the one
 * that is synced now.  Those that are left must be enough for the unmaps.
 */
static void show_live(struct judge *j, struct device *dev, const struct event *ev, uint32_t index)
{
	const struct mapping *m = ledger_at(j->ledger, index);
	uint32_t unmaps = 0, left = 0;

	for (uint32_t i = 0; (i = ledger_next_orig(j->ledger, i, m->dev, m->orig));) {
		const struct mapping *like = ledger_at(j->ledger, i);

		left += like != m && judge_mapping(j, i)->unmaps;
		if (like->dir == m->dir && judge_mapping(j, i)->unmaps > unmaps)
			unmaps = judge_mapping(j, i)->unmaps;
	}
	judge_mapping(j, index)->unmaps = 0;
	if (left < unmaps) /* an older one may be among those that ended */
		judge_refute(
			j, BREACH_SYNC_AFTER, j->from_boot ? FIND_ABSENCE : FIND_UNDECIDED, dev, ev,
			MEMORY_UNKNOWN,
			"sync of 0x%llx, but so many mappings of its buffer were unmapped that "
			"it must be among them",
			(unsigned long long)ev->dma);
}

void judge_sync(struct judge *j, const struct event *ev)
{
	struct device *dev = judge_device(j, ev->dev);
	struct mapping *m;
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
	if ((m->flags & MAPPING_SG) && (m->flags & MAPPING_POOL) && judge_mapping(j, i)->unmaps)
		show_live(j, dev, ev, i);
	part = *ev;
	part.size = m->size; /* a sync may concern a part, and a BIDIRECTIONAL map any direction */
	if (m->dir == EVENT_BIDIRECTIONAL)
		part.dir = m->dir;
	if (part.dir != m->dir && !(ev->flags & EVENT_F_NO_DIR)) {
		if (find_fit(j, ev, plain).agrees)
			return; /* an allocation that this mapping is a part of */
		if (!j->from_boot && !(m->flags & MAPPING_BOUNCED)) {
			judge_unknown_address(j, dev, ev, plain, bit, false, "sync");
			return;
		}
	}
	judge_agreement(j, dev, &part, m, plain, "sync");
}
