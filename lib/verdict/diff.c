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
#include "lib/verdict/state.h"
#include "lib/verdict/verdict.h"

void diff_add(struct verdict_diff *diff, enum change change, const char *kind, const char *name,
	      char *text)
{
	XGROW(diff->list, diff->count, diff->cap);
	diff->list[diff->count++] = (struct difference){
		.change = change, .kind = kind, .name = xstrdup(name), .text = text
	};
	diff->worse += change == CHANGE_WORSE;
	diff->noise += change == CHANGE_NOISE;
}

void diff_add_numbers(struct verdict_diff *diff, enum change change, const char *kind,
		      const char *name, char *text, uint64_t before, uint64_t after)
{
	struct difference *d;

	diff_add(diff, change, kind, name, text);
	d = &diff->list[diff->count - 1];
	d->numbers = true;
	d->before = before;
	d->after = after;
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

/* "a → b: why"; why may be NULL.  The caller frees. */
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
	diff_add(d, forth ? CHANGE_BETTER : CHANGE_WORSE, "verdict", "limit",
		 arrow(*x ? x : "the whole machine", *y ? y : "the whole machine",
		       "the two verdicts are not about the same devices"));
	free(x);
	free(y);
}

static void diff_heads(struct verdict_diff *d, const struct verdict *a, const struct verdict *b)
{
	if (a->outcome != b->outcome)
		diff_add(d, by_rank(outcome_rank(a->outcome), outcome_rank(b->outcome)), "verdict",
			 "verdict",
			 arrow(outcome_name(a->outcome), outcome_name(b->outcome), b->reason));
	if (a->scope != b->scope)
		diff_add(d, by_rank(b->scope, a->scope), "verdict", "scope",
			 arrow(scope_name(a->scope), scope_name(b->scope), NULL));
	if (a->setting != b->setting)
		diff_add(d, by_rank(setting_rank(b), setting_rank(a)), "verdict", "setting",
			 arrow(setting_name(a->setting), setting_name(b->setting), NULL));
}

/* One of the two versions did not know it: nothing to compare. */
static void not_judged(struct verdict_diff *d, const char *kind, const char *name, bool both,
		       const char *before, const char *after)
{
	if (!both)
		diff_add(d, CHANGE_NEUTRAL, kind, name,
			 arrow(before, after, "only one of the two versions of ccaio judges it"));
}

static enum change by_amount(uint64_t before, uint64_t after, uint64_t noise)
{
	uint64_t by = after > before ? after - before : before - after;

	if (by <= noise || by <= before / 10)
		return CHANGE_NOISE;
	return after > before ? CHANGE_WORSE : CHANGE_BETTER;
}

/* Counterexamples more or less, besides a tenth: what a driver maps at once, half a ring. */
#define NOISE_FINDINGS 128

