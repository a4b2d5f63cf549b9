/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the recording begins and ends, and whether it can see.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/limit.h"
#include "lib/evidence/stream.h"
#include "lib/judge/coverage/coverage.h"
#include "lib/judge/finish.h"
#include "lib/judge/witness.h"

static size_t last_cpu(const struct stream_info *info)
{
	size_t last = 0;

	for (size_t i = 0; i < info->ncpus; i++) {
		if (info->cpus[i].cpu > last && info->cpus[i].cpu <= UINT16_MAX)
			last = info->cpus[i].cpu;
	}
	return last;
}

static uint64_t buffer_events(const struct stream_info *info, size_t cpu)
{
	for (size_t i = 0; i < info->ncpus; i++) {
		if (info->cpus[i].cpu == cpu)
			return info->cpus[i].events;
	}
	return 0;
}

/* What a recording that is not of 'ccaio trace' on a kernel can not hold. */
static void not_ours(const struct judge *j, const struct stream_info *info,
		     struct cond_verdict *cond)
{
	if (j->guest->class == GUEST_MODEL)
		cond_not_applicable(
			cond,
			"the bounce path reported the events itself, without a kernel's buffers");
	else
		cond_not_applicable(cond, "recorded by %s, not by ccaio",
				    info->recorder ? info->recorder : "another tool");
}

void coverage_window_marked(const struct judge *j, const struct stream_info *info,
			    struct cond_verdict *cond)
{
	size_t with_events = 0;

	if (!info->by_ccaio && j->platform && j->platform->trace.nonce) {
		cond_unmet(cond, "give the facts and the recording of one and the same run",
			   "the facts are those of a run of ccaio, but this was recorded by %s",
			   info->recorder ? info->recorder : "another tool");
		return;
	}
	if (!info->by_ccaio) {
		not_ours(j, info, cond);
		return;
	}
	for (size_t cpu = 0; cpu < j->ncpus || cpu <= last_cpu(info); cpu++) {
		const struct cpu_state *c = cpu < j->ncpus ? &j->cpus[cpu] : NULL;

		if (!(c && c->last_seq) && !buffer_events(info, cpu))
			continue;
		with_events++;
		if (c && c->start_seq && c->stop_seq > c->start_seq && !c->wrong_nonce)
			continue;
		cond_unmet(cond, "record again with 'ccaio trace'",
			   "CPU %zu has events but not both markers of this run%s", cpu,
			   c && c->wrong_nonce ? " (it has one of another run)" : "");
		return;
	}
	if (with_events)
		cond_met(cond,
			 "start and stop markers of this run were found on every CPU buffer that "
			 "has events (%zu)",
			 with_events);
	else
		cond_unmet(cond, "record again with 'ccaio trace'", "there are no events at all");
}

void coverage_canary_seen(const struct judge *j, const struct stream_info *info,
			  struct cond_verdict *cond)
{
	const struct platform *p = j->platform;
	const struct platform_canary *none = NULL;
	size_t tried = 0;

	if (!info->by_ccaio) {
		not_ours(j, info, cond);
		return;
	}
	for (size_t i = 0; p && i < p->trace.ncanaries; i++) {
		const struct platform_canary *c = &p->trace.canaries[i];

		if (strcmp(c->kind, "none") == 0) {
			none = c;
			continue;
		}
		if (strcmp(c->kind, "failed") == 0) {
			cond_unmet(
				cond,
				"give --canary a URL that answers on this device, or leave it out",
				"the transfer asked for on %s failed: %s", c->device,
				c->reason ? c->reason : "no reason was recorded");
			return;
		}
		/* of a device that the verdict is not asked for: a warning says it */
		if (!j->canary_found[i] && !limit_has(j->options.limit, c->device))
			continue;
		tried++;
		if (j->canary_found[i])
			continue;
		cond_unmet(cond,
			   "find out why this device's DMA is not traced: ACCESS_PLATFORM, driver, "
			   "events",
			   "the %s of %llu bytes that ccaio caused on %s is not among its mappings",
			   c->kind, (unsigned long long)c->size, c->device);
		return;
	}
	if (tried && none)
		cond_met(cond,
			 "all %zu transfers that ccaio itself caused were seen; on %s it could "
			 "cause "
			 "none: %s",
			 tried, none->device,
			 none->reason ? none->reason : "no reason was recorded");
	else if (tried)
		cond_met(cond, "all %zu transfers that ccaio itself caused were seen", tried);
	else
		cond_unmet(
			cond,
			"give the machine a virtio block or network device that ccaio can use, or "
			"--canary URL",
			"no canary transfer could be made%s%s",
			p && p->trace.ncanaries && p->trace.canaries[0].reason ? ": " : "",
			p && p->trace.ncanaries && p->trace.canaries[0].reason
				? p->trace.canaries[0].reason
				: "");
}

