/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of published address ranges. */
#include "lib/judge/types/published.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/range.h"
#include "lib/base/xalloc.h"

/* First listed range that ends at or after addr. */
static size_t first_reaching(const struct published *p, uint64_t addr)
{
	return range_reaching(p->ranges, p->count, sizeof(*p->ranges), addr);
}

void published_add(struct published *p, uint64_t dma, uint64_t size, enum memory_state memory)
{
	struct published_range r = { .range = { dma, dma + (size ? size - 1 : 0) },
				     .memory = memory,
				     .count = 1 };
	size_t from, to;

	if (r.range.end < dma)
		r.range.end = UINT64_MAX;
	from = to = first_reaching(p, dma ? dma - 1 : 0);
	for (; to < p->count && p->ranges[to].memory == memory &&
	       (r.range.end == UINT64_MAX || p->ranges[to].range.start <= r.range.end + 1);
	     to++) {
		if (p->ranges[to].range.start < r.range.start)
			r.range.start = p->ranges[to].range.start;
		if (p->ranges[to].range.end > r.range.end)
			r.range.end = p->ranges[to].range.end;
		r.count += p->ranges[to].count;
	}
	if (to == from + 1) {
		p->ranges[from] = r;
		return;
	}
	if (to == from && p->count == VERDICT_RANGES) {
		p->full = true;
		return;
	}
	if (to == from)
		XGROW(p->ranges, p->count, p->cap);
	memmove(&p->ranges[from + 1], &p->ranges[to], (p->count - to) * sizeof(r));
	p->count = p->count - (to - from) + 1;
	p->ranges[from] = r;
}

void published_free(struct published *p)
{
	free(p->ranges);
}
