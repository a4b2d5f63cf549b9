/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutations that move or add an event, or put two mappings in one place. */
#include "tests/property/mutate.h"

#include <string.h>

#include "lib/base/names.h"
#include "tests/property/kernel.h"

/* ---- moved ---- */

bool map_before_bounce(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_pair_event), b, m;
	struct step bounce;

	if (i == NOWHERE)
		return false;
	m = is_bounce(h, i) ? other_step(h, i, EVENT_MAP) : i;
	b = other_step(h, m, EVENT_BOUNCE);
	bounce = h->steps[b];
	history_remove(h, b);
	history_insert(h, m, &bounce); /* m moved up by one */
	/* a bounce that nothing follows looks cut off, but the map still lacks it */
	return true;
}

static bool is_synced_end(const struct history *h, size_t i)
{
	return is_lone_end(h, i) && is_unmap(h, i) && h->steps[i].made == MADE_BOUNCED;
}

bool sync_after_end(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_synced_end);
	struct step sync;

	if (i == NOWHERE)
		return false;
	for (size_t k = 0; k < h->count; k++) { /* another mapping may hold all of it by now */
		const struct event *e = event_at(h, k);

		if (e->kind == EVENT_MAP && h->steps[k].map != h->steps[i].map &&
		    e->dma <= event_at(h, i)->dma && event_at(h, i)->dma - e->dma < e->size)
			return false;
	}
	sync = h->steps[i];
	sync.ev.kind = sync.ev.dir == EVENT_FROM_DEVICE ? EVENT_SYNC_CPU : EVENT_SYNC_DEVICE;
	history_insert(h, i + 1, &sync);
	return true;
}

bool end_before_begin(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_lone_end), b;
	struct step end;

	if (i == NOWHERE)
		return false;
	b = other_step(h, i, is_free_event(h, i) ? EVENT_ALLOC : EVENT_MAP);
	if (b == NOWHERE)
		return false;
	end = h->steps[i];
	history_remove(h, i);
	history_insert(h, b, &end);
	return true;
}

/* ---- two in one place ---- */

struct pair_of {
	size_t victim, thief; /* maps */
};

/*
 * The thief is mapped while the victim is live, and no unmap can be taken for a
 * late one: the victim's comes from a CPU that reported something in between, and
 * they differ in kind.
 */
static bool is_live_at(const struct history *h, size_t victim, size_t thief)
{
	const struct event *v = event_at(h, victim), *t = event_at(h, thief);
	size_t end = other_step(h, victim, EVENT_UNMAP);

	if (victim >= thief || end == NOWHERE || end <= thief || v->size == t->size ||
	    !is_plain_bounced(h, victim) || has_twin(h, victim) || has_twin(h, thief))
		return false;
	for (size_t k = thief; k < end; k++) {
		if (event_at(h, k)->cpu == event_at(h, end)->cpu &&
		    (k > thief || event_at(h, k)->cpu == t->cpu))
			return !(event_at(h, end)->flags & EVENT_F_SG) ||
			       event_at(h, k)->ts_ns != event_at(h, end)->ts_ns;
	}
	return false;
}

bool overlap(struct history *h, struct rng *r)
{
	size_t thief = find_step(h, r, is_plain_bounced), start;

	if (thief == NOWHERE)
		return false;
	start = rng_below(r, h->count);
	for (size_t k = 0; k < h->count; k++) {
		size_t victim = (start + k) % h->count;

		if (!is_live_at(h, victim, thief))
			continue;
		/* it must still fit into the pool */
		move_mapping(h, h->steps[thief].map, event_at(h, thief)->dma,
			     event_at(h, victim)->dma);
		return true;
	}
	return false;
}

