/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Addresses that were given back: what an unmap, sync or free of one that is not mapped means.
 */
#include <string.h>

#include "lib/judge/state.h"

static uint64_t recent_hash(uint16_t dev, uint64_t dma, bool alloc)
{
	uint64_t h = (dma ^ ((uint64_t)dev << 44) ^ ((uint64_t)alloc << 63)) * 0x9e3779b97f4a7c15u;

	return h ^ h >> 32; /* the low half tells devices apart, too */
}

/* Where an address may be: one of the RECENT_WAYS from here on. */
static struct recent *recent_row(struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
{
	uint64_t row = (recent_hash(dev, dma, alloc) >> 32) % (RECENT_SIZE / RECENT_WAYS);

	return &j->recent[row * RECENT_WAYS];
}

static bool is_recent(const struct recent *r, uint16_t dev, uint64_t dma, bool alloc)
{
	return r->used && r->dma == dma && r->dev == dev && r->alloc == alloc;
}

/* The address's entry, or NULL. */
static struct recent *recent_find(struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
{
	struct recent *row = recent_row(j, dev, dma, alloc);

	for (size_t i = 0; i < RECENT_WAYS; i++) {
		if (is_recent(&row[i], dev, dma, alloc))
			return &row[i];
	}
	return NULL;
}

/* Which bit stands for an address that had to leave the table. */
static uint64_t forgotten_bit(uint16_t dev, uint64_t dma, bool alloc)
{
	return recent_hash(dev, dma, alloc) % FORGOTTEN_BITS;
}

/* ---- those that may be live all the same: a sync of a part does not name their start ---- */

static void mixed_drop(struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
{
	for (size_t i = 0; i < j->nmixed; i++) {
		if (is_recent(&j->mixed[i], dev, dma, alloc))
			j->mixed[i--] = j->mixed[--j->nmixed];
	}
}

static void mixed_add(struct judge *j, const struct recent *what)
{
	if (j->nmixed == MAX_MIXED) {
		j->mixed_lost = true;
		return;
	}
	j->mixed[j->nmixed] = *what;
	j->mixed[j->nmixed++].used = true;
}

static bool may_be_live(const struct judge *j, const struct event *ev, uint64_t plain)
{
	uint64_t size = ev->size ? ev->size : 1;

	for (size_t i = 0; i < j->nmixed; i++) {
		const struct recent *r = &j->mixed[i];

		if (!r->alloc && r->dev == ev->dev && plain >= r->dma && size <= r->size &&
		    plain - r->dma <= r->size - size)
			return true;
	}
	return j->mixed_lost;
}

/* A place for an address; of a full row, one is forgotten. */
static struct recent *recent_place(struct judge *j, const struct recent *what)
{
	struct recent *row = recent_row(j, what->dev, what->dma, what->alloc);
	struct recent *r = recent_find(j, what->dev, what->dma, what->alloc);
	uint64_t bit;

	if (r)
		return r;
	for (size_t i = 0; i < RECENT_WAYS; i++) {
		if (!row[i].used)
			return &row[i];
	}
	bit = forgotten_bit(row[0].dev, row[0].dma, row[0].alloc);
	j->forgotten[bit / 64] |= 1ull << (bit % 64);
	memmove(&row[0], &row[1], (RECENT_WAYS - 1) * sizeof(row[0]));
	return &row[RECENT_WAYS - 1];
}

void judge_recent_set(struct judge *j, const struct recent *what)
{
	struct recent *r = recent_place(j, what);

	*r = *what;
	r->used = true;
	mixed_drop(j, what->dev, what->dma, what->alloc);
	if (what->mixed)
		mixed_add(j, what);
}

static bool may_be_forgotten(const struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
{
	uint64_t bit = forgotten_bit(dev, dma, alloc);

	return j->forgotten[bit / 64] >> (bit % 64) & 1;
}

void judge_recent_clear(struct judge *j, uint16_t dev, uint64_t dma, bool alloc)
{
	struct recent *r = recent_find(j, dev, dma, alloc);

	if (r)
		r->used = false;
	mixed_drop(j, dev, dma, alloc);
}

/*
 * A preempted task's unmap of a mapping older than the window was taken for that of the first
 * mapping of the stream in its slot, perhaps: then the latter's is still to come.
 */
uint32_t judge_recent_late(struct judge *j, uint16_t dev, uint64_t dma)
{
	const struct recent *r = recent_find(j, dev, dma, false);

	return r && r->racy && r->size && !j->from_boot ? JUDGE_KIND(r->size, r->dir) : 0;
}

/*
 * Could this CPU have been inside the kernel's unmap ever since event `since`
 * of another CPU?  Only if it has told nothing in between.
 */
bool judge_in_flight_since(const struct judge *j, const struct event *ev, uint64_t since)
{
	return j->cpus[ev->cpu].prev_seq < since;
}

/* No mapping fits: older than the window, or a fault? */
void judge_unknown_address(struct judge *j, struct device *dev, const struct event *ev,
			   uint64_t plain, uint64_t bit, bool alloc, const char *what)
{
	const struct recent *r = recent_find(j, dev->id, plain, alloc);

	if ((r && r->mixed) || (!alloc && may_be_live(j, ev, plain))) {
		judge_find(j, CLAIM_LIFECYCLE, FIND_UNDECIDED, dev, ev, MEMORY_UNKNOWN,
			   "%s of 0x%llx, whose unmap may have been that of an older mapping", what,
			   (unsigned long long)ev->dma);
		return;
	}
	if (r && r->shared && !j->from_boot)
		r = NULL; /* another one like it may be older than the window */
	/* in flight since before that mapping was made: it may mean an older one */
	if (r && !r->racy && (j->from_boot || !judge_in_flight_since(j, ev, r->since))) {
		judge_find(j, CLAIM_LIFECYCLE, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			   "%s of 0x%llx, which was given back before", what,
			   (unsigned long long)ev->dma);
		return;
	}
	if (j->from_boot) {
		judge_find(j, CLAIM_LIFECYCLE, FIND_ABSENCE, dev, ev, MEMORY_UNKNOWN,
			   "%s of 0x%llx, which was never mapped", what,
			   (unsigned long long)ev->dma);
		return;
	}
	if (r || (!alloc && ledger_slot_known(j->ledger, plain)) ||
	    may_be_forgotten(j, dev->id, plain, alloc))
		judge_find(j, CLAIM_LIFECYCLE, FIND_UNDECIDED, dev, ev, MEMORY_UNKNOWN,
			   "%s of 0x%llx, which is not mapped, or is older than the window", what,
			   (unsigned long long)ev->dma);
	dev->totals.inherited++;
	j->n.inherited++;
	judge_address(j, dev, ev, plain, bit, alloc);
}
