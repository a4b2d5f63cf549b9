/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COST_WHERE_H
#define CCAIO_LIB_COST_WHERE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/platform.h"

enum where { WHERE_ELSEWHERE, WHERE_POOL, WHERE_DEFAULT_POOL /* of the kernel's slot counters */ };

/* where - which pool an address is in, as far as the facts tell. */
struct where_map {
	uint64_t shared_bit; /* of the shared alias, 0 unknown; … */
	bool top_bit;	     /* … then it is the highest of an address */
	struct where_pool {
		struct range range;
		enum where where;
	} * pools;
	size_t npools;
};

/* A copy of what platform (which may be NULL) says now. */
void where_map_init(struct where_map *m, const struct platform *platform);
void where_map_release(struct where_map *m);

/* The address without the bit that a Realm's shared alias carries, as far as that is known. */
static inline uint64_t where_plain(const struct where_map *m, uint64_t dma)
{
	if (m->top_bit && dma)
		return dma & ~(1ULL << (63 - __builtin_clzll(dma)));
	return dma & ~m->shared_bit;
}

/* Of all size (not 0) bytes from dma on; plain is where_plain() of it. */
static inline enum where where_is_plain(const struct where_map *m, uint64_t dma, uint64_t plain,
					uint64_t size)
{
	for (size_t i = 0; i < m->npools; i++) {
		const struct where_pool *p = &m->pools[i];

		if (range_contains(&p->range, plain, size) ||
		    (plain != dma && range_contains(&p->range, dma, size)))
			return p->where;
	}
	return WHERE_ELSEWHERE;
}

static inline enum where where_is(const struct where_map *m, uint64_t dma, uint64_t size)
{
	return where_is_plain(m, dma, where_plain(m, dma), size);
}

#endif
