/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The judge, one rule after the other. */
#include "lib/judge.h"

#include "tests/unit/judge-fixture.h"
#include "tests/unit/test.h"

static void test_pairs(void)
{
	machine();
	bounced(0, BUF, SLOT(0), 163);
	unmap(0, SLOT(0), 163);
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* no bounce */
	bounced(0, BUF, SLOT(0), 163);
	map(0, BUF + 4096, SLOT(1), 64);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_REFUTED);

	machine(); /* another size */
	bounce(0, BUF, 100);
	map(0, BUF, SLOT(0), 163);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_REFUTED);

	machine(); /* the original is published although it was bounced */
	bounced(0, BUF, BUF, 163);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_REFUTED);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine(); /* the task moved to another CPU between bounce and map */
	bounce(0, BUF, 163);
	put((struct event){ .kind = EVENT_FORK });
	map(1, BUF, SLOT(0), 163)->pid = 100;
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* another task's bounce of the same buffer is not this map's */
	bounce(0, BUF, 163);
	map(1, BUF, SLOT(0), 163);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_REFUTED);

	machine(); /* the idle tasks of two CPUs are two */
	bounce(0, BUF, 163)->pid = 0;
	map(1, BUF, SLOT(0), 163)->pid = 0;
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_REFUTED);

	machine(); /* agreement in order and size only */
	bounce(0, BUF, 163);
	map(0, BUF + 0x10000, SLOT(0), 163);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_UNDECIDED);

	machine(); /* a failed map takes its bounce along */
	bounced(0, BUF, EVENT_NO_ADDR, 163);
	bounced(0, BUF, SLOT(0), 163);
	check(outcome() == OUTCOME_PROVEN);
	check(last->totals.failed_maps == 1 && last->totals.maps == 1);

	machine(); /* a bounce that nothing answers */
	bounce(0, BUF, 64);
	bounced(0, BUF + 4096, SLOT(0), 163);
	check(cond(COND_CONSERVED) == COND_UNMET);

	machine(); /* … unless it is the last that this CPU told */
	bounced(0, BUF + 4096, SLOT(0), 163);
	bounce(1, BUF, 64);
	check(outcome() == OUTCOME_PROVEN);
}

static void test_opening(void)
{
	machine_in_window(); /* the bounce came before the events were on */
	map(0, BUF, SLOT(0), 163);
	bounced(1, BUF + 4096, SLOT(1), 64);
	check(outcome() == OUTCOME_PROVEN);

	machine_in_window(); /* this CPU had told something since */
	bounced(0, BUF, SLOT(0), 163);
	map(0, BUF + 4096, SLOT(1), 64);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_REFUTED);

	machine_in_window(); /* in flight on this CPU while another one told the first bounce */
	bounced(1, BUF + 4096, SLOT(1), 64);
	map(0, BUF, SLOT(0), 163);
	check(outcome() == OUTCOME_PROVEN);

	machine_in_window(); /* not one bounce: are they told at all? */
	map(0, BUF, SLOT(0), 163);
	map(0, BUF + 4096, SLOT(1), 163);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_UNDECIDED);
}

