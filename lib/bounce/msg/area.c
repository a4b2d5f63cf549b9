/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Areas of shared memory: one per mapping (dynamic), or the pool's (static). */
#include <errno.h>

#include "lib/base/err.h"
#include "lib/base/le.h"
#include "lib/bounce/memory/fault.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/memory/swiotlb.h"
#include "lib/bounce/msg/bus-state.h"
#include "lib/bounce/msg/ffa.h"

static int announce(struct msg_bus *b, uint16_t id, uint64_t handle, uint32_t pages, uint64_t tag,
		    struct err *err)
{
	struct msg_area area = {
		.id = id, .handle = handle, .tag = tag, .pages = pages, .attrs = 1u << 2
	};
	struct msg m, a;
	int ret;

	msg_init(&m, MSG_BUS, MSG_FFA_AREA_SHARE, 0, 0, MSG_AREA_SIZE);
	msg_put_area(msg_payload(&m), &area);
	ret = msg_bus_call(b, &m, &a, 4, err);
	if (ret == 0 &&
	    (get_le16(msg_payload(&a)) != id || get_le16(msg_payload(&a) + 2) != MSG_AREA_OK))
		ret = err_set(err, EIO, "the backend does not take area %u", id);
	b->counters.shares++;
	return ret;
}

static uint64_t bus_address(const struct msg_bus *b, uint64_t id, uint64_t off)
{
	return id << msg_area_shift(b->rev) | off;
}

/* Share one run of pages under this id.  Returns 0 or -errno. */
static int open_area(struct msg_bus *b, uint16_t id, uint64_t ipa, uint32_t pages)
{
	struct bus_area *area = &b->areas[id];
	uint64_t handle;

	if (ffa_share(b->ffa, b->self, b->peer, ipa, pages, &handle) != FFA_SUCCESS)
		return -ENOMEM;
	if (announce(b, id, handle, pages, 0, NULL) < 0) {
		ffa_reclaim(b->ffa, b->self, handle);
		return -EIO;
	}
	*area = (struct bus_area){ .used = true, .handle = handle, .ipa = ipa, .pages = pages };
	return 0;
}

/* A live mapping whose offsets in its pages meet those of a new one, or -1. */
static int meeting(const struct msg_bus *b, uint64_t off, size_t size)
{
	for (unsigned int i = 1; i < MSG_BUS_AREAS; i++) {
		const struct bus_area *a = &b->areas[i];
		uint64_t at = a->bus & (((uint64_t)1 << msg_area_shift(b->rev)) - 1);

		if (a->used && a->streaming && at < off + size && off < at + a->size)
			return i;
	}
	return -1;
}

/* The id to use; the defect is to hand out one that is in use. */
static int choose_id(struct msg_bus *b, uint64_t off, size_t size, bool *reused)
{
	struct fault_plan *fault = b->dma->fault;
	int id;

	*reused = false;
	if (fault && fault->id == FAULT_AREA_REUSE) {
		id = meeting(b, off, size);
		if (id > 0 && fault_once(fault, FAULT_AREA_REUSE)) {
			*reused = true;
			return id;
		}
	}
	for (id = 1; id < (int)MSG_BUS_AREAS && id <= (int)msg_area_max(b->rev); id++) {
		if (!b->areas[id].used && !b->areas[id].waiting)
			return id;
	}
	return -1;
}

