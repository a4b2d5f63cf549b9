/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/property/slow-judge.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ledger.h"
#include "lib/names.h"
#include "lib/xalloc.h"

static void fact(struct slow *s, enum claim_id c)
{
	s->claims[c].fact = true;
}

static void absent(struct slow *s, enum claim_id c)
{
	s->claims[c].absent = true;
}

static void open_claim(struct slow *s, enum claim_id c)
{
	s->claims[c].open = true;
}

/* ---- what the stream told before ---- */

/* Is event i a further entry of the record that its CPU told last? */
static bool continues(const struct slow *s, size_t i, size_t before)
{
	return (s->ev[i].flags & EVENT_F_SG) && s->ev[i].ts_ns == s->ev[before].ts_ns &&
	       s->ev[i].kind == s->ev[before].kind;
}

/* Sequence number of what this CPU told before the record of event i; 0 nothing. */
static uint64_t told_before(const struct slow *s, size_t i, bool but_bounces)
{
	bool same = true;
	size_t newer = i;

	for (size_t k = i; k > 0; k--) {
		const struct event *e = &s->ev[k - 1];

		if (e->cpu != s->ev[i].cpu)
			continue;
		same = same && continues(s, newer, k - 1);
		newer = k - 1;
		if (!same && !(but_bounces && e->kind == EVENT_BOUNCE))
			return k;
	}
	return 0;
}

/* Can this CPU have been in the kernel's unmap since event seq of another one? */
static bool in_flight(const struct slow *s, uint64_t seq)
{
	return told_before(s, s->now, false) < seq;
}

static bool is_own_mark(const struct slow *s, size_t i, unsigned int which)
{
	const struct event *e = &s->ev[i];

	return e->kind == EVENT_MARK && e->aux == which && s->p && s->p->trace.nonce &&
	       e->link == s->p->trace.nonce;
}

static bool marked_before(const struct slow *s, unsigned int which)
{
	for (size_t i = 0; i < s->now; i++) {
		if (s->ev[i].cpu == s->ev[s->now].cpu && is_own_mark(s, i, which))
			return true;
	}
	return false;
}

/* The bounce of this map may have been before the events were on. */
static bool bounce_untold(const struct slow *s)
{
	if (s->from_boot || marked_before(s, EVENT_MARK_START))
		return false;
	for (size_t i = 0; i < s->now; i++) {
		if (s->ev[i].kind == EVENT_BOUNCE)
			return told_before(s, s->now, true) < i + 1;
	}
	return true;
}

/* ---- devices ---- */

static const struct platform_pci *pci_of(const struct slow *s, uint16_t dev)
{
	return s->p ? platform_find_pci(s->p, names_get(s->names, dev)) : NULL;
}

static bool behind_iommu(const struct slow *s, uint16_t dev)
{
	const struct platform_pci *pci = pci_of(s, dev);

	return pci && pci->iommu_group &&
	       !(pci->iommu_type && strcmp(pci->iommu_type, "identity") == 0);
}

static bool accepted_by_facts(const struct slow *s, uint16_t dev)
{
	const struct platform_pci *pci = pci_of(s, dev);

	return pci && pci->tsm && strcmp(pci->tsm, "accepted") == 0;
}

/* The device's state after the first `end` events. */
static enum event_tsm trust(const struct slow *s, uint16_t dev, size_t end)
{
	for (size_t i = end; i > 0; i--) {
		const struct event *e = &s->ev[i - 1];

		if (i - 1 < s->n && e->kind == EVENT_TSM && e->dev == dev)
			return e->aux;
	}
	return s->realm && accepted_by_facts(s, dev) ? EVENT_TSM_RUN : EVENT_TSM_UNLOCKED;
}

static bool trusted(const struct slow *s, uint16_t dev)
{
	return trust(s, dev, s->now + 1) == EVENT_TSM_RUN;
}

/* ---- memory ---- */

enum byte { BYTE_NOWHERE, BYTE_RAM, BYTE_DECRYPTED, BYTE_POOL };

static uint64_t last_of(uint64_t start, uint64_t size)
{
	uint64_t last = start + (size ? size - 1 : 0);

	return last < start ? UINT64_MAX : last;
}

static bool in_pool(const struct slow *s, uint64_t a)
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

/* The newest decrypt or encrypt that covers this byte decides. */
static const struct event *change_of(const struct slow *s, uint64_t a, bool virt)
{
	for (size_t i = s->nchanges; i > 0; i--) {
		const struct event *e = &s->ev[s->changes[i - 1]];
		uint64_t start = virt ? e->link : e->orig;

		if (!(e->flags & EVENT_F_VIRT) == !virt && a >= start &&
		    a <= last_of(start, e->size))
			return e;
	}
	return NULL;
}

static bool decrypted(const struct slow *s, uint64_t a, bool virt)
{
	const struct event *e = change_of(s, a, virt);

	return e && e->kind == EVENT_DECRYPT;
}

/* A pool's byte that was made protected is no pool's any more. */
static bool still_in_pool(const struct slow *s, uint64_t a)
{
	const struct event *e = change_of(s, a, false);

	return in_pool(s, a) && (!e || e->kind == EVENT_DECRYPT);
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
		at[n++] = last_of(from, e->size);
		at[n++] = last_of(from, e->size) + 1;
	}
	return n;
}

