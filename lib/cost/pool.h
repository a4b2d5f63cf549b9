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

struct pool_area {
	uint32_t next; /* where the next search begins */
	uint32_t used;
};

struct pool {
	uint32_t area_slots;
	unsigned int area_shift; /* slots of an area, as a power of two */
	unsigned int nareas;
	struct pool_area *areas;
	uint64_t *taken; /* a bit per slot; two words are a segment */
};

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

#define POOL_WORD 64u
#define POOL_PAGE 4096u

/* pool_take() where the next place is not free, and pool_give() of slots in two words. */
uint32_t pool_take_of_any(struct pool *pool, unsigned int own, uint32_t slots, uint32_t stride);
void pool_give_across(struct pool *pool, uint32_t first, uint32_t slots);

/*
 * Take slots (1 to POOL_SEGMENT) for size bytes, as this CPU would.  Returns the first one's
 * number, or POOL_NOWHERE: the pool is full for this request.
 */
static inline uint32_t pool_take(struct pool *p, unsigned int cpu, uint32_t slots, uint64_t size)
{
	uint32_t stride = size >= POOL_PAGE ? POOL_PAGE >> POOL_SLOT_SHIFT : 1;
	unsigned int own = cpu & (p->nareas - 1);
	struct pool_area *a = &p->areas[own];
	/* most often the place where the last one ended is free: most requests are small */
	uint32_t at = (a->next + stride - 1) & ~(stride - 1) & (p->area_slots - 1);
	uint32_t first = (own << p->area_shift) + at, bit = first % POOL_WORD;
	uint64_t *word = &p->taken[first / POOL_WORD], mask;

	if (slots > POOL_WORD - bit)
		return pool_take_of_any(p, own, slots, stride);
	mask = UINT64_MAX >> (POOL_WORD - slots) << bit;
	if (*word & mask)
		return pool_take_of_any(p, own, slots, stride);
	*word |= mask;
	a->next = (at + slots) & (p->area_slots - 1);
	a->used += slots;
	return first;
}

/* Give back what pool_take() returned. */
static inline void pool_give(struct pool *p, uint32_t first, uint32_t slots)
{
	uint32_t bit = first % POOL_WORD;

	if (slots > POOL_WORD - bit) {
		pool_give_across(p, first, slots);
		return;
	}
	p->taken[first / POOL_WORD] &= ~(UINT64_MAX >> (POOL_WORD - slots) << bit);
	p->areas[first >> p->area_shift].used -= slots;
}

#endif
