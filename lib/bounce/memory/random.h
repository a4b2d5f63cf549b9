/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MEMORY_RANDOM_H
#define CCAIO_LIB_BOUNCE_MEMORY_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* random - reproducible numbers from a seed (the splitmix64 generator).  Not for secrets. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 … n-1, n > 0. */
static inline uint64_t random_below(uint64_t *state, uint64_t n)
{
	return random_next(state) % n;
}

static inline void random_fill(uint64_t *state, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = random_next(state) >> 32;
}

#endif
