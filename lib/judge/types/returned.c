/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bounded memory of the addresses that were given back. */
#include "lib/judge/types/returned.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

#define TABLE_SIZE 8192	  /* power of two, as are … */
#define WAYS 4		  /* … the places where an address may be */
#define FILTER_BITS 65536 /* power of two */
#define MAX_MAYBE_LIVE 64

struct returned {
	struct returned_address table[TABLE_SIZE];
	uint64_t forgotten[FILTER_BITS / 64]; /* what had to leave the table, by hash */
	struct returned_address maybe_live[MAX_MAYBE_LIVE]; /* those of the table … */
	size_t nmaybe_live;
	bool maybe_live_lost; /* … but there were more */
};

struct returned *returned_new(void)
{
	return xcalloc(1, sizeof(struct returned));
}

void returned_free(struct returned *r)
{
	free(r);
}

static uint64_t hash(uint16_t dev, uint64_t dma, bool alloc)
{
	uint64_t h = (dma ^ ((uint64_t)dev << 44) ^ ((uint64_t)alloc << 63)) * 0x9e3779b97f4a7c15u;

	return h ^ h >> 32; /* devices differ in the low half, too */
}

/* Index of the first of the WAYS places where an address may be. */
static size_t row_of(uint16_t dev, uint64_t dma, bool alloc)
{
	return (hash(dev, dma, alloc) >> 32) % (TABLE_SIZE / WAYS) * WAYS;
}

static bool is(const struct returned_address *a, uint16_t dev, uint64_t dma, bool alloc)
{
	return a->used && a->dma == dma && a->dev == dev && a->alloc == alloc;
}

const struct returned_address *returned_find(const struct returned *r, uint16_t dev, uint64_t dma,
					     bool alloc)
{
	const struct returned_address *row = &r->table[row_of(dev, dma, alloc)];

	for (size_t i = 0; i < WAYS; i++) {
		if (is(&row[i], dev, dma, alloc))
			return &row[i];
	}
	return NULL;
}

/* Which bit stands for an address that had to leave the table. */
static uint64_t forgotten_bit(uint16_t dev, uint64_t dma, bool alloc)
{
	return hash(dev, dma, alloc) % FILTER_BITS;
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
	r->maybe_live[r->nmaybe_live] = *what;
	r->maybe_live[r->nmaybe_live++].used = true;
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

/* A place for an address; of a full row, the oldest is forgotten. */
static struct returned_address *place(struct returned *r, const struct returned_address *what)
{
	struct returned_address *row = &r->table[row_of(what->dev, what->dma, what->alloc)];
	uint64_t bit;

	for (size_t i = 0; i < WAYS; i++) {
		if (is(&row[i], what->dev, what->dma, what->alloc))
			return &row[i];
	}
	for (size_t i = 0; i < WAYS; i++) {
		if (!row[i].used)
			return &row[i];
	}
	bit = forgotten_bit(row[0].dev, row[0].dma, row[0].alloc);
	r->forgotten[bit / 64] |= 1ull << (bit % 64);
	memmove(&row[0], &row[1], (WAYS - 1) * sizeof(row[0]));
	return &row[WAYS - 1];
}

void returned_add(struct returned *r, const struct returned_address *what)
{
	struct returned_address *a = place(r, what);

	*a = *what;
	a->used = true;
	maybe_live_remove(r, what->dev, what->dma, what->alloc);
	if (what->maybe_live)
		maybe_live_add(r, what);
}

void returned_remove(struct returned *r, uint16_t dev, uint64_t dma, bool alloc)
{
	struct returned_address *row = &r->table[row_of(dev, dma, alloc)];

	for (size_t i = 0; i < WAYS; i++) {
		if (is(&row[i], dev, dma, alloc)) {
			row[i].used = false;
			break;
		}
	}
	maybe_live_remove(r, dev, dma, alloc);
}

bool returned_maybe_forgotten(const struct returned *r, uint16_t dev, uint64_t dma, bool alloc)
{
	uint64_t bit = forgotten_bit(dev, dma, alloc);

	return r->forgotten[bit / 64] >> (bit % 64) & 1;
}
