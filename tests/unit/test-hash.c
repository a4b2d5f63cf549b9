/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hash table holds what was added and not removed, whatever stands next to what. */
#include "lib/base/hash.h"
#include "tests/unit/test.h"

#define KEYS 5000

struct entry {
	struct hash_key key;
	uint64_t value;
};

static void test_all(void)
{
	static bool in[KEYS];
	struct hash h;
	struct entry *e = NULL;
	uint64_t random = 7, sum = 0;
	size_t count = 0, seen = 0;
	bool right = true;

	hash_init(&h, sizeof(struct entry));
	check(!hash_find(&h, 0, 0) && !hash_next(&h, NULL));
	for (int i = 0; i < 40 * KEYS; i++) {
		uint64_t k;

		random = random * 6364136223846793005u + 1442695040888963407u;
		k = (random >> 33) % KEYS;
		e = hash_find(&h, k << 12, k & 3);
		right = right && (e != NULL) == in[k] && (!e || e->value == k);
		if (e) {
			hash_remove(&h, e);
			count--;
		} else {
			e = hash_add(&h, k << 12, k & 3);
			e->value = k;
			count++;
		}
		in[k] = !in[k];
	}
	check(right && h.count == count);
	for (e = NULL; (e = hash_next(&h, e)); seen++) {
		right = right && in[e->value];
		sum += e->value;
	}
	for (uint64_t k = 0; k < KEYS; k++)
		sum -= in[k] ? k : 0;
	check(right && seen == count && sum == 0);
	check(!hash_find(&h, 0, 5));
	hash_free(&h);
}

int main(void)
{
	test_all();
	return done();
}