static void test_lifecycle(void)
{
	machine();
	bounced(0, BUF, SLOT(0), 163);
	sync_to(0, SLOT(0) + 100, 63); /* a part */
	check(outcome() == OUTCOME_PROVEN);
	sync_to(0, SLOT(0) + 100, 64);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);

	machine();
	bounced(0, BUF, SLOT(0), 163);
	sync_to(0, SLOT(0), 163)->dir = EVENT_FROM_DEVICE;
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);

	machine(); /* BIDIRECTIONAL may be synced in any direction */
	bounced(0, BUF, SLOT(0), 163)->dir = EVENT_BIDIRECTIONAL;
	sync_to(0, SLOT(0), 163)->dir = EVENT_FROM_DEVICE;
	check(outcome() == OUTCOME_PROVEN);

	machine();
	bounced(0, BUF, SLOT(0), 163);
	unmap(0, SLOT(0), 163);
	unmap(0, SLOT(0), 163);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);

	machine();
	bounced(0, BUF, SLOT(0), 163);
	unmap(0, SLOT(0), 162);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);

	machine();
	bounced(0, BUF, SLOT(0), 163);
	unmap(0, SLOT(0), 163)->dev = dev2;
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);

	machine();
	bounced(0, BUF, SLOT(0), 163);
	unmap(0, SLOT(0), 163)->dir = EVENT_FROM_DEVICE;
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);

	machine(); /* probes do not tell the direction */
	bounced(0, BUF, SLOT(0), 163);
	transfer(0, EVENT_UNMAP, EVENT_NO_ADDR, SLOT(0), 163, EVENT_DIR_NONE)->flags =
		EVENT_F_NO_DIR;
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* the shared bit belongs to the address */
	facts->realm.ipa_bits = 33;
	bounced(0, BUF, SLOT(0) | ALIAS, 163);
	unmap(0, SLOT(0), 163);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);
}

static void test_races(void)
{
	machine(); /* CPU 1 was in the unmap while CPU 0 took the slot, or it was given twice */
	bounced(0, BUF, SLOT(0), 163);
	bounced(0, BUF + 4096, SLOT(0), 64);
	unmap(1, SLOT(0), 163);
	unmap(0, SLOT(0), 64);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_UNDECIDED);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_HOLDS);

	machine(); /* twice the same kind: the first unmap is the later mapping's */
	bounced(0, BUF, SLOT(0), 163);
	bounced(0, BUF + 4096, SLOT(0), 163);
	unmap(0, SLOT(0), 163);
	unmap(1, SLOT(0), 163);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_UNDECIDED);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_HOLDS);

	machine(); /* CPU 1 told something since: at best a preempted task */
	bounced(0, BUF, SLOT(0), 163);
	bounced(0, BUF + 4096, SLOT(0), 64);
	put((struct event){ .kind = EVENT_FORK, .cpu = 1 });
	unmap(1, SLOT(0), 163);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_UNDECIDED);

	machine(); /* one task on one CPU: no race */
	bounced(0, BUF, SLOT(0), 163);
	bounced(0, BUF + 4096, SLOT(0), 64);
	unmap(0, SLOT(0), 163);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);

	machine(); /* the late unmap was taken for the newer mapping's, of which a part is synced */
	bounced(0, BUF, SLOT(0), 163);
	bounced(1, BUF + 4096, SLOT(0), 163);
	unmap(1, SLOT(0), 163)->pid = 77;
	sync_to(0, SLOT(0) + 100, 63);
	unmap(1, SLOT(0), 163);
	check(claim(CLAIM_LIFECYCLE) != CLAIM_REFUTED);
	sync_to(0, SLOT(1), 63); /* this is no part of it */
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);

	machine(); /* the unmap never comes, and every CPU told something since */
	bounced(0, BUF, SLOT(0), 163);
	bounced(0, BUF + 4096, SLOT(0), 64);
	for (unsigned int c = 0; c < 4; c++)
		put((struct event){ .kind = EVENT_FORK, .cpu = c });
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);

	machine(); /* a free is told before the memory is free: no race */
	facts->realm.is_realm = TRI_NO;
	alloc(0, PAGES, 4096);
	alloc(0, PAGES, 4096);
	free_alloc(1, PAGES, 4096);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);
}

/* An end that is told for another mapping, or a sync, does not settle who had the slot. */
static void test_race_with_older(void)
{
	machine_in_window();
	put((struct event){ .kind = EVENT_FORK });
	sync_to(2, SLOT(0) + 14, 2);
	bounced(1, BUF, SLOT(0), 16);
	unmap(2, SLOT(0), 16);
	sync_to(0, SLOT(0), 16);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_UNDECIDED);

	machine_in_window(); /* its own unmap, in a race */
	put((struct event){ .kind = EVENT_FORK });
	sync_to(2, SLOT(0) + 14, 2);
	bounced(1, BUF, SLOT(0), 16);
	unmap(2, SLOT(0), 32);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_UNDECIDED);
}

