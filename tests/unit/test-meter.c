/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own sums of copies: kept in facts, compared with events. */
#include <stdlib.h>
#include <string.h>

#include "collectors/facts/facts.h"
#include "collectors/kernel/copy-program.h"
#include "collectors/kernel/metering.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/cost/cost.h"
#include "lib/evidence/event.h"
#include "lib/evidence/meter.h"
#include "lib/evidence/platform.h"
#include "lib/verdict/verdict.h"
#include "reports/report.h"
#include "reports/rows/rows.h"
#include "tests/unit/test.h"

static void count(struct meter *m, const char *device, enum meter_way way, uint64_t copies,
		  uint64_t bytes)
{
	struct meter_copies *c = meter_copies_of(m, device, way);

	c->copies += copies;
	c->bytes += bytes;
}

static struct meter *counted(void)
{
	struct meter *m = xcalloc(1, sizeof(*m));

	count(m, "0000:00:02.0", METER_OUT, 30, 8000);
	count(m, "0000:00:02.0", METER_IN, 448, 1703966);
	count(m, "0000:00:01.0", METER_OUT, 1, 1000000000);
	count(m, "0000:00:02.0", METER_OUT, 2, 192);
	return m;
}

/* What was counted before the window is none of it. */
static void test_before(void)
{
	struct meter *m = counted(), *before = xcalloc(1, sizeof(*m));
	const struct meter_copies *c;

	check(m->ncopies == 3);
	count(before, "0000:00:01.0", METER_OUT, 1, 1000000000);
	count(before, "0000:00:02.0", METER_IN, 8, 66);
	m->missed = 7;
	before->missed = 3;
	meter_subtract(m, before);
	check(m->ncopies == 2 && m->missed == 4);
	c = meter_copies_of(m, "0000:00:02.0", METER_IN);
	check(c->copies == 440 && c->bytes == 1703900);
	c = meter_copies_of(m, "0000:00:02.0", METER_OUT);
	check(c->copies == 32 && c->bytes == 8192);
	meter_free(before);
	meter_free(m);
	meter_free(NULL);
}

static void test_busy(void)
{
	check(metering_busy_ns("cpu  10 2 30 999 5 4 1 7 0 0\ncpu0 …", 100) == 470000000);
	check(metering_busy_ns("cpu", 100) == 0 && metering_busy_ns(NULL, 100) == 0);
	check(metering_busy_ns("cpu  1 1 1 1 1 1 1", 0) == 0);
}

/* What the program's table may hold, and what has no name that can be kept. */
static void test_sums(void)
{
	static struct copy_table t;
	const struct meter_copies *c;
	struct meter *m;
	size_t last = sizeof(t.places) / sizeof(t.places[0]) - 1;

	t.full = 5;
	t.places[0] = (struct copy_place){ 0x1001, 2, 200, "virtio0" };
	t.places[3] = (struct copy_place){ 0x1002, 3, 4096, "virtio0" };
	t.places[4] = (struct copy_place){ 0x2002, 1, 1, "other" };
	t.places[last] = (struct copy_place){ 0x3001, 1, UINT64_MAX, "virtio0" }; /* came anew */
	t.places[7] = (struct copy_place){ 0x4001, 7, 70, "" };
	t.places[8] = (struct copy_place){ 0x5001, 8, 80, "" };
	memset(t.places[8].name, 1, sizeof(t.places[8].name));
	t.places[9] = (struct copy_place){ 0x6001, 1, 10, "" };
	memset(t.places[9].name, 'x', sizeof(t.places[9].name));
	t.places[10] = (struct copy_place){ 0x7001, 0, 0, "new" };
	m = metering_sums(&t);
	check(m->missed == 5 + 7 + 8 && m->ncopies == 4);
	c = meter_copies_of(m, "virtio0", METER_OUT);
	check(c->copies == 3 && c->bytes == UINT64_MAX);
	c = meter_copies_of(m, "virtio0", METER_IN);
	check(c->copies == 3 && c->bytes == 4096);
	check(strlen(m->copies[3].device) == sizeof(t.places[9].name));
	meter_free(m);
}

static void test_memcpy(void)
{
	struct platform *p = platform_new();

	facts_measure_copy(p);
	check(p->memcpy.bytes == 262144 && p->memcpy.ns > 0);
	platform_free(p);
}

/* The facts keep it; facts without it are read as before. */
static struct platform *facts(void)
{
	struct platform *p = platform_new(), *again;
	struct err err = { "" };
	static const char bare[] = "{\"schema\":\"ccaio.platform/1\"}";
	char *text, *second;

