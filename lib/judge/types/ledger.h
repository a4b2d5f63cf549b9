/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_TYPES_LEDGER_H
#define CCAIO_LIB_JUDGE_TYPES_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/platform.h"

/*
 * ledger - the DMA mappings and allocations that are live.
 *
 * Found by device and start address, or by any address inside.  Memory grows
 * with what is live.  Addresses are as the device sees them with the platform's
 * shared bit taken off (the caller does that), so that pool slots can be recognised.
 */
#define LEDGER_NONE 0

/* struct mapping.flags */
#define MAPPING_ALLOC 0x01	/* coherent allocation, not a streaming map */
#define MAPPING_BOUNCED 0x02	/* lives in a bounce slot */
#define MAPPING_INHERITED 0x04	/* older than the window; extent is what was seen of it */
#define MAPPING_SG 0x08		/* an entry of a scatter-gather map */
#define MAPPING_SUPERSEDED 0x10 /* its memory was given to a later mapping while live */
#define MAPPING_POOL 0x20	/* set by the ledger: kept in the slot table */
#define MAPPING_ALIASED 0x40	/* published with the shared bit */

struct mapping {
	uint64_t dma, size; /* size >= 1 */
	uint64_t orig;
	uint64_t seq, ts_ns; /* the event that made it */
	uint32_t attrs;
	int32_t pid;
	uint16_t dev, cpu;
	uint8_t dir, flags;
	/* the ledger's own */
	uint32_t next, next_orig; /* hash chains; next also links free entries */
	union {
		uint32_t left; /* in the treap */
		uint32_t pool; /* in the slot table: of which pool */
	};
	uint32_t right, prio;
	union {
		uint64_t max_end; /* in the treap */
		uint64_t visited; /* in the slot table: by which walk, the last */
	};
};

struct ledger;

/* platform gives the pools, whose slots are kept in a table; may be NULL. */
struct ledger *ledger_new(const struct platform *platform);
void ledger_free(struct ledger *ledger); /* accepts NULL */

/*
 * Enter a copy of *m; returns its index (never LEDGER_NONE).  Pointers from
 * ledger_at are valid until the next ledger_add.
 */
uint32_t ledger_add(struct ledger *ledger, const struct mapping *m);
void ledger_remove(struct ledger *ledger, uint32_t index);
struct mapping *ledger_at(struct ledger *ledger, uint32_t index);

/*
 * The live mappings and allocations of dev that start at dma, one after the
 * other in no order: the one after index (LEDGER_NONE: the first), or LEDGER_NONE.
 */
uint32_t ledger_next(const struct ledger *ledger, uint32_t index, uint16_t dev, uint64_t dma);

/* The same for the scatter-gather entries of dev whose buffer is at orig. */
uint32_t ledger_next_orig(const struct ledger *ledger, uint32_t index, uint16_t dev, uint64_t orig);

/*
 * A live mapping that holds the whole range [dma, dma + size), or LEDGER_NONE.
 * Prefers one of dev that is not superseded; other devices' only when
 * any_device is set.
 */
uint32_t ledger_find_around(const struct ledger *ledger, uint16_t dev, uint64_t dma, uint64_t size,
			    bool any_device);

/*
 * Visit every live mapping that overlaps the range once, of any device (in the pool:
 * that shares a slot with it).  visit may not change the ledger but for the
 * mapping's flags.  Stops when it returns false.
 */
void ledger_overlaps(struct ledger *ledger, uint64_t dma, uint64_t size,
		     bool (*visit)(void *ctx, uint32_t index, struct mapping *m), void *ctx);

/* Visit all live mappings, in no order. */
void ledger_each(struct ledger *ledger, void (*visit)(void *ctx, uint32_t index, struct mapping *m),
		 void *ctx);

/* An event that names this address comes soon: fetch what is known of it into the cache. */
void ledger_expect(const struct ledger *ledger, uint16_t dev, uint64_t dma);

/* Was this pool slot ever part of a mapping made in the stream?  false outside pools. */
bool ledger_slot_known(const struct ledger *ledger, uint64_t dma);

/*
 * The pool slots that were ever part of a mapping, as runs in ascending order
 * within each pool, with the number of mappings that began in each run.
 */
void ledger_slot_runs(const struct ledger *ledger,
		      void (*visit)(void *ctx, struct range run, uint64_t mappings), void *ctx);

/* Live mappings, and slots of the default pool that they own now. */
size_t ledger_live(const struct ledger *ledger);
uint64_t ledger_slots(const struct ledger *ledger);

#define SWIOTLB_SLOT_SIZE 2048 /* IO_TLB_SIZE, Linux include/linux/swiotlb.h */

#endif
