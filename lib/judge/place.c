/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What memory an address is that a device was given. */
#include "lib/judge/state.h"

uint64_t judge_plain(const struct judge *j, const struct device *dev, uint64_t dma, uint64_t *bit)
{
	*bit = 0;
	if (dev->iommu || (dev->areas && !j->alias.bit))
		return dma;
	return alias_plain(&j->alias, dma - dev->offset, bit);
}

void judge_learn_offset(const struct judge *j, struct device *dev, const struct event *ev,
			const struct bounce *bounce)
{
	uint64_t offset = bounce->orig - ev->orig;

	if (dev->offset || dev->iommu || dev->areas || !offset || offset % 4096 ||
	    memmap_touches_pool(j->memory, ev->dma, ev->size) ||
	    memmap_state(j->memory, ev->dma - offset, ev->size) != MEMORY_POOL)
		return;
	dev->offset = offset;
}

static const char unsettled[] = "the memory was shared or protected before, and the recording "
				"would not show whether that was undone";

const char judge_unshown[] = "no event shows that this coherent allocation was decrypted";

/* plain: the address without the shared bit */
static struct place place_alloc(const struct judge *j, const struct event *ev, uint64_t plain)
{
	bool changed;

	/*
	 * In an ordinary machine coherent memory stands for shared memory.  In a
	 * confidential guest the kernel decrypts it, but only the decrypt itself, or
	 * what the kernel did it for, shows that it did.
	 */
	if (j->guest->coherent == COHERENT_STANDS)
		return (struct place){ PLACE_SHARED, MEMORY_DECRYPTED, NULL };
	changed = memmap_is_unsettled(j->memory, plain, ev->size);
	if (j->guest->coherent == COHERENT_POOL && memmap_pools_complete(j->memory) &&
	    !(changed && memmap_touches_pool(j->memory, plain, ev->size)))
		return (struct place){ PLACE_PROTECTED, MEMORY_PROTECTED, NULL };
	if (changed || (ev->link && memmap_is_unsettled(j->virt, ev->link, ev->size)))
		return (struct place){ PLACE_UNDECIDED, MEMORY_UNKNOWN, unsettled };
	if (ev->link && memmap_state(j->virt, ev->link, ev->size) == MEMORY_DECRYPTED)
		return (struct place){ PLACE_SHARED, MEMORY_DECRYPTED, NULL };
	/* who publishes the shared alias of one address and not of another shares only the first */
	if (j->alias.seen && !(ev->dma & j->alias.bit))
		return (struct place){ PLACE_PROTECTED, MEMORY_PROTECTED, NULL };
	if (ev->attrs & EVENT_ATTR_ALLOC_CC_SHARED)
		return (struct place){ PLACE_SHARED, MEMORY_DECRYPTED, NULL };
	return (struct place){ PLACE_UNDECIDED, MEMORY_UNKNOWN, judge_unshown };
}

/*
 * virtio-msg with dynamic sharing: the number names an area and an offset, what counts is
 * the memory that was shared for it.
 */
static struct place place_area(struct judge *j, const struct event *ev, uint64_t plain, bool alloc)
{
	enum memory_state orig;

	if (alloc)
		return place_alloc(j, ev, plain);
	if (ev->orig == EVENT_NO_ADDR)
		return (struct place){
			PLACE_UNDECIDED, MEMORY_IOVA,
			"the address is in a shared area and the event does not name "
			"the memory"
		};
	orig = memmap_state(j->memory, ev->orig, ev->size);
	if (orig == MEMORY_POOL || orig == MEMORY_DECRYPTED)
		return (struct place){ PLACE_SHARED, orig, NULL };
	if (memmap_is_unsettled(j->memory, ev->orig, ev->size))
		return (struct place){ PLACE_UNDECIDED, MEMORY_UNKNOWN, unsettled };
	if (!j->from_boot)
		return (struct place){ PLACE_UNDECIDED, MEMORY_IOVA,
				       "the shared area may be older than the window" };
	return (struct place){ PLACE_PROTECTED, orig, NULL };
}

/* Behind an IOMMU the number is an IOVA: what counts is the memory it leads to. */
static struct place place_iommu(struct judge *j, const struct event *ev, bool alloc)
{
	enum memory_state orig;

	if (alloc && j->rehearsal)
		return (struct place){ PLACE_SHARED, MEMORY_DECRYPTED, NULL };
	if (alloc || ev->orig == EVENT_NO_ADDR)
		return (struct place){ PLACE_UNDECIDED, MEMORY_IOVA,
				       "the device is behind an IOMMU and the event does not name "
				       "the memory" };
	orig = memmap_state(j->memory, ev->orig, ev->size);
	if (orig == MEMORY_POOL || orig == MEMORY_DECRYPTED)
		return (struct place){ PLACE_SHARED, orig, NULL };
	if (orig == MEMORY_PROTECTED || orig == MEMORY_MIXED)
		return (struct place){ PLACE_PROTECTED, orig, NULL };
	return (struct place){ PLACE_UNDECIDED, MEMORY_IOVA,
			       "the device is behind an IOMMU and its memory is not known" };
}

struct within {
	uint64_t start, last;
	const struct mapping *alloc;
	const struct devices *devices; /* any of them without an IOMMU; NULL: this one: */
	uint16_t dev;
};

