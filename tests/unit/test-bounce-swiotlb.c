/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Slots, segments, areas, alignment, partial syncs and exhaustion. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "lib/bounce/memory/realm.h"
#include "lib/bounce/memory/swiotlb.h"
#include "lib/bounce/memory/task.h"
#include "tests/unit/test.h"

#define BASE 0x80000000u
#define POOL (BASE + (1u << 20))

static struct realm *r;

static uint64_t buffer(size_t size, int fill)
{
	uint64_t ipa = realm_alloc(r, size, 64);

	memset(realm_ptr(r, ipa, size), fill, size);
	return ipa;
}

static uint8_t *at(uint64_t ipa)
{
	return realm_ptr(r, ipa, 1);
}

static void copies(void)
{
	struct swiotlb_pool *p = swiotlb_pool_new(r, "default", POOL, 512 << 10, 1, NULL);
	uint64_t buf = buffer(5000, 'a'), tlb;
	struct swiotlb_counters c;

	check(realm_all(r, POOL, 512 << 10, REALM_SHARED));
	tlb = swiotlb_map(p, buf, 5000, NULL);
	check(tlb == POOL && *at(tlb) == 'a' && *at(tlb + 4999) == 'a');
	swiotlb_counters(p, &c);
	check(c.slots == 256 && c.used == 3 && c.hiwater == 3 && c.maps == 1);
	/* a part in the middle of the second slot, and nothing else */
	memset(at(tlb), 'b', 5000);
	check(swiotlb_sync_for_cpu(p, tlb + 3000, 100) == 0);
	check(*at(buf + 2999) == 'a' && *at(buf + 3000) == 'b' && *at(buf + 3099) == 'b');
	check(*at(buf + 3100) == 'a');
	check(swiotlb_sync_for_cpu(p, tlb + 4990, 11) == -EINVAL); /* one byte past the end */
	check(swiotlb_sync_for_cpu(p, tlb + 4990, 10) == 0);
	*at(buf + 10) = 'c';
	check(swiotlb_sync_for_device(p, tlb + 10, 1) == 0 && *at(tlb + 10) == 'c');
	check(swiotlb_unmap(p, tlb + 2048, 100, false) == -EINVAL); /* not where it starts */
	check(swiotlb_unmap(p, tlb, 5000, true) == 0 && *at(buf + 2000) == 'b');
	check(swiotlb_unmap(p, tlb, 5000, true) == -EINVAL); /* twice */
	check(swiotlb_sync_for_cpu(p, tlb, 1) == -EINVAL);   /* after unmap */
	check(swiotlb_sync_for_cpu(p, POOL - 1, 1) == -EINVAL);
	swiotlb_counters(p, &c);
	check(c.used == 0 && c.hiwater == 3 && c.unmaps == 1);
	realm_release(r, buf, 5000);
	swiotlb_pool_free(p);
}

static void limits(void)
{
	struct swiotlb_pool *p = swiotlb_pool_new(r, "default", POOL, 512 << 10, 2, NULL);
	uint64_t buf = buffer(SWIOTLB_MAX_MAPPING + 1, 1), a, b;
	struct swiotlb_counters c;

	check(swiotlb_map(p, buf, SWIOTLB_MAX_MAPPING + 1, NULL) == EVENT_NO_ADDR);
	check(swiotlb_map(p, buf, 0, NULL) == EVENT_NO_ADDR);
	check(swiotlb_map(p, BASE - 5, 10, NULL) == EVENT_NO_ADDR);
	a = swiotlb_map(p, buf, SWIOTLB_MAX_MAPPING, NULL);
	b = swiotlb_map(p, buf, SWIOTLB_MAX_MAPPING, NULL); /* from the other area */
	check(a == POOL && b == POOL + SWIOTLB_MAX_MAPPING);
	check(swiotlb_map(p, buf, 1, NULL) == EVENT_NO_ADDR);
	swiotlb_counters(p, &c);
	check(c.full == 1 && c.too_large == 3 && c.used == 256);
	check(swiotlb_unmap(p, b, SWIOTLB_MAX_MAPPING, false) == 0);
	check(swiotlb_map(p, buf, 1, NULL) == b);
	realm_release(r, buf, SWIOTLB_MAX_MAPPING + 1);
	swiotlb_pool_free(p);
}

