/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/extents.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

void extents_release(struct extents *e)
{
	free(e->list);
	memset(e, 0, sizeof(*e));
}

/* The first extent that ends at or after start. */
static size_t lower(const struct extents *e, uint64_t start)
{
	size_t lo = 0, hi = e->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->list[mid].end < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint64_t extents_overlap(const struct extents *e, uint64_t start, uint64_t end)
{
	uint64_t sum = 0;

	for (size_t i = lower(e, start); i < e->count && e->list[i].start < end; i++) {
		uint64_t s = e->list[i].start > start ? e->list[i].start : start;
		uint64_t t = e->list[i].end < end ? e->list[i].end : end;

		if (t > s)
			sum += t - s;
	}
	return sum;
}

bool extents_next_hole(const struct extents *e, uint64_t start, uint64_t end, struct extent *hole)
{
	size_t i = lower(e, start);

	if (i < e->count && e->list[i].start <= start && e->list[i].end > start) {
		start = e->list[i].end;
		i++;
	} else if (i < e->count && e->list[i].end <= start) {
		i++; /* touches, but holds nothing of it */
	}
	if (i < e->count && e->list[i].start < end)
		end = e->list[i].start;
	*hole = (struct extent){ start, end };
	return start < end;
}

static void close_smallest_hole(struct extents *e)
{
	size_t best = 0;

	for (size_t i = 1; i + 1 < e->count; i++)
		if (e->list[i + 1].start - e->list[i].end <
		    e->list[best + 1].start - e->list[best].end)
			best = i;
	e->forgotten += e->list[best + 1].start - e->list[best].end;
	e->list[best].end = e->list[best + 1].end;
	memmove(&e->list[best + 1], &e->list[best + 2], (e->count - best - 2) * sizeof(*e->list));
	e->count--;
}

static void fresh_hull(const struct extents *e, struct extent range, struct extent *fresh)
{
	*fresh = range;
	for (size_t i = lower(e, range.start); i < e->count && e->list[i].start < range.end; i++) {
		if (e->list[i].start <= fresh->start && e->list[i].end > fresh->start)
			fresh->start = e->list[i].end;
		if (e->list[i].end >= fresh->end && e->list[i].start < fresh->end)
			fresh->end = e->list[i].start;
	}
	if (fresh->end < fresh->start)
		fresh->end = fresh->start;
}

uint64_t extents_add(struct extents *e, uint64_t start, uint64_t end, struct extent *fresh)
{
	uint64_t added;
	size_t first, last;

	if (fresh)
		fresh_hull(e, (struct extent){ start, end }, fresh);
	if (end <= start)
		return 0;
	added = end - start - extents_overlap(e, start, end);
	first = lower(e, start);
	for (last = first; last < e->count && e->list[last].start <= end; last++) {
		if (e->list[last].start < start)
			start = e->list[last].start;
		if (e->list[last].end > end)
			end = e->list[last].end;
	}
	if (last == first) {
		XGROW(e->list, e->count, e->cap);
		memmove(&e->list[first + 1], &e->list[first],
			(e->count - first) * sizeof(*e->list));
		e->count++;
	} else {
		memmove(&e->list[first + 1], &e->list[last], (e->count - last) * sizeof(*e->list));
		e->count -= last - first - 1;
	}
	e->list[first] = (struct extent){ start, end };
	if (e->count > EXTENTS_MAX)
		close_smallest_hole(e);
	return added;
}
