/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_RANGE_H
#define CCAIO_LIB_BASE_RANGE_H

#include <stddef.h>
#include <stdint.h>

#define PLATFORM_UNKNOWN UINT64_MAX

enum tri { TRI_UNKNOWN = 0, TRI_NO, TRI_YES };

/* Addresses, both ends inclusive. */
struct range {
	uint64_t start, end;
};

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
