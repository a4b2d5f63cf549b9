/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times of maps by their own events: which are taken, and when a line may be drawn through them. */
#include <stdlib.h>

#include "lib/cost/cost.h"
#include "lib/cost/times.h"
#include "lib/evidence/event.h"
#include "tests/unit/test.h"

static const struct event bounce_of = {
	.kind = EVENT_BOUNCE, .ts_ns = 5000, .orig = 0x1000, .size = 64, .dev = 2
};
static const struct event map_of = {
	.kind = EVENT_MAP, .ts_ns = 8000, .orig = 0x1000, .dma = 0x9000, .size = 64, .dev = 2
};

/* Is the time from this bounce to this map taken? */
static bool taken(const struct event *bounce, const struct event *map)
{
	struct times *t = times_new();
	struct cost_times *found;
	bool any;

	if (bounce)
		times_feed(t, bounce);
	times_feed(t, map);
	found = times_finish(t);
	any = found && found->maps == 1;
	free(found);
	return any;
}

#define MAP_WITH(...)                     \
	(__extension__({                  \
		struct event ev = map_of; \
		__VA_ARGS__;              \
		ev;                       \
	}))

static void test_taken(void)
{
	const struct event nothing = { .kind = EVENT_MAP, .ts_ns = 1, .dma = 0x9000 };
	const struct event others[] = {
		MAP_WITH(ev.orig = 0x2000),
		MAP_WITH(ev.size = 65),
		MAP_WITH(ev.dev = 3),
		MAP_WITH(ev.cpu = 1),
		MAP_WITH(ev.dma = EVENT_NO_ADDR),
		MAP_WITH(ev.flags = EVENT_F_SG),
		MAP_WITH(ev.flags = EVENT_F_PROBE),
		MAP_WITH(ev.kind = EVENT_UNMAP),
		MAP_WITH(ev.ts_ns = 5000),
		MAP_WITH(ev.ts_ns = 4999),
		MAP_WITH(ev.ts_ns = 1000005000),
	};
	struct event probe = bounce_of;

	check(taken(&bounce_of, &map_of));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		check(!taken(&bounce_of, &others[i]));
	probe.flags = EVENT_F_PROBE;
	check(!taken(&probe, &map_of));
	check(!taken(NULL, &nothing));
}

/* So many maps of one size, each of which takes ns. */
static void maps(struct times *t, unsigned int count, uint64_t size, uint64_t ns)
{
	struct event bounce = bounce_of, map = map_of;

	bounce.size = map.size = size;
	map.ts_ns = bounce.ts_ns + ns;
	while (count--) {
		times_feed(t, &bounce);
		times_feed(t, &map);
	}
}

/* Is this the line?  0, 0: there is none. */
static bool line(struct times *t, uint64_t map_ns, uint64_t kib_ns)
{
	struct cost_times *found = times_finish(t);
	bool is = found && found->map_ns == map_ns && found->kib_ns == kib_ns;

	free(found);
	return is;
}

static struct times *two(unsigned int count, uint64_t size, uint64_t ns, uint64_t size2,
			 uint64_t ns2)
{
	struct times *t = times_new();

	maps(t, count, size, ns);
	maps(t, count, size2, ns2);
	return t;
}

static void test_line(void)
{
	check(line(two(8, 64, 3128, 4096, 11192), 3000, 2048));
	check(line(two(7, 64, 3128, 4096, 11192), 0, 0)); /* too few */
	check(line(two(8, 64, 3128, 255, 3510), 0, 0));	  /* too near */
	check(line(two(8, 64, 3128, 256, 3512), 3000, 2048));
	check(line(two(8, 64, 5000, 4096, 4000), 0, 0));       /* less for more */
	check(line(two(8, 64, 1, 4096, 10000), 0, 0));	       /* no map but for its bytes */
	check(line(two(8, 1, 50000000, 64, 500000000), 0, 0)); /* a millisecond for a byte */
}

/* A run of any length is in its median, from the beginning to the end. */
static void test_long(void)
{
	struct times *t = times_new();

	maps(t, 8, 4096, 11192);
	maps(t, 128, 64, 1000);
	maps(t, 129, 64, 3128);
	check(line(t, 3000, 2048));

	t = times_new();
	maps(t, 8, 4096, 11192);
	maps(t, 256, 64, 3128);
	maps(t, 200, 64, 1000);
	check(line(t, 3000, 2048));

	check(times_finish(times_new()) == NULL);
}

int main(void)
{
	test_taken();
	test_line();
	test_long();
	return done();
}