static uint64_t map(void *ctx, uint64_t ipa, size_t size)
{
	struct msg_bus *b = ctx;
	uint64_t first = ipa & ~(uint64_t)(REALM_GRANULE - 1), off = ipa - first;
	uint32_t pages = (off + size + REALM_GRANULE - 1) / REALM_GRANULE;
	uint64_t handle, after;
	bool reused;
	int id;

	/* the defect: this mapping is announced with the handle of the last, still live */
	if (b->last > 0 && b->areas[b->last].used &&
	    fault_once(b->dma->fault, FAULT_RETRIEVE_TWICE)) {
		ffa_share(b->ffa, b->self, b->peer, first, pages, &handle);
		return b->areas[b->last].bus;
	}
	id = choose_id(b, off, size, &reused);
	if (id < 0)
		return EVENT_NO_ADDR;
	if (reused) {
		ffa_share(b->ffa, b->self, b->peer, first, pages, &handle);
		return bus_address(b, id, off);
	}
	after = first + (uint64_t)pages * REALM_GRANULE;
	/* one too many, of which nobody else has any use */
	if (realm_is_free(b->dma->realm, after, REALM_GRANULE) &&
	    fault_once(b->dma->fault, FAULT_EXCESS_PAGE)) {
		realm_reserve(b->dma->realm, after, REALM_GRANULE);
		pages += !b->dma->fault->dry;
	}
	if (open_area(b, id, first, pages) < 0)
		return EVENT_NO_ADDR;
	b->areas[id].bus = bus_address(b, id, off);
	b->areas[id].size = size;
	b->areas[id].streaming = off || size % REALM_GRANULE;
	if (b->areas[id].streaming)
		b->last = id;
	b->counters.pages += pages;
	b->counters.excess += (uint64_t)pages * REALM_GRANULE - size;
	return b->areas[id].bus;
}

static void unmap(void *ctx, uint64_t bus, size_t size)
{
	struct msg_bus *b = ctx;
	uint64_t id = bus >> msg_area_shift(b->rev);
	struct bus_area *area;
	struct msg m, a;

	(void)size;
	if (!id || id >= MSG_BUS_AREAS || !b->areas[id].used)
		return;
	area = &b->areas[id];
	msg_init(&m, MSG_BUS, MSG_FFA_AREA_UNSHARE, 0, 0, 2);
	put_le16(msg_payload(&m), id);
	b->counters.unshares++;
	area->used = false;
	if (b->last == (int)id)
		b->last = -1;
	if (msg_bus_call(b, &m, &a, 4, NULL) == 0 &&
	    get_le16(msg_payload(&a) + 2) == MSG_AREA_BUSY) {
		area->waiting = true; /* until AREA_RELEASE */
		return;
	}
	ffa_reclaim(b->ffa, b->self, area->handle);
}

void msg_area_released(struct msg_bus *b, uint16_t id)
{
	if (id >= MSG_BUS_AREAS || !b->areas[id].waiting)
		return;
	b->areas[id].waiting = false;
	ffa_reclaim(b->ffa, b->self, b->areas[id].handle);
}

static uint64_t to_ipa(void *ctx, uint64_t bus)
{
	struct msg_bus *b = ctx;
	uint64_t id = bus >> msg_area_shift(b->rev);

	if (id >= MSG_BUS_AREAS || !b->areas[id].used)
		return EVENT_NO_ADDR;
	return b->areas[id].ipa + (bus & (((uint64_t)1 << msg_area_shift(b->rev)) - 1));
}

const struct dma_ops msg_area_ops = { .map = map, .unmap = unmap, .to_ipa = to_ipa };

void msg_area_reclaim_early(struct msg_bus *b)
{
	if (b->last > 0 && b->areas[b->last].used && fault_once(b->dma->fault, FAULT_EARLY_RECLAIM))
		ffa_force_reclaim(b->ffa, b->areas[b->last].handle);
}

int msg_bus_share_pool(struct msg_bus *b, const struct swiotlb_pool *pool, struct err *err)
{
	uint64_t start = swiotlb_pool_start(pool), size = swiotlb_pool_end(pool) - start + 1;
	uint32_t pages = size / REALM_GRANULE;
	uint64_t handle;
	int ret;

	if (ffa_share(b->ffa, b->self, b->peer, start, pages, &handle) != FFA_SUCCESS)
		return err_set(err, EPERM, "pool %s cannot be shared", swiotlb_pool_name(pool));
	/* the tag tells the backend where the area's offsets begin */
	ret = announce(b, 0, handle, pages, start, err);
	if (ret < 0)
		ffa_reclaim(b->ffa, b->self, handle);
	b->counters.pages += pages;
	return ret;
}