	p->trace.nonce = 5;
	p->memcpy.bytes = 1000;
	p->memcpy.ns = 100;
	p->meter = counted();
	p->meter->missed = 0;
	p->meter->call_ns = 500;
	p->meter->busy_ns = 1000000;
	text = platform_format(p);
	again = platform_parse(text, strlen(text), "test", &err);
	check(again && again->meter && again->meter->ncopies == 3 && again->memcpy.ns == 100);
	check(again && again->meter && again->meter->call_ns == 500);
	second = again ? platform_format(again) : xstrdup("");
	check(strcmp(text, second) == 0);
	free(text);
	free(second);
	platform_free(p);

	p = platform_parse(bare, strlen(bare), "test", &err);
	check(p && !p->meter && p->memcpy.bytes == 0);
	platform_free(p);
	return again;
}

static void feed(struct cost_builder *b, uint16_t dev, struct event ev)
{
	static uint64_t now;

	ev.ts_ns = now += 1000;
	ev.dev = dev;
	cost_builder_feed(b, &ev, 1);
}

static void map(struct cost_builder *b, uint16_t dev, uint64_t size)
{
	feed(b, dev, (struct event){ .kind = EVENT_BOUNCE, .orig = size, .size = size });
	feed(b, dev,
	     (struct event){ .kind = EVENT_MAP,
			     .orig = size,
			     .dma = size * 4096,
			     .size = size,
			     .dir = EVENT_TO_DEVICE });
}

static const char *cost_fact(const struct rows *rows, const char *key)
{
	for (size_t i = 0; i < rows->ncost; i++)
		if (strcmp(rows->cost[i].key, key) == 0)
			return rows->cost[i].value;
	return "";
}

/* Only what is between the marks is compared; each difference is named. */
static void test_compared(void)
{
	struct platform *p = facts();
	struct names *names = names_new();
	uint16_t dev = names_intern(names, "0000:00:02.0", 12);
	struct cost_builder *b = cost_builder_new(p, names, 1);
	const struct event start = { .kind = EVENT_MARK, .aux = EVENT_MARK_START, .link = 5 },
			   stop = { .kind = EVENT_MARK, .aux = EVENT_MARK_STOP, .link = 5 },
			   other = { .kind = EVENT_MARK, .aux = EVENT_MARK_START, .link = 6 };
	struct verdict v = { 0 };
	struct report_input in = { .verdict = &v, .platform = p };
	struct rows *rows;
	const struct cost_device *d;
	struct cost *c;

	map(b, dev, 100);
	feed(b, 0, start);
	map(b, dev, 8000);
	feed(b, 0, other);
	map(b, dev, 192);
	feed(b, 0, stop);
	map(b, dev, 300);
	c = v.cost = cost_builder_finish(b);
	check(c->ndevices == 2 && c->metering && c->metering->busy_ns == 1000000);
	d = &c->devices[0];
	check(d->meter && d->meter->out.event_bytes == 8192 && d->meter->out.event_copies == 2);
	check(d->out.bytes == 8592 && d->meter->out.bytes == 8192 && d->meter->in.event_bytes == 0);
	check(strcmp(c->devices[1].name, "0000:00:01.0") == 0 &&
	      c->devices[1].meter->out.event_bytes == 0);
	check(cost_least_ns(c, 5000) == 500);

	rows = rows_new(&in);
	check(strcmp(cost_fact(rows, "copy-sums"),
		     "by the kernel's own sums 1,703,966 bytes more back for 0000:00:02.0, "
		     "1,000,000,000 bytes more into the pool for 0000:00:01.0 than the events "
		     "show: "
		     "copied while recording began or ended") == 0);
	/* 32 + 448 + 1 copies */
	check(strcmp(cost_fact(rows, "copy-counting"),
		     "the kernel's sums took about 240 us, 24% of 1 ms of CPU time: 481 calls of "
		     "500 ns each") == 0);
	check(strcmp(cost_fact(rows, "copy-time"),
		     "finding slots and copying out took 4 us for 4 of 4 maps; copying took at "
		     "least 859 ns, at this machine's fastest") == 0);
	check(strcmp(rows->cost_devices[0].time, "at least 859 ns") == 0);
	rows_free(rows);

	/* without a meter: what its events took, and at least */
	meter_free(p->meter);
	p->meter = NULL;
	cost_free(c);
	b = cost_builder_new(p, names, 1);
	map(b, dev, 5000);
	c = v.cost = cost_builder_finish(b);
	rows = rows_new(&in);
	check(strcmp(cost_fact(rows, "copy-time"),
		     "finding slots and copying out took 1 us for 1 of 1 map; copying took at "
		     "least 500 ns, at this machine's fastest") == 0);
	check(strcmp(cost_fact(rows, "copy-sums"), "") == 0);
	check(strcmp(cost_fact(rows, "copy-counting"), "") == 0);
	check(strcmp(rows->cost_devices[0].time, "at least 500 ns") == 0);
	rows_free(rows);
	cost_free(c);
	names_free(names);
	platform_free(p);
}

int main(void)
{
	test_before();
	test_busy();
	test_sums();
	test_memcpy();
	test_compared();
	return done();
}
