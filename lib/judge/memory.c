/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that changes hands, and what is left when the stream ends.
 */
#include "lib/evidence/stream.h"
#include "lib/judge/state.h"

struct closing {
	struct judge *j;
	const struct event *ev;
};

static bool visit_closed(void *ctx, uint32_t index, struct mapping *m)
{
	struct closing *c = ctx;
	struct event what = *c->ev;
	/*
	 * An older one may have ended by an unmap that named only the buffer, and one of whose
	 * memory a newer one was given has probably ended, too.
	 */
	bool open = m->flags & (MAPPING_INHERITED | MAPPING_SUPERSEDED);
	enum finding how = open ? FIND_UNDECIDED : FIND_ABSENCE;

	(void)index;
	if (device_is_accepted(judge_device(c->j, m->dev)) || judge_device(c->j, m->dev)->entrusted)
		return true; /* accepted devices may reach protected memory */
	what.dma = m->dma;
	what.dev = m->dev;
	what.dir = m->dir;
	judge_refute(c->j, BREACH_TAKEN_BACK, how, judge_device(c->j, m->dev), &what,
		     MEMORY_PROTECTED,
		     "memory at 0x%llx became protected while the device still had it (event %llu)",
		     (unsigned long long)m->dma, (unsigned long long)m->seq);
	return true;
}

static void visit_virt(void *ctx, uint32_t index, struct mapping *m)
{
	struct closing *c = ctx;
	uint64_t start = c->ev->link, end = start + (c->ev->size ? c->ev->size - 1 : 0);

	if (end < start)
		end = UINT64_MAX;
	if ((m->flags & MAPPING_ALLOC) && m->orig <= end && m->orig + (m->size - 1) >= start)
		visit_closed(ctx, index, m);
}

/* Mappings of areas: their addresses are names, the memory is at orig. */
static void visit_area(void *ctx, uint32_t index, struct mapping *m)
{
	struct closing *c = ctx;
	uint64_t start = c->ev->orig, end = start + (c->ev->size ? c->ev->size - 1 : 0);

	if (!(m->flags & (MAPPING_ALLOC | MAPPING_BOUNCED)) && m->orig != EVENT_NO_ADDR &&
	    judge_device(c->j, m->dev)->areas && m->orig != m->dma && m->orig <= end &&
	    m->orig + (m->size - 1) >= start)
		visit_closed(ctx, index, m);
}

/* What the range is from now on. */
static void change(struct judge *j, const struct event *ev)
{
	bool virt = ev->flags & EVENT_F_VIRT, shared = ev->kind == EVENT_DECRYPT;
	struct memmap *map = virt ? j->virt : j->memory;
	uint64_t start = virt ? ev->link : ev->orig;

	if (j->changes_unreported)
		memmap_unsettle(map, start, ev->size, shared);
	else if (shared)
		memmap_decrypt(map, start, ev->size);
	else
		memmap_encrypt(map, start, ev->size);
}

void judge_encrypt(struct judge *j, const struct event *ev)
{
	struct closing c = { j, ev };

	if (ev->aux) /* the call failed: the range's state is as before */
		return;
	j->n.changes++;
	change(j, ev);
	if (ev->flags & EVENT_F_VIRT) {
		ledger_each(j->ledger, visit_virt, &c);
		return;
	}
	if (ev->size)
		ledger_overlaps(j->ledger, ev->orig, ev->size, visit_closed, &c);
	if (ev->size && j->devices.areas)
		ledger_each(j->ledger, visit_area, &c);
}

void judge_decrypt(struct judge *j, const struct event *ev)
{
	if (ev->aux)
		return;
	j->n.changes++;
	change(j, ev);
	if (ev->dev && !(ev->flags & EVENT_F_VIRT))
		judge_device(j, ev->dev)->newly_shared += ev->size;
}

/* ---- devices that the Realm accepts, and no longer ---- */

struct turning {
	struct judge *j;
	struct device *dev;
	const struct event *ev;
	bool accepted;
};

/* The kernel bounces for no accepted device: that contradicts facts that call it one. */
enum finding judge_of_trust(const struct device *dev, enum finding how)
{
	return dev->tsm_of_facts ? FIND_UNDECIDED : how;
}