static bool pools_complete(const struct slow *s)
{
	const struct platform *p = s->p;

	return p && p->swiotlb.dynamic != TRI_YES &&
	       (p->swiotlb.npools || p->swiotlb.slots == 0 ||
		(p->kernel.cmdline && strstr(p->kernel.cmdline, "swiotlb=noforce")));
}

static enum memory_state memory(const struct slow *s, uint64_t start, uint64_t size)
{
	uint64_t last = last_of(start, size);
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
	if (has[BYTE_POOL] || has[BYTE_DECRYPTED]) {
		if (has[BYTE_NOWHERE] || has[BYTE_RAM])
			return MEMORY_MIXED;
		return has[BYTE_POOL] ? MEMORY_POOL : MEMORY_DECRYPTED;
	}
	if (!s->p || !s->p->nram || !pools_complete(s))
		return MEMORY_UNKNOWN;
	return has[BYTE_NOWHERE] ? has[BYTE_RAM] ? MEMORY_MIXED : MEMORY_OUTSIDE : MEMORY_PROTECTED;
}

static bool virt_decrypted(const struct slow *s, uint64_t start, uint64_t size)
{
	uint64_t last = last_of(start, size), *at = new_edges(s);
	size_t n = edges(s, start, last, true, at);
	bool all = true;

	for (size_t i = 0; i < n; i++) {
		if (at[i] >= start && at[i] <= last)
			all &= decrypted(s, at[i], true);
	}
	free(at);
	return all;
}

static bool touches_pool(const struct slow *s, uint64_t start, uint64_t size)
{
	for (size_t i = 0; s->p && i < s->p->swiotlb.npools; i++) {
		if (start <= s->p->swiotlb.pools[i].range.end &&
		    last_of(start, size) >= s->p->swiotlb.pools[i].range.start)
			return true;
	}
	return false;
}

/* ---- addresses ---- */

static uint64_t plain_of(const struct slow *s, uint16_t dev, uint64_t dma, uint64_t *bit)
{
	uint64_t high = dma & ~s->top;

	*bit = 0;
	if (behind_iommu(s, dev))
		return dma;
	if (s->bit) {
		*bit = dma & s->bit;
		return dma & ~s->bit;
	}
	if (s->rehearsal || !s->p || !s->p->nram || !high || (high & (high - 1)))
		return dma;
	*bit = high;
	return dma & s->top;
}

static bool contains(const struct life *l, uint64_t start, uint64_t last)
{
	return l->dma <= start && last_of(l->dma, l->size) >= last;
}

/* In the pool a mapping has its slots for itself. */
static bool shares(const struct slow *s, const struct life *l, uint64_t start, uint64_t last)
{
	uint64_t from = l->dma, to = last_of(l->dma, l->size);

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

/* Has it slots?  Not where it reaches beyond its pool. */
static bool has_slots(const struct slow *s, const struct life *l)
{
	for (size_t i = 0; l->bounced && s->p && i < s->p->swiotlb.npools; i++) {
		struct range r = s->p->swiotlb.pools[i].range;

		if (l->dma >= r.start && l->dma <= r.end && last_of(l->dma, l->size) <= r.end)
			return true;
	}
	return false;
}

/* Of a slot, the one that was mapped last is the owner. */
static bool owns(const struct slow *s, const struct life *l, uint64_t addr)
{
	if (!has_slots(s, l) || !in_pool(s, addr))
		return true;
	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *m = &s->lives[i];

		if (m->seq > l->seq && has_slots(s, m) && shares(s, m, addr, addr))
			return false;
	}
	return true;
}

/* The live mapping that this range is a part of; one whose memory is not taken, if there is. */
static struct life *around(struct slow *s, uint16_t dev, uint64_t start, uint64_t size)
{
	struct life *best = NULL;
	uint64_t last = start + (size ? size - 1 : 0);

	if (last < start)
		return NULL;
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];

		if (!l->live || l->dev != dev || !contains(l, start, last) || !owns(s, l, start))
			continue;
		if (!best || best->taken > l->taken ||
		    (best->taken == l->taken && best->bounced < l->bounced) ||
		    (best->taken == l->taken && best->bounced == l->bounced && l->dma < best->dma))
			best = l;
	}
	return best;
}

/* The live allocation that this range is a part of. */
static const struct life *alloc_around(const struct slow *s, uint16_t dev, uint64_t start,
				       uint64_t size)
{
	const struct life *best = NULL;
	uint64_t last = start + (size ? size - 1 : 0);

	for (size_t i = 0; i < s->nlives && last >= start; i++) {
		const struct life *l = &s->lives[i];

		if (l->live && l->alloc && l->dev == dev && contains(l, start, last) &&
		    (!best || l->dma < best->dma))
			best = l;
	}
	return best;
}

/* ---- dma-in-shared ---- */

enum answer { SHARED, PROTECTED, OPEN };

static enum answer alloc_is(const struct slow *s, const struct event *e, uint64_t link)
{
	if (s->rehearsal)
		return SHARED;
	if (link && virt_decrypted(s, link, e->size))
		return SHARED;
	return s->alias_seen && !(e->dma & s->bit) ? PROTECTED : OPEN;
}

static enum answer iova_is(const struct slow *s, const struct event *e, bool alloc)
{
	enum memory_state m;

	if (alloc)
		return s->rehearsal ? SHARED : OPEN;
	if (e->orig == EVENT_NO_ADDR)
		return OPEN;
	m = memory(s, e->orig, e->size);
	return m == MEMORY_POOL || m == MEMORY_DECRYPTED    ? SHARED
	       : m == MEMORY_PROTECTED || m == MEMORY_MIXED ? PROTECTED
							    : OPEN;
}

