/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shared address bit: given by the facts, or learnt from bounced maps. */
#include "lib/judge/types/alias.h"

/* All bits at or below the highest one of top. */
static uint64_t mask_of(uint64_t top)
{
	return top ? ~0ull >> __builtin_clzll(top) : 0;
}

void alias_init(struct alias *a, enum guest_alias rule, uint64_t given, uint64_t top,
		bool ram_known)
{
	*a = (struct alias){ .rule = rule, .ram_known = ram_known, .top_mask = mask_of(top) };
	if (rule == ALIAS_NONE)
		return;
	if ((given & (given - 1)) || (given & a->top_mask))
		a->bad_bit = given;
	else
		a->bit = given;
}

/* The one bit above all RAM that an address carries; 0 if it has none, or several. */
static uint64_t bit_above(const struct alias *a, uint64_t addr)
{
	uint64_t extra = addr & ~a->top_mask;

	return a->ram_known && !(extra & (extra - 1)) ? extra : 0;
}

uint64_t alias_plain(const struct alias *a, uint64_t dma, uint64_t *shared)
{
	*shared = 0;
	if (a->rule == ALIAS_SET_IS_SHARED)
		*shared = a->bit ? dma & a->bit : bit_above(a, dma);
	return dma & ~a->bit & ~*shared;
}

bool alias_is_shared(const struct alias *a, uint64_t addr)
{
	return a->rule == ALIAS_SET_IS_SHARED && (addr & a->bit);
}

bool alias_is_protected(const struct alias *a, uint64_t addr)
{
	return a->rule == ALIAS_SET_IS_PROTECTED && (addr & a->bit);
}

uint64_t alias_bounced(struct alias *a, uint64_t orig)
{
	if (a->rule != ALIAS_SET_IS_PROTECTED)
		return orig;
	if (!a->bit && !a->bad_bit) {
		a->bit = bit_above(a, orig);
		a->learnt = a->bit != 0;
	}
	return orig & ~a->bit;
}

void alias_learn(struct alias *a, uint64_t bit, bool in_pool)
{
	if (!alias_learns(a))
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