/* ---- baseline ---- */

/* A virtio device that works through the DMA API must have allocated its rings. */
const struct platform_virtio *coverage_ring_never_seen(const struct judge *j)
{
	const struct platform *p = j->platform;

	for (size_t i = 0; i < p->nvirtio; i++) {
		const struct platform_virtio *d = &p->virtio[i];
		const struct device *dev = judge_device_named(j, d->parent);

		if (platform_virtio_active(d) != TRI_YES ||
		    platform_virtio_feature(d, VIRTIO_F_ACCESS_PLATFORM) != TRI_YES)
			continue;
		if (!dev || !dev->vring_seen)
			return d;
	}
	return NULL;
}

bool judge_is_since_boot(const struct judge *j, const struct stream_info *info, char **why)
{
	const struct platform_virtio *d;

	if (!j->from_boot)
		return false;
	if (info->is_model && !j->n.inherited)
		return true;
	d = coverage_ring_never_seen(j);
	if (d)
		*why = xasprintf("the facts say armed at boot, but the rings of %s were never seen "
				 "allocated",
				 d->name);
	else if (j->n.inherited || j->observed.older)
		*why = xasprintf("the facts say armed at boot, but %llu mappings are older",
				 (unsigned long long)(j->n.inherited + j->observed.older));
	return !*why;
}

static bool may_be_run(const struct judge *j)
{
	return !j->options.window_only && j->options.asked != JUDGE_SINCE_BOOT;
}

/* What was live at the start is known from the kernel's memory. */
static void met_by_memory(const struct judge *j, struct cond_verdict *cond)
{
	const struct snapshot *s = j->platform->start;

	cond_met(cond,
		 "the kernel's memory shows what was live when the window opened: %zu queues, %zu "
		 "descriptors, %llu slots",
		 snapshot_queues(s), snapshot_descriptors(s),
		 (unsigned long long)snapshot_slots_used(s));
}

void coverage_baseline(const struct judge *j, const struct stream_info *info,
		       struct cond_verdict *cond)
{
	static const char remedy[] =
		"arm tracing from boot with the kernel parameter "
		"trace_instance=ccaio,dma:*,swiotlb:* (see ccaio doctor), or judge the window "
		"only with --scope window";
	const char *unread = may_be_run(j) ? witness_unknown_start(j) : "";
	char *why = NULL;

	if (judge_is_since_boot(j, info, &why))
		cond_met(cond, info->is_model ? "the bounce path was traced from its start"
					      : "armed at boot, before the first device was bound");
	else if (why && !j->options.window_only)
		cond_unmet(cond, remedy, "%s", why); /* a contradiction, whatever else is known */
	else if (!unread)
		met_by_memory(j, cond);
	else if (j->options.window_only)
		cond_not_applicable(
			cond,
			"the verdict is about the window only; %llu older mappings were met in it",
			(unsigned long long)j->n.inherited);
	else if (j->witness && may_be_run(j))
		cond_unmet(cond, remedy,
			   "mappings made before the recording began are not all known: %s",
			   unread);
	else
		cond_unmet(cond, remedy,
			   "mappings made before the recording began are not known (the window "
			   "met %llu of them)",
			   (unsigned long long)j->n.inherited);
	free(why);
}