static enum answer address_is(struct slow *s, const struct event *e, uint64_t plain, uint64_t bit,
			      bool alloc, enum memory_state *what)
{
	const struct life *l;

	*what = MEMORY_UNKNOWN;
	if (behind_iommu(s, e->dev))
		return iova_is(s, e, alloc);
	if (bit) {
		*what = MEMORY_ALIAS;
		if (plain >= bit)
			return OPEN;
		return last_of(plain, e->size) >= bit ? PROTECTED : SHARED;
	}
	*what = memory(s, plain, e->size);
	if (*what == MEMORY_POOL || *what == MEMORY_DECRYPTED)
		return SHARED;
	if (*what == MEMORY_OUTSIDE)
		return e->attrs & EVENT_ATTR_MMIO ? SHARED : OPEN;
	if (alloc)
		return alloc_is(s, e, e->link);
	l = alloc_around(s, e->dev, plain, e->size);
	if (l) {
		*what = MEMORY_DECRYPTED;
		return alloc_is(s, e, l->orig + (plain - l->dma));
	}
	if (*what == MEMORY_UNKNOWN || (*what == MEMORY_MIXED && !pools_complete(s)))
		return OPEN;
	/* bounced to a pool that is not known, perhaps */
	if (e->kind == EVENT_MAP && plain != e->orig && s->p &&
	    s->p->swiotlb.dynamic == TRI_UNKNOWN)
		return OPEN;
	return (e->attrs & EVENT_ATTR_CC_SHARED) && !s->rehearsal ? OPEN : PROTECTED;
}

/* Decide one address; says what memory it is when that is shared. */
static enum memory_state published(struct slow *s, const struct event *e, uint64_t plain,
				   uint64_t bit, bool alloc)
{
	bool sync = e->kind == EVENT_SYNC_CPU || e->kind == EVENT_SYNC_DEVICE;
	enum memory_state what;
	enum answer is = address_is(s, e, plain, bit, alloc, &what);

	if (trusted(s, e->dev)) {
		if (touches_pool(s, plain, e->size))
			fact(s, CLAIM_DMA_IN_SHARED);
		return is == SHARED ? what : MEMORY_UNKNOWN;
	}
	if (bit && !s->bit)
		s->loose_bits |= bit;
	/* who publishes aliases does so for all shared memory */
	if (!bit && !behind_iommu(s, e->dev) && !(e->attrs & EVENT_ATTR_MMIO))
		s->against++;
	s->alias_seen |= bit && s->bit;
	if (is == PROTECTED && !sync && !(accepted_by_facts(s, e->dev) && !s->realm))
		fact(s, CLAIM_DMA_IN_SHARED);
	else if (is != SHARED)
		open_claim(s, CLAIM_DMA_IN_SHARED);
	return is == SHARED ? what : MEMORY_UNKNOWN;
}

/* ---- bounces and maps ---- */

static bool take_bounce(struct slow *s, const struct event *e, const struct event **bounce,
			bool *by_order)
{
	bool failed = e->dma == EVENT_NO_ADDR || e->kind == EVENT_MAP_FAILED;
	bool own = failed ? e->size != 0 : bounce_untold(s); /* no other size, no other buffer */
	size_t found = s->nwaiting;

	*by_order = false;
	for (size_t k = s->nwaiting; k > 0; k--) {
		const struct event *b = &s->ev[s->waiting[k - 1]];

		if (b->dev != e->dev || b->orig != e->orig || b->pid != e->pid ||
		    (b->cpu != e->cpu && !e->pid))
			continue;
		if (own && b->size != e->size)
			continue;
		found = k - 1;
		if (b->size == e->size)
			break;
	}
	if (found == s->nwaiting && s->nwaiting && !own && !failed) {
		const struct event *b = &s->ev[s->waiting[s->nwaiting - 1]];

		if (b->dev == e->dev && b->cpu == e->cpu && b->pid == e->pid &&
		    b->size == e->size) {
			found = s->nwaiting - 1;
			*by_order = true;
		}
	}
	if (found == s->nwaiting)
		return false;
	*bounce = &s->ev[s->waiting[found]];
	memmove(&s->waiting[found], &s->waiting[found + 1],
		(s->nwaiting - found - 1) * sizeof(*s->waiting));
	s->nwaiting--;
	return true;
}

static void judge_pair(struct slow *s, const struct event *e, uint64_t plain, enum memory_state is,
		       const struct event *bounce, bool by_order)
{
	enum memory_state orig = e->orig == EVENT_NO_ADDR	? MEMORY_UNKNOWN
				 : s->bit && (e->orig & s->bit) ? MEMORY_ALIAS
								: memory(s, e->orig, e->size);

	if (bounce) {
		uint64_t gap = plain > e->orig ? plain - e->orig : e->orig - plain;

		s->from_pool |= orig == MEMORY_POOL;
		if (orig == MEMORY_OUTSIDE)
			open_claim(s, CLAIM_DMA_IN_SHARED);
		if (by_order)
			open_claim(s, CLAIM_BOUNCE_PAIRED);
		if (bounce->size != e->size)
			fact(s, CLAIM_BOUNCE_PAIRED);
		if (!behind_iommu(s, e->dev) && gap < (e->size ? e->size : 1))
			fact(s, CLAIM_BOUNCE_PAIRED);
		return;
	}
	if (trusted(s, e->dev) || orig == MEMORY_POOL || orig == MEMORY_DECRYPTED ||
	    orig == MEMORY_ALIAS || (e->attrs & EVENT_ATTR_MMIO))
		return;
	if (e->orig != EVENT_NO_ADDR && plain == e->orig) {
		if (is == MEMORY_DECRYPTED || is == MEMORY_ALIAS)
			return;
		if (((e->attrs & EVENT_ATTR_CC_SHARED) && !s->rehearsal) ||
		    (orig != MEMORY_PROTECTED && orig != MEMORY_MIXED))
			open_claim(s, CLAIM_BOUNCE_PAIRED);
		else
			fact(s, CLAIM_BOUNCE_PAIRED);
		return;
	}
	if ((e->attrs & EVENT_ATTR_CC_SHARED) && is == MEMORY_ALIAS && (e->orig & s->top) == plain)
		return;
	if (bounce_untold(s))
		s->early++;
	else
		absent(s, CLAIM_BOUNCE_PAIRED);
}

