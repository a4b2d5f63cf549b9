/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stretches of time in which maps failed. */
#include "lib/judge/types/full.h"

#include "lib/evidence/event.h"

void full_add(struct full *f, const struct event *ev)
{
	if (!f->count++) {
		f->first_ns = f->begun_ns = ev->ts_ns;
		f->stretches = 1;
	} else if (ev->ts_ns - f->last_ns >= FULL_GAP_NS) {
		f->begun_ns = ev->ts_ns;
		f->stretches++;
	} else {
		f->total_ns += ev->ts_ns - f->last_ns;
	}
	f->last_ns = ev->ts_ns;
	if (f->last_ns - f->begun_ns > f->longest_ns)
		f->longest_ns = f->last_ns - f->begun_ns;
	if (ev->size > f->largest) {
		f->largest = ev->size;
		f->dev = ev->dev;
	}
}
