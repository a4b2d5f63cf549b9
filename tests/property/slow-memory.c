/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What memory an address is, and whose. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/judge/types/ledger.h"
#include "tests/property/slow-state.h"

/* ---- memory ---- */

enum byte { BYTE_NOWHERE, BYTE_RAM, BYTE_DECRYPTED, BYTE_POOL };

uint64_t slow_last_of(uint64_t start, uint64_t size)
{
	uint64_t last = start + (size ? size - 1 : 0);

	return last < start ? UINT64_MAX : last;
}

bool slow_in_pool(const struct slow *s, uint64_t a)
{
	for (size_t i = 0; s->p && i < s->p->swiotlb.npools; i++) {
		if (a >= s->p->swiotlb.pools[i].range.start &&
		    a <= s->p->swiotlb.pools[i].range.end)
			return true;
	}
	return false;
}

static bool in_ram(const struct slow *s, uint64_t a)
{
	for (size_t i = 0; s->p && i < s->p->nram; i++) {
		if (a >= s->p->ram[i].start && a <= s->p->ram[i].end)
			return true;
	}
	return false;
}

/* The facts say that both changes, to shared and to protected, are reported. */
static bool changes_reported(const struct slow *s)
{
	bool shared = false, protected = false;

	for (size_t i = 0; s->p && s->p->trace.events_known && i < s->p->trace.nevents; i++) {
		const char *name = s->p->trace.events[i];
		bool ours = strncmp(name, "ccaio:", 6) == 0 || strncmp(name, "ccaio_", 6) == 0;
		bool altered = false;

		for (size_t k = 0; k < s->p->trace.naltered; k++)
			altered |= strcmp(s->p->trace.altered[k], name) == 0;
		name = strchr(name, ':');
		shared |= ours && !altered && name && strcmp(name, ":decrypt") == 0;
		protected |= ours && !altered && name && strcmp(name, ":encrypt") == 0;
	}
	return shared && protected;
}

/* The newest decrypt or encrypt that covers this byte decides. */
static const struct event *change_of(const struct slow *s, uint64_t a, bool virt)
{
	for (size_t i = s->nchanges; i > 0; i--) {
		const struct event *e = &s->ev[s->changes[i - 1]];
		uint64_t start = virt ? e->link : e->orig;

		if (!(e->flags & EVENT_F_VIRT) == !virt && a >= start &&
		    a <= slow_last_of(start, e->size))
			return e;
	}
	return NULL;
}

static bool decrypted(const struct slow *s, uint64_t a, bool virt)
{
	const struct event *e = change_of(s, a, virt);

	return e && e->kind == EVENT_DECRYPT && changes_reported(s);
}

static bool ever_protected(const struct slow *s, uint64_t a)
{
	for (size_t i = 0; i < s->nchanges; i++) {
		const struct event *e = &s->ev[s->changes[i]];

		if (e->kind == EVENT_ENCRYPT && !(e->flags & EVENT_F_VIRT) && a >= e->orig &&
		    a <= slow_last_of(e->orig, e->size))
			return true;
	}
	return false;
}

/* A pool's byte that was made protected is no pool's any more. */
static bool still_in_pool(const struct slow *s, uint64_t a)
{
	const struct event *e = change_of(s, a, false);

	if (!slow_in_pool(s, a))
		return false;
	return changes_reported(s) ? !e || e->kind == EVENT_DECRYPT : !ever_protected(s, a);
}

/* It changed, and whether it changed back is not known. */
bool slow_unsettled(const struct slow *s, uint64_t start, uint64_t size, bool virt)
{
	if (changes_reported(s))
		return false;
	for (size_t i = 0; i < s->nchanges; i++) {
		const struct event *e = &s->ev[s->changes[i]];
		uint64_t from = virt ? e->link : e->orig;

		if (!(e->flags & EVENT_F_VIRT) == !virt && slow_last_of(from, e->size) >= start &&
		    from <= slow_last_of(start, size))
			return true;
	}
	return false;
}

static enum byte byte_at(const struct slow *s, uint64_t a)
{
	return still_in_pool(s, a)	? BYTE_POOL
	       : decrypted(s, a, false) ? BYTE_DECRYPTED
	       : in_ram(s, a)		? BYTE_RAM
					: BYTE_NOWHERE;
}

