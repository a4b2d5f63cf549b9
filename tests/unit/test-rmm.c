/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/evidence/text/rmm.h"
#include "tests/unit/test.h"

#define CREATE "SMC_RMI_REALM_CREATE          42961000 42516000 > RMI_SUCCESS\n"
#define DESTROY "SMC_RMI_REALM_DESTROY         42961000 > RMI_SUCCESS\n"
#define ALL_RAM "SMC_RSI_IPA_STATE_SET         80000000 a0000000 1 0 > RSI_SUCCESS a0000000 0\n"
#define POOL "SMC_RSI_IPA_STATE_SET         97400000 9b400000 0 1 > RSI_SUCCESS 9b400000 0\n"
#define VRING "SMC_RSI_IPA_STATE_SET         9be20000 9be22000 0 1 > RSI_SUCCESS 9be22000 0\n"
#define VRING_BACK "SMC_RSI_IPA_STATE_SET         9be20000 9be22000 1 1 > RSI_SUCCESS 9be22000 0\n"

static struct range ram = { 0x80000000, 0x9fffffff };
static struct platform_pool pool = { .range = { 0x97400000, 0x9b3fffff } };
static struct platform *machine;

static struct rmm_log *parse(const char *text)
{
	struct err err = { "" };

	return rmm_parse(text, strlen(text), "log", &err);
}

static enum rmm_state ask(const char *text, uint64_t start, uint64_t size, bool *usable)
{
	struct rmm_log *log = parse(text);
	enum rmm_state s = RMM_UNKNOWN;

	*usable = log && !rmm_select(log, machine, NULL, 0);
	if (*usable)
		s = rmm_state(log, start, size);
	rmm_free(log);
	return s;
}

static void states(void)
{
	bool ok;

	check(ask(CREATE ALL_RAM POOL VRING, 0x97400000, 2048, &ok) == RMM_SHARED && ok);
	check(ask(CREATE ALL_RAM POOL VRING, 0x9be20000, 0x2000, &ok) == RMM_SHARED && ok);
	check(ask(CREATE ALL_RAM POOL VRING, 0x9be20000, 0x2001, &ok) == RMM_MIXED && ok);
	check(ask(CREATE ALL_RAM POOL VRING, 0x80000000, 4096, &ok) == RMM_PROTECTED && ok);
	check(ask(CREATE ALL_RAM POOL VRING, 0xa0000000, 1, &ok) == RMM_UNKNOWN && ok);
	check(ask(CREATE ALL_RAM POOL VRING, 0x9fffffff, 2, &ok) == RMM_UNKNOWN && ok);
	check(ask(CREATE ALL_RAM POOL VRING VRING_BACK, 0x9be20000, 1, &ok) == RMM_CHANGED && ok);
	/* the end is exclusive, reached may stop short of it */
	check(ask(CREATE ALL_RAM POOL
		  "SMC_RSI_IPA_STATE_SET 81000000 81004000 0 1 > RSI_SUCCESS 81002000 0\n",
		  0x81001fff, 1, &ok) == RMM_SHARED);
	check(ask(CREATE ALL_RAM POOL
		  "SMC_RSI_IPA_STATE_SET 81000000 81004000 0 1 > RSI_SUCCESS 81002000 0\n",
		  0x81002000, 1, &ok) == RMM_PROTECTED);
	/* rejected by the host, and an error: nothing changed */
	check(ask(CREATE ALL_RAM POOL
		  "SMC_RSI_IPA_STATE_SET 81000000 81004000 0 1 > RSI_SUCCESS 81004000 1\n",
		  0x81000000, 1, &ok) == RMM_PROTECTED);
	check(ask(CREATE ALL_RAM POOL
		  "SMC_RSI_IPA_STATE_SET 81000000 81004000 0 1 > RSI_ERROR_INPUT\n",
		  0x81000000, 1, &ok) == RMM_PROTECTED &&
	      ok);
}

