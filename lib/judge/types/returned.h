/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_TYPES_RETURNED_H
#define CCAIO_LIB_JUDGE_TYPES_RETURNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * returned - addresses that were unmapped or freed and have not been mapped since.
 *
 * Addresses are plain (without the platform's shared bit).  Memory is bounded: an
 * address that has to leave the table leaves a bit in a filter behind, so that
 * "never returned" is only said of an address that never was.
 */
struct returned_address {
	uint64_t dma;
	uint64_t since; /* seq of the mapping that ended; 0 unknown */
	uint64_t size;	/* of the mapping that ended; 0 unknown */
	uint16_t dev;
	uint8_t dir; /* with size */
	bool alloc;
	bool shared;	  /* a direct mapping: there may be several like it */
	bool maybe_older; /* the unmap may have meant another, older mapping */
	bool maybe_live;  /* it may have meant one that is still entered: this one may be live */
};

struct returned;

struct returned *returned_new(void);
void returned_free(struct returned *r); /* accepts NULL */

/* Enter a copy; replaces what was entered of the same device, address and kind. */
void returned_add(struct returned *r, const struct returned_address *what);
/* The address was mapped (alloc: allocated) again.  Its entry goes to *was; false: it has none. */
bool returned_remove(struct returned *r, uint16_t dev, uint64_t dma, bool alloc,
		     struct returned_address *was);

/* The address's entry, or NULL.  Valid until the next returned_add. */
const struct returned_address *returned_find(const struct returned *r, uint16_t dev, uint64_t dma,
					     bool alloc);

/* A mapping of this address begins or ends soon: fetch its place into the cache. */
void returned_expect(const struct returned *r, uint16_t dev, uint64_t dma);

/* May [dma, dma + size) lie in a streaming mapping that is entered as maybe_live? */
bool returned_maybe_live(const struct returned *r, uint16_t dev, uint64_t dma, uint64_t size);

/* May the address have been entered and had to leave the table since? */
bool returned_maybe_forgotten(const struct returned *r, uint16_t dev, uint64_t dma, bool alloc);

#endif
