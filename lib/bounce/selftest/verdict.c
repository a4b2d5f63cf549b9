/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/bounce/memory/random.h"
#include "lib/bounce/selftest/catalogue.h"
#include "lib/bounce/selftest/machine-state.h"
#include "lib/bounce/selftest/state.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/policy.h"
#include "lib/judge/judge.h"
#include "lib/verdict/verdict.h"

void selftest_wrong(struct selftest_result *r, const char *fmt, ...)
{
	va_list ap;

	if (r->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
}

struct machine_config selftest_config(const struct selftest_run *run)
{
	struct machine_config c = run->config;
	uint64_t random = c.seed;

	if (!run->fault)
		return c;
	c.fault = run->fault->id;
	c.trick = run->fault->trick;
	c.fault_skip = random_below(&random, run->fault->max_skip + 1);
	if (run->fault->prepare)
		run->fault->prepare(&c);
	return c;
}

struct verdict *selftest_verdict(struct machine *m, struct platform *p, uint64_t max_stale)
{
	struct policy policy = { .max_out_bytes = POLICY_NO_LIMIT, .max_stale_bytes = max_stale };
	struct judge_options options = { .policy = &policy };
	struct judge *j = judge_new(p, m->names, &options);
	struct stream_cpu cpus[4];
	struct stream_info info;
	struct verdict *v;

	judge_feed(j, m->events, m->nevents);
	machine_stream_info(m, &info, cpus);
	v = judge_finish(j, &info);
	judge_free(j);
	return v;
}

static void nothing_refuted(const struct verdict *v, struct selftest_result *r)
{
	for (int c = 0; c < CLAIMS; c++) {
		if (v->claims[c].state != CLAIM_REFUTED)
			continue;
		selftest_wrong(r, "%s is refuted although nothing is broken: %s", claim_name(c),
			       v->nexamples ? v->examples[0].text : v->claims[c].reason);
	}
}

static void right_refuted(const struct machine *m, const struct fault_case *f,
			  const struct verdict *v, struct selftest_result *r)
{
	const char *name = names_get(m->names, m->dma.name);

	if (f->claim == CLAIMS) {
		if (v->conds[f->cond].state != COND_UNMET)
			selftest_wrong(r, "%s is not unmet", cond_name(f->cond));
		if (v->outcome == OUTCOME_PROVEN)
			selftest_wrong(r, "the verdict is PROVEN");
		return;
	}
	if (v->claims[f->claim].state != CLAIM_REFUTED) {
		selftest_wrong(r, "%s is not refuted: %s", claim_name(f->claim),
			       v->claims[f->claim].reason);
		return;
	}
	if (f->also && v->claims[f->also].state != CLAIM_REFUTED)
		selftest_wrong(r, "%s is not refuted, too: %s", claim_name(f->also),
			       v->claims[f->also].reason);
	if (v->outcome != OUTCOME_VIOLATED)
		selftest_wrong(r, "the verdict is %s", outcome_name(v->outcome));
	for (size_t i = 0; i < v->nexamples; i++) {
		const struct counterexample *ce = &v->examples[i];

		if (ce->claims & 1u << f->claim && (!ce->device || strcmp(ce->device, name) == 0) &&
		    f->shows(m, ce))
			return;
	}
	selftest_wrong(r, "%s is refuted, but not by %s", claim_name(f->claim), f->sign);
}

void selftest_judge(const struct selftest_run *run, struct machine *m, uint64_t max_stale,
		    struct selftest_result *r)
{
	struct platform *p = machine_platform(m);
	struct verdict *v = selftest_verdict(m, p, max_stale);

	if (run->fault)
		right_refuted(m, run->fault, v, r);
	else
		nothing_refuted(v, r);
	selftest_opinions(m, run->fault, v, r);
	if (run->judged)
		run->judged(run->ctx, m, p, max_stale, v);
	r->proven = v->outcome == OUTCOME_PROVEN;
	r->events += m->nevents;
	verdict_free(v);
	platform_free(p);
}