static void diff_claims(struct verdict_diff *d, const struct verdict *a, const struct verdict *b)
{
	for (int i = 0; i < CLAIMS; i++) {
		const struct claim_verdict *x = &a->claims[i], *y = &b->claims[i];

		if (!claim_decides(i) && x->required != y->required)
			diff_add(d, y->required ? CHANGE_NEUTRAL : CHANGE_WORSE, "claim",
				 claim_name(i),
				 xstrdup(y->required
						 ? "decides the verdict now: a policy asks for it"
						 : "is only reported now: no policy asks for it"));
		if (x->state == CLAIM_NOT_JUDGED || y->state == CLAIM_NOT_JUDGED)
			not_judged(d, "claim", claim_name(i), x->state == y->state,
				   claim_state_name(x->state), claim_state_name(y->state));
		else if (x->state != y->state)
			diff_add(d, by_rank(claim_rank(x->state), claim_rank(y->state)), "claim",
				 claim_name(i),
				 arrow(claim_state_name(x->state), claim_state_name(y->state),
				       y->reason));
		else if (x->refutations != y->refutations)
			diff_add_numbers(d,
					 by_amount(x->refutations, y->refutations, NOISE_FINDINGS),
					 "claim", claim_name(i),
					 xasprintf("%" PRIu64 " → %" PRIu64 " counterexamples",
						   x->refutations, y->refutations),
					 x->refutations, y->refutations);
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
			diff_add(d, by_rank(cond_rank(x->state), cond_rank(y->state)), "condition",
				 cond_name(i),
				 arrow(cond_state_name(x->state), cond_state_name(y->state),
				       y->reason));
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

enum change diff_by_bytes(uint64_t before, uint64_t after)
{
	return by_amount(before, after, DIFF_NOISE_BYTES);
}

static void diff_egress(struct verdict_diff *d, const char *device, const char *what,
			uint64_t before, uint64_t after, enum change change)
{
	char *name;

	if (before == after)
		return;
	name = xasprintf("%s, bytes %s", device, what);
	diff_add_numbers(d, change, "egress", name,
			 xasprintf("%" PRIu64 " → %" PRIu64 " (%s by %" PRIu64 ")", before, after,
				   after > before ? "up" : "down",
				   after > before ? after - before : before - after),
			 before, after);
	free(name);
}

static uint64_t without(uint64_t bytes, uint64_t own)
{
	return bytes > own ? bytes - own : 0;
}

/* Bytes that left through a device in each run, without those that ccaio moved itself. */
static void diff_left(struct verdict_diff *d, const struct verdict_side *before,
		      const struct verdict_side *after, const struct device_verdict *x,
		      const struct device_verdict *y)
{
	struct diff_device was = diff_device_of(before->exchanges, y->name);
	struct diff_device is = diff_device_of(after->exchanges, y->name);
	const struct device_totals *a = &x->totals, *b = &y->totals;

	diff_egress(d, y->name, "sent out", a->out_bytes, b->out_bytes,
		    diff_by_bytes(without(a->out_bytes, was.own[FLOW_OUT]),
				  without(b->out_bytes, is.own[FLOW_OUT])));
	diff_egress(d, y->name, "exposed needlessly", a->stale_bytes, b->stale_bytes,
		    by_amount(without(a->stale_bytes, was.own[FLOW_IN]),
			      without(b->stale_bytes, is.own[FLOW_IN]),
			      was.network && is.network ? DIFF_REFILL_BYTES : DIFF_NOISE_BYTES));
	diff_egress(d, y->name, "beside shared buffers", a->excess_bytes, b->excess_bytes,
		    diff_by_bytes(a->excess_bytes, b->excess_bytes));
}

/*
 * Whether a device works in a window of some milliseconds is chance; of one that did not,
 * nothing is decided.  The claim itself must hold in both runs.
 */
static bool is_idle(const struct verdict *v, const struct device_verdict *d,
		    const struct verdict *other, enum claim_id id)
{
	return !d->totals.events && d->claims[id] == CLAIM_UNDECIDED &&
	       v->claims[id].state == other->claims[id].state;
}

static void diff_device_claims(struct verdict_diff *d, const struct verdict *a,
			       const struct verdict *b, const struct device_verdict *x,
			       const struct device_verdict *y)
{
	for (int i = 0; i < CLAIMS; i++) {
		bool idle = (is_idle(a, x, b, i) && y->claims[i] == CLAIM_HOLDS) ||
			    (is_idle(b, y, a, i) && x->claims[i] == CLAIM_HOLDS);

		if (x->claims[i] == y->claims[i])
			continue;
		diff_add(d,
			 idle ? CHANGE_NOISE
			      : by_rank(claim_rank(x->claims[i]), claim_rank(y->claims[i])),
			 "device", y->name,
			 xasprintf("%s: %s → %s%s", claim_name(i), claim_state_name(x->claims[i]),
				   claim_state_name(y->claims[i]),
				   idle ? ", for it did no DMA in one of the runs" : ""));
	}
}

static void diff_device(struct verdict_diff *d, const struct verdict_side *before,
			const struct verdict_side *after, const struct device_verdict *x,
			const struct device_verdict *y)
{
	diff_device_claims(d, before->verdict, after->verdict, x, y);
	if (x->trusted != y->trusted)
		diff_add(d, y->trusted ? CHANGE_WORSE : CHANGE_NEUTRAL, "device", y->name,
			 xstrdup(y->trusted ? "is now accepted by the guest: it may reach "
					      "protected memory"
					    : "is no longer accepted by the guest"));
	diff_left(d, before, after, x, y);
}

static void diff_devices(struct verdict_diff *d, const struct verdict_side *before,
			 const struct verdict_side *after)
{
	const struct verdict *a = before->verdict, *b = after->verdict;

	for (size_t i = 0; i < b->ndevices; i++) {
		const struct device_verdict *y = &b->devices[i], *x = find_device(a, y->name);

		if (x)
			diff_device(d, before, after, x, y);
		else
			diff_add(d, CHANGE_WORSE, "device", y->name,
				 xasprintf("is new%s%s", y->what ? ": " : "",
					   y->what ? y->what : ""));
	}
	for (size_t i = 0; i < a->ndevices; i++) {
		if (!find_device(b, a->devices[i].name))
			diff_add(d, CHANGE_NEUTRAL, "device", a->devices[i].name,
				 xstrdup("is gone"));
	}
}

const char *change_name(enum change change)
{
	static const char *const names[] = { "changed", "worse", "better", "noise" };

	return names[change];
}

/* The text without such ports; the caller frees. */
static char *without_ports(const char *text)
{
	char *plain = xcalloc(strlen(text) + 1, 1);
	size_t n = 0;

	while (*text) {
		size_t digits = *text == ':' ? strspn(text + 1, "0123456789") : 0;
		unsigned long port = digits && digits <= 5 ? strtoul(text + 1, NULL, 10) : 0;

		if (port >= DIFF_CHOSEN_PORT && port <= UINT16_MAX)
			text += digits + 1;
		else
			plain[n++] = *text++;
	}
	return plain;
}

static void diff_command(struct verdict_diff *d, const char *a, const char *b)
{
	char *x = without_ports(a), *y = without_ports(b);

	if (strcmp(a, b) != 0)
		diff_add(d, strcmp(x, y) == 0 ? CHANGE_NOISE : CHANGE_NEUTRAL, "run", "command",
			 arrow(*a ? a : "none", *b ? b : "none", NULL));
	free(x);
	free(y);
}

static void diff_text(struct verdict_diff *d, const char *name, const char *a, const char *b)
{
	if (strcmp(a ? a : "", b ? b : "") != 0)
		diff_add(d, CHANGE_NEUTRAL, "run", name,
			 arrow(a ? a : "none", b ? b : "none", NULL));
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
		diff_add(d, CHANGE_WORSE, "run", "machine",
			 xstrdup("is ccaio's own bounce path now, which says nothing about any"));
	if (a->platform && b->platform)
		diff_text(d, "kernel", a->platform->kernel.release, b->platform->kernel.release);
	if (a->run && b->run) {
		char *x = joined(a->run->argv), *y = joined(b->run->argv);

		diff_command(d, x, y);
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
	diff_devices(d, before, after);
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
