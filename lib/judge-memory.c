/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that changes hands, and what is left when the stream ends.
 */
#include "lib/judge-state.h"

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
	if (ev->size && j->areas)
		ledger_each(j->ledger, visit_area, &c);
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
		judge_device(j, ev->dev)->newly_shared += ev->size;
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
