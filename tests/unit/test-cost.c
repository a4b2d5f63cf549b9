/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What bouncing costs: slots as the kernel gives them, pools of other sizes, bytes copied. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/cost/cost.h"
#include "lib/cost/pool.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/json/table.h"
#include "tests/unit/test.h"

#define POOL 0x70000000ull
#define KIB 1024u

static struct platform_pool pools = { "default", { POOL, POOL + (64u << 20) - 1 }, false };

static struct platform *facts(uint64_t before)
{
	static struct platform p;

	p = (struct platform){ 0 };
	p.swiotlb.pools = &pools;
	p.swiotlb.npools = 1;
	p.swiotlb.slots = 32768;
	p.swiotlb.used_before = before;
	return &p;
}

/* One recording: events are fed one by one, at 1 us each. */
struct run {
	struct cost_builder *b;
	struct names *names;
	uint64_t now;
	uint16_t dev, cpu;
};

static struct run begin(const struct platform *p, unsigned int cpus)
{
	struct run r = { .names = names_new() };

	r.dev = names_intern(r.names, "0000:00:02.0", 12);
	r.b = cost_builder_new(p, r.names, cpus);
	return r;
}

static struct cost *end(struct run *r)
{
	struct cost *c = cost_builder_finish(r->b);

	names_free(r->names);
	return c;
}

static void feed(struct run *r, struct event ev)
{
	ev.ts_ns = r->now += 1000;
	ev.dev = r->dev;
	ev.cpu = r->cpu;
	ev.pid = 7;
	cost_builder_feed(r->b, &ev, 1);
}

static void bounce(struct run *r, uint64_t orig, uint64_t size)
{
	feed(r, (struct event){ .kind = EVENT_BOUNCE, .orig = orig, .size = size, .dir = 3 });
}

static void map(struct run *r, uint64_t slot, uint64_t size, unsigned int dir)
{
	bounce(r, 0x40000000 + slot * 2048, size);
	feed(r, (struct event){ .kind = EVENT_MAP,
				.orig = 0x40000000 + slot * 2048,
				.dma = POOL + slot * 2048,
				.size = size,
				.dir = (uint8_t)dir });
}

static void unmap(struct run *r, uint64_t slot, uint64_t size, unsigned int dir, uint32_t attrs)
{
	feed(r, (struct event){ .kind = EVENT_UNMAP,
				.dma = POOL + slot * 2048,
				.size = size,
				.dir = (uint8_t)dir,
				.attrs = attrs });
}

static void refused(struct run *r, uint64_t orig, uint64_t size)
{
	bounce(r, orig, size);
	feed(r, (struct event){ .kind = EVENT_MAP,
				.orig = orig,
				.dma = EVENT_NO_ADDR,
				.size = size,
				.dir = EVENT_FROM_DEVICE });
}

static void test_pool(void)
{
	struct pool *p = pool_new(512, 2);
	uint32_t a, b;

	check(pool_areas(0) == 1 && pool_areas(3) == 4 && pool_least(3) == 512);
	check(pool_slots(0, 1) == 1 && pool_slots(2047, 2) == 2 && pool_slots(0, 4096) == 2);
	/* each CPU in its own area, one after the other, never across a segment */
	a = pool_take(p, 0, 100, 100 * 2048);
	b = pool_take(p, 0, 100, 100 * 2048);
	check(a == 0 && b == 128);
	check(pool_take(p, 1, 1, 64) == 256);
	check(pool_take(p, 3, 1, 64) == 257); /* CPU 3 has the area of CPU 1 */
	/* the own one has no room in one piece any more: the next one has */
	check(pool_take(p, 0, 100, 100 * 2048) == 258);
	check(pool_take(p, 0, 100, 100 * 2048) == 384);
	check(pool_take(p, 0, 100, 100 * 2048) == POOL_NOWHERE);
	pool_give(p, a, 100);
	check(pool_take(p, 1, 100, 100 * 2048) == 0);
	pool_free(p);

	/* a page or more begins at a page */
	p = pool_new(128, 1);
	check(pool_take(p, 0, 1, 64) == 0);
	check(pool_take(p, 0, 2, 4096) == 2);
	check(pool_take(p, 0, 1, 64) == 4);
	check(pool_take(p, 0, 128, 256 * KIB) == POOL_NOWHERE);
	pool_free(p);
}