static uint64_t *new_edges(const struct slow *s)
{
	size_t ranges = s->p ? s->p->nram + s->p->swiotlb.npools : 0;

	return xcalloc(2 + 4 * (ranges + s->nchanges), sizeof(uint64_t));
}

/* Where a range may change what it is: look at each such byte, that is enough. */
static size_t edges(const struct slow *s, uint64_t start, uint64_t last, bool virt, uint64_t *at)
{
	size_t n = 0;
	struct range r;

	at[n++] = start;
	at[n++] = last;
	for (size_t i = 0; s->p && i < s->p->swiotlb.npools + s->p->nram; i++) {
		r = i < s->p->nram ? s->p->ram[i] : s->p->swiotlb.pools[i - s->p->nram].range;
		at[n++] = r.start;
		at[n++] = r.start - 1;
		at[n++] = r.end;
		at[n++] = r.end + 1;
	}
	for (size_t i = 0; i < s->nchanges; i++) {
		const struct event *e = &s->ev[s->changes[i]];
		uint64_t from = virt ? e->link : e->orig;

		at[n++] = from;
		at[n++] = from - 1;
		at[n++] = slow_last_of(from, e->size);
		at[n++] = slow_last_of(from, e->size) + 1;
	}
	return n;
}

bool slow_pools_complete(const struct slow *s)
{
	const struct platform *p = s->p;

	return p && p->swiotlb.dynamic != TRI_YES &&
	       (p->swiotlb.npools || p->swiotlb.slots == 0 ||
		(p->kernel.cmdline && strstr(p->kernel.cmdline, "swiotlb=noforce")));
}

enum memory_state slow_memory(const struct slow *s, uint64_t start, uint64_t size)
{
	uint64_t last = slow_last_of(start, size);
	uint64_t *at = new_edges(s);
	size_t n = edges(s, start, last, false, at);
	bool has[4] = { false };

	for (size_t i = 0; i < n; i++) {
		if (at[i] >= start && at[i] <= last)
			has[byte_at(s, at[i])] = true;
	}
	/* decrypted bytes count as such also inside a pool */
	if (!has[BYTE_NOWHERE] && !has[BYTE_RAM] && has[BYTE_POOL] && has[BYTE_DECRYPTED]) {
		bool all = true;

		for (size_t i = 0; i < n; i++) {
			if (at[i] >= start && at[i] <= last)
				all &= decrypted(s, at[i], false);
		}
		free(at);
		return all ? MEMORY_DECRYPTED : MEMORY_MIXED;
	}
	free(at);
	if ((has[BYTE_NOWHERE] || has[BYTE_RAM]) && slow_unsettled(s, start, size, false))
		return MEMORY_UNKNOWN;
	if (has[BYTE_POOL] || has[BYTE_DECRYPTED]) {
		if (has[BYTE_NOWHERE] || has[BYTE_RAM])
			return MEMORY_MIXED;
		return has[BYTE_POOL] ? MEMORY_POOL : MEMORY_DECRYPTED;
	}
	if (!s->p || !s->p->nram || !slow_pools_complete(s))
		return MEMORY_UNKNOWN;
	return has[BYTE_NOWHERE] ? has[BYTE_RAM] ? MEMORY_MIXED : MEMORY_OUTSIDE : MEMORY_PROTECTED;
}

bool slow_virt_decrypted(const struct slow *s, uint64_t start, uint64_t size)
{
	uint64_t last = slow_last_of(start, size), *at = new_edges(s);
	size_t n = edges(s, start, last, true, at);
	bool all = true;

	for (size_t i = 0; i < n; i++) {
		if (at[i] >= start && at[i] <= last)
			all &= decrypted(s, at[i], true);
	}
	free(at);
	return all;
}

bool slow_touches_pool(const struct slow *s, uint64_t start, uint64_t size)
{
	for (size_t i = 0; s->p && i < s->p->swiotlb.npools; i++) {
		if (start <= s->p->swiotlb.pools[i].range.end &&
		    slow_last_of(start, size) >= s->p->swiotlb.pools[i].range.start)
			return true;
	}
	return false;
}

