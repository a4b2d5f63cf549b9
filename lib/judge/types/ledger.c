/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/judge/types/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"

/*
 * Two ways to find a mapping by an address inside it.  A pool has a table with
 * the owner of each slot: the kernel gives a slot to one mapping at a time.
 * Everything else (coherent allocations, direct maps) is in a treap ordered by
 * start that knows the highest end below each node.
 */
#define FITS_CACHE 4096		    /* entries of a table that the cache holds anyway */
#define MAX_TABLE_SLOTS (16u << 20) /* slots kept in tables at most: a pool of 32 GiB */

#define SEEN_MAPPED 0x80000000u /* part of a mapping made in the stream */
#define SEEN_ANY 0x40000000u	/* part of any mapping, inherited ones too */
#define SEEN_COUNT 0x3fffffffu

struct slot {
	uint32_t owner; /* mapping index, LEDGER_NONE when free */
	uint32_t seen;	/* SEEN_* flags and how many mappings began in it */
};

struct pool {
	struct range range;
	uint64_t nslots;
	bool counted; /* in ledger_slots() */
	struct slot *slots;
};

struct ledger {
	struct mapping *at; /* index 0 is LEDGER_NONE */
	uint32_t count, cap, free_list;
	size_t live;
	uint32_t *hash, *hash_orig;
	uint32_t mask;
	uint32_t root;
	uint32_t seed;
	uint64_t visit; /* walks so far */
	struct pool *pools;
	size_t npools;
	uint64_t slots;
};

static uint32_t key(uint16_t dev, uint64_t addr)
{
	uint64_t h = (addr ^ ((uint64_t)dev << 48)) * 0x9e3779b97f4a7c15u;

	return h >> 32;
}

struct ledger *ledger_new(const struct platform *p)
{
	struct ledger *l = xcalloc(1, sizeof(*l));
	uint64_t total = 0;

	l->cap = 256;
	l->at = xrealloc(NULL, l->cap, sizeof(*l->at));
	l->at[0] = (struct mapping){ 0 };
	l->count = 1;
	l->mask = 511;
	l->hash = xcalloc(l->mask + 1, sizeof(*l->hash));
	l->hash_orig = xcalloc(l->mask + 1, sizeof(*l->hash_orig));
	l->seed = 2463534242u;
	if (!p)
		return l;
	l->pools = xcalloc(p->swiotlb.npools, sizeof(*l->pools));
	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		struct range r = p->swiotlb.pools[i].range;
		uint64_t n = (r.end - r.start) / SWIOTLB_SLOT_SIZE + 1;
		struct pool *pool = &l->pools[l->npools];

		if (r.end < r.start || r.start % SWIOTLB_SLOT_SIZE || n > MAX_TABLE_SLOTS ||
		    total + n > MAX_TABLE_SLOTS)
			continue; /* its mappings go to the treap */
		total += n;
		*pool = (struct pool){ .range = r, .nslots = n };
		pool->counted = platform_pool_is_default(&p->swiotlb.pools[i]);
		pool->slots = xcalloc(n, sizeof(*pool->slots));
		l->npools++;
	}
	return l;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->npools; i++)
		free(l->pools[i].slots);
	free(l->pools);
	free(l->hash);
	free(l->hash_orig);
	free(l->at);
	free(l);
}

static struct pool *pool_of(const struct ledger *l, uint64_t dma, uint64_t size)
{
	for (size_t i = 0; i < l->npools; i++) {
		struct pool *p = &l->pools[i];

		if (dma >= p->range.start && dma <= p->range.end && size - 1 <= p->range.end - dma)
			return p;
	}
	return NULL;
}

static uint64_t slot_of(const struct pool *p, uint64_t dma)
{
	return (dma - p->range.start) / SWIOTLB_SLOT_SIZE;
}

/* ---- treap ---- */

static uint64_t end_of(const struct mapping *m)
{
	uint64_t end = m->dma + m->size - 1;

	return end < m->dma ? UINT64_MAX : end;
}

static void pull(struct ledger *l, uint32_t n)
{
	struct mapping *m = &l->at[n];

	m->max_end = end_of(m);
	if (m->left && l->at[m->left].max_end > m->max_end)
		m->max_end = l->at[m->left].max_end;
	if (m->right && l->at[m->right].max_end > m->max_end)
		m->max_end = l->at[m->right].max_end;
}