/*
 * The first unmap is an older mapping's, told late; so the second is the first one's of the
 * stream, told when its slot has the second one.
 */
static void test_late_chain(void)
{
	machine_in_window();
	put((struct event){ .kind = EVENT_FORK });
	bounced(2, BUF, SLOT(0), 512);
	unmap(0, SLOT(0), 512);
	bounced(2, BUF + 4096, SLOT(0), 163);
	put((struct event){ .kind = EVENT_FORK, .cpu = 1 });
	unmap(1, SLOT(0), 512);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_UNDECIDED);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_UNDECIDED);
	unmap(1, SLOT(0), 512); /* once */
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);

	machine_in_window(); /* CPU 0 was not in an unmap when it was mapped */
	put((struct event){ .kind = EVENT_FORK });
	bounced(2, BUF, SLOT(0), 512);
	put((struct event){ .kind = EVENT_FORK });
	unmap(0, SLOT(0), 512);
	bounced(2, BUF + 4096, SLOT(0), 163);
	put((struct event){ .kind = EVENT_FORK, .cpu = 1 });
	unmap(1, SLOT(0), 512);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);
}

/* What is remembered of one device's addresses says nothing of another's. */
static void test_forgotten(void)
{
	machine_in_window();
	for (uint64_t i = 0; i < 120; i++)
		unmap(0, BUF + i * i * 7919 % 16384 * 2048, 64);
	for (uint64_t i = 0; i < 120; i++)
		unmap(0, BUF + i * i * 7919 % 16384 * 2048, 64)->dev = dev2;
	check(claim(CLAIM_LIFECYCLE) == CLAIM_HOLDS);
}

static void failed(unsigned int cpu, uint64_t orig, uint64_t size)
{
	transfer(cpu, EVENT_MAP_FAILED, orig, EVENT_NO_ADDR, size, EVENT_TO_DEVICE)->flags =
		EVENT_F_SG;
}

static void test_failed_maps(void)
{
	machine(); /* the third entry was not reached */
	bounced(0, BUF, SLOT(0), 163);
	bounce(0, BUF, 4096);
	bounce(0, BUF + 8192, 2048);
	failed(0, BUF, 4096);
	failed(0, BUF + 8192, 2048);
	failed(0, BUF + 16384, 2048);
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* the kernel does not tell sizes of a list that failed */
	bounced(0, BUF, SLOT(0), 163);
	bounce(0, BUF, 4096);
	bounce(0, BUF + 8192, 2048);
	failed(0, BUF, 0);
	failed(0, BUF + 8192, 0);
	failed(0, BUF + 16384, 0);
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* it does not answer for another's bounce */
	bounced(0, BUF, SLOT(0), 163);
	bounce(0, BUF, 4096);
	bounce(0, BUF + 8192, 2048);
	bounce(0, BUF + 8192, 2048);
	failed(0, BUF, 4096);
	failed(0, BUF + 8192, 2048);
	failed(0, BUF + 16384, 2048);
	put((struct event){ .kind = EVENT_FORK });
	check(cond(COND_CONSERVED) == COND_UNMET);

	machine(); /* … nor one of another size */
	bounced(0, BUF, SLOT(0), 163);
	bounce(0, BUF, 4096);
	failed(0, BUF, 2048);
	put((struct event){ .kind = EVENT_FORK });
	check(cond(COND_CONSERVED) == COND_UNMET);

	machine(); /* a softirq's map fails between a bounce and its map */
	bounce(0, BUF, 2048);
	map(0, BUF + 8192, EVENT_NO_ADDR, 2048);
	map(0, BUF, SLOT(0), 2048);
	check(outcome() == OUTCOME_PROVEN);
}

