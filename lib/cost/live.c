/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bounced mappings by address: open addressing, the capacity a power of two. */
#include "lib/cost/live.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

struct live_table *live_new(void)
{
	struct live_table *t = xcalloc(1, sizeof(*t));

	t->capacity = 1024;
	t->entries = xcalloc(t->capacity, sizeof(*t->entries));
	return t;
}

void live_free(struct live_table *t)
{
	if (!t)
		return;
	free(t->entries);
	free(t);
}

static struct live *place(struct live_table *t, uint64_t key)
{
	size_t i = live_home(t, key);

	while (t->entries[i].slots)
		i = (i + 1) & (t->capacity - 1);
	return &t->entries[i];
}

static void grow(struct live_table *t)
{
	struct live *old = t->entries;
	size_t n = t->capacity;

	t->capacity *= 2;
	t->entries = xcalloc(t->capacity, sizeof(*t->entries));
	for (size_t i = 0; i < n; i++) {
		if (old[i].slots)
			*place(t, old[i].key) = old[i];
	}
	free(old);
}

bool live_add(struct live_table *t, const struct live *new)
{
	if (t->count >= LIVE_MOST)
		return false;
	if (2 * ++t->count > t->capacity)
		grow(t);
	*place(t, new->key) = *new;
	return true;
}

void live_remove(struct live_table *t, struct live *entry)
{
	size_t hole = (size_t)(entry - t->entries), mask = t->capacity - 1;

	/* close the gap, so that no later entry of the chain becomes unreachable */
	for (size_t i = (hole + 1) & mask; t->entries[i].slots; i = (i + 1) & mask) {
		size_t want = live_home(t, t->entries[i].key);

		if (((i - want) & mask) < ((i - hole) & mask))
			continue;
		t->entries[hole] = t->entries[i];
		hole = i;
	}
	t->entries[hole].slots = 0;
	t->count--;
}

void live_each(struct live_table *t, void (*visit)(void *ctx, struct live *entry), void *ctx)
{
	for (size_t i = 0; i < t->capacity; i++) {
		if (t->entries[i].slots)
			visit(ctx, &t->entries[i]);
	}
}
