/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the judge finds memory shared: pools, aliases, what was decrypted, accepted devices. */
#include "tests/unit/judge-fixture.h"
#include "tests/unit/test.h"

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
	map(0, BUF, BUF, 64); /* … is contradicted, and refutes nothing */
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
	check(cond(COND_FACTS_CONSISTENT) == COND_UNMET);

	machine(); /* the kernel calls it shared, nothing shows it */
	bounced(0, BUF, SLOT(0), 64);
	map(0, BUF, BUF, 64)->attrs = EVENT_ATTR_CC_SHARED;
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_UNDECIDED);

	machine(); /* … and here the address does */
	facts->realm.ipa_bits = 33;
	map(0, BUF, BUF | ALIAS, 64)->attrs = EVENT_ATTR_CC_SHARED;
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* … but nothing says that the buffer is shared */
	facts->realm.ipa_bits = 33;
	map(0, BUF, BUF | ALIAS, 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_HOLDS);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_UNDECIDED);

	machine(); /* … unless it is a part of an allocation */
	facts->realm.ipa_bits = 33;
	alloc(0, BUF | ALIAS, 4096);
	map(0, BUF + 64, (BUF + 64) | ALIAS, 64);
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* … but not where it names another buffer */
	facts->realm.ipa_bits = 33;
	map(0, BUF, PAGES | ALIAS, 64)->attrs = EVENT_ATTR_CC_SHARED;
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_REFUTED);

	machine(); /* a shared buffer that was allocated in the pool */
	map(0, SLOT(3), SLOT(3), 64);
	check(outcome() == OUTCOME_PROVEN);
}

/* A bus that offsets addresses: the bounce names the bus address, its map the physical one. */
static void test_offset(void)
{
	machine();
	bounce(0, BUF + 0x40000000, 64);
	map(0, BUF, SLOT(0) + 0x40000000, 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_HOLDS);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_UNDECIDED);
	unmap(0, SLOT(0) + 0x40000000, 64);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_HOLDS);

	machine(); /* … but not where the address is a slot's as it is */
	bounce(0, BUF + 0x40000000, 64);
	map(0, BUF, SLOT(0), 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_HOLDS);
	map(0, BUF, BUF, 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);
}

/* In a rehearsal a coherent allocation stands for shared memory, whoever maps it. */
static void test_rehearsal_coherent(void)
{
	machine();
	facts->realm.is_realm = TRI_NO;
	alloc(0, PAGES, 4096);
	map(0, PAGES + 64, PAGES + 64, 64)->dev = dev2;
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_HOLDS);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_HOLDS);
	alloc(0, RAM_LAST + 0x10001, 4096); /* no memory of the kernel's own */
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_HOLDS);
	map(0, PAGES + 8192, PAGES + 8192, 64);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_REFUTED);
}

/* The address that stands for a failed map was never given to anybody. */
static void test_unmap_of_error(void)
{
	machine_in_window();
	bounced(0, BUF, SLOT(9), 64);
	unmap(0, EVENT_NO_ADDR, 64);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_HOLDS);
}

static void test_mmio(void)
{
	const uint64_t bar = 0x10000000;

	machine(); /* one device reaches another's registers */
	map(0, bar, bar, 64)->attrs = EVENT_ATTR_MMIO;
	unmap(0, bar, 64)->attrs = EVENT_ATTR_MMIO;
	check(outcome() == OUTCOME_PROVEN);

	machine(); /* RAM is no register, whatever the map says: outside … */
	map(0, BUF, bar, 64)->attrs = EVENT_ATTR_MMIO;
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_REFUTED);

	machine(); /* … and to a slot, without a bounce */
	map(0, BUF, SLOT(0), 64)->attrs = EVENT_ATTR_MMIO;
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_REFUTED);
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

/* What changed shows nothing where it is not known that its opposite would be reported. */
static void test_one_change_only(void)
{
	struct event *change;

	for (int without = 0; without < 3; without++) {
		machine(); /* one of the two, or no list of what was on */
		facts->trace.events[without % 2][11] = 'x';
		facts->trace.events_known = without < 2;
		change_virt(EVENT_DECRYPT, PAGES, 8192);
		alloc(0, PAGES, 6726);
		check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
	}

	for (int listed = 0; listed < 2; listed++) {
		machine(); /* neither shared nor protected: a buffer … */
		facts->trace.events_known = listed;
		put((struct event){ .kind = EVENT_DECRYPT, .orig = BUF, .size = 4096 });
		map(0, BUF, BUF, 64);
		check(claim(CLAIM_DMA_IN_SHARED) == (listed ? CLAIM_HOLDS : CLAIM_UNDECIDED));
		check(claim(CLAIM_BOUNCE_PAIRED) == (listed ? CLAIM_HOLDS : CLAIM_UNDECIDED));
		map(0, BUF + 4095, BUF + 4095, 2); /* … and where it ends */
		check(claim(CLAIM_DMA_IN_SHARED) == (listed ? CLAIM_REFUTED : CLAIM_UNDECIDED));

		machine(); /* … and the pool's memory, which was taken back */
		facts->trace.events_known = listed;
		change = put((struct event){ .kind = EVENT_ENCRYPT, .orig = POOL, .size = 4096 });
		bounced(0, BUF, SLOT(0), 64);
		check(claim(CLAIM_DMA_IN_SHARED) == (listed ? CLAIM_REFUTED : CLAIM_UNDECIDED));
		change->kind = EVENT_DECRYPT;
		check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_HOLDS);
	}
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

	for (int newer = 0; newer < 2; newer++) {
		machine(); /* two at one place, one decrypted: the older one counts … */
		bounced(0, BUF, SLOT(0), 64);
		change_virt(EVENT_DECRYPT, PAGES, 8192);
		alloc(0, PAGES, 6726)->link += newer ? 1 << 20 : 0;
		unmap(0, SLOT(0), 64); /* … though the ledger now has room before it */
		alloc(0, PAGES, 8192)->link += newer ? 0 : 1 << 20;
		map(0, PAGES + 128, PAGES + 128, 64)->attrs = EVENT_ATTR_CC_SHARED;
		check(claim(CLAIM_BOUNCE_PAIRED) == (newer ? CLAIM_UNDECIDED : CLAIM_HOLDS));
	}

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

	machine(); /* … under one that has probably ended: its first slot was given to another */
	bounced(0, BUF, SLOT(0), 4096);
	bounced(1, BUF + 8192, SLOT(0), 64);
	unmap(1, SLOT(0), 64);
	put((struct event){ .kind = EVENT_ENCRYPT, .orig = POOL, .size = 4096 });
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
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

int main(void)
{
	test_places();
	test_mmio();
	test_offset();
	test_rehearsal_coherent();
	test_unmap_of_error();
	test_inferred_bit();
	test_one_change_only();
	test_coherent();
	test_devices();
	machine_release();
	return done();
}