/* The kernel's log of a full pool is about a bounce whose map failed, and no other failure. */
static void test_full_pool(void)
{
	machine();
	facts->window.nkernel_log = 1;
	facts->window.kernel_log = xcalloc(1, sizeof(*facts->window.kernel_log));
	facts->window.kernel_log[0] = xstrdup("0000:00:01.0: swiotlb buffer is full (sz: 4096)");
	bounced(0, BUF, SLOT(0), 163);
	alloc(0, EVENT_NO_ADDR, 4096);
	check(cond(COND_ENVIRONMENT_STABLE) == COND_UNMET);
	bounced(0, BUF, EVENT_NO_ADDR, 4096);
	check(outcome() == OUTCOME_PROVEN);
}

static void test_sg(void)
{
	machine();
	bounced(0, BUF, SLOT(0), 512)->flags = EVENT_F_SG;
	bounced(0, BUF + 512, SLOT(1), 512)->flags = EVENT_F_SG;
	unmap_sg(1, BUF);
	unmap_sg(1, BUF + 512);
	check(outcome() == OUTCOME_PROVEN);
	unmap_sg(1, BUF);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);

	machine(); /* one buffer mapped twice: the first mapping ended, then the second */
	bounced(0, BUF, SLOT(0), 512)->flags = EVENT_F_SG;
	bounced(0, BUF, SLOT(1), 512)->flags = EVENT_F_SG;
	unmap_sg(0, BUF);
	bounced(0, BUF + 4096, SLOT(0), 64);
	unmap_sg(0, BUF);
	bounced(0, BUF + 8192, SLOT(1), 64);
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* … but only one of them can have */
	bounced(0, BUF, SLOT(0), 512)->flags = EVENT_F_SG;
	bounced(0, BUF, SLOT(1), 512)->flags = EVENT_F_SG;
	unmap_sg(0, BUF);
	bounced(0, BUF + 4096, SLOT(0), 64);
	bounced(0, BUF + 8192, SLOT(1), 64);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);

	machine(); /* … also where one newer mapping has the slots of both */
	bounced(0, BUF, SLOT(0), 512)->flags = EVENT_F_SG;
	bounced(0, BUF, SLOT(1), 512)->flags = EVENT_F_SG;
	unmap_sg(0, BUF);
	bounced(0, BUF + 4096, SLOT(0), 4096);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);

	machine(); /* one that was mapped after the unmap is not the one that ended */
	bounced(0, BUF, SLOT(0), 512)->flags = EVENT_F_SG;
	bounced(0, BUF, SLOT(1), 512)->flags = EVENT_F_SG;
	unmap_sg(0, BUF);
	bounced(0, BUF, SLOT(2), 512)->flags = EVENT_F_SG;
	check(outcome() == OUTCOME_PROVEN);
	bounced(0, BUF + 4096, SLOT(2), 64);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);

	machine(); /* nor is one that is synced, and not both can be live */
	bounced(0, BUF, SLOT(0), 512)->flags = EVENT_F_SG;
	bounced(0, BUF, SLOT(1), 512)->flags = EVENT_F_SG;
	unmap_sg(0, BUF);
	sync_to(0, SLOT(0), 512);
	check(outcome() == OUTCOME_PROVEN);
	sync_to(0, SLOT(1), 512);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);

	machine(); /* the synced one's slot is given away */
	bounced(0, BUF, SLOT(0), 512)->flags = EVENT_F_SG;
	bounced(0, BUF, SLOT(1), 512)->flags = EVENT_F_SG;
	unmap_sg(0, BUF);
	sync_to(0, SLOT(0), 512);
	bounced(0, BUF + 4096, SLOT(0), 64);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);

	machine();
	bounced(0, BUF, SLOT(0), 512)->flags = EVENT_F_SG;
	put((struct event){ .kind = EVENT_SG_TRUNCATED, .dev = dev1 });
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
	check(cond(COND_NOT_TRUNCATED) == COND_UNMET);
}

