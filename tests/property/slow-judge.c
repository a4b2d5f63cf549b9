/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/property/slow-judge.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "tests/property/slow-state.h"

/* ---- memory that changes ---- */

static void do_change(struct slow *s, const struct event *e)
{
	bool virt = e->flags & EVENT_F_VIRT;

	if (e->aux)
		return;
	s->memory_changes++;
	if (e->size)
		s->changes[s->nchanges++] = s->now;
	if (e->kind == EVENT_DECRYPT || (!virt && !e->size))
		return;
	for (size_t i = 0; i < s->nlives; i++) {
		struct life *l = &s->lives[i];
		uint64_t from = virt ? e->link : e->orig, to = slow_last_of(from, e->size);
		bool hit =
			virt ? l->alloc && l->orig <= to && slow_last_of(l->orig, l->size) >= from
			     : slow_shares(s, l, from, to) && slow_owns_some(s, l, from, to);

		if (!l->live || !hit || slow_trusted(s, l->dev) || slow_is_entrusted(s, l->dev))
			continue;
		/* an older one may have ended by an unmap that named only the buffer */
		if (l->older || l->taken)
			slow_open(s, CLAIM_DMA_IN_SHARED);
		else
			slow_absent(s, CLAIM_DMA_IN_SHARED);
	}
}

static void do_trust(struct slow *s, const struct event *e)
{
	enum event_tsm before = slow_trust(s, e->dev, s->now);
	bool begins = e->aux == EVENT_TSM_RUN && before != EVENT_TSM_RUN;
	bool ends = (e->aux == EVENT_TSM_UNLOCKED || e->aux == EVENT_TSM_LOCKED) &&
		    (before == EVENT_TSM_RUN || before == EVENT_TSM_ERROR);

	for (size_t i = 0; i < s->nlives && (begins || ends); i++) {
		const struct life *l = &s->lives[i];
		struct event what = { .dma = l->dma, .size = l->size, .dev = l->dev };
		enum answer is = SHARED;
		enum memory_state m;

		if (!l->live || l->dev != e->dev)
			continue;
		what.orig = what.link = l->orig;
		if (begins && slow_touches_pool(s, l->dma, l->size))
			is = PROTECTED;
		if (ends && !l->aliased)
			is = slow_address_is(s, &what, l->dma, 0, l->alloc, &m);
		if (is == PROTECTED && !l->older && !l->taken && !l->gone && ends &&
		    slow_behind_iommu(s, e->dev))
			slow_absent(s, CLAIM_DMA_IN_SHARED);
		else if (is == PROTECTED && !l->older && !l->taken && !l->gone)
			slow_fact(s, CLAIM_DMA_IN_SHARED);
		else if (is != SHARED)
			slow_open(s, CLAIM_DMA_IN_SHARED);
	}
}

/* The window opens: those that the facts call accepted are so from here on. */
static void do_mark(struct slow *s, const struct event *e)
{
	if (e->aux != EVENT_MARK_START || !s->p || !s->p->trace.nonce ||
	    e->link != s->p->trace.nonce)
		return;
	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *l = &s->lives[i];

		/* was it not trusted before this very event? */
		if (!l->live || slow_trust(s, l->dev, s->now) == EVENT_TSM_RUN ||
		    !slow_trusted(s, l->dev) || !slow_touches_pool(s, l->dma, l->size))
			continue;
		/* by the facts alone, which bounces contradict */
		slow_open(s, CLAIM_DMA_IN_SHARED);
	}
}

/* ---- all of it ---- */

static void do_event(struct slow *s, const struct event *e)
{
	slow_witness_event(s, e);
	switch (e->kind) {
	case EVENT_BOUNCE:
		slow_learn_c_bit(s, e->orig);
		s->bounces++;
		s->waiting[s->nwaiting++] = s->now;
		break;
	case EVENT_MAP:
		slow_map(s, e);
		break;
	case EVENT_MAP_FAILED:
		if ((e->flags & EVENT_F_PROBE) && (e->flags & EVENT_F_SG))
			slow_list_failed(s, e);
		else
			slow_map(s, e);
		break;
	case EVENT_UNMAP:
		slow_unmap(s, e);
		break;
	case EVENT_SYNC_CPU:
	case EVENT_SYNC_DEVICE:
		slow_sync(s, e);
		break;
	case EVENT_ALLOC:
		slow_alloc(s, e);
		break;
	case EVENT_FREE:
		slow_free(s, e);
		break;
	case EVENT_DECRYPT:
	case EVENT_ENCRYPT:
		do_change(s, e);
		break;
	case EVENT_TSM:
		do_trust(s, e);
		break;
	case EVENT_MARK:
		do_mark(s, e);
		break;
	case EVENT_SG_TRUNCATED:
		s->truncated++;
		slow_open(s, CLAIM_DMA_IN_SHARED);
		break;
	case EVENT_UNDECODED:
		s->undecoded++;
		break;
	default:
		break;
	}
}