static void cut_lines(void)
{
	struct rmm_log *log;
	bool ok;

	/* the range of a cut line is in doubt, the rest is not */
	check(ask(CREATE ALL_RAM POOL "SMC_RSI_IPA_STATE_SET 81000000 81004000 0 1 > RSI_SU\n",
		  0x81000000, 1, &ok) == RMM_UNKNOWN &&
	      ok);
	check(ask(CREATE ALL_RAM POOL "SMC_RSI_IPA_STATE_SET 81000000 81004000 0 1 > RSI_SU\n",
		  0x97400000, 1, &ok) == RMM_SHARED &&
	      ok);
	/* a line without its end may have lost digits */
	check(ask(CREATE ALL_RAM POOL "SMC_RSI_IPA_STATE_SET 81000000 81004000 0 1 > RSI_SUCCESS "
				      "81004000 0",
		  0x81000000, 1, &ok) == RMM_UNKNOWN &&
	      ok);
	/* a cut that leaves no range alters the whole log */
	ask(CREATE ALL_RAM POOL "SMC_RSI_IPA_STATE_SET 8100", 0x97400000, 1, &ok);
	check(!ok);
	ask(CREATE ALL_RAM POOL "SMC_RSI_IPA_ST", 0x97400000, 1, &ok);
	check(!ok);
	log = parse(CREATE ALL_RAM POOL "SMC_RSI_IPA_STATE_SET 81000000 81004000 0\n");
	check(log && rmm_cut_lines(log) == 1);
	rmm_free(log);
	check(!parse("SMC_RSI_VERSION 10000 > RSI_SUCCESS 10000 10000\n"));
	check(!parse(""));
}

static void realms(void)
{
	struct rmm_log *log;
	size_t n;
	bool ok;

#define OTHER "SMC_RSI_IPA_STATE_SET 90000000 94000000 0 1 > RSI_SUCCESS 94000000 0\n"
	/* one after the other: the one that shared our pool counts, alone */
	check(ask(CREATE ALL_RAM OTHER DESTROY CREATE ALL_RAM POOL, 0x90000000, 1, &ok) ==
		      RMM_PROTECTED &&
	      ok);
	check(ask(CREATE ALL_RAM POOL DESTROY CREATE ALL_RAM OTHER, 0x90000000, 1, &ok) ==
		      RMM_PROTECTED &&
	      ok);
	/* side by side, twice the same pool, or never ours: not to be told apart */
	ask(CREATE CREATE ALL_RAM POOL, 0x97400000, 1, &ok);
	check(!ok);
	ask(CREATE ALL_RAM POOL DESTROY CREATE ALL_RAM POOL, 0x97400000, 1, &ok);
	check(!ok);
	ask(CREATE ALL_RAM OTHER, 0x97400000, 1, &ok);
	check(!ok);
	/* a creation that failed is none */
	check(ask("SMC_RMI_REALM_CREATE 1 2 > RMI_ERROR_INPUT\n" CREATE ALL_RAM POOL, 0x97400000, 1,
		  &ok) == RMM_SHARED &&
	      ok);

	log = parse(CREATE ALL_RAM VRING POOL);
	check(rmm_state(log, 0x97400000, 1) == RMM_UNKNOWN);
	check(!rmm_select(log, machine, NULL, 0));
	check(rmm_shared_ranges(log, &n)[0].range.start == 0x97400000 && n == 2);
	check(rmm_shared_ranges(log, &n)[1].range.end == 0x9be21fff);
	rmm_free(log);
}

