/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the linear map marks pages: a walk through the kernel's page tables.
 *
 * arm64: Arm ARM (DDI 0487), D8.3 "Translation table descriptor formats"; amd64: Intel SDM volume
 * 3, 4.5 "4-level paging and 5-level paging".  How many levels there are, and how wide an address
 * is, nobody tells: a walk counts only where it ends at an entry that names the page asked for.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/memory/state.h"
#include "lib/base/xalloc.h"

#define PRESENT 1u
#define ARM_TABLE 2u /* with PRESENT: a table, or a page on the last level */
#define X86_LARGE (1u << 7)
#if defined(__aarch64__)
#define ADDRESS_BITS UINT64_C(0x0003fffffffff000)
#else
#define ADDRESS_BITS UINT64_C(0x000ffffffffff000)
#endif

/* Widths of virtual addresses that kernels are built for. */
static const unsigned int widths[] = { 48, 52, 57, 47, 42, 39 };

struct walker {
	struct taking *t;
	uint64_t mask;
	unsigned int page_shift, bits; /* bits: of an index */
	unsigned int width;	       /* 0: not yet found out */
	/* the table of the last level that was read last */
	uint64_t cached; /* where it is; 0: none */
	uint64_t prefix; /* what all addresses that it maps begin with */
	uint64_t *cache;
};

struct leaf {
	uint64_t entry, start, size; /* of the page or block; start is physical */
};

static bool is_leaf(uint64_t entry, unsigned int level)
{
#if defined(__aarch64__)
	return level == 0 || !(entry & ARM_TABLE);
#else
	return level == 0 || (entry & X86_LARGE);
#endif
}

/* An entry of the table at a virtual address. */
static bool read_entry(struct walker *w, uint64_t table, uint64_t index, bool last, uint64_t *entry)
{
	if (!last)
		return core_read(w->t->core, table + 8 * index, entry, sizeof(*entry));
	if (w->cached != table) {
		w->cached = 0;
		if (!core_read(w->t->core, table, w->cache, (size_t)1 << w->page_shift))
			return false;
		w->cached = table;
	}
	*entry = w->cache[index];
	return true;
}

static bool walk(struct walker *w, unsigned int width, uint64_t physical, struct leaf *leaf)
{
	unsigned int level = (width - w->page_shift + w->bits - 1) / w->bits;
	uint64_t table = w->t->symbols->page_table, va, entry;

	if (width <= w->page_shift || !core_virtual(w->t->core, physical, &va))
		return false;
	if (w->width && w->cached && w->prefix == va >> (w->page_shift + w->bits)) {
		table = w->cached;
		level = 1;
	}
	while (level-- > 0) {
		unsigned int shift = w->page_shift + level * w->bits;
		unsigned int bits = width - shift < w->bits ? width - shift : w->bits;
		uint64_t size = UINT64_C(1) << shift;

		if (!read_entry(w, table, va >> shift & ((UINT64_C(1) << bits) - 1), level == 0,
				&entry) ||
		    !(entry & PRESENT))
			return false;
		if (is_leaf(entry, level)) {
			leaf->entry = entry;
			leaf->size = size;
			leaf->start = entry & ADDRESS_BITS & ~w->mask & ~(size - 1);
			return leaf->start == (physical & ~(size - 1));
		}
		if (!core_virtual(w->t->core, entry & ADDRESS_BITS & ~w->mask, &table))
			return false;
		w->prefix = va >> (w->page_shift + w->bits);
		w->cached = level == 1 && w->cached == table ? table : 0;
	}
	return false;
}

static bool find_leaf(struct walker *w, uint64_t physical, struct leaf *leaf)
{
	if (w->width)
		return walk(w, w->width, physical, leaf);
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		if (!walk(w, widths[i], physical, leaf))
			continue;
		w->width = widths[i];
		return true;
	}
	return false;
}

static void add_pages(struct walker *w, struct range range, enum snapshot_mark mark, uint64_t entry)
{
	struct snapshot *s = w->t->s;
	struct snapshot_pages *last = s->npages ? &s->pages[s->npages - 1] : NULL;

	if (last && last->mark == mark && last->range.end + 1 == range.start) {
		last->range.end = range.end;
		return;
	}
	if (s->npages == SNAPSHOT_PAGES) {
		memory_trouble(w->t, "more than %u ranges of pages", SNAPSHOT_PAGES);
		return;
	}
	XGROW(s->pages, s->npages, s->pages_cap);
	s->pages[s->npages++] =
		(struct snapshot_pages){ .range = range, .entry = entry, .mark = mark };
}

