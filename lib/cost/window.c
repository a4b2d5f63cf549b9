/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was copied in the run's window, and what the kernel itself summed up of it. */
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/cost/state.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"

/* Marks of this run only: another nonce is another recording's, or made up. */
void window_mark(struct cost_builder *b, const struct event *mark)
{
	bool start = mark->aux == EVENT_MARK_START, stop = mark->aux == EVENT_MARK_STOP;

	if (!b->platform || !mark->link || mark->link != b->platform->trace.nonce)
		return;
	if (!(start && !b->opened) && !stop)
		return;
	b->opened |= start;
	b->closed |= stop;
	for (size_t i = 0; i < b->ndevices; i++) {
		struct device_cost *d = &b->devices[i];
		const struct cost_copies *ways[METER_WAYS] = { &d->result.out, &d->result.in };

		for (int w = 0; w < METER_WAYS; w++) {
			if (start)
				d->opened[w].copies = ways[w]->copies,
				d->opened[w].bytes = ways[w]->bytes;
			else
				d->closed[w].copies = ways[w]->copies,
				d->closed[w].bytes = ways[w]->bytes;
		}
	}
}

static void take_copies(struct cost_metered *to, const struct meter_copies *from)
{
	to->copies = from->copies;
	to->bytes = from->bytes;
}

static struct cost_meter *meter_of(struct cost_builder *b, const char *device)
{
	struct device_cost *d = cost_device(b, names_intern(b->names, device, strlen(device)));

	if (!d->result.meter)
		d->result.meter = xcalloc(1, sizeof(*d->result.meter));
	return d->result.meter;
}

static void take_events(struct device_cost *d, bool closed)
{
	const struct cost_copies *ways[METER_WAYS] = { &d->result.out, &d->result.in };
	struct cost_meter *m = d->result.meter;
	struct cost_metered *to[METER_WAYS] = { &m->out, &m->in };

	for (int w = 0; w < METER_WAYS; w++) {
		uint64_t copies = closed ? d->closed[w].copies : ways[w]->copies;
		uint64_t bytes = closed ? d->closed[w].bytes : ways[w]->bytes;

		to[w]->event_copies = copies - d->opened[w].copies;
		to[w]->event_bytes = bytes - d->opened[w].bytes;
	}
}

void window_meter(struct cost_builder *b)
{
	const struct meter *m = b->platform ? b->platform->meter : NULL;

	if (!m)
		return;
	b->cost->metering = xcalloc(1, sizeof(*b->cost->metering));
	b->cost->metering->trouble = m->trouble ? xstrdup(m->trouble) : NULL;
	b->cost->metering->missed = m->missed;
	b->cost->metering->call_ns = m->call_ns;
	b->cost->metering->busy_ns = m->busy_ns;
	for (size_t i = 0; i < m->ncopies; i++) {
		struct cost_meter *to = meter_of(b, m->copies[i].device);

		take_copies(m->copies[i].way == METER_IN ? &to->in : &to->out, &m->copies[i]);
	}
	for (size_t i = 0; i < b->ndevices; i++) {
		struct device_cost *d = &b->devices[i];

		/* of a device that the kernel copied nothing for, the events may tell some */
		if (!d->result.meter && m->ncopies && (d->result.out.copies || d->result.in.copies))
			d->result.meter = xcalloc(1, sizeof(*d->result.meter));
		if (d->result.meter)
			take_events(d, b->closed);
	}
}
