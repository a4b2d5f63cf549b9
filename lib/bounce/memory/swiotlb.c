/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/memory/swiotlb.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/bounce/memory/fault.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/memory/task.h"

#define SEGMENT_BYTES (SWIOTLB_SLOT * SWIOTLB_SEGMENT)

typedef unsigned __int128 segment_mask; /* a bit per slot, set: free */
#define ALL_FREE (~(segment_mask)0)

/* What the slot holds; its content belongs to whoever has the slot. */
struct slot {
	uint64_t orig;	  /* original address of the slot's first byte; EVENT_NO_ADDR none */
	uint32_t left;	  /* bytes mapped from the slot's first byte on; 0: not in use */
	uint16_t count;	  /* first slot of a mapping: slots taken; else 0 */
	uint16_t in_slot; /* first slot of a mapping: where in the slot it begins */
};

struct area {
	pthread_spinlock_t lock;
	uint32_t hint; /* no free slot in the segments before this one */
	uint64_t used, hiwater, maps, unmaps, full;
} __attribute__((aligned(128))); /* two areas never share a cache line pair */

struct swiotlb_pool {
	char *name;
	struct realm *realm;
	uint8_t *memory;
	uint64_t start, size;
	uint32_t segments, per_area; /* segments in all, and of each area (the last has the rest) */
	unsigned int nareas;
	struct fault_plan *fault;
	struct slot *slots;
	segment_mask *free;
	struct area *areas;
	uint16_t *area_of; /* by segment: a division saved on each unmap */
	uint64_t too_large;
};

struct swiotlb_pool *swiotlb_pool_new(struct realm *realm, const char *name, uint64_t start,
				      uint64_t size, unsigned int nareas, struct fault_plan *fault)
{
	struct swiotlb_pool *p;
	uint8_t *memory = realm_ptr(realm, start, size);

	if (!memory || !size || size % SEGMENT_BYTES || start % REALM_GRANULE)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->name = xstrdup(name);
	p->realm = realm;
	p->memory = memory;
	p->start = start;
	p->size = size;
	p->fault = fault;
	p->segments = size / SEGMENT_BYTES;
	p->nareas = nareas ? nareas : 1;
	while (p->nareas > p->segments)
		p->nareas /= 2;
	p->per_area = p->segments / p->nareas;
	p->slots = xcalloc(size / SWIOTLB_SLOT, sizeof(*p->slots));
	p->free = aligned_alloc(128, (p->segments * sizeof(*p->free) + 127) / 128 * 128);
	p->areas = aligned_alloc(128, p->nareas * sizeof(*p->areas));
	if (!p->free || !p->areas)
		abort();
	memset(p->areas, 0, p->nareas * sizeof(*p->areas));
	p->area_of = xcalloc(p->segments, sizeof(*p->area_of));
	for (uint32_t s = 0; s < p->segments; s++) {
		uint32_t a = s / p->per_area;

		p->free[s] = ALL_FREE;
		p->area_of[s] = a < p->nareas ? a : p->nareas - 1;
	}
	for (unsigned int a = 0; a < p->nareas; a++) {
		pthread_spin_init(&p->areas[a].lock, PTHREAD_PROCESS_PRIVATE);
		p->areas[a].hint = a * p->per_area;
	}
	realm_reserve(realm, start, size);
	realm_set_state(realm, start, size, REALM_SHARED);
	return p;
}

void swiotlb_pool_free(struct swiotlb_pool *p)
{
	if (!p)
		return;
	for (unsigned int a = 0; a < p->nareas; a++)
		pthread_spin_destroy(&p->areas[a].lock);
	free(p->areas);
	free(p->area_of);
	free(p->free);
	free(p->slots);
	free(p->name);
	free(p);
}

const char *swiotlb_pool_name(const struct swiotlb_pool *p)
{
	return p->name;
}

uint64_t swiotlb_pool_start(const struct swiotlb_pool *p)
{
	return p->start;
}

uint64_t swiotlb_pool_end(const struct swiotlb_pool *p)
{
	return p->start + p->size - 1;
}

bool swiotlb_pool_contains(const struct swiotlb_pool *p, uint64_t ipa)
{
	return ipa - p->start < p->size && ipa >= p->start;
}

/* Bit i set: slots i … i + n - 1 are all free, and the run stays in the segment. */
static segment_mask runs(segment_mask m, unsigned int n)
{
	unsigned int have = 1;

	while (have < n && m) {
		unsigned int step = have < n - have ? have : n - have;

		m &= m >> step;
		have += step;
	}
	return m;
}

static unsigned int lowest(segment_mask m)
{
	uint64_t low = (uint64_t)m;

	return low ? __builtin_ctzll(low) : 64 + __builtin_ctzll((uint64_t)(m >> 64));
}

