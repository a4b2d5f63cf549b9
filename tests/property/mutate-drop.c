/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutations that drop or double events. */
#include "lib/evidence/snapshot.h"
#include "tests/property/mutate.h"

#include "lib/base/names.h"
#include "tests/property/kernel.h"

/* ---- dropped ---- */

static bool drop_one(struct history *h, struct rng *r, fits_fn *fits)
{
	size_t i = find_step(h, r, fits);

	if (i == NOWHERE)
		return false;
	history_remove(h, i);
	return true;
}

static bool lacks_noticed(const struct history *h, size_t i)
{
	size_t map = other_step(h, i, EVENT_MAP);

	return is_bounce(h, i) && map != NOWHERE && is_bounced_map(h, map) &&
	       !bounce_may_lack(h, map);
}

bool drop_bounce(struct history *h, struct rng *r)
{
	return drop_one(h, r, lacks_noticed);
}

/* A list of that task that failed, told as a whole: the bounce may be one of its. */
static bool may_be_of_failed_list(const struct history *h, size_t bounce)
{
	for (size_t k = bounce + 1; k < h->count; k++) {
		const struct event *e = event_at(h, k);

		if (e->kind == EVENT_MAP_FAILED && (e->flags & EVENT_F_PROBE) &&
		    e->pid == event_at(h, bounce)->pid)
			return true;
	}
	return false;
}

/* Its bounce stays behind, and is not just cut off by the end. */
static bool leaves_bounce(const struct history *h, size_t i)
{
	size_t bounce = other_step(h, i, EVENT_BOUNCE);

	if (event_at(h, i)->kind != EVENT_MAP || bounce == NOWHERE ||
	    may_be_of_failed_list(h, bounce))
		return false;
	for (size_t k = bounce + 1; k < h->count; k++) {
		const struct event *e = event_at(h, k);

		if (k != i && e->cpu == event_at(h, bounce)->cpu && e->kind != EVENT_BOUNCE)
			return true;
	}
	return false;
}

bool drop_bounced_map(struct history *h, struct rng *r)
{
	return drop_one(h, r, leaves_bounce);
}

static bool leaves_end(const struct history *h, size_t i)
{
	return from_boot(h) && (is_direct_map(h, i) || is_alloc_event(h, i)) &&
	       end_step(h, i) != NOWHERE && !has_twin(h, i) && !has_twin(h, end_step(h, i)) &&
	       !h->steps[i].within;
}

bool drop_begin(struct history *h, struct rng *r)
{
	return drop_one(h, r, leaves_end);
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

bool drop_unmap(struct history *h, struct rng *r)
{
	return drop_one(h, r, missed_by_next);
}

bool is_needed_decrypt(const struct history *h, size_t i)
{
	const struct event *e = event_at(h, i);

	/* page tables could show it as well */
	if (h->platform->start && h->platform->start->page_mask)
		return false;
	return !h->alias && e->kind == EVENT_DECRYPT && (e->flags & EVENT_F_VIRT) &&
	       other_step(h, i, EVENT_ALLOC) != NOWHERE;
}

bool drop_decrypt(struct history *h, struct rng *r)
{
	return drop_one(h, r, is_needed_decrypt);
}

bool drop_mark(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_mark);

	/* of the window only, nothing needs the kernel's memory */
	if (i == NOWHERE || event_at(h, i)->aux == EVENT_MARK_COUNT ||
	    (event_at(h, i)->aux == EVENT_MARK_SNAPSHOT && h->options.window_only))
		return false;
	if (event_at(h, i)->aux == EVENT_MARK_SNAPSHOT && from_boot(h))
		return false;
	for (size_t k = 0; k < h->count; k++) { /* a CPU without any other event needs none */
		if (event_at(h, k)->cpu == event_at(h, i)->cpu && k != i) {
			history_remove(h, i);
			return true;
		}
	}
	return false;
}

/* All of one device's events are gone although it worked. */
bool silence(struct history *h, struct rng *r)
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

/* ---- doubled ---- */

/* One more bounce may be that of another entry that failed. */
static bool may_be_of_another(const struct history *h, size_t i)
{
	const struct event *e = event_at(h, i);

	for (size_t k = i + 1; k < h->count; k++) {
		const struct event *f = event_at(h, k);

		if (f->kind != EVENT_MAP_FAILED || f->dev != e->dev || f->pid != e->pid)
			continue;
		if (f->flags & EVENT_F_PROBE) /* of a list: which entries is not reported */
			return true;
		if (h->steps[k].map != h->steps[i].map && f->orig == e->orig)
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

bool duplicate(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, doubles);

	/* two bounces and no map: the end may just have cut it */
	if (i == NOWHERE || (is_bounce(h, i) && !cpu_has_other(h, i)))
		return false;
	history_insert(h, i + 1, &h->steps[i]);
	return true;
}
