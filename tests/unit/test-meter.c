/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own sums of copies: read from histograms, kept in facts, compared with events. */
#include <stdlib.h>
#include <string.h>

#include "collectors/facts/facts.h"
#include "collectors/tracefs/hist.h"
#include "collectors/tracefs/metering.h"
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

/* As Linux 7.2.13 shows it: two histograms of one event. */
static const char copies[] =
	"# event histogram\n#\n"
	"# trigger info: hist:keys=dev,dir,size.log2:vals=hitcount,size:sort=hitcount:size=2048 "
	"[active]\n#\n\n"
	"{ dev: 0000:00:02.0                                      , dir:          1, size: ~ 2^8  "
	"} hitcount:         32  size:       8192\n"
	"{ dev: 0000:00:02.0                                      , dir:          2, size: ~ 2^0  "
	"} hitcount:         32  size:         30\n"
	"{ dev: 0000:00:02.0                                      , dir:          2, size: ~ 2^12 "
	"} hitcount:        416  size:    1703936\n"
	"{ dev: 0000:00:01.0                                      , dir:          1, size: ~ 2^30 "
	"} hitcount:          1  size: 1000000000\n"
	"\nTotals:\n    Hits: 481\n    Entries: 4\n    Dropped: 3\n\n\n"
	"# event histogram\n#\n"
	"# trigger info: hist:keys=common_cpu,common_pid:vals=hitcount:copy_ts=common_timestamp"
	":sort=hitcount:size=4096:clock=mono [active]\n#\n\n"
	"{ common_cpu:          1, common_pid:          0 } hitcount:        360\n"
	"\nTotals:\n    Hits: 1024\n    Entries: 2\n    Dropped: 5\n";

static const char copy_times[] =
	"# event histogram\n#\n\n"
	"{ dev: 0000:00:02.0                                      , dir:          2 } hitcount:    "
	" "
	"   440  ns:     123456\n\nTotals:\n    Hits: 440\n    Entries: 1\n    Dropped: 0\n";

static const char search_times[] =
	"{ dev: 0000:00:02.0                                       } hitcount:        32  ns:      "
	" 640\n";

static struct meter *parsed(void)
{
	struct meter *m = xcalloc(1, sizeof(*m));

	metering_parse(m, copies, copy_times, search_times);
	return m;
}

static void test_histograms(void)
{
	struct meter *m = parsed();
	const struct meter_copies *c;

	check(m->ncopies == 3 && m->nsearches == 1 && m->missed == 3);
	c = meter_copies_of(m, "0000:00:02.0", METER_IN);
	/* two of the 32 smallest copied no byte */
	check(c->copies == 446 && c->bytes == 1703966 && c->sizes[0] == 30 && c->sizes[12] == 416);
	check(c->timed == 440 && c->ns == 123456);
	c = meter_copies_of(m, "0000:00:02.0", METER_OUT);
	check(c->copies == 32 && c->bytes == 8192 && c->sizes[8] == 32 && c->timed == 0);
	c = meter_copies_of(m, "0000:00:01.0", METER_OUT);
	check(c->bytes == 1000000000 && c->sizes[METER_SIZES - 1] == 1);
	check(m->searches[0].searches == 32 && m->searches[0].ns == 640);
	meter_free(m);

	m = xcalloc(1, sizeof(*m));
	metering_parse(m, NULL, "{ dev: x } hitcount: 1",
		       "{ dir: } hitcount:\n{\n} hitcount: ns: 4");
	check(m->ncopies == 0);
	meter_free(m);
	meter_free(NULL);
}

static void test_busy(void)
{
	check(metering_busy_ns("cpu  10 2 30 999 5 4 1 7 0 0\ncpu0 …", 100) == 470000000);
	check(metering_busy_ns("cpu", 100) == 0 && metering_busy_ns(NULL, 100) == 0);
	check(metering_busy_ns("cpu  1 1 1 1 1 1 1", 0) == 0);
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
	p->meter = parsed();
	p->meter->missed = 0;
	p->meter->busy_ns = 1000000;
	p->meter->trouble = xstrdup("times of x: no");
	text = platform_format(p);
	again = platform_parse(text, strlen(text), "test", &err);
	check(again && again->meter && again->meter->ncopies == 3 && again->memcpy.ns == 100);
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
	check(strcmp(cost_fact(rows, "copy-time"),
		     "479 copies of 1,001,712,158 bytes took 123 us, of which 440 were timed; "
		     "finding slots 640 ns in 32 searches: 12% of 1 ms of CPU time; not measured: "
		     "times of x: no") == 0);
	check(strcmp(rows->cost_devices[0].time, "0 ns out, 123 us back, 640 ns finding slots") ==
	      0);
	rows_free(rows);

	/* without a meter: at least */
	meter_free(p->meter);
	p->meter = NULL;
	cost_free(c);
	b = cost_builder_new(p, names, 1);
	map(b, dev, 5000);
	c = v.cost = cost_builder_finish(b);
	rows = rows_new(&in);
	check(strcmp(cost_fact(rows, "copy-time"),
		     "copying took at least 500 ns, at this machine's fastest") == 0);
	check(strcmp(cost_fact(rows, "copy-sums"), "") == 0);
	check(strcmp(rows->cost_devices[0].time, "at least 500 ns") == 0);
	rows_free(rows);
	cost_free(c);
	names_free(names);
	platform_free(p);
}

int main(void)
{
	test_histograms();
	test_busy();
	test_memcpy();
	test_compared();
	return done();
}
