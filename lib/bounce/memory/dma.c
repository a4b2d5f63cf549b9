/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/memory/dma.h"

#include <errno.h>
#include <string.h>

#include "lib/bounce/memory/fault.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/memory/trace.h"

#define PAGES(size) (((size) + REALM_GRANULE - 1) & ~(size_t)(REALM_GRANULE - 1))

static struct event event_of(const struct dma_device *dev, enum event_kind kind, enum event_dir dir,
			     uint64_t orig, uint64_t dma, size_t size)
{
	return (struct event){ .kind = kind,
			       .dir = dir,
			       .orig = orig,
			       .dma = dma,
			       .size = size,
			       .dev = dev->name,
			       .flags = dev->trusted ? EVENT_F_PRIVATE : 0 };
}

static void tell(const struct dma_device *dev, enum event_kind kind, enum event_dir dir,
		 uint64_t orig, uint64_t dma, size_t size, uint32_t attrs)
{
	struct event e;

	if (!dev->trace)
		return;
	e = event_of(dev, kind, dir, orig, dma, size);
	e.attrs = attrs;
	bounce_trace_emit(dev->trace, e);
}

static void tell_bounce(const struct dma_device *dev, uint64_t orig, size_t size)
{
	struct event e;

	if (!dev->trace)
		return;
	e = event_of(dev, EVENT_BOUNCE, EVENT_DIR_NONE, orig, EVENT_NO_ADDR, size);
	e.flags |= EVENT_F_NO_DIR | (dev->forced ? EVENT_F_FORCED : 0);
	bounce_trace_emit(dev->trace, e);
}

static uint64_t bit(const struct dma_device *dev)
{
	return realm_shared_bit(dev->realm);
}

/* The pool that a guest-physical address lies in, or NULL. */
static struct swiotlb_pool *swiotlb_of(const struct dma_device *dev, uint64_t ipa)
{
	for (size_t i = 0; i < dev->npools; i++) {
		if (swiotlb_pool_contains(dev->pools[i], ipa))
			return dev->pools[i];
	}
	return NULL;
}

static struct swiotlb_pool *pool_of(const struct dma_device *dev, uint64_t dma)
{
	return swiotlb_of(dev, realm_from_device(bit(dev), dma));
}

static bool needs_bounce(const struct dma_device *dev, uint64_t ipa, size_t size)
{
	if (dev->trusted)
		return false;
	if (!realm_all(dev->realm, ipa, size, REALM_SHARED))
		return true;
	if (realm_to_device(bit(dev), ipa + size - 1) > dev->mask)
		return true;
	return dev->buffer_align && ((ipa | size) & (dev->buffer_align - 1));
}

/* Slots in the first pool that has some and that the device can reach. */
static uint64_t bounce(struct dma_device *dev, uint64_t ipa, size_t size)
{
	for (size_t i = 0; i < dev->npools; i++) {
		uint64_t tlb;

		if (realm_to_device(bit(dev), swiotlb_pool_end(dev->pools[i])) > dev->mask)
			continue;
		tlb = swiotlb_map(dev->pools[i], ipa, size, &dev->need);
		if (tlb != EVENT_NO_ADDR)
			return realm_to_device(bit(dev), tlb);
	}
	return EVENT_NO_ADDR;
}

/* The defects that concern which address is published; dma is the right one. */
static uint64_t misplace(struct dma_device *dev, uint64_t ipa, uint64_t dma)
{
	if (fault_once(dev->fault, FAULT_PUBLISH_ORIGINAL))
		return ipa;
	if (fault_once(dev->fault, FAULT_OFF_BY_GRANULE)) /* a slot that is no longer in the pool */
		return realm_to_device(bit(dev), swiotlb_pool_end(pool_of(dev, dma)) + 1);
	return dma;
}

/*
 * The address for a buffer.  reported: the bounce event comes with it (in a list, the
 * events of all bounces come before the one of the map).
 */
static uint64_t map_one(struct dma_device *dev, uint64_t ipa, size_t size)
{
	uint64_t dma;

	if (dev->ops)
		return dev->ops->map(dev->ops_ctx, ipa, size);
	if (dev->trusted) /* private memory by its private address; never a pool (RFC of arm-cca
			     TDISP) */
		return realm_all(dev->realm, ipa, size, REALM_PROTECTED)
			       ? ipa
			       : realm_to_device(bit(dev), ipa);
	if (!needs_bounce(dev, ipa, size))
		return realm_to_device(bit(dev), ipa);
	if (fault_once(dev->fault, FAULT_NO_BOUNCE))
		return ipa;
	if (dev->fault && dev->fault->id == FAULT_STALE_SLOT) {
		unsigned int before = dev->fault->hits;

		dma = bounce(dev, ipa, size);
		if (dev->fault->hits == before)
			tell_bounce(dev, ipa, size);
		return dma;
	}
	if (size > 64 && fault_once(dev->fault, FAULT_PAST_END)) {
		tell_bounce(dev, ipa, size / 2);
		return bounce(dev, ipa, size / 2);
	}
	tell_bounce(dev, ipa, size);
	dma = bounce(dev, ipa, size);
	return dma == EVENT_NO_ADDR ? dma : misplace(dev, ipa, dma);
}

