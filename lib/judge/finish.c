/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of judging: from claims and conditions to the verdict.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/cost/cost.h"
#include "lib/evidence/limit.h"
#include "lib/evidence/policy.h"
#include "lib/evidence/stream.h"
#include "lib/judge/finish.h"
#include "lib/judge/witness.h"

uint16_t judge_name_id(const struct judge *j, const char *name)
{
	return name ? names_find(j->names, name) : 0;
}

const struct device *judge_device_named(const struct judge *j, const char *name)
{
	uint16_t id = judge_name_id(j, name);

	return id ? devices_find(&j->devices, id) : NULL;
}

uint64_t judge_publications(const struct judge *j)
{
	return judge_limit_publications(j);
}

void judge_undecided_virtio(struct judge *j, enum claim_id claim, const struct platform_virtio *d,
			    const char *text)
{
	const char *name = d->parent ? d->parent : d->name;
	uint16_t id = judge_name_id(j, d->parent);

	if (id || limit_has(j->options.limit, name))
		judge_doubt(j, claim, id ? judge_device(j, id) : NULL, NULL, MEMORY_UNKNOWN, "%s",
			    text);
	else
		judge_limit_open(j, name, text);
}

void judge_set_cost(struct judge *j, const struct cost *cost)
{
	j->cost = cost;
}

/* A limit on what bouncing costs that is not kept, in a sentence; NULL: all are. */
static char *policy_cost(const struct judge *j)
{
	const struct policy *p = j->options.policy;

	if (!p || (!p->copied_per_useful && !p->pool_peak))
		return NULL;
	if (!j->cost)
		return xstrdup("the policy limits what bouncing costs, which was not measured");
	return cost_above(j->cost, p->copied_per_useful, p->pool_peak);
}

static void policy_setting(struct judge *j, struct verdict *v, char **why)
{
	const struct policy *p = j->options.policy;

	*why = NULL;
	if (v->setting == SETTING_UNKNOWN)
		*why = xstrdup(j->guest_why);
	else if (p && p->require_realm && v->setting != SETTING_REALM)
		*why = xasprintf("the policy requires a Realm, this is %s",
				 v->setting == SETTING_REHEARSAL ? "a rehearsal" : j->guest->one);
	else if (p && p->require_since_boot && v->scope != SCOPE_SINCE_BOOT)
		*why = xasprintf("the policy requires scope since-boot, this is the %s only",
				 scope_name(v->scope));
	else if (p && p->require_run && v->scope == SCOPE_WINDOW)
		*why = xstrdup("the policy requires scope run, this is the window only");
	else if (!(*why = policy_cost(j)))
		*why = judge_limit_refused(j);
}

/* The bounce path of lib/bounce plays a Realm; no policy takes it for one. */
static bool is_model(const struct judge *j)
{
	return j->guest->class == GUEST_MODEL;
}

static enum setting setting_of(const struct guest_kind *guest)
{
	switch (guest->class) {
	case GUEST_ORDINARY:
	case GUEST_MODEL:
		return SETTING_REHEARSAL;
	case GUEST_CONFIDENTIAL:
		return strcmp(guest->id, "arm-cca") == 0 ? SETTING_REALM : SETTING_CONFIDENTIAL;
	default:
		return SETTING_UNKNOWN;
	}
}

static char *proven_reason(const struct judge *j, const struct verdict *v)
{
	const char *where = j->guest->class == GUEST_CONFIDENTIAL
				    ? "shared memory"
				    : "what stands for shared memory (bounce pool and coherent "
				      "allocations)";
	uint64_t n = judge_publications(j) - j->n.accepted;
	const char *who = "the kernel";
	char *which = v->nlimit ? limit_join(v->limit, v->nlimit) : NULL, *reason;

	if (is_model(j)) {
		who = "ccaio's own bounce path";
		where = "its shared memory, which says nothing about any machine";
	}
	if (j->n.accepted)
		reason =
			xasprintf("%llu DMA address ranges that %s published%s%s lie in "
				  "%s; %llu more went to devices that the %s had accepted "
				  "(TDISP)",
				  (unsigned long long)n, who, which ? " to " : "",
				  which ? which : "", where, (unsigned long long)j->n.accepted,
				  j->guest->class == GUEST_CONFIDENTIAL ? j->guest->noun : "Realm");
	else
		reason = xasprintf("all %llu DMA address ranges that %s published%s%s lie "
				   "in %s",
				   (unsigned long long)n, who, which ? " to " : "",
				   which ? which : "", where);
	free(which);
	return reason;
}