static void test_places(void)
{
	machine(); /* the last byte is outside the pool */
	bounced(0, BUF, POOL_LAST - 161, 163);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine(); /* … and this one is the last inside */
	bounced(0, BUF, POOL_LAST - 162, 163);
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* neither RAM nor pool */
	bounced(0, BUF, RAM_LAST + 1, 163);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);

	machine(); /* bounds may be incomplete */
	facts->swiotlb.dynamic = TRI_YES;
	bounced(0, BUF, PAGES, 163);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);

	machine(); /* a size that wraps around */
	facts->realm.ipa_bits = 33;
	bounced(0, BUF, SLOT(0) | ALIAS, UINT64_MAX);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine(); /* a size that leaves the alias and comes back to the bit */
	facts->realm.ipa_bits = 33;
	bounced(0, BUF, SLOT(0) | ALIAS, 2 * ALIAS);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine(); /* above the alias */
	facts->realm.ipa_bits = 33;
	bounced(0, BUF, SLOT(0) | ALIAS | (ALIAS << 3), 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);

	machine(); /* a shared bit that all RAM carries */
	facts->realm.shared_bit = RAM;
	bounced(0, BUF, SLOT(0), 64);
	map(0, BUF, BUF, 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine(); /* the kernel calls it shared, nothing shows it */
	bounced(0, BUF, SLOT(0), 64);
	map(0, BUF, BUF, 64)->attrs = EVENT_ATTR_CC_SHARED;
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_UNDECIDED);

	machine(); /* … and here the address does */
	facts->realm.ipa_bits = 33;
	map(0, BUF, BUF | ALIAS, 64)->attrs = EVENT_ATTR_CC_SHARED;
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* … but not where it names another buffer */
	facts->realm.ipa_bits = 33;
	map(0, BUF, PAGES | ALIAS, 64)->attrs = EVENT_ATTR_CC_SHARED;
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_REFUTED);

	machine(); /* a shared buffer that was allocated in the pool */
	map(0, SLOT(3), SLOT(3), 64);
	check(outcome() == OUTCOME_PROVEN);
}

static void test_inferred_bit(void)
{
	machine();
	bounced(0, BUF, SLOT(0) | ALIAS, 64);
	alloc(0, PAGES | ALIAS, 4096);
	check(outcome() == OUTCOME_PROVEN);
	check(last->totals.shared_bit == ALIAS && last->totals.shared_bit_inferred);

	alloc(0, (PAGES + 0x10000) | (ALIAS << 1), 4096); /* another bit */
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);

	machine(); /* one pair without it contradicts */
	bounced(0, BUF, SLOT(0) | ALIAS, 64);
	bounced(0, BUF, SLOT(1), 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);

	machine(); /* no pair, no evidence */
	alloc(0, PAGES | ALIAS, 4096);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
}

static void test_coherent(void)
{
	machine(); /* a plain Realm: only the decrypt shows it */
	alloc(0, PAGES, 4096);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);

	machine();
	change_virt(EVENT_DECRYPT, PAGES, 8192);
	alloc(0, PAGES, 6726);
	check(outcome() == OUTCOME_PROVEN);
	change_virt(EVENT_ENCRYPT, PAGES, 8192);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine(); /* a part of it is mapped, and a part of that part */
	bounced(0, BUF, SLOT(0), 64);
	change_virt(EVENT_DECRYPT, PAGES, 8192);
	alloc(0, PAGES, 6726);
	unmap(0, SLOT(0), 64);
	map(0, PAGES, PAGES, 1024);
	map(0, PAGES + 128, PAGES + 128, 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_HOLDS);

	machine(); /* a part of it is not enough */
	change_virt(EVENT_DECRYPT, PAGES, 4096);
	alloc(0, PAGES, 6726);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);

	machine(); /* a decrypt that failed */
	change_virt(EVENT_DECRYPT, PAGES, 8192)->aux = 1;
	alloc(0, PAGES, 6726);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);

	machine(); /* free first, then encrypt */
	change_virt(EVENT_DECRYPT, PAGES, 8192);
	alloc(0, PAGES, 6726);
	free_alloc(0, PAGES, 6726);
	change_virt(EVENT_ENCRYPT, PAGES, 8192);
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* the pool's memory is taken back under a mapping */
	bounced(0, BUF, SLOT(0), 64);
	put((struct event){ .kind = EVENT_ENCRYPT, .orig = POOL, .size = 4096 });
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);
}

