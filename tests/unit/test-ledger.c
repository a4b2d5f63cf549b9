/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ledger by itself, and against a plain array under random use. */
#include "lib/judge/types/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "tests/unit/test.h"

#define POOL 0x82000000ull
#define SLOTS 64
#define OTHER 0x90000000ull
#define MODEL 512

static struct platform *machine(void)
{
	struct platform *p = platform_new();

	p->swiotlb.npools = 1;
	p->swiotlb.pools = xcalloc(1, sizeof(*p->swiotlb.pools));
	p->swiotlb.pools[0].range = (struct range){ POOL, POOL + SLOTS * SWIOTLB_SLOT_SIZE - 1 };
	return p;
}

static uint32_t add(struct ledger *l, uint64_t dma, uint64_t size, unsigned int flags)
{
	return ledger_add(
		l, &(struct mapping){
			   .dma = dma, .size = size, .orig = dma + 7, .dev = 1, .flags = flags });
}

static bool count(void *ctx, uint32_t index, struct mapping *m)
{
	(void)index;
	(void)m;
	++*(unsigned int *)ctx;
	return true;
}

static unsigned int overlaps(struct ledger *l, uint64_t dma, uint64_t size)
{
	unsigned int n = 0;

	ledger_overlaps(l, dma, size, count, &n);
	return n;
}

static void test_slots(const struct platform *p)
{
	struct ledger *l = ledger_new(p);
	uint32_t a = add(l, POOL + 100, 2048, MAPPING_BOUNCED), b, c;

	check(ledger_slots(l) == 2 && ledger_live(l) == 1);
	check(overlaps(l, POOL, 1) == 1); /* shares a slot with it */
	check(overlaps(l, POOL + 4096, 1) == 0);
	check(ledger_find_around(l, 1, POOL + 100, 2048, false) == a);
	check(ledger_find_around(l, 1, POOL + 99, 2048, false) == LEDGER_NONE);
	check(ledger_find_around(l, 2, POOL + 100, 1, false) == LEDGER_NONE);
	check(ledger_find_around(l, 2, POOL + 100, 1, true) == a);
	b = add(l, POOL + 2048, 64, MAPPING_BOUNCED); /* takes the second slot over */
	check(ledger_slots(l) == 2);
	ledger_remove(l, a);
	check(ledger_slots(l) == 1 && ledger_find_around(l, 1, POOL + 2048, 64, false) == b);
	c = add(l, POOL + 2048, 64, 0); /* a direct map of a shared buffer owns no slot */
	check(ledger_slots(l) == 1 && overlaps(l, POOL + 2048, 1) == 2);
	ledger_remove(l, c);
	ledger_remove(l, b);
	check(ledger_slots(l) == 0 && ledger_live(l) == 0);
	check(ledger_slot_known(l, POOL) && !ledger_slot_known(l, POOL + 4096));
	check(!ledger_slot_known(l, OTHER));
	a = add(l, POOL, 3 * 2048, MAPPING_BOUNCED); /* a newer one in the midst of its slots */
	b = add(l, POOL + 2048, 64, MAPPING_BOUNCED);
	check(overlaps(l, POOL, 3 * 2048) == 2 && overlaps(l, POOL, 3 * 2048) == 2);
	ledger_remove(l, b);
	check(overlaps(l, POOL, 3 * 2048) == 1);
	ledger_remove(l, a);
	ledger_free(l);
}

static void test_chains(const struct platform *p)
{
	struct ledger *l = ledger_new(p);
	uint32_t a = add(l, OTHER, 64, MAPPING_SG), b = add(l, OTHER, 32, MAPPING_SG), i;

	i = ledger_next(l, LEDGER_NONE, 1, OTHER);
	check((i == a || i == b) && ledger_next(l, i, 1, OTHER) == a + b - i);
	check(ledger_next(l, ledger_next(l, i, 1, OTHER), 1, OTHER) == LEDGER_NONE);
	check(ledger_next(l, LEDGER_NONE, 2, OTHER) == LEDGER_NONE);
	i = ledger_next_orig(l, LEDGER_NONE, 1, OTHER + 7);
	check(i && ledger_next_orig(l, i, 1, OTHER + 7) == a + b - i);
	ledger_remove(l, a);
	check(ledger_next_orig(l, LEDGER_NONE, 1, OTHER + 7) == b);
	check(ledger_next_orig(l, b, 1, OTHER + 7) == LEDGER_NONE);
	ledger_free(l);
}

/* The same mappings in an array. */
struct model {
	struct {
		uint64_t dma, size;
		uint32_t index; /* 0: free */
	} at[MODEL];
};

static unsigned int model_overlaps(const struct model *m, uint64_t dma, uint64_t size)
{
	unsigned int n = 0;

	for (int i = 0; i < MODEL; i++)
		n += m->at[i].index && m->at[i].dma < dma + size &&
		     dma < m->at[i].dma + m->at[i].size;
	return n;
}

/* Outside pools mappings may overlap in any way. */
static void test_random(const struct platform *p)
{
	struct model *m = xcalloc(1, sizeof(*m));
	struct ledger *l = ledger_new(p);
	unsigned int wrong = 0, live = 0;
	uint64_t seed = 42;

	for (int round = 0; round < 20000; round++) {
		uint64_t r = seed = seed * 6364136223846793005u + 1442695040888963407u;
		int i = (r >> 20) % MODEL;
		uint64_t dma = OTHER + ((r >> 30) % 5000) * 16, size = 1 + (r >> 45) % 400;

		if (m->at[i].index) {
			ledger_remove(l, m->at[i].index);
			m->at[i].index = 0;
			live--;
		} else {
			m->at[i].dma = dma;
			m->at[i].size = size;
			m->at[i].index = add(l, dma, size, (r >> 60) & MAPPING_SG);
			live++;
		}
		wrong += overlaps(l, dma, size) != model_overlaps(m, dma, size);
		wrong += ledger_live(l) != live;
		wrong += (ledger_find_around(l, 1, dma, 1, false) != LEDGER_NONE) !=
			 (model_overlaps(m, dma, 1) > 0);
	}
	check(wrong == 0);
	check(live > 100);
	ledger_free(l);
	free(m);
}

static void test_hostile(const struct platform *p)
{
	struct ledger *l = ledger_new(p);
	uint32_t a = add(l, UINT64_MAX - 10, 100, 0); /* wraps around */
	uint32_t b = add(l, POOL + 4096, 1ull << 63, MAPPING_BOUNCED);

	check(ledger_slots(l) == 0); /* not wholly in the pool */
	check(ledger_find_around(l, 1, UINT64_MAX, 1, false) == a);
	check(ledger_find_around(l, 1, UINT64_MAX, 2, false) == LEDGER_NONE);
	check(overlaps(l, 0, 5) == 0);
	check(overlaps(l, POOL + 8192, 1) == 1);
	check(overlaps(l, 0, UINT64_MAX) == 2);
	ledger_remove(l, a);
	ledger_remove(l, b);
	check(ledger_live(l) == 0);
	ledger_free(l);
}

int main(void)
{
	struct platform *p = machine();

	test_slots(p);
	test_chains(p);
	test_random(p);
	test_hostile(p);
	platform_free(p);
	return done();
}
