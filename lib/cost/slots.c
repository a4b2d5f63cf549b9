/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Slots in use, as the kernel's order of events bounds them from above (Linux
 * kernel/dma/swiotlb.c, mapping.c): a bounce is reported before its slots are taken, an unmap
 * after they were given back, and the unmap of a list before.
 */
#include <string.h>

#include "lib/cost/state.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/snapshot.h"

#define WAITING_NS 1000000000ull /* a driver tries again sooner */
#define PENDING_NS 100000000ull	 /* a map takes less; what is older has no map event */
#define LEAVING_NS 1000000ull	 /* a list is unmapped sooner */
#define UNNAMED UINT64_MAX	 /* key of single slots older than the window, counted down */
#define NO_DEVICE UINT16_MAX

struct placing {
	void (*place)(void *ctx, uint32_t slots, struct placed *placed);
	void *ctx;
};

static void place_live(void *ctx, struct live *entry)
{
	const struct placing *p = ctx;

	p->place(p->ctx, entry->slots, &entry->placed);
}

static void place_all(void *ctx, void (*place)(void *ctx, uint32_t slots, struct placed *placed),
		      void *place_ctx)
{
	struct cost_builder *b = ctx;
	struct placing p = { place, place_ctx };

	live_each(b->live, place_live, &p);
	for (size_t i = 0; i < b->nleaving; i++)
		place(place_ctx, b->leaving[i].live.slots, &b->leaving[i].live.placed);
	for (size_t i = 0; i < b->npending; i++) {
		if (b->pending[i].slots)
			place(place_ctx, b->pending[i].slots, &b->pending[i].placed);
	}
}

static void take(struct cost_builder *b, const struct event *ev, uint32_t slots,
		 struct placed *placed)
{
	const struct forecast_request r = { ev->ts_ns, ev->size, slots, ev->dev, ev->cpu };
	const struct forecast_live live = { place_all, b };

	if (!forecast_take(&b->forecast, &r, placed))
		forecast_take_larger(&b->forecast, &r, placed, &live);
}

static void raise(struct cost_builder *b, uint32_t slots, uint64_t ts_ns)
{
	struct cost_pool *pool = &b->cost->pool;

	b->level += slots;
	if (b->level <= pool->peak)
		return;
	pool->peak = b->level;
	pool->peak_ns = ts_ns;
	b->peaks++;
}

/* The device's slots will change: those that it had at the newest peak are what they are now. */
static void settle(const struct cost_builder *b, struct device_cost *d)
{
	if (d->peak != b->peaks)
		memcpy(d->result.slots_at_peak, d->slots, sizeof(d->slots));
	d->peak = b->peaks;
}

static unsigned int way(uint8_t dir)
{
	return dir < COST_DIRS ? dir : EVENT_BIDIRECTIONAL;
}

/* Slots of a named mapping, which the level has already. */
static void hold(struct cost_builder *b, const struct live *l)
{
	struct device_cost *d = cost_device(b, l->dev);
	unsigned int w = way(l->dir);

	settle(b, d);
	d->slots[w] += l->slots;
	if (d->slots[w] > d->result.slots_most[w])
		d->result.slots_most[w] = d->slots[w];
}

static void release(struct cost_builder *b, const struct live *l)
{
	if (l->dev != NO_DEVICE) {
		struct device_cost *d = cost_device(b, l->dev);

		settle(b, d);
		d->slots[way(l->dir)] -= l->slots;
	}
	b->level -= l->slots;
	forecast_give(&b->forecast, l->slots, &l->placed);
}

/* ---- older than the window ---- */

static void add_older(struct cost_builder *b, uint64_t ts_ns, uint64_t key, uint64_t size)
{
	const struct event ev = { .ts_ns = ts_ns, .size = size, .dev = NO_DEVICE };
	struct live l = { .key = key, .size = size, .dev = NO_DEVICE, .dir = EVENT_DIR_NONE };

	l.slots = (uint32_t)pool_slots(0, size);
	take(b, &ev, l.slots, &l.placed);
	if (live_add(b->live, &l))
		b->level += l.slots;
}

