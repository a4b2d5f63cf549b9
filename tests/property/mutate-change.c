/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutations that change what an event says. */
#include "tests/property/mutate.h"

#include "lib/base/names.h"
#include "tests/property/kernel.h"

static uint64_t protected_address(const struct history *h, struct rng *r)
{
	return h->ram_free + rng_below(r, (h->ram_end - h->ram_free) / PAGE - 8) * PAGE;
}

bool publish_protected(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_untrusted_map);
	struct event *ev;

	if (i == NOWHERE)
		return false;
	ev = &h->steps[i].ev;
	if (behind_iommu(h, i)) { /* there the original is what the device gets */
		if (h->steps[i].made != MADE_DIRECT)
			return false;
		ev->orig = protected_address(h, r);
		return true;
	}
	move_mapping(h, h->steps[i].map, ev->dma, protected_address(h, r));
	return true;
}

bool publish_original(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_plain_bounced);

	if (i == NOWHERE)
		return false;
	move_mapping(h, h->steps[i].map, event_at(h, i)->dma, event_at(h, i)->orig);
	return true;
}

/* Not bounced, and as probes report it, which name the buffers of bounces only. */
bool publish_unnamed(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_plain_bounced), bounce;

	if (i == NOWHERE || bounce_may_lack(h, i))
		return false;
	bounce = other_step(h, i, EVENT_BOUNCE);
	if (bounce == NOWHERE)
		return false;
	move_mapping(h, h->steps[i].map, event_at(h, i)->dma, event_at(h, i)->orig);
	h->steps[i].ev.orig = EVENT_NO_ADDR;
	history_remove(h, bounce);
	return true;
}

/* The last bytes lie outside the pool; at an alias: outside the alias. */
bool past_end(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_plain_bounced);
	struct event *ev;
	uint64_t end;

	if (i == NOWHERE || event_at(h, i)->size < 2)
		return false;
	ev = &h->steps[i].ev;
	end = h->alias ? 2 * h->alias : h->platform->swiotlb.pools[0].range.end + 1;
	move_mapping(h, h->steps[i].map, ev->dma, end - 1 - rng_below(r, ev->size - 1));
	return true;
}

/* An unmap or sync tells where its mapping is not, and nothing else is. */
static bool is_told_end(const struct history *h, size_t i)
{
	return (is_unmap(h, i) || is_sync(h, i) || is_free_event(h, i)) && from_boot(h);
}

bool end_elsewhere(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_told_end);
	struct event *ev;

	if (i == NOWHERE)
		return false;
	ev = &h->steps[i].ev;
	if (ev->flags & EVENT_F_BY_ORIG)
		ev->orig = protected_address(h, r);
	else
		ev->dma = protected_address(h, r) | (h->alias & ev->dma);
	return true;
}

static uint64_t other_size(struct rng *r, uint64_t size)
{
	uint64_t other = rng_one_in(r, 2) ? size + 1 : rng_one_in(r, 2) ? size / 2 : size + 4096;

	return other && other != size ? other : size + 1;
}

/* Unless another pair of the same buffer has that size. */
bool size_of_pair(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_sized_pair);
	struct event *ev;
	uint64_t size;

	if (i == NOWHERE)
		return false;
	size = other_size(r, event_at(h, i)->size);
	for (size_t k = 0; k < h->count; k++) {
		if (event_at(h, k)->kind == EVENT_BOUNCE &&
		    event_at(h, k)->orig == event_at(h, i)->orig &&
		    h->steps[k].map != h->steps[i].map)
			return false;
	}
	ev = &h->steps[rng_one_in(r, 2) ? i : other_step(h, i, EVENT_BOUNCE)].ev;
	ev->size = size;
	return true;
}

bool size_of_end(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_lone_end);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.size = other_size(r, event_at(h, i)->size);
	return true;
}

static bool is_lone_sync(const struct history *h, size_t i)
{
	return is_sync(h, i) && from_boot(h) && !h->steps[i].within;
}

bool sync_beyond(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_lone_sync);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.size += 0x10000;
	return true;
}

bool direction_of_end(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_lone_end);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.dir = (h->steps[i].ev.dir + 1 + rng_below(r, 2)) % 3;
	return true;
}

static bool is_one_way_sync(const struct history *h, size_t i)
{
	return is_sync(h, i) && h->steps[i].made == MADE_BOUNCED &&
	       event_at(h, i)->dir != EVENT_BIDIRECTIONAL && other_step(h, i, EVENT_MAP) != NOWHERE;
}

bool direction_of_sync(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_one_way_sync);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.dir = EVENT_TO_DEVICE + EVENT_FROM_DEVICE - h->steps[i].ev.dir;
	return true;
}

/* Another device that exists. */
static bool other_device(const struct history *h, struct rng *r, uint16_t *dev)
{
	size_t n = h->platform->npci;
	uint16_t id = names_find(h->names, h->platform->pci[rng_below(r, n)].name);

	if (n < 2 || !id || id == *dev)
		return false;
	*dev = id;
	return true;
}

bool device_of_pair(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_pair_event);

	return i != NOWHERE && other_device(h, r, &h->steps[i].ev.dev);
}

bool device_of_end(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_told_end);

	return i != NOWHERE && !has_twin(h, i) && other_device(h, r, &h->steps[i].ev.dev);
}

bool wrong_bit(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_untrusted_map);
	uint64_t dma;

	if (i == NOWHERE || behind_iommu(h, i) || !in_realm(h))
		return false;
	dma = event_at(h, i)->dma;
	move_mapping(h, h->steps[i].map, dma, dma ^ (1ull << (33 + rng_below(r, 10))));
	return true;
}

/* An unmap that leaves the shared bit away. */
static bool is_aliased_end(const struct history *h, size_t i)
{
	return h->alias && (is_unmap(h, i) || is_free_event(h, i)) && from_boot(h) &&
	       event_at(h, i)->dma != EVENT_NO_ADDR && (event_at(h, i)->dma & h->alias) &&
	       !behind_iommu(h, i) && !has_twin(h, i);
}

bool end_without_bit(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_aliased_end);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.dma ^= h->alias;
	return true;
}

/* ---- markers ---- */

bool wrong_nonce(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_mark);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.link ^= 1ull << rng_below(r, 64);
	return true;
}

bool swap_marks(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_mark);

	if (i == NOWHERE || h->steps[i].ev.aux > EVENT_MARK_STOP)
		return false;
	h->steps[i].ev.aux = EVENT_MARK_START + EVENT_MARK_STOP - h->steps[i].ev.aux;
	return true;
}