static enum snapshot_mark mark_of(const struct walker *w, uint64_t entry)
{
	return entry & w->mask ? SNAPSHOT_SET : SNAPSHOT_CLEAR;
}

/*
 * The last byte that the leaf, and the entries that follow it in its table, map with one mark: most
 * pools lie in single pages, tens of thousands of them, and a walk for each would be most of a look
 * at memory.  Every entry must name the page that follows, as at the end of a walk.
 */
static uint64_t same_until(const struct walker *w, const struct leaf *leaf, uint64_t limit)
{
	uint64_t page = UINT64_C(1) << w->page_shift, count = UINT64_C(1) << w->bits;
	uint64_t end = leaf->start + (leaf->size - 1), va, last, last_va, index;

	if (leaf->size != page || !w->cached || !core_virtual(w->t->core, leaf->start, &va))
		return end;
	index = va >> w->page_shift & (count - 1);
	last = leaf->start + (count - 1 - index) * page;
	if (last > limit)
		last = limit & ~(page - 1);
	/* the linear map must go straight on up to there */
	if (!core_virtual(w->t->core, last, &last_va) || last_va - va != last - leaf->start)
		return end;
	for (uint64_t at = leaf->start + page; at <= last; at += page) {
		uint64_t entry = w->cache[++index];

		if (!(entry & PRESENT) || (entry & ADDRESS_BITS & ~w->mask) != at ||
		    mark_of(w, entry) != mark_of(w, leaf->entry))
			break;
		end = at + (page - 1);
	}
	return end;
}

static void look_at(struct walker *w, struct range range)
{
	uint64_t page = UINT64_C(1) << w->page_shift, at = range.start;

	for (;;) {
		struct leaf leaf = { 0 };
		bool found = find_leaf(w, at, &leaf);
		uint64_t end = found ? same_until(w, &leaf, range.end) : at | (page - 1);
		enum snapshot_mark mark = found ? mark_of(w, leaf.entry) : SNAPSHOT_ABSENT;

		if (end > range.end)
			end = range.end;
		add_pages(w, (struct range){ at, end }, mark, leaf.entry);
		if (end >= range.end)
			return;
		at = end + 1;
	}
}

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Whole pages of all rings and pools, in order and disjoint; the caller frees. */
static struct range *pages_that_matter(const struct walker *w, size_t *count)
{
	const struct snapshot *s = w->t->s;
	uint64_t low = (UINT64_C(1) << w->page_shift) - 1;
	struct range *list = NULL;
	size_t n = 0, cap = 0, kept = 0;

	for (size_t i = 0; i < s->npools; i++) {
		XGROW(list, n, cap);
		list[n++] = s->pools[i].range;
	}
	for (size_t i = 0; i < s->ndevices; i++) {
		for (size_t k = 0; k < s->devices[i].nqueues; k++) {
			const struct snapshot_queue *q = &s->devices[i].queues[k];

			for (size_t r = 0; r < q->nrings; r++) {
				uint64_t start = q->rings[r].address & ~w->mask;

				XGROW(list, n, cap);
				list[n++] = (struct range){ start, start + q->rings[r].size - 1 };
			}
		}
	}
	for (size_t i = 0; i < n; i++) {
		list[i].start &= ~low;
		list[i].end |= low;
	}
	if (n)
		qsort(list, n, sizeof(*list), by_start);
	for (size_t i = 0; i < n; i++) {
		if (kept && list[i].start <= list[kept - 1].end) {
			if (list[i].end > list[kept - 1].end)
				list[kept - 1].end = list[i].end;
		} else {
			list[kept++] = list[i];
		}
	}
	*count = kept;
	return list;
}

void memory_pages(struct taking *t)
{
	struct walker w = { .t = t };
	struct range *list;
	size_t count;

	w.page_shift = (unsigned int)__builtin_ctzl(sysconf(_SC_PAGESIZE));
	w.bits = w.page_shift - 3;
	if (t->symbols->page_mask)
		w.mask = memory_u64(t, t->symbols->page_mask);
	t->s->page_mask = w.mask;
	if (!t->symbols->page_table)
		return; /* nothing is said of pages */
	w.cache = xcalloc(1, (size_t)1 << w.page_shift);
	list = pages_that_matter(&w, &count);
	for (size_t i = 0; i < count; i++)
		look_at(&w, list[i]);
	free(list);
	free(w.cache);
}
