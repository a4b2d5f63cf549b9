/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutations of the stream: one event dropped, doubled, changed or moved. */
#include "tests/property/mutate.h"

#include <string.h>

#include "lib/names.h"
#include "tests/property/kernel.h"

static uint64_t protected_address(const struct history *h, struct rng *r)
{
	return h->ram_free + rng_below(r, (h->ram_end - h->ram_free) / PAGE - 8) * PAGE;
}

/* ---- dropped ---- */

static bool lacks_noticed(const struct history *h, size_t i)
{
	size_t map = other_step(h, i, EVENT_MAP);

	return is_bounce(h, i) && map != NOWHERE && is_bounced_map(h, map) &&
	       !bounce_may_lack(h, map);
}

static bool drop_bounce(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, lacks_noticed);

	if (i == NOWHERE)
		return false;
	history_remove(h, i);
	return true;
}

/* Its bounce stays behind, and is not just cut off by the end. */
static bool leaves_bounce(const struct history *h, size_t i)
{
	size_t bounce = other_step(h, i, EVENT_BOUNCE);

	if (event_at(h, i)->kind != EVENT_MAP || bounce == NOWHERE)
		return false;
	for (size_t k = bounce + 1; k < h->count; k++) {
		const struct event *e = event_at(h, k);

		if (k != i && e->cpu == event_at(h, bounce)->cpu && e->kind != EVENT_BOUNCE)
			return true;
	}
	return false;
}

static bool drop_bounced_map(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, leaves_bounce);

	if (i == NOWHERE)
		return false;
	history_remove(h, i);
	return true;
}

static bool leaves_end(const struct history *h, size_t i)
{
	return from_boot(h) && (is_direct_map(h, i) || is_alloc_event(h, i)) &&
	       end_step(h, i) != NOWHERE && !has_twin(h, i) && !has_twin(h, end_step(h, i)) &&
	       !h->steps[i].within;
}

static bool drop_begin(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, leaves_end);

	if (i == NOWHERE)
		return false;
	history_remove(h, i);
	return true;
}

/* A later mapping takes the slots, and no unmap that fits both can explain it. */
static bool missed_by_next(const struct history *h, size_t i)
{
	size_t map = other_step(h, i, EVENT_MAP);
	bool taken = false;
	const struct event *m;

	if (!is_unmap(h, i) || h->steps[i].made != MADE_BOUNCED || map == NOWHERE)
		return false;
	m = event_at(h, map);
	for (size_t k = 0; k < h->count; k++) {
		const struct event *e = event_at(h, k);

		if (h->steps[k].map == h->steps[i].map || e->kind != EVENT_MAP ||
		    h->steps[k].made != MADE_BOUNCED)
			continue;
		if (e->dev == m->dev &&
		    (e->orig == m->orig ||
		     (e->dma == m->dma && e->size == m->size && e->dir == m->dir)))
			return false;
		taken |= k > i && e->dma / SLOT == m->dma / SLOT;
	}
	return taken;
}

static bool drop_unmap(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, missed_by_next);

	if (i == NOWHERE)
		return false;
	history_remove(h, i);
	return true;
}

/* ---- doubled ---- */

/* One more bounce may be that of another entry that failed. */
static bool may_be_of_another(const struct history *h, size_t i)
{
	const struct event *e = event_at(h, i);

	for (size_t k = i + 1; k < h->count; k++) {
		const struct event *f = event_at(h, k);

		if (f->kind == EVENT_MAP_FAILED && h->steps[k].map != h->steps[i].map &&
		    f->dev == e->dev && f->orig == e->orig && f->pid == e->pid)
			return true;
	}
	return false;
}

static bool doubles(const struct history *h, size_t i)
{
	const struct event *e = event_at(h, i);

	if (e->kind == EVENT_BOUNCE)
		return cpu_goes_on(h, i) && !may_be_of_another(h, i);
	if (is_bounced_map(h, i))
		return !bounce_may_lack(h, i);
	if (is_unmap(h, i) || is_free_event(h, i))
		return from_boot(h) && !has_twin(h, i);
	return is_alloc_event(h, i);
}

static bool cpu_has_other(const struct history *h, size_t i)
{
	for (size_t k = i + 1; k < h->count; k++) {
		const struct event *e = event_at(h, k);

		if (e->cpu == event_at(h, i)->cpu && e->kind != EVENT_BOUNCE)
			return true;
	}
	return false;
}