void slots_begin(struct cost_builder *b, uint64_t ts_ns)
{
	const struct platform *p = b->platform;
	uint64_t named = 0, before;

	if (!p || p->trace.from_boot == TRI_YES || p->swiotlb.used_before == PLATFORM_UNKNOWN)
		return;
	before = p->swiotlb.used_before < POOL_MOST ? p->swiotlb.used_before : POOL_MOST;
	for (size_t i = 0; p->start && i < p->start->npools; i++) {
		const struct snapshot_pool *pool = &p->start->pools[i];

		for (size_t k = 0; k < pool->nlive && named < before; k++) {
			const struct snapshot_live *l = &pool->live[k];

			if (!l->size || l->size > (uint64_t)POOL_SEGMENT << POOL_SLOT_SHIFT ||
			    where_is(&b->where, l->start, l->size) != WHERE_DEFAULT_POOL ||
			    live_find(b->live, l->start, false, NO_DEVICE))
				continue;
			add_older(b, ts_ns, l->start, l->size);
			named += pool_slots(0, l->size);
		}
	}
	for (; named + b->unnamed < before; b->unnamed++)
		add_older(b, ts_ns, UNNAMED - b->unnamed, 1);
	b->cost->pool.before = b->level;
	raise(b, 0, ts_ns);
}

/* A mapping ended that nothing named. */
static void release_unnamed(struct cost_builder *b, uint64_t slots)
{
	for (; slots && b->unnamed; slots--) {
		struct live *l = live_find(b->live, UNNAMED - (b->unnamed - 1), false, NO_DEVICE);

		b->unnamed--;
		if (!l)
			continue;
		release(b, l);
		live_remove(b->live, l);
	}
}

/* ---- bounces ---- */

static void drop_pending(struct cost_builder *b, size_t i, bool give)
{
	struct pending *p = &b->pending[i];

	if (!p->waiting)
		b->level -= p->slots;
	else
		b->nwaiting--;
	if (give && p->slots)
		forecast_give(&b->forecast, p->slots, &p->placed);
	if (i != --b->npending)
		memmove(p, p + 1, (b->npending - i) * sizeof(*p));
}

/* The newest bounce of this buffer; npending: none. */
static size_t find_pending(const struct cost_builder *b, const struct event *ev, bool waiting)
{
	for (size_t i = b->npending; i-- > 0;) {
		const struct pending *p = &b->pending[i];

		if (p->orig == ev->orig && p->size == ev->size && p->dev == ev->dev &&
		    p->waiting == waiting)
			return i;
	}
	return b->npending;
}

static void expire(struct cost_builder *b, uint64_t now)
{
	for (size_t i = 0; i < b->npending;) {
		const struct pending *p = &b->pending[i];

		if (now - p->ts_ns > (p->waiting ? WAITING_NS : PENDING_NS) && now > p->ts_ns)
			drop_pending(b, i, true);
		else
			i++;
	}
	if (b->npending == PENDING_MOST)
		drop_pending(b, 0, true);
}

/* The driver tries once more: its slots were kept in the pools tried. */
static void take_again(struct cost_builder *b, const struct event *ev, size_t again)
{
	struct pending p = b->pending[again];

	p.ts_ns = ev->ts_ns;
	p.pid = ev->pid;
	p.cpu = ev->cpu;
	p.waiting = false;
	b->nwaiting--;
	memmove(&b->pending[again], &b->pending[again + 1], (--b->npending - again) * sizeof(p));
	expire(b, ev->ts_ns);
	b->pending[b->npending++] = p;
	raise(b, p.slots, ev->ts_ns);
}

void slots_bounce(struct cost_builder *b, const struct event *ev)
{
	struct cost_pool *pool = &b->cost->pool;
	uint64_t slots = pool_slots(0, ev->size);
	struct pending *new;
	size_t again = b->nwaiting ? find_pending(b, ev, true) : b->npending;

	if (ev->size > pool->largest) {
		pool->largest = ev->size;
		b->largest_dev = ev->dev;
	}
	if (again < b->npending) {
		take_again(b, ev, again);
		return;
	}
	expire(b, ev->ts_ns);
	new = &b->pending[b->npending];
	*new = (struct pending){ .orig = ev->orig,
				 .size = ev->size,
				 .ts_ns = ev->ts_ns,
				 .pid = ev->pid,
				 .dev = ev->dev,
				 .cpu = ev->cpu };
	if (slots > POOL_SEGMENT) {
		pool->beyond++;
	} else {
		new->slots = (uint32_t)slots;
		take(b, ev, new->slots, &new->placed);
	}
	b->npending++;
	raise(b, new->slots, ev->ts_ns);
}

bool slots_announced(const struct cost_builder *b, const struct event *ev)
{
	return find_pending(b, ev, false) < b->npending;
}

/* ---- maps and their ends ---- */

/* A new mapping is where an older one was: its end was not reported. */
static void replace(struct cost_builder *b, uint64_t plain)
{
	struct live *old = live_find(b->live, plain, false, NO_DEVICE);

	if (!old)
		return;
	release(b, old);
	live_remove(b->live, old);
}

