/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The claim dma-in-shared for one address, and bounce-paired for one map. */
#include <string.h>

#include "lib/base/names.h"
#include "tests/property/slow-state.h"

/* ---- dma-in-shared ---- */

static enum answer alloc_is(const struct slow *s, const struct event *e, uint64_t plain,
			    uint64_t link, uint32_t attrs)
{
	bool changed = slow_unsettled(s, plain, e->size, false);

	if (s->rehearsal)
		return SHARED;
	if (s->from_pool_only && slow_pools_complete(s) &&
	    !(changed && slow_touches_pool(s, plain, e->size)))
		return PROTECTED;
	if (changed || (link && slow_unsettled(s, link, e->size, true)))
		return OPEN;
	if (link && slow_virt_decrypted(s, link, e->size))
		return SHARED;
	if (s->alias_seen && !(e->dma & s->bit))
		return PROTECTED;
	return attrs & EVENT_ATTR_ALLOC_CC_SHARED ? SHARED : OPEN;
}

static enum answer iova_is(const struct slow *s, const struct event *e, bool alloc)
{
	enum memory_state m;

	if (alloc)
		return s->rehearsal ? SHARED : OPEN;
	if (e->orig == EVENT_NO_ADDR)
		return OPEN;
	m = slow_memory(s, e->orig, e->size);
	return m == MEMORY_POOL || m == MEMORY_DECRYPTED    ? SHARED
	       : m == MEMORY_PROTECTED || m == MEMORY_MIXED ? PROTECTED
							    : OPEN;
}

static enum memory_state orig_is(const struct slow *s, const struct event *e)
{
	if (e->orig == EVENT_NO_ADDR)
		return MEMORY_UNKNOWN;
	return s->bit && (e->orig & s->bit) ? MEMORY_ALIAS : slow_memory(s, e->orig, e->size);
}

static bool is_mmio(const struct slow *s, const struct event *e)
{
	enum memory_state orig = orig_is(s, e);

	return (e->attrs & EVENT_ATTR_MMIO) && orig != MEMORY_PROTECTED && orig != MEMORY_MIXED;
}

/* Of other devices than PCI and virtio the facts tell no IOMMU. */
static bool told_by_facts(const struct slow *s, uint16_t dev)
{
	return slow_pci_of(s, dev) ||
	       (s->p && platform_find_virtio(s->p, names_get(s->names, dev)));
}

enum answer slow_address_is(struct slow *s, const struct event *e, uint64_t plain, uint64_t bit,
			    bool alloc, enum memory_state *what)
{
	const struct life *l;

	*what = MEMORY_UNKNOWN;
	if (slow_behind_iommu(s, e->dev))
		return iova_is(s, e, alloc);
	if (e->dma & s->c_bit)
		return PROTECTED;
	if (bit) {
		*what = MEMORY_ALIAS;
		if (plain >= bit)
			return OPEN;
		return slow_last_of(plain, e->size) >= bit ? PROTECTED : SHARED;
	}
	*what = slow_memory(s, plain, e->size);
	if (*what == MEMORY_POOL || *what == MEMORY_DECRYPTED)
		return SHARED;
	if (*what == MEMORY_OUTSIDE && s->rehearsal &&
	    (alloc || slow_alloc_around(s, e->dev, plain, e->size))) {
		*what = MEMORY_DECRYPTED;
		return SHARED;
	}
	if (*what == MEMORY_OUTSIDE)
		return is_mmio(s, e) ? SHARED : OPEN;
	if (alloc)
		return alloc_is(s, e, plain, e->link, e->attrs);
	l = slow_alloc_around(s, e->dev, plain, e->size);
	if (l) {
		*what = MEMORY_DECRYPTED;
		return alloc_is(s, e, plain, l->orig + (plain - l->dma), s->ev[l->begin].attrs);
	}
	if (*what == MEMORY_UNKNOWN || (*what == MEMORY_MIXED && !slow_pools_complete(s)))
		return OPEN;
	/* bounced to a pool that is not known, perhaps */
	if (e->kind == EVENT_MAP && plain != e->orig && s->p &&
	    s->p->swiotlb.dynamic == TRI_UNKNOWN)
		return OPEN;
	if ((e->attrs & EVENT_ATTR_CC_SHARED) && !s->rehearsal)
		return OPEN;
	return e->kind == EVENT_MAP && plain != e->orig && !told_by_facts(s, e->dev) ? OPEN
										     : PROTECTED;
}

