/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/judge/types/memmap.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

/* Disjoint ranges in ascending order; neighbours are joined. */
struct rangeset {
	struct range *list;
	size_t count, cap;
};

struct memmap {
	struct rangeset all_pools, ram, decrypted;
	struct rangeset unsettled; /* changed, and perhaps changed back */
	struct rangeset pools;	   /* what of all_pools was not made protected again */
	/* which most addresses of most machines lie in; end < start: none */
	struct range first_pool;
	/* around what was found to be PROTECTED last, and before that; end < start: none */
	struct range protected[2];
	bool pools_complete;
};

static uint64_t last_byte(uint64_t start, uint64_t size)
{
	uint64_t end = start + (size ? size : 1) - 1;

	return end < start ? UINT64_MAX : end;
}

/* Index of the first range that ends at or after addr. */
static size_t lower(const struct rangeset *s, uint64_t addr)
{
	return range_reaching(s->list, s->count, sizeof(*s->list), addr);
}

static void insert_at(struct rangeset *s, size_t i, struct range r)
{
	XGROW(s->list, s->count, s->cap);
	memmove(&s->list[i + 1], &s->list[i], (s->count - i) * sizeof(r));
	s->list[i] = r;
	s->count++;
}

static void drop(struct rangeset *s, size_t from, size_t to)
{
	if (from == to)
		return; /* the list may not exist yet */
	memmove(&s->list[from], &s->list[to], (s->count - to) * sizeof(*s->list));
	s->count -= to - from;
}

static void add(struct rangeset *s, uint64_t start, uint64_t end)
{
	size_t from = lower(s, start ? start - 1 : 0), to = from;
	struct range r = { start, end };

	while (to < s->count && (end == UINT64_MAX || s->list[to].start <= end + 1)) {
		if (s->list[to].start < r.start)
			r.start = s->list[to].start;
		if (s->list[to].end > r.end)
			r.end = s->list[to].end;
		to++;
	}
	drop(s, from, to);
	insert_at(s, from, r);
}

static void cut(struct rangeset *s, uint64_t start, uint64_t end)
{
	size_t i = lower(s, start);

	while (i < s->count && s->list[i].start <= end) {
		struct range r = s->list[i];

		drop(s, i, i + 1);
		if (r.start < start)
			insert_at(s, i++, (struct range){ r.start, start - 1 });
		if (r.end > end)
			insert_at(s, i++, (struct range){ end + 1, r.end });
	}
}

/* How much of [start, end] is in the set: all, some or none of it. */
enum share { SHARE_NONE, SHARE_SOME, SHARE_ALL };

static inline enum share share(const struct rangeset *s, uint64_t start, uint64_t end)
{
	size_t i = s->count ? lower(s, start) : 0;

	if (i == s->count || s->list[i].start > end)
		return SHARE_NONE;
	return s->list[i].start <= start && s->list[i].end >= end ? SHARE_ALL : SHARE_SOME;
}

/* After each change: what is kept of the sets, to find most addresses at once. */
static void keep(struct memmap *m)
{
	m->first_pool = m->pools.count ? m->pools.list[0] : (struct range){ 1, 0 };
	m->protected[0] = m->protected[1] = (struct range){ 1, 0 };
}

/* Of a range around this address, what lies between the set's ranges on both sides of it. */
static void narrow(struct range *r, uint64_t address, const struct rangeset *s)
{
	size_t i = s->count ? lower(s, address) : 0;

	if (i && s->list[i - 1].end >= r->start)
		r->start = s->list[i - 1].end + 1;
	if (i < s->count && s->list[i].start <= r->end)
		r->end = s->list[i].start - 1;
}

static void keep_protected(struct memmap *m, uint64_t address)
{
	struct range r = m->ram.list[lower(&m->ram, address)];

	narrow(&r, address, &m->pools);
	narrow(&r, address, &m->decrypted);
	narrow(&r, address, &m->unsettled);
	m->protected[1] = m->protected[0];
	m->protected[0] = r;
}

struct memmap *memmap_new(const struct platform *p)
{
	struct memmap *m = xcalloc(1, sizeof(*m));

	keep(m);
	if (!p)
		return m;
	for (size_t i = 0; i < p->nram; i++)
		add(&m->ram, p->ram[i].start, p->ram[i].end);
	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		struct range r = p->swiotlb.pools[i].range;

