/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_TYPES_PUBLISHED_H
#define CCAIO_LIB_JUDGE_TYPES_PUBLISHED_H

#include "lib/verdict/verdict.h"

/*
 * published - the address ranges that devices were given, outside the slots of known pools.
 *
 * Bounce slots of known pools are in the ledger's table and are listed from there; here is
 * the rest, in ascending order, joined where ranges touch and are of one kind.
 */
struct published {
	struct published_range *ranges;
	size_t count, cap;
	bool full; /* there were more than VERDICT_RANGES */
};

/* [dma, dma + size) as the device sees it; a size of 0 counts as 1. */
void published_add(struct published *p, uint64_t dma, uint64_t size, enum memory_state memory);
void published_free(struct published *p); /* its contents; not the struct itself */

#endif
