/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From findings to claims, from claims and conditions to the verdict.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/judge-state.h"
#include "lib/names.h"
#include "lib/policy.h"
#include "lib/stream.h"
#include "lib/xalloc.h"

/* Claims that rest on the DMA events of the stream. */
static bool is_stream_claim(enum claim_id c)
{
	return c <= CLAIM_LIFECYCLE;
}

static void note(struct verdict *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(struct verdict *v, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	v->notes = xrealloc(v->notes, v->nnotes + 1, sizeof(*v->notes));
	v->notes[v->nnotes++] = xstrdup(text);
}

/* ---- no-bypass: from facts ---- */

static const struct {
	uint32_t id;
	const char *what;
} bypassing[] = {
	{ VIRTIO_ID_BALLOON, "the balloon gives page numbers to the host" },
	{ 27, "pmem is host memory mapped into the guest" },
};

static const struct policy_waiver *waiver(const struct judge *j, const char *a, const char *b)
{
	const struct policy *p = j->options.policy;

	for (size_t i = 0; p && i < p->nwaivers; i++) {
		const struct policy_waiver *w = &p->waivers[i];

		if (strcmp(w->claim, "no-bypass") == 0 &&
		    ((a && strcmp(w->device, a) == 0) || (b && strcmp(w->device, b) == 0)))
			return w;
	}
	return NULL;
}

static uint16_t name_id(const struct judge *j, const char *name)
{
	return name ? names_find(j->names, name) : 0;
}

/* A bypass that is a fact, or one that the policy knows of and waives. */
static void bypass(struct judge *j, struct verdict *v, const struct platform_virtio *d,
		   const char *why)
{
	const struct policy_waiver *w = waiver(j, d->parent, d->name);
	uint16_t id = name_id(j, d->parent);
	struct counterexample *ce;

	if (w) {
		note(v, "waived by policy: %s (%s) bypasses the DMA API: %s; reason given: %s",
		     d->name, d->parent ? d->parent : "?", why, w->reason);
		judge_find(j, CLAIM_NO_BYPASS, FIND_UNDECIDED, id ? judge_device(j, id) : NULL,
			   NULL, MEMORY_UNKNOWN, "a bypass of %s is waived by policy", d->name);
		return;
	}
	j->claims[CLAIM_NO_BYPASS].count[FIND_FACT]++;
	if (id)
		judge_device(j, id)->claims[CLAIM_NO_BYPASS].count[FIND_FACT]++;
	v->examples = xrealloc(v->examples, v->nexamples + 1, sizeof(*v->examples));
	ce = &v->examples[v->nexamples++];
	*ce = (struct counterexample){
		.claim = CLAIM_NO_BYPASS,
		.device = xstrdup(d->parent ? d->parent : d->name),
		.text = xasprintf("%s (%s): %s", d->name, d->driver ? d->driver : "no driver", why),
	};
}

static void undecided_virtio(struct judge *j, const struct platform_virtio *d, const char *why)
{
	uint16_t id = name_id(j, d->parent);

	judge_find(j, CLAIM_NO_BYPASS, FIND_UNDECIDED, id ? judge_device(j, id) : NULL, NULL,
		   MEMORY_UNKNOWN, "%s: %s", d->name, why);
}

static void check_virtio(struct judge *j, struct verdict *v, const struct platform_virtio *d)
{
	enum tri active = platform_virtio_active(d);

	if (active == TRI_NO)
		return;
	if (active == TRI_UNKNOWN) {
		if (d->driver)
			undecided_virtio(j, d, "its status is not known");
		return;
	}
	for (size_t i = 0; i < sizeof(bypassing) / sizeof(bypassing[0]); i++) {
		if (d->device_id == VIRTIO_ID_BALLOON &&
		    platform_virtio_feature(d, VIRTIO_F_ACCESS_PLATFORM) == TRI_YES) {
			undecided_virtio(
				j, d,
				"the balloon negotiated ACCESS_PLATFORM, but nothing shows "
				"that each page was unprotected before its number left");
			return;
		}
		if (d->device_id == bypassing[i].id) {
			bypass(j, v, d, bypassing[i].what);
			return;
		}
	}
	switch (platform_virtio_feature(d, VIRTIO_F_ACCESS_PLATFORM)) {
	case TRI_NO:
		bypass(j, v, d,
		       "without VIRTIO_F_ACCESS_PLATFORM (bit 33) it gives the device raw "
		       "guest-physical addresses");
		break;
	case TRI_UNKNOWN:
		undecided_virtio(j, d, "its feature bits are not known");
		break;
	case TRI_YES:
		if (d->device_id == 26)
			undecided_virtio(j, d,
					 "whether this virtiofs uses a DAX window is not known");
		break;
	}
}

static void check_pci(struct judge *j, struct verdict *v, const struct platform_pci *d)
{
	struct platform_virtio as = { .name = d->name, .parent = d->name, .driver = d->driver };

	if (d->driver && d->vendor && d->device && strcmp(d->vendor, "0x1af4") == 0 &&
	    strcmp(d->device, "0x1110") == 0)
		bypass(j, v, &as, "ivshmem is host memory mapped into the guest");
}

static void no_bypass(struct judge *j, struct verdict *v)
{
	const struct platform *p = j->platform;

	if (!p || !p->virtio_listed || !p->pci_listed) {
		judge_find(j, CLAIM_NO_BYPASS, FIND_UNDECIDED, NULL, NULL, MEMORY_UNKNOWN,
			   "the facts do not list the machine's devices");
		if (!p)
			return;
	}
	for (size_t i = 0; i < p->nvirtio; i++)
		check_virtio(j, v, &p->virtio[i]);
	for (size_t i = 0; i < p->npci; i++)
		check_pci(j, v, &p->pci[i]);
}

/* ---- devices that should be seen and are not ---- */

/* Why we know that this device worked in the window; NULL: nothing says so. */
static const char *why_active(struct judge *j, const struct platform_virtio *d)
{
	const struct platform *p = j->platform;

	if (d->activity_before != PLATFORM_UNKNOWN && d->activity_after != PLATFORM_UNKNOWN &&
	    d->activity_after != d->activity_before)
		return "its traffic counters moved";
	if (d->iface) {
		uint16_t id = name_id(j, d->iface);

		if (id && id < j->ndevices && j->devices[id] && j->devices[id]->net_events)
			return "packets of its interface are in the stream";
	}
	for (size_t i = 0; i < p->trace.ncanaries; i++) {
		const struct platform_canary *c = &p->trace.canaries[i];

		if (strcmp(c->kind, "none") != 0 && d->parent && strcmp(c->device, d->parent) == 0)
			return "ccaio itself used it";
	}
	return NULL;
}

static void check_silence(struct judge *j)
{
	const struct platform *p = j->platform;

	for (size_t i = 0; p && i < p->nvirtio; i++) {
		const struct platform_virtio *d = &p->virtio[i];
		uint16_t id = name_id(j, d->parent);
		const char *why;

		if (platform_virtio_active(d) != TRI_YES ||
		    platform_virtio_feature(d, VIRTIO_F_ACCESS_PLATFORM) != TRI_YES)
			continue;
		if (id && id < j->ndevices && j->devices[id] && j->devices[id]->seen)
			continue;
		why = why_active(j, d);
		if (!why)
			continue;
		for (int c = 0; c <= CLAIM_LIFECYCLE; c++)
			judge_find(j, c, FIND_UNDECIDED, id ? judge_device(j, id) : NULL, NULL,
				   MEMORY_UNKNOWN, "%s (%s) has no DMA event although %s", d->name,
				   d->parent ? d->parent : "?", why);
	}
}

/* ---- claims ---- */

/* Aliased addresses whose bit turned out to be no known shared bit. */
static void settle_alias(struct judge *j, struct verdict *v)
{
	uint64_t pairs, bit = judge_inferred_bit(j, &pairs);

	v->totals.shared_bit = j->shared_bit ? j->shared_bit : bit;
	v->totals.shared_bit_inferred = !j->shared_bit && bit;
	v->totals.shared_bit_pairs = j->shared_bit ? 0 : pairs;
	if (v->totals.shared_bit_inferred)
		note(v,
		     "the shared address bit 0x%llx is inferred: %llu bounced maps carry it above "
		     "a "
		     "pool address, none contradicts",
		     (unsigned long long)bit, (unsigned long long)pairs);
	for (size_t i = 0; i < j->ndevices; i++) {
		struct device *dev = j->devices[i];

		if (!dev || !(dev->alias_bits & ~v->totals.shared_bit))
			continue;
		judge_find(j, CLAIM_DMA_IN_SHARED, FIND_UNDECIDED, dev, NULL, MEMORY_UNKNOWN,
			   "addresses carry bits 0x%llx above RAM and nothing shows that this "
			   "means shared",
			   (unsigned long long)dev->alias_bits);
	}
}

/* What the stream as a whole does not bear out. */
static void settle_facts(struct judge *j)
{
	if (j->bad_bit)
		judge_find(j, CLAIM_DMA_IN_SHARED, FIND_UNDECIDED, NULL, NULL, MEMORY_UNKNOWN,
			   "the facts call 0x%llx the shared address bit, but it is not one bit "
			   "above all RAM",
			   (unsigned long long)j->bad_bit);
	if (j->n.early && !j->n.first_bounce)
		judge_find(j, CLAIM_BOUNCE_PAIRED, FIND_UNDECIDED, NULL, NULL, MEMORY_UNKNOWN,
			   "%llu maps were bounced but no bounce event was ever seen",
			   (unsigned long long)j->n.early);
}

static void undecide_all(struct judge *j, const char *why)
{
	for (int c = 0; c <= CLAIM_LIFECYCLE; c++)
		judge_find(j, c, FIND_UNDECIDED, NULL, NULL, MEMORY_UNKNOWN, "%s", why);
}

static uint64_t publications(const struct judge *j)
{
	return j->n.maps + j->n.allocs + j->n.inherited;
}

static void egress_policy(struct judge *j)
{
	const struct policy *p = j->options.policy;
	uint64_t out = 0, stale = 0;

	if (!p)
		return;
	for (size_t i = 0; i < j->ndevices; i++) {
		if (!j->devices[i])
			continue;
		out += j->devices[i]->totals.out_bytes + j->devices[i]->totals.sync_out_bytes;
		stale += j->devices[i]->totals.stale_bytes + j->devices[i]->totals.excess_bytes;
	}
	if (p->max_out_bytes != POLICY_NO_LIMIT && out > p->max_out_bytes)
		judge_find(j, CLAIM_EGRESS, FIND_FACT, NULL, NULL, MEMORY_UNKNOWN,
			   "%llu bytes left on purpose, the policy allows %llu",
			   (unsigned long long)out, (unsigned long long)p->max_out_bytes);
	if (p->max_stale_bytes != POLICY_NO_LIMIT && stale > p->max_stale_bytes)
		judge_find(j, CLAIM_EGRESS, FIND_FACT, NULL, NULL, MEMORY_UNKNOWN,
			   "%llu stale bytes were copied out, the policy allows %llu",
			   (unsigned long long)stale, (unsigned long long)p->max_stale_bytes);
}

/* Clear text is a warning; only a policy makes it a violation. */
static void confidential(struct judge *j, struct verdict *v)
{
	const struct policy *p = j->options.policy;
	const char *why = j->clear_reason;

	if (j->options.clear_payload == TRI_YES) {
		if (!why)
			why = "application payload left in clear text";
		judge_find(j, CLAIM_CONFIDENTIAL,
			   p && p->require_confidential ? FIND_FACT : FIND_UNDECIDED, NULL, NULL,
			   MEMORY_UNKNOWN, "%s", why);
		note(v,
		     "warning: %s: the bounce buffer protects the Realm's memory, not the data "
		     "that passes through it",
		     why);
	} else if (j->options.clear_payload == TRI_UNKNOWN)
		judge_find(j, CLAIM_CONFIDENTIAL, FIND_UNDECIDED, NULL, NULL, MEMORY_UNKNOWN, "%s",
			   why ? why : "the application's traffic was not looked at");
}

static enum claim_state state_of(const struct tally *t, bool complete)
{
	if (t->count[FIND_FACT] || (complete && t->count[FIND_ABSENCE]))
		return CLAIM_REFUTED;
	return t->count[FIND_UNDECIDED] || t->count[FIND_ABSENCE] ? CLAIM_UNDECIDED : CLAIM_HOLDS;
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
		return xasprintf("%llu events do not fit, but the stream is not complete",
				 (unsigned long long)n);
	}
	switch (c) {
	case CLAIM_DMA_IN_SHARED:
		return xasprintf("all %llu published ranges lie in shared memory",
				 (unsigned long long)publications(j));
	case CLAIM_BOUNCE_PAIRED:
		return xasprintf("%llu bounced maps, each with its bounce%s",
				 (unsigned long long)j->n.paired,
				 j->n.early ? " (but those made while recording began)" : "");
	case CLAIM_SLOTS_DISJOINT:
		return xasprintf("no two live mappings shared memory%s",
				 j->n.races ? " (slots reused before their unmap was told: see "
					      "notes)"
					    : "");
	case CLAIM_LIFECYCLE:
		return xasprintf("%llu unmaps, %llu syncs and %llu frees fit their mappings",
				 (unsigned long long)j->n.unmaps, (unsigned long long)j->n.syncs,
				 (unsigned long long)j->n.frees);
	case CLAIM_NO_BYPASS:
		return xstrdup("every active device uses the DMA API");
	case CLAIM_EGRESS:
		return xstrdup("counted; see devices");
	default:
		return xstrdup("no payload was seen in clear text");
	}
}