/* No mapping may lie across two segments, though both have room. */
static void segments(void)
{
	struct swiotlb_pool *p = swiotlb_pool_new(r, "default", POOL, 512 << 10, 1, NULL);
	uint64_t buf = buffer(100 * 2048, 1), a;

	a = swiotlb_map(p, buf, 100 * 2048, NULL);
	check(a == POOL);
	check(swiotlb_map(p, buf, 50 * 2048, NULL) == POOL + 128 * 2048);
	check(swiotlb_map(p, buf, 28 * 2048, NULL) == POOL + 100 * 2048);
	realm_release(r, buf, 100 * 2048);
	swiotlb_pool_free(p);
}

static void alignment(void)
{
	struct swiotlb_pool *p = swiotlb_pool_new(r, "default", POOL, 512 << 10, 1, NULL);
	struct swiotlb_need keep = { .min_align_mask = 4095 };
	struct swiotlb_need aligned = { .align_mask = 65535 };
	struct swiotlb_need bound = { .boundary_mask = 8191 };
	uint64_t page = realm_alloc(r, 16384, 4096), tlb;

	memset(realm_ptr(r, page, 16384), 'x', 16384);
	tlb = swiotlb_map(p, page + 0xa31, 100, &keep);
	check((tlb & 4095) == 0xa31 && *at(tlb + 99) == 'x');
	*at(tlb + 1) = 'y';
	check(swiotlb_sync_for_cpu(p, tlb - 1, 1) == -EINVAL); /* before its first byte */
	check(swiotlb_sync_for_cpu(p, tlb, 101) == -EINVAL);
	check(swiotlb_unmap(p, tlb, 100, true) == 0);
	check(*at(page + 0xa32) == 'y' && *at(page + 0xa31) == 'x');
	check(swiotlb_map(p, page, 1, NULL) == POOL);
	check(swiotlb_map(p, page, 10, &aligned) == POOL + 65536);
	check(swiotlb_map(p, page, 8192, &bound) == POOL + 8192);
	check(swiotlb_map(p, page, 8193, &bound) == EVENT_NO_ADDR);
	check(swiotlb_alloc(p, 5000) % 4096 == 0);
	realm_release(r, page, 16384);
	swiotlb_pool_free(p);
}

static void *worker(void *arg)
{
	struct swiotlb_pool *p = arg;
	static _Atomic unsigned int cpus;
	uint64_t buf;
	uint8_t fill;
	long bad = 0;

	task_current()->cpu = cpus++;
	fill = 'A' + task_current()->cpu;
	buf = buffer(700, fill);
	for (int i = 0; i < 20000; i++) {
		uint64_t a = swiotlb_map(p, buf, 700, NULL), b = swiotlb_map(p, buf, 66, NULL);

		bad += a == EVENT_NO_ADDR || b == EVENT_NO_ADDR || a == b;
		bad += *at(a + 699) != fill || *at(b) != fill;
		bad += swiotlb_unmap(p, a, 700, true) < 0;
		bad += swiotlb_unmap(p, b, 66, true) < 0;
	}
	realm_release(r, buf, 700);
	return (void *)bad;
}

/* Threads in their own areas, and threads that fight for one. */
static void threads(unsigned int areas)
{
	struct swiotlb_pool *p = swiotlb_pool_new(r, "default", POOL, 512 << 10, areas, NULL);
	struct swiotlb_counters c;
	pthread_t id[2];
	void *bad[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&id[i], NULL, worker, p);
	for (int i = 0; i < 2; i++)
		pthread_join(id[i], &bad[i]);
	check(!bad[0] && !bad[1]);
	swiotlb_counters(p, &c);
	check(c.used == 0 && c.maps == 80000 && c.unmaps == 80000 && c.hiwater >= 2);
	swiotlb_pool_free(p);
}

int main(void)
{
	r = realm_new(BASE, 4u << 20, 0, 1);
	copies();
	limits();
	segments();
	alignment();
	threads(2);
	threads(1);
	check(realm_damage(r) == 0);
	realm_free(r);
	return done();
}
