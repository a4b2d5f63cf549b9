/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The window and the setting that the judge speaks about. */
#include "tests/unit/judge-fixture.h"
#include "tests/unit/test.h"

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
	test_window();
	test_setting();
	test_cleared();
	machine_release();
	return done();
}
