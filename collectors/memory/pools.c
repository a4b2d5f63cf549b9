/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bounce pools: areas, and the slots that are in use (Linux kernel/dma/swiotlb.c). */
#include <stdlib.h>

#include "collectors/memory/state.h"
#include "lib/base/xalloc.h"

#define SLOT_BYTES 2048u /* IO_TLB_SIZE */
#define AREAS_MAX 65536u
#define SLOTS_MAX (16u << 20) /* of one pool: 32 GiB */
#define SLOTS_AT_ONCE 4096u
#define MAPPING_SLOTS 128u /* IO_TLB_SEGSIZE: what one mapping has at most */

struct walk {
	struct taking *t;
	struct snapshot_pool *p;
	uint8_t *slots; /* SLOTS_AT_ONCE of them */
	uint64_t table; /* where the kernel has all of them */
	/* of the mapping that is being read */
	uint64_t rest;	/* bytes of it that are still to come; 0: none */
	bool has_start; /* its first slot is entered; it may hold no data, but align the rest */
};

static void add_live(struct walk *w, uint64_t slot, uint64_t orig, uint64_t size)
{
	struct snapshot_pool *p = w->p;

	if (w->t->live == SNAPSHOT_LIVE) {
		memory_trouble(w->t, "more than %u mappings in the bounce pools", SNAPSHOT_LIVE);
		return;
	}
	w->t->live++;
	XGROW(p->live, p->nlive, p->cap);
	p->live[p->nlive++] = (struct snapshot_live){ .start = p->range.start + slot * SLOT_BYTES,
						      .orig = orig,
						      .size = size };
}

/* One slot, in ascending order: the first of a mapping knows its size, each next one the rest. */
static void take_slot(struct walk *w, uint64_t index, const uint8_t *slot)
{
	const struct layout *at = &w->t->at;
	uint64_t size = at_u64(slot, at->slot_size), orig = at_u64(slot, at->slot_orig);
	bool in_use = at->slot_list >= 0 ? at_u16(slot, at->slot_list) == 0 : size > 0;

	/* list is an unsigned short since Linux 6.9, an unsigned int before: 0 is 0 in both */
	if (!in_use || !size || size > (uint64_t)MAPPING_SLOTS * SLOT_BYTES) {
		w->rest = 0;
		return;
	}
	if (size != w->rest)
		w->has_start = false; /* another mapping begins */
	if (!w->has_start)
		add_live(w, index, orig, size);
	else if (w->p->nlive && w->p->live[w->p->nlive - 1].orig == UINT64_MAX)
		w->p->live[w->p->nlive - 1].orig = orig;
	w->has_start = true;
	w->rest = size > SLOT_BYTES ? size - SLOT_BYTES : 0;
	if (!w->rest)
		w->has_start = false;
}

/*
 * Is none of the MAPPING_SLOTS slots from this one on in use?  The first one's list says how many
 * free ones follow (Linux kernel/dma/swiotlb.c, swiotlb_area_find_slots), and no mapping reaches
 * from one such row of slots into the next.  What this leaves out and should not have, the area's
 * own count of used slots shows.
 */
static bool is_row_free(const struct walk *w, uint64_t slot)
{
	const struct layout *at = &w->t->at;
	uint16_t list;

	return core_read(w->t->core, w->table + slot * at->slot_stride + at->slot_list, &list,
			 sizeof(list)) &&
	       list == MAPPING_SLOTS;
}

/* by_rows: so few are in use that to ask row by row is less than to read all of them */
static void read_area(struct walk *w, uint64_t first, uint64_t count, bool by_rows)
{
	const struct layout *at = &w->t->at;
	const long stride = at->slot_stride, size = at->slot_size;
	const uint64_t most = by_rows ? MAPPING_SLOTS : SLOTS_AT_ONCE;

	w->rest = 0;
	w->has_start = false;
	for (uint64_t done = 0; done < count; done += most) {
		uint64_t n = count - done < most ? count - done : most;

		if (by_rows && n == most && is_row_free(w, first + done))
			continue;
		if (!core_read(w->t->core, w->table + (first + done) * at->slot_stride, w->slots,
			       n * at->slot_stride)) {
			memory_trouble(w->t, "the slots of a bounce pool cannot be read");
			return;
		}
		for (uint64_t i = 0; i < n; i++) {
			/* nearly all are free; the kernel sets the size of those to 0 */
			if (!w->rest && !at_u64(w->slots + i * stride, size))
				continue;
			take_slot(w, first + done + i, w->slots + i * stride);
		}
	}
}

