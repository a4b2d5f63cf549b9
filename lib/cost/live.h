/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COST_LIVE_H
#define CCAIO_LIB_COST_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cost/forecast.h"

/*
 * live - the bounced mappings that hold slots now, found as their end will name them.
 *
 * A hash table; memory grows with what is live, to LIVE_MOST entries.
 */
#define LIVE_MOST (1u << 20)

struct live {
	uint64_t key; /* address in the pool, without the shared bit; with by_orig the buffer */
	bool by_orig; /* an entry of a list: dma_unmap_sg() names the buffer */
	uint16_t dev;
	uint8_t dir;	/* enum event_dir */
	uint32_t slots; /* 0: this entry of the table is free */
	uint64_t size;	/* bytes mapped */
	struct placed placed;
};

/* Open addressing, the capacity a power of two. */
struct live_table {
	struct live *entries;
	size_t capacity, count;
};

struct live_table *live_new(void);
void live_free(struct live_table *t); /* accepts NULL */

/* Where an entry of this key is, or behind it. */
static inline size_t live_home(const struct live_table *t, uint64_t key)
{
	return (key * 0x9e3779b97f4a7c15u >> 32) & (t->capacity - 1);
}

/* The entry, or NULL.  Valid until the next call that adds or removes one. */
static inline struct live *live_find(const struct live_table *t, uint64_t key, bool by_orig,
				     uint16_t dev)
{
	for (size_t i = live_home(t, key); t->entries[i].slots; i = (i + 1) & (t->capacity - 1)) {
		struct live *e = &t->entries[i];

		if (e->key == key && e->by_orig == by_orig && (!by_orig || e->dev == dev))
			return e;
	}
	return NULL;
}

/* An event that names this key comes soon: fetch its entry into the cache. */
static inline void live_expect(const struct live_table *t, uint64_t key)
{
	__builtin_prefetch(&t->entries[live_home(t, key)]);
}

/*
 * Enter a copy.  The caller sees to it that two entries of one address do not meet; those of
 * one buffer may.  false: there are too many.
 */
bool live_add(struct live_table *t, const struct live *new);
/* entry is what live_find() returned. */
void live_remove(struct live_table *t, struct live *entry);
/* All of them, in no order; visit must not add or remove one. */
void live_each(struct live_table *t, void (*visit)(void *ctx, struct live *entry), void *ctx);

#endif