void slots_map(struct cost_builder *b, const struct event *ev, uint64_t plain, bool is_default)
{
	uint64_t slots = pool_slots(plain, ev->size);
	size_t i = find_pending(b, ev, false);
	bool by_orig = ev->flags & EVENT_F_SG;
	struct live l = { .key = by_orig ? ev->orig : plain,
			  .by_orig = by_orig,
			  .dev = ev->dev,
			  .dir = ev->dir,
			  .size = ev->size };
	bool placed = false;

	if (i < b->npending) {
		placed = b->pending[i].slots == slots;
		l.placed = b->pending[i].placed;
		drop_pending(b, i, !placed || !is_default);
	}
	if (!is_default || slots > POOL_SEGMENT)
		return;
	if (!by_orig)
		replace(b, plain);
	l.slots = (uint32_t)slots;
	if (!placed)
		take(b, ev, l.slots, &l.placed);
	if (!live_add(b->live, &l)) {
		b->cost->pool.partial = true;
		forecast_give(&b->forecast, l.slots, &l.placed);
		return;
	}
	hold(b, &l);
	raise(b, l.slots, ev->ts_ns);
}

/* The kernel refused it: other pools may have had room, until the driver tries again. */
static void refuse(struct cost_builder *b, const struct event *ev, size_t i)
{
	struct pending *p = &b->pending[i];
	const struct forecast_request r = { ev->ts_ns, p->size, p->slots, p->dev, p->cpu };
	const struct forecast_live live = { place_all, b };

	if (!p->slots)
		return drop_pending(b, i, false);
	b->cost->pool.failed++;
	b->level -= p->slots;
	p->waiting = true;
	b->nwaiting++;
	p->ts_ns = ev->ts_ns;
	if (b->cost->pool.slots)
		forecast_refused(&b->forecast, &r, b->cost->pool.slots, &live);
}

void slots_failed(struct cost_builder *b, const struct event *ev)
{
	size_t i;

	if (!((ev->flags & EVENT_F_SG) && (ev->flags & EVENT_F_PROBE))) {
		i = find_pending(b, ev, false);
		if (i < b->npending)
			refuse(b, ev, i);
		return;
	}
	for (i = b->npending; i-- > 0;) { /* a whole list, whose entries are not named */
		const struct pending *p = &b->pending[i];

		if (i < b->npending && p->dev == ev->dev && p->pid == ev->pid &&
		    p->cpu == ev->cpu && !p->waiting)
			refuse(b, ev, i);
	}
}

static void leave(struct cost_builder *b, const struct event *ev, struct live *entry)
{
	if (b->nleaving == LEAVING_MOST)
		release(b, &b->leaving[--b->nleaving].live);
	b->leaving[b->nleaving++] = (struct leaving){ *entry, ev->ts_ns, ev->cpu };
	live_remove(b->live, entry);
}

void slots_left(struct cost_builder *b, const struct event *ev)
{
	for (size_t i = 0; i < b->nleaving;) {
		const struct leaving *l = &b->leaving[i];
		/* its list goes on */
		bool same = l->ts_ns == ev->ts_ns && ev->kind == EVENT_UNMAP;

		if (!same && (l->cpu == ev->cpu || ev->ts_ns > l->ts_ns + LEAVING_NS)) {
			release(b, &l->live);
			b->leaving[i] = b->leaving[--b->nleaving];
		} else {
			i++;
		}
	}
}

void slots_unmap(struct cost_builder *b, const struct event *ev, uint64_t plain, bool is_default)
{
	bool by_orig = ev->flags & EVENT_F_BY_ORIG;
	struct live *l = live_find(b->live, by_orig ? ev->orig : plain, by_orig, ev->dev);

	if (l && by_orig) {
		leave(b, ev, l);
	} else if (l) {
		release(b, l);
		live_remove(b->live, l);
	} else if (!by_orig && is_default && ev->size) {
		release_unnamed(b, pool_slots(plain, ev->size));
	}
}

void slots_end(struct cost_builder *b)
{
	struct cost_pool *pool = &b->cost->pool;

	for (size_t i = 0; i < b->ndevices; i++)
		settle(b, &b->devices[i]);
	if (!b->mapped) { /* a kernel without events of maps: for how long is not known */
		pool->before = pool->peak = pool->peak_ns = 0;
		return;
	}
	pool->areas = b->forecast.areas;
	pool->full_at = b->forecast.full.slots;
	pool->full_ns = b->forecast.full.ts_ns;
	pool->full_size = b->forecast.full.size;
	pool->holds = forecast_holds(&b->forecast);
}
