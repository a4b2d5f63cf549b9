/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the stream shows that facts may contradict: struct observed.
 */
#include "lib/judge/state.h"

void judge_observe_mark(struct judge *j, const struct event *ev)
{
	j->observed.marks++;
	j->observed.own_marks += j->platform && ev->link && ev->link == j->platform->trace.nonce;
}

void judge_observe_map(struct judge *j, const struct device *dev, const struct event *ev,
		       uint64_t plain, enum memory_state memory, enum pair how)
{
	struct observed *o = &j->observed;
	enum memory_state orig;
	bool shared = ev->attrs & (EVENT_ATTR_CC_SHARED | EVENT_ATTR_MMIO);

	if (ev->orig == EVENT_NO_ADDR || device_is_accepted(dev) || dev->areas)
		return;
	orig = judge_orig_state(j, ev);
	if (orig == MEMORY_POOL && !shared) {
		o->from_pool += how != PAIR_NONE;
		o->direct_in_pool +=
			how == PAIR_NONE && !dev->iommu && !judge_alloc_around(j, dev, ev, plain);
	}
	o->from_alias += orig == MEMORY_ALIAS && !shared;
	if (orig == MEMORY_OUTSIDE && !shared &&
	    (how != PAIR_NONE || !judge_alloc_around(j, dev, ev, plain))) {
		if (!o->from_nowhere++)
			o->nowhere = ev->orig;
	}
	o->sg_maps += (ev->flags & EVENT_F_SG) != 0;
	if (how == PAIR_NONE) {
		o->in_slots += plain != ev->orig && !dev->iommu &&
			       memmap_state(j->memory, plain, ev->size) == MEMORY_POOL;
		o->direct +=
			plain == ev->orig && (orig == MEMORY_PROTECTED || orig == MEMORY_MIXED);
		return;
	}
	o->virtio_bounced += dev->virtio != NULL;
	if (dev->iommu || how != PAIR_EXACT || plain == ev->orig)
		return;
	if (memory == MEMORY_POOL || memmap_touches_pool(j->memory, plain, ev->size))
		o->bounced_in++;
	else if (!o->bounced_out++)
		o->out = plain;
}

bool judge_denies_dma(const struct device *dev)
{
	return dev->seen && dev->virtio &&
	       platform_virtio_feature(dev->virtio, VIRTIO_F_ACCESS_PLATFORM) == TRI_NO;
}
