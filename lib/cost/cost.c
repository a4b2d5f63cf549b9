/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is copied between buffers and bounce pools, and who holds slots. */
#include "lib/cost/cost.h"

#include <stdlib.h>

#include "lib/base/names.h"
#include "lib/base/saturate.h"
#include "lib/base/xalloc.h"
#include "lib/cost/state.h"
#include "lib/cost/times.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/snapshot.h"

#define EXPECTED 6     /* events from one that is counted to the one whose memory is fetched, … */
#define FITS_CACHE 512 /* … where more mappings are live than the cache holds anyway */

/* The areas of the default pool, as they were read from the kernel's memory, or the CPUs. */
static unsigned int areas(const struct platform *p, const struct where_map *where,
			  unsigned int cpus)
{
	for (size_t i = 0; p && p->start && i < p->start->npools; i++) {
		const struct snapshot_pool *pool = &p->start->pools[i];

		if (where_is(where, pool->range.start, 1) == WHERE_DEFAULT_POOL && pool->areas &&
		    pool->areas < 65536)
			return (unsigned int)pool->areas;
	}
	return cpus;
}

struct cost_builder *cost_builder_new(const struct platform *p, struct names *names,
				      unsigned int cpus)
{
	struct cost_builder *b = xcalloc(1, sizeof(*b));

	b->platform = p;
	b->names = names;
	b->cost = xcalloc(1, sizeof(*b->cost));
	if (p && p->swiotlb.slots != PLATFORM_UNKNOWN)
		b->cost->pool.slots = p->swiotlb.slots;
	if (p) {
		b->cost->memcpy_bytes = p->memcpy.bytes;
		b->cost->memcpy_ns = p->memcpy.ns;
	}
	b->live = live_new();
	b->times = times_new();
	where_map_init(&b->where, p);
	forecast_init(&b->forecast, areas(p, &b->where, cpus));
	return b;
}

struct device_cost *cost_device_new(struct cost_builder *b, uint16_t dev)
{
	size_t n = (size_t)dev + 1;

	b->devices = xrealloc(b->devices, n, sizeof(*b->devices));
	for (; b->ndevices < n; b->ndevices++)
		b->devices[b->ndevices] = (struct device_cost){ 0 };
	return &b->devices[dev];
}

unsigned int cost_size(uint64_t bytes)
{
	unsigned int i = bytes > 1 ? 64 - (unsigned int)__builtin_clzll(bytes - 1) : 0;

	return i < COST_SIZES ? i : COST_SIZES - 1;
}

static void copy(struct cost_copies *c, uint64_t size)
{
	if (!size)
		return; /* swiotlb_bounce() is called all the same, and copies nothing */
	c->copies++;
	c->bytes = saturate_add(c->bytes, size);
	c->sizes[cost_size(size)]++;
}

/* In a pool, or, where no pool is known, announced by a bounce? */
static bool is_bounced(const struct cost_builder *b, const struct event *ev, uint64_t plain,
		       bool *is_default)
{
	enum where where = where_is_plain(&b->where, ev->dma, plain, ev->size ? ev->size : 1);
	bool known = b->where.npools;

	*is_default = known ? where == WHERE_DEFAULT_POOL : true;
	return known && where != WHERE_ELSEWHERE ? plain != ev->orig : slots_announced(b, ev);
}

static void map(struct cost_builder *b, const struct event *ev)
{
	uint64_t plain = where_plain(&b->where, ev->dma);
	struct device_cost *d;
	bool is_default;

	if (ev->dma == EVENT_NO_ADDR) {
		slots_failed(b, ev);
		return;
	}
	if (!is_bounced(b, ev, plain, &is_default))
		return;
	b->mapped = true;
	d = cost_device(b, ev->dev);
	d->result.maps++;
	copy(&d->result.out, ev->size);
	if (ev->dir == EVENT_FROM_DEVICE)
		d->result.stale = saturate_add(d->result.stale, ev->size);
	slots_map(b, ev, plain, is_default);
}

/* Is what an unmap or sync names a bounced mapping, to be found by its address? */
static inline bool in_slots(const struct cost_builder *b, const struct event *ev, uint64_t plain,
			    bool *is_default)
{
	enum where where = where_is_plain(&b->where, ev->dma, plain, ev->size ? ev->size : 1);

	*is_default = where == WHERE_DEFAULT_POOL;
	return where != WHERE_ELSEWHERE || live_find(b->live, plain, false, ev->dev);
}

static void unmap(struct cost_builder *b, const struct event *ev)
{
	bool by_orig = ev->flags & EVENT_F_BY_ORIG, is_default = true;
	uint64_t plain = where_plain(&b->where, ev->dma);
	const struct live *l = NULL;
	uint8_t dir = ev->dir;
	uint64_t size = ev->size;

	if (by_orig) {
		l = live_find(b->live, ev->orig, true, ev->dev);
		if (!l)
			return;
		size = l->size;
	} else if (!in_slots(b, ev, plain, &is_default)) {
		return;
	}
	if (ev->flags & EVENT_F_NO_DIR) {
		if (!l)
			l = live_find(b->live, plain, false, ev->dev);
		dir = l ? l->dir : EVENT_DIR_NONE;
	}
	if ((dir == EVENT_FROM_DEVICE || dir == EVENT_BIDIRECTIONAL) &&
	    !(ev->attrs & EVENT_ATTR_SKIP_CPU_SYNC))
		copy(&cost_device(b, ev->dev)->result.in, size);
	slots_unmap(b, ev, plain, is_default);
}

