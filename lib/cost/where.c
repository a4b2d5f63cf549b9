/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/cost/where.h"

#include "lib/evidence/platform.h"

uint64_t where_plain(const struct platform *p, uint64_t dma)
{
	if (!p)
		return dma;
	if (p->realm.shared_bit)
		return dma & ~p->realm.shared_bit;
	/* facts without it: above all pools only the top bit can be the alias's */
	if (p->realm.is_realm == TRI_YES && dma)
		return dma & ~(1ULL << (63 - __builtin_clzll(dma)));
	return dma;
}

static bool contains(const struct range *r, uint64_t start, uint64_t size)
{
	return start >= r->start && start <= r->end && size - 1 <= r->end - start;
}

enum where where_is(const struct platform *p, uint64_t dma, uint64_t size)
{
	uint64_t plain = where_plain(p, dma);

	for (size_t i = 0; p && i < p->swiotlb.npools; i++) {
		const struct platform_pool *pool = &p->swiotlb.pools[i];

		if (contains(&pool->range, dma, size) || contains(&pool->range, plain, size))
			return platform_pool_is_default(pool) ? WHERE_DEFAULT_POOL : WHERE_POOL;
	}
	return WHERE_ELSEWHERE;
}
