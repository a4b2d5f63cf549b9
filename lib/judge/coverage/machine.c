/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must be known of the machine: its pools, and that nothing came or went.
 */
#include <string.h>

#include "lib/evidence/stream.h"
#include "lib/judge/coverage/coverage.h"

#define MAX_POOLS 1024 /* that are compared; a machine has one, and one per restricted device */

/* ---- pool-known ---- */

/* Two pools that share memory: the bounds of one of them are wrong. */
static const struct platform_pool *overlapping(const struct platform *p)
{
	for (size_t i = 0; i < p->swiotlb.npools && i < MAX_POOLS; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct range *a = &p->swiotlb.pools[i].range;
			const struct range *b = &p->swiotlb.pools[k].range;

			if (a->start <= b->end && b->start <= a->end)
				return &p->swiotlb.pools[i];
		}
	}
	return NULL;
}

/* A pool that is not made of whole slots: no kernel made it. */
static const struct platform_pool *uneven(const struct platform *p)
{
	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		const struct range *r = &p->swiotlb.pools[i].range;

		if (r->start % SWIOTLB_SLOT_SIZE || (r->end + 1) % SWIOTLB_SLOT_SIZE)
			return &p->swiotlb.pools[i];
	}
	return NULL;
}

/* Do bounds and events bear each other out?  Else false, with the condition unmet. */
static bool pools_agree(const struct judge *j, const char *remedy, struct cond_verdict *cond)
{
	const struct platform_pool *twice = overlapping(j->platform), *odd = uneven(j->platform);

	if (j->platform->swiotlb.npools > MAX_POOLS)
		cond_unmet(cond, remedy, "there are more than %d pools", MAX_POOLS);
	else if (odd)
		cond_unmet(cond, remedy, "pool %s is not made of whole slots of %u bytes",
			   odd->name, SWIOTLB_SLOT_SIZE);
	else if (twice)
		cond_unmet(cond, remedy, "pool %s overlaps another one", twice->name);
	else
		return true;
	return false;
}

void coverage_pool_known(const struct judge *j, const struct stream_info *info,
			 struct cond_verdict *cond)
{
	static const char remedy[] =
		"keep the kernel log line 'software IO TLB: mapped' readable until ccaio runs "
		"(log_buf_len=), and debugfs mounted; an amd64 machine with less than 4 GiB prints "
		"it only with iommu=soft";
	const struct platform *p = j->platform;
	uint64_t slots = 0;

	(void)info;
	if (!p) {
		cond_unmet(cond, "give the machine's facts (--platform)", "there are no facts");
		return;
	}
	if (p->swiotlb.dynamic == TRI_YES) {
		cond_unmet(
			cond, "use a kernel without CONFIG_SWIOTLB_DYNAMIC",
			"the pool may grow (SWIOTLB_DYNAMIC) and its new bounds are not reported");
		return;
	}
	if (!p->swiotlb.npools) {
		if (memmap_pools_complete(j->memory) && !j->n.bounces)
			cond_not_applicable(cond,
					    "there is no bounce pool and nothing was bounced");
		else
			cond_unmet(cond, remedy, "the bounds of the bounce pool are not known");
		return;
	}
	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		const struct platform_pool *pool = &p->swiotlb.pools[i];

		if (pool->inferred) {
			cond_unmet(cond, remedy,
				   "the bounds of pool %s are inferred, not reported by the kernel",
				   pool->name ? pool->name : "?");
			return;
		}
		if (platform_pool_is_default(pool))
			slots += (pool->range.end - pool->range.start) / SWIOTLB_SLOT_SIZE + 1;
	}
	if (!pools_agree(j, remedy, cond))
		return;
	if (p->swiotlb.slots == PLATFORM_UNKNOWN)
		cond_unmet(cond, "mount debugfs (swiotlb/io_tlb_nslabs)",
			   "the kernel's slot count is not known");
	else if (!slots && p->swiotlb.slots)
		cond_unmet(
			cond, remedy,
			"the kernel counts %llu slots, but the bounds of their pool are not known",
			(unsigned long long)p->swiotlb.slots);
	else if (p->swiotlb.slots != slots)
		cond_unmet(cond, remedy,
			   "the pool's bounds hold %llu slots but the kernel counts %llu",
			   (unsigned long long)slots, (unsigned long long)p->swiotlb.slots);
	else
		cond_met(cond, "%zu pool%s, %llu slots, as the kernel counts", p->swiotlb.npools,
			 p->swiotlb.npools == 1 ? "" : "s", (unsigned long long)p->swiotlb.slots);
}

