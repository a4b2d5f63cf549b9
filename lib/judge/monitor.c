/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the monitor recorded about memory that the kernel gave to devices.
 */
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "lib/judge/state.h"

static void count_published(struct judge *j, uint64_t plain, bool alloc)
{
	size_t n, lo = 0, hi;
	const struct rmm_range *r = rmm_shared_ranges(j->options.rmm, &n);

	for (hi = n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;

		if (r[mid].range.end < plain)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < n && r[lo].range.start <= plain) {
		j->rmm.published[lo]++;
		j->rmm.allocs[lo] += alloc;
	}
}

/* The monitor's log shows no sharing of what was published, and it reaches beyond that. */
static void refute(struct judge *j, const struct refused *r)
{
	struct device *dev = judge_device(j, r->event.dev);
	uint64_t now = j->seq;

	j->seq = r->seq;
	if (r->pool)
		judge_refute(
			j, BREACH_MONITOR, FIND_FACT, dev, &r->event, r->memory,
			"the monitor holds the bounce pool %s at 0x%llx as protected, the kernel "
			"gave 0x%llx of it to the device as shared",
			r->pool->name ? r->pool->name : "",
			(unsigned long long)r->pool->range.start, (unsigned long long)r->plain);
	else
		judge_refute(j, BREACH_MONITOR, FIND_FACT, dev, &r->event, r->memory,
			     "the monitor holds 0x%llx as protected, the kernel gave it to "
			     "the device as shared",
			     (unsigned long long)r->plain);
	j->seq = now;
}

static const struct platform_pool *pool_of(const struct judge *j, uint64_t plain)
{
	for (size_t i = 0; j->platform && i < j->platform->swiotlb.npools; i++) {
		const struct platform_pool *pool = &j->platform->swiotlb.pools[i];

		if (range_contains(&pool->range, plain, 1))
			return pool;
	}
	return NULL;
}

/*
 * The log holds it as protected.  A log that was taken while the Realm lived may end before the
 * kernel shared it: then it is a fact only if something that was shared later is in the log.  Pools
 * are shared at boot, before any ring.
 */
static void refuse(struct judge *j, const struct event *ev, uint64_t plain, struct place *place)
{
	struct refused r = { .event = *ev,
			     .plain = plain,
			     .seq = j->seq,
			     .pool = pool_of(j, plain),
			     .memory = place->memory };

	if (rmm_ended(j->options.rmm) || (r.pool && j->rmm.confirmed) ||
	    (j->from_boot && !j->opened && rmm_attested(j->options.rmm))) {
		refute(j, &r);
		return;
	}
	if (j->rmm.nwaiting < MAX_REFUSED)
		j->rmm.waiting[j->rmm.nwaiting++] = r;
	*place = (struct place){ PLACE_UNDECIDED, place->memory,
				 "the monitor's log holds this memory as protected, but it may end "
				 "before the kernel shared it" };
}

/* A range that the kernel shared just now is in the log, so all that came before is. */
static void confirm(struct judge *j)
{
	j->rmm.confirmed = true;
	for (size_t i = 0; i < j->rmm.nwaiting; i++)
		refute(j, &j->rmm.waiting[i]);
	j->rmm.nwaiting = 0;
}

/*
 * The monitor enforces: where it holds memory as protected, no wording of the
 * kernel makes it shared, and where it holds it as shared, what the kernel's
 * events left open is settled.
 */
void judge_ask_monitor(struct judge *j, const struct event *ev, uint64_t plain, bool alloc,
		       struct place *place)
{
	enum rmm_state state = rmm_state(j->options.rmm, plain, ev->size);
	/* a sync does not say how its memory came to be mapped: the kernel leaves it open, too */
	bool sync = ev->kind == EVENT_SYNC_CPU || ev->kind == EVENT_SYNC_DEVICE;

	count_published(j, plain, alloc);
	switch (state) {
	case RMM_SHARED:
		j->rmm.agreed++;
		if (alloc && rmm_has_range_at(j->options.rmm, plain))
			confirm(j);
		if (place->kind == PLACE_PROTECTED && !sync)
			*place = (struct place){ PLACE_UNDECIDED, MEMORY_UNKNOWN,
						 "the monitor's log shows this memory shared, but "
						 "not since when, and by the kernel's events it is "
						 "protected" };
		else if (place->kind != PLACE_SHARED)
			*place = (struct place){ PLACE_SHARED, MEMORY_DECRYPTED, NULL };
		break;
	case RMM_PROTECTED:
		j->rmm.refused++;
		if (place->kind != PLACE_PROTECTED)
			refuse(j, ev, plain, place);
		break;
	default:
		j->rmm.unknown++;
		if (place->kind == PLACE_SHARED)
			*place = (struct place){ PLACE_UNDECIDED, place->memory,
						 state == RMM_CHANGED
							 ? "the monitor's log shows this memory "
							   "shared for a part of the run only"
							 : "the monitor's log does not show this "
							   "memory as shared" };
		break;
	}
}

static enum witness_purpose purpose(struct judge *j, const struct rmm_range *r, size_t i)
{
	uint64_t size = r->range.end - r->range.start + 1;

	if (memmap_touches_pool(j->memory, r->range.start, size))
		return WITNESS_POOL;
	if (j->rmm.allocs[i])
		return WITNESS_VRINGS;
	/* GICv3 ITS tables are 64-KiB pages (GIC architecture, GITS_BASER) and are no DMA mapping.
	 */
	if (!j->rmm.published[i] && r->range.start % 0x10000 == 0 && size % 0x10000 == 0)
		return WITNESS_GIC_TABLES;
	return WITNESS_OTHER;
}

void judge_monitor_report(struct judge *j, struct verdict *v)
{
	size_t n;
	const struct rmm_range *r = rmm_shared_ranges(j->options.rmm, &n);

	if (rmm_realms(j->options.rmm) > 1)
		verdict_note(v,
			     "the monitor's log has %zu Realms; this one is the one with the "
			     "descriptor 0x%llx",
			     rmm_realms(j->options.rmm),
			     (unsigned long long)rmm_chosen_realm(j->options.rmm));
	v->monitor.used = true;
	v->monitor.agreed = j->rmm.agreed;
	v->monitor.refused = j->rmm.refused;
	v->monitor.unknown = j->rmm.unknown;
	v->monitor.cut_lines = rmm_cut_lines(j->options.rmm);
	v->monitor.ranges = xcalloc(n, sizeof(*v->monitor.ranges));
	for (size_t i = 0; i < n && i < VERDICT_RANGES; i++)
		v->monitor.ranges[v->monitor.nranges++] =
			(struct witness_range){ .range = r[i].range,
						.state = r[i].state,
						.purpose = purpose(j, &r[i], i),
						.published = j->rmm.published[i] };
}
