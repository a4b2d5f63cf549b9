/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The judge pairs bounces with maps. */
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

	machine(); /* … unless it is the last that this CPU reported */
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

	machine_in_window(); /* this CPU had reported something since */
	bounced(0, BUF, SLOT(0), 163);
	map(0, BUF + 4096, SLOT(1), 64);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_REFUTED);

	machine_in_window(); /* in flight on this CPU while another one reported the first bounce */
	bounced(1, BUF + 4096, SLOT(1), 64);
	map(0, BUF, SLOT(0), 163);
	check(outcome() == OUTCOME_PROVEN);

	machine_in_window(); /* not one bounce: are they reported at all? */
	map(0, BUF, SLOT(0), 163);
	map(0, BUF + 4096, SLOT(1), 163);
	check(claim(CLAIM_BOUNCE_PAIRED) == CLAIM_UNDECIDED);
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

static struct event *list_failed(unsigned int cpu, uint32_t entries)
{
	struct event *ev =
		transfer(cpu, EVENT_MAP_FAILED, EVENT_NO_ADDR, EVENT_NO_ADDR, 0, EVENT_DIR_NONE);

	ev->flags = EVENT_F_SG | EVENT_F_PROBE;
	ev->aux = entries;
	return ev;
}

static bool is_conserved(void)
{
	put((struct event){ .kind = EVENT_FORK });
	return cond(COND_CONSERVED) == COND_MET;
}

/* Of a list that did not fit the bounces are reported, and by its return that it failed. */
static void test_failed_list(void)
{
	machine();
	bounced(0, BUF, SLOT(0), 163);
	bounce(0, BUF + 4096, 4096);
	bounce(0, BUF + 8192, 2048);
	put((struct event){ .kind = EVENT_FORK }); /* the kernel's message on a console, say */
	list_failed(0, 3);
	put((struct event){ .kind = EVENT_FORK });
	check(outcome() == OUTCOME_PROVEN);
	check(last->totals.failed_maps == 2 && last->totals.maps == 1);

	machine(); /* once */
	bounce(0, BUF, 4096);
	bounce(0, BUF + 4096, 4096);
	list_failed(0, 2);
	bounce(0, BUF, 4096);
	bounce(0, BUF + 4096, 4096);
	check(!is_conserved());
	list_failed(0, 2);
	check(is_conserved());

	machine(); /* no more than it has entries */
	bounce(0, BUF, 4096);
	bounce(0, BUF + 4096, 4096);
	list_failed(0, 1);
	check(!is_conserved());
}

/* What may be another's stays open. */
static void test_failed_list_of_another(void)
{
	machine(); /* of another task, device or, in the idle task, CPU */
	bounce(0, BUF, 4096);
	list_failed(1, 1);
	check(!is_conserved());
	machine();
	bounce(0, BUF, 4096);
	list_failed(0, 1)->dev = dev2;
	check(!is_conserved());
	for (unsigned int on = 0; on < 2; on++) {
		machine();
		bounce(0, BUF, 4096)->pid = 0;
		list_failed(on, 1)->pid = 0;
		check(is_conserved() == !on);
	}

	machine(); /* the task went on to other calls: no return was reported of what it had bounced
		    */
	bounce(0, BUF, 4096);
	bounced(0, BUF + 4096, SLOT(0), 163);
	bounce(0, BUF + 8192, 4096);
	list_failed(0, 4);
	check(!is_conserved());
	machine();
	bounce(0, BUF, 4096);
	map(0, BUF + 4096, EVENT_NO_ADDR, 4096);
	list_failed(0, 4);
	check(!is_conserved());

	machine(); /* behind an IOMMU there are mappings that no event tells */
	facts->pci[0].iommu_group = xstrdup("0");
	facts->pci[0].iommu_type = xstrdup("DMA-FQ");
	bounce(0, BUF, 4096);
	list_failed(0, 1);
	check(!is_conserved());
}

/* An interrupt's list fails while the task that it interrupts maps one of the same device. */
static void test_failed_list_within(void)
{
	static const uint8_t contexts[] = { EVENT_CONTEXT_SOFTIRQ, EVENT_CONTEXT_HARDIRQ, 0,
					    EVENT_CONTEXT_UNKNOWN };

	for (size_t i = 0; i < sizeof(contexts); i++) {
		machine();
		bounce(0, BUF, 2048);
		bounce(0, BUF + 4096, 2048)->context = contexts[i];
		list_failed(0, 8)->context = contexts[i];
		if (contexts[i] == 0) /* it is one list then */
			check(is_conserved());
		map(0, BUF, SLOT(0), 2048)->flags = EVENT_F_SG;
		if (contexts[i] == EVENT_CONTEXT_UNKNOWN)
			check(!is_conserved());
		else
			check((outcome() == OUTCOME_PROVEN) == (contexts[i] != 0));
	}
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

int main(void)
{
	test_pairs();
	test_opening();
	test_failed_maps();
	test_failed_list();
	test_failed_list_of_another();
	test_failed_list_within();
	test_full_pool();
	machine_release();
	return done();
}
