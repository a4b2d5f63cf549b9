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

struct live_table;

struct live_table *live_new(void);
void live_free(struct live_table *t); /* accepts NULL */

/* The entry, or NULL.  Valid until the next call that adds or removes one. */
struct live *live_find(const struct live_table *t, uint64_t key, bool by_orig, uint16_t dev);
/* An event that names this key comes soon: fetch its entry into the cache. */
void live_expect(const struct live_table *t, uint64_t key);
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
