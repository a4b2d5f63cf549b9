/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_RANGE_H
#define CCAIO_LIB_BASE_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLATFORM_UNKNOWN UINT64_MAX

enum tri { TRI_UNKNOWN = 0, TRI_NO, TRI_YES };

/* Addresses, both ends inclusive. */
struct range {
	uint64_t start, end;
};

/* All size bytes from start on; size 0 lies where its address lies. */
static inline bool range_contains(const struct range *outer, uint64_t start, uint64_t size)
{
	/* no sum here may wrap around */
	uint64_t last = size ? size - 1 : 0;

	return start >= outer->start && start <= outer->end && last <= outer->end - start;
}

/*
 * Of count structs of this size, each with a range first, disjoint and in ascending order: the
 * index of the first that ends at or after the address, count where none does.
 */
static inline size_t range_reaching(const void *list, size_t count, size_t size, uint64_t address)
{
	size_t lo = 0, hi = count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct range *range =
			(const void *)((const unsigned char *)list + mid * size);

		if (range->end < address)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

#endif