/* ---- lives ---- */

static void forget_ended(struct slow *s, uint16_t dev, uint64_t dma, bool alloc)
{
	for (size_t i = 0; i < s->nended; i++) {
		if (s->ended[i].dev == dev && s->ended[i].dma == dma && s->ended[i].alloc == alloc)
			s->ended[i].valid = false;
	}
}

static void add_ended(struct slow *s, struct ended e)
{
	forget_ended(s, e.dev, e.dma, e.alloc);
	XGROW(s->ended, s->nended, s->ended_cap);
	e.valid = true;
	s->ended[s->nended++] = e;
}

static const struct ended *find_ended(const struct slow *s, uint16_t dev, uint64_t dma, bool alloc)
{
	for (size_t i = 0; i < s->nended; i++) {
		const struct ended *e = &s->ended[i];

		if (e->valid && e->dev == dev && e->dma == dma && e->alloc == alloc)
			return e;
	}
	return NULL;
}

static bool is_alike(const struct life *l, uint16_t dev, uint64_t orig, int dir)
{
	return l->live && l->sg && l->dev == dev && l->orig == orig && (dir < 0 || l->dir == dir);
}

static void take_memory(struct slow *s, const struct life *n)
{
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];
		bool bounced = l->bounced || n->bounced, both = l->alloc && n->alloc;
		bool clash = !l->alloc && !n->alloc && l->orig != EVENT_NO_ADDR &&
			     n->orig != EVENT_NO_ADDR && l->orig - l->dma != n->orig - n->dma;

		if (!l->live || !shares(s, l, n->dma, last_of(n->dma, n->size)))
			continue;
		if ((!bounced && !both && !clash) || (l->older && !n->bounced && !n->alloc))
			continue;
		if (l->taken ||
		    (l->dev != n->dev && (behind_iommu(s, l->dev) || behind_iommu(s, n->dev))))
			continue;
		if (l->sg && l->gone) { /* so it was this one that ended */
			for (size_t k = 0; k < s->nlives; k++)
				s->lives[k].gone -= s->lives[k].gone &&
						    is_alike(&s->lives[k], l->dev, l->orig, l->dir);
			l->live = false;
			continue;
		}
		l->taken = true;
		l->taken_by = s->now;
		open_claim(s, CLAIM_SLOTS_DISJOINT); /* a race or a fault */
	}
}

/* Slots that live mappings own; unknown while it is open which ones are live. */
static void count_slots(struct slow *s)
{
	uint64_t used = 0;

	for (size_t k = 0; s->p && k < s->p->swiotlb.npools; k++) {
		struct range r = s->p->swiotlb.pools[k].range;
		size_t n = (r.end - r.start) / SWIOTLB_SLOT_SIZE + 1;
		size_t *owner;

		if (s->p->swiotlb.pools[k].name && strcmp(s->p->swiotlb.pools[k].name, "default"))
			continue; /* the kernel's counters are about the default pool */
		owner = xcalloc(n, sizeof(*owner)); /* 1-based; later ones take over */

		for (size_t i = 0; i < s->nlives; i++) {
			const struct life *l = &s->lives[i];
			uint64_t last = last_of(l->dma, l->size);

			if (!l->bounced || l->dma < r.start || last > r.end)
				continue;
			for (uint64_t a = (l->dma - r.start) / SWIOTLB_SLOT_SIZE;
			     a <= (last - r.start) / SWIOTLB_SLOT_SIZE; a++)
				owner[a] = i + 1;
		}
		for (size_t a = 0; a < n; a++)
			used += owner[a] && s->lives[owner[a] - 1].live;
		free(owner);
	}
	for (size_t i = 0; i < s->nlives; i++) {
		if (s->lives[i].live && s->lives[i].gone)
			return;
	}
	if (used > s->hiwater)
		s->hiwater = used;
}

static void begin(struct slow *s, const struct event *e, uint64_t plain, struct life l)
{
	l.begin = s->now;
	l.seq = s->now + 1;
	l.dma = plain;
	l.size = e->size ? e->size : 1;
	l.orig = l.alloc ? e->link : e->orig;
	l.dev = e->dev;
	l.dir = e->dir;
	l.aliased = plain != e->dma;
	l.live = true;
	if (!l.older)
		take_memory(s, &l);
	forget_ended(s, e->dev, plain, l.alloc);
	XGROW(s->lives, s->nlives, s->cap);
	s->lives[s->nlives++] = l;
	count_slots(s);
}