/* Whose line is it?  RMI lines name their Realm, RSI lines do not. */
static void attributed(void)
{
#define THEIRS "SMC_RMI_DATA_DESTROY          50000000 824e2000 > RMI_ERROR_RTT 3 0 824e4000\n"
#define OURS "SMC_RMI_DATA_DESTROY          42961000 83200000 > RMI_ERROR_RTT 2 0 8fa00000\n"
#define ENTER "SMC_RMI_REC_ENTER             50031000 50034000 > RMI_SUCCESS\n"
#define REC "SMC_RMI_REC_CREATE            42961000 45424000 45423000 > RMI_SUCCESS\n"
#define OUR_ENTER "SMC_RMI_REC_ENTER             45424000 50034000 > RMI_SUCCESS\n"
#define THEIR_END "SMC_RMI_REALM_DESTROY         50000000 > RMI_SUCCESS\n"
#define RMI_VERSION "SMC_RMI_VERSION               10000 > RMI_SUCCESS 10000 10000\n"
	bool ok;

	/* another one lived before the log began, by its descriptor or by its REC */
	ask(CREATE ALL_RAM POOL THEIRS VRING, 0x97400000, 1, &ok);
	check(!ok);
	ask(ALL_RAM POOL OURS THEIRS VRING, 0x97400000, 1, &ok);
	check(!ok);
	ask(CREATE REC ALL_RAM POOL ENTER VRING, 0x97400000, 1, &ok);
	check(!ok);
	check(ask(CREATE REC ALL_RAM POOL OUR_ENTER VRING, 0x9be20000, 1, &ok) == RMM_SHARED && ok);
	/* it ended before ours called, or the machine was started anew */
	check(ask(THEIRS THEIR_END CREATE ALL_RAM POOL VRING, 0x9be20000, 1, &ok) == RMM_SHARED &&
	      ok);
	check(ask(RMI_VERSION THEIRS RMI_VERSION CREATE ALL_RAM POOL VRING, 0x9be20000, 1, &ok) ==
		      RMM_SHARED &&
	      ok);
}

/* Without the pool's line, or with the same pool in several: the rings tell. */
static void by_rings(void)
{
#define OTHER_RING "SMC_RSI_IPA_STATE_SET 9be30000 9be32000 0 1 > RSI_SUCCESS 9be32000 0\n"
#define TOKEN "SMC_RSI_ATTEST_TOKEN_INIT 1 2 3 4 5 6 7 8 > RSI_SUCCESS 1000\n"
	const uint64_t rings[] = { 0x9be20000, 0x9be28000 };
	struct rmm_log *log = parse(CREATE ALL_RAM VRING DESTROY);

	check(!rmm_select(log, machine, rings, 2));
	check(rmm_state(log, 0x97400000, 1) == RMM_PROTECTED && rmm_ended(log));
	check(rmm_has_range_at(log, 0x9be20000) && !rmm_has_range_at(log, 0x9be21000));
	rmm_free(log);
	log = parse(CREATE ALL_RAM OTHER_RING DESTROY CREATE ALL_RAM VRING TOKEN);
	check(!rmm_select(log, machine, rings, 2) && rmm_realms(log) == 2 && !rmm_ended(log));
	check(rmm_state(log, 0x9be20000, 1) == RMM_SHARED && rmm_attested(log));
	rmm_free(log);
	log = parse(CREATE ALL_RAM POOL OTHER_RING DESTROY CREATE ALL_RAM POOL VRING);
	check(!rmm_select(log, machine, rings, 2) && rmm_chosen_realm(log) == 0x42961000);
	check(rmm_state(log, 0x9be20000, 1) == RMM_SHARED && !rmm_attested(log));
	rmm_free(log);
	/* the rings of none, or of two */
	log = parse(CREATE ALL_RAM OTHER_RING);
	check(rmm_select(log, machine, rings, 2));
	rmm_free(log);
	log = parse(CREATE ALL_RAM VRING DESTROY CREATE ALL_RAM VRING);
	check(rmm_select(log, machine, rings, 2));
	rmm_free(log);
	/* this machine's pool, and of another boot */
	machine->trace.from_boot = TRI_YES;
	log = parse(CREATE ALL_RAM POOL OTHER_RING);
	check(rmm_select(log, machine, rings, 2));
	rmm_free(log);
	machine->trace.from_boot = TRI_UNKNOWN;
}

int main(void)
{
	machine = platform_new();
	machine->ram = &ram;
	machine->nram = 1;
	machine->swiotlb.pools = &pool;
	machine->swiotlb.npools = 1;
	states();
	cut_lines();
	realms();
	attributed();
	by_rings();
	machine->ram = NULL;
	machine->nram = 0;
	machine->swiotlb.pools = NULL;
	machine->swiotlb.npools = 0;
	platform_free(machine);
	return done();
}
