/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Address ranges that are collected and then asked. */
#include "lib/judge/types/spans.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

static uint64_t last_of(uint64_t start, uint64_t size)
{
	uint64_t end = start + (size ? size - 1 : 0);

	return end < start ? UINT64_MAX : end;
}

void spans_add(struct spans *s, uint64_t start, uint64_t size)
{
	if (!size)
		return;
	XGROW(s->list, s->count, s->cap);
	s->list[s->count++] = (struct range){ start, last_of(start, size) };
}

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

void spans_join(struct spans *s)
{
	size_t kept = 0;

	if (s->count)
		qsort(s->list, s->count, sizeof(*s->list), by_start);
	for (size_t i = 0; i < s->count; i++) {
		struct range *last = kept ? &s->list[kept - 1] : NULL;

		if (last && (last->end == UINT64_MAX || s->list[i].start <= last->end + 1)) {
			if (s->list[i].end > last->end)
				last->end = s->list[i].end;
		} else {
			s->list[kept++] = s->list[i];
		}
	}
	s->count = kept;
}

void spans_free(struct spans *s)
{
	free(s->list);
	*s = (struct spans){ 0 };
}

/* The first range that ends at or after address, or count. */
static size_t first_reaching(const struct spans *s, uint64_t address)
{
	size_t lo = 0, hi = s->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->list[mid].end < address)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool spans_cover(const struct spans *s, uint64_t start, uint64_t size)
{
	size_t i = first_reaching(s, start);

	return i < s->count && s->list[i].start <= start && s->list[i].end >= last_of(start, size);
}

bool spans_touch(const struct spans *s, uint64_t start, uint64_t size)
{
	size_t i = first_reaching(s, start);

	return i < s->count && s->list[i].start <= last_of(start, size);
}
