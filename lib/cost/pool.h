/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COST_POOL_H
#define CCAIO_LIB_COST_POOL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * pool - a bounce pool as the kernel hands out its slots (Linux kernel/dma/swiotlb.c), without
 * memory behind it: would a request find room, and where?
 *
 * Slots are of 2 KiB.  128 of them are a segment, which no mapping crosses.  The pool is
 * divided into areas; a CPU searches its own first, from where it found room last, then the
 * next ones.  A request of a page or more begins at a page; pages are taken as 4 KiB.
 */
#define POOL_SLOT_SHIFT 11   /* IO_TLB_SHIFT, Linux include/linux/swiotlb.h */
#define POOL_SEGMENT 128u    /* IO_TLB_SEGSIZE, slots: 256 KiB */
#define POOL_MOST (1u << 20) /* slots of the largest pool here: 2 GiB */
#define POOL_NOWHERE UINT32_MAX

struct pool;

/*
 * Slots that size bytes take where the device's address is dma.  What a device requires of its
 * addresses (dma_get_min_align_mask) may take more before that.
 */
static inline uint64_t pool_slots(uint64_t dma, uint64_t size)
{
	uint64_t within = dma & ((1u << POOL_SLOT_SHIFT) - 1);

	return size ? ((within + size - 1) >> POOL_SLOT_SHIFT) + 1 : 1;
}

/* Slots of the smallest pool that a kernel makes for this many CPUs (0: 1): a segment in each of
 * as many areas as pool_areas() says. */
uint64_t pool_least(unsigned int cpus);
/* The kernel's areas: the CPUs, rounded up to a power of two; CPUs above 65,536 are ignored. */
unsigned int pool_areas(unsigned int cpus);

/* slots and areas are powers of two, slots at least areas * POOL_SEGMENT and at most POOL_MOST. */
struct pool *pool_new(uint32_t slots, unsigned int areas);
void pool_free(struct pool *pool); /* accepts NULL */

/*
 * Take slots (1 to POOL_SEGMENT) for size bytes, as this CPU would.  Returns the first one's
 * number, or POOL_NOWHERE: the pool is full for this request.
 */
uint32_t pool_take(struct pool *pool, unsigned int cpu, uint32_t slots, uint64_t size);
/* Give back what pool_take() returned. */
void pool_give(struct pool *pool, uint32_t first, uint32_t slots);

#endif