static void test_inherited(void)
{
	machine_in_window(); /* known by a sync, then by its unmap */
	bounced(0, BUF, SLOT(9), 64);
	sync_to(0, SLOT(0) + 64, 64);
	sync_to(0, SLOT(0), 64);
	unmap(0, SLOT(0), 1536);
	check(outcome() == OUTCOME_PROVEN);
	check(last->totals.events == 5 && last->devices[0].totals.inherited == 2);

	machine_in_window(); /* given protected memory before the window */
	bounced(0, BUF, SLOT(9), 64);
	unmap(0, BUF, 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine_in_window(); /* a sync may concern coherent memory */
	bounced(0, BUF, SLOT(9), 64);
	sync_to(0, PAGES, 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);

	machine_in_window(); /* dma_unmap_sg does not name the address */
	bounced(0, BUF, SLOT(9), 64);
	unmap_sg(0, BUF + 4096);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);

	machine_in_window(); /* its slot is taken while its unmap is on its way */
	put((struct event){ .kind = EVENT_FORK, .cpu = 1 });
	bounced(0, BUF, SLOT(0), 64);
	unmap(1, SLOT(0), 1536);
	unmap(0, SLOT(0), 64);
	check(claim(CLAIM_LIFECYCLE) != CLAIM_REFUTED);

	machine_in_window(); /* two older ones of a slot, the first unmap on its way since before */
	bounced(0, BUF, SLOT(9), 64);
	unmap(0, SLOT(0), 1536);
	unmap(1, SLOT(0), 64);
	check(claim(CLAIM_LIFECYCLE) != CLAIM_REFUTED);

	machine_in_window(); /* … and the other way round, one of them known by a sync */
	bounced(0, BUF, SLOT(9), 64);
	sync_to(0, SLOT(0), 64);
	unmap(1, SLOT(0), 1536);
	unmap(0, SLOT(0), 64);
	check(claim(CLAIM_LIFECYCLE) != CLAIM_REFUTED);

	machine_in_window(); /* one that was taken for the older, its unmap told by a preempted task
			      */
	bounced(2, BUF, SLOT(9), 64);
	bounced(2, BUF, SLOT(0), 66);
	unmap(3, SLOT(0), 66); /* of the one before, as told late */
	sync_to(2, SLOT(0), 66);
	bounced(1, BUF + 4096, SLOT(0), 16)->dir = EVENT_FROM_DEVICE;
	put((struct event){ .kind = EVENT_FORK, .cpu = 2 });
	unmap(2, SLOT(0), 66)->pid = 77;
	check(claim(CLAIM_LIFECYCLE) == CLAIM_UNDECIDED);

	machine_in_window(); /* what another device showed of a slot does not hide whose it was */
	bounced(0, BUF, SLOT(9), 64);
	sync_to(0, SLOT(0), 2048);
	sync_to(0, SLOT(0) + 8, 1)->dev = dev2;
	unmap(0, SLOT(0), 16)->dev = dev2;
	bounced(0, BUF, SLOT(0), 1505);
	for (unsigned int c = 0; c < 4; c++)
		put((struct event){ .kind = EVENT_FORK, .cpu = c });
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_UNDECIDED);

	machine_in_window(); /* a newer one took a slot in the midst of it; its unmap was on its way
			      */
	put((struct event){ .kind = EVENT_FORK, .cpu = 1 });
	sync_to(0, SLOT(0), 3 * 2048);
	bounced(0, BUF, SLOT(1), 64);
	unmap(1, SLOT(0), 3 * 2048);
	check(claim(CLAIM_LIFECYCLE) != CLAIM_REFUTED);

	machine(); /* armed at boot there is no such thing */
	bounced(0, BUF, SLOT(9), 64);
	unmap(0, SLOT(0), 1536);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);
}