/* Order by start, then by index: every node has its one place. */
static bool before(const struct ledger *l, uint32_t a, uint32_t b)
{
	uint64_t x = l->at[a].dma, y = l->at[b].dma;

	return x != y ? x < y : a < b;
}

static void split(struct ledger *l, uint32_t t, uint32_t pivot, uint32_t *lo, uint32_t *hi)
{
	if (!t) {
		*lo = *hi = LEDGER_NONE;
	} else if (before(l, t, pivot)) {
		split(l, l->at[t].right, pivot, &l->at[t].right, hi);
		*lo = t;
		pull(l, t);
	} else {
		split(l, l->at[t].left, pivot, lo, &l->at[t].left);
		*hi = t;
		pull(l, t);
	}
}

static uint32_t merge(struct ledger *l, uint32_t lo, uint32_t hi)
{
	if (!lo || !hi)
		return lo ? lo : hi;
	if (l->at[lo].prio > l->at[hi].prio) {
		l->at[lo].right = merge(l, l->at[lo].right, hi);
		pull(l, lo);
		return lo;
	}
	l->at[hi].left = merge(l, lo, l->at[hi].left);
	pull(l, hi);
	return hi;
}

static uint32_t treap_insert(struct ledger *l, uint32_t t, uint32_t n)
{
	if (!t)
		return n;
	if (l->at[n].prio > l->at[t].prio) {
		split(l, t, n, &l->at[n].left, &l->at[n].right);
		pull(l, n);
		return n;
	}
	if (before(l, n, t))
		l->at[t].left = treap_insert(l, l->at[t].left, n);
	else
		l->at[t].right = treap_insert(l, l->at[t].right, n);
	pull(l, t);
	return t;
}

static uint32_t treap_remove(struct ledger *l, uint32_t t, uint32_t n)
{
	if (!t)
		return LEDGER_NONE;
	if (t == n)
		return merge(l, l->at[t].left, l->at[t].right);
	if (before(l, n, t))
		l->at[t].left = treap_remove(l, l->at[t].left, n);
	else
		l->at[t].right = treap_remove(l, l->at[t].right, n);
	pull(l, t);
	return t;
}

struct visitor {
	bool (*visit)(void *ctx, uint32_t index, struct mapping *m);
	void *ctx;
};

/* false: the visitor has seen enough. */
static bool treap_visit(struct ledger *l, uint32_t t, uint64_t start, uint64_t end,
			const struct visitor *v)
{
	struct mapping *m = &l->at[t];

	if (!t || m->max_end < start)
		return true;
	if (!treap_visit(l, m->left, start, end, v))
		return false;
	if (m->dma > end)
		return true;
	if (end_of(m) >= start && !v->visit(v->ctx, t, m))
		return false;
	return treap_visit(l, m->right, start, end, v);
}

/* ---- entries ---- */

static void rehash(struct ledger *l)
{
	uint32_t mask = 2 * l->mask + 1;

	free(l->hash);
	free(l->hash_orig);
	l->hash = xcalloc((size_t)mask + 1, sizeof(*l->hash));
	l->hash_orig = xcalloc((size_t)mask + 1, sizeof(*l->hash_orig));
	l->mask = mask;
	for (uint32_t i = 1; i < l->count; i++) {
		struct mapping *m = &l->at[i];
		uint32_t h;

		if (!m->size) /* a free entry */
			continue;
		h = key(m->dev, m->dma) & mask;
		m->next = l->hash[h];
		l->hash[h] = i;
		if (m->flags & MAPPING_SG) {
			h = key(m->dev, m->orig) & mask;
			m->next_orig = l->hash_orig[h];
			l->hash_orig[h] = i;
		}
	}
}

static uint32_t take_entry(struct ledger *l)
{
	uint32_t i = l->free_list;

	if (i) {
		l->free_list = l->at[i].next;
		return i;
	}
	if (l->count == l->cap) {
		l->cap *= 2;
		l->at = xrealloc(l->at, l->cap, sizeof(*l->at));
	}
	if (l->count > l->mask)
		rehash(l);
	return l->count++;
}