static bool duplicate(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, doubles);

	/* two bounces and no map: the end may just have cut it */
	if (i == NOWHERE || (is_bounce(h, i) && !cpu_has_other(h, i)))
		return false;
	history_insert(h, i + 1, &h->steps[i]);
	return true;
}

/* ---- changed ---- */

static bool is_untrusted_map(const struct history *h, size_t i)
{
	return is_map(h, i) && !h->steps[i].trusted;
}

static bool behind_iommu(const struct history *h, size_t i)
{
	const char *name = names_get(h->names, event_at(h, i)->dev);
	const struct platform_pci *pci = platform_find_pci(h->platform, name);

	return pci && pci->iommu_group;
}

static bool publish_protected(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_untrusted_map);
	struct event *ev;

	if (i == NOWHERE)
		return false;
	ev = &h->steps[i].ev;
	if (behind_iommu(h, i)) { /* there the original is what the device gets */
		if (h->steps[i].made != MADE_DIRECT)
			return false;
		ev->orig = protected_address(h, r);
		return true;
	}
	move_mapping(h, h->steps[i].map, ev->dma, protected_address(h, r));
	return true;
}

static bool is_plain_bounced(const struct history *h, size_t i)
{
	return is_bounced_map(h, i) && other_step(h, i, EVENT_BOUNCE) != NOWHERE &&
	       !behind_iommu(h, i);
}

static bool publish_original(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_plain_bounced);

	if (i == NOWHERE)
		return false;
	move_mapping(h, h->steps[i].map, event_at(h, i)->dma, event_at(h, i)->orig);
	return true;
}

/* The last bytes lie outside the pool; at an alias: outside the alias. */
static bool past_end(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_plain_bounced);
	struct event *ev;
	uint64_t end;

	if (i == NOWHERE || event_at(h, i)->size < 2)
		return false;
	ev = &h->steps[i].ev;
	end = h->alias ? 2 * h->alias : h->platform->swiotlb.pools[0].range.end + 1;
	move_mapping(h, h->steps[i].map, ev->dma, end - 1 - rng_below(r, ev->size - 1));
	return true;
}

/* An unmap or sync tells where its mapping is not, and nothing else is. */
static bool is_told_end(const struct history *h, size_t i)
{
	return (is_unmap(h, i) || is_sync(h, i) || is_free_event(h, i)) && from_boot(h);
}

static bool end_elsewhere(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_told_end);
	struct event *ev;

	if (i == NOWHERE)
		return false;
	ev = &h->steps[i].ev;
	if (ev->flags & EVENT_F_BY_ORIG)
		ev->orig = protected_address(h, r);
	else
		ev->dma = protected_address(h, r) | (h->alias & ev->dma);
	return true;
}

static bool is_sized_pair(const struct history *h, size_t i)
{
	return is_bounced_map(h, i) && other_step(h, i, EVENT_BOUNCE) != NOWHERE &&
	       !bounce_may_lack(h, i);
}

static uint64_t other_size(struct rng *r, uint64_t size)
{
	uint64_t other = rng_one_in(r, 2) ? size + 1 : rng_one_in(r, 2) ? size / 2 : size + 4096;

	return other && other != size ? other : size + 1;
}

/* Unless another pair of the same buffer has that size. */
static bool size_of_pair(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_sized_pair);
	struct event *ev;
	uint64_t size;

	if (i == NOWHERE)
		return false;
	size = other_size(r, event_at(h, i)->size);
	for (size_t k = 0; k < h->count; k++) {
		if (event_at(h, k)->kind == EVENT_BOUNCE &&
		    event_at(h, k)->orig == event_at(h, i)->orig &&
		    h->steps[k].map != h->steps[i].map)
			return false;
	}
	ev = &h->steps[rng_one_in(r, 2) ? i : other_step(h, i, EVENT_BOUNCE)].ev;
	ev->size = size;
	return true;
}

/* Of mappings that only these two events describe. */
static bool is_lone_end(const struct history *h, size_t i)
{
	return (is_unmap(h, i) || is_free_event(h, i)) && from_boot(h) &&
	       !(event_at(h, i)->flags & EVENT_F_BY_ORIG) && !has_twin(h, i);
}

