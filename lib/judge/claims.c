/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From findings to claims.
 */
#include "lib/base/xalloc.h"
#include "lib/evidence/limit.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/policy.h"
#include "lib/judge/finish.h"

static uint64_t sent_out(const struct device *dev)
{
	return dev->totals.out_bytes + dev->totals.sync_out_bytes;
}

static uint64_t exposed(const struct device *dev)
{
	return dev->totals.stale_bytes + dev->totals.excess_bytes;
}

/* name: of the device that the limits are of; NULL of all together */
static void egress_limit(struct judge *j, const char *name, uint64_t out, uint64_t max_out,
			 uint64_t stale, uint64_t max_stale)
{
	uint16_t id = judge_name_id(j, name);

	if (out > max_out)
		judge_refute_named(j, BREACH_OUT_LIMIT, name, id,
				   "%llu bytes sent out, the policy allows %llu",
				   (unsigned long long)out, (unsigned long long)max_out);
	if (stale > max_stale)
		judge_refute_named(j, BREACH_STALE_LIMIT, name, id,
				   "%llu stale bytes were copied out, the policy allows %llu",
				   (unsigned long long)stale, (unsigned long long)max_stale);
}

/* A device whose name is spelt wrongly would keep each limit. */
static void device_limit(struct judge *j, const struct policy_limit *l)
{
	const struct device *dev = judge_device_named(j, l->device);

	if (!limit_has(j->options.limit, l->device))
		return; /* the verdict says nothing about it */
	if (dev)
		egress_limit(j, l->device, sent_out(dev), l->max_out_bytes, exposed(dev),
			     l->max_stale_bytes);
	else if (!j->platform || (!platform_find_virtio(j->platform, l->device) &&
				  !platform_find_pci(j->platform, l->device)))
		judge_doubt(j, CLAIM_EGRESS, NULL, NULL, MEMORY_UNKNOWN,
			    "the policy limits %s, and no device is called that", l->device);
}

static void egress_limits(struct judge *j)
{
	const struct policy *p = j->options.policy;
	uint64_t out = 0, stale = 0;

	if (!p)
		return;
	for (size_t i = 0; i < j->devices.count; i++) {
		const struct device *dev = j->devices.at[i];

		if (!dev || dev->out_of_scope)
			continue;
		out += sent_out(dev);
		stale += exposed(dev);
	}
	egress_limit(j, NULL, out, p->max_out_bytes, stale, p->max_stale_bytes);
	for (size_t i = 0; i < p->nlimits; i++)
		device_limit(j, &p->limits[i]);
}

void judge_egress(struct judge *j, bool whole)
{
	egress_limits(j);
	if (!whole || !judge_publications(j))
		judge_doubt(j, CLAIM_EGRESS, NULL, NULL, MEMORY_UNKNOWN,
			    "not all transfers are in the stream");
}

/* Whose memory is at stake; a rehearsal plays a Realm. */
static const char *protected_noun(const struct judge *j)
{
	return j->guest->class == GUEST_CONFIDENTIAL ? j->guest->noun : "Realm";
}

/* Clear text is a warning; only a policy makes it a violation. */
void judge_confidential(struct judge *j, struct verdict *v)
{
	const struct policy *p = j->options.policy;
	const char *why = j->clear_reason;

	if (j->options.clear_payload == TRI_YES) {
		if (!why)
			why = "application payload left in clear text";
		judge_refute(j, BREACH_CLEAR_TEXT,
			     p && p->require_confidential ? FIND_FACT : FIND_UNDECIDED, NULL, NULL,
			     MEMORY_UNKNOWN, "%s", why);
		verdict_note(
			v,
			"warning: %s: the bounce buffer protects the %s's memory, not the data "
			"that passes through it",
			why, protected_noun(j));
	} else if (j->options.clear_payload == TRI_UNKNOWN)
		judge_doubt(j, CLAIM_CONFIDENTIAL, NULL, NULL, MEMORY_UNKNOWN, "%s",
			    why ? why : "the application's traffic was not looked at");
}