/* Of several, which a damaged stream may have, the lowest, and of those the oldest. */
static bool visit_within(void *ctx, uint32_t index, struct mapping *m)
{
	struct within *w = ctx;

	(void)index;
	if (m->dev != w->dev && (!w->devices || devices_find(w->devices, m->dev)->iommu))
		return true;
	if ((m->flags & MAPPING_ALLOC) && m->dma <= w->start && m->dma + (m->size - 1) >= w->last &&
	    (!w->alloc || m->dma < w->alloc->dma ||
	     (m->dma == w->alloc->dma && m->seq < w->alloc->seq)))
		w->alloc = m;
	return true;
}

const struct mapping *judge_alloc_around(struct judge *j, const struct device *dev,
					 const struct event *ev, uint64_t plain)
{
	struct within w = { .start = plain,
			    .last = plain + (ev->size ? ev->size - 1 : 0),
			    .dev = dev->id };

	/* it stands for shared memory, whoever maps it */
	if (j->rehearsal && !dev->iommu)
		w.devices = &j->devices;
	if (w.last >= w.start)
		ledger_overlaps(j->ledger, plain, ev->size, visit_within, &w);
	return w.alloc;
}

static struct place place_ram(struct judge *j, struct device *dev, const struct event *ev,
			      uint64_t plain, enum memory_state state, bool alloc)
{
	const struct mapping *around;

	if (alloc)
		return place_alloc(j, ev, plain);
	around = judge_alloc_around(j, dev, ev, plain);
	if (around) {
		struct event a = *ev;

		a.link = around->orig + (plain - around->dma);
		a.attrs = around->attrs;
		return place_alloc(j, &a, plain);
	}
	if (memmap_is_unsettled(j->memory, plain, ev->size))
		return (struct place){ PLACE_UNDECIDED, state, unsettled };
	if (state == MEMORY_UNKNOWN)
		return (struct place){ PLACE_UNDECIDED, state,
				       "the bounds of the pools, or of RAM, are not known" };
	if ((ev->attrs & EVENT_ATTR_CC_SHARED) && !j->rehearsal)
		return (struct place){ PLACE_UNDECIDED, state,
				       "the kernel calls the buffer shared (CC_SHARED) but "
				       "nothing shows it" };
	/* what was bounced lies in a pool, and there may be more of them than are known */
	if (ev->kind == EVENT_MAP && plain != ev->orig && j->platform &&
	    j->platform->swiotlb.dynamic == TRI_UNKNOWN)
		return (struct place){
			PLACE_UNDECIDED, state,
			"the address is in no known pool, and whether pools can grow "
			"is not known"
		};
	/* facts tell of an IOMMU in front of PCI devices only */
	if (ev->kind == EVENT_MAP && plain != ev->orig && !dev->pci && !dev->virtio)
		return (struct place){ PLACE_UNDECIDED, state,
				       "the address is not the buffer's, and whether the device is "
				       "behind an IOMMU is not known" };
	return (struct place){ PLACE_PROTECTED, state, NULL };
}

enum memory_state judge_orig_state(const struct judge *j, const struct event *ev)
{
	uint64_t orig = ev->orig;

	if (orig == EVENT_NO_ADDR)
		return MEMORY_UNKNOWN;
	if (alias_is_shared(&j->alias, orig))
		return MEMORY_ALIAS;
	return memmap_state(j->memory, orig, ev->size);
}

/* RAM is no device's registers, whatever its map is called. */
bool judge_is_mmio(const struct judge *j, const struct event *ev)
{
	enum memory_state orig;

	if (!(ev->attrs & EVENT_ATTR_MMIO))
		return false;
	orig = judge_orig_state(j, ev);
	return orig != MEMORY_PROTECTED && orig != MEMORY_MIXED;
}

struct place judge_place(struct judge *j, struct device *dev, const struct event *ev,
			 uint64_t plain, uint64_t bit, bool alloc)
{
	enum memory_state state;

	if (dev->iommu)
		return place_iommu(j, ev, alloc);
	if (alias_is_protected(&j->alias, ev->dma))
		return (struct place){ PLACE_PROTECTED, MEMORY_PROTECTED, NULL };
	if (bit) {
		uint64_t last = plain + (ev->size ? ev->size - 1 : 0);

		if (plain >= bit)
			return (struct place){ PLACE_UNDECIDED, MEMORY_OUTSIDE,
					       "the address is above the shared alias" };
		if (last < plain || last >= bit)
			return (struct place){ PLACE_PROTECTED, MEMORY_MIXED, NULL };
		return (struct place){ PLACE_SHARED, MEMORY_ALIAS, NULL };
	}
	state = memmap_state(j->memory, plain, ev->size);
	switch (state) {
	case MEMORY_POOL:
	case MEMORY_DECRYPTED:
		return (struct place){ PLACE_SHARED, state, NULL };
	case MEMORY_OUTSIDE:
		/* coherent memory may be none of the kernel's own (no-map) */
		if (j->rehearsal && (alloc || judge_alloc_around(j, dev, ev, plain)))
			return place_alloc(j, ev, plain);
		if (judge_is_mmio(j, ev))
			return (struct place){ PLACE_SHARED, MEMORY_MMIO, NULL };
		if (dev->areas)
			return place_area(j, ev, plain, alloc);
		return (struct place){ PLACE_UNDECIDED, state,
				       "the address is neither RAM nor known shared memory" };
	case MEMORY_MIXED:
		if (!memmap_pools_complete(j->memory))
			state = MEMORY_UNKNOWN;
		return place_ram(j, dev, ev, plain, state, alloc);
	default:
		return place_ram(j, dev, ev, plain, state, alloc);
	}
}
