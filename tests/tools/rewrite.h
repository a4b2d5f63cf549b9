/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_TOOLS_REWRITE_H
#define CCAIO_TESTS_TOOLS_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tracedat_layout;

/*
 * rewrite - a real recording as the kernel of another kind of guest would have made it: there
 * is no hardware to record them on.  Bits of addresses and attributes change, in place; times,
 * tasks, sizes and order stay.  The facts are the test's to rewrite.
 */
struct rewrite {
	bool alloc_shared;   /* each allocation says that its pages were decrypted */
	uint64_t bounce_bit; /* set in the buffer's address of each bounce */
	uint64_t map_bit;    /* set in the address that the 100th map publishes */
	bool unbounced;	     /* the 100th map, or one soon after, is of the buffer itself */
	uint64_t pool;	     /* allocations lie from here on, one after the other; 0: as they do */
	unsigned long keep;  /* … but the first so many, which stay */
	bool virtual;	     /* of allocations the event tells the virtual address, as since 6.12 */
};

#define REWRITE_LINEAR 0xffff000000000000 /* virtual address of physical address 0 */

/* Learn where the fields of this event are. */
void rewrite_format(const char *system, const char *text, size_t len);
/* With virtual: the format text as it is then.  The caller frees. */
char *rewrite_text(const struct rewrite *r, const char *text, size_t len);
/* One ring-buffer page. */
void rewrite_page(struct rewrite *r, uint8_t *page, const struct tracedat_layout *layout);

#endif
