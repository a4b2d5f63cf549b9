/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is anything missing between the first event and the last?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/stream.h"
#include "lib/judge/coverage/coverage.h"
#include "lib/judge/witness.h"

/* Sums of counters: absurd ones must not come out as none. */
static uint64_t sum(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static uint64_t stats_lost(const struct stream_cpu *c)
{
	return c->has_stats ? sum(sum(c->overrun, c->commit_overrun), c->dropped) : 0;
}

static uint64_t facts_lost(const struct platform_lost *l)
{
	return sum(sum(l->overrun, l->commit_overrun), l->dropped);
}

/*
 * Events that the kernel counted as written to this buffer and that the evidence does not hold.
 * ccaio takes an instance of its own, or one that nobody has read: what was taken out of it and is
 * not in the evidence another reader took (trace_pipe), or is cut out.  What was left in one
 * that was armed at boot came after the window.
 */
static uint64_t missing(const struct stream_info *info, const struct stream_cpu *c)
{
	uint64_t taken = info->by_ccaio && c->events ? c->read : c->written;

	return taken > c->events ? taken - c->events : 0;
}

static bool taken_by_another(const struct stream_info *info)
{
	for (size_t i = 0; i < info->ncpus; i++) {
		if (info->by_ccaio && missing(info, &info->cpus[i]))
			return true;
	}
	return false;
}

/*
 * Was this buffer cleared while it was recorded?  Then the kernel's counters started anew and
 * are behind what came out of it: the events in it at that moment are lost, and no counter says
 * so.  The kernel does that by itself when a module is unloaded whose events were on
 * (trace_module_remove_events).  Other recorders read the counters before the last events.
 */
static bool was_cleared(const struct stream_info *info, const struct stream_cpu *c)
{
	return c->has_read && c->events > sum(c->read, info->by_ccaio ? 0 : c->left);
}

static const struct stream_cpu *cleared(const struct stream_info *info)
{
	for (size_t i = 0; i < info->ncpus; i++) {
		if (was_cleared(info, &info->cpus[i]))
			return &info->cpus[i];
	}
	return NULL;
}

/* Are events of more than one CPU reported?  A CPU may have several buffers. */
static bool several_report(const struct stream_info *info)
{
	const struct stream_cpu *first = NULL;

	for (size_t i = 0; i < info->ncpus; i++) {
		const struct stream_cpu *c = &info->cpus[i];

		if (!c->events)
			continue;
		if (first && first->cpu != c->cpu)
			return true;
		first = c;
	}
	return false;
}

bool judge_clock_is_skewed(const struct judge *j, const struct stream_info *info)
{
	const char *kind = j->platform ? j->platform->realm.kind : NULL;

	if (info->is_model || (kind && strcmp(kind, "model") == 0))
		return false;
	/* Linux Documentation/trace/ftrace.rst: "local" may not be in sync; it is the default */
	return several_report(info) && (!info->clock || strcmp(info->clock, "local") == 0);
}

bool judge_clock_is_coarse(const struct stream_info *info)
{
	/* jiffies (Linux kernel/trace/trace_clock.c): some milliseconds, in which much happens */
	return several_report(info) && info->clock && strcmp(info->clock, "uptime") == 0;
}

uint64_t judge_lost(const struct judge *j, const struct stream_info *info, bool *unknown)
{
	uint64_t stream = 0, stats = 0, facts = 0;

	*unknown = j->n.lost_unknown || cleared(info);
	for (size_t i = 0; i < info->ncpus; i++) {
		const struct stream_cpu *c = &info->cpus[i];

		stream = sum(stream, sum(c->lost, missing(info, c)));
		*unknown |= c->lost_unknown;
		stats = sum(stats, stats_lost(c));
	}
	if (j->platform) {
		for (size_t i = 0; i < j->platform->trace.nlost; i++)
			facts = sum(facts, facts_lost(&j->platform->trace.lost[i]));
	}
	if (stream < j->n.lost)
		stream = j->n.lost;
	if (stats > stream)
		stream = stats;
	return facts > stream ? facts : stream;
}

static void lost_per_cpu(const struct judge *j, const struct stream_info *info, char *out,
			 size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < info->ncpus && len + 40 < size; i++) {
		const struct stream_cpu *c = &info->cpus[i];
		uint64_t n = stats_lost(c);

		if (sum(c->lost, missing(info, c)) > n)
			n = sum(c->lost, missing(info, c));
		for (size_t k = 0; j->platform && k < j->platform->trace.nlost; k++) {
			const struct platform_lost *l = &j->platform->trace.lost[k];

			if (l->cpu == c->cpu && facts_lost(l) > n)
				n = facts_lost(l);
		}
		if (n)
			len += snprintf(out + len, size - len, "%s%llu on CPU %u", len ? ", " : "",
					(unsigned long long)n, c->cpu);
	}
}