bool alloc_overlap(struct history *h, struct rng *r)
{
	size_t a = find_step(h, r, is_alloc_event), b = find_step(h, r, is_alloc_event), end;

	if (a == NOWHERE || a >= b || behind_iommu(h, a) || behind_iommu(h, b))
		return false;
	end = other_step(h, a, EVENT_FREE);
	if (end != NOWHERE && end < b)
		return false;
	move_mapping(h, h->steps[b].map, event_at(h, b)->dma, event_at(h, a)->dma);
	return true;
}

/* ---- memory that is taken back ---- */

/* A bounced or aliased mapping that no trusted device has. */
bool late_encrypt(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_untrusted_map), end;
	struct step s;

	if (i == NOWHERE || behind_iommu(h, i))
		return false;
	end = end_step(h, i);
	s = h->steps[i];
	s.map = 0;
	s.ev.kind = EVENT_ENCRYPT;
	s.ev.orig = event_at(h, i)->dma & ~h->alias & ~(PAGE - 1);
	s.ev.dma = EVENT_NO_ADDR;
	s.ev.size = 2 * PAGE;
	s.ev.flags = EVENT_F_PROBE;
	s.ev.attrs = 0;
	history_insert(h, end == NOWHERE ? h->count : i + 1 + rng_below(r, end - i), &s);
	return true;
}

bool late_encrypt_virt(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_alloc_event), end;
	struct step s;

	if (i == NOWHERE)
		return false;
	end = other_step(h, i, EVENT_FREE);
	s = h->steps[i];
	s.ev.kind = EVENT_ENCRYPT;
	s.ev.dma = EVENT_NO_ADDR;
	s.ev.orig = EVENT_NO_ADDR;
	s.ev.flags = EVENT_F_PROBE | EVENT_F_VIRT;
	history_insert(h, end == NOWHERE ? h->count : i + 1 + rng_below(r, end - i), &s);
	return true;
}

/* ---- accepted devices ---- */

static bool is_trusted_map(const struct history *h, size_t i)
{
	return is_map(h, i) && h->steps[i].trusted;
}

bool trusted_in_pool(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_trusted_map);

	if (i == NOWHERE)
		return false;
	move_mapping(h, h->steps[i].map, event_at(h, i)->dma,
		     (h->platform->swiotlb.pools[0].range.start + SLOT * rng_below(r, 20)) |
			     (rng_one_in(r, 2) ? h->alias : 0));
	return true;
}

bool not_accepted(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_trusted_map);
	const char *name;

	if (i == NOWHERE)
		return false;
	name = names_get(h->names, event_at(h, i)->dev);
	for (size_t k = h->count; k > 0; k--) {
		if (event_at(h, k - 1)->kind == EVENT_TSM)
			history_remove(h, k - 1);
	}
	for (size_t k = 0; k < h->platform->npci; k++) {
		if (strcmp(h->platform->pci[k].name, name) == 0)
			strcpy(h->platform->pci[k].tsm, "locked"); /* shorter than "accepted" */
	}
	return true;
}

/* ---- lost and cut ---- */

bool lost(struct history *h, struct rng *r)
{
	struct step s = { .ev = { .kind = EVENT_LOST, .size = rng_below(r, 3) } };

	s.ev.cpu = rng_below(r, h->info.ncpus);
	history_insert(h, rng_below(r, h->count + 1), &s);
	return true;
}

bool sg_cut(struct history *h, struct rng *r)
{
	struct step s = { .ev = { .kind = EVENT_SG_TRUNCATED, .dir = EVENT_TO_DEVICE } };

	s.ev.dev = names_find(h->names, h->platform->pci[0].name);
	s.ev.cpu = rng_below(r, h->info.ncpus);
	history_insert(h, rng_below(r, h->count + 1), &s);
	return true;
}

bool undecoded(struct history *h, struct rng *r)
{
	struct step s = { .ev = { .kind = EVENT_UNDECODED } };

	s.ev.cpu = rng_below(r, h->info.ncpus);
	history_insert(h, rng_below(r, h->count + 1), &s);
	return true;
}