static void sync(struct cost_builder *b, const struct event *ev)
{
	bool cpu = ev->kind == EVENT_SYNC_CPU, is_default;
	bool copies = ev->dir == EVENT_BIDIRECTIONAL ||
		      ev->dir == (cpu ? EVENT_FROM_DEVICE : EVENT_TO_DEVICE);

	if (!copies || !in_slots(b, ev, where_plain(&b->where, ev->dma), &is_default))
		return;
	if (cpu)
		copy(&cost_device(b, ev->dev)->result.in, ev->size);
	else
		copy(&cost_device(b, ev->dev)->result.out, ev->size);
}

static void feed_one(struct cost_builder *b, const struct event *ev)
{
	times_feed(b->times, ev);
	if (event_group(ev->kind) != EVENT_GROUP_DMA) {
		b->cost->lost |= ev->kind == EVENT_LOST;
		if (ev->kind == EVENT_MARK)
			window_mark(b, ev);
		return;
	}
	if (!b->begun) {
		slots_begin(b, ev->ts_ns);
		b->begun = true;
	}
	slots_at(b, ev);
	switch (ev->kind) {
	case EVENT_BOUNCE:
		slots_bounce(b, ev);
		break;
	case EVENT_MAP:
		map(b, ev);
		break;
	case EVENT_MAP_FAILED:
		slots_failed(b, ev);
		break;
	case EVENT_UNMAP:
		unmap(b, ev);
		break;
	case EVENT_SYNC_CPU:
	case EVENT_SYNC_DEVICE:
		sync(b, ev);
		break;
	}
}

void cost_builder_feed(struct cost_builder *b, const struct event *events, size_t count)
{
	bool expect = b->live->count > FITS_CACHE;

	for (size_t i = 0; i < count; i++) {
		if (expect && i + EXPECTED < count)
			live_expect(b->live, where_plain(&b->where, events[i + EXPECTED].dma));
		feed_one(b, &events[i]);
	}
}

struct cost *cost_builder_finish(struct cost_builder *b)
{
	struct cost *c = b->cost;

	slots_end(b);
	window_meter(b);
	c->times = times_finish(b->times);
	c->devices = xcalloc(b->ndevices, sizeof(*c->devices));
	for (size_t i = 0; i < b->ndevices; i++) {
		struct cost_device *d = &b->devices[i].result;

		if (!d->out.copies && !d->in.copies && !d->meter)
			continue;
		d->name = xstrdup(names_get(b->names, (uint16_t)i));
		c->devices[c->ndevices++] = *d;
	}
	if (c->pool.largest)
		c->pool.largest_device = xstrdup(names_get(b->names, b->largest_dev));
	if (c->pool.full_at)
		c->pool.full_device = xstrdup(names_get(b->names, b->forecast.full.dev));
	forecast_release(&b->forecast);
	live_free(b->live);
	where_map_release(&b->where);
	free(b->devices);
	free(b);
	return c;
}

uint64_t cost_copied(const struct cost_device *d)
{
	return saturate_add(d->out.bytes, d->in.bytes);
}

uint64_t cost_useful(const struct cost_device *d)
{
	uint64_t copied = cost_copied(d);

	return d->stale < copied ? copied - d->stale : 0;
}

uint64_t cost_least_ns(const struct cost *c, uint64_t bytes)
{
	return meter_least_ns(c->memcpy_bytes, c->memcpy_ns, bytes);
}

uint64_t cost_copy_ns(const struct cost *c, uint64_t bytes)
{
	return c->times ? meter_least_ns(1024, c->times->kib_ns, bytes) : 0;
}

bool cost_is_least(const struct cost *c)
{
	return c->lost || c->pool.failed || c->pool.partial;
}

char *cost_above(const struct cost *c, uint64_t copied_per_useful, uint64_t pool_peak)
{
	uint64_t copied = 0, useful = 0;

	for (size_t i = 0; i < c->ndevices; i++) {
		copied = saturate_add(copied, cost_copied(&c->devices[i]));
		useful = saturate_add(useful, cost_useful(&c->devices[i]));
	}
	if (copied_per_useful && copied > saturate_mul(useful, copied_per_useful))
		return xasprintf("the policy allows %llu bytes copied by bouncing for each useful "
				 "one; %llu were copied for %llu",
				 (unsigned long long)copied_per_useful, (unsigned long long)copied,
				 (unsigned long long)useful);
	if (pool_peak && c->pool.peak > pool_peak)
		return xasprintf("the policy allows %llu slots of the bounce pool at once; %llu "
				 "were in use",
				 (unsigned long long)pool_peak, (unsigned long long)c->pool.peak);
	return NULL;
}
