/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_EXTENTS_H
#define CCAIO_LIB_BASE_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * extents - which parts of a byte stream were seen, with holes.
 *
 * Kept as few sorted, disjoint, non-touching ranges.  At most EXTENTS_MAX; past
 * that the smallest hole is closed and its bytes are counted as forgotten.
 * Zero-initialised is empty.
 */
#define EXTENTS_MAX 256

struct extent {
	uint64_t start, end; /* end is exclusive */
};

struct extents {
	struct extent *list;
	size_t count, cap;
	uint64_t forgotten; /* bytes of holes that had to be closed */
};

void extents_release(struct extents *e);

/*
 * Add [start, end).  Returns how many of its bytes are new.  With fresh (may be
 * NULL) reports the part of the range that was new when it is one piece, else
 * the hull of the new pieces.
 */
uint64_t extents_add(struct extents *e, uint64_t start, uint64_t end, struct extent *fresh);

/* The first part of [start, end) that is not in it; false when there is none. */
bool extents_next_hole(const struct extents *e, uint64_t start, uint64_t end, struct extent *hole);

/* How many bytes of [start, end) are in it. */
uint64_t extents_overlap(const struct extents *e, uint64_t start, uint64_t end);

#endif