static bool size_of_end(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_lone_end);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.size = other_size(r, event_at(h, i)->size);
	return true;
}

static bool is_lone_sync(const struct history *h, size_t i)
{
	return is_sync(h, i) && from_boot(h) && !h->steps[i].within;
}

static bool sync_beyond(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_lone_sync);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.size += 0x10000;
	return true;
}

static bool direction_of_end(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_lone_end);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.dir = (h->steps[i].ev.dir + 1 + rng_below(r, 2)) % 3;
	return true;
}

static bool is_one_way_sync(const struct history *h, size_t i)
{
	return is_sync(h, i) && h->steps[i].made == MADE_BOUNCED &&
	       event_at(h, i)->dir != EVENT_BIDIRECTIONAL && other_step(h, i, EVENT_MAP) != NOWHERE;
}

static bool direction_of_sync(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_one_way_sync);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.dir = EVENT_TO_DEVICE + EVENT_FROM_DEVICE - h->steps[i].ev.dir;
	return true;
}

/* Another device that exists. */
static bool other_device(const struct history *h, struct rng *r, uint16_t *dev)
{
	size_t n = h->platform->npci;
	uint16_t id = names_find(h->names, h->platform->pci[rng_below(r, n)].name);

	if (n < 2 || !id || id == *dev)
		return false;
	*dev = id;
	return true;
}

static bool is_pair_event(const struct history *h, size_t i)
{
	size_t map = is_bounce(h, i) ? other_step(h, i, EVENT_MAP) : i;

	return map != NOWHERE && is_sized_pair(h, map) && !behind_iommu(h, map);
}

static bool device_of_pair(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_pair_event);

	return i != NOWHERE && other_device(h, r, &h->steps[i].ev.dev);
}

static bool device_of_end(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_told_end);

	return i != NOWHERE && !has_twin(h, i) && other_device(h, r, &h->steps[i].ev.dev);
}

static bool wrong_bit(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_untrusted_map);
	uint64_t dma;

	if (i == NOWHERE || behind_iommu(h, i) || !in_realm(h))
		return false;
	dma = event_at(h, i)->dma;
	move_mapping(h, h->steps[i].map, dma, dma ^ (1ull << (33 + rng_below(r, 10))));
	return true;
}

/* An unmap that leaves the shared bit away. */
static bool is_aliased_end(const struct history *h, size_t i)
{
	return h->alias && (is_unmap(h, i) || is_free_event(h, i)) && from_boot(h) &&
	       event_at(h, i)->dma != EVENT_NO_ADDR && (event_at(h, i)->dma & h->alias) &&
	       !behind_iommu(h, i) && !has_twin(h, i);
}

static bool end_without_bit(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_aliased_end);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.dma ^= h->alias;
	return true;
}

/* ---- moved ---- */

static bool map_before_bounce(struct history *h, struct rng *r)
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

static bool sync_after_end(struct history *h, struct rng *r)
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

static bool end_before_begin(struct history *h, struct rng *r)
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
 * late one: the victim's comes from a CPU that told something in between, and
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

static bool overlap(struct history *h, struct rng *r)
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

static bool alloc_overlap(struct history *h, struct rng *r)
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
static bool late_encrypt(struct history *h, struct rng *r)
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

static bool late_encrypt_virt(struct history *h, struct rng *r)
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

static bool is_needed_decrypt(const struct history *h, size_t i)
{
	const struct event *e = event_at(h, i);

	return !h->alias && e->kind == EVENT_DECRYPT && (e->flags & EVENT_F_VIRT) &&
	       other_step(h, i, EVENT_ALLOC) != NOWHERE;
}

static bool drop_decrypt(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_needed_decrypt);

	if (i == NOWHERE)
		return false;
	history_remove(h, i);
	return true;
}

/* ---- accepted devices ---- */

static bool is_trusted_map(const struct history *h, size_t i)
{
	return is_map(h, i) && h->steps[i].trusted;
}

static bool trusted_in_pool(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_trusted_map);

	if (i == NOWHERE)
		return false;
	move_mapping(h, h->steps[i].map, event_at(h, i)->dma,
		     (h->platform->swiotlb.pools[0].range.start + SLOT * rng_below(r, 20)) |
			     (rng_one_in(r, 2) ? h->alias : 0));
	return true;
}