uint64_t dma_map(struct dma_device *dev, uint64_t ipa, size_t size, enum event_dir dir,
		 uint32_t attrs)
{
	uint64_t dma;

	if (dev->bypass)
		return ipa;
	if (!size || !realm_ptr(dev->realm, ipa, size))
		return EVENT_NO_ADDR;
	dma = map_one(dev, ipa, size);
	if (fault_once(dev->fault, FAULT_WRONG_DIRECTION))
		dir = dir == EVENT_TO_DEVICE ? EVENT_FROM_DEVICE : EVENT_TO_DEVICE;
	tell(dev, EVENT_MAP, dir, ipa, dma, size, attrs);
	return dma;
}

uint64_t dma_map_unbounced(struct dma_device *dev, uint64_t ipa, size_t size, enum event_dir dir)
{
	tell(dev, EVENT_MAP, dir, ipa, ipa, size, 0);
	return ipa;
}

uint64_t dma_map_at(struct dma_device *dev, uint64_t ipa, uint64_t at, size_t size,
		    enum event_dir dir)
{
	uint64_t dma = realm_to_device(bit(dev), at);

	tell(dev, EVENT_MAP, dir, ipa, dma, size, 0);
	return dma;
}

/* Undo map_one, after the event. */
static void unmap_one(struct dma_device *dev, uint64_t dma, size_t size, enum event_dir dir,
		      uint32_t attrs)
{
	struct swiotlb_pool *pool;
	bool in = dir == EVENT_FROM_DEVICE || dir == EVENT_BIDIRECTIONAL;

	if (dev->ops) {
		dev->ops->unmap(dev->ops_ctx, dma, size);
		return;
	}
	pool = pool_of(dev, dma);
	if (pool)
		swiotlb_unmap(pool, realm_from_device(bit(dev), dma), size,
			      in && !(attrs & EVENT_ATTR_SKIP_CPU_SYNC));
}

void dma_unmap(struct dma_device *dev, uint64_t dma, size_t size, enum event_dir dir,
	       uint32_t attrs)
{
	struct swiotlb_pool *pool;

	if (dev->bypass)
		return;
	pool = dev->ops ? NULL : pool_of(dev, dma);
	if (dir == EVENT_FROM_DEVICE && !(attrs & EVENT_ATTR_SKIP_CPU_SYNC)) {
		if (fault_once(dev->fault, FAULT_NO_COPY_BACK))
			dir = EVENT_TO_DEVICE;
		else if (pool && fault_once(dev->fault, FAULT_LONG_COPY_BACK)) {
			tell(dev, EVENT_UNMAP, dir, EVENT_NO_ADDR, dma, size + 128, attrs);
			swiotlb_overrun(pool, realm_from_device(bit(dev), dma), size + 128);
			unmap_one(dev, dma, size, EVENT_TO_DEVICE, attrs);
			return;
		}
	}
	tell(dev, EVENT_UNMAP, dir, EVENT_NO_ADDR, dma, size, attrs);
	unmap_one(dev, dma, size, dir, attrs);
	if (fault_once(dev->fault, FAULT_USE_AFTER_UNMAP))
		dma_sync_for_cpu(dev, dma, size, dir);
}

int dma_map_sg(struct dma_device *dev, struct dma_sg *sg, size_t n, enum event_dir dir,
	       uint32_t attrs)
{
	struct event e;
	size_t done;

	if (dev->max_segments && n > dev->max_segments)
		return -EINVAL;
	for (done = 0; done < n; done++) {
		sg[done].dma =
			dev->bypass ? sg[done].ipa : map_one(dev, sg[done].ipa, sg[done].size);
		if (sg[done].dma == EVENT_NO_ADDR)
			goto undo;
	}
	for (size_t i = 0; i < n && !dev->bypass && dev->trace; i++) {
		e = event_of(dev, EVENT_MAP, dir, sg[i].ipa, sg[i].dma, sg[i].size);
		e.flags |= EVENT_F_SG;
		e.attrs = attrs;
		bounce_trace_emit(dev->trace, e);
	}
	return 0;
undo:
	for (size_t i = 0; i < n; i++)
		tell(dev, EVENT_MAP_FAILED, dir, sg[i].ipa, EVENT_NO_ADDR, 0, attrs);
	while (done-- > 0)
		unmap_one(dev, sg[done].dma, sg[done].size, dir, EVENT_ATTR_SKIP_CPU_SYNC);
	return -ENOMEM;
}

