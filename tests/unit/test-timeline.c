/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "lib/verdict/timeline.h"
#include "tests/unit/test.h"

static struct platform_pool pool = { "default", { 0x70000000, 0x73ffffff }, false };
static struct platform platform = { .swiotlb = { .pools = &pool, .npools = 1 } };

static struct event map_at(uint64_t ts_ns, uint64_t dma, uint64_t size)
{
	return (struct event){ .kind = EVENT_MAP,
			       .dir = EVENT_TO_DEVICE,
			       .ts_ns = ts_ns,
			       .orig = 0x40000000 + (dma & 0xffff),
			       .dma = dma,
			       .size = size };
}

static struct event unmap_at(uint64_t ts_ns, uint64_t dma, uint64_t size)
{
	struct event ev = map_at(ts_ns, dma, size);

	ev.kind = EVENT_UNMAP;
	return ev;
}

static uint64_t sum(const struct timeline *t, enum timeline_series s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->used; i++)
		n += t->series[s][i];
	return n;
}

static uint64_t most(const struct timeline *t, enum timeline_series s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->used; i++)
		n = t->series[s][i] > n ? t->series[s][i] : n;
	return n;
}

static struct timeline *build(const struct event *events, size_t count)
{
	struct timeline_builder *b = timeline_builder_new(&platform);

	timeline_builder_feed(b, events, count);
	return timeline_builder_finish(b);
}

static void test_small(void)
{
	struct event ev[] = {
		map_at(1000000, 0x70000000, 163),  /* 1 slot */
		map_at(1000100, 0x700007ff, 2),	   /* 2 slots: it crosses one's end */
		map_at(1001000, 0x50000000, 100),  /* not in a pool */
		map_at(1001500, EVENT_NO_ADDR, 9), /* failed */
		unmap_at(1002000, 0x70000000, 163),
		map_at(1003000, 0x73fff000, 8192), /* would end outside */
		unmap_at(1005000, 0x700007ff, 2),
	};
	struct timeline *t = build(ev, sizeof(ev) / sizeof(ev[0]));

	check(t->start_ns == 1000000 && t->bucket_ns == 1000 && t->used == 6);
	check(t->series[TIMELINE_POOL_SLOTS][0] == 3);
	check(t->series[TIMELINE_POOL_SLOTS][2] == 3); /* before its unmap in this bucket */
	check(t->series[TIMELINE_POOL_SLOTS][3] == 2);
	check(t->series[TIMELINE_POOL_SLOTS][4] == 2); /* nothing happened: the level stays */
	check(sum(t, TIMELINE_EVENTS) == 7 && sum(t, TIMELINE_MAPS) == 4);
	check(sum(t, TIMELINE_BOUNCED) == 2);
	check(sum(t, TIMELINE_OUT_BYTES) == 163 + 2 + 100 + 8192);
	check(sum(t, TIMELINE_IN_BYTES) == 0);
	free(t);
}

static void test_directions(void)
{
	struct event ev[] = {
		{ .kind = EVENT_SYNC_CPU, .dir = EVENT_FROM_DEVICE, .size = 266 },
		{ .kind = EVENT_SYNC_CPU, .dir = EVENT_TO_DEVICE, .size = 1 },
		{ .kind = EVENT_SYNC_DEVICE, .dir = EVENT_BIDIRECTIONAL, .size = 20 },
		{ .kind = EVENT_SYNC_DEVICE, .dir = EVENT_FROM_DEVICE, .size = 2 },
		{ .kind = EVENT_UNMAP, .dir = EVENT_FROM_DEVICE, .size = 512 },
		{ .kind = EVENT_UNMAP,
		  .dir = EVENT_FROM_DEVICE,
		  .size = 4096,
		  .attrs = EVENT_ATTR_SKIP_CPU_SYNC },
		{ .kind = EVENT_FORK },
	};
	struct timeline *t = build(ev, sizeof(ev) / sizeof(ev[0]));

	check(sum(t, TIMELINE_IN_BYTES) == 266 + 512);
	check(sum(t, TIMELINE_OUT_BYTES) == 20);
	check(sum(t, TIMELINE_EVENTS) == 6); /* a fork is no DMA event */
	free(t);
}

/* The alias of a Realm and a scatter-gather unmap, which names the original buffer. */
static void test_alias_and_sg(void)
{
	struct event ev[] = { map_at(0, 0x170000000, 4096), map_at(10, 0x70010000, 2048),
			      unmap_at(5000, 0x70010000, 0), map_at(9000, 0x50000000, 1) };
	struct timeline *t;

	ev[1].flags = EVENT_F_SG;
	ev[2].flags = EVENT_F_BY_ORIG;
	ev[2].dma = EVENT_NO_ADDR;
	platform.realm.shared_bit = 1ULL << 32;
	t = build(ev, 4);
	check(t->series[TIMELINE_POOL_SLOTS][0] == 3);
	check(t->series[TIMELINE_POOL_SLOTS][9] == 2);
	platform.realm.shared_bit = 0;
	free(t);
}