		add(&m->all_pools, r.start, r.end);
		add(&m->pools, r.start, r.end);
	}
	keep(m);
	/* An empty list is knowledge only where the kernel was told to have no pool. */
	m->pools_complete = p->swiotlb.dynamic != TRI_YES &&
			    (p->swiotlb.npools > 0 || p->swiotlb.slots == 0 ||
			     (p->kernel.cmdline && strstr(p->kernel.cmdline, "swiotlb=noforce")));
	return m;
}

void memmap_free(struct memmap *m)
{
	if (!m)
		return;
	free(m->pools.list);
	free(m->all_pools.list);
	free(m->ram.list);
	free(m->decrypted.list);
	free(m->unsettled.list);
	free(m);
}

void memmap_decrypt(struct memmap *m, uint64_t start, uint64_t size)
{
	uint64_t end = last_byte(start, size);

	if (!size)
		return;
	add(&m->decrypted, start, end);
	for (size_t i = lower(&m->all_pools, start);
	     i < m->all_pools.count && m->all_pools.list[i].start <= end; i++) {
		struct range r = m->all_pools.list[i];

		add(&m->pools, r.start > start ? r.start : start, r.end < end ? r.end : end);
	}
	keep(m);
}

void memmap_encrypt(struct memmap *m, uint64_t start, uint64_t size)
{
	if (!size)
		return;
	cut(&m->decrypted, start, last_byte(start, size));
	cut(&m->pools, start, last_byte(start, size));
	keep(m);
}

void memmap_unsettle(struct memmap *m, uint64_t start, uint64_t size, bool shared)
{
	if (!size)
		return;
	if (!shared)
		cut(&m->pools, start, last_byte(start, size));
	add(&m->unsettled, start, last_byte(start, size));
	keep(m);
}

bool memmap_is_unsettled(const struct memmap *m, uint64_t start, uint64_t size)
{
	return share(&m->unsettled, start, last_byte(start, size)) != SHARE_NONE;
}

static bool within(const struct range *r, uint64_t start, uint64_t end)
{
	return start >= r->start && end <= r->end;
}

/* memmap_state() for what is not where the last ones were. */
static __attribute__((noinline)) enum memory_state find_state(struct memmap *m, uint64_t start,
							      uint64_t size)
{
	uint64_t end = last_byte(start, size);
	enum share pools, decrypted, ram;

	pools = share(&m->pools, start, end);
	if (pools == SHARE_ALL)
		return MEMORY_POOL;
	decrypted = share(&m->decrypted, start, end);
	if (decrypted == SHARE_ALL)
		return MEMORY_DECRYPTED;
	if (memmap_is_unsettled(m, start, size))
		return MEMORY_UNKNOWN;
	if (pools || decrypted)
		return MEMORY_MIXED;
	if (!m->ram.count || !m->pools_complete)
		return MEMORY_UNKNOWN;
	ram = share(&m->ram, start, end);
	if (ram == SHARE_ALL)
		keep_protected(m, start);
	return ram == SHARE_ALL ? MEMORY_PROTECTED : ram ? MEMORY_MIXED : MEMORY_OUTSIDE;
}

enum memory_state memmap_state(struct memmap *m, uint64_t start, uint64_t size)
{
	uint64_t end = last_byte(start, size);

	if (within(&m->first_pool, start, end))
		return MEMORY_POOL;
	if (within(&m->protected[0], start, end) || within(&m->protected[1], start, end))
		return MEMORY_PROTECTED;
	return find_state(m, start, size);
}

bool memmap_touches_pool(const struct memmap *m, uint64_t start, uint64_t size)
{
	return share(&m->all_pools, start, last_byte(start, size)) != SHARE_NONE;
}

uint64_t memmap_top(const struct memmap *m)
{
	uint64_t top = 0;

	if (m->ram.count)
		top = m->ram.list[m->ram.count - 1].end;
	if (m->all_pools.count && m->all_pools.list[m->all_pools.count - 1].end > top)
		top = m->all_pools.list[m->all_pools.count - 1].end;
	return top;
}

bool memmap_pools_complete(const struct memmap *m)
{
	return m->pools_complete;
}