void dma_unmap_sg(struct dma_device *dev, struct dma_sg *sg, size_t n, enum event_dir dir,
		  uint32_t attrs)
{
	if (dev->bypass)
		return;
	for (size_t i = 0; i < n && dev->trace; i++) {
		struct event e = event_of(dev, EVENT_UNMAP, dir, sg[i].ipa, EVENT_NO_ADDR, 0);

		e.flags |= EVENT_F_SG | EVENT_F_BY_ORIG;
		e.attrs = attrs;
		bounce_trace_emit(dev->trace, e);
	}
	for (size_t i = 0; i < n; i++)
		unmap_one(dev, sg[i].dma, sg[i].size, dir, attrs);
}

static size_t total_size(const struct dma_sg *sg, size_t n)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += sg[i].size;
	return total;
}

/* Between the pieces and the one buffer; in: towards the pieces. */
static void gather(struct dma_device *dev, const struct dma_sg *sg, size_t n, uint64_t linear,
		   bool in)
{
	uint8_t *at = realm_ptr(dev->realm, linear, total_size(sg, n));

	for (size_t i = 0; i < n; i++) {
		uint8_t *piece = realm_ptr(dev->realm, sg[i].ipa, sg[i].size);

		memcpy(in ? piece : at, in ? at : piece, sg[i].size);
		at += sg[i].size;
	}
}

uint64_t dma_map_gather(struct dma_device *dev, const struct dma_sg *sg, size_t n,
			enum event_dir dir, uint64_t *linear)
{
	uint64_t dma;

	for (size_t i = 0; i < n; i++) {
		if (!realm_ptr(dev->realm, sg[i].ipa, sg[i].size))
			return EVENT_NO_ADDR;
	}
	*linear = realm_alloc(dev->realm, total_size(sg, n), 64);
	if (*linear == REALM_NO_ADDR)
		return EVENT_NO_ADDR;
	gather(dev, sg, n, *linear, false);
	dma = dma_map(dev, *linear, total_size(sg, n), dir, 0);
	if (dma == EVENT_NO_ADDR)
		realm_release(dev->realm, *linear, total_size(sg, n));
	return dma;
}

void dma_unmap_gather(struct dma_device *dev, uint64_t dma, const struct dma_sg *sg, size_t n,
		      enum event_dir dir, uint64_t linear)
{
	dma_unmap(dev, dma, total_size(sg, n), dir, 0);
	if (dir != EVENT_TO_DEVICE)
		gather(dev, sg, n, linear, true);
	realm_release(dev->realm, linear, total_size(sg, n));
}

static void sync_one(struct dma_device *dev, enum event_kind kind, uint64_t dma, size_t size,
		     enum event_dir dir)
{
	struct swiotlb_pool *pool;

	if (dev->bypass)
		return;
	if (dev->foreign && fault_once(dev->fault, FAULT_SYNC_FOREIGN))
		dma = dev->foreign;
	tell(dev, kind, dir, EVENT_NO_ADDR, dma, size, 0);
	pool = dev->ops ? NULL : pool_of(dev, dma);
	if (!pool)
		return;
	dma = realm_from_device(bit(dev), dma);
	if (kind == EVENT_SYNC_CPU && dir != EVENT_TO_DEVICE)
		swiotlb_sync_for_cpu(pool, dma, size);
	if (kind == EVENT_SYNC_DEVICE && dir != EVENT_FROM_DEVICE)
		swiotlb_sync_for_device(pool, dma, size);
}

void dma_sync_for_cpu(struct dma_device *dev, uint64_t dma, size_t size, enum event_dir dir)
{
	sync_one(dev, EVENT_SYNC_CPU, dma, size, dir);
}

void dma_sync_for_device(struct dma_device *dev, uint64_t dma, size_t size, enum event_dir dir)
{
	sync_one(dev, EVENT_SYNC_DEVICE, dma, size, dir);
}

/*
 * A change of state, by address; behind a bus with its own addresses also by the
 * linear-map address, as a probe on the kernel's function has it.
 */
