/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/verdict-diff.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/exchange.h"
#include "lib/limit.h"
#include "lib/verdict.h"
#include "lib/xalloc.h"

#define EGRESS_NOISE 4096 /* bytes more that are never called worse */

static void add(struct verdict_diff *diff, enum change change, const char *kind, const char *name,
		char *text)
{
	XGROW(diff->list, diff->count, diff->cap);
	diff->list[diff->count++] = (struct difference){ change, kind, xstrdup(name), text };
	diff->worse += change == CHANGE_WORSE;
}

/* Ranks: how far from PROVEN, so that more is worse. */
static int outcome_rank(enum outcome o)
{
	return o == OUTCOME_PROVEN ? 0 : o == OUTCOME_INCONCLUSIVE ? 1 : 2;
}

static int claim_rank(enum claim_state s)
{
	return s == CLAIM_HOLDS ? 0 : s == CLAIM_UNDECIDED ? 1 : 2;
}

static int cond_rank(enum cond_state s)
{
	return s == COND_UNMET; /* what does not apply is no worse than what is met */
}

static enum change by_rank(int before, int after)
{
	return after > before ? CHANGE_WORSE : after < before ? CHANGE_BETTER : CHANGE_NEUTRAL;
}

static char *arrow(const char *before, const char *after, const char *why)
{
	return xasprintf("%s → %s%s%s", before, after, why ? ": " : "", why ? why : "");
}

static bool within(const struct verdict *v, const char *device)
{
	for (size_t i = 0; i < v->nlimit; i++) {
		if (strcmp(v->limit[i], device) == 0)
			return true;
	}
	return !v->nlimit;
}

/* Is b about all that a is about? */
static bool covers(const struct verdict *b, const struct verdict *a)
{
	if (!a->nlimit)
		return !b->nlimit;
	for (size_t i = 0; i < a->nlimit; i++) {
		if (!within(b, a->limit[i]))
			return false;
	}
	return true;
}

/* A verdict about fewer devices is worth less, whatever it says. */
static void diff_limits(struct verdict_diff *d, const struct verdict *a, const struct verdict *b)
{
	bool forth = covers(b, a), back = covers(a, b);
	char *x, *y;

	if (forth && back)
		return;
	x = limit_join(a->limit, a->nlimit);
	y = limit_join(b->limit, b->nlimit);
	add(d, forth ? CHANGE_BETTER : CHANGE_WORSE, "verdict", "limit",
	    arrow(*x ? x : "the whole machine", *y ? y : "the whole machine",
		  "the two verdicts are not about the same devices"));
	free(x);
	free(y);
}

static void diff_heads(struct verdict_diff *d, const struct verdict *a, const struct verdict *b)
{
	if (a->outcome != b->outcome)
		add(d, by_rank(outcome_rank(a->outcome), outcome_rank(b->outcome)), "verdict",
		    "verdict",
		    arrow(outcome_name(a->outcome), outcome_name(b->outcome), b->reason));
	if (a->scope != b->scope)
		add(d, by_rank(b->scope, a->scope), "verdict", "scope",
		    arrow(scope_name(a->scope), scope_name(b->scope), NULL));
	if (a->setting != b->setting)
		add(d, by_rank(b->setting, a->setting), "verdict", "setting",
		    arrow(setting_name(a->setting), setting_name(b->setting), NULL));
}

static void diff_claims(struct verdict_diff *d, const struct verdict *a, const struct verdict *b)
{
	for (int i = 0; i < CLAIMS; i++) {
		const struct claim_verdict *x = &a->claims[i], *y = &b->claims[i];

		if (x->state != y->state)
			add(d, by_rank(claim_rank(x->state), claim_rank(y->state)), "claim",
			    claim_name(i),
			    arrow(claim_state_name(x->state), claim_state_name(y->state),
				  y->reason));
		else if (x->refutations != y->refutations)
			add(d, y->refutations > x->refutations ? CHANGE_WORSE : CHANGE_BETTER,
			    "claim", claim_name(i),
			    xasprintf("%" PRIu64 " → %" PRIu64 " counterexamples", x->refutations,
				      y->refutations));
	}
}

static void diff_conds(struct verdict_diff *d, const struct verdict *a, const struct verdict *b)
{
	for (int i = 0; i < CONDS; i++) {
		const struct cond_verdict *x = &a->conds[i], *y = &b->conds[i];

		if (x->state != y->state)
			add(d, by_rank(cond_rank(x->state), cond_rank(y->state)), "condition",
			    cond_name(i),
			    arrow(cond_state_name(x->state), cond_state_name(y->state), y->reason));
	}
}

static const struct device_verdict *find_device(const struct verdict *v, const char *name)
{
	for (size_t i = 0; i < v->ndevices; i++) {
		if (strcmp(v->devices[i].name, name) == 0)
			return &v->devices[i];
	}
	return NULL;
}

