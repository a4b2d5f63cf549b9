/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MEMORY_FAULT_H
#define CCAIO_LIB_BOUNCE_MEMORY_FAULT_H

#include <stdbool.h>

/*
 * fault - one deliberate defect, switched on in an otherwise correct bounce path.
 *
 * Each place of the path that can be broken asks whether it is to break now.
 * What each fault means, and how it must be noticed, is lib/bounce/selftest/catalogue.c.
 */
enum fault_id {
	FAULT_NONE = 0,
	/* DMA API */
	FAULT_NO_BOUNCE,
	FAULT_PUBLISH_ORIGINAL,
	FAULT_PAST_END,
	FAULT_OFF_BY_GRANULE,
	FAULT_WRONG_DIRECTION,
	FAULT_UNMAP_EARLY,
	FAULT_USE_AFTER_UNMAP,
	FAULT_SLOT_TWICE,
	FAULT_NO_COPY_BACK,
	FAULT_LONG_COPY_BACK,
	FAULT_STALE_SLOT,
	FAULT_SYNC_FOREIGN,
	FAULT_ENCRYPT_WHILE_MAPPED,
	/* virtqueues */
	FAULT_RING_PROTECTED,
	FAULT_INDIRECT_PROTECTED,
	FAULT_USED_LENGTH,
	FAULT_DOUBLE_FETCH,
	FAULT_NO_ACCESS_PLATFORM,
	FAULT_BALLOON_PFN,
	/* FF-A sharing and virtio-msg */
	FAULT_EXCESS_PAGE,
	FAULT_EARLY_RECLAIM,
	FAULT_RETRIEVE_TWICE,
	FAULT_AREA_REUSE,
	FAULT_WRONG_REVISION,
	/* trusted device */
	FAULT_TDISP_EARLY,
	FAULT_TDISP_LATE,
	FAULT_TDISP_POOL,
	FAULT_TDISP_CARRY,
	FAULT_TDISP_KEEP,
	/* the evidence */
	FAULT_LOST_EVENTS,
	FAULT_DISORDER,
	FAULTS
};

/* One plan per machine; NULL and FAULT_NONE break nothing. */
struct fault_plan {
	enum fault_id id;
	unsigned int skip; /* chances to let pass before the first hit */
	unsigned int hits; /* how often it broke something: 0 means that it never applied */
	bool dry;	   /* take the occasion but break nothing: the measure for excess */
};

/* Break this one occasion?  True once, at the first chance after `skip` others. */
static inline bool fault_once(struct fault_plan *plan, enum fault_id id)
{
	if (__builtin_expect(!plan || plan->id != id, 1))
		return false;
	if (plan->hits)
		return false;
	if (plan->skip) {
		plan->skip--;
		return false;
	}
	plan->hits = 1;
	return true;
}

/* Break every occasion (defects of set-up, such as a feature that is never negotiated). */
static inline bool fault_always(struct fault_plan *plan, enum fault_id id)
{
	if (__builtin_expect(!plan || plan->id != id, 1))
		return false;
	plan->hits++;
	return true;
}

#endif
