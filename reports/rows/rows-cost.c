/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What bouncing cost, and whether the pool will hold, in words. */
#include "reports/rows/rows-cost.h"

#include "lib/base/saturate.h"
#include "lib/base/xalloc.h"
#include "lib/cost/cost.h"
#include "lib/evidence/platform.h"
#include "reports/rows/input.h"
#include "reports/rows/rows-meter.h"
#include "reports/rows/rows.h"

#define SLOT_BYTES 2048
#define SEGMENT_BYTES (256u << 10)

static void fact(struct rows *rows, const char *key, const char *label, const char *value)
{
	if (!*value)
		return;
	rows->cost = xrealloc(rows->cost, rows->ncost + 1, sizeof(*rows->cost));
	rows->cost[rows->ncost++] = (struct row_fact){ key, label, value };
}

static uint64_t at_peak(const struct cost_device *d)
{
	uint64_t n = 0;

	for (int i = 0; i < COST_DIRS; i++)
		n = saturate_add(n, d->slots_at_peak[i]);
	return n;
}

/* ", most of them by 0000:00:01.0 (768)" */
static const char *holder(struct rows *rows, const struct cost *c)
{
	const struct cost_device *most = NULL;

	for (size_t i = 0; i < c->ndevices; i++) {
		if (!most || at_peak(&c->devices[i]) > at_peak(most))
			most = &c->devices[i];
	}
	if (!most || !at_peak(most))
		return "";
	return rows_str(rows, ", %s of them by %s", rows_count(rows, at_peak(most)), most->name);
}

static const char *in_use(struct rows *rows, const struct cost *c)
{
	const struct cost_pool *p = &c->pool;
	const char *of = p->slots ? rows_str(rows, " of %s", rows_count(rows, p->slots)) : "";
	const char *largest = "";

	if (p->largest)
		largest = rows_str(rows, "; the largest request was %s, by %s",
				   rows_counted(rows, p->largest, "byte"),
				   p->largest_device ? p->largest_device : "?");
	return rows_str(rows, "%s%s%s slots in use at once%s, at %s%s",
			cost_is_least(c) ? "at least " : "", rows_count(rows, p->peak), of,
			holder(rows, c), rows_time(rows, p->peak_ns), largest);
}

/* The kernel command line; an ordinary machine must be told to bounce. */
static const char *parameter(struct rows *rows, const struct platform *p, uint64_t slots)
{
	bool force = p && p->swiotlb.force == TRI_YES && p->realm.is_realm != TRI_YES;

	return rows_str(rows, "swiotlb=%llu%s", (unsigned long long)slots, force ? ",force" : "");
}

static const char *full(struct rows *rows, const struct cost_pool *p)
{
	if (!p->full_at)
		return "";
	return rows_str(rows, "%s slots or fewer would have been full at %s, for %s of %s; ",
			rows_count(rows, p->full_at), rows_time(rows, p->full_ns),
			rows_counted(rows, p->full_size, "byte"),
			p->full_device && *p->full_device ? p->full_device
							  : "mappings of before the window");
}

static const char *forecast(struct rows *rows, const struct cost *c, const struct platform *facts)
{
	const struct cost_pool *p = &c->pool;
	const char *beyond = "";

	if (p->beyond)
		beyond = rows_str(rows, "; %s of more than %u KiB, which no pool takes",
				  rows_counted(rows, p->beyond, "request"), SEGMENT_BYTES >> 10);
	if (!p->holds)
		return rows_str(rows, "%sno pool would have held%s", full(rows, p), beyond);
	if (p->failed)
		return rows_str(rows,
				"%s failed; %s%s is the least that may hold, more may be needed, "
				"as failed requests hide what would have followed: boot with it "
				"and record again%s",
				rows_counted(rows, p->failed, "map"), full(rows, p),
				parameter(rows, facts, p->holds), beyond);
	return rows_str(
		rows, "%s%s is the smallest that would have held, with %llu%% to spare%s%s",
		full(rows, p), parameter(rows, facts, p->holds),
		(unsigned long long)((p->holds - (p->peak < p->holds ? p->peak : p->holds)) * 100 /
				     p->holds),
		c->lost ? "; events were lost, so more may be needed" : "", beyond);
}