bool slow_unshown(const struct slow *s, const struct event *e, uint64_t plain, uint64_t bit)
{
	enum memory_state m = slow_memory(s, plain, e->size);

	return slow_pages_may_tell(s) && !slow_behind_iommu(s, e->dev) && !bit &&
	       !(e->dma & s->c_bit) && m != MEMORY_POOL && m != MEMORY_DECRYPTED &&
	       m != MEMORY_OUTSIDE && !slow_unsettled(s, plain, e->size, false) &&
	       !(e->link && slow_unsettled(s, e->link, e->size, true)) &&
	       !slow_trusted(s, e->dev) && alloc_is(s, e, plain, e->link, e->attrs) == OPEN;
}

enum memory_state slow_published(struct slow *s, const struct event *e, uint64_t plain,
				 uint64_t bit, bool alloc)
{
	bool sync = e->kind == EVENT_SYNC_CPU || e->kind == EVENT_SYNC_DEVICE;
	bool accepted = slow_accepted_by_facts(s, e->dev);
	enum memory_state what;
	enum answer is = slow_address_is(s, e, plain, bit, alloc, &what);

	if (slow_trusted(s, e->dev)) {
		if (slow_touches_pool(s, plain, e->size)) {
			if (slow_trust_is_told(s, e->dev))
				slow_fact(s, CLAIM_DMA_IN_SHARED);
			else
				slow_open(s, CLAIM_DMA_IN_SHARED);
		}
		return is == SHARED ? what : MEMORY_UNKNOWN;
	}
	if (bit && !s->bit)
		s->loose_bits |= bit;
	/* who publishes aliases does so for all shared memory */
	if (!bit && !slow_behind_iommu(s, e->dev) && !(e->attrs & EVENT_ATTR_MMIO))
		s->against++;
	s->alias_seen |= bit && s->bit;
	if (is == PROTECTED && !sync && !(accepted && (!s->realm || s->no_tdisp)) &&
	    slow_is_entrusted(s, e->dev))
		return what;
	if (is == PROTECTED && !sync && !(accepted && (!s->realm || s->no_tdisp)) &&
	    !slow_is_assigned(s, e->dev) && !slow_trust_is_later(s, e->dev)) {
		/* was its bounce lost? */
		if (slow_behind_iommu(s, e->dev))
			slow_absent(s, CLAIM_DMA_IN_SHARED);
		else
			slow_fact(s, CLAIM_DMA_IN_SHARED);
	} else if (is != SHARED)
		slow_open(s, CLAIM_DMA_IN_SHARED);
	return is == SHARED ? what : MEMORY_UNKNOWN;
}

/* ---- bounces and maps ---- */

bool slow_take_bounce(struct slow *s, const struct event *e, const struct event **bounce,
		      bool *by_order)
{
	bool failed = e->dma == EVENT_NO_ADDR || e->kind == EVENT_MAP_FAILED;
	bool own = failed ? e->size != 0
			  : slow_bounce_unreported(s); /* no other size, no other buffer */
	size_t found = s->nwaiting;

	*by_order = false;
	for (size_t k = s->nwaiting; k > 0; k--) {
		const struct event *b = &s->ev[s->waiting[k - 1]];

		if (b->dev != e->dev || slow_without_c_bit(s, b->orig) != e->orig ||
		    b->pid != e->pid || (b->cpu != e->cpu && !e->pid))
			continue;
		if (own && b->size != e->size)
			continue;
		found = k - 1;
		if (b->size == e->size)
			break;
	}
	if (found == s->nwaiting && s->nwaiting && !own && !failed) {
		const struct event *b = &s->ev[s->waiting[s->nwaiting - 1]];

		if (b->dev == e->dev && b->cpu == e->cpu && b->pid == e->pid &&
		    b->size == e->size) {
			found = s->nwaiting - 1;
			*by_order = true;
		}
	}
	if (found == s->nwaiting)
		return false;
	*bounce = &s->ev[s->waiting[found]];
	memmove(&s->waiting[found], &s->waiting[found + 1],
		(s->nwaiting - found - 1) * sizeof(*s->waiting));
	s->nwaiting--;
	return true;
}

static bool is_by_task_of(const struct event *a, const struct event *b)
{
	return a->dev == b->dev && a->pid == b->pid && (a->pid || a->cpu == b->cpu);
}