/* Which CPUs' counters are in the facts?  By CPU number; the caller frees. */
static bool *counted_by_facts(const struct platform *p)
{
	bool *cpus = xcalloc(UINT16_MAX + 1, sizeof(*cpus));

	for (size_t i = 0; p && i < p->trace.nlost; i++)
		cpus[p->trace.lost[i].cpu & UINT16_MAX] = true;
	return cpus;
}

bool judge_loss_counted(const struct judge *j, const struct stream_info *info)
{
	bool *facts = NULL, all = info->ncpus > 0;

	for (size_t i = 0; i < info->ncpus && !info->is_model && all; i++) {
		if (info->cpus[i].has_stats)
			continue;
		if (!facts)
			facts = counted_by_facts(j->platform);
		all = facts[info->cpus[i].cpu & UINT16_MAX];
	}
	free(facts);
	return all || info->is_model;
}

/* A CPU whose counters are in the facts and whose buffer is not in the evidence, or -1. */
static int lacking_buffer(const struct judge *j, const struct stream_info *info)
{
	bool *facts;
	int cpu = -1;

	if (!j->platform || !j->platform->trace.nlost || info->is_model)
		return -1;
	facts = counted_by_facts(j->platform);
	for (size_t i = 0; i < info->ncpus; i++)
		facts[info->cpus[i].cpu & UINT16_MAX] = false;
	for (int i = 0; i <= UINT16_MAX && cpu < 0; i++)
		cpu = facts[i] ? i : -1;
	free(facts);
	return cpu;
}

/* lost 0: the evidence does not say how many. */
static void were_lost(const struct judge *j, const struct stream_info *info, uint64_t lost,
		      struct cond_verdict *cond)
{
	static const char remedy[] =
		"record with a larger buffer (ccaio trace -b, trace-cmd record -b; at boot: "
		"trace_buf_size=)";
	char where[256];

	lost_per_cpu(j, info, where, sizeof(where));
	if (lost && taken_by_another(info))
		cond_unmet(cond,
			   "leave the tracing instance of ccaio alone while it records; give "
			   "the whole trace.dat",
			   "%llu events were lost%s%s; the kernel says that they were read, "
			   "but they are not in the evidence: another program read them "
			   "(trace_pipe), or they were cut out",
			   (unsigned long long)lost, where[0] ? ": " : "", where);
	else if (lost)
		cond_unmet(cond, remedy, "%llu events were lost%s%s", (unsigned long long)lost,
			   where[0] ? ": " : "", where);
	else
		cond_unmet(cond, remedy, "events were lost, the evidence does not say how many");
}

void coverage_nothing_lost(const struct judge *j, const struct stream_info *info,
			   struct cond_verdict *cond)
{
	bool unknown;
	const struct stream_cpu *c = cleared(info);
	uint64_t lost = judge_lost(j, info, &unknown);

	if (c) {
		cond_unmet(
			cond,
			"record again, without unloading modules or clearing trace buffers "
			"meanwhile",
			"the buffer of CPU %u was cleared while it was recorded (%llu events came "
			"out of it, its counters say %llu): unloading a module whose events are "
			"on does that",
			c->cpu, (unsigned long long)c->events, (unsigned long long)c->read);
		return;
	}
	if (lost || unknown) {
		were_lost(j, info, lost, cond);
		return;
	}
	if (before_gap(j)) {
		cond_unmet(cond,
			   "leave the tracing instance alone from boot on, or reboot and record "
			   "again",
			   "events of before the window are missing: %s; the longest silence in it "
			   "was %.3f s, from %.3f s after the first event on",
			   before_gap(j), (double)j->before.silence_ns / 1e9,
			   (double)(j->before.at_ns - j->before.begun_ns) / 1e9);
		return;
	}
	if (j->packets_dropped) {
		cond_unmet(cond,
			   "record again, with less traffic of others (ccaio trace "
			   "--capture-filter) or "
			   "without stopping ccaio meanwhile",
			   "the capture had no room for %llu packets",
			   (unsigned long long)j->packets_dropped);
		return;
	}
	if (info->unordered) {
		cond_unmet(
			cond,
			"record again; where it persists, use another trace clock (ccaio trace -C)",
			"%llu events go back in time within one CPU's buffer",
			(unsigned long long)info->unordered);
		return;
	}
	if (judge_clock_is_coarse(info)) {
		cond_unmet(cond, "record with another trace clock (ccaio trace -C mono)",
			   "the trace clock 'uptime' ticks too slowly to give the order of events "
			   "on several CPUs");
		return;
	}
	if (lacking_buffer(j, info) >= 0) {
		cond_unmet(cond, "give the whole recording, and the facts of the same run",
			   "the facts count the events of CPU %d, the evidence has no buffer of "
			   "it",
			   lacking_buffer(j, info));
		return;
	}
	if (judge_loss_counted(j, info))
		cond_met(cond, "no loss counter moved and no page says that events are missing");
	else
		cond_unmet(
			cond,
			"record with 'ccaio trace', or give the counters in the facts (--platform)",
			"the evidence has no per-CPU loss counters");
}

