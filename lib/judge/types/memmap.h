/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_TYPES_MEMMAP_H
#define CCAIO_LIB_JUDGE_TYPES_MEMMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/platform.h"
#include "lib/verdict/verdict.h"

/*
 * memmap - who owns a byte: swiotlb pools, decrypted ranges, RAM, the rest.
 *
 * Addresses are plain (without the platform's shared bit).  Live coherent
 * allocations are the ledger's, not this map's.
 */
struct memmap;

/* platform may be NULL: then nothing is known. */
struct memmap *memmap_new(const struct platform *platform);
void memmap_free(struct memmap *map); /* accepts NULL */

/*
 * [start, start + size) became shared / protected (set_memory_decrypted / _encrypted).  A pool's
 * memory that became protected is no pool's until it is shared again.
 */
void memmap_decrypt(struct memmap *map, uint64_t start, uint64_t size);
void memmap_encrypt(struct memmap *map, uint64_t start, uint64_t size);

/*
 * [start, start + size) became shared or protected, and whether it changed back is not known:
 * from now on it is UNKNOWN, but for pools that it made shared.
 */
void memmap_unsettle(struct memmap *map, uint64_t start, uint64_t size, bool shared);
/* Is any byte of the range so? */
bool memmap_is_unsettled(const struct memmap *map, uint64_t start, uint64_t size);

/*
 * What [start, start + size) is: POOL or DECRYPTED where all of it is shared,
 * PROTECTED where all of it is RAM that nobody shared, MIXED where it is partly
 * shared, OUTSIDE where it is not RAM, UNKNOWN where the facts do not reach.
 * A size of 0 is judged as 1 byte.
 */
enum memory_state memmap_state(struct memmap *map, uint64_t start, uint64_t size);

/* Does any byte of the range lie in what is a pool by the facts? */
bool memmap_touches_pool(const struct memmap *map, uint64_t start, uint64_t size);

/* Highest address of RAM and pools; 0 unknown. */
uint64_t memmap_top(const struct memmap *map);

/* May an address that is in no known pool be in an unknown one? */
bool memmap_pools_complete(const struct memmap *map);

#endif
