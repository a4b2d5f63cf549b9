/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's search for bounce slots: swiotlb_area_find_slots() of kernel/dma/swiotlb.c. */
#include "lib/cost/pool.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

#define PAGE 4096u
#define WORD 64u

struct area {
	uint32_t next; /* where the next search begins */
	uint32_t used;
};

struct pool {
	uint32_t area_slots;
	unsigned int nareas;
	struct area *areas;
	uint64_t *taken; /* a bit per slot; two words are a segment */
};

uint64_t pool_slots(uint64_t dma, uint64_t size)
{
	uint64_t within = dma & ((1u << POOL_SLOT_SHIFT) - 1);

	return size ? ((within + size - 1) >> POOL_SLOT_SHIFT) + 1 : 1;
}

unsigned int pool_areas(unsigned int cpus)
{
	unsigned int n = 1;

	while (n < cpus && n < 65536)
		n *= 2;
	return n;
}

uint64_t pool_least(unsigned int cpus)
{
	return (uint64_t)pool_areas(cpus) * POOL_SEGMENT;
}

struct pool *pool_new(uint32_t slots, unsigned int areas)
{
	struct pool *p = xcalloc(1, sizeof(*p));

	p->area_slots = slots / areas;
	p->nareas = areas;
	p->areas = xcalloc(areas, sizeof(*p->areas));
	p->taken = xcalloc(slots / WORD, sizeof(*p->taken));
	return p;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	free(p->areas);
	free(p->taken);
	free(p);
}

/* n slots from first on, which lie in one segment, as bits of its two words. */
static void bits_of(uint32_t first, uint32_t n, uint64_t bits[2])
{
	unsigned __int128 mask =
		n < POOL_SEGMENT ? ((unsigned __int128)1 << n) - 1 : ~(unsigned __int128)0;

	mask <<= first % POOL_SEGMENT;
	bits[0] = (uint64_t)mask;
	bits[1] = (uint64_t)(mask >> WORD);
}

static bool is_free(const struct pool *p, uint32_t first, uint32_t n)
{
	const uint64_t *segment = &p->taken[first / POOL_SEGMENT * 2];
	uint64_t bits[2];

	if (first % POOL_SEGMENT + n > POOL_SEGMENT)
		return false;
	bits_of(first, n, bits);
	return !(segment[0] & bits[0]) && !(segment[1] & bits[1]);
}

static uint32_t wrapped(const struct pool *p, uint32_t index)
{
	return index >= p->area_slots ? 0 : index;
}

static uint32_t take_of_area(struct pool *p, unsigned int number, uint32_t n, uint32_t stride)
{
	struct area *a = &p->areas[number];
	uint32_t base = number * p->area_slots, index = a->next, checked = 0;
	uint64_t bits[2];

	if (n > p->area_slots - a->used)
		return POOL_NOWHERE;
	while (checked < p->area_slots) {
		if (index % stride) { /* only where a page begins */
			index = wrapped(p, index + 1);
			checked++;
			continue;
		}
		if (is_free(p, base + index, n)) {
			bits_of(base + index, n, bits);
			p->taken[(base + index) / POOL_SEGMENT * 2] |= bits[0];
			p->taken[(base + index) / POOL_SEGMENT * 2 + 1] |= bits[1];
			a->next = wrapped(p, index + n);
			a->used += n;
			return base + index;
		}
		index = wrapped(p, index + stride);
		checked += stride;
	}
	return POOL_NOWHERE;
}

uint32_t pool_take(struct pool *p, unsigned int cpu, uint32_t slots, uint64_t size)
{
	uint32_t stride = size >= PAGE ? PAGE >> POOL_SLOT_SHIFT : 1;
	unsigned int own = cpu & (p->nareas - 1);

	for (unsigned int i = 0; i < p->nareas; i++) {
		uint32_t first = take_of_area(p, (own + i) & (p->nareas - 1), slots, stride);

		if (first != POOL_NOWHERE)
			return first;
	}
	return POOL_NOWHERE;
}

void pool_give(struct pool *p, uint32_t first, uint32_t slots)
{
	uint64_t bits[2];

	bits_of(first, slots, bits);
	p->taken[first / POOL_SEGMENT * 2] &= ~bits[0];
	p->taken[first / POOL_SEGMENT * 2 + 1] &= ~bits[1];
	p->areas[first / p->area_slots].used -= slots;
}
