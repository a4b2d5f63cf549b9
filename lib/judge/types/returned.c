/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bounded memory of the addresses that were given back. */
#include "lib/judge/types/returned.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

#define ROWS 2048 /* power of two */
#define BLOCK 64  /* rows that are made at once, when one of them is needed */
#define WAYS 4	  /* places in a row: an address may be in those of one */
#define FILTER_BITS 65536
#define MAX_MAYBE_LIVE 64

/* Which addresses are in a row, the oldest first, without a look at the table. */
struct row {
	uint32_t keys[WAYS]; /* of the address, 0 where there is none */
	uint8_t at[WAYS];    /* its place in the table's row */
};

struct returned {
	struct row *blocks[ROWS / BLOCK]; /* NULL: nothing was entered in any row of it */
	struct returned_address (*table)[WAYS];
	uint64_t *forgotten; /* what had to leave the table, by hash; NULL: nothing had to */
	struct returned_address maybe_live[MAX_MAYBE_LIVE]; /* those of the table … */
	size_t nmaybe_live;
	bool maybe_live_lost; /* … but there were more */
};

struct returned *returned_new(void)
{
	struct returned *r = xcalloc(1, sizeof(*r));

	/* not zeroed: of it, only what has a key is read */
	r->table = xrealloc(NULL, ROWS, sizeof(*r->table));
	return r;
}

void returned_free(struct returned *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < ROWS / BLOCK; i++)
		free(r->blocks[i]);
	free(r->table);
	free(r->forgotten);
	free(r);
}

static uint64_t hash(uint16_t dev, uint64_t dma, bool alloc)
{
	uint64_t h = (dma ^ ((uint64_t)dev << 44) ^ ((uint64_t)alloc << 63)) * 0x9e3779b97f4a7c15u;

	return h ^ h >> 32; /* devices differ in the low half, too */
}

static size_t row_of(uint64_t hash)
{
	return (hash >> 32) % ROWS;
}

static uint32_t key_of(uint64_t hash)
{
	return (uint32_t)(hash >> 48 | 1) << 16 | (hash & 0xffff);
}

/* Which bit stands for an address that had to leave the table. */
static uint32_t forgotten_bit(uint32_t key)
{
	return key % FILTER_BITS;
}

static bool is(const struct returned_address *a, uint16_t dev, uint64_t dma, bool alloc)
{
	return a->dma == dma && a->dev == dev && a->alloc == alloc;
}

/* NULL: nothing was entered there. */
static inline struct row *row_at(const struct returned *r, uint64_t hash)
{
	struct row *block = r->blocks[row_of(hash) / BLOCK];

	return block ? &block[row_of(hash) % BLOCK] : NULL;
}

/* Streams may be short, and all rows are more memory than they have events. */
static __attribute__((noinline)) struct row *make_row(struct returned *r, uint64_t hash)
{
	struct row *block = xcalloc(BLOCK, sizeof(*block));

	for (size_t i = 0; i < BLOCK; i++) {
		for (uint8_t k = 0; k < WAYS; k++)
			block[i].at[k] = k;
	}
	r->blocks[row_of(hash) / BLOCK] = block;
	return row_at(r, hash);
}

/* The address's number in its row; WAYS where it is not in the table. */
static inline size_t find(const struct returned *r, const struct row *row, uint64_t hash,
			  uint16_t dev, uint64_t dma, bool alloc)
{
	uint32_t key = key_of(hash);

#pragma GCC unroll 4
	for (size_t i = 0; i < WAYS; i++) {
		if (row->keys[i] == key && is(&r->table[row_of(hash)][row->at[i]], dev, dma, alloc))
			return i;
	}
	return WAYS;
}

const struct returned_address *returned_find(const struct returned *r, uint16_t dev, uint64_t dma,
					     bool alloc)
{
	uint64_t h = hash(dev, dma, alloc);
	const struct row *row = row_at(r, h);
	size_t i = row ? find(r, row, h, dev, dma, alloc) : WAYS;

	return i < WAYS ? &r->table[row_of(h)][row->at[i]] : NULL;
}