/* ---- conserved ---- */

/* Bounces whose map may still have been on its way when the CPU's buffer ended. */
static size_t cut_at_end(const struct judge *j)
{
	uint64_t *tail = xcalloc(j->ncpus, sizeof(*tail));
	size_t n = 0;

	for (size_t i = 0; i < j->ncpus; i++)
		tail[i] = j->cpus[i].last_seq;
	/* newest first: a scatter-gather map tells several bounces before it tells itself */
	for (size_t i = j->bounces.count; i > 0; i--) {
		const struct bounce *p = &j->bounces.waiting[i - 1];

		if (p->seq != tail[p->cpu])
			continue;
		tail[p->cpu] = p->prev_seq;
		n++;
	}
	free(tail);
	return n;
}

/* Of all pools: their use is counted together. */
static uint64_t all_slots(const struct platform *p)
{
	uint64_t slots = 0;

	for (size_t i = 0; i < p->swiotlb.npools; i++)
		slots = sum(slots,
			    (p->swiotlb.pools[i].range.end - p->swiotlb.pools[i].range.start) /
					    SWIOTLB_SLOT_SIZE +
				    1);
	return slots;
}

/* The most slots that the facts tell of at any time; 0 where they do not. */
static uint64_t most_used(const struct platform *p)
{
	const uint64_t reported[] = { p->swiotlb.used_before, p->swiotlb.used_after,
				      p->swiotlb.used_hiwater };
	uint64_t most = 0;

	for (size_t i = 0; i < sizeof(reported) / sizeof(reported[0]); i++)
		if (reported[i] != PLATFORM_UNKNOWN && reported[i] > most)
			most = reported[i];
	return most;
}

void coverage_conserved(const struct judge *j, const struct stream_info *info,
			struct cond_verdict *cond)
{
	static const char remedy[] =
		"record again with a larger buffer; where it persists, report it: events "
		"contradict one another";
	const struct platform *p = j->platform;
	uint64_t hiwater = p ? p->swiotlb.used_hiwater : PLATFORM_UNKNOWN;
	/* An unmap is reported after its slots were released: another CPU or task may map first. */
	uint64_t slack = 0;
	size_t open = j->bounces.count - cut_at_end(j);
	char kernel[64];

	(void)info;
	for (size_t i = 0; i < j->ncpus; i++)
		slack += j->cpus[i].last_seq ? 128 : 0; /* the largest mapping */
	if (open && !j->n.paired && !j->n.failed_paired && !j->n.maps) {
		cond_unmet(cond, "record the dma events too",
			   "%llu bounces but not one map was recorded",
			   (unsigned long long)j->n.bounces);
		return;
	}
	if (open || j->bounces.dropped) {
		cond_unmet(
			cond,
			"record again with a larger buffer, and with a larger bounce pool "
			"(swiotlb=): of a scatter-gather list that did not fit in it the kernel "
			"shows no more than the bounces, and only ccaio trace sees that it failed",
			"%llu %s no map", (unsigned long long)(open + j->bounces.dropped),
			open + j->bounces.dropped == 1 ? "bounce has" : "bounces have");
		return;
	}
	if (p && p->swiotlb.npools && most_used(p) > all_slots(p)) {
		cond_unmet(cond, remedy, "the facts say that %llu slots were in use, of %llu",
			   (unsigned long long)most_used(p), (unsigned long long)all_slots(p));
		return;
	}
	if (hiwater != PLATFORM_UNKNOWN && j->n.slots_hiwater > hiwater + slack) {
		cond_unmet(cond, remedy,
			   "%llu slots were live at once, but the kernel never used more than %llu",
			   (unsigned long long)j->n.slots_hiwater, (unsigned long long)hiwater);
		return;
	}
	if (j->witness && j->witness->slots_why) {
		cond_unmet(cond, remedy, "%s", j->witness->slots_why);
		return;
	}
	if (j->broken) {
		cond_unmet(cond,
			   "see the sums (of a bundle in exchanges.json); record again, with "
			   "nothing lost",
			   "%s", j->broken);
		return;
	}
	if (hiwater == PLATFORM_UNKNOWN)
		snprintf(kernel, sizeof(kernel), "the kernel does not say how many");
	else
		snprintf(kernel, sizeof(kernel), "kernel at most %llu",
			 (unsigned long long)hiwater);
	cond_met(cond,
		 "%llu bounces = %llu bounced maps + %llu failed ones%s; %llu slots live at once, "
		 "%s",
		 (unsigned long long)j->n.bounces, (unsigned long long)j->n.paired,
		 (unsigned long long)j->n.failed_paired,
		 j->bounces.count ? " (and the last, cut)" : "",
		 (unsigned long long)j->n.slots_hiwater, kernel);
}