/* 200 slots at once: 128 are too few, 256 hold. */
static void test_forecast(void)
{
	struct run r = begin(facts(0), 1);
	struct cost *c;

	for (uint64_t i = 0; i < 200; i++)
		map(&r, i, 2048, EVENT_TO_DEVICE);
	for (uint64_t i = 0; i < 200; i++)
		unmap(&r, i, 2048, EVENT_TO_DEVICE, 0);
	map(&r, 300, 2048, EVENT_TO_DEVICE);
	c = end(&r);
	check(c->pool.peak == 200 && c->pool.peak_ns == 399 * 1000);
	check(c->pool.full_at == 128 && c->pool.full_ns == 257 * 1000);
	check(c->pool.holds == 256 && !strcmp(c->pool.full_device, "0000:00:02.0"));
	check(c->ndevices == 1 && c->devices[0].slots_most[EVENT_TO_DEVICE] == 200);
	/* the newest was announced, and has no direction yet */
	check(c->devices[0].slots_at_peak[EVENT_TO_DEVICE] == 199);
	check(!cost_is_least(c));
	cost_free(c);
}

/* Four requests of 200 KiB need a segment each: fragments count. */
static void test_fragments(void)
{
	struct run r = begin(facts(0), 1);
	struct cost *c;

	for (uint64_t i = 0; i < 4; i++)
		map(&r, i * 128, 200 * KIB, EVENT_TO_DEVICE);
	bounce(&r, 0x50000000, 257 * KIB);
	c = end(&r);
	check(c->pool.peak == 400 && c->pool.holds == 512 && c->pool.full_at == 256);
	check(c->pool.largest == 257 * KIB && c->pool.beyond == 1);
	cost_free(c);
}

/* More CPUs, more areas, a larger least pool; all of it must be usable from one CPU. */
static void test_areas(void)
{
	struct run r = begin(facts(0), 4);
	struct cost *c;

	for (uint64_t i = 0; i < 600; i++)
		map(&r, i, 2048, EVENT_FROM_DEVICE);
	c = end(&r);
	check(c->pool.areas == 4 && c->pool.full_at == 512 && c->pool.holds == 1024);
	cost_free(c);
}

/* What was in use before counts, until its end is seen. */
static void test_before(void)
{
	struct run r = begin(facts(100), 1);
	struct cost *c;

	for (uint64_t i = 0; i < 50; i++)
		unmap(&r, i, 2048, EVENT_FROM_DEVICE, 0);
	for (uint64_t i = 1000; i < 1060; i++)
		map(&r, i, 2048, EVENT_FROM_DEVICE);
	c = end(&r);
	check(c->pool.before == 100 && c->pool.peak == 110 && c->pool.holds == 128);
	cost_free(c);
}

/* A refused request waits; smaller pools than the recorded one would have refused it, too. */
static void test_refused(void)
{
	struct platform *p = facts(0);
	struct run r;
	struct cost *c;

	p->swiotlb.slots = 512;
	r = begin(p, 1);
	for (uint64_t i = 0; i < 3; i++)
		map(&r, i * 128, 256 * KIB, EVENT_FROM_DEVICE);
	for (int i = 0; i < 50; i++) /* the driver tries again and again */
		refused(&r, 0x60000000, 256 * KIB);
	c = end(&r);
	check(c->pool.failed == 50 && c->pool.peak == 512 && c->pool.full_at == 512);
	check(c->pool.holds == 1024 && cost_is_least(c));
	cost_free(c);
}

/* The unmap of a list names buffers, and comes before its slots are free. */
static void test_list(void)
{
	struct run r = begin(facts(0), 1);
	struct event ev = { .kind = EVENT_MAP,
			    .flags = EVENT_F_SG,
			    .orig = 0x40000000,
			    .dma = POOL,
			    .size = 8192,
			    .dir = EVENT_FROM_DEVICE };
	struct cost *c;

	bounce(&r, ev.orig, ev.size);
	feed(&r, ev);
	ev = (struct event){ .kind = EVENT_UNMAP,
			     .flags = EVENT_F_BY_ORIG,
			     .orig = 0x40000000,
			     .dma = EVENT_NO_ADDR,
			     .dir = EVENT_FROM_DEVICE };
	feed(&r, ev);
	r.cpu = 1; /* another CPU, at once: they are still taken */
	map(&r, 16, 2048, EVENT_TO_DEVICE);
	unmap(&r, 16, 2048, EVENT_TO_DEVICE, 0);
	r.cpu = 0; /* this one went on: they are free */
	map(&r, 0, 8192, EVENT_FROM_DEVICE);
	c = end(&r);
	check(c->pool.peak == 5);
	check(c->devices[0].in.bytes == 8192);
	cost_free(c);
}

