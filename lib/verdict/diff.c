/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/verdict/diff.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/guest-kind.h"
#include "lib/evidence/limit.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/run.h"
#include "lib/exchange/exchange.h"
#include "lib/verdict/verdict.h"

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

/* No kind of confidential guest is better than another. */
static enum setting setting_rank(const struct verdict *v)
{
	return v->setting == SETTING_CONFIDENTIAL ? SETTING_REALM : v->setting;
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
		add(d, by_rank(setting_rank(b), setting_rank(a)), "verdict", "setting",
		    arrow(setting_name(a->setting), setting_name(b->setting), NULL));
}

/* One of the two versions did not know it: nothing to compare. */
static void not_judged(struct verdict_diff *d, const char *kind, const char *name, bool both,
		       const char *before, const char *after)
{
	if (!both)
		add(d, CHANGE_NEUTRAL, kind, name,
		    arrow(before, after, "only one of the two versions of ccaio judges it"));
}

static void diff_claims(struct verdict_diff *d, const struct verdict *a, const struct verdict *b)
{
	for (int i = 0; i < CLAIMS; i++) {
		const struct claim_verdict *x = &a->claims[i], *y = &b->claims[i];

		if (!claim_decides(i) && x->required != y->required)
			add(d, y->required ? CHANGE_NEUTRAL : CHANGE_WORSE, "claim", claim_name(i),
			    xstrdup(y->required ? "decides the verdict now: a policy asks for it"
						: "is only reported now: no policy asks for it"));
		if (x->state == CLAIM_NOT_JUDGED || y->state == CLAIM_NOT_JUDGED)
			not_judged(d, "claim", claim_name(i), x->state == y->state,
				   claim_state_name(x->state), claim_state_name(y->state));
		else if (x->state != y->state)
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

		if (x->state == COND_NOT_JUDGED || y->state == COND_NOT_JUDGED)
			not_judged(d, "condition", cond_name(i), x->state == y->state,
				   cond_state_name(x->state), cond_state_name(y->state));
		else if (x->state != y->state)
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

static enum change by_bytes(uint64_t before, uint64_t after)
{
	if (after > before && after - before > EGRESS_NOISE && after - before > before / 10)
		return CHANGE_WORSE;
	if (after < before && before - after > EGRESS_NOISE && before - after > before / 10)
		return CHANGE_BETTER;
	return CHANGE_NEUTRAL;
}

static void diff_egress(struct verdict_diff *d, const char *device, const char *what,
			uint64_t before, uint64_t after)
{
	char *name;

	if (before == after)
		return;
	name = xasprintf("%s, bytes %s", device, what);
	add(d, by_bytes(before, after), "egress", name,
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
				    ? "is now accepted by the guest: it may reach protected memory"
				    : "is no longer accepted by the guest"));
	diff_egress(d, y->name, "sent out", x->totals.out_bytes, y->totals.out_bytes);
	diff_egress(d, y->name, "exposed needlessly", x->totals.stale_bytes, y->totals.stale_bytes);
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

/* "connection of curl[123]" is "connection of curl": the next run has other process numbers. */
static char *kind_of(const char *reason)
{
	char *kind = xcalloc(strlen(reason) + 1, 1);
	size_t n = 0;

	while (*reason) {
		size_t digits = *reason == '[' ? strspn(reason + 1, "0123456789") : 0;

		if (digits && reason[1 + digits] == ']')
			reason += digits + 2;
		else
			kind[n++] = *reason++;
	}
	return kind;
}

/* Bytes of the same kind as u (which is y's); *many gets how many rows of x there are of it. */
static uint64_t traffic_like(const struct exchanges *x, const struct exchanges *y,
			     const struct unattributed *u, size_t *many)
{
	char *kind = kind_of(u->reason);
	uint64_t bytes = 0;

	*many = 0;
	for (size_t i = 0; i < x->nunattributed; i++) {
		const struct unattributed *other = &x->unattributed[i];
		char *its = kind_of(other->reason);

		if (other->dir == u->dir && strcmp(its, kind) == 0 &&
		    strcmp(row_device(x, other), row_device(y, u)) == 0) {
			bytes += other->bytes;
			++*many;
		}
		free(its);
	}
	free(kind);
	return bytes;
}

/* Has row i's kind been met before it? */
static bool is_repeated(const struct exchanges *x, size_t i)
{
	struct exchanges earlier = *x;
	size_t many;

	earlier.nunattributed = i;
	traffic_like(&earlier, x, &x->unattributed[i], &many);
	return many;
}

static void diff_unattributed(struct verdict_diff *d, const struct exchanges *a,
			      const struct exchanges *b)
{
	for (size_t i = 0; i < b->nunattributed; i++) {
		const struct unattributed *u = &b->unattributed[i];
		const char *way = u->dir == FLOW_OUT ? "out" : "in";
		uint64_t before, after;
		size_t were, are;
		char *kind;

		if (is_repeated(b, i))
			continue;
		before = traffic_like(a, b, u, &were);
		after = traffic_like(b, b, u, &are);
		kind = kind_of(u->reason);
		if (!were)
			add(d, CHANGE_WORSE, "traffic", row_device(b, u),
			    xasprintf("new unattributed traffic %s: %s, %" PRIu64 " bytes", way,
				      kind, after));
		else if (by_bytes(before, after) != CHANGE_NEUTRAL)
			add(d, by_bytes(before, after), "traffic", row_device(b, u),
			    xasprintf("unattributed traffic %s: %s, %" PRIu64 " → %" PRIu64
				      " bytes",
				      way, kind, before, after));
		free(kind);
	}
}

/* Numbers in what is said are longer or shorter by a digit; none at all is another matter. */
static enum change by_clear_bytes(uint64_t a, uint64_t b)
{
	if (b > a)
		return b - a > a / 10 ? CHANGE_WORSE : CHANGE_NEUTRAL;
	return a - b > a / 10 ? CHANGE_BETTER : CHANGE_NEUTRAL;
}

static void diff_traffic(struct verdict_diff *d, const struct exchanges *a,
			 const struct exchanges *b)
{
	if (!a != !b)
		add(d, b ? CHANGE_NEUTRAL : CHANGE_WORSE, "traffic", "exchanges",
		    xstrdup(b ? "are recorded now, with nothing to compare them with"
			      : "are not recorded any more: what left cannot be compared"));
	if (!a || !b)
		return;
	diff_unattributed(d, a, b);
	if (a->clear_bytes != b->clear_bytes)
		add(d, by_clear_bytes(a->clear_bytes, b->clear_bytes), "traffic", "clear text",
		    xasprintf("%" PRIu64 " → %" PRIu64 " bytes of the program's payload",
			      a->clear_bytes, b->clear_bytes));
}

static void diff_text(struct verdict_diff *d, const char *name, const char *a, const char *b)
{
	if (strcmp(a ? a : "", b ? b : "") != 0)
		add(d, CHANGE_NEUTRAL, "run", name, arrow(a ? a : "none", b ? b : "none", NULL));
}

static char *joined(char *const *argv)
{
	char *text = xstrdup(argv && argv[0] ? argv[0] : "");

	for (size_t i = 1; argv && argv[0] && argv[i]; i++) {
		char *longer = xasprintf("%s %s", text, argv[i]);

		free(text);
		text = longer;
	}
	return text;
}

static bool is_model(const struct platform *p)
{
	return guest_kind_find(p->realm.kind)->class == GUEST_MODEL;
}

/* Not worse by itself, but the reader must know that two different things are compared. */
static void diff_runs(struct verdict_diff *d, const struct verdict_side *a,
		      const struct verdict_side *b)
{
	if (a->platform && b->platform && is_model(b->platform) && !is_model(a->platform))
		add(d, CHANGE_WORSE, "run", "machine",
		    xstrdup("is ccaio's own bounce path now, which says nothing about any"));
	if (a->platform && b->platform)
		diff_text(d, "kernel", a->platform->kernel.release, b->platform->kernel.release);
	if (a->run && b->run) {
		char *x = joined(a->run->argv), *y = joined(b->run->argv);

		diff_text(d, "command", x, y);
		diff_text(d, "policy", a->run->policy, b->run->policy);
		free(x);
		free(y);
	}
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
	diff_runs(d, before, after);
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
