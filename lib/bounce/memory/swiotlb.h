/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MEMORY_SWIOTLB_H
#define CCAIO_LIB_BOUNCE_MEMORY_SWIOTLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/event.h"

struct fault_plan;
struct realm;

/*
 * swiotlb - a pool of shared memory in slots, through which mappings bounce.
 *
 * Follows Linux kernel/dma/swiotlb.c and Documentation/core-api/swiotlb.rst: 2 KiB
 * slots; segments of 128 slots that no mapping crosses, so that 256 KiB is the
 * largest; areas, each with its own lock, chosen by the CPU that maps; each slot
 * remembers the original buffer, so that any part of a mapping can be synced.
 * Mapping copies the buffer out whatever the direction, because a device that
 * writes less than the whole buffer must not destroy the rest.
 *
 * Addresses here are guest-physical, without the shared bit.  All functions may be
 * called in several threads; a mapping itself belongs to one caller at a time.
 */
#define SWIOTLB_SLOT 2048u
#define SWIOTLB_SEGMENT 128u /* slots */
#define SWIOTLB_MAX_MAPPING ((size_t)SWIOTLB_SLOT * SWIOTLB_SEGMENT)

struct swiotlb_pool;

/* What a device asks of a slot.  All 0: nothing.  Masks are (power of two) - 1. */
struct swiotlb_need {
	uint64_t min_align_mask; /* these low bits of the original address must be kept */
	uint64_t align_mask;	 /* the slot's address must have these bits clear */
	uint64_t boundary_mask;	 /* a mapping must not cross a multiple of mask + 1; 0 none */
};

/*
 * A pool of size bytes (a multiple of 256 KiB) at start in the Realm's RAM, which
 * becomes shared here, with `areas` (a power of two; reduced until each has a
 * segment).  fault may be NULL.
 */
struct swiotlb_pool *swiotlb_pool_new(struct realm *realm, const char *name, uint64_t start,
				      uint64_t size, unsigned int areas, struct fault_plan *fault);
void swiotlb_pool_free(struct swiotlb_pool *pool); /* accepts NULL */

const char *swiotlb_pool_name(const struct swiotlb_pool *pool);
uint64_t swiotlb_pool_start(const struct swiotlb_pool *pool);
uint64_t swiotlb_pool_end(const struct swiotlb_pool *pool); /* inclusive */
bool swiotlb_pool_contains(const struct swiotlb_pool *pool, uint64_t ipa);

/*
 * Take slots for [orig, orig + size) and copy the buffer out.  Returns the address
 * of the copy; EVENT_NO_ADDR when no slots are free (counted in `full`), when the
 * mapping is too large, or when orig is not RAM.
 */
uint64_t swiotlb_map(struct swiotlb_pool *pool, uint64_t orig, size_t size,
		     const struct swiotlb_need *need);

/* The same without a buffer behind it, page-aligned: coherent memory of restricted pools. */
uint64_t swiotlb_alloc(struct swiotlb_pool *pool, size_t size);

/* Copy [addr, addr + size) back to the buffer, as far as it is mapped; addr may be inside. */
int swiotlb_sync_for_cpu(struct swiotlb_pool *pool, uint64_t addr, size_t size);

/* Copy out again.  Both: -EINVAL when no mapping covers all of the range (nothing is copied). */
int swiotlb_sync_for_device(struct swiotlb_pool *pool, uint64_t addr, size_t size);

/*
 * Give the slots of the mapping at addr back (addr as swiotlb_map returned it); with
 * copy_back copy its size bytes to the buffer first.  -EINVAL: no mapping starts there.
 */
int swiotlb_unmap(struct swiotlb_pool *pool, uint64_t addr, size_t size, bool copy_back);

/* Copy without regard to the mapping's size.  Only for the fault that does so. */
void swiotlb_overrun(struct swiotlb_pool *pool, uint64_t addr, size_t size);

struct swiotlb_counters {
	uint64_t slots; /* in all */
	uint64_t used;
	uint64_t hiwater; /* at once: exact with one area, else the sum of the areas' (>= exact) */
	uint64_t maps, unmaps;
	uint64_t full;	    /* requests refused for want of slots */
	uint64_t too_large; /* requests refused for their size */
};
void swiotlb_counters(struct swiotlb_pool *pool, struct swiotlb_counters *counters);

/* Bytes that the pool keeps besides its memory: the slot table, and all else. */
size_t swiotlb_table_bytes(const struct swiotlb_pool *pool);
size_t swiotlb_other_bytes(const struct swiotlb_pool *pool);

#endif