static void test_copies(void)
{
	struct run r = begin(facts(0), 1);
	const struct cost_device *d;
	struct cost *c;
	char *text;

	map(&r, 0, 4096, EVENT_FROM_DEVICE); /* copied out, stale, and back */
	unmap(&r, 0, 4096, EVENT_FROM_DEVICE, 0);
	map(&r, 0, 100, EVENT_TO_DEVICE); /* out only */
	unmap(&r, 0, 100, EVENT_TO_DEVICE, 0);
	map(&r, 0, 1536, EVENT_FROM_DEVICE); /* out, and back as far as it was synced */
	feed(&r, (struct event){ .kind = EVENT_SYNC_CPU,
				 .dma = POOL + 64,
				 .size = 60,
				 .dir = EVENT_FROM_DEVICE });
	feed(&r, (struct event){ .kind = EVENT_SYNC_DEVICE,
				 .dma = POOL,
				 .size = 60,
				 .dir = EVENT_FROM_DEVICE }); /* copies nothing */
	unmap(&r, 0, 1536, EVENT_FROM_DEVICE, EVENT_ATTR_SKIP_CPU_SYNC);
	map(&r, 0, 8, EVENT_BIDIRECTIONAL); /* both ways, nothing stale */
	unmap(&r, 0, 8, EVENT_BIDIRECTIONAL, 0);
	c = end(&r);
	d = &c->devices[0];
	check(d->maps == 4);
	check(d->out.copies == 4 && d->out.bytes == 4096 + 100 + 1536 + 8);
	check(d->in.copies == 3 && d->in.bytes == 4096 + 60 + 8);
	check(d->out.sizes[12] == 1 && d->out.sizes[7] == 1 && d->out.sizes[3] == 1);
	check(d->stale == 4096 + 1536);
	check(cost_copied(d) == d->out.bytes + d->in.bytes);
	check(cost_useful(d) == 4096 + 100 + 60 + 16);
	/* 9,904 bytes for 4,272; 4 slots at once */
	check(!cost_above(c, 3, 0) && !cost_above(c, 0, c->pool.peak) && !cost_above(c, 0, 0));
	text = cost_above(c, 2, 0);
	check(text && strstr(text, "allows 2 bytes copied") && strstr(text, "9904 were copied"));
	free(text);
	text = cost_above(c, 3, 1);
	check(text && strstr(text, "allows 1 slots"));
	free(text);
	cost_free(c);
}

/* What is mapped as it is costs nothing; nor does another place that no bounce announced. */
static void test_direct(void)
{
	struct run r = begin(facts(0), 1);
	struct cost *c;

	feed(&r, (struct event){ .kind = EVENT_MAP,
				 .orig = 0x50000000,
				 .dma = 0x50000000,
				 .size = 64,
				 .dir = EVENT_TO_DEVICE });
	feed(&r,
	     (struct event){
		     .kind = EVENT_UNMAP, .dma = 0x50000000, .size = 64, .dir = EVENT_TO_DEVICE });
	c = end(&r);
	check(c->ndevices == 0 && c->pool.peak == 0);
	cost_free(c);
}

/* Random loads: a pool of the size that is said to hold holds them, whatever came before. */
static void test_random(void)
{
	uint32_t seed = 1;

	for (int round = 0; round < 60; round++) {
		struct run r = begin(facts(0), 1 + (unsigned int)round % 4);
		uint64_t held[64] = { 0 }, size[64], level = 0, peak = 0;
		struct cost *c;

		for (int i = 0; i < 2000; i++) {
			unsigned int k = (seed = seed * 1103515245 + 12345) >> 16 & 63;

			r.cpu = k & 3;
			if (held[k]) {
				unmap(&r, held[k], size[k], EVENT_TO_DEVICE, 0);
				level -= pool_slots(0, size[k]);
				held[k] = 0;
			} else {
				size[k] = 1 + (seed >> 3) % (256 * KIB);
				held[k] = 1 + k * 128;
				map(&r, held[k], size[k], EVENT_TO_DEVICE);
				level += pool_slots(0, size[k]);
				peak = level > peak ? level : peak;
			}
		}
		c = end(&r);
		if (c->pool.peak != peak || c->pool.holds < peak ||
		    c->pool.full_at * 2 != c->pool.holds) {
			check(c->pool.peak == peak);
			check(c->pool.holds >= peak);
			check(c->pool.full_at * 2 == c->pool.holds);
		}
		cost_free(c);
	}
	check(seed);
}