/* Long after, and far apart: sums stay exact, memory and buckets bounded. */
static void test_rescale(void)
{
	struct timeline_builder *b = timeline_builder_new(&platform);
	struct timeline *t;

	for (uint64_t i = 0; i < 300000; i++) {
		struct event ev = map_at(5000 + i * i, 0x70000000 + (i % 3000) * 4096, 64);

		timeline_builder_feed(b, &ev, 1);
		ev.kind = EVENT_UNMAP;
		if (i % 3000 >= 100)
			timeline_builder_feed(b, &ev, 1);
	}
	t = timeline_builder_finish(b);
	check(t->used > TIMELINE_BUCKETS / 2 && t->used <= TIMELINE_BUCKETS);
	check(t->bucket_ns * t->used >= 299999ULL * 299999);
	check(sum(t, TIMELINE_MAPS) == 300000 && sum(t, TIMELINE_OUT_BYTES) == 300000 * 64);
	check(most(t, TIMELINE_POOL_SLOTS) == 101); /* 100 stay, one comes and goes */
	free(t);
}

static void test_extremes(void)
{
	struct event ev[] = { map_at(50, 0x70000000, UINT64_MAX), map_at(UINT64_MAX, 0x70000000, 0),
			      map_at(0, 0x70000000, 1) };
	struct timeline *t = build(ev, 3);

	check(t->used <= TIMELINE_BUCKETS && sum(t, TIMELINE_EVENTS) == 3);
	free(t);
	t = build(NULL, 0);
	check(t->used == 0);
	free(t);
}

/* Binned like all others; what counts is known in the end. */
static void test_violations(void)
{
	struct timeline_builder *b = timeline_builder_new(&platform);
	struct event first = map_at(1000, 0x70000000, 1);
	struct timeline *t;

	timeline_builder_feed(b, &first, 1);
	for (uint64_t i = 0; i < 100000; i++)
		timeline_builder_violation(b, 1000 + i * 1000, i % 2 ? 2 : 4, i % 4 ? 0 : 8);
	timeline_builder_refuted(b, 2, 8);
	t = timeline_builder_finish(b);
	check(sum(t, TIMELINE_VIOLATIONS) == 75000);
	check(t->used > TIMELINE_BUCKETS / 4 && t->series[TIMELINE_VIOLATIONS][t->used / 2] > 0);
	free(t);
	b = timeline_builder_new(NULL);
	for (uint32_t kind = 1; kind <= 100; kind++)
		timeline_builder_violation(b, kind, kind, 0);
	timeline_builder_refuted(b, UINT32_MAX, 0);
	t = timeline_builder_finish(b);
	check(sum(t, TIMELINE_VIOLATIONS) == 100);
	free(t);
}

static void test_text(void)
{
	struct timeline *t = xcalloc(1, sizeof(*t)), *u = xcalloc(1, sizeof(*u));
	char *text;

	t->used = TIMELINE_BUCKETS;
	for (int i = 0; i < TIMELINE_BUCKETS; i++)
		t->series[TIMELINE_MAPS][i] = UINT64_MAX - i;
	text = timeline_series_format(t, TIMELINE_MAPS);
	check(timeline_series_parse(u, TIMELINE_MAPS, text) == TIMELINE_BUCKETS);
	check(memcmp(u->series[TIMELINE_MAPS], t->series[TIMELINE_MAPS], sizeof(t->series[0])) ==
	      0);
	free(text);
	check(timeline_series_parse(u, TIMELINE_MAPS, "") == 0);
	check(timeline_series_parse(u, TIMELINE_MAPS, "1 2 3") == 3);
	check(timeline_series_parse(u, TIMELINE_MAPS, "1 2 ") == -EINVAL);
	check(timeline_series_parse(u, TIMELINE_MAPS, " 1") == -EINVAL);
	check(timeline_series_parse(u, TIMELINE_MAPS, "1  2") == -EINVAL);
	check(timeline_series_parse(u, TIMELINE_MAPS, "-1") == -EINVAL);
	check(timeline_series_parse(u, TIMELINE_MAPS, "99999999999999999999") == -EINVAL);
	text = xcalloc(1, 4096);
	for (int i = 0; i <= TIMELINE_BUCKETS; i++)
		strcat(text, i ? " 1" : "1");
	check(timeline_series_parse(u, TIMELINE_MAPS, text) == -EINVAL);
	free(text);
	free(t);
	free(u);
}

int main(void)
{
	test_small();
	test_directions();
	test_alias_and_sg();
	test_rescale();
	test_extremes();
	test_violations();
	test_text();
	return done();
}