static void own_slots(struct ledger *l, struct pool *p, uint32_t i)
{
	const struct mapping *m = &l->at[i];
	uint32_t seen = m->flags & MAPPING_INHERITED ? SEEN_ANY : SEEN_ANY | SEEN_MAPPED;
	struct slot *first = &p->slots[slot_of(p, m->dma)];
	struct slot *last = &p->slots[slot_of(p, m->dma + m->size - 1)];
	uint64_t taken = 0;

	for (struct slot *s = first; s <= last; s++) {
		taken += s->owner == LEDGER_NONE;
		s->owner = i;
		s->seen |= seen;
	}
	if (p->counted)
		l->slots += taken;
	if ((first->seen & SEEN_COUNT) != SEEN_COUNT)
		first->seen++;
}

static void disown_slots(struct ledger *l, struct pool *p, uint32_t i)
{
	const struct mapping *m = &l->at[i];
	struct slot *last = &p->slots[slot_of(p, m->dma + m->size - 1)];
	uint64_t given = 0;

	for (struct slot *s = &p->slots[slot_of(p, m->dma)]; s <= last; s++) {
		if (s->owner == i) {
			s->owner = LEDGER_NONE;
			given++;
		}
	}
	if (p->counted)
		l->slots -= given;
}

uint32_t ledger_add(struct ledger *l, const struct mapping *from)
{
	uint32_t i = take_entry(l), h;
	struct mapping *m = &l->at[i];
	struct pool *p;

	*m = *from;
	m->size = m->size ? m->size : 1;
	h = key(m->dev, m->dma) & l->mask;
	m->next = l->hash[h];
	l->hash[h] = i;
	if (m->flags & MAPPING_SG) {
		h = key(m->dev, m->orig) & l->mask;
		m->next_orig = l->hash_orig[h];
		l->hash_orig[h] = i;
	}
	p = pool_of(l, m->dma, m->size);
	m->flags &= ~MAPPING_POOL;
	/*
	 * A direct map or allocation inside a pool may lie in another one's slots
	 * (a part of a shared buffer): only bounce slots have one owner.
	 */
	if (p && (m->flags & MAPPING_BOUNCED)) {
		m->flags |= MAPPING_POOL;
		m->pool = (uint32_t)(p - l->pools);
		m->visited = 0;
		own_slots(l, p, i);
	} else {
		m->left = m->right = LEDGER_NONE;
		l->seed ^= l->seed << 13;
		l->seed ^= l->seed >> 17;
		l->seed ^= l->seed << 5;
		m->prio = l->seed;
		pull(l, i);
		l->root = treap_insert(l, l->root, i);
	}
	l->live++;
	return i;
}

static void unchain(struct ledger *l, uint32_t i)
{
	struct mapping *m = &l->at[i];
	uint32_t *link = &l->hash[key(m->dev, m->dma) & l->mask];

	while (*link != i)
		link = &l->at[*link].next;
	*link = m->next;
	if (m->flags & MAPPING_SG) {
		link = &l->hash_orig[key(m->dev, m->orig) & l->mask];
		while (*link != i)
			link = &l->at[*link].next_orig;
		*link = m->next_orig;
	}
}

void ledger_remove(struct ledger *l, uint32_t i)
{
	struct mapping *m = &l->at[i];

	unchain(l, i);
	if (m->flags & MAPPING_POOL)
		disown_slots(l, &l->pools[m->pool], i);
	else
		l->root = treap_remove(l, l->root, i);
	m->size = 0;
	m->next = l->free_list;
	l->free_list = i;
	l->live--;
}

struct mapping *ledger_at(struct ledger *l, uint32_t i)
{
	return &l->at[i];
}

uint32_t ledger_next(const struct ledger *l, uint32_t i, uint16_t dev, uint64_t dma)
{
	for (i = i ? l->at[i].next : l->hash[key(dev, dma) & l->mask]; i; i = l->at[i].next) {
		if (l->at[i].dma == dma && l->at[i].dev == dev)
			break;
	}
	return i;
}

uint32_t ledger_next_orig(const struct ledger *l, uint32_t i, uint16_t dev, uint64_t orig)
{
	i = i ? l->at[i].next_orig : l->hash_orig[key(dev, orig) & l->mask];
	for (; i; i = l->at[i].next_orig) {
		if (l->at[i].orig == orig && l->at[i].dev == dev)
			break;
	}
	return i;
}