static segment_mask bits(unsigned int from, unsigned int n)
{
	return (n >= SWIOTLB_SEGMENT ? ALL_FREE : ((segment_mask)1 << n) - 1) << from;
}

/* Is a mapping of n slots at addr what the device asked for? */
static bool fits(uint64_t addr, unsigned int n, uint64_t orig, const struct swiotlb_need *need)
{
	uint64_t keep = need->min_align_mask & ~(uint64_t)(SWIOTLB_SLOT - 1);
	uint64_t boundary = need->boundary_mask;

	if ((addr & keep) != (orig & keep) || (addr & need->align_mask))
		return false;
	return !boundary || (addr & boundary) + (uint64_t)n * SWIOTLB_SLOT <= boundary + 1;
}

/* First slot number of n free slots in an area, or -1.  Under the area's lock. */
static int64_t find(struct swiotlb_pool *p, unsigned int a, unsigned int n, uint64_t orig,
		    const struct swiotlb_need *need)
{
	struct area *area = &p->areas[a];
	uint32_t end = a + 1 == p->nareas ? p->segments : (a + 1) * p->per_area;
	bool picky = need && (need->min_align_mask >= SWIOTLB_SLOT || need->align_mask ||
			      need->boundary_mask);

	for (uint32_t s = area->hint; s < end; s++) {
		segment_mask m = runs(p->free[s], n);

		if (!p->free[s] && s == area->hint)
			area->hint++;
		for (; m; m &= m - 1) {
			uint32_t slot = s * SWIOTLB_SEGMENT + lowest(m);

			if (!picky || fits(p->start + (uint64_t)slot * SWIOTLB_SLOT, n, orig, need))
				return slot;
		}
	}
	return -1;
}

static int64_t take(struct swiotlb_pool *p, unsigned int n, uint64_t orig,
		    const struct swiotlb_need *need)
{
	unsigned int own = task_current()->cpu & (p->nareas - 1);

	for (unsigned int i = 0; i < p->nareas; i++) {
		unsigned int a = (own + i) & (p->nareas - 1);
		struct area *area = &p->areas[a];
		int64_t slot;

		pthread_spin_lock(&area->lock);
		slot = find(p, a, n, orig, need);
		if (slot >= 0) {
			if (!fault_once(p->fault, FAULT_SLOT_TWICE))
				p->free[slot / SWIOTLB_SEGMENT] &= ~bits(slot % SWIOTLB_SEGMENT, n);
			area->used += n;
			if (area->used > area->hiwater)
				area->hiwater = area->used;
			area->maps++;
		} else if (i + 1 == p->nareas) {
			area->full++;
		}
		pthread_spin_unlock(&area->lock);
		if (slot >= 0)
			return slot;
	}
	return -1;
}

/* Note for each slot of a mapping what it holds. */
static void record(struct swiotlb_pool *p, int64_t first, unsigned int n, uint64_t orig,
		   size_t size, unsigned int in_slot)
{
	struct slot *slot = &p->slots[first];
	size_t left = size + in_slot;

	slot->count = n;
	slot->in_slot = in_slot;
	for (unsigned int i = 0; i < n; i++) {
		uint64_t off = (uint64_t)i * SWIOTLB_SLOT;

		slot[i].orig = orig == EVENT_NO_ADDR ? orig : orig - in_slot + off;
		slot[i].left = left - off;
		if (i) {
			slot[i].count = 0;
			slot[i].in_slot = 0;
		}
	}
}

uint64_t swiotlb_map(struct swiotlb_pool *p, uint64_t orig, size_t size,
		     const struct swiotlb_need *need)
{
	unsigned int in_slot = need ? orig & need->min_align_mask & (SWIOTLB_SLOT - 1) : 0;
	const uint8_t *from = realm_ptr(p->realm, orig, size);
	unsigned int n;
	int64_t slot;
	uint64_t off;

	if (!from || !size || size > SWIOTLB_MAX_MAPPING - in_slot) {
		__atomic_add_fetch(&p->too_large, 1, __ATOMIC_RELAXED);
		return EVENT_NO_ADDR;
	}
	n = (size + in_slot + SWIOTLB_SLOT - 1) / SWIOTLB_SLOT;
	slot = take(p, n, orig, need);
	if (slot < 0)
		return EVENT_NO_ADDR;
	record(p, slot, n, orig, size, in_slot);
	off = (uint64_t)slot * SWIOTLB_SLOT + in_slot;
	if (!fault_once(p->fault, FAULT_STALE_SLOT))
		memcpy(p->memory + off, from, size);
	return p->start + off;
}