static bool not_accepted(struct history *h, struct rng *r)
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

static bool lost(struct history *h, struct rng *r)
{
	struct step s = { .ev = { .kind = EVENT_LOST, .size = rng_below(r, 3) } };

	s.ev.cpu = rng_below(r, h->info.ncpus);
	history_insert(h, rng_below(r, h->count + 1), &s);
	return true;
}

static bool sg_cut(struct history *h, struct rng *r)
{
	struct step s = { .ev = { .kind = EVENT_SG_TRUNCATED, .dir = EVENT_TO_DEVICE } };

	s.ev.dev = names_find(h->names, h->platform->pci[0].name);
	s.ev.cpu = rng_below(r, h->info.ncpus);
	history_insert(h, rng_below(r, h->count + 1), &s);
	return true;
}

static bool undecoded(struct history *h, struct rng *r)
{
	struct step s = { .ev = { .kind = EVENT_UNDECODED } };

	s.ev.cpu = rng_below(r, h->info.ncpus);
	history_insert(h, rng_below(r, h->count + 1), &s);
	return true;
}

/* ---- markers ---- */

static bool is_mark(const struct history *h, size_t i)
{
	return event_at(h, i)->kind == EVENT_MARK;
}

static bool drop_mark(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_mark);

	if (i == NOWHERE)
		return false;
	for (size_t k = 0; k < h->count; k++) { /* a CPU without any other event needs none */
		if (event_at(h, k)->cpu == event_at(h, i)->cpu && k != i) {
			history_remove(h, i);
			return true;
		}
	}
	return false;
}

static bool wrong_nonce(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_mark);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.link ^= 1ull << rng_below(r, 64);
	return true;
}

static bool swap_marks(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_mark);

	if (i == NOWHERE)
		return false;
	h->steps[i].ev.aux = EVENT_MARK_START + EVENT_MARK_STOP - h->steps[i].ev.aux;
	return true;
}

/* All of one device's events are gone although it worked. */
static bool silence(struct history *h, struct rng *r)
{
	const struct platform_virtio *d = &h->platform->virtio[rng_below(r, h->platform->nvirtio)];
	uint16_t dev = names_find(h->names, d->parent);
	bool any = false;

	if (d->activity_before == d->activity_after)
		return false;
	for (size_t k = h->count; k > 0; k--) {
		if (event_at(h, k - 1)->dev != dev)
			continue;
		history_remove(h, k - 1);
		any = true;
	}
	return any;
}

const struct mutation mutations[] = {
	{ "drop-bounce", drop_bounce },
	{ "drop-bounced-map", drop_bounced_map },
	{ "drop-begin", drop_begin },
	{ "drop-unmap", drop_unmap },
	{ "drop-decrypt", drop_decrypt },
	{ "drop-mark", drop_mark },
	{ "duplicate", duplicate },
	{ "publish-protected", publish_protected },
	{ "publish-original", publish_original },
	{ "past-end", past_end },
	{ "end-elsewhere", end_elsewhere },
	{ "size-of-pair", size_of_pair },
	{ "size-of-end", size_of_end },
	{ "sync-beyond", sync_beyond },
	{ "direction-of-end", direction_of_end },
	{ "direction-of-sync", direction_of_sync },
	{ "device-of-pair", device_of_pair },
	{ "device-of-end", device_of_end },
	{ "wrong-bit", wrong_bit },
	{ "end-without-bit", end_without_bit },
	{ "map-before-bounce", map_before_bounce },
	{ "sync-after-end", sync_after_end },
	{ "end-before-begin", end_before_begin },
	{ "overlap", overlap },
	{ "alloc-overlap", alloc_overlap },
	{ "late-encrypt", late_encrypt },
	{ "late-encrypt-virt", late_encrypt_virt },
	{ "trusted-in-pool", trusted_in_pool },
	{ "not-accepted", not_accepted },
	{ "lost", lost },
	{ "sg-cut", sg_cut },
	{ "undecoded", undecoded },
	{ "wrong-nonce", wrong_nonce },
	{ "swap-marks", swap_marks },
	{ "silence", silence },
};
const size_t mutations_count = sizeof(mutations) / sizeof(mutations[0]);