static bool silent_since(const struct slow *s, const struct life *l)
{
	for (size_t c = 0; c < s->info->ncpus; c++) {
		bool reported = s->info->cpus[c].cpu == s->ev[l->taken_by].cpu;

		for (size_t i = l->taken_by; i < s->n; i++)
			reported |= s->ev[i].cpu == s->info->cpus[c].cpu;
		if (!reported)
			return true;
	}
	return false;
}

static void what_is_left(struct slow *s)
{
	for (size_t i = 0; i < s->nlives; i++) {
		const struct life *l = &s->lives[i];

		if (!l->live || !l->taken)
			continue;
		if (l->alloc || l->sg || (!l->older && !l->maybe_ended && !silent_since(s, l)))
			slow_absent(s, CLAIM_SLOTS_DISJOINT);
	}
}

static void the_bit(struct slow *s)
{
	uint64_t bit = 0;
	int n = 0;

	for (int i = 0; i < 64; i++) {
		if (s->support[i]) {
			bit = 1ull << i;
			n++;
		}
	}
	if (s->against || n != 1)
		bit = 0;
	if (s->loose_bits & ~(s->bit ? s->bit : bit))
		slow_open(s, CLAIM_DMA_IN_SHARED);
}

static void open_all(struct slow *s)
{
	for (int c = CLAIM_DMA_IN_SHARED; c <= CLAIM_LIFECYCLE; c++)
		slow_open(s, c);
}

static bool has_sign(const struct platform *p, const char *id)
{
	for (size_t i = 0; i < p->realm.nsigns; i++) {
		if (strcmp(p->realm.signs[i], id) == 0)
			return true;
	}
	return false;
}

/* Kinds that need more than one sign, and what addresses say there. */
static const struct {
	const char *id, *signs[4];
	size_t needs;
	bool c_bit, pool;
} guests[] = {
	{ "tdx", { "tdx-log", "tdx-cpuinfo", "tdx-device", "tdx-provider" }, 2, false, false },
	{ "sev", { "sev-log", "sev-msr" }, 2, true, false },
	{ "sev-es", { "sev-es-log", "sev-es-msr" }, 2, true, false },
	{ "sev-snp",
	  { "sev-snp-log", "sev-snp-msr", "sev-snp-device", "sev-snp-provider" },
	  2,
	  true,
	  false },
	{ "hyperv-isolated", { "hyperv-log", "hyperv-cpuid" }, 2, false, false },
	{ "pkvm", { "pkvm-pool", "pkvm-key" }, 2, false, false },
	{ "s390-se", { "s390-guest", "s390-facility" }, 2, false, false },
	{ "virtcca", { "virtcca-device", "virtcca-log", "virtcca-cmdline" }, 3, false, true },
};

/* Realm, rehearsal, another confidential guest, or nobody knows: then realm and rehearsal are no.
 */
static void what_guest(struct slow *s)
{
	const struct platform *p = s->p;
	const char *kind = p->realm.kind;
	size_t enough = 0, is = SIZE_MAX, any = 0;
	size_t realm_signs = has_sign(p, "rsi-log") + has_sign(p, "rsi-device") +
			     has_sign(p, "rsi-key") + has_sign(p, "rsi-provider");

	for (size_t g = 0; g < sizeof(guests) / sizeof(guests[0]); g++) {
		size_t n = 0;

		for (size_t i = 0; i < 4 && guests[g].signs[i]; i++)
			n += has_sign(p, guests[g].signs[i]);
		any += n;
		if (n < guests[g].needs)
			continue;
		enough++;
		if (kind && strcmp(kind, guests[g].id) == 0)
			is = g;
	}
	if (is != SIZE_MAX) {
		s->realm = p->realm.is_realm == TRI_YES && enough == 1 && realm_signs < 2;
		s->c_bit_kind = s->realm && guests[is].c_bit;
		s->from_pool_only = s->realm && guests[is].pool;
		s->plain_only = s->realm && !guests[is].c_bit;
		s->no_tdisp = true;
		return;
	}
	if (kind && strcmp(kind, "arm-cca") != 0 && strcmp(kind, "none") != 0)
		return;
	if (!enough && p->realm.is_realm == TRI_YES && !(kind && strcmp(kind, "none") == 0))
		s->realm = realm_signs >= 2 || !p->realm.nsigns;
	s->rehearsal = !any && !realm_signs && p->realm.is_realm == TRI_NO &&
		       !p->realm.rsi_version && !p->realm.ipa_bits && !p->realm.shared_bit &&
		       !p->realm.tsm_provider && !(kind && strcmp(kind, "arm-cca") == 0);
}

