/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_FACTS_POOL_FULL_H
#define CCAIO_COLLECTORS_FACTS_POOL_FULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * pool_full - the kernel's complaints about a full bounce pool, as they are made.
 *
 * A map that finds no slots fails; a driver may try again for ever, and the program that
 * waits for it cannot be killed then.  The kernel says so in its log (rate-limited), which
 * is read here from its end on, through a reader of its own.
 */
struct pool_full {
	int fd; /* readable when there is something to take; -1: no kernel log */
};

/* One complaint. */
struct pool_full_line {
	uint64_t ts_us;	      /* since boot */
	char device[64];      /* the device's name */
	uint64_t bytes;	      /* that were to be mapped */
	uint64_t total, used; /* slots of the pool that was tried last */
};

/* fd is -1 where there is no kernel log, or it may not be read. */
void pool_full_open(struct pool_full *p);

/* The next complaint.  false: there is none at the moment. */
bool pool_full_next(struct pool_full *p, struct pool_full_line *line);

/*
 * "virtio_blk virtio1: swiotlb buffer is full (sz: 4096 bytes), total 512 (slots), used 510
 * (slots)" (Linux kernel/dma/swiotlb.c).  Returns false for any other text.
 */
bool pool_full_parse(const char *text, size_t len, struct pool_full_line *line);

void pool_full_close(struct pool_full *p); /* what was not opened must have fd -1 */

#endif
