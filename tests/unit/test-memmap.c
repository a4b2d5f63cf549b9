/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/judge/types/memmap.h"

#include "lib/base/xalloc.h"
#include "tests/unit/test.h"

#define RAM 0x80000000ull
#define POOL 0x82000000ull

static struct platform *machine(void)
{
	struct platform *p = platform_new();

	p->nram = 2; /* with a hole of 1 MiB */
	p->ram = xcalloc(2, sizeof(*p->ram));
	p->ram[0] = (struct range){ RAM, RAM + 0x3ffffff };
	p->ram[1] = (struct range){ RAM + 0x4100000, RAM + 0x7ffffff };
	p->swiotlb.npools = 2; /* side by side */
	p->swiotlb.pools = xcalloc(2, sizeof(*p->swiotlb.pools));
	p->swiotlb.pools[0].range = (struct range){ POOL, POOL + 0xffff };
	p->swiotlb.pools[1].range = (struct range){ POOL + 0x10000, POOL + 0x1ffff };
	return p;
}

static void test_ranges(struct memmap *m)
{
	check(memmap_state(m, POOL, 0x20000) == MEMORY_POOL); /* both pools */
	check(memmap_state(m, POOL, 0x20001) == MEMORY_MIXED);
	check(memmap_state(m, POOL - 1, 2) == MEMORY_MIXED);
	check(memmap_state(m, POOL - 1, 1) == MEMORY_PROTECTED);
	check(memmap_state(m, POOL + 0x1ffff, 1) == MEMORY_POOL);
	check(memmap_state(m, POOL + 0x20000, 1) == MEMORY_PROTECTED);
	check(memmap_state(m, POOL, 0) == MEMORY_POOL);		    /* a size of 0 is 1 byte */
	check(memmap_state(m, RAM + 0x3ffffff, 2) == MEMORY_MIXED); /* into the hole */
	check(memmap_state(m, RAM + 0x4000000, 0x100000) == MEMORY_OUTSIDE);
	check(memmap_state(m, RAM - 1, 1) == MEMORY_OUTSIDE);
	check(memmap_state(m, POOL, UINT64_MAX) == MEMORY_MIXED); /* wraps around */
	check(memmap_state(m, UINT64_MAX, 1) == MEMORY_OUTSIDE);
	check(memmap_touches_pool(m, POOL - 4, 5) && !memmap_touches_pool(m, POOL - 4, 4));
	check(memmap_top(m) == RAM + 0x7ffffff);
}

/* What the kernel takes back of a pool is protected, and a pool's again once it is shared. */
static void test_pool_taken_back(struct memmap *m)
{
	memmap_encrypt(m, POOL + 0x1000, 0x1000);
	check(memmap_state(m, POOL + 0x1000, 0x1000) == MEMORY_PROTECTED);
	check(memmap_state(m, POOL + 0xfff, 2) == MEMORY_MIXED);
	check(memmap_state(m, POOL, 0x1000) == MEMORY_POOL);
	check(memmap_touches_pool(m, POOL + 0x1800, 1)); /* by the facts */
	memmap_decrypt(m, POOL - 0x1000, 0x2800);	 /* the first half of it, and more */
	check(memmap_state(m, POOL, 0x1800) == MEMORY_POOL);
	check(memmap_state(m, POOL + 0x1800, 0x800) == MEMORY_PROTECTED);
	memmap_encrypt(m, POOL - 0x1000, 0x1000);
	memmap_decrypt(m, POOL + 0x1800, 0x800);
	check(memmap_state(m, POOL, 0x20000) == MEMORY_POOL);
	memmap_encrypt(m, POOL, 0x20000); /* both */
	check(memmap_state(m, POOL, 1) == MEMORY_PROTECTED);
	memmap_decrypt(m, POOL, 0x20000);
	check(memmap_state(m, POOL, 0x20000) == MEMORY_POOL);
	check(memmap_state(m, POOL - 1, 1) == MEMORY_PROTECTED);
}