static void test_json(void)
{
	struct run r = begin(facts(3), 2);
	struct cost *c, *again;
	char *text, *second;
	struct err err;

	map(&r, 0, 4096, EVENT_FROM_DEVICE);
	feed(&r, (struct event){ .kind = EVENT_LOST });
	c = end(&r);
	check(c->lost && cost_is_least(c));
	text = jtable_format(cost_table, "x/1", c);
	again = jtable_load(cost_table, sizeof(struct cost),
			    jdoc_parse(text, strlen(text), "test", &err), "x/1");
	check(again != NULL);
	second = jtable_format(cost_table, "x/1", again);
	check(strcmp(text, second) == 0);
	free(text);
	free(second);
	cost_free(c);
	cost_free(again);
	cost_free(NULL);
}

/* A map of so many bytes that takes ns from its bounce to its end. */
static void timed(struct run *r, uint64_t slot, uint64_t size, uint64_t ns, uint16_t flags)
{
	bounce(r, 0x40000000 + slot * 2048, size);
	r->now += ns - 1000;
	feed(r, (struct event){ .kind = EVENT_MAP,
				.orig = 0x40000000 + slot * 2048,
				.dma = POOL + slot * 2048,
				.size = size,
				.dir = EVENT_TO_DEVICE,
				.flags = flags });
}

/* 3 us for a map and 2 ns for a byte; what cannot be the time of one map is left out. */
static void test_times(void)
{
	struct run r = begin(facts(0), 1);
	struct cost *c;

	for (unsigned int i = 0; i < 1000; i++) {
		timed(&r, 0, 64, i % 10 ? 3128 : 900000, 0); /* some were interrupted */
		timed(&r, 8, 4096, 11192, 0);
	}
	timed(&r, 16, 4096, 50000, EVENT_F_PROBE);
	timed(&r, 16, 4096, 50000, EVENT_F_SG);
	bounce(&r, 0x40000000, 4096);
	r.cpu = 3; /* another CPU's events are not between */
	feed(&r, (struct event){ .kind = EVENT_UNMAP, .dma = POOL, .size = 1 });
	r.cpu = 0;
	feed(&r, (struct event){ .kind = EVENT_NET_RX });
	feed(&r,
	     (struct event){ .kind = EVENT_MAP, .orig = 0x40000000, .dma = POOL, .size = 4096 });
	c = end(&r);
	check(c->times && c->times->maps == 2000 && c->times->bytes == 1000 * 4160);
	check(c->times && c->times->ns == 900 * 3128 + 100 * 900000 + 1000 * 11192);
	check(c->times && c->times->map_ns == 3000 && c->times->kib_ns == 2048);
	check(cost_copy_ns(c, 4096) == 8192);
	cost_free(c);

	/* of one size nothing is known of a byte; nor where more bytes take less */
	r = begin(facts(0), 1);
	for (unsigned int i = 0; i < 100; i++)
		timed(&r, 0, 64, 3128, 0);
	c = end(&r);
	check(c->times && c->times->maps == 100 && c->times->kib_ns == 0);
	check(cost_copy_ns(c, 4096) == 0);
	cost_free(c);
	r = begin(facts(0), 1);
	for (unsigned int i = 0; i < 100; i++) {
		timed(&r, 0, 64, 5000, 0);
		timed(&r, 8, 4096, 4000, 0);
	}
	c = end(&r);
	check(c->times && c->times->kib_ns == 0 && c->times->map_ns == 0);
	cost_free(c);
}

int main(void)
{
	test_times();
	test_pool();
	test_forecast();
	test_fragments();
	test_areas();
	test_before();
	test_refused();
	test_list();
	test_copies();
	test_direct();
	test_random();
	test_json();
	return done();
}