struct around {
	uint64_t dma, end;
	uint32_t found, other;
	uint16_t dev;
};

static bool visit_around(void *ctx, uint32_t i, struct mapping *m)
{
	struct around *a = ctx;

	if (m->dma > a->dma || end_of(m) < a->end)
		return true;
	if (m->dev != a->dev) {
		a->other = i;
		return true;
	}
	a->found = i;
	return m->flags & MAPPING_SUPERSEDED;
}

uint32_t ledger_find_around(const struct ledger *l, uint16_t dev, uint64_t dma, uint64_t size,
			    bool any_device)
{
	struct around a = { .dma = dma, .end = dma + (size ? size - 1 : 0), .dev = dev };
	struct visitor v = { visit_around, &a };
	const struct pool *p = pool_of(l, dma, size ? size : 1);
	uint32_t i;

	if (a.end < dma)
		return LEDGER_NONE;
	i = p ? p->slots[slot_of(p, dma)].owner : LEDGER_NONE;
	if (i && !visit_around(&a, i, &l->at[i]))
		return i;
	/* the ledger itself does not change: visit_around only reads */
	treap_visit((struct ledger *)l, l->root, dma, a.end, &v);
	return a.found || !any_device ? a.found : a.other;
}

void ledger_overlaps(struct ledger *l, uint64_t dma, uint64_t size,
		     bool (*visit)(void *ctx, uint32_t index, struct mapping *m), void *ctx)
{
	struct visitor v = { visit, ctx };
	uint64_t end = dma + (size ? size - 1 : 0);

	if (end < dma)
		end = UINT64_MAX;
	l->visit++;
	for (size_t k = 0; k < l->npools; k++) {
		struct pool *p = &l->pools[k];
		uint64_t lo = dma > p->range.start ? dma : p->range.start;
		uint64_t hi = end < p->range.end ? end : p->range.end;

		if (lo > hi)
			continue;
		for (uint64_t s = slot_of(p, lo), last = slot_of(p, hi); s <= last; s++) {
			uint32_t i = p->slots[s].owner;

			/* newer mappings may own slots in the midst of an older one */
			if (!i || l->at[i].visited == l->visit)
				continue;
			l->at[i].visited = l->visit;
			if (!visit(ctx, i, &l->at[i]))
				return;
		}
	}
	if (l->root)
		treap_visit(l, l->root, dma, end, &v);
}

void ledger_each(struct ledger *l, void (*visit)(void *ctx, uint32_t index, struct mapping *m),
		 void *ctx)
{
	for (uint32_t i = 1; i < l->count; i++) {
		if (l->at[i].size)
			visit(ctx, i, &l->at[i]);
	}
}

bool ledger_slot_known(const struct ledger *l, uint64_t dma)
{
	const struct pool *p = pool_of(l, dma, 1);

	return p && (p->slots[slot_of(p, dma)].seen & SEEN_MAPPED);
}

void ledger_slot_runs(const struct ledger *l,
		      void (*visit)(void *ctx, struct range run, uint64_t mappings), void *ctx)
{
	for (size_t k = 0; k < l->npools; k++) {
		const struct pool *p = &l->pools[k];

		for (uint64_t s = 0; s < p->nslots; s++) {
			uint64_t first = s, mappings = 0;

			if (!(p->slots[s].seen & SEEN_ANY)) /* most, after a short run */
				continue;
			for (; s < p->nslots && (p->slots[s].seen & SEEN_ANY); s++)
				mappings += p->slots[s].seen & SEEN_COUNT;
			visit(ctx,
			      (struct range){ p->range.start + first * SWIOTLB_SLOT_SIZE,
					      p->range.start + s * SWIOTLB_SLOT_SIZE - 1 },
			      mappings);
		}
	}
}

void ledger_expect(const struct ledger *l, uint16_t dev, uint64_t dma)
{
	const struct pool *p = pool_of(l, dma, 1);

	if (l->mask > FITS_CACHE)
		__builtin_prefetch(&l->hash[key(dev, dma) & l->mask]);
	if (p)
		__builtin_prefetch(&p->slots[slot_of(p, dma)]);
}

size_t ledger_live(const struct ledger *l)
{
	return l->live;
}

uint64_t ledger_slots(const struct ledger *l)
{
	return l->slots;
}
