/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/bounce/selftest/catalogue.h"
#include "lib/bounce/selftest/machine-state.h"
#include "lib/bounce/selftest/state.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/policy.h"
#include "lib/verdict/verdict.h"

static void count(const struct exercise *x, struct selftest_result *r)
{
	r->transfers += x->transfers;
	r->bytes += x->bytes;
	r->damaged += x->damaged + x->failed + x->zones;
}

static bool claims_stay_open(enum machine_device device)
{
	/* page numbers and DAX windows: nothing in any stream could settle them */
	return device == MACHINE_BALLOON || device == MACHINE_FS;
}

/* ---- runs ---- */

/* One machine from start to end.  false: it could not be built. */
static bool drive(struct machine *m, const struct machine_config *config, unsigned int rounds,
		  struct exercise *x, struct selftest_result *r)
{
	struct err err = { "" };

	if (machine_open(m, config, &err) < 0) {
		selftest_wrong(r, "%s", err.text);
		return false;
	}
	if (machine_start(m, &err) < 0) {
		x->failed++;
		snprintf(x->why, sizeof(x->why), "%s", err.text);
	} else {
		machine_exercise(m, rounds, x);
	}
	machine_stop(m);
	return true;
}

/* What the same machine exposes without the fault: the limit for one with it. */
static uint64_t usual_excess(const struct machine_config *config, unsigned int rounds,
			     struct selftest_result *r)
{
	struct machine_config honest = *config;
	struct exercise x = { 0 };
	struct platform *p;
	struct verdict *v;
	struct machine m;
	uint64_t excess = 0;

	honest.fault_dry = true;
	if (!drive(&m, &honest, rounds, &x, r))
		return 0;
	p = machine_platform(&m);
	v = selftest_verdict(&m, p, POLICY_NO_LIMIT);
	for (size_t i = 0; i < v->ndevices; i++)
		excess += v->devices[i].totals.stale_bytes + v->devices[i].totals.excess_bytes;
	verdict_free(v);
	platform_free(p);
	machine_close(&m);
	return excess;
}

static bool trick_applies(const struct machine_config *c)
{
	bool msg_static =
		c->transport == MACHINE_MSG1_STATIC || c->transport == MACHINE_MSG2_STATIC;

	switch (c->trick) {
	case HOSTILE_REPLAY: /* where there is one request at a time, it is HOSTILE_TWICE */
		return c->device == MACHINE_NET || c->device == MACHINE_CONSOLE;
	case HOSTILE_INDEX_JUMP: /* a packed ring has no index */
		return !c->packed;
	case HOSTILE_LONG_LENGTH:
	case HOSTILE_TOCTOU:
	case HOSTILE_OVERRUN: /* needs a buffer to write to; a balloon reports a free page */
		return c->device != MACHINE_BALLOON || !msg_static;
	default:
		return true;
	}
}

bool selftest_applies(const struct selftest_run *run)
{
	return run->fault ? run->fault->applies(&run->config) : trick_applies(&run->config);
}

static void data_as_expected(const struct selftest_run *run, const struct machine *m,
			     const struct exercise *x, struct selftest_result *r)
{
	uint64_t damage = x->damaged + x->failed + x->zones;

	if (!run->fault) {
		if (damage)
			selftest_wrong(r,
				       "%" PRIu64 " transfers failed, %" PRIu64
				       " came out changed, %" PRIu64
				       " red zones were overwritten: %s",
				       x->failed, x->damaged, x->zones, x->why);
		if (!x->transfers)
			selftest_wrong(r, "nothing was transferred");
		return;
	}
	if (!m->fault.hits)
		selftest_wrong(r, "the fault never came to pass");
	if (run->fault->damage == DAMAGE_MUST && !damage)
		selftest_wrong(r, "no damage to the data was seen");
}

void selftest_run(const struct selftest_run *run, struct selftest_result *r)
{
	struct machine_config config = selftest_config(run);
	struct exercise x = { 0 };
	uint64_t limit = POLICY_NO_LIMIT;
	struct machine m;

	memset(r, 0, sizeof(*r));
	if (run->fault && run->fault->claim == CLAIM_EGRESS)
		limit = usual_excess(&config, run->rounds, r);
	if (!drive(&m, &config, run->rounds, &x, r))
		return;
	data_as_expected(run, &m, &x, r);
	selftest_judge(run, &m, limit, r);
	if (!run->fault && !claims_stay_open(config.device) && !r->proven)
		selftest_wrong(r, "the verdict is not PROVEN although nothing is broken");
	count(&x, r);
	machine_close(&m);
	r->passed = !r->why[0];
}

/* Did the host play its trick, and the driver take it as it must? */
static void trick_as_expected(const struct machine *m, const struct exercise *x,
			      struct selftest_result *r)
{
	bool whole = !x->damaged && !x->failed;

	if (!m->host.hostile.played)
		selftest_wrong(r, "the host never came to play its trick");
	switch (hostile_outcome(m->config.trick)) {
	case HOSTILE_NOTICED:
		if (!x->failed)
			selftest_wrong(r, "the driver did not notice");
		break;
	case HOSTILE_IN_VAIN:
		if (!whole)
			selftest_wrong(r, "the host changed what arrived: %s", x->why);
		break;
	case HOSTILE_NO_LIE:
		if (x->damaged)
			selftest_wrong(r, "the driver believed the host's lie");
		break;
	case HOSTILE_ANY:
		break;
	}
}

void selftest_trick(const struct selftest_run *run, struct selftest_result *r)
{
	struct exercise x = { 0 };
	struct machine m;

	memset(r, 0, sizeof(*r));
	if (!drive(&m, &run->config, run->rounds, &x, r))
		return;
	/*
	 * The host may refuse its service; it may not reach beyond the buffers.  But where
	 * buffers are shared as they are, the rest of their pages is shared with them.
	 */
	if (x.zones && !(m.dma.ops && run->config.trick == HOSTILE_OVERRUN))
		selftest_wrong(r, "%" PRIu64 " red zones were overwritten", x.zones);
	trick_as_expected(&m, &x, r);
	selftest_judge(run, &m, POLICY_NO_LIMIT, r);
	count(&x, r);
	machine_close(&m);
	r->passed = !r->why[0];
}
