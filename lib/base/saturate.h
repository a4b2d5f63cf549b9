/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_SATURATE_H
#define CCAIO_LIB_BASE_SATURATE_H

#include <stdint.h>

/*
 * saturate - arithmetic that stops at UINT64_MAX instead of beginning anew at 0.
 *
 * For sums of what others tell: an absurd number must come out as a large one, not as none.
 */
static inline uint64_t saturate_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static inline uint64_t saturate_mul(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

#endif
