/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's search for bounce slots: swiotlb_area_find_slots() of kernel/dma/swiotlb.c. */
#include "lib/cost/pool.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

#define WORD POOL_WORD

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
	p->area_shift = (unsigned int)__builtin_ctz(p->area_slots);
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

/* As one number. */
typedef unsigned __int128 segment;

static segment segment_at(const uint64_t *words, uint32_t first)
{
	const uint64_t *w = &words[first / POOL_SEGMENT * 2];

	return (segment)w[1] << WORD | w[0];
}

/* Turn n bits over, of which all are alike. */
static inline void flip(uint64_t *words, uint32_t first, uint32_t n)
{
	uint64_t *w = &words[first / WORD];
	uint32_t at = first % WORD, here = n < WORD - at ? n : WORD - at;

	w[0] ^= UINT64_MAX >> (WORD - here) << at;
	if (n -= here) /* at most two words: it crosses no segment */
		w[1] ^= UINT64_MAX >> (WORD - n);
}

/* The first place from `from` on where n slots are free and a request may begin; or POOL_SEGMENT.
 */
static uint32_t find_free(segment taken, uint32_t from, uint32_t n, uint32_t stride)
{
	segment free = ~taken; /* of how many slots from here on: run */
	uint64_t low;

	for (uint32_t run = 1, step; run < n; run += step) {
		step = run < n - run ? run : n - run;
		free &= free >> step; /* nothing is free behind the segment's end */
	}
	if (stride > 1)
		free &= ~(segment)0 / 3; /* every second slot: where pages begin */
	free &= ~(segment)0 << from;
	low = (uint64_t)free;
	if (low)
		return (uint32_t)__builtin_ctzll(low);
	return free ? WORD + (uint32_t)__builtin_ctzll((uint64_t)(free >> WORD)) : POOL_SEGMENT;
}

/* The kernel tries slot after slot from next on, around the area. */
static uint32_t search(const uint64_t *words, uint32_t next, uint32_t slots, uint32_t n,
		       uint32_t stride)
{
	uint32_t start = next & ~(POOL_SEGMENT - 1), from = next % POOL_SEGMENT, at;

	for (uint32_t tried = 0; tried <= slots; tried += POOL_SEGMENT, from = 0) {
		at = find_free(segment_at(words, start), from, n, stride);
		if (at < POOL_SEGMENT)
			return start + at;
		start = (start + POOL_SEGMENT) & (slots - 1);
	}
	return POOL_NOWHERE;
}

static uint32_t take_of_area(struct pool *p, unsigned int number, uint32_t n, uint32_t stride)
{
	struct pool_area *a = &p->areas[number];
	uint64_t *words = &p->taken[((size_t)number << p->area_shift) / WORD];
	uint32_t at;

	if (n > p->area_slots - a->used)
		return POOL_NOWHERE;
	at = search(words, a->next, p->area_slots, n, stride);
	if (at == POOL_NOWHERE)
		return POOL_NOWHERE;
	flip(words, at, n);
	a->next = (at + n) & (p->area_slots - 1);
	a->used += n;
	return (number << p->area_shift) + at;
}

uint32_t pool_take_of_any(struct pool *p, unsigned int own, uint32_t n, uint32_t stride)
{
	for (unsigned int i = 0; i < p->nareas; i++) {
		uint32_t first = take_of_area(p, (own + i) & (p->nareas - 1), n, stride);

		if (first != POOL_NOWHERE)
			return first;
	}
	return POOL_NOWHERE;
}

void pool_give_across(struct pool *p, uint32_t first, uint32_t slots)
{
	flip(p->taken, first, slots);
	p->areas[first >> p->area_shift].used -= slots;
}