static void test_devices(void)
{
	machine(); /* accepted: protected memory is fine, the pool is not */
	put((struct event){ .kind = EVENT_TSM, .dev = dev1, .aux = EVENT_TSM_RUN });
	map(0, BUF, BUF, 64);
	check(outcome() == OUTCOME_PROVEN);
	map(0, BUF, SLOT(0), 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine(); /* … but only as long as it is, and it is told apart */
	put((struct event){ .kind = EVENT_TSM, .dev = dev1, .aux = EVENT_TSM_RUN });
	map(0, BUF, BUF, 64);
	put((struct event){ .kind = EVENT_TSM, .dev = dev1, .aux = EVENT_TSM_ERROR });
	check(outcome() == OUTCOME_PROVEN); /* it reaches nothing now */
	check(strstr(last->reason, "1 more went to devices that the Realm had accepted"));
	check(last->devices[0].trusted);
	put((struct event){ .kind = EVENT_TSM, .dev = dev1, .aux = EVENT_TSM_UNLOCKED });
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine();
	bounced(0, BUF, SLOT(0), 64);
	put((struct event){ .kind = EVENT_TSM, .dev = dev1, .aux = EVENT_TSM_LOCKED });
	check(outcome() == OUTCOME_PROVEN);
	put((struct event){ .kind = EVENT_TSM, .dev = dev1, .aux = EVENT_TSM_RUN });
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine(); /* … nor by its alias */
	facts->realm.ipa_bits = 33;
	put((struct event){ .kind = EVENT_TSM, .dev = dev1, .aux = EVENT_TSM_RUN });
	map(0, BUF, SLOT(0) | ALIAS, 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine(); /* an IOMMU: the memory counts, not the number */
	facts->pci[0].iommu_group = xstrdup("1");
	map(0, SLOT(5), 0xfffff000, 64);
	check(outcome() == OUTCOME_PROVEN);
	map(0, BUF, 0xffffe000, 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);

	machine(); /* … and two devices have the same numbers */
	facts->pci[0].iommu_group = xstrdup("1");
	facts->pci[1].iommu_group = xstrdup("2");
	map(0, SLOT(5), 0xfffff000, 64);
	map(0, SLOT(6), 0xfffff000, 64)->dev = dev2;
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* no driver, and yet it has a mapping */
	bounced(0, BUF, SLOT(0), 64);
	check(cond(COND_DEVICES_KNOWN) == COND_MET);
	free(facts->pci[0].driver);
	facts->pci[0].driver = NULL;
	check(cond(COND_DEVICES_KNOWN) == COND_UNMET);

	machine(); /* a name of a network interface is no DMA device */
	bounced(0, BUF, SLOT(0), 64);
	put((struct event){ .kind = EVENT_NET_XMIT, .dev = names_intern(names, "eth0", 4) });
	check(outcome() == OUTCOME_PROVEN);
	check(last->ndevices == 1);
}

static void test_window(void)
{
	machine();
	facts->trace.nonce = 7;
	facts->trace.ncanaries = 1;
	facts->trace.canaries = xcalloc(1, sizeof(*facts->trace.canaries));
	facts->trace.canaries[0] = (struct platform_canary){ .device = xstrdup("0000:00:01.0"),
							     .kind = xstrdup("net-datagram"),
							     .size = 1234 };
	info.by_ccaio = true;
	put((struct event){ .kind = EVENT_MARK, .aux = EVENT_MARK_START, .link = 7 });
	bounced(0, BUF, SLOT(0), 1234);
	put((struct event){ .kind = EVENT_MARK, .aux = EVENT_MARK_STOP, .link = 7 });
	check(outcome() == OUTCOME_PROVEN);

	stream[0].kind = EVENT_FORK; /* no start marker: no window, and no canary in it */
	check(cond(COND_WINDOW_MARKED) == COND_UNMET);
	check(cond(COND_CANARY_SEEN) == COND_UNMET);
	stream[0].kind = EVENT_MARK;

	stream[0].link = 8; /* of another run */
	check(cond(COND_WINDOW_MARKED) == COND_UNMET);
	stream[0].link = 7;

	stream[3].aux = EVENT_MARK_START; /* it opens and never closes */
	check(cond(COND_WINDOW_MARKED) == COND_UNMET);
	stream[3].aux = EVENT_MARK_STOP;

	facts->trace.canaries[0].size = 1235;
	check(cond(COND_CANARY_SEEN) == COND_UNMET);
	facts->trace.canaries[0].size = 64; /* only after the stop marker */
	bounced(0, BUF + 4096, SLOT(4), 64);
	check(cond(COND_CANARY_SEEN) == COND_UNMET);

	put((struct event){ .kind = EVENT_FORK, .cpu = 3 }); /* a CPU without markers */
	info.ncpus = 1;
	check(cond(COND_WINDOW_MARKED) == COND_UNMET);
}

static void test_setting(void)
{
	machine();
	bounced(0, BUF, SLOT(0), 64);
	facts->realm.is_realm = TRI_UNKNOWN;
	check(outcome() == OUTCOME_INCONCLUSIVE);
	facts->realm.is_realm = TRI_NO;
	check(outcome() == OUTCOME_PROVEN);
	check(last->setting == SETTING_REHEARSAL);

	machine(); /* nothing to judge */
	put((struct event){ .kind = EVENT_FORK });
	check(outcome() == OUTCOME_INCONCLUSIVE);

	machine(); /* more slots live than the kernel ever used, and one call may be under way */
	facts->swiotlb.used_hiwater = 0;
	bounced(0, BUF, POOL, 128 * 2048);
	check(cond(COND_CONSERVED) == COND_MET);
	facts->swiotlb.pools[0].range.end += 2048;
	facts->swiotlb.slots = 129;
	bounced(0, BUF, POOL + 128 * 2048, 64);
	check(cond(COND_CONSERVED) == COND_UNMET);
	memcpy(facts->swiotlb.pools[0].name, "another", 8); /* restricted pools count apart */
	check(cond(COND_CONSERVED) == COND_MET);
}

/* A buffer that was cleared: its counters start anew, behind what came out of it. */
static void test_cleared(void)
{
	machine();
	bounced(0, BUF, SLOT(0), 163);
	cpus[0].has_read = true;
	cpus[0].read = 2;
	check(outcome() == OUTCOME_PROVEN);
	cpus[0].read = 1;
	check(cond(COND_NOTHING_LOST) == COND_UNMET);
	check(strstr(last->conds[COND_NOTHING_LOST].reason,
		     "CPU 0 was cleared while it was recorded"));
	check(outcome() == OUTCOME_INCONCLUSIVE);
	cpus[0].left = 1; /* another recorder looked before the last event was read */
	check(outcome() == OUTCOME_PROVEN);
	info.by_ccaio = true; /* ccaio looks afterwards; an instance that stays goes on filling */
	check(cond(COND_NOTHING_LOST) == COND_UNMET);

	machine(); /* what is not there afterwards refutes nothing */
	bounced(0, BUF, SLOT(0), 163);
	unmap(0, SLOT(1), 64);
	cpus[0].has_read = true;
	check(claim(CLAIM_LIFECYCLE) == CLAIM_UNDECIDED);
}

int main(void)
{
	test_cleared();
	test_pairs();
	test_opening();
	test_lifecycle();
	test_races();
	test_race_with_older();
	test_late_chain();
	test_forgotten();
	test_failed_maps();
	test_full_pool();
	test_sg();
	test_places();
	test_inferred_bit();
	test_coherent();
	test_inherited();
	test_devices();
	test_window();
	test_setting();
	machine_release();
	return done();
}
