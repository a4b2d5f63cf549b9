/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/memory/realm.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/xalloc.h"
#include "lib/bounce/memory/random.h"

#define UNIT 64u      /* allocation unit of realm_alloc */
#define RED_BYTE 0xd7 /* content of red zones */

struct realm {
	uint64_t base, size, shared_bit, seed;
	uint8_t *ram;
	uint8_t *states; /* enum realm_state by granule, accessed atomically */

	pthread_mutex_t lock; /* of what follows */
	uint8_t *used;	      /* by unit: UNIT_* */
	size_t units, next;
	uint64_t damage;
};

enum { UNIT_FREE = 0, UNIT_USED, UNIT_RED };

struct realm *realm_new(uint64_t base, uint64_t size, uint64_t shared_bit, uint64_t seed)
{
	struct realm *r = xcalloc(1, sizeof(*r));

	r->base = base;
	r->size = size;
	r->shared_bit = shared_bit;
	r->seed = seed;
	r->ram = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r->ram == MAP_FAILED)
		r->ram = xcalloc(1, SIZE_MAX); /* ends the program with its one sentence */
	r->states = xcalloc(size / REALM_GRANULE, 1);
	r->units = size / UNIT;
	r->used = xcalloc(r->units, 1);
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void realm_free(struct realm *r)
{
	if (!r)
		return;
	munmap(r->ram, r->size);
	pthread_mutex_destroy(&r->lock);
	free(r->states);
	free(r->used);
	free(r);
}

uint64_t realm_base(const struct realm *r)
{
	return r->base;
}

uint64_t realm_size(const struct realm *r)
{
	return r->size;
}

uint64_t realm_shared_bit(const struct realm *r)
{
	return r->shared_bit;
}

static bool inside(const struct realm *r, uint64_t ipa, uint64_t size)
{
	uint64_t off = ipa - r->base;

	return ipa >= r->base && off <= r->size && size <= r->size - off;
}

uint8_t *realm_ptr(struct realm *r, uint64_t ipa, uint64_t size)
{
	return inside(r, ipa, size) ? r->ram + (ipa - r->base) : NULL;
}

static uint8_t state_of(const struct realm *r, uint64_t granule)
{
	return __atomic_load_n(&r->states[granule], __ATOMIC_RELAXED);
}

enum realm_state realm_state(const struct realm *r, uint64_t ipa)
{
	return inside(r, ipa, 1) ? state_of(r, (ipa - r->base) / REALM_GRANULE) : REALM_DEVICE;
}

bool realm_all(const struct realm *r, uint64_t ipa, uint64_t size, enum realm_state state)
{
	uint64_t first, last;

	if (!size || !inside(r, ipa, size))
		return false;
	first = (ipa - r->base) / REALM_GRANULE;
	last = (ipa - r->base + size - 1) / REALM_GRANULE;
	for (uint64_t g = first; g <= last; g++) {
		if (state_of(r, g) != state)
			return false;
	}
	return true;
}

static int set_state(struct realm *r, uint64_t ipa, uint64_t size, enum realm_state state,
		     bool scrub)
{
	uint64_t first, last;

	if (!size || !inside(r, ipa, size))
		return -EINVAL;
	first = (ipa - r->base) / REALM_GRANULE;
	last = (ipa - r->base + size - 1) / REALM_GRANULE;
	for (uint64_t g = first; g <= last; g++) {
		if (state_of(r, g) == REALM_DEVICE)
			return -EINVAL;
	}
	for (uint64_t g = first; g <= last; g++) {
		if (state_of(r, g) == state)
			continue;
		if (scrub)
			memset(r->ram + g * REALM_GRANULE, 0, REALM_GRANULE);
		__atomic_store_n(&r->states[g], state, __ATOMIC_RELAXED);
	}
	return 0;
}

int realm_set_state(struct realm *r, uint64_t ipa, uint64_t size, enum realm_state state)
{
	return set_state(r, ipa, size, state, true);
}

int realm_set_state_keep(struct realm *r, uint64_t ipa, uint64_t size, enum realm_state state)
{
	return set_state(r, ipa, size, state, false);
}