static void read_areas(struct walk *w, uint64_t areas, uint64_t area_slots)
{
	const struct layout *at = &w->t->at;

	for (uint64_t i = 0; i < w->p->areas; i++) {
		uint64_t used = memory_u64(w->t, areas + i * at->area_stride + at->area_used);
		uint64_t first = i * area_slots, count;

		if (!used || first >= w->p->slots)
			continue;
		count = w->p->slots - first < area_slots ? w->p->slots - first : area_slots;
		w->p->used += used;
		read_area(w, first, count,
			  at->slot_list >= 0 && first % MAPPING_SLOTS == 0 && used < count / 16);
	}
}

/* One part of a pool (struct io_tlb_pool): false where its members do not fit each other. */
static bool read_part(struct taking *t, uint64_t part)
{
	const struct layout *at = &t->at;
	uint8_t image[1024];
	struct walk w = { .t = t };
	uint64_t start, end, slots, area_slots, areas;

	if (!core_read(t->core, part, image, at->pool_size))
		return false;
	start = at_u64(image, at->pool_start);
	end = at_u64(image, at->pool_end);
	slots = at_u64(image, at->pool_slots_count);
	areas = at_u32(image, at->pool_nareas);
	area_slots = at_u32(image, at->pool_area_slots);
	if (!slots && !start)
		return true; /* there is none: swiotlb=noforce, or no pool at all */
	if (end <= start || (end - start) / SLOT_BYTES != slots || start % SLOT_BYTES || !areas ||
	    areas > AREAS_MAX || slots > SLOTS_MAX || !area_slots || t->s->npools == SNAPSHOT_POOLS)
		return false;
	XGROW(t->s->pools, t->s->npools, t->s->pools_cap);
	w.p = &t->s->pools[t->s->npools++];
	*w.p = (struct snapshot_pool){ .range = { start, end - 1 },
				       .slots = slots,
				       .areas = areas };
	w.table = at_u64(image, at->pool_slots);
	w.slots = xcalloc(SLOTS_AT_ONCE, at->slot_stride);
	read_areas(&w, at_u64(image, at->pool_areas), area_slots);
	free(w.slots);
	return true;
}

static bool can_read(const struct layout *at)
{
	return at->pool_size > 0 && at->pool_start >= 0 && at->pool_end >= 0 &&
	       at->pool_slots_count >= 0 && at->pool_nareas >= 0 && at->pool_areas >= 0 &&
	       at->pool_area_slots >= 0 && at->pool_slots >= 0 && at->area_stride > 0 &&
	       at->area_used >= 0 && at->slot_stride > 0 && at->slot_orig >= 0 &&
	       at->slot_size >= 0;
}

/* A struct io_tlb_mem: its part, or all parts of one that can grow. */
static void read_pool(struct taking *t, uint64_t mem)
{
	const struct layout *at = &t->at;
	uint64_t head = mem + at->mem_pools, next;

	if (at->mem_pools < 0 || at->pool_node < 0) {
		if (!read_part(t, mem + (at->mem_pool > 0 ? at->mem_pool : 0)))
			memory_trouble(t, "a bounce pool's bounds do not fit its slots");
		return;
	}
	for (next = memory_u64(t, head); next != head; next = memory_u64(t, next)) {
		if (!next || !read_part(t, next - at->pool_node)) {
			memory_trouble(t, "a part of a bounce pool cannot be read");
			return;
		}
	}
}

void memory_pools(struct taking *t)
{
	if (!t->symbols->pool) {
		memory_trouble(t, "/proc/kallsyms does not show where the bounce pool is");
		return;
	}
	if (!can_read(&t->at)) {
		memory_trouble(t, "this kernel's types do not describe its bounce pool");
		return;
	}
	read_pool(t, t->symbols->pool);
	for (size_t i = 0; i < t->nown_pools; i++)
		read_pool(t, t->own_pools[i]);
}