static const char *needed(struct rows *rows, const struct cost *c, const struct platform *facts)
{
	const char *peak =
		rows_str(rows, "%s %s slots in use at once",
			 cost_is_least(c) ? "at least" : "at most", rows_count(rows, c->pool.peak));

	if (!c->pool.holds)
		return rows_str(rows, "%s; no swiotlb= would have held", peak);
	return rows_str(rows, "%s; %s %s", peak, parameter(rows, facts, c->pool.holds),
			cost_is_least(c) ? "is the least that may hold"
					 : "is the smallest that would have held");
}

/* "2.0", of two counts; the second is not 0 */
static const char *ratio(struct rows *rows, uint64_t copied, uint64_t useful)
{
	return rows_str(rows, "%.2f", (double)copied / (double)useful);
}

static const char *copied(struct rows *rows, const struct cost *c, const char **brief)
{
	uint64_t all = 0, useful = 0, stale = 0, copies = 0;

	for (size_t i = 0; i < c->ndevices; i++) {
		const struct cost_device *d = &c->devices[i];

		all = saturate_add(all, cost_copied(d));
		useful = saturate_add(useful, cost_useful(d));
		stale = saturate_add(stale, d->stale);
		copies = saturate_add(copies, saturate_add(d->out.copies, d->in.copies));
	}
	if (!all)
		return "";
	*brief = rows_str(rows, "%s copied by bouncing for %s useful ones",
			  rows_counted(rows, all, "byte"), rows_count(rows, useful));
	if (!useful)
		return *brief;
	return rows_str(
		rows,
		"%s%s copied by bouncing, in %s, for %s useful ones: %s times as "
		"many; %s (%.0f%%) were stale, of buffers that the device only writes",
		cost_is_least(c) ? "at least " : "", rows_counted(rows, all, "byte"),
		rows_str(rows, "%s %s", rows_count(rows, copies), copies == 1 ? "copy" : "copies"),
		rows_count(rows, useful), ratio(rows, all, useful), rows_count(rows, stale),
		100.0 * (double)stale / (double)all);
}

static void fill_devices(struct rows *rows, const struct cost *c)
{
	rows->cost_devices = xcalloc(c->ndevices, sizeof(*rows->cost_devices));
	for (size_t i = 0; i < c->ndevices; i++) {
		const struct cost_device *d = &c->devices[i];
		struct row_cost *r = &rows->cost_devices[rows->ncost_devices++];
		uint64_t useful = cost_useful(d);

		r->name = rows_str(rows, "%s", d->name ? d->name : "");
		r->copied_bytes = cost_copied(d);
		r->useful_bytes = useful;
		r->stale_bytes = d->stale;
		r->slots_at_peak = at_peak(d);
		r->copied = rows_count(rows, r->copied_bytes);
		r->useful = rows_count(rows, useful);
		r->stale = rows_count(rows, d->stale);
		r->ratio = useful ? ratio(rows, r->copied_bytes, useful) : "";
		r->out = rows_str(rows, "%s in %s", rows_count(rows, d->out.bytes),
				  rows_count(rows, d->out.copies));
		r->in = rows_str(rows, "%s in %s", rows_count(rows, d->in.bytes),
				 rows_count(rows, d->in.copies));
		r->slots = rows_count(rows, r->slots_at_peak);
		r->time = rows_cost_device_time(rows, c, d);
	}
}

void rows_fill_cost(struct rows *rows, const struct report_input *in)
{
	const struct cost *c = in->verdict->cost;

	rows->cost_copied = rows->cost_pool = "";
	if (!c)
		return;
	if (c->pool.peak) {
		fact(rows, "pool", "pool", in_use(rows, c));
		fact(rows, "forecast", "forecast", forecast(rows, c, in->platform));
		rows->cost_pool = needed(rows, c, in->platform);
	}
	fact(rows, "copied", "copied", copied(rows, c, &rows->cost_copied));
	fact(rows, "copy-time", "time", rows_cost_time(rows, c));
	fact(rows, "copy-sums", "sums", rows_cost_check(rows, c));
	fact(rows, "copy-counting", "counting", rows_cost_counting(rows, c));
	fill_devices(rows, c);
}