/* What a device keeps when the Realm's trust in it begins, or ends. */
static void visit_turned(void *ctx, uint32_t index, struct mapping *m)
{
	struct turning *t = ctx;
	struct judge *j = t->j;
	bool sure = !(m->flags & (MAPPING_INHERITED | MAPPING_SUPERSEDED)) &&
		    !judge_mapping(j, index)->unmaps;
	bool alloc = m->flags & MAPPING_ALLOC;
	struct event what = *t->ev;
	struct place p;

	if (m->dev != t->dev->id)
		return;
	what.dma = m->dma;
	what.size = m->size;
	what.dir = m->dir;
	what.attrs = m->attrs;
	*(alloc ? &what.link : &what.orig) = m->orig;
	if (t->accepted && memmap_touches_pool(j->memory, m->dma, m->size))
		judge_refute(
			j, BREACH_TRUSTED_POOL,
			sure ? judge_of_trust(t->dev, FIND_FACT) : FIND_UNDECIDED, t->dev, &what,
			MEMORY_POOL,
			"the device was accepted (TDISP) while it had memory of the bounce pool "
			"(event %llu)",
			(unsigned long long)m->seq);
	if (t->accepted || (m->flags & MAPPING_ALIASED))
		return;
	p = judge_place(j, t->dev, &what, m->dma, 0, alloc);
	if (p.kind == PLACE_PROTECTED)
		judge_refute(j, BREACH_TRUST_ENDED,
			     !sure	     ? FIND_UNDECIDED
			     : t->dev->iommu ? FIND_ABSENCE
					     : FIND_FACT,
			     t->dev, &what, p.memory,
			     "the %s's trust in the device (TDISP) ended while it had protected "
			     "memory (event %llu)",
			     j->guest->class == GUEST_CONFIDENTIAL ? j->guest->noun : "Realm",
			     (unsigned long long)m->seq);
	else if (p.kind == PLACE_UNDECIDED)
		judge_doubt(j, CLAIM_DMA_IN_SHARED, t->dev, &what, p.memory, "%s", p.why);
}

/*
 * In ERROR the device keeps what it had, but reaches nothing (PCIe 6.2, 11.2.4): only when it
 * is unlocked, and whoever likes may configure it, is that given away.
 */
void judge_trust(struct judge *j, const struct event *ev)
{
	struct turning t = { j, judge_device(j, ev->dev), ev, ev->aux == EVENT_TSM_RUN };
	struct device *dev = t.dev;
	bool had = dev->tsm_known && (dev->tsm == EVENT_TSM_RUN || dev->tsm == EVENT_TSM_ERROR);

	j->n.tsm_changes++;
	dev->tsm_of_facts = false;
	if (t.accepted ? !device_is_accepted(dev) : had && ev->aux != EVENT_TSM_ERROR)
		ledger_each(j->ledger, visit_turned, &t);
	dev->tsm_known = true;
	dev->tsm_later = false;
	dev->tsm = ev->aux;
	dev->accepted |= t.accepted;
}

/* From here on devices are what the facts of the window call them. */
void judge_window_opens(struct judge *j, const struct event *ev)
{
	j->opened = true;
	j->devices.facts_later = false;
	for (size_t i = 0; i < j->devices.count; i++) {
		struct turning t = { j, j->devices.at[i], ev, true };
		struct device *dev = t.dev;

		if (!dev || !dev->tsm_later)
			continue;
		ledger_each(j->ledger, visit_turned, &t);
		dev->tsm_later = false;
		dev->tsm_known = dev->accepted = true;
	}
}

/* ---- the end ---- */

struct leaving {
	struct judge *j;
	const struct stream_info *info;
};

/* Can a CPU have been inside an unmap ever since the mapping was superseded, up to the end? */
static bool silent_since(const struct leaving *l, const struct mapping_state *m)
{
	const struct judge *j = l->j;

	for (size_t i = 0; i < l->info->ncpus; i++) {
		unsigned int cpu = l->info->cpus[i].cpu;

		if (cpu != m->super_cpu &&
		    (cpu >= j->ncpus || j->cpus[cpu].last_seq < m->super_seq))
			return true;
	}
	return false;
}

/* Was a superseded mapping certainly live when its memory went to the newer one? */
static bool was_live(const struct leaving *l, uint32_t index, const struct mapping *m)
{
	const struct mapping_state *state = judge_mapping(l->j, index);

	if (m->flags & (MAPPING_ALLOC | MAPPING_SG))
		return true; /* their end is reported before the memory is free */
	if (m->flags & MAPPING_INHERITED)
		return false; /* it may have ended by an unmap that named the buffer */
	if (state->unmaps)
		return false; /* an unmap that was counted for a newer one may be its */
	return !silent_since(l, state);
}

static void visit_left(void *ctx, uint32_t index, struct mapping *m)
{
	struct leaving *l = ctx;
	struct judge *j = l->j;
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

	if (!(m->flags & MAPPING_INHERITED))
		dev->totals.live++;
	if (!(m->flags & MAPPING_SUPERSEDED) || !was_live(l, index, m))
		return;
	j->seq = m->seq;
	judge_find_overlap(
		j, FIND_ABSENCE, dev, &ev, judge_mapping(j, index)->clashes,
		"memory at 0x%llx was given to another mapping (event %llu) while event %llu's "
		"was live",
		(unsigned long long)m->dma, (unsigned long long)judge_mapping(j, index)->super_seq,
		(unsigned long long)m->seq);
	j->seq = last;
}

void judge_end_of_stream(struct judge *j, const struct stream_info *info)
{
	struct leaving l = { j, info };

	ledger_each(j->ledger, visit_left, &l);
}
