/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Open addressing; a removed entry's gap is closed, so that searches end at the first free one. */
#include "lib/base/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/xalloc.h"

#define FIRST 64
#define USED (UINT64_C(1) << 63) /* in the b of an entry's key */

static uint64_t seed;

__attribute__((constructor)) static void make_seed(void)
{
	/* without randomness the tables work as well, only slower for who wants them slow */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = UINT64_C(0x9e3779b97f4a7c15);
}

static struct hash_key *at(const struct hash *h, size_t i)
{
	return (struct hash_key *)(void *)(h->entries + i * h->size);
}

static size_t home(const struct hash *h, uint64_t a, uint64_t b)
{
	uint64_t x = (a ^ seed) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 32 ^ b) * UINT64_C(0xd6e8feb86659fd93);
	return (size_t)(x >> 32) & h->mask;
}

void hash_init(struct hash *h, size_t size)
{
	*h = (struct hash){ .size = size, .mask = FIRST - 1 };
	h->entries = xcalloc(FIRST, size);
}

void hash_free(struct hash *h)
{
	free(h->entries);
	h->entries = NULL;
}

/* The place of the key's entry, or the free one where it belongs. */
static size_t place(const struct hash *h, uint64_t a, uint64_t b)
{
	size_t i = home(h, a, b);

	while (at(h, i)->b && (at(h, i)->a != a || at(h, i)->b != b))
		i = (i + 1) & h->mask;
	return i;
}

void *hash_find(const struct hash *h, uint64_t a, uint64_t b)
{
	struct hash_key *entry = at(h, place(h, a, b | USED));

	return entry->b ? entry : NULL;
}

/* The first free place of the key. */
static size_t free_place(const struct hash *h, const struct hash_key *key)
{
	size_t i = home(h, key->a, key->b);

	while (at(h, i)->b)
		i = (i + 1) & h->mask;
	return i;
}

static void grow(struct hash *h)
{
	struct hash old = *h;

	h->mask = 2 * old.mask + 1;
	h->entries = xcalloc(h->mask + 1, h->size);
	for (size_t i = 0; i <= old.mask; i++) {
		if (at(&old, i)->b)
			memcpy(at(h, free_place(h, at(&old, i))), at(&old, i), h->size);
	}
	free(old.entries);
}

void *hash_add(struct hash *h, uint64_t a, uint64_t b)
{
	struct hash_key key = { a, b | USED }, *entry;

	if (2 * ++h->count > h->mask)
		grow(h);
	entry = at(h, free_place(h, &key));
	*entry = key;
	return entry;
}

void hash_remove(struct hash *h, void *entry)
{
	size_t hole = (size_t)((char *)entry - h->entries) / h->size;

	for (size_t i = (hole + 1) & h->mask; at(h, i)->b; i = (i + 1) & h->mask) {
		size_t want = home(h, at(h, i)->a, at(h, i)->b);

		if (((i - want) & h->mask) < ((i - hole) & h->mask))
			continue;
		memcpy(at(h, hole), at(h, i), h->size);
		hole = i;
	}
	memset(at(h, hole), 0, h->size);
	h->count--;
}

void *hash_next(const struct hash *h, const void *entry)
{
	size_t i = entry ? (size_t)((const char *)entry - h->entries) / h->size + 1 : 0;

	for (; i <= h->mask; i++) {
		if (at(h, i)->b)
			return at(h, i);
	}
	return NULL;
}