/* ---- addresses ---- */

uint64_t slow_plain_of(const struct slow *s, uint16_t dev, uint64_t dma, uint64_t *bit)
{
	uint64_t high;

	*bit = 0;
	if (slow_behind_iommu(s, dev))
		return dma;
	dma -= slow_offset(s, dev);
	high = dma & ~s->top;
	if (s->bit) {
		*bit = dma & s->bit;
		return dma & ~s->bit;
	}
	if (s->c_bit_kind)
		return dma & ~s->c_bit;
	if (s->rehearsal || s->plain_only || !s->p || !s->p->nram || !high || (high & (high - 1)))
		return dma;
	*bit = high;
	return dma & s->top;
}

bool slow_contains(const struct life *l, uint64_t start, uint64_t last)
{
	return l->dma <= start && slow_last_of(l->dma, l->size) >= last;
}

bool slow_shares(const struct slow *s, const struct life *l, uint64_t start, uint64_t last)
{
	uint64_t from = l->dma, to = slow_last_of(l->dma, l->size);

	for (size_t i = 0; l->bounced && s->p && i < s->p->swiotlb.npools; i++) {
		struct range r = s->p->swiotlb.pools[i].range;

		if (from < r.start || to > r.end)
			continue;
		from = r.start + (from - r.start) / SWIOTLB_SLOT_SIZE * SWIOTLB_SLOT_SIZE;
		to = r.start + ((to - r.start) / SWIOTLB_SLOT_SIZE + 1) * SWIOTLB_SLOT_SIZE - 1;
		/* whoever is asked for takes whole slots, too */
		if (to > r.end)
			to = r.end;
	}
	return from <= last && to >= start;
}

bool slow_has_slots(const struct slow *s, const struct life *l)
{
	for (size_t i = 0; l->bounced && s->p && i < s->p->swiotlb.npools; i++) {
		struct range r = s->p->swiotlb.pools[i].range;

		if (l->dma >= r.start && l->dma <= r.end && slow_last_of(l->dma, l->size) <= r.end)
			return true;
	}
	return false;
}

bool slow_owns(const struct slow *s, const struct life *l, uint64_t addr)
{
	if (!slow_has_slots(s, l) || !slow_in_pool(s, addr))
		return true;
	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *m = &s->lives[i];

		if (m->seq > l->seq && slow_has_slots(s, m) && slow_shares(s, m, addr, addr))
			return false;
	}
	return true;
}

bool slow_owns_some(const struct slow *s, const struct life *l, uint64_t from, uint64_t to)
{
	uint64_t last = slow_last_of(l->dma, l->size);

	for (uint64_t at = l->dma > from ? l->dma : from; at <= last && at <= to;
	     at = (at | 2047) + 1) /* swiotlb slots of 2 KiB */
		if (slow_owns(s, l, at))
			return true;
	return false;
}

struct life *slow_around(struct slow *s, uint16_t dev, uint64_t start, uint64_t size)
{
	struct life *best = NULL;
	uint64_t last = start + (size ? size - 1 : 0);

	if (last < start)
		return NULL;
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];

		if (!l->live || l->dev != dev || !slow_contains(l, start, last) ||
		    !slow_owns(s, l, start))
			continue;
		if (!best || best->taken > l->taken ||
		    (best->taken == l->taken && best->bounced < l->bounced) ||
		    (best->taken == l->taken && best->bounced == l->bounced && l->dma < best->dma))
			best = l;
	}
	return best;
}

const struct life *slow_alloc_around(const struct slow *s, uint16_t dev, uint64_t start,
				     uint64_t size)
{
	const struct life *best = NULL;
	uint64_t last = start + (size ? size - 1 : 0);

	for (size_t i = 0; i < s->nlives && last >= start; i++) {
		const struct life *l = &s->lives[i];

		bool any =
			s->rehearsal && !slow_behind_iommu(s, dev) && !slow_behind_iommu(s, l->dev);

		if (l->live && l->alloc && (any || l->dev == dev) &&
		    slow_contains(l, start, last) && (!best || l->dma < best->dma))
			best = l;
	}
	return best;
}
