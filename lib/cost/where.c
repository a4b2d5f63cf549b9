/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/cost/where.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

void where_map_init(struct where_map *m, const struct platform *p)
{
	*m = (struct where_map){ 0 };
	if (!p)
		return;
	m->shared_bit = p->realm.shared_bit;
	/* facts without it: above all pools only the top bit can be the alias's */
	m->top_bit = !m->shared_bit && p->realm.is_realm == TRI_YES;
	m->pools = xcalloc(p->swiotlb.npools, sizeof(*m->pools));
	for (; m->npools < p->swiotlb.npools; m->npools++) {
		const struct platform_pool *pool = &p->swiotlb.pools[m->npools];

		m->pools[m->npools] = (struct where_pool){
			pool->range,
			platform_pool_is_default(pool) ? WHERE_DEFAULT_POOL : WHERE_POOL,
		};
	}
}

void where_map_release(struct where_map *m)
{
	free(m->pools);
}