void returned_expect(const struct returned *r, uint16_t dev, uint64_t dma)
{
	uint64_t h = hash(dev, dma, false);
	const struct row *row = row_at(r, h);

	if (!row)
		return;
	__builtin_prefetch(row);
	__builtin_prefetch(&r->table[row_of(h)]);
	__builtin_prefetch(&r->table[row_of(h)][WAYS / 2]);
}

/* ---- those that may be live all the same: a sync of a part does not name their start ---- */

static void maybe_live_remove(struct returned *r, uint16_t dev, uint64_t dma, bool alloc)
{
	for (size_t i = 0; i < r->nmaybe_live; i++) {
		if (is(&r->maybe_live[i], dev, dma, alloc))
			r->maybe_live[i--] = r->maybe_live[--r->nmaybe_live];
	}
}

static void maybe_live_add(struct returned *r, const struct returned_address *what)
{
	if (r->nmaybe_live == MAX_MAYBE_LIVE) {
		r->maybe_live_lost = true;
		return;
	}
	r->maybe_live[r->nmaybe_live++] = *what;
}

bool returned_maybe_live(const struct returned *r, uint16_t dev, uint64_t dma, uint64_t size)
{
	size = size ? size : 1;
	for (size_t i = 0; i < r->nmaybe_live; i++) {
		const struct returned_address *a = &r->maybe_live[i];

		if (!a->alloc && a->dev == dev && dma >= a->dma && size <= a->size &&
		    dma - a->dma <= a->size - size)
			return true;
	}
	return r->maybe_live_lost;
}

/* ---- the table ---- */

/* Number in the row for a new address; of a full row, the oldest is forgotten. */
static size_t make_room(struct returned *r, struct row *row)
{
	uint32_t bit = forgotten_bit(row->keys[0]);
	uint8_t place = row->at[0];

#pragma GCC unroll 4
	for (size_t i = 0; i < WAYS; i++) {
		if (!row->keys[i])
			return i;
	}
	if (!r->forgotten)
		r->forgotten = xcalloc(FILTER_BITS / 64, sizeof(*r->forgotten));
	r->forgotten[bit / 64] |= 1ull << (bit % 64);
#pragma GCC unroll 4
	for (size_t i = 0; i < WAYS - 1; i++) {
		row->keys[i] = row->keys[i + 1];
		row->at[i] = row->at[i + 1];
	}
	row->at[WAYS - 1] = place;
	return WAYS - 1;
}

void returned_add(struct returned *r, const struct returned_address *what)
{
	uint64_t h = hash(what->dev, what->dma, what->alloc);
	struct row *row = row_at(r, h);
	size_t i;

	if (!row)
		row = make_row(r, h);
	i = find(r, row, h, what->dev, what->dma, what->alloc);
	if (i == WAYS)
		i = make_room(r, row);
	row->keys[i] = key_of(h);
	r->table[row_of(h)][row->at[i]] = *what;
	if (r->nmaybe_live)
		maybe_live_remove(r, what->dev, what->dma, what->alloc);
	if (what->maybe_live)
		maybe_live_add(r, what);
}

bool returned_remove(struct returned *r, uint16_t dev, uint64_t dma, bool alloc,
		     struct returned_address *was)
{
	uint64_t h = hash(dev, dma, alloc);
	struct row *row = row_at(r, h);
	size_t i;

	if (r->nmaybe_live)
		maybe_live_remove(r, dev, dma, alloc);
	i = row ? find(r, row, h, dev, dma, alloc) : WAYS;
	if (i == WAYS)
		return false;
	*was = r->table[row_of(h)][row->at[i]];
	row->keys[i] = 0;
	return true;
}

bool returned_maybe_forgotten(const struct returned *r, uint16_t dev, uint64_t dma, bool alloc)
{
	uint32_t bit = forgotten_bit(key_of(hash(dev, dma, alloc)));

	return r->forgotten && r->forgotten[bit / 64] >> (bit % 64) & 1;
}
