/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/correlate/disk/pagecache.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"

#define SMALLEST 12 /* log2 of the smallest page */
#define ORDERS 24   /* sizes from there on */

struct pagecache {
	struct hash folios;	 /* a folio lies at a multiple of its size */
	size_t of_order[ORDERS]; /* how many there are of each size: what need not be looked for */
};

struct pagecache *pagecache_new(void)
{
	struct pagecache *c = xcalloc(1, sizeof(*c));

	hash_init(&c->folios, sizeof(struct cached));
	return c;
}

void pagecache_free(struct pagecache *c)
{
	if (!c)
		return;
	hash_free(&c->folios);
	free(c);
}

static unsigned int order_of(uint64_t size)
{
	return (unsigned int)__builtin_ctzll(size) - SMALLEST;
}

static void take_out(struct pagecache *c, struct cached *folio)
{
	c->of_order[order_of(folio->size)]--;
	hash_remove(&c->folios, folio);
}

static struct cached *find(const struct pagecache *c, uint64_t address)
{
	for (unsigned int order = 0; order < ORDERS; order++) {
		uint64_t size = UINT64_C(1) << (SMALLEST + order);
		struct cached *folio;

		if (!c->of_order[order])
			continue;
		folio = hash_find(&c->folios, address & ~(size - 1), size);
		if (folio)
			return folio;
	}
	return NULL;
}

const struct cached *pagecache_find(const struct pagecache *c, uint64_t address)
{
	return find(c, address);
}

/* Nothing is known of this memory any more.  A folio may have been split since. */
static void forget(struct pagecache *c, uint64_t start, uint64_t size)
{
	const uint64_t page = UINT64_C(1) << SMALLEST;

	for (uint64_t at = 0; c->folios.count && at < size; at += page) {
		struct cached *found = find(c, start + at);

		if (found)
			take_out(c, found);
	}
}

void pagecache_event(struct pagecache *c, const struct event *e, bool program)
{
	uint64_t size = e->size;
	struct cached *folio;

	if (e->kind != EVENT_PAGE_IN && e->kind != EVENT_PAGE_OUT)
		return;
	if (!size || size & (size - 1) || size < UINT64_C(1) << SMALLEST ||
	    order_of(size) >= ORDERS || e->orig & (size - 1))
		return; /* no folio */
	/* large ones one by one would take long */
	folio = hash_find(&c->folios, e->orig, size);
	if (size <= UINT64_C(1) << (SMALLEST + 10))
		forget(c, e->orig, size);
	else if (folio)
		take_out(c, folio);
	if (e->kind == EVENT_PAGE_OUT || c->folios.count == PAGECACHE_MAX)
		return;
	folio = hash_add(&c->folios, e->orig, size);
	folio->size = size;
	folio->inode = e->link;
	folio->dev = e->aux;
	folio->pid = e->pid;
	folio->comm = e->comm;
	folio->program = program;
	c->of_order[order_of(size)]++;
}
