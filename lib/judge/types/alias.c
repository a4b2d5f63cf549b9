/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shared address bit: given by the facts, or learnt from bounced maps. */
#include "lib/judge/types/alias.h"

/* All bits at or below the highest one of top. */
static uint64_t mask_of(uint64_t top)
{
	return top ? ~0ull >> __builtin_clzll(top) : 0;
}

void alias_init(struct alias *a, uint64_t given, uint64_t top, bool ram_known, bool none)
{
	*a = (struct alias){ .none = none, .ram_known = ram_known, .top_mask = mask_of(top) };
	if (none)
		return;
	if ((given & (given - 1)) || (given & a->top_mask))
		a->bad_bit = given;
	else
		a->bit = given;
}

uint64_t alias_plain(const struct alias *a, uint64_t dma, uint64_t *bit)
{
	uint64_t extra = dma & ~a->top_mask;

	*bit = 0;
	if (a->bit) {
		*bit = dma & a->bit;
		return dma & ~a->bit;
	}
	if (a->none || !a->ram_known || !extra || (extra & (extra - 1)))
		return dma;
	*bit = extra;
	return dma & a->top_mask;
}

void alias_learn(struct alias *a, uint64_t bit, bool in_pool)
{
	if (a->bit || a->none)
		return;
	if (!in_pool)
		a->contradict++;
	else if (!bit)
		a->plain++;
	else
		a->support[__builtin_ctzll(bit)]++;
}

uint64_t alias_inferred(const struct alias *a, uint64_t *pairs)
{
	uint64_t bit = 0;

	*pairs = 0;
	if (a->contradict || a->plain)
		return 0;
	for (unsigned int i = 0; i < 64; i++) {
		if (!a->support[i])
			continue;
		if (bit)
			return 0;
		bit = 1ull << i;
		*pairs = a->support[i];
	}
	return bit;
}
