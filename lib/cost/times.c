/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long bounced maps took, by the times of their events. */
#include "lib/cost/times.h"

#include <stdbool.h>
#include <stdlib.h>

#include "lib/base/saturate.h"
#include "lib/base/xalloc.h"
#include "lib/cost/cost.h"
#include "lib/evidence/event.h"

#define KEPT 256	      /* times of one size of map */
#define LEAST 8		      /* for a median */
#define APART 4		      /* the largest is so many times the smallest, for a time per byte */
#define LONGEST_NS 1000000000 /* more is no map, but a machine that slept */

/* Maps of 2^(i-1) + 1 to 2^i bytes: every stride-th time, so that the whole run is in them. */
struct size {
	uint64_t maps, bytes;
	uint64_t kept[KEPT];
	unsigned int nkept;
	uint64_t stride; /* a power of two */
};

struct times {
	struct times_cpus cpus; /* first */
	struct cost_times sum;
	struct size sizes[COST_SIZES];
};

struct times *times_new(void)
{
	struct times *t = xcalloc(1, sizeof(*t));

	for (int i = 0; i < COST_SIZES; i++)
		t->sizes[i].stride = 1;
	return t;
}

static void keep(struct size *s, uint64_t ns)
{
	if ((s->maps & (s->stride - 1)) == 0) {
		if (s->nkept == KEPT) { /* every other one goes */
			s->nkept = KEPT / 2;
			s->stride *= 2;
			for (unsigned int i = 0; i < KEPT / 2; i++)
				s->kept[i] = s->kept[2 * i];
		}
		if ((s->maps & (s->stride - 1)) == 0)
			s->kept[s->nkept++] = ns;
	}
	s->maps++;
}

static void add(struct times *t, const struct event *ev, uint64_t ns)
{
	unsigned int i = cost_size(ev->size);

	keep(&t->sizes[i], ns);
	t->sizes[i].bytes = saturate_add(t->sizes[i].bytes, ev->size);
	t->sum.ns += ns;
}

void times_take(struct times *t, const struct event *ev)
{
	struct times_cpus *cpus = &t->cpus;
	struct times_last *last;

	if (ev->cpu >= cpus->count) {
		cpus->last = xrealloc(cpus->last, ev->cpu + 1u, sizeof(*cpus->last));
		for (; cpus->count <= ev->cpu; cpus->count++)
			cpus->last[cpus->count] = (struct times_last){ 0 };
	}
	last = &cpus->last[ev->cpu];
	if (ev->kind == EVENT_MAP && last->size && last->size == ev->size &&
	    last->orig == ev->orig && last->dev == ev->dev && ev->dma != EVENT_NO_ADDR &&
	    !(ev->flags & (EVENT_F_SG | EVENT_F_PROBE)) && ev->ts_ns > last->ts_ns &&
	    ev->ts_ns - last->ts_ns < LONGEST_NS)
		add(t, ev, ev->ts_ns - last->ts_ns);
	if (ev->kind == EVENT_BOUNCE && !(ev->flags & EVENT_F_PROBE))
		*last = (struct times_last){ ev->orig, ev->size, ev->ts_ns, ev->dev };
	else
		last->size = 0;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * A map of x bytes takes a + b x: the line through the medians of the sizes, each as often as it
 * was seen.  Where no line is to be had, or one that makes no sense, both stay unknown.
 */
static void fit(struct times *t)
{
	double n = 0, x = 0, y = 0, xx = 0, xy = 0, least = 0, most = 0, a, b;

	for (int i = 0; i < COST_SIZES; i++) {
		struct size *s = &t->sizes[i];
		double w = (double)s->maps, mean, median;

		if (s->nkept < LEAST)
			continue;
		qsort(s->kept, s->nkept, sizeof(*s->kept), ascending);
		mean = (double)s->bytes / w;
		median = (double)s->kept[s->nkept / 2];
		least = n == 0 ? mean : least;
		most = mean;
		n += w;
		x += w * mean;
		y += w * median;
		xx += w * mean * mean;
		xy += w * mean * median;
	}
	if (n == 0 || most < APART * least)
		return;
	b = (n * xy - x * y) / (n * xx - x * x);
	a = (y - b * x) / n;
	if (!(b > 0 && a > 0 && b < 1e6))
		return;
	t->sum.map_ns = (uint64_t)(a + 0.5);
	t->sum.kib_ns = (uint64_t)(b * 1024 + 0.5);
}

struct cost_times *times_finish(struct times *t)
{
	struct cost_times *found = NULL;

	for (int i = 0; i < COST_SIZES; i++) {
		t->sum.maps += t->sizes[i].maps;
		t->sum.bytes = saturate_add(t->sum.bytes, t->sizes[i].bytes);
	}
	if (t->sum.maps) {
		fit(t);
		found = xcalloc(1, sizeof(*found));
		*found = t->sum;
	}
	free(t->cpus.last);
	free(t);
	return found;
}
