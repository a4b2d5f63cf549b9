/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd/bench/bounce.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/bounce/memory/dma.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/memory/task.h"
#include "lib/bounce/msg/bus.h"
#include "lib/bounce/selftest/machine.h"

#define BASE 0x80000000u
#define RAM (96u << 20)
#define POOL (BASE + (16u << 20))
#define POOL_SIZE (64u << 20) /* what Linux takes by default */
#define BIG 65536u
#define SMALL 66u
#define BIG_OPS 300u
#define SMALL_OPS 60000u
#define THREAD_OPS 300000u
#define SHARING_NS 20000000u /* time for each size */

static double clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static double now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* One thread's own time: what else the machine does is no part of the cost. */
static double cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, unsigned int n)
{
	qsort(values, n, sizeof(*values), ascending);
	return n & 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* What the compiler must not see through. */
static void touch(const void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

/* ---- one thread ---- */

struct path {
	struct realm *realm;
	struct swiotlb_pool *pool;
	struct dma_device dev;
	uint64_t buffer;
	uint8_t *from, *to;
};

static void path_open(struct path *p)
{
	memset(p, 0, sizeof(*p));
	p->realm = realm_new(BASE, RAM, (uint64_t)1 << 32, 1);
	p->pool = swiotlb_pool_new(p->realm, "default", POOL, POOL_SIZE, 2, NULL);
	p->dev = (struct dma_device){
		.realm = p->realm, .mask = UINT64_MAX, .pools = &p->pool, .npools = 1
	};
	p->buffer = realm_alloc(p->realm, BIG, REALM_GRANULE);
	p->from = realm_ptr(p->realm, p->buffer, BIG);
	memset(p->from, 0x5a, BIG);
	p->to = aligned_alloc(REALM_GRANULE, BIG);
	if (!p->to)
		abort();
	memset(p->to, 0, BIG);
}

static void path_close(struct path *p)
{
	free(p->to);
	swiotlb_pool_free(p->pool);
	realm_free(p->realm);
}

static double map_ns(struct path *p, size_t size, unsigned int ops)
{
	double start = cpu_ns();

	for (unsigned int i = 0; i < ops; i++) {
		uint64_t dma = dma_map(&p->dev, p->buffer, size, EVENT_TO_DEVICE, 0);

		touch(p->from);
		dma_unmap(&p->dev, dma, size, EVENT_TO_DEVICE, 0);
	}
	return (cpu_ns() - start) / ops;
}

static double memcpy_ns(struct path *p, size_t size, unsigned int ops)
{
	double start = cpu_ns();

	for (unsigned int i = 0; i < ops; i++) {
		touch(p->from);
		memcpy(p->to, p->from, size);
		touch(p->to);
	}
	return (cpu_ns() - start) / ops;
}

static double malloc_ns(struct path *p, size_t size, unsigned int ops)
{
	double start = cpu_ns();

	for (unsigned int i = 0; i < ops; i++) {
		void *copy = malloc(size);

		if (!copy)
			abort();
		touch(copy);
		memcpy(copy, p->from, size);
		touch(copy);
		free(copy);
	}
	return (cpu_ns() - start) / ops;
}

/* One size, both sides in turn, rounds times.  inverse: theirs over ours (a throughput). */
static void compare(struct bench_ratio *r, struct path *p, size_t size, unsigned int ops,
		    double (*theirs)(struct path *, size_t, unsigned int), bool inverse,
		    unsigned int rounds)
{
	double *ours = xcalloc(rounds, sizeof(*ours)), *other = xcalloc(rounds, sizeof(*other));
	double *ratio = xcalloc(rounds, sizeof(*ratio));

	map_ns(p, size, ops); /* warm */
	theirs(p, size, ops);
	for (unsigned int i = 0; i < rounds; i++) {
		/* whoever goes first now goes second next time */
		if (i & 1)
			ours[i] = map_ns(p, size, ops);
		other[i] = theirs(p, size, ops);
		if (!(i & 1))
			ours[i] = map_ns(p, size, ops);
		ratio[i] = inverse ? other[i] / ours[i] : ours[i] / other[i];
	}
	r->value = median(ratio, rounds);
	r->low = ratio[0];
	r->high = ratio[rounds - 1];
	r->ours_ns = median(ours, rounds);
	r->theirs_ns = median(other, rounds);
	free(ours);
	free(other);
	free(ratio);
}

/* ---- two threads in two areas ---- */

struct runner {
	struct path *path;
	pthread_barrier_t *start;
	uint16_t cpu;
	double wall_ns, cpu_ns;
};

static void *run_thread(void *arg)
{
	struct runner *r = arg;
	struct dma_device dev = r->path->dev;
	uint64_t buffer = realm_alloc(r->path->realm, 4096, REALM_GRANULE);
	double wall, cpu;

	task_current()->cpu = r->cpu;
	pthread_barrier_wait(r->start);
	wall = now_ns();
	cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	for (unsigned int i = 0; i < THREAD_OPS; i++) {
		uint64_t dma = dma_map(&dev, buffer, SMALL, EVENT_TO_DEVICE, 0);

		dma_unmap(&dev, dma, SMALL, EVENT_TO_DEVICE, 0);
	}
	r->wall_ns = now_ns() - wall;
	r->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	realm_release(r->path->realm, buffer, 4096);
	return NULL;
}

/* Time per operation of the slower thread; by CPU in *cpu_ns. */
static double threads_ns(struct path *p, unsigned int n, double *cpu_ns)
{
	struct runner runners[2];
	pthread_barrier_t start;
	pthread_t ids[2];
	double wall = 0;

	*cpu_ns = 0;
	pthread_barrier_init(&start, NULL, n);
	for (unsigned int i = 0; i < n; i++) {
		runners[i] = (struct runner){ .path = p, .start = &start, .cpu = i };
		if (pthread_create(&ids[i], NULL, run_thread, &runners[i]) != 0)
			abort();
	}
	for (unsigned int i = 0; i < n; i++) {
		pthread_join(ids[i], NULL);
		if (runners[i].wall_ns > wall)
			wall = runners[i].wall_ns;
		if (runners[i].cpu_ns > *cpu_ns)
			*cpu_ns = runners[i].cpu_ns;
	}
	pthread_barrier_destroy(&start);
	*cpu_ns /= THREAD_OPS;
	return wall / THREAD_OPS;
}

/*
 * By CPU time: threads that wait for one another's cache lines or locks burn it, and
 * a busy machine, which gives two threads less than two CPUs, does not falsify it.
 */
static void compare_threads(struct bench_ratio *r, struct path *p, unsigned int rounds,
			    double *by_clock)
{
	double *ratio = xcalloc(rounds, sizeof(*ratio)), *clock = xcalloc(rounds, sizeof(*clock));
	double *one = xcalloc(rounds, sizeof(*one)), *two = xcalloc(rounds, sizeof(*two));

	for (unsigned int i = 0; i < rounds; i++) {
		double wall_one = threads_ns(p, 1, &one[i]), wall_two = threads_ns(p, 2, &two[i]);

		ratio[i] = 2 * one[i] / two[i];
		clock[i] = 2 * wall_one / wall_two;
	}
	r->value = median(ratio, rounds);
	r->low = ratio[0];
	r->high = ratio[rounds - 1];
	r->ours_ns = median(two, rounds) / 2;
	r->theirs_ns = median(one, rounds);
	*by_clock = median(clock, rounds);
	free(ratio);
	free(clock);
	free(one);
	free(two);
}

/* ---- dynamic against static sharing ---- */

#define SECRET 0x5e /* what lies around the buffer, and nowhere in it */

/* What a device sees that reads all it can reach. */
struct exposure {
	uint64_t pages; /* at once, the most */
	uint64_t beyond;
};

static void look_around(struct machine *m, uint64_t mapped, struct exposure *seen)
{
	const struct swiotlb_pool *shared = m->npools == 2 ? m->pools[1] : NULL;
	uint64_t from =
		shared ? realm_to_device(realm_shared_bit(m->realm), swiotlb_pool_start(shared))
		       : mapped & ~(uint64_t)(REALM_GRANULE - 1);
	uint8_t page[REALM_GRANULE];
	uint64_t pages = 0;

	while (guard_read(&m->host.guard, from + pages * REALM_GRANULE, page, sizeof(page)) == 0) {
		for (size_t i = 0; i < sizeof(page); i++)
			seen->beyond += page[i] == SECRET;
		pages++;
	}
	if (pages > seen->pages)
		seen->pages = pages;
}

/* One transfer to the device, in mappings of at most 256 KiB.  seen: NULL does not look. */
static int transfer(struct machine *m, uint64_t buffer, size_t size, uint8_t *taken,
		    struct exposure *seen)
{
	for (size_t off = 0; off < size;) {
		size_t n = size - off < SWIOTLB_MAX_MAPPING ? size - off : SWIOTLB_MAX_MAPPING;
		uint64_t dma = dma_map(&m->dma, buffer + off, n, EVENT_TO_DEVICE, 0);

		if (dma == EVENT_NO_ADDR || guard_read(&m->host.guard, dma, taken + off, n) < 0)
			return -EIO;
		if (seen)
			look_around(m, dma, seen);
		dma_unmap(&m->dma, dma, n, EVENT_TO_DEVICE, 0);
		off += n;
	}
	return 0;
}

static int measure_sharing(struct bench_sharing *s, struct machine *m, int dynamic, struct err *err)
{
	/* a buffer of a kernel is seldom aligned to pages */
	size_t whole = (s->size + 64 + REALM_GRANULE - 1) & ~(size_t)(REALM_GRANULE - 1);
	uint64_t pages = realm_alloc(m->realm, whole, REALM_GRANULE), buffer = pages + 64;
	uint8_t *taken = xcalloc(1, s->size), *secret = realm_ptr(m->realm, pages, whole);
	struct exposure seen = { 0 };
	uint64_t messages, ops = 0;
	double start;
	int ret;

	memset(secret, SECRET, whole);
	memset(secret + 64, 0x11, s->size);
	ret = transfer(m, buffer, s->size, taken, &seen);
	messages = msg_bus_counters(m->bus).messages;
	start = cpu_ns();
	while (ret == 0 && (ops < 3 || cpu_ns() - start < SHARING_NS)) {
		ret = transfer(m, buffer, s->size, taken, NULL);
		ops++;
	}
	if (ret == 0 && memcmp(taken, realm_ptr(m->realm, buffer, s->size), s->size) != 0)
		ret = -EIO;
	s->ns[dynamic] = (cpu_ns() - start) / ops;
	s->messages[dynamic] = (double)(msg_bus_counters(m->bus).messages - messages) / ops;
	s->pages[dynamic] = seen.pages;
	s->beyond[dynamic] = seen.beyond;
	realm_release(m->realm, pages, whole);
	free(taken);
	return ret < 0 ? err_set(err, -ret, "a transfer of %zu bytes did not arrive", s->size) : 0;
}

static int compare_sharing(struct bench_bounce *b, struct err *err)
{
	static const size_t sizes[BENCH_SHARING_SIZES] = { 64,	  512,	 1500,	 4096,
							   16384, 65536, 262144, 1048576 };
	int ret = 0;

	for (int dynamic = 0; dynamic < 2 && ret == 0; dynamic++) {
		struct machine_config config = { .device = MACHINE_RNG,
						 .transport = dynamic ? MACHINE_MSG2_DYNAMIC
								      : MACHINE_MSG2_STATIC,
						 .alias = true,
						 .unrecorded = true,
						 .seed = 1 };
		struct machine m;

		ret = machine_open(&m, &config, err);
		if (ret < 0)
			return ret;
		m.dma.trace = NULL; /* what is measured is the path, not its telling */
		for (int i = 0; i < BENCH_SHARING_SIZES && ret == 0; i++) {
			b->sharing[i].size = sizes[i];
			ret = measure_sharing(&b->sharing[i], &m, dynamic, err);
		}
		machine_close(&m);
	}
	return ret;
}

int bench_bounce_run(struct bench_bounce *b, unsigned int rounds, struct err *err)
{
	struct path p;
	size_t table, other;

	memset(b, 0, sizeof(*b));
	b->ratios[0] = (struct bench_ratio){ .name = "map + copy + unmap of 64 KiB: throughput "
						     "against memcpy",
					     .limit = 0.90,
					     .at_least = true };
	b->ratios[1] = (struct bench_ratio){ .name = "map + copy + unmap of 66 bytes: cost against "
						     "malloc + memcpy + free",
					     .limit = 8 };
	b->ratios[2] = (struct bench_ratio){ .name = "two threads in two areas: throughput against "
						     "one",
					     .limit = 1.8,
					     .at_least = true };
	b->ratios[3] = (struct bench_ratio){ .name = "memory beside pool and slot table: per cent "
						     "of both",
					     .limit = 1 };
	path_open(&p);
	compare(&b->ratios[0], &p, BIG, BIG_OPS, memcpy_ns, true, rounds);
	compare(&b->ratios[1], &p, SMALL, SMALL_OPS, malloc_ns, false, rounds);
	compare_threads(&b->ratios[2], &p, rounds, &b->two_by_clock);
	table = swiotlb_table_bytes(p.pool);
	other = swiotlb_other_bytes(p.pool);
	b->ratios[3].value = b->ratios[3].low = b->ratios[3].high =
		100.0 * other / (POOL_SIZE + table);
	path_close(&p);
	return compare_sharing(b, err);
}