static bool mapped_since(const struct slow *s, size_t bounce, const struct event *e)
{
	for (size_t i = bounce + 1; &s->ev[i] < e; i++) {
		if ((s->ev[i].kind == EVENT_MAP || s->ev[i].kind == EVENT_MAP_FAILED) &&
		    is_by_task_of(&s->ev[i], e))
			return true;
	}
	return false;
}

void slow_list_failed(struct slow *s, const struct event *e)
{
	size_t left = slow_behind_iommu(s, e->dev) ? 0 : e->aux;

	for (size_t k = s->nwaiting; k > 0 && left; k--) {
		size_t i = s->waiting[k - 1];

		if (!is_by_task_of(&s->ev[i], e) || s->ev[i].context != e->context)
			continue;
		if (mapped_since(s, i, e))
			return;
		memmove(&s->waiting[k - 1], &s->waiting[k],
			(s->nwaiting - k) * sizeof(*s->waiting));
		s->nwaiting--;
		s->failed++;
		s->failed_paired++;
		left--;
	}
}

/* Is it a part of an allocation of which nothing shows whether it is shared? */
static bool of_open_alloc(const struct slow *s, const struct event *e, uint64_t plain)
{
	const struct life *l = slow_alloc_around(s, e->dev, plain, e->size);

	return l &&
	       alloc_is(s, e, plain, l->orig + (plain - l->dma), s->ev[l->begin].attrs) == OPEN;
}

/* Of a buffer in this memory that was mapped without a bounce: does nothing show that it is
 * protected? */
static bool may_be_shared(struct slow *s, const struct event *e, uint64_t plain,
			  enum memory_state memory)
{
	return ((e->attrs & EVENT_ATTR_CC_SHARED) && !s->rehearsal) ||
	       (memory != MEMORY_PROTECTED && memory != MEMORY_MIXED) ||
	       of_open_alloc(s, e, plain) || slow_trust_is_later(s, e->dev) ||
	       slow_is_assigned(s, e->dev);
}

void slow_pair(struct slow *s, const struct event *e, uint64_t plain, enum memory_state is,
	       const struct event *bounce, bool by_order)
{
	enum memory_state orig = orig_is(s, e);

	if (bounce) {
		uint64_t gap = plain > e->orig ? plain - e->orig : e->orig - plain;

		if (by_order)
			slow_open(s, CLAIM_BOUNCE_PAIRED);
		if (bounce->size != e->size)
			slow_fact(s, CLAIM_BOUNCE_PAIRED);
		if (!slow_behind_iommu(s, e->dev) && gap < (e->size ? e->size : 1))
			slow_fact(s, CLAIM_BOUNCE_PAIRED);
		return;
	}
	if (slow_trusted(s, e->dev) || slow_is_entrusted(s, e->dev) || orig == MEMORY_POOL ||
	    orig == MEMORY_DECRYPTED || orig == MEMORY_ALIAS || is_mmio(s, e))
		return;
	if (e->orig != EVENT_NO_ADDR && plain == e->orig) {
		if (is == MEMORY_ALIAS && !(e->attrs & EVENT_ATTR_CC_SHARED) &&
		    !slow_alloc_around(s, e->dev, plain, e->size))
			slow_open(s, CLAIM_BOUNCE_PAIRED);
		if (is == MEMORY_DECRYPTED || is == MEMORY_ALIAS)
			return;
		if (may_be_shared(s, e, plain, orig))
			slow_open(s, CLAIM_BOUNCE_PAIRED);
		else
			slow_fact(s, CLAIM_BOUNCE_PAIRED);
		return;
	}
	if ((e->attrs & EVENT_ATTR_CC_SHARED) && is == MEMORY_ALIAS && (e->orig & s->top) == plain)
		return;
	if (slow_bounce_unreported(s))
		s->early++;
	else if (!told_by_facts(s, e->dev) && is != MEMORY_POOL)
		slow_open(s, CLAIM_BOUNCE_PAIRED);
	else if (e->orig == EVENT_NO_ADDR && is == MEMORY_DECRYPTED) /* itself shared */
		return;
	else if (e->orig == EVENT_NO_ADDR && is != MEMORY_POOL &&
		 may_be_shared(s, e, plain, slow_memory(s, plain, e->size)))
		slow_open(s, CLAIM_BOUNCE_PAIRED);
	else
		slow_absent(s, CLAIM_BOUNCE_PAIRED);
}