static void do_map(struct slow *s, const struct event *e)
{
	const struct event *bounce = NULL;
	enum memory_state is = MEMORY_UNKNOWN;
	bool by_order, paired = take_bounce(s, e, &bounce, &by_order);
	uint64_t plain, bit;
	struct life l = { .sg = e->flags & EVENT_F_SG };

	if (e->dma == EVENT_NO_ADDR || e->kind == EVENT_MAP_FAILED) {
		s->failed++;
		s->failed_paired += paired;
		return;
	}
	s->maps++;
	s->publications++;
	plain = plain_of(s, e->dev, e->dma, &bit);
	if (behind_iommu(s, e->dev) && (paired || bounce_untold(s))) {
		is = memory(s, e->dma, e->size) == MEMORY_POOL ? MEMORY_POOL : MEMORY_UNKNOWN;
		if (is != MEMORY_POOL || pci_of(s, e->dev)->iommu_type)
			open_claim(s, CLAIM_DMA_IN_SHARED);
	} else {
		is = published(s, e, plain, bit, false);
	}
	judge_pair(s, e, plain, is, paired ? bounce : NULL, by_order);
	if (paired && !by_order && !behind_iommu(s, e->dev) && !s->bit && !s->rehearsal) {
		if (memory(s, plain, e->size) != MEMORY_POOL || !bit)
			s->against++;
		else
			s->support[__builtin_ctzll(bit)]++;
	}
	s->paired += paired;
	l.bounced = paired || (memory(s, plain, e->size) == MEMORY_POOL && plain != e->orig);
	begin(s, e, plain, l);
}

static void do_alloc(struct slow *s, const struct event *e)
{
	uint64_t plain, bit;

	if (e->dma == EVENT_NO_ADDR || (e->dma == 0 && e->link == 0)) {
		s->failed++;
		return;
	}
	s->publications++;
	plain = plain_of(s, e->dev, e->dma, &bit);
	published(s, e, plain, bit, true);
	begin(s, e, plain, (struct life){ .alloc = true });
}

/* ---- the end of a life ---- */

/* Was this slot ever part of a mapping that the stream shows? */
static bool ever_mapped(const struct slow *s, uint64_t plain)
{
	for (size_t i = 0; in_pool(s, plain) && i < s->nlives; i++) {
		const struct life *l = &s->lives[i];

		if (l->bounced && !l->older && in_pool(s, l->dma) &&
		    in_pool(s, last_of(l->dma, l->size)) && shares(s, l, plain, plain))
			return true;
	}
	return false;
}

/* Is it a part of one whose unmap may have been that of an older mapping? */
static bool may_be_live(const struct slow *s, const struct event *e, uint64_t plain)
{
	for (size_t i = 0; i < s->nended; i++) {
		const struct ended *d = &s->ended[i];

		if (d->valid && d->mixed && !d->alloc && d->dev == e->dev && plain >= d->dma &&
		    last_of(plain, e->size) <= last_of(d->dma, d->size))
			return true;
	}
	return false;
}

static void unknown(struct slow *s, const struct event *e, uint64_t plain, uint64_t bit, bool alloc)
{
	const struct ended *r = find_ended(s, e->dev, plain, alloc);

	if ((r && r->mixed) || (!alloc && may_be_live(s, e, plain))) {
		open_claim(s, CLAIM_LIFECYCLE);
		return;
	}
	if (r && r->shared && !s->from_boot)
		r = NULL;
	if (s->from_boot || (r && !r->racy && !in_flight(s, r->since))) {
		absent(s, CLAIM_LIFECYCLE);
		return;
	}
	if (r || (!alloc && ever_mapped(s, plain)))
		open_claim(s, CLAIM_LIFECYCLE);
	s->older++;
	s->publications++;
	published(s, e, plain, bit, alloc);
}

static void agree(struct slow *s, const struct event *e, const struct life *l, uint64_t plain,
		  bool size, bool dir)
{
	if ((size && e->size && e->size != l->size) ||
	    (dir && !(e->flags & EVENT_F_NO_DIR) && e->dir != l->dir) ||
	    (e->dma != plain) != l->aliased)
		absent(s, CLAIM_LIFECYCLE);
}

static void end_life(struct slow *s, const struct event *e, struct life *l)
{
	const struct event *by = &s->ev[l->taken_by];
	bool racy = false;

	if (!l->taken)
		racy = !s->from_boot && ((e->flags & EVENT_F_BY_ORIG) || in_flight(s, l->seq));
	else if (l->alloc || l->sg || (e->cpu == by->cpu && e->pid == by->pid && !l->maybe_ended))
		absent(s, CLAIM_SLOTS_DISJOINT);
	l->live = false;
	add_ended(s, (struct ended){ .dma = l->dma,
				     .size = l->size,
				     .since = l->seq,
				     .dev = l->dev,
				     .alloc = l->alloc,
				     .shared = !l->alloc && !l->bounced,
				     .racy = racy });
}

/* Does l fit an unmap that a preempted task tells late? */
static bool fits_late(const struct slow *s, const struct event *e, const struct life *l)
{
	const struct event *by = &s->ev[l->taken_by];

	return l->taken && !l->sg && l->size == e->size && l->dir == e->dir &&
	       (e->cpu != by->cpu || e->pid != by->pid);
}