static void tell_state(struct dma_device *dev, enum event_kind kind, uint64_t ipa, size_t size)
{
	struct event e;

	if (!dev->trace)
		return;
	e = event_of(dev, kind, EVENT_DIR_NONE, ipa, EVENT_NO_ADDR, size);
	e.link = 0xffff000000000000u | ipa;
	bounce_trace_emit(dev->trace, e);
	if (!dev->ops)
		return;
	e.flags |= EVENT_F_VIRT;
	e.orig = EVENT_NO_ADDR;
	bounce_trace_emit(dev->trace, e);
}

int dma_decrypt(struct dma_device *dev, uint64_t ipa, size_t size)
{
	int ret = realm_set_state(dev->realm, ipa, size, REALM_SHARED);

	if (ret == 0)
		tell_state(dev, EVENT_DECRYPT, ipa, size);
	return ret;
}

int dma_encrypt(struct dma_device *dev, uint64_t ipa, size_t size)
{
	int ret = realm_set_state(dev->realm, ipa, size, REALM_PROTECTED);

	if (ret == 0)
		tell_state(dev, EVENT_ENCRYPT, ipa, size);
	return ret;
}

/* Coherent memory of our own pages: shared, unless the device may see protected memory. */
static int alloc_pages(struct dma_device *dev, struct dma_coherent *mem)
{
	size_t size = PAGES(mem->size), shared = size;

	if (!dev->ops && !dev->trusted && !dev->bypass && fault_once(dev->fault, FAULT_EXCESS_PAGE))
		size += REALM_GRANULE; /* an own page, but one too many */
	mem->ipa = realm_alloc(dev->realm, size, REALM_GRANULE);
	if (mem->ipa == REALM_NO_ADDR)
		return -ENOMEM;
	memset(realm_ptr(dev->realm, mem->ipa, size), 0, size);
	mem->dma = mem->ipa;
	if (!dev->trusted && !dev->bypass && fault_always(dev->fault, FAULT_RING_PROTECTED))
		return 0;
	if (dev->ops) {
		mem->dma = dev->ops->map(dev->ops_ctx, mem->ipa, size);
		if (mem->dma == EVENT_NO_ADDR) {
			realm_release(dev->realm, mem->ipa, size);
			return -ENOMEM;
		}
		return 0;
	}
	if (dev->trusted || dev->bypass)
		return 0;
	mem->dma = realm_to_device(bit(dev), mem->ipa);
	return dma_decrypt(dev, mem->ipa, dev->fault && dev->fault->dry ? shared : size);
}

int dma_alloc(struct dma_device *dev, size_t size, struct dma_coherent *mem)
{
	struct event e;
	int ret = 0;

	mem->size = size;
	if (dev->restricted && !dev->ops &&
	    (!dev->fault || dev->fault->id != FAULT_RING_PROTECTED)) {
		mem->ipa = swiotlb_alloc(dev->pools[0], size);
		if (mem->ipa == EVENT_NO_ADDR)
			ret = -ENOMEM;
		else
			mem->dma = realm_to_device(bit(dev), mem->ipa);
	} else {
		ret = alloc_pages(dev, mem);
	}
	if (ret < 0) {
		mem->size = 0;
		return ret;
	}
	if (dev->bypass || !dev->trace)
		return 0;
	e = event_of(dev, EVENT_ALLOC, EVENT_BIDIRECTIONAL, EVENT_NO_ADDR, mem->dma, size);
	e.link = 0xffff000000000000u | mem->ipa; /* a linear-map address, as a kernel shows */
	bounce_trace_emit(dev->trace, e);
	return 0;
}

void dma_free(struct dma_device *dev, struct dma_coherent *mem)
{
	struct event e;
	size_t size = PAGES(mem->size);

	if (!mem->size)
		return;
	if (!dev->bypass && dev->trace) {
		e = event_of(dev, EVENT_FREE, EVENT_BIDIRECTIONAL, EVENT_NO_ADDR, mem->dma,
			     mem->size);
		e.link = 0xffff000000000000u | mem->ipa;
		bounce_trace_emit(dev->trace, e);
	}
	if (swiotlb_of(dev, mem->ipa)) {
		swiotlb_unmap(swiotlb_of(dev, mem->ipa), mem->ipa, mem->size, false);
	} else if (dev->ops) {
		dev->ops->unmap(dev->ops_ctx, mem->dma, size);
		realm_release(dev->realm, mem->ipa, size);
	} else {
		if (realm_state(dev->realm, mem->ipa) == REALM_SHARED)
			dma_encrypt(dev, mem->ipa, size);
		if (!dev->fault || dev->fault->id != FAULT_EXCESS_PAGE)
			realm_release(dev->realm, mem->ipa, size);
	}
	mem->size = 0;
}
