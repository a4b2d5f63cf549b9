/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel's page tables say of memory: is it marked as shared or as protected? */
#include "lib/judge/state.h"
#include "lib/judge/witness.h"

bool pages_decide(const struct judge *j, const struct snapshot *s)
{
	return j->guest->class == GUEST_CONFIDENTIAL && j->guest->alias == ALIAS_SET_IS_SHARED &&
	       s->page_mask && s->page_mask == j->platform->realm.shared_bit;
}

bool pages_protected(const struct judge *j, const struct snapshot *s, uint64_t plain, uint64_t size)
{
	return pages_decide(j, s) && snapshot_has_mark(s, plain, size, SNAPSHOT_CLEAR);
}

bool pages_shared(const struct judge *j, const struct snapshot *s, uint64_t plain, uint64_t size)
{
	return pages_decide(j, s) && snapshot_mark_of(s, plain, size) == SNAPSHOT_SET;
}

bool pages_may_settle(const struct judge *j)
{
	const struct platform *p = j->platform;

	return j->witness &&
	       ((p->start && pages_decide(j, p->start)) || (p->end && pages_decide(j, p->end)));
}

struct settling {
	struct judge *j;
	const struct snapshot *s;
	const struct spans *touched;
};

/* Events alone say that it is shared; the page tables know better. */
static void deny(struct settling *c, const struct mapping *m)
{
	struct device *dev = judge_device(c->j, m->dev);

	/* one that was accepted (TDISP) may have protected memory; an IOVA shows no page */
	if (dev->iommu || dev->tsm_known || dev->tsm_doubt || dev->tsm_later)
		return;
	judge_doubt(c->j, CLAIM_DMA_IN_SHARED, dev, NULL, MEMORY_PROTECTED,
		    "the kernel's page tables mark pages of the coherent allocation at 0x%llx as "
		    "protected",
		    (unsigned long long)m->dma);
}

static void visit_alloc(void *ctx, uint32_t index, struct mapping *m)
{
	struct settling *c = ctx;

	if (!(m->flags & MAPPING_ALLOC) || (m->flags & MAPPING_SUPERSEDED) ||
	    spans_touch(c->touched, m->dma, m->size))
		return;
	if (pages_protected(c->j, c->s, m->dma, m->size))
		deny(c, m);
	if (!judge_mapping(c->j, index)->unshown || !pages_shared(c->j, c->s, m->dma, m->size))
		return;
	judge_mapping(c->j, index)->unshown = false;
	published_add(&c->j->published, m->dma, m->size, MEMORY_DECRYPTED);
}

void pages_settle(struct judge *j, const struct snapshot *s, const struct spans *touched)
{
	struct settling c = { j, s, touched };

	if (pages_decide(j, s))
		ledger_each(j->ledger, visit_alloc, &c);
}

void pages_unshown(struct judge *j, uint32_t index)
{
	const struct mapping *m = ledger_at(j->ledger, index);
	struct event ev = { .kind = EVENT_ALLOC,
			    .ts_ns = m->ts_ns,
			    .dma = m->dma,
			    .size = m->size,
			    .orig = EVENT_NO_ADDR,
			    .link = m->orig,
			    .attrs = m->attrs,
			    .pid = m->pid,
			    .dev = m->dev,
			    .cpu = m->cpu,
			    .dir = m->dir };

	if (!judge_mapping(j, index)->unshown)
		return;
	judge_mapping(j, index)->unshown = false;
	judge_doubt(j, CLAIM_DMA_IN_SHARED, judge_device(j, m->dev), &ev, MEMORY_UNKNOWN, "%s",
		    judge_unshown);
	published_add(&j->published, m->dma, m->size, MEMORY_UNKNOWN);
}

static void visit_left(void *ctx, uint32_t index, struct mapping *m)
{
	if (m->flags & MAPPING_ALLOC)
		pages_unshown(ctx, index);
}

void pages_finish(struct judge *j)
{
	if (pages_may_settle(j))
		ledger_each(j->ledger, visit_left, j);
}