static void diff_egress(struct verdict_diff *d, const char *device, const char *what,
			uint64_t before, uint64_t after)
{
	enum change change = CHANGE_NEUTRAL;
	char *name;

	if (before == after)
		return;
	if (after > before && after - before > EGRESS_NOISE && after - before > before / 10)
		change = CHANGE_WORSE;
	else if (after < before && before - after > EGRESS_NOISE && before - after > before / 10)
		change = CHANGE_BETTER;
	name = xasprintf("%s, bytes %s", device, what);
	add(d, change, "egress", name,
	    xasprintf("%" PRIu64 " → %" PRIu64 " (%s by %" PRIu64 ")", before, after,
		      after > before ? "up" : "down",
		      after > before ? after - before : before - after));
	free(name);
}

static void diff_device(struct verdict_diff *d, const struct device_verdict *x,
			const struct device_verdict *y)
{
	for (int i = 0; i < CLAIMS; i++) {
		if (x->claims[i] == y->claims[i])
			continue;
		add(d, by_rank(claim_rank(x->claims[i]), claim_rank(y->claims[i])), "device",
		    y->name,
		    xasprintf("%s: %s → %s", claim_name(i), claim_state_name(x->claims[i]),
			      claim_state_name(y->claims[i])));
	}
	if (x->trusted != y->trusted)
		add(d, y->trusted ? CHANGE_WORSE : CHANGE_NEUTRAL, "device", y->name,
		    xstrdup(y->trusted
				    ? "is now accepted by the Realm: it may reach protected memory"
				    : "is no longer accepted by the Realm"));
	diff_egress(d, y->name, "left on purpose", x->totals.out_bytes, y->totals.out_bytes);
	diff_egress(d, y->name, "left without need", x->totals.stale_bytes, y->totals.stale_bytes);
	diff_egress(d, y->name, "beside shared buffers", x->totals.excess_bytes,
		    y->totals.excess_bytes);
}

static void diff_devices(struct verdict_diff *d, const struct verdict *a, const struct verdict *b)
{
	for (size_t i = 0; i < b->ndevices; i++) {
		const struct device_verdict *y = &b->devices[i], *x = find_device(a, y->name);

		if (x)
			diff_device(d, x, y);
		else
			add(d, CHANGE_WORSE, "device", y->name,
			    xasprintf("is new%s%s", y->what ? ": " : "", y->what ? y->what : ""));
	}
	for (size_t i = 0; i < a->ndevices; i++) {
		if (!find_device(b, a->devices[i].name))
			add(d, CHANGE_NEUTRAL, "device", a->devices[i].name, xstrdup("is gone"));
	}
}

static const char *row_device(const struct exchanges *x, const struct unattributed *u)
{
	return u->device < x->ndevices ? x->devices[u->device].name : "unknown device";
}

static bool has_traffic(const struct exchanges *x, const char *device, const struct unattributed *u)
{
	for (size_t i = 0; i < x->nunattributed; i++) {
		if (x->unattributed[i].dir == u->dir &&
		    strcmp(x->unattributed[i].reason, u->reason) == 0 &&
		    strcmp(row_device(x, &x->unattributed[i]), device) == 0)
			return true;
	}
	return false;
}

static void diff_traffic(struct verdict_diff *d, const struct exchanges *a,
			 const struct exchanges *b)
{
	for (size_t i = 0; a && b && i < b->nunattributed; i++) {
		const struct unattributed *u = &b->unattributed[i];
		const char *device = row_device(b, u);

		if (!has_traffic(a, device, u))
			add(d, CHANGE_WORSE, "traffic", device,
			    xasprintf("new unattributed traffic %s: %s, %" PRIu64 " bytes",
				      u->dir == FLOW_OUT ? "out" : "in", u->reason, u->bytes));
	}
	if (a && b && a->clear_bytes != b->clear_bytes)
		add(d, b->clear_bytes > a->clear_bytes ? CHANGE_WORSE : CHANGE_BETTER, "traffic",
		    "clear text",
		    xasprintf("%" PRIu64 " → %" PRIu64 " bytes of the program's payload",
			      a->clear_bytes, b->clear_bytes));
}

struct verdict_diff *verdict_diff_new(const struct verdict_side *before,
				      const struct verdict_side *after)
{
	struct verdict_diff *d = xcalloc(1, sizeof(*d));

	diff_heads(d, before->verdict, after->verdict);
	diff_limits(d, before->verdict, after->verdict);
	diff_claims(d, before->verdict, after->verdict);
	diff_conds(d, before->verdict, after->verdict);
	diff_devices(d, before->verdict, after->verdict);
	diff_traffic(d, before->exchanges, after->exchanges);
	return d;
}

void verdict_diff_free(struct verdict_diff *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->count; i++) {
		free(d->list[i].name);
		free(d->list[i].text);
	}
	free(d->list);
	free(d);
}
