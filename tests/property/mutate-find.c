/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/property/mutate.h"

#include "lib/base/names.h"

size_t find_step(const struct history *h, struct rng *r, fits_fn *fits)
{
	size_t start = h->count ? rng_below(r, h->count) : 0;

	for (size_t k = 0; k < h->count; k++) {
		size_t i = (start + k) % h->count;

		if (fits(h, i))
			return i;
	}
	return NOWHERE;
}

bool from_boot(const struct history *h)
{
	return h->platform->trace.from_boot == TRI_YES;
}

bool in_realm(const struct history *h)
{
	return h->platform->realm.is_realm == TRI_YES;
}

const struct event *event_at(const struct history *h, size_t i)
{
	return &h->steps[i].ev;
}

size_t other_step(const struct history *h, size_t i, unsigned int kind)
{
	for (size_t k = 0; k < h->count; k++) {
		if (k != i && h->steps[k].map && h->steps[k].map == h->steps[i].map &&
		    h->steps[k].ev.kind == kind)
			return k;
	}
	return NOWHERE;
}

size_t end_step(const struct history *h, size_t i)
{
	return other_step(h, i, h->steps[i].made == MADE_ALLOC ? EVENT_FREE : EVENT_UNMAP);
}

bool cpu_goes_on(const struct history *h, size_t i)
{
	for (size_t k = i + 1; k < h->count; k++) {
		if (event_at(h, k)->cpu == event_at(h, i)->cpu)
			return true;
	}
	return false;
}

bool has_twin(const struct history *h, size_t i)
{
	const struct event *ev = event_at(h, i);

	for (size_t k = 0; k < h->count; k++) {
		const struct event *e = event_at(h, k);

		if (h->steps[k].map == h->steps[i].map || e->dev != ev->dev)
			continue;
		if ((e->kind == EVENT_MAP || e->kind == EVENT_ALLOC || e->kind == EVENT_UNMAP) &&
		    ((e->dma != EVENT_NO_ADDR && e->dma == ev->dma) ||
		     (e->orig != EVENT_NO_ADDR && e->orig == ev->orig)))
			return true;
	}
	return false;
}

bool bounce_may_lack(const struct history *h, size_t map)
{
	size_t first = h->count;
	bool reported = false;

	if (from_boot(h))
		return false;
	for (size_t k = 0; k < h->count && first == h->count; k++) {
		/* the first bounce of all, but for the one that is to go */
		if (event_at(h, k)->kind == EVENT_BOUNCE && h->steps[k].map != h->steps[map].map)
			first = k;
	}
	if (first > map)
		return true;
	for (size_t k = 0; k < map; k++) {
		const struct event *e = event_at(h, k);

		if (e->cpu == event_at(h, map)->cpu && e->kind != EVENT_BOUNCE &&
		    !(e->kind == EVENT_MAP && e->ts_ns == event_at(h, map)->ts_ns))
			reported |= k > first || e->kind == EVENT_MARK;
	}
	return !reported;
}

void move_mapping(struct history *h, uint32_t map, uint64_t from, uint64_t to)
{
	for (size_t k = 0; k < h->count; k++) {
		struct event *e = &h->steps[k].ev;

		if (h->steps[k].map == map && e->dma != EVENT_NO_ADDR)
			e->dma = e->dma - from + to;
	}
}

bool is_bounce(const struct history *h, size_t i)
{
	return event_at(h, i)->kind == EVENT_BOUNCE;
}

bool is_bounced_map(const struct history *h, size_t i)
{
	return event_at(h, i)->kind == EVENT_MAP && h->steps[i].made == MADE_BOUNCED;
}

bool is_direct_map(const struct history *h, size_t i)
{
	return event_at(h, i)->kind == EVENT_MAP && h->steps[i].made == MADE_DIRECT;
}

bool is_map(const struct history *h, size_t i)
{
	return is_bounced_map(h, i) || is_direct_map(h, i);
}

bool is_unmap(const struct history *h, size_t i)
{
	return event_at(h, i)->kind == EVENT_UNMAP;
}

bool is_sync(const struct history *h, size_t i)
{
	return event_at(h, i)->kind == EVENT_SYNC_CPU || event_at(h, i)->kind == EVENT_SYNC_DEVICE;
}

bool is_alloc_event(const struct history *h, size_t i)
{
	return event_at(h, i)->kind == EVENT_ALLOC;
}

bool is_free_event(const struct history *h, size_t i)
{
	return event_at(h, i)->kind == EVENT_FREE;
}

bool is_mark(const struct history *h, size_t i)
{
	return event_at(h, i)->kind == EVENT_MARK;
}

bool behind_iommu(const struct history *h, size_t i)
{
	const char *name = names_get(h->names, event_at(h, i)->dev);
	const struct platform_pci *pci = platform_find_pci(h->platform, name);

	return pci && pci->iommu_group;
}

bool is_untrusted_map(const struct history *h, size_t i)
{
	return is_map(h, i) && !h->steps[i].trusted;
}

bool is_plain_bounced(const struct history *h, size_t i)
{
	return is_bounced_map(h, i) && other_step(h, i, EVENT_BOUNCE) != NOWHERE &&
	       !behind_iommu(h, i);
}

bool is_sized_pair(const struct history *h, size_t i)
{
	return is_bounced_map(h, i) && other_step(h, i, EVENT_BOUNCE) != NOWHERE &&
	       !bounce_may_lack(h, i);
}

bool is_pair_event(const struct history *h, size_t i)
{
	size_t map = is_bounce(h, i) ? other_step(h, i, EVENT_MAP) : i;

	return map != NOWHERE && is_sized_pair(h, map) && !behind_iommu(h, map);
}

bool is_lone_end(const struct history *h, size_t i)
{
	return (is_unmap(h, i) || is_free_event(h, i)) && from_boot(h) &&
	       !(event_at(h, i)->flags & EVENT_F_BY_ORIG) && !has_twin(h, i);
}
