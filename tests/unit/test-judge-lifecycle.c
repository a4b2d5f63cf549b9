/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long mappings last in the judge: syncs, ends, and who has a slot when. */
#include "tests/unit/judge-fixture.h"
#include "tests/unit/test.h"

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

	machine(); /* … and not of nothing at all */
	bounced(0, BUF, SLOT(0), 163);
	unmap(0, SLOT(0), 0);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);

	machine(); /* unless that is what was mapped */
	bounced(0, BUF, SLOT(0), 0);
	unmap(0, SLOT(0), 0);
	check(outcome() == OUTCOME_PROVEN);

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

	machine(); /* CPU 1 reported something since: at best a preempted task */
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

	machine(); /* the unmap never comes, and every CPU reported something since */
	bounced(0, BUF, SLOT(0), 163);
	bounced(0, BUF + 4096, SLOT(0), 64);
	for (unsigned int c = 0; c < 4; c++)
		put((struct event){ .kind = EVENT_FORK, .cpu = c });
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);

	machine(); /* a free is reported before the memory is free: no race */
	facts->realm.is_realm = TRI_NO;
	alloc(0, PAGES, 4096);
	alloc(0, PAGES, 4096);
	free_alloc(1, PAGES, 4096);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);
}

/* An end that is reported for another mapping, or a sync, does not settle who had the slot. */
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
 * The first unmap is an older mapping's, reported late; so the second is the first one's of the
 * stream, reported when its slot has the second one.
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

	machine();
	bounced(0, BUF, SLOT(0), 512)->flags = EVENT_F_SG;
	put((struct event){ .kind = EVENT_SG_TRUNCATED, .dev = dev1 });
	check(claim(CLAIM_DMA_IN_SHARED) == CLAIM_UNDECIDED);
	check(cond(COND_NOT_TRUNCATED) == COND_UNMET);
}

/* One buffer is mapped twice, and one of the two ends. */
static void twice(void)
{
	machine();
	bounced(0, BUF, SLOT(0), 512)->flags = EVENT_F_SG;
	bounced(0, BUF, SLOT(1), 512)->flags = EVENT_F_SG;
	unmap_sg(0, BUF);
}

static void test_sg_twice(void)
{
	twice(); /* the first mapping ended, then the second */
	bounced(0, BUF + 4096, SLOT(0), 64);
	unmap_sg(0, BUF);
	bounced(0, BUF + 8192, SLOT(1), 64);
	check(outcome() == OUTCOME_PROVEN);

	twice(); /* … but only one of them can have */
	bounced(0, BUF + 4096, SLOT(0), 64);
	bounced(0, BUF + 8192, SLOT(1), 64);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);

	twice(); /* … also where one newer mapping has the slots of both */
	bounced(0, BUF + 4096, SLOT(0), 4096);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);

	twice(); /* one that was mapped after the unmap is not the one that ended */
	bounced(0, BUF, SLOT(2), 512)->flags = EVENT_F_SG;
	check(outcome() == OUTCOME_PROVEN);
	bounced(0, BUF + 4096, SLOT(2), 64);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);

	twice(); /* nor is one that is synced, and not both can be live */
	sync_to(0, SLOT(0), 512);
	check(outcome() == OUTCOME_PROVEN);
	sync_to(0, SLOT(1), 512);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);

	twice(); /* the synced one's slot is given away */
	sync_to(0, SLOT(0), 512);
	bounced(0, BUF + 4096, SLOT(0), 64);
	check(claim(CLAIM_SLOTS_DISJOINT) == CLAIM_REFUTED);
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

	machine(); /* armed at boot there is no such thing */
	bounced(0, BUF, SLOT(9), 64);
	unmap(0, SLOT(0), 1536);
	check(claim(CLAIM_LIFECYCLE) == CLAIM_REFUTED);
}

/* Whose slot is it, and whose unmap? */
static void test_inherited_slots(void)
{
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

	machine_in_window(); /* one that was taken for the older, its unmap reported by a preempted
			      * task
			      */
	bounced(2, BUF, SLOT(9), 64);
	bounced(2, BUF, SLOT(0), 66);
	unmap(3, SLOT(0), 66); /* of the one before, as reported late */
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
}

int main(void)
{
	test_lifecycle();
	test_races();
	test_race_with_older();
	test_late_chain();
	test_forgotten();
	test_sg();
	test_sg_twice();
	test_inherited();
	test_inherited_slots();
	machine_release();
	return done();
}