/* The oldest that fits best and that this CPU can have released in time. */
static struct life *which_ends(struct slow *s, const struct event *e, uint64_t plain, bool alloc)
{
	struct life *best = NULL;
	int best_score = -1;

	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];
		int score;

		if (!l->live || l->older || l->dev != e->dev || l->dma != plain ||
		    l->alloc != alloc)
			continue;
		score = (alloc || !l->sg ? 16 : 0) + (!e->size || l->size == e->size ? 8 : 0) +
			(l->dir == e->dir || (e->flags & EVENT_F_NO_DIR) ? 4 : 0) +
			(!l->taken || in_flight(s, l->taken_by + 1) ? 2 : 0);
		if (score > best_score) {
			best_score = score;
			best = l;
		}
	}
	for (size_t i = 0; best && !alloc && i < s->nlives; i++) {
		struct life *l = &s->lives[i];

		if (l != best && l->live && !l->older && l->dev == e->dev && l->dma == plain &&
		    fits_late(s, e, l))
			l->maybe_ended = true;
	}
	return best;
}

static bool drop_older(struct slow *s, const struct event *e, uint64_t plain)
{
	bool any = false;

	for (size_t i = 0; !s->from_boot && s->older && i < s->nlives; i++) {
		struct life *l = &s->lives[i];

		if (!l->live || !l->older || l->dev != e->dev || l->dma < plain ||
		    last_of(l->dma, l->size) > last_of(plain, e->size))
			continue;
		l->live = false;
		any = true;
	}
	return any;
}

/* dma_unmap_sg: which of several mappings of the buffer ended may stay open. */
static void unmap_by_buffer(struct slow *s, const struct event *e)
{
	int dir = e->flags & EVENT_F_NO_DIR ? -1 : e->dir;
	size_t n = 0, gone = 0;

	for (size_t i = 0; i < s->nlives; i++) {
		if (!is_alike(&s->lives[i], e->dev, e->orig, dir))
			continue;
		n++;
		if (s->lives[i].gone > gone)
			gone = s->lives[i].gone;
	}
	if (!n && s->from_boot) {
		absent(s, CLAIM_LIFECYCLE);
	} else if (!n) {
		open_claim(s, CLAIM_DMA_IN_SHARED);
		s->older++;
		s->publications++;
	}
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];

		if (!is_alike(l, e->dev, e->orig, dir))
			continue;
		l->gone = gone + 1;
		if (gone + 1 >= n)
			end_life(s, e, l);
	}
}

/* Is there an older mapping in this range whose slots a newer one has? */
static bool fits_taken(const struct slow *s, const struct event *e, uint64_t plain)
{
	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *l = &s->lives[i];

		if (l->live && l->older && l->taken && l->dev == e->dev && l->dma >= plain &&
		    last_of(l->dma, l->size) <= last_of(plain, e->size))
			return true;
	}
	return false;
}

static void do_unmap(struct slow *s, const struct event *e)
{
	struct life *l;
	uint64_t plain, bit;
	bool racy = false, mixed = false;

	if (e->flags & EVENT_F_BY_ORIG) {
		unmap_by_buffer(s, e);
		return;
	}
	plain = plain_of(s, e->dev, e->dma, &bit);
	l = which_ends(s, e, plain, false);
	if (l && !(l->size == e->size && l->dir == e->dir) && !s->from_boot && l->bounced &&
	    !in_flight(s, l->seq) && fits_taken(s, e, plain)) {
		open_claim(s, CLAIM_LIFECYCLE);
		l = NULL;
	}
	if (l && ((l->size == e->size && l->dir == e->dir) || s->from_boot ||
		  (l->bounced && !in_flight(s, l->seq)))) {
		for (size_t i = 0; i < s->nlives; i++)
			mixed |= &s->lives[i] != l && s->lives[i].live && !s->lives[i].older &&
				 s->lives[i].dev == e->dev && s->lives[i].dma == plain &&
				 fits_late(s, e, &s->lives[i]);
		agree(s, e, l, plain, true, true);
		end_life(s, e, l);
		s->ended[s->nended - 1].mixed = mixed;
		return;
	}
	if (drop_older(s, e, plain)) {
		published(s, e, plain, bit, false);
		racy = in_flight(s, 1);
	} else {
		unknown(s, e, plain, bit, false);
		racy = s->older && !s->from_boot;
	}
	add_ended(s, (struct ended){ .dma = plain,
				     .since = 1,
				     .dev = e->dev,
				     .racy = racy,
				     .shared = memory(s, plain, e->size) != MEMORY_POOL });
}

static void do_free(struct slow *s, const struct event *e)
{
	struct life *l;
	uint64_t plain, bit;

	if (e->dma == EVENT_NO_ADDR || (e->dma == 0 && e->link == 0))
		return;
	plain = plain_of(s, e->dev, e->dma, &bit);
	l = which_ends(s, e, plain, true);
	if (l) {
		agree(s, e, l, plain, true, true);
		end_life(s, e, l);
		return;
	}
	drop_older(s, e, plain);
	unknown(s, e, plain, bit, true);
	add_ended(s, (struct ended){ .dma = plain, .dev = e->dev, .alloc = true });
}

/* ---- syncs ---- */

