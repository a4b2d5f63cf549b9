/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_HASH_H
#define CCAIO_LIB_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * hash - entries found by two numbers; grows with what it holds.
 *
 * An entry is a struct of the caller's whose first member is a struct hash_key; the table holds
 * it by value, so an entry that was found is valid until the next that is added or removed.
 * Where entries stand differs from run to run, so that nobody can choose keys that collide:
 * nothing that is written may depend on the order in which hash_next() visits them.
 *
 * What is found otherwise has its own: names (lib/base/names.h) by text; the ledger's mappings,
 * and connections, by chains that keep those of one key in the order of their age;
 * lib/judge/types/returned.h in bounded memory that forgets; lib/cost/live.h visits its entries
 * in the same order each time.
 */
struct hash_key {
	uint64_t a;
	uint64_t b; /* less than 2^63 */
};

struct hash {
	char *entries;
	size_t size, mask, count;
};

void hash_init(struct hash *h, size_t size); /* size of an entry */
void hash_free(struct hash *h);

/* The entry of this key, NULL where there is none. */
void *hash_find(const struct hash *h, uint64_t a, uint64_t b);
/* A new entry, zero but for its key; where the key has one already, hash_find() finds either. */
void *hash_add(struct hash *h, uint64_t a, uint64_t b);
/* entry is one of the table's. */
void hash_remove(struct hash *h, void *entry);
/* All entries one after the other, NULL at the beginning and at the end. */
void *hash_next(const struct hash *h, const void *entry);

#endif