/* Counterexamples that count: those of absence only in a complete stream, none from facts that the
 * evidence contradicts. */
static uint64_t refutations(const struct judge *j, enum claim_id c, const struct tally *t,
			    bool complete)
{
	if (j->contradicted & 1u << c)
		return 0;
	/* what was shared when is a matter of order */
	if (j->skewed && j->n.changes && c == CLAIM_DMA_IN_SHARED)
		return 0;
	return t->count[FIND_FACT] + (complete ? t->count[FIND_ABSENCE] : 0);
}

enum claim_state judge_claim_state(const struct judge *j, enum claim_id c, const struct tally *t,
				   bool complete)
{
	if (refutations(j, c, t, complete))
		return CLAIM_REFUTED;
	for (int i = 0; i < FINDINGS; i++) {
		if (t->count[i])
			return CLAIM_UNDECIDED;
	}
	return CLAIM_HOLDS;
}

static char *claim_reason(const struct judge *j, enum claim_id c, enum claim_state s,
			  const struct tally *t)
{
	uint64_t n = t->count[FIND_FACT] + t->count[FIND_ABSENCE];

	if (s == CLAIM_REFUTED)
		return xasprintf("%llu counterexample%s", (unsigned long long)n, n == 1 ? "" : "s");
	if (s == CLAIM_UNDECIDED) {
		if (t->why)
			return xstrdup(t->why);
		return xasprintf(j->skewed
					 ? "%llu events do not fit, but the trace clock does not "
					   "order the events of several CPUs"
					 : "%llu events do not fit, but the stream is not complete",
				 (unsigned long long)n);
	}
	switch (c) {
	case CLAIM_DMA_IN_SHARED:
		if (j->n.accepted)
			return xasprintf(
				"%llu published ranges lie in shared memory; %llu more "
				"went to devices that the %s had accepted (TDISP)",
				(unsigned long long)(judge_publications(j) - j->n.accepted),
				(unsigned long long)j->n.accepted, protected_noun(j));
		return xasprintf("all %llu published ranges lie in shared memory",
				 (unsigned long long)judge_publications(j));
	case CLAIM_BOUNCE_PAIRED:
		if (j->options.limit)
			return xstrdup("every bounced map has its bounce");
		return xasprintf("%llu bounced maps, each with its bounce%s",
				 (unsigned long long)j->n.paired,
				 j->n.early ? " (but those made while recording began)" : "");
	case CLAIM_SLOTS_DISJOINT:
		return xstrdup("no two live mappings overlap");
	case CLAIM_LIFECYCLE:
		if (j->options.limit)
			return xstrdup("unmaps, syncs and frees fit their mappings");
		return xasprintf("%llu unmaps, %llu syncs and %llu frees fit their mappings",
				 (unsigned long long)j->n.unmaps, (unsigned long long)j->n.syncs,
				 (unsigned long long)j->n.frees);
	case CLAIM_NO_BYPASS:
		return xstrdup(j->options.limit ? "every active one of them uses the DMA API"
						: "every active device uses the DMA API");
	case CLAIM_EGRESS:
		return xstrdup("counted; see devices");
	default:
		return xstrdup("no payload was seen in clear text");
	}
}

void judge_claims(struct judge *j, struct verdict *v, bool complete)
{
	const struct policy *p = j->options.policy;

	for (int c = 0; c < CLAIMS; c++) {
		struct claim_verdict *cv = &v->claims[c];
		const struct tally *t = &j->findings.claims[c];

		cv->state = judge_claim_state(j, c, t, complete);
		cv->reason = claim_reason(j, c, cv->state, t);
		cv->refutations = refutations(j, c, t, complete);
		cv->required = claim_decides(c);
	}
	if (policy_limits_egress(p))
		v->claims[CLAIM_EGRESS].required = true;
	if (p && p->require_confidential)
		v->claims[CLAIM_CONFIDENTIAL].required = true;
}
