/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_CORRELATE_DISK_PAGECACHE_H
#define CCAIO_LIB_CORRELATE_DISK_PAGECACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/hash.h"

struct event;

/*
 * pagecache - which file is in this memory, as EVENT_PAGE_IN and EVENT_PAGE_OUT tell.
 *
 * Knows the memory that entered the page cache within the stream and has not left it.
 * Grows with that, up to PAGECACHE_MAX folios; what comes then stays unknown.
 * Memory that the kernel moves to another place without an event (compaction) is
 * known at the old place until that enters the cache again or leaves it.
 */
#define PAGECACHE_MAX (1u << 20)

/* A folio and its file. */
struct cached {
	struct hash_key key; /* its start in physical memory, and its size as hash.h keeps it */
	uint64_t size;
	uint64_t inode;
	uint32_t dev;  /* of the file's superblock, as the kernel numbers it: major << 20 | minor */
	int32_t pid;   /* the task that brought it in */
	uint16_t comm; /* names id of its name */
	bool program;  /* for the caller */
};

struct pagecache;

struct pagecache *pagecache_new(void);
void pagecache_free(struct pagecache *cache); /* accepts NULL */

/* Ignores all other events.  program is kept with what comes in. */
void pagecache_event(struct pagecache *cache, const struct event *event, bool program);

/* The folio that holds this byte, or NULL.  Borrowed until the next event. */
const struct cached *pagecache_find(const struct pagecache *cache, uint64_t address);

#endif