uint64_t swiotlb_alloc(struct swiotlb_pool *p, size_t size)
{
	static const struct swiotlb_need page = { .align_mask = REALM_GRANULE - 1 };
	unsigned int n = (size + SWIOTLB_SLOT - 1) / SWIOTLB_SLOT;
	int64_t slot;

	if (!size || size > SWIOTLB_MAX_MAPPING)
		return EVENT_NO_ADDR;
	slot = take(p, n, 0, &page);
	if (slot < 0)
		return EVENT_NO_ADDR;
	record(p, slot, n, EVENT_NO_ADDR, size, 0);
	memset(p->memory + slot * SWIOTLB_SLOT, 0, (size_t)n * SWIOTLB_SLOT);
	return p->start + slot * SWIOTLB_SLOT;
}

/* Where the original of [addr, addr + size) is; NULL when no mapping covers all of it. */
static uint8_t *original(struct swiotlb_pool *p, uint64_t addr, size_t size)
{
	uint64_t off = addr - p->start;
	const struct slot *slot;
	size_t in_slot = off % SWIOTLB_SLOT;

	if (!swiotlb_pool_contains(p, addr))
		return NULL;
	slot = &p->slots[off / SWIOTLB_SLOT];
	if (in_slot < slot->in_slot || in_slot + size > slot->left || slot->orig == EVENT_NO_ADDR)
		return NULL;
	return realm_ptr(p->realm, slot->orig + in_slot, size);
}

int swiotlb_sync_for_cpu(struct swiotlb_pool *p, uint64_t addr, size_t size)
{
	uint8_t *to = original(p, addr, size);

	if (!to)
		return -EINVAL;
	memcpy(to, p->memory + (addr - p->start), size);
	return 0;
}

int swiotlb_sync_for_device(struct swiotlb_pool *p, uint64_t addr, size_t size)
{
	const uint8_t *from = original(p, addr, size);

	if (!from)
		return -EINVAL;
	memcpy(p->memory + (addr - p->start), from, size);
	return 0;
}

int swiotlb_unmap(struct swiotlb_pool *p, uint64_t addr, size_t size, bool copy_back)
{
	uint64_t off = addr - p->start;
	uint32_t first = off / SWIOTLB_SLOT, seg = first / SWIOTLB_SEGMENT;
	struct slot *slot = &p->slots[first];
	unsigned int n;
	struct area *area;

	if (!swiotlb_pool_contains(p, addr) || !slot->count || off % SWIOTLB_SLOT != slot->in_slot)
		return -EINVAL;
	if (copy_back && swiotlb_sync_for_cpu(p, addr, size) < 0)
		return -EINVAL;
	n = slot->count;
	slot->count = 0;
	for (unsigned int i = 0; i < n; i++)
		slot[i].left = 0;
	area = &p->areas[p->area_of[seg]];
	pthread_spin_lock(&area->lock);
	p->free[seg] |= bits(first % SWIOTLB_SEGMENT, n);
	if (seg < area->hint)
		area->hint = seg;
	area->used -= n;
	area->unmaps++;
	pthread_spin_unlock(&area->lock);
	return 0;
}

void swiotlb_overrun(struct swiotlb_pool *p, uint64_t addr, size_t size)
{
	const struct slot *slot = &p->slots[(addr - p->start) / SWIOTLB_SLOT];
	uint8_t *to;

	if (!swiotlb_pool_contains(p, addr) || !swiotlb_pool_contains(p, addr + size - 1))
		return;
	to = realm_ptr(p->realm, slot->orig + (addr - p->start) % SWIOTLB_SLOT, size);
	if (to)
		memcpy(to, p->memory + (addr - p->start), size);
}

void swiotlb_counters(struct swiotlb_pool *p, struct swiotlb_counters *c)
{
	memset(c, 0, sizeof(*c));
	c->slots = p->size / SWIOTLB_SLOT;
	c->too_large = __atomic_load_n(&p->too_large, __ATOMIC_RELAXED);
	for (unsigned int a = 0; a < p->nareas; a++) {
		struct area *area = &p->areas[a];

		pthread_spin_lock(&area->lock);
		c->used += area->used;
		c->hiwater += area->hiwater;
		c->maps += area->maps;
		c->unmaps += area->unmaps;
		c->full += area->full;
		pthread_spin_unlock(&area->lock);
	}
}

size_t swiotlb_table_bytes(const struct swiotlb_pool *p)
{
	return p->size / SWIOTLB_SLOT * sizeof(*p->slots);
}

size_t swiotlb_other_bytes(const struct swiotlb_pool *p)
{
	return sizeof(*p) + strlen(p->name) + 1 + p->segments * sizeof(*p->free) +
	       p->nareas * sizeof(*p->areas) + p->segments * sizeof(*p->area_of);
}