static void decide_claims(struct judge *j, struct verdict *v, bool complete)
{
	const struct policy *p = j->options.policy;

	for (int c = 0; c < CLAIMS; c++) {
		struct claim_verdict *cv = &v->claims[c];
		const struct tally *t = &j->claims[c];

		cv->state = state_of(t, complete);
		cv->reason = claim_reason(j, c, cv->state, t);
		cv->refutations =
			cv->state == CLAIM_REFUTED
				? t->count[FIND_FACT] + (complete ? t->count[FIND_ABSENCE] : 0)
				: 0;
		cv->required = c != CLAIM_EGRESS && c != CLAIM_CONFIDENTIAL;
	}
	if (p && (p->max_out_bytes != POLICY_NO_LIMIT || p->max_stale_bytes != POLICY_NO_LIMIT))
		v->claims[CLAIM_EGRESS].required = true;
	if (p && p->require_confidential)
		v->claims[CLAIM_CONFIDENTIAL].required = true;
}

/* ---- examples, devices, ranges ---- */

static int by_seq(const void *a, const void *b)
{
	const struct counterexample *x = a, *y = b;

	/* what decides the verdict comes first, then in the order of the stream */
	if ((x->claim >= CLAIM_EGRESS) != (y->claim >= CLAIM_EGRESS))
		return x->claim >= CLAIM_EGRESS ? 1 : -1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void take_examples(struct judge *j, struct verdict *v)
{
	for (size_t i = 0; i < j->nkept; i++) {
		struct kept *k = &j->kept[i];

		if (v->claims[k->ce.claim].state != CLAIM_REFUTED)
			continue;
		v->examples = xrealloc(v->examples, v->nexamples + 1, sizeof(*v->examples));
		v->examples[v->nexamples++] = k->ce;
		k->ce.text = k->ce.device = k->ce.comm = NULL;
	}
	if (v->nexamples)
		qsort(v->examples, v->nexamples, sizeof(*v->examples), by_seq);
}

static const char *virtio_kind(uint32_t id)
{
	static const char *const kinds[] = {
		[1] = "net",	 [2] = "block", [3] = "console", [4] = "rng",	 [5] = "balloon",
		[8] = "scsi",	 [9] = "9p",	[16] = "gpu",	 [18] = "input", [19] = "vsock",
		[20] = "crypto", [24] = "mem",	[26] = "fs",	 [27] = "pmem",
	};

	return id < sizeof(kinds) / sizeof(kinds[0]) && kinds[id] ? kinds[id] : "device";
}

static void describe(struct device_verdict *d, const struct platform_virtio *virtio,
		     const struct platform_pci *pci)
{
	if (virtio) {
		d->driver = xstrdup(virtio->driver);
		d->what = xasprintf("virtio %s", virtio_kind(virtio->device_id));
	} else if (pci) {
		d->driver = xstrdup(pci->driver);
		d->what = xasprintf("pci %s:%s", pci->vendor ? pci->vendor : "?",
				    pci->device ? pci->device : "?");
	}
}

static struct device_verdict *add_device(struct verdict *v, const char *name)
{
	struct device_verdict *d;

	v->devices = xrealloc(v->devices, v->ndevices + 1, sizeof(*v->devices));
	d = &v->devices[v->ndevices++];
	memset(d, 0, sizeof(*d));
	d->name = xstrdup(name);
	return d;
}

static void device_claims(const struct judge *j, const struct verdict *v, const struct device *dev,
			  struct device_verdict *d, bool complete, bool listed)
{
	const char *why = NULL;

	for (int c = 0; c < CLAIMS; c++) {
		d->claims[c] = dev ? state_of(&dev->claims[c], complete) : CLAIM_UNDECIDED;
		if (!dev || (is_stream_claim(c) && !dev->seen))
			d->claims[c] = CLAIM_UNDECIDED;
		/* What is open for the whole run is open for each device. */
		if (v->claims[c].state == CLAIM_UNDECIDED && d->claims[c] == CLAIM_HOLDS &&
		    (!j->claims[c].why || !dev->claims[c].why))
			d->claims[c] = c == CLAIM_NO_BYPASS && listed ? CLAIM_HOLDS
				       : j->n.maps && complete	      ? CLAIM_HOLDS
								      : CLAIM_UNDECIDED;
		if (!why && dev && dev->claims[c].why)
			why = dev->claims[c].why;
	}
	if (why)
		d->note = xstrdup(why);
	else if (!dev || !dev->seen)
		d->note = xstrdup("no DMA event in the stream");
}

static void bypass_state(const struct verdict *v, struct device_verdict *d)
{
	for (size_t i = 0; i < v->nexamples; i++) {
		const struct counterexample *ce = &v->examples[i];

		if (ce->claim == CLAIM_NO_BYPASS && strcmp(ce->device, d->name) == 0) {
			d->claims[CLAIM_NO_BYPASS] = CLAIM_REFUTED;
			free(d->note);
			d->note = xstrdup(ce->text);
		}
	}
}

static void list_devices(struct judge *j, struct verdict *v, bool complete)
{
	const struct platform *p = j->platform;

	for (size_t i = 0; i < j->ndevices; i++) {
		struct device *dev = j->devices[i];
		struct device_verdict *d;

		if (!dev || !dev->seen)
			continue;
		d = add_device(v, names_get(j->names, dev->id));
		describe(d, dev->virtio, dev->pci);
		d->totals = dev->totals;
		d->trusted = dev->tsm_known && dev->tsm == EVENT_TSM_RUN;
		device_claims(j, v, dev, d, complete, dev->virtio || dev->pci);
		bypass_state(v, d);
	}
	for (size_t i = 0; p && i < p->nvirtio; i++) {
		const struct platform_virtio *x = &p->virtio[i];
		uint16_t id = name_id(j, x->parent);
		struct device_verdict *d;

		if (platform_virtio_active(x) == TRI_NO ||
		    (id && id < j->ndevices && j->devices[id] && j->devices[id]->seen))
			continue;
		d = add_device(v, x->parent ? x->parent : x->name);
		describe(d, x, NULL);
		device_claims(j, v, id && id < j->ndevices ? j->devices[id] : NULL, d, complete,
			      true);
		if (platform_virtio_feature(x, VIRTIO_F_ACCESS_PLATFORM) == TRI_YES)
			d->claims[CLAIM_NO_BYPASS] = CLAIM_HOLDS;
		bypass_state(v, d);
	}
}

static void add_range(struct verdict *v, const struct published_range *r)
{
	if (v->nranges == VERDICT_RANGES) {
		v->ranges_complete = false;
		return;
	}
	v->ranges = xrealloc(v->ranges, v->nranges + 1, sizeof(*v->ranges));
	v->ranges[v->nranges++] = *r;
}

static void add_run(void *ctx, struct range run, uint64_t mappings)
{
	struct verdict *v = ctx;
	uint64_t bit = v->totals.shared_bit;

	add_range(v, &(struct published_range){ .range = { run.start | bit, run.end | bit },
						.memory = bit ? MEMORY_ALIAS : MEMORY_POOL,
						.count = mappings });
}

static void list_ranges(struct judge *j, struct verdict *v)
{
	v->ranges_complete = !j->other_full;
	ledger_slot_runs(j->ledger, add_run, v);
	for (size_t i = 0; i < j->nother; i++)
		add_range(v, &j->other[i]);
}

/* ---- the verdict ---- */

static void policy_setting(struct judge *j, struct verdict *v, char **why)
{
	const struct policy *p = j->options.policy;

	*why = NULL;
	if (v->setting == SETTING_UNKNOWN)
		*why = xstrdup("the facts do not say whether this is a Realm");
	else if (p && p->require_realm && v->setting != SETTING_REALM)
		*why = xasprintf("the policy requires a Realm, this is a %s",
				 v->setting == SETTING_REHEARSAL ? "rehearsal"
								 : "machine of unknown "
								   "kind");
	else if (p && p->require_since_boot && v->scope != SCOPE_SINCE_BOOT)
		*why = xstrdup("the policy requires scope since-boot, this is the window only");
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
		v->reason = open ? xasprintf("not shown: %s%s%s", list, policy ? "; " : "",
					     policy ? policy : "")
				 : xstrdup(policy);
	} else {
		v->outcome = OUTCOME_PROVEN;
		v->reason = xasprintf("all %llu DMA address ranges that the kernel published lie "
				      "in %s",
				      (unsigned long long)publications(j),
				      v->setting == SETTING_REALM
					      ? "shared memory"
					      : "what stands for shared memory (bounce pool and "
						"coherent allocations)");
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

/* The bounce path of lib/bounce plays a Realm; no policy takes it for one. */
static bool is_model(const struct platform *p)
{
	return p && p->realm.kind && strcmp(p->realm.kind, "model") == 0;
}

static void notes(struct judge *j, const struct stream_info *info, struct verdict *v)
{
	if (is_model(j->platform))
		note(v,
		     "this ran in ccaio's own bounce path: it says nothing about any kernel, Realm "
		     "or machine");
	else if (v->setting == SETTING_REHEARSAL)
		note(v, "rehearsal: this is no Realm; bounce pools and coherent allocations stand "
			"for shared memory, all other RAM for protected memory");
	if (!info->by_ccaio)
		note(v, "recorded by %s: there are no markers and no canary of ccaio in it",
		     info->recorder ? info->recorder : "an unknown tool");
	if (j->n.races)
		note(v,
		     "%llu slots were reused by another CPU before their unmap was told: the "
		     "kernel "
		     "tells an unmap after it released the slot",
		     (unsigned long long)j->n.races);
	if (j->n.early)
		note(v,
		     "%llu maps were made while the events were being switched on; their "
		     "bounce events are not in the recording",
		     (unsigned long long)j->n.early);
	if (j->n.inherited)
		note(v,
		     "%llu syncs, unmaps or frees belong to mappings older than the window; "
		     "they were judged by their addresses",
		     (unsigned long long)j->n.inherited);
}

struct verdict *judge_finish(struct judge *j, const struct stream_info *info)
{
	struct verdict *v = verdict_new();
	bool unknown, complete;
	char *missing;

	judge_end_of_stream(j, info);
	v->setting = j->realm ? SETTING_REALM : j->rehearsal ? SETTING_REHEARSAL : SETTING_UNKNOWN;
	if (is_model(j->platform))
		v->setting = SETTING_REHEARSAL;
	complete = judge_lost(j, info, &unknown) == 0 && !unknown && !info->unordered &&
		   !j->n.undecoded;
	settle_alias(j, v);
	settle_facts(j);
	check_silence(j);
	if (!judge_events_armed(j, info, &missing))
		undecide_all(j, "not all needed events were recorded");
	free(missing);
	if (!complete)
		undecide_all(j, "events are missing from the stream");
	if (!publications(j))
		undecide_all(j, "there is nothing to judge: no device has a DMA mapping in the "
				"stream");
	if (j->options.rmm_unusable) {
		v->monitor.unusable = xstrdup(j->options.rmm_unusable);
		judge_find(j, CLAIM_DMA_IN_SHARED, FIND_UNDECIDED, NULL, NULL, MEMORY_UNKNOWN,
			   "the monitor's log cannot be used: %s", j->options.rmm_unusable);
	}
	no_bypass(j, v);
	egress_policy(j);
	if (!complete || !publications(j))
		judge_find(j, CLAIM_EGRESS, FIND_UNDECIDED, NULL, NULL, MEMORY_UNKNOWN,
			   "not all transfers are in the stream");
	confidential(j, v);
	decide_claims(j, v, complete);
	take_examples(j, v);
	judge_coverage(j, info, v);
	v->scope = v->conds[COND_BASELINE].state == COND_MET ? SCOPE_SINCE_BOOT : SCOPE_WINDOW;
	list_devices(j, v, complete);
	list_ranges(j, v);
	if (j->options.rmm)
		judge_monitor_report(j, v);
	notes(j, info, v);
	totals(j, info, v);
	outcome(j, v);
	return v;
}