static void prepare(struct slow *s)
{
	const struct platform *p = s->p;

	if (!p)
		return;
	what_guest(s);
	s->from_boot = p->trace.from_boot == TRI_YES;
	for (size_t i = 0; i < p->nram; i++)
		s->top |= p->ram[i].end;
	for (size_t i = 0; i < p->swiotlb.npools; i++)
		s->top |= p->swiotlb.pools[i].range.end;
	for (int i = 1; i < 64; i *= 2)
		s->top |= s->top >> i;
	if (s->plain_only)
		return;
	s->bit = s->c_bit_kind ? p->realm.protected_bit : p->realm.shared_bit;
	if (!s->bit && s->realm && !s->c_bit_kind && p->realm.ipa_bits > 12 &&
	    p->realm.ipa_bits <= 64)
		s->bit = 1ull << (p->realm.ipa_bits - 1);
	s->bad_bit = !s->rehearsal && ((s->bit & (s->bit - 1)) || (s->bit & s->top));
	if (s->rehearsal || s->bad_bit)
		s->bit = 0;
	s->c_bit = s->c_bit_kind ? s->bit : 0;
	s->bit = s->c_bit_kind ? 0 : s->bit;
}

static void decide(struct slow *s, struct slow_verdict *out)
{
	bool complete = slow_complete(s), open = false, refuted = false;

	for (int c = CLAIM_DMA_IN_SHARED; c <= CLAIM_NO_BYPASS; c++) {
		const struct slow_claim *k = &s->claims[c];
		bool doubted = s->doubted & 1u << c;
		bool unordered = c == CLAIM_DMA_IN_SHARED && slow_skewed(s) && s->memory_changes;

		if (!doubted && !unordered && (k->fact || (k->absent && complete)))
			out->claims[c] = CLAIM_REFUTED;
		else if (k->fact || k->absent || k->open || doubted)
			out->claims[c] = CLAIM_UNDECIDED;
		else
			out->claims[c] = CLAIM_HOLDS;
		refuted |= out->claims[c] == CLAIM_REFUTED;
		open |= out->claims[c] == CLAIM_UNDECIDED;
	}
	slow_conditions(s, out->conds);
	for (int c = 0; c < CONDS; c++)
		open |= out->conds[c] == COND_UNMET;
	open |= !s->realm && !s->rehearsal;
	out->outcome = refuted ? OUTCOME_VIOLATED : open ? OUTCOME_INCONCLUSIVE : OUTCOME_PROVEN;
}

void slow_judge(const struct event *events, size_t count, const struct platform *platform,
		const struct names *names, const struct stream_info *info,
		const struct judge_options *options, struct slow_verdict *out)
{
	struct slow s = { .ev = events,
			  .n = count,
			  .p = platform,
			  .names = names,
			  .info = info,
			  .policy = options->policy,
			  .window_only = options->window_only };

	memset(out, 0, sizeof(*out));
	s.changes = xcalloc(count, sizeof(*s.changes));
	s.waiting = xcalloc(count, sizeof(*s.waiting));
	s.offsets = xcalloc(count, sizeof(*s.offsets));
	prepare(&s);
	slow_witness_begin(&s);
	for (s.now = 0; s.now < count; s.now++)
		do_event(&s, &events[s.now]);
	what_is_left(&s);
	slow_witness_end(&s);
	for (size_t i = 0; i < s.nlives; i++) {
		if (s.lives[i].unshown)
			slow_open(&s, CLAIM_DMA_IN_SHARED);
	}
	the_bit(&s);
	if (s.early && !s.bounces)
		slow_open(&s, CLAIM_BOUNCE_PAIRED);
	slow_compare(&s);
	slow_silence(&s);
	if (!slow_armed(&s) || slow_hidden(&s) || !slow_whole(&s) || !s.publications)
		open_all(&s);
	slow_bypass(&s);
	decide(&s, out);
	free(s.w.old);
	free(s.w.early);
	free(s.w.late);
	free(s.w.differing);
	free(s.w.ending);
	free(s.w.bounced[0].list);
	free(s.w.bounced[1].list);
	free(s.lives);
	free(s.ended);
	free(s.changes);
	free(s.waiting);
	free(s.offsets);
}