static void test_changes(struct memmap *m)
{
	uint64_t a = RAM + 0x6000000;

	memmap_decrypt(m, a, 8192);
	memmap_decrypt(m, a + 8192, 4096); /* joins */
	check(memmap_state(m, a, 3 * 4096) == MEMORY_DECRYPTED);
	check(memmap_state(m, a - 1, 2) == MEMORY_MIXED);
	memmap_encrypt(m, a + 4096, 4096); /* a hole in the middle */
	check(memmap_state(m, a, 4096) == MEMORY_DECRYPTED);
	check(memmap_state(m, a + 4096, 4096) == MEMORY_PROTECTED);
	check(memmap_state(m, a + 8192, 4096) == MEMORY_DECRYPTED);
	check(memmap_state(m, a, 8192) == MEMORY_MIXED);
	memmap_decrypt(m, a, 0);
	memmap_encrypt(m, a, 0);
	check(memmap_state(m, a, 4096) == MEMORY_DECRYPTED);
	memmap_decrypt(m, UINT64_MAX - 10, 4096); /* wraps around: to the top, no further */
	check(memmap_state(m, UINT64_MAX, 1) == MEMORY_DECRYPTED);
	check(memmap_state(m, 0, 1) == MEMORY_OUTSIDE);
	memmap_encrypt(m, 0, UINT64_MAX);
	check(memmap_state(m, a, 4096) == MEMORY_PROTECTED);
}

/* What was found once is not what it stays. */
static void test_found_before(const struct platform *p)
{
	struct memmap *m = memmap_new(p);
	uint64_t a = RAM + 0x6800000, hole = RAM + 0x4000000;

	check(memmap_state(m, a, 4096) == MEMORY_PROTECTED);
	check(memmap_state(m, RAM, hole - RAM) == MEMORY_MIXED);
	check(memmap_state(m, RAM, 4096) == MEMORY_PROTECTED);
	check(memmap_state(m, POOL - 1, 2) == MEMORY_MIXED);
	check(memmap_state(m, hole - 1, 2) == MEMORY_MIXED);
	check(memmap_state(m, a, 4096) == MEMORY_PROTECTED);
	memmap_decrypt(m, a + 4096, 4096);
	check(memmap_state(m, a, 4096) == MEMORY_PROTECTED);
	check(memmap_state(m, a + 4096, 4096) == MEMORY_DECRYPTED);
	check(memmap_state(m, a + 8192, 4096) == MEMORY_PROTECTED);
	check(memmap_state(m, a + 4095, 2) == MEMORY_MIXED);
	check(memmap_state(m, a + 8191, 2) == MEMORY_MIXED);
	memmap_unsettle(m, a + 8192, 4096, true);
	check(memmap_state(m, a + 8192, 1) == MEMORY_UNKNOWN);
	check(memmap_state(m, a + 12288, 1) == MEMORY_PROTECTED);
	check(memmap_state(m, a + 12287, 2) == MEMORY_UNKNOWN);
	memmap_encrypt(m, a + 4096, 4096);
	check(memmap_state(m, a + 4096, 4096) == MEMORY_PROTECTED);
	memmap_free(m);
}

static void test_unknown(void)
{
	struct platform *p = platform_new();
	struct memmap *m = memmap_new(NULL);

	check(memmap_state(m, RAM, 1) == MEMORY_UNKNOWN && memmap_top(m) == 0);
	check(!memmap_pools_complete(m));
	memmap_decrypt(m, RAM, 4096);
	check(memmap_state(m, RAM, 4096) == MEMORY_DECRYPTED);
	memmap_free(m);

	p->nram = 1;
	p->ram = xcalloc(1, sizeof(*p->ram));
	p->ram[0] = (struct range){ RAM, RAM + 0xfffff };
	m = memmap_new(p); /* no pool is listed: nobody knows whether there is one */
	check(memmap_state(m, RAM, 1) == MEMORY_UNKNOWN);
	memmap_free(m);
	p->kernel.cmdline = xstrdup("console=ttyAMA0 swiotlb=noforce");
	m = memmap_new(p); /* the kernel was told to have none */
	check(memmap_state(m, RAM, 1) == MEMORY_PROTECTED);
	memmap_free(m);
	p->swiotlb.dynamic = TRI_YES; /* pools come and go */
	m = memmap_new(p);
	check(memmap_state(m, RAM, 1) == MEMORY_UNKNOWN);
	memmap_free(m);
	platform_free(p);
}

int main(void)
{
	struct platform *p = machine();
	struct memmap *m = memmap_new(p);

	test_ranges(m);
	test_pool_taken_back(m);
	test_changes(m);
	test_found_before(p);
	test_unknown();
	memmap_free(m);
	platform_free(p);
	return done();
}