static void sync_of_older(struct slow *s, const struct event *e, uint64_t plain, uint64_t bit)
{
	uint64_t last = plain + (e->size ? e->size - 1 : 0);
	struct event hull = *e;

	unknown(s, e, plain, bit, false);
	if (s->from_boot || last < plain)
		return;
	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *l = &s->lives[i];

		if (l->live && l->bounced && !l->older && shares(s, l, plain, last) &&
		    owns(s, l, l->dma > plain ? l->dma : plain))
			return; /* a slot that belongs to somebody */
	}
	/* with all that was seen in the same slots */
	hull.size = last - plain + 1;
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];
		uint64_t end = last_of(l->dma, l->size);

		if (!l->live || !l->older || l->taken || l->dev != e->dev ||
		    !shares(s, l, plain, last))
			continue;
		l->live = false;
		if (l->dma < plain - (e->dma - hull.dma)) {
			hull.size += plain - (e->dma - hull.dma) - l->dma;
			hull.dma = e->dma - (plain - l->dma);
		}
		if (end > plain - (e->dma - hull.dma) + hull.size - 1)
			hull.size = end - (plain - (e->dma - hull.dma)) + 1;
	}
	plain -= e->dma - hull.dma;
	begin(s, &hull, plain,
	      (struct life){ .older = true,
			     .bounced = memory(s, plain, hull.size) == MEMORY_POOL });
}

/* What is synced is not among those of its buffer that ended. */
static void show_live(struct slow *s, struct life *l)
{
	size_t gone = 0, left = 0;

	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *m = &s->lives[i];

		if (is_alike(m, l->dev, l->orig, l->dir) && m->gone > gone)
			gone = m->gone;
		left += m != l && m->gone && is_alike(m, l->dev, l->orig, -1);
	}
	l->gone = 0;
	if (left < gone && s->from_boot)
		absent(s, CLAIM_LIFECYCLE);
	else if (left < gone)
		open_claim(s, CLAIM_LIFECYCLE);
}

static void do_sync(struct slow *s, const struct event *e)
{
	uint64_t plain, bit, last;
	bool beyond = false, fits = false;
	struct life *l;

	plain = plain_of(s, e->dev, e->dma, &bit);
	last = plain + (e->size ? e->size - 1 : 0);
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *m = &s->lives[i];
		uint64_t from = m->dma > plain ? m->dma : plain;

		if (!m->live || m->older || m->dev != e->dev || m->dma > last ||
		    last_of(m->dma, m->size) < plain || !owns(s, m, from))
			continue;
		if (contains(m, plain, last))
			fits |= m->alloc || m->dir == EVENT_BIDIRECTIONAL || m->dir == e->dir;
		else
			beyond |= s->from_boot || m->bounced || m->alloc;
	}
	l = around(s, e->dev, plain, e->size);
	if (!l && beyond) {
		absent(s, CLAIM_LIFECYCLE);
	} else if (!l) {
		sync_of_older(s, e, plain, bit);
	} else if (!l->alloc && !l->older) {
		bool right = l->dir == EVENT_BIDIRECTIONAL || l->dir == e->dir ||
			     (e->flags & EVENT_F_NO_DIR);

		if (l->gone && l->sg && has_slots(s, l))
			show_live(s, l);
		if (!right && fits)
			return;
		if (!right && !s->from_boot && !l->bounced) {
			unknown(s, e, plain, bit, false);
			return;
		}
		agree(s, e, l, plain, false, l->dir != EVENT_BIDIRECTIONAL);
	}
}

/* ---- memory that changes ---- */

static void do_change(struct slow *s, const struct event *e)
{
	bool virt = e->flags & EVENT_F_VIRT;

	if (e->aux)
		return;
	if (e->size)
		s->changes[s->nchanges++] = s->now;
	if (e->kind == EVENT_DECRYPT || (!virt && !e->size))
		return;
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];
		uint64_t from = virt ? e->link : e->orig, to = last_of(from, e->size);
		bool hit =
			virt ? l->alloc && l->orig <= to && last_of(l->orig, l->size) >= from
			     : shares(s, l, from, to) && owns(s, l, l->dma > from ? l->dma : from);

		if (!l->live || !hit || trusted(s, l->dev))
			continue;
		/* an older one may have ended by an unmap that named only the buffer */
		if (l->older)
			open_claim(s, CLAIM_DMA_IN_SHARED);
		else
			absent(s, CLAIM_DMA_IN_SHARED);
	}
}

static void do_trust(struct slow *s, const struct event *e)
{
	enum event_tsm before = trust(s, e->dev, s->now);
	bool begins = e->aux == EVENT_TSM_RUN && before != EVENT_TSM_RUN;
	bool ends = (e->aux == EVENT_TSM_UNLOCKED || e->aux == EVENT_TSM_LOCKED) &&
		    (before == EVENT_TSM_RUN || before == EVENT_TSM_ERROR);

	for (size_t i = 0; i < s->nlives && (begins || ends); i++) {
		const struct life *l = &s->lives[i];
		struct event what = { .dma = l->dma, .size = l->size, .dev = l->dev };
		enum answer is = SHARED;
		enum memory_state m;

		if (!l->live || l->dev != e->dev)
			continue;
		what.orig = what.link = l->orig;
		if (begins && touches_pool(s, l->dma, l->size))
			is = PROTECTED;
		if (ends && !l->aliased)
			is = address_is(s, &what, l->dma, 0, l->alloc, &m);
		if (is == PROTECTED && !l->older && !l->taken && !l->gone)
			fact(s, CLAIM_DMA_IN_SHARED);
		else if (is != SHARED)
			open_claim(s, CLAIM_DMA_IN_SHARED);
	}
}

/* ---- all of it ---- */

