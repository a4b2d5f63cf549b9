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

struct sums {
	uint64_t copies, bytes, timed, ns, searches, search_ns;
	bool metered;
};

static void add_way(struct sums *s, const struct cost_metered *m)
{
	s->copies = saturate_add(s->copies, m->copies);
	s->bytes = saturate_add(s->bytes, m->bytes);
	s->timed = saturate_add(s->timed, m->timed);
	s->ns = saturate_add(s->ns, m->ns);
}

static void add_device(struct sums *s, const struct cost_device *d)
{
	if (!d->meter)
		return;
	add_way(s, &d->meter->out);
	add_way(s, &d->meter->in);
	s->searches = saturate_add(s->searches, d->meter->searches);
	s->search_ns = saturate_add(s->search_ns, d->meter->search_ns);
	s->metered = true;
}

static const char *copies(struct rows *rows, uint64_t n)
{
	return rows_str(rows, "%s %s", rows_count(rows, n), n == 1 ? "copy" : "copies");
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

static const char *share_of(struct rows *rows, uint64_t ns, uint64_t busy_ns)
{
	double share = 100.0 * (double)ns / (double)busy_ns;

	return rows_str(rows,
			share < 9.95 ? ": %.2g%% of %s of CPU time" : ": %.0f%% of %s of CPU time",
			share, rows_span(rows, busy_ns));
}

const char *rows_cost_time(struct rows *rows, const struct cost *c)
{
	const char *search = "", *share = "", *timed = "", *trouble = "";
	struct sums s = { 0 };

	for (size_t i = 0; i < c->ndevices; i++)
		add_device(&s, &c->devices[i]);
	if (c->metering && c->metering->trouble)
		trouble = rows_str(rows, "; not measured: %s", c->metering->trouble);
	if (!s.metered || !s.timed)
		return *trouble || *at_least(rows, c)
			       ? rows_str(rows, "%s%s", at_least(rows, c),
					  *at_least(rows, c) ? trouble : trouble + 2)
			       : "";
	if (s.timed < s.copies)
		timed = rows_str(rows, ", of which %s were timed", rows_count(rows, s.timed));
	if (s.searches)
		search = rows_str(rows, "; finding slots %s in %s %s", rows_span(rows, s.search_ns),
				  rows_count(rows, s.searches),
				  s.searches == 1 ? "search" : "searches");
	if (c->metering->busy_ns)
		share = share_of(rows, saturate_add(s.ns, s.search_ns), c->metering->busy_ns);
	return rows_str(rows, "%s of %s took %s%s%s%s%s", copies(rows, s.copies),
			rows_counted(rows, s.bytes, "byte"), rows_span(rows, s.ns), timed, search,
			share, trouble);
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
	if (!any)
		return "";
	if (!found && !c->metering->missed)
		return "the kernel's own sums, for each device and direction, are those of the "
		       "events";
	if (found > MOST_NAMED)
		text = rows_str(rows, "%s and %u more", text, found - MOST_NAMED);
	why = c->lost		    ? "events were lost"
	      : c->metering->missed ? rows_str(rows, "the kernel's sums miss %s",
					       copies(rows, c->metering->missed))
				    : "copied while recording began or ended";
	return found ? rows_str(rows, "by the kernel's own sums %s than the events show: %s", text,
				why)
		     : rows_str(rows, "%s; their bytes are those of the events", why);
}

const char *rows_cost_device_time(struct rows *rows, const struct cost *c,
				  const struct cost_device *d)
{
	const struct cost_meter *m = d->meter;

	if (m && (m->out.timed || m->in.timed))
		return rows_str(rows, "%s out, %s back, %s finding slots",
				rows_span(rows, m->out.ns), rows_span(rows, m->in.ns),
				rows_span(rows, m->search_ns));
	if (!c->memcpy_bytes)
		return "";
	return rows_str(rows, "at least %s", rows_span(rows, cost_least_ns(c, cost_copied(d))));
}