/* ---- environment-stable ---- */

static bool any_tsm(const struct platform *p)
{
	for (size_t i = 0; i < p->npci; i++) {
		if (p->pci[i].tsm)
			return true;
	}
	return false;
}

/*
 * Facts of two moments are of the window if the recording lies between them.  Clocks that count
 * from the boot can be compared with theirs; they drift by less than DRIFT_NS from each other.
 */
#define DRIFT_NS 1000000000ull

static bool counts_from_boot(const char *clock)
{
	return !clock || strcmp(clock, "local") == 0 || strcmp(clock, "global") == 0 ||
	       strncmp(clock, "mono", 4) == 0;
}

static bool is_between(const struct judge *j, const struct stream_info *info,
		       struct cond_verdict *cond)
{
	const struct platform_moment *m = &j->platform->moment;

	if (m->from_ns == PLATFORM_UNKNOWN || m->to_ns == PLATFORM_UNKNOWN)
		return true;
	if (!counts_from_boot(info->clock))
		cond_unmet(cond, "record with another clock (trace-cmd record -C mono)",
			   "when the facts were read cannot be compared with the trace clock '%s'",
			   info->clock);
	else if (!j->seq)
		cond_unmet(
			cond, "record again, with something that happens",
			"nothing shows that a recording without any event lies between the facts "
			"of before and after");
	else if (j->first_ns + DRIFT_NS < m->from_ns || j->last_ns > m->to_ns + DRIFT_NS)
		cond_unmet(
			cond,
			"write facts with 'ccaio doctor --facts' right before and right after "
			"the recording",
			"the recording (%.3f s to %.3f s) does not lie between the facts of before "
			"(%.3f s) and after (%.3f s)",
			(double)j->first_ns / 1e9, (double)j->last_ns / 1e9,
			(double)m->from_ns / 1e9, (double)m->to_ns / 1e9);
	else
		return true;
	return false;
}

void coverage_environment_stable(const struct judge *j, const struct stream_info *info,
				 struct cond_verdict *cond)
{
	const struct platform *p = j->platform;
	const char *changed = NULL;

	if (!p) {
		cond_unmet(cond, "give the machine's facts (--platform)", "there are no facts");
		return;
	}
	if (!is_between(j, info, cond))
		return;
	if (p->window.devices_changed == TRI_YES)
		changed = "a device came or went, or changed its driver or status";
	else if (p->window.cpus_changed == TRI_YES)
		changed = "a CPU came or went";
	else if (p->window.tsm_changed == TRI_YES)
		changed = "the trust state (TSM) of a device changed";
	if (changed) {
		cond_unmet(cond, "record again without such changes", "%s in the window", changed);
		return;
	}
	if (p->window.devices_changed == TRI_UNKNOWN || p->window.cpus_changed == TRI_UNKNOWN) {
		cond_unmet(
			cond,
			"record with 'ccaio trace', or give facts of before and after (--platform "
			"twice)",
			"the facts do not say whether devices or CPUs changed in the window");
		return;
	}
	if (p->window.tsm_changed == TRI_UNKNOWN && any_tsm(p)) {
		cond_unmet(cond, "record with 'ccaio trace'",
			   "the facts do not say whether a device's trust state (TSM) changed in "
			   "the window");
		return;
	}
	if (!p->window.log_known && !info->is_model) {
		cond_unmet(cond, "record with 'ccaio trace'",
			   "the kernel log of the window is not known");
		return;
	}
	for (size_t i = 0; i < p->window.nkernel_log; i++) {
		const char *line = p->window.kernel_log[i];

		if (strstr(line, "buffer is full") && j->n.failed_paired)
			continue; /* accounted for: bounces whose maps failed are in the stream */
		cond_unmet(cond,
			   "enlarge the pool (swiotlb=) or mend what the kernel complains about",
			   "the kernel log of the window says: %.200s", line);
		return;
	}
	if (j->n.tsm_changes) /* reported event by event, so each access was judged by the state
				 then */
		cond_met(
			cond,
			"no CPU or device changed, %llu changes of trust states (TDISP) are in the "
			"stream, and the kernel log has no DMA trouble%s",
			(unsigned long long)j->n.tsm_changes,
			p->window.nkernel_log ? " without its failed maps" : "");
	else
		cond_met(cond,
			 "no CPU, device or trust state changed and the kernel log has no DMA "
			 "trouble%s",
			 p->window.nkernel_log ? " without its failed maps" : "");
}