void realm_host_view(struct realm *r, uint64_t ipa, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint64_t state = r->seed ^ ((ipa + i) & ~(uint64_t)7);
		uint64_t pad = random_next(&state) | 0x0101010101010101u; /* no byte unchanged */
		uint8_t *byte = realm_ptr(r, ipa + i, 1);

		buf[i] = (byte ? *byte : 0xff) ^ (uint8_t)(pad >> (8 * ((ipa + i) & 7)));
	}
}

static uint64_t units_of(uint64_t size)
{
	return (size + UNIT - 1) / UNIT;
}

/* First unit of a free run of n units at the alignment (in units) from `from` on; units: none. */
static size_t find_run(const struct realm *r, size_t from, size_t to, size_t n, size_t align)
{
	size_t i = (from + align - 1) / align * align;

	while (i + n <= to) {
		size_t k = n;

		while (k > 0 && r->used[i + k - 1] == UNIT_FREE)
			k--;
		if (k == 0)
			return i;
		i = (i + k + align - 1) / align * align;
	}
	return r->units;
}

uint64_t realm_alloc(struct realm *r, uint64_t size, uint64_t align)
{
	size_t n = units_of(size), at, step;
	uint64_t tail;

	/* bases are aligned to granules at least; larger alignments count from 0 */
	step = align > UNIT ? align / UNIT : 1;
	if (!size || n >= r->units)
		return REALM_NO_ADDR;
	pthread_mutex_lock(&r->lock);
	at = find_run(r, r->next, r->units, n + 1, step);
	if (at == r->units)
		at = find_run(r, 0, r->units, n + 1, step);
	if (at == r->units) {
		pthread_mutex_unlock(&r->lock);
		return REALM_NO_ADDR;
	}
	memset(r->used + at, UNIT_USED, n);
	r->used[at + n] = UNIT_RED;
	r->next = at + n + 1;
	tail = n * UNIT - size + UNIT;
	memset(r->ram + at * UNIT + size, RED_BYTE, tail);
	pthread_mutex_unlock(&r->lock);
	return r->base + at * UNIT;
}

static bool red_intact(const struct realm *r, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		if (r->ram[i] != RED_BYTE)
			return false;
	}
	return true;
}

void realm_release(struct realm *r, uint64_t ipa, uint64_t size)
{
	size_t n = units_of(size), at = (ipa - r->base) / UNIT;

	if (ipa == REALM_NO_ADDR || !inside(r, ipa, size))
		return;
	pthread_mutex_lock(&r->lock);
	r->damage += !red_intact(r, ipa - r->base + size, (at + n + 1) * UNIT);
	memset(r->used + at, UNIT_FREE, n + 1);
	if (at < r->next)
		r->next = at; /* reuse what is in the cache */
	pthread_mutex_unlock(&r->lock);
}

void realm_reserve(struct realm *r, uint64_t ipa, uint64_t size)
{
	if (!size || !inside(r, ipa, size))
		return;
	pthread_mutex_lock(&r->lock);
	memset(r->used + (ipa - r->base) / UNIT, UNIT_USED, units_of(size));
	pthread_mutex_unlock(&r->lock);
}

bool realm_is_free(struct realm *r, uint64_t ipa, uint64_t size)
{
	bool is_free;

	if (!size || !inside(r, ipa, size))
		return false;
	pthread_mutex_lock(&r->lock);
	is_free = find_run(r, (ipa - r->base) / UNIT, (ipa - r->base) / UNIT + units_of(size),
			   units_of(size), 1) != r->units;
	pthread_mutex_unlock(&r->lock);
	return is_free;
}

uint64_t realm_damage(struct realm *r)
{
	uint64_t damage;

	pthread_mutex_lock(&r->lock);
	damage = r->damage;
	for (size_t i = 0; i < r->units; i++) {
		if (r->used[i] == UNIT_RED)
			damage += !red_intact(r, i * UNIT, (i + 1) * UNIT);
	}
	pthread_mutex_unlock(&r->lock);
	return damage;
}
