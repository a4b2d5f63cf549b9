/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/correlate/disk/pagecache.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"

#define SMALLEST 12 /* log2 of the smallest page */
#define ORDERS 24   /* sizes from there on */

/* Open addressing by start and size; a folio lies at a multiple of its size. */
struct pagecache {
	struct cached *table; /* size 0: empty */
	size_t mask, count;
	size_t of_order[ORDERS]; /* how many there are of each size: what need not be looked for */
};

struct pagecache *pagecache_new(void)
{
	struct pagecache *c = xcalloc(1, sizeof(*c));

	c->mask = 255;
	c->table = xcalloc(c->mask + 1, sizeof(*c->table));
	return c;
}

void pagecache_free(struct pagecache *c)
{
	if (!c)
		return;
	free(c->table);
	free(c);
}

static unsigned int order_of(uint64_t size)
{
	return (unsigned int)__builtin_ctzll(size) - SMALLEST;
}

static size_t hash(const struct pagecache *c, uint64_t start, uint64_t size)
{
	uint64_t h = ((start >> SMALLEST) + size) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h >> 32) & c->mask;
}

/* Its place, or the empty one where it would be. */
static size_t place(const struct pagecache *c, uint64_t start, uint64_t size)
{
	size_t i = hash(c, start, size);

	while (c->table[i].size && (c->table[i].start != start || c->table[i].size != size))
		i = (i + 1) & c->mask;
	return i;
}

static void grow(struct pagecache *c)
{
	struct cached *old = c->table;
	size_t n = c->mask + 1;

	c->mask = 2 * n - 1;
	c->table = xcalloc(2 * n, sizeof(*c->table));
	for (size_t i = 0; i < n; i++)
		if (old[i].size)
			c->table[place(c, old[i].start, old[i].size)] = old[i];
	free(old);
}

/* Take one out and close the gap in the probing sequence. */
static void take_out(struct pagecache *c, size_t i)
{
	size_t j = i;

	c->of_order[order_of(c->table[i].size)]--;
	c->count--;
	c->table[i].size = 0;
	for (;;) {
		size_t home;

		j = (j + 1) & c->mask;
		if (!c->table[j].size)
			return;
		home = hash(c, c->table[j].start, c->table[j].size);
		if (((j - home) & c->mask) >= ((j - i) & c->mask)) {
			c->table[i] = c->table[j];
			c->table[j].size = 0;
			i = j;
		}
	}
}

const struct cached *pagecache_find(const struct pagecache *c, uint64_t address)
{
	for (unsigned int order = 0; order < ORDERS; order++) {
		uint64_t size = UINT64_C(1) << (SMALLEST + order);
		size_t i;

		if (!c->of_order[order])
			continue;
		i = place(c, address & ~(size - 1), size);
		if (c->table[i].size)
			return &c->table[i];
	}
	return NULL;
}

/* Nothing is known of this memory any more.  A folio may have been split since. */
static void forget(struct pagecache *c, uint64_t start, uint64_t size)
{
	const uint64_t page = UINT64_C(1) << SMALLEST;

	for (uint64_t at = 0; c->count && at < size; at += page) {
		const struct cached *found = pagecache_find(c, start + at);

		if (found)
			take_out(c, (size_t)(found - c->table));
	}
}

void pagecache_event(struct pagecache *c, const struct event *e, bool program)
{
	uint64_t size = e->size;

	if (e->kind != EVENT_PAGE_IN && e->kind != EVENT_PAGE_OUT)
		return;
	if (!size || size & (size - 1) || size < UINT64_C(1) << SMALLEST ||
	    order_of(size) >= ORDERS || e->orig & (size - 1))
		return; /* no folio */
	/* large ones one by one would take long */
	if (size <= UINT64_C(1) << (SMALLEST + 10))
		forget(c, e->orig, size);
	else if (c->table[place(c, e->orig, size)].size)
		take_out(c, place(c, e->orig, size));
	if (e->kind == EVENT_PAGE_OUT || c->count == PAGECACHE_MAX)
		return;
	if (2 * c->count > c->mask)
		grow(c);
	c->table[place(c, e->orig, size)] =
		(struct cached){ e->orig, size, e->link, e->aux, e->pid, e->comm, program };
	c->of_order[order_of(size)]++;
	c->count++;
}
