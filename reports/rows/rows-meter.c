/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long bouncing took, in words. */
#include "reports/rows/rows-meter.h"

#include <stdbool.h>

#include "lib/base/saturate.h"
#include "lib/cost/cost.h"
#include "reports/rows/rows.h"

#define MOST_NAMED 4 /* differences between the kernel's sums and the events */

const char *rows_span(struct rows *rows, uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double value = (double)ns;
	int i = 0;

	while (value >= 999.5 && i < 3) {
		value /= 1000;
		i++;
	}
	return rows_str(rows, i && value < 99.95 ? "%.3g %s" : "%.0f %s", value, units[i]);
}

static const char *at_least(struct rows *rows, const struct cost *c)
{
	uint64_t all = 0;

	for (size_t i = 0; i < c->ndevices; i++)
		all = saturate_add(all, cost_copied(&c->devices[i]));
	if (!all || !c->memcpy_bytes)
		return "";
	return rows_str(rows, "copying took at least %s, at this machine's fastest",
			rows_span(rows, cost_least_ns(c, all)));
}

/* Of all CPU time, which is known with --cost. */
static const char *share(struct rows *rows, const struct cost *c, uint64_t ns)
{
	uint64_t busy = c->metering ? c->metering->busy_ns : 0;
	double part;

	if (!busy || !ns)
		return "";
	part = 100.0 * (double)ns / (double)busy;
	return rows_str(rows,
			part < 9.95 ? ", %.2g%% of %s of CPU time" : ", %.0f%% of %s of CPU time",
			part, rows_span(rows, busy));
}

/* By the events' own times, for which nothing is armed. */
static const char *by_events(struct rows *rows, const struct cost *c)
{
	const struct cost_times *t = c->times;
	uint64_t all = 0, maps = 0, copying, finding;

	if (!t)
		return "";
	for (size_t i = 0; i < c->ndevices; i++) {
		all = saturate_add(all, cost_copied(&c->devices[i]));
		maps = saturate_add(maps, c->devices[i].maps);
	}
	if (!t->kib_ns)
		return rows_str(rows, "finding slots and copying out took %s for %s of %s",
				rows_span(rows, t->ns), rows_count(rows, t->maps),
				rows_counted(rows, maps, "map"));
	copying = cost_copy_ns(c, all);
	finding = saturate_mul(t->map_ns, maps);
	return rows_str(rows,
			"copying took about %s, finding slots about %s with the recording of an "
			"event each%s: by the event times of %s of %s",
			rows_span(rows, copying), rows_span(rows, finding),
			share(rows, c, saturate_add(copying, finding)), rows_count(rows, t->maps),
			rows_counted(rows, maps, "map"));
}

const char *rows_cost_time(struct rows *rows, const struct cost *c)
{
	const char *events = by_events(rows, c), *least = "";

	if (!c->times || !c->times->kib_ns)
		least = at_least(rows, c);
	return rows_str(rows, "%s%s%s", events, *events && *least ? "; " : "", least);
}

/* One way of a device; ", …" is put after text. */
static const char *differs(struct rows *rows, const char *text, const struct cost_device *d,
			   const struct cost_metered *m, const char *way)
{
	uint64_t more =
		m->bytes > m->event_bytes ? m->bytes - m->event_bytes : m->event_bytes - m->bytes;

	return rows_str(rows, "%s%s%s %s %s for %s", text, *text ? ", " : "",
			rows_counted(rows, more, "byte"),
			m->bytes > m->event_bytes ? "more" : "less", way, d->name);
}

const char *rows_cost_check(struct rows *rows, const struct cost *c)
{
	const char *text = "", *why;
	unsigned int found = 0;
	bool any = false;

	if (!c->metering)
		return "";
	for (size_t i = 0; i < c->ndevices; i++) {
		const struct cost_device *d = &c->devices[i];
		const struct cost_meter *m = d->meter;

		any |= m != NULL;
		if (m && m->out.bytes != m->out.event_bytes && found++ < MOST_NAMED)
			text = differs(rows, text, d, &m->out, "into the pool");
		if (m && m->in.bytes != m->in.event_bytes && found++ < MOST_NAMED)
			text = differs(rows, text, d, &m->in, "back");
	}
	if (c->metering->trouble)
		return rows_str(rows, "not counted by the kernel: %s", c->metering->trouble);
	if (!any)
		return "";
	if (!found && !c->metering->missed)
		return "the kernel's own sums, for each device and direction, are those of the "
		       "events";
	if (found > MOST_NAMED)
		text = rows_str(rows, "%s and %u more", text, found - MOST_NAMED);
	why = c->lost		    ? "events were lost"
	      : c->metering->missed ? rows_str(rows, "the kernel's sums miss %s",
					       rows_counted(rows, c->metering->missed, "call"))
				    : "copied while recording began or ended";
	return found ? rows_str(rows, "by the kernel's own sums %s than the events show: %s", text,
				why)
		     : rows_str(rows, "%s; their bytes are those of the events", why);
}

const char *rows_cost_counting(struct rows *rows, const struct cost *c)
{
	uint64_t calls = 0, ns;

	if (!c->metering || !c->metering->call_ns)
		return "";
	for (size_t i = 0; i < c->ndevices; i++) {
		const struct cost_meter *m = c->devices[i].meter;

		if (m)
			calls = saturate_add(calls, saturate_add(m->out.copies, m->in.copies));
	}
	ns = saturate_mul(calls, c->metering->call_ns);
	return rows_str(rows, "the kernel's sums took about %s%s: %s of %s each",
			rows_span(rows, ns), share(rows, c, ns), rows_counted(rows, calls, "call"),
			rows_span(rows, c->metering->call_ns));
}

const char *rows_cost_device_time(struct rows *rows, const struct cost *c,
				  const struct cost_device *d)
{
	if (cost_copy_ns(c, cost_copied(d)))
		return rows_str(rows, "about %s", rows_span(rows, cost_copy_ns(c, cost_copied(d))));
	if (!c->memcpy_bytes)
		return "";
	return rows_str(rows, "at least %s", rows_span(rows, cost_least_ns(c, cost_copied(d))));
}