static void do_event(struct slow *s, const struct event *e)
{
	switch (e->kind) {
	case EVENT_BOUNCE:
		s->bounces++;
		s->waiting[s->nwaiting++] = s->now;
		break;
	case EVENT_MAP:
	case EVENT_MAP_FAILED:
		do_map(s, e);
		break;
	case EVENT_UNMAP:
		do_unmap(s, e);
		break;
	case EVENT_SYNC_CPU:
	case EVENT_SYNC_DEVICE:
		do_sync(s, e);
		break;
	case EVENT_ALLOC:
		do_alloc(s, e);
		break;
	case EVENT_FREE:
		do_free(s, e);
		break;
	case EVENT_DECRYPT:
	case EVENT_ENCRYPT:
		do_change(s, e);
		break;
	case EVENT_TSM:
		do_trust(s, e);
		break;
	case EVENT_SG_TRUNCATED:
		s->truncated++;
		open_claim(s, CLAIM_DMA_IN_SHARED);
		break;
	case EVENT_UNDECODED:
		s->undecoded++;
		break;
	default:
		break;
	}
}

static bool silent_since(const struct slow *s, const struct life *l)
{
	for (size_t c = 0; c < s->info->ncpus; c++) {
		bool told = s->info->cpus[c].cpu == s->ev[l->taken_by].cpu;

		for (size_t i = l->taken_by; i < s->n; i++)
			told |= s->ev[i].cpu == s->info->cpus[c].cpu;
		if (!told)
			return true;
	}
	return false;
}

static void what_is_left(struct slow *s)
{
	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *l = &s->lives[i];

		if (!l->live || !l->taken)
			continue;
		if (l->alloc || l->sg || (!l->older && !l->maybe_ended && !silent_since(s, l)))
			absent(s, CLAIM_SLOTS_DISJOINT);
	}
}

static void the_bit(struct slow *s)
{
	uint64_t bit = 0;
	int n = 0;

	for (int i = 0; i < 64; i++) {
		if (s->support[i]) {
			bit = 1ull << i;
			n++;
		}
	}
	if (s->against || n != 1)
		bit = 0;
	if (s->loose_bits & ~(s->bit ? s->bit : bit))
		open_claim(s, CLAIM_DMA_IN_SHARED);
}

static void open_all(struct slow *s)
{
	for (int c = CLAIM_DMA_IN_SHARED; c <= CLAIM_LIFECYCLE; c++)
		open_claim(s, c);
}

static void prepare(struct slow *s)
{
	const struct platform *p = s->p;

	if (!p)
		return;
	s->realm = p->realm.is_realm == TRI_YES;
	s->rehearsal = p->realm.is_realm == TRI_NO && !p->realm.rsi_version && !p->realm.ipa_bits &&
		       !p->realm.shared_bit && !p->realm.kind;
	s->from_boot = p->trace.from_boot == TRI_YES;
	for (size_t i = 0; i < p->nram; i++)
		s->top |= p->ram[i].end;
	for (size_t i = 0; i < p->swiotlb.npools; i++)
		s->top |= p->swiotlb.pools[i].range.end;
	for (int i = 1; i < 64; i *= 2)
		s->top |= s->top >> i;
	s->bit = p->realm.shared_bit;
	if (!s->bit && s->realm && p->realm.ipa_bits > 12 && p->realm.ipa_bits <= 64)
		s->bit = 1ull << (p->realm.ipa_bits - 1);
	s->bad_bit = !s->rehearsal && ((s->bit & (s->bit - 1)) || (s->bit & s->top));
	if (s->rehearsal || s->bad_bit)
		s->bit = 0;
}

static void decide(struct slow *s, struct slow_verdict *out)
{
	bool complete = slow_complete(s), open = false, refuted = false;

	for (int c = CLAIM_DMA_IN_SHARED; c <= CLAIM_NO_BYPASS; c++) {
		const struct slow_claim *k = &s->claims[c];

		out->claims[c] = k->fact || (k->absent && complete) ? CLAIM_REFUTED
				 : k->absent || k->open		    ? CLAIM_UNDECIDED
								    : CLAIM_HOLDS;
		refuted |= out->claims[c] == CLAIM_REFUTED;
		open |= out->claims[c] == CLAIM_UNDECIDED;
	}
	slow_conditions(s, out->conds);
	for (int c = 0; c < CONDS; c++)
		open |= out->conds[c] == COND_UNMET;
	open |= !s->realm && !s->rehearsal;
	out->outcome = refuted ? OUTCOME_VIOLATED : open ? OUTCOME_INCONCLUSIVE : OUTCOME_PROVEN;
}

void slow_judge(const struct event *events, size_t count, const struct platform *platform,
		const struct names *names, const struct stream_info *info, bool window_only,
		struct slow_verdict *out)
{
	struct slow s = { .ev = events,
			  .n = count,
			  .p = platform,
			  .names = names,
			  .info = info,
			  .window_only = window_only };

	memset(out, 0, sizeof(*out));
	s.changes = xcalloc(count, sizeof(*s.changes));
	s.waiting = xcalloc(count, sizeof(*s.waiting));
	prepare(&s);
	for (s.now = 0; s.now < count; s.now++)
		do_event(&s, &events[s.now]);
	what_is_left(&s);
	the_bit(&s);
	if (s.bad_bit)
		open_claim(&s, CLAIM_DMA_IN_SHARED);
	if (s.early && !s.bounces)
		open_claim(&s, CLAIM_BOUNCE_PAIRED);
	slow_silence(&s);
	if (!slow_armed(&s) || !slow_whole(&s) || !s.publications)
		open_all(&s);
	slow_bypass(&s);
	decide(&s, out);
	free(s.lives);
	free(s.ended);
	free(s.changes);
	free(s.waiting);
}