static void outcome(struct judge *j, struct verdict *v)
{
	char list[256] = "";
	bool open = false, refuted = false;
	char *policy;
	size_t len = 0;

	for (int c = 0; c < CLAIMS; c++) {
		if (v->claims[c].required && v->claims[c].state == CLAIM_REFUTED) {
			len += snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "",
					claim_name(c));
			refuted = true;
		}
	}
	if (refuted) {
		v->outcome = OUTCOME_VIOLATED;
		v->reason = xasprintf("refuted: %s", list);
		return;
	}
	for (int c = 0; c < CLAIMS; c++) {
		if (v->claims[c].required && v->claims[c].state == CLAIM_UNDECIDED) {
			len += snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "",
					claim_name(c));
			open = true;
		}
	}
	for (int c = 0; c < CONDS; c++) {
		if (v->conds[c].state == COND_UNMET && len + 40 < sizeof(list)) {
			len += snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "",
					cond_name(c));
			open = true;
		}
	}
	policy_setting(j, v, &policy);
	if (open || policy) {
		v->outcome = OUTCOME_INCONCLUSIVE;
		v->reason = open ? xasprintf("not proven: %s%s%s", list, policy ? "; " : "",
					     policy ? policy : "")
				 : xstrdup(policy);
	} else {
		v->outcome = OUTCOME_PROVEN;
		v->reason = proven_reason(j, v);
	}
	free(policy);
}

static void totals(struct judge *j, const struct stream_info *info, struct verdict *v)
{
	v->totals.events = j->seq;
	v->totals.bounces = j->n.bounces;
	v->totals.maps = j->n.maps;
	v->totals.failed_maps = j->n.failed;
	v->totals.unmaps = j->n.unmaps;
	v->totals.syncs = j->n.syncs;
	v->totals.allocs = j->n.allocs;
	v->totals.frees = j->n.frees;
	v->totals.pool_hiwater = j->n.slots_hiwater;
	v->totals.first_ns = j->first_ns;
	v->totals.last_ns = j->last_ns;
	v->totals.read_ns = info->read_ns;
	v->totals.judge_ns = j->judge_ns;
}

#define NOTE_FULL_NS 100000000ull /* a stretch of failed maps that is worth a word */

/* A program that waited for room in the pool: how long, and for what. */
static void note_full(const struct judge *j, struct verdict *v)
{
	const struct full *f = &j->full;

	if (f->longest_ns < NOTE_FULL_NS)
		return;
	verdict_note(v,
		     "maps failed again and again, as they do when the bounce pool is full: %llu "
		     "times in %llu stretch%s of %llu.%03llu s together (the longest %llu.%03llu "
		     "s); the largest was of %llu bytes, for %s",
		     (unsigned long long)f->count, (unsigned long long)f->stretches,
		     f->stretches == 1 ? "" : "es", (unsigned long long)(f->total_ns / 1000000000),
		     (unsigned long long)(f->total_ns / 1000000 % 1000),
		     (unsigned long long)(f->longest_ns / 1000000000),
		     (unsigned long long)(f->longest_ns / 1000000 % 1000),
		     (unsigned long long)f->largest, names_get(j->names, f->dev));
}

/* Devices of which the policy says that they may have protected memory. */
static void note_entrusted(const struct judge *j, struct verdict *v)
{
	for (size_t i = 0; i < j->devices.count; i++) {
		const struct device *dev = j->devices.at[i];
		const struct policy_assigned *a;

		if (!dev || !dev->entrusted_ranges)
			continue;
		a = policy_assigned(j->options.policy, names_get(j->names, dev->id));
		verdict_note(v,
			     "%s was given protected memory %llu times; the policy says that this "
			     "assigned device may have it, and nothing attests the device; reason "
			     "given: %s",
			     names_get(j->names, dev->id),
			     (unsigned long long)dev->entrusted_ranges, a ? a->reason : "none");
	}
}

static void notes(struct judge *j, const struct stream_info *info, struct verdict *v)
{
	if (is_model(j))
		verdict_note(v, "this ran in ccaio's own bounce path: it says nothing about any "
				"kernel, Realm "
				"or machine");
	else if (v->setting == SETTING_REHEARSAL)
		verdict_note(
			v,
			"rehearsal: this is no Realm; bounce pools and coherent allocations stand "
			"for shared memory, all other RAM for protected memory");
	if (j->alias.learnt)
		verdict_note(v,
			     "the address bit 0x%llx is inferred to mark protected memory: the "
			     "buffers of bounces carry it",
			     (unsigned long long)j->alias.bit);
	if (!info->by_ccaio)
		verdict_note(
			v,
			"recorded by %s: there are no markers and no canary of ccaio in it, and "
			"that it "
			"left out no event, by a filter or a mask of processes or CPUs, is not "
			"recorded",
			info->recorder ? info->recorder : "an unknown tool");
	if (j->n.early)
		verdict_note(v,
			     "%llu maps were made while the events were being switched on; their "
			     "bounce events are not in the recording",
			     (unsigned long long)j->n.early);
	note_entrusted(j, v);
	note_full(j, v);
	if (j->n.inherited)
		verdict_note(
			v,
			"%llu syncs, unmaps or frees belong to mappings older than the window; "
			"they were judged by their addresses",
			(unsigned long long)j->n.inherited);
}

/* Nothing is known to be missing from the stream. */
static bool is_whole(const struct judge *j, const struct stream_info *info)
{
	bool unknown;

	return judge_lost(j, info, &unknown) == 0 && !unknown && !info->unordered &&
	       !judge_clock_is_coarse(info) && !j->n.undecoded;
}

/* The scope that was asked for; by itself the strongest that the evidence carries. */
static enum scope scope_of(const struct judge *j, const struct stream_info *info, bool met)
{
	char *why = NULL;
	bool boot;

	if (j->options.window_only && !met)
		return SCOPE_WINDOW;
	if (j->options.asked == JUDGE_RUN)
		return SCOPE_RUN;
	if (j->options.asked == JUDGE_SINCE_BOOT)
		return SCOPE_SINCE_BOOT;
	boot = judge_is_since_boot(j, info, &why);
	free(why);
	if (!met)
		return SCOPE_WINDOW;
	return boot ? SCOPE_SINCE_BOOT : SCOPE_RUN;
}

struct verdict *judge_finish(struct judge *j, const struct stream_info *info)
{
	struct verdict *v = verdict_new();
	bool whole, complete;

	judge_find_unarmed(j, info);
	judge_end_of_stream(j, info);
	witness_finish(j);
	pages_finish(j);
	v->setting = setting_of(j->guest);
	v->guest = xstrdup(j->guest->id);
	whole = is_whole(j, info);
	j->skewed = judge_clock_is_skewed(j, info);
	/* that an event is absent means something only where it would have been reported */
	complete = whole && judge_loss_counted(j, info) && judge_events_told(j, info) && !j->skewed;
	judge_doubts(j, info, v, whole);
	judge_bypass(j, v);
	judge_egress(j, whole);
	judge_confidential(j, v);
	judge_claims(j, v, complete);
	judge_list_findings(j, v, complete);
	judge_coverage(j, info, v);
	v->scope = scope_of(j, info, v->conds[COND_BASELINE].state == COND_MET);
	judge_list_devices(j, v, complete);
	judge_list_ranges(j, v);
	if (j->options.rmm)
		judge_monitor_report(j, v);
	judge_limit_report(j, v, complete);
	notes(j, info, v);
	totals(j, info, v);
	outcome(j, v);
	return v;
}
