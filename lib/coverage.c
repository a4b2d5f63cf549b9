/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ten coverage conditions: what the evidence must be before the absence of
 * a counterexample means anything.
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

static void set(struct verdict *v, enum cond_id id, enum cond_state state, const char *remedy,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void set(struct verdict *v, enum cond_id id, enum cond_state state, const char *remedy,
		const char *fmt, ...)
{
	struct cond_verdict *c = &v->conds[id];
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	free(c->reason);
	free(c->remedy);
	c->state = state;
	c->reason = xstrdup(text);
	c->remedy = state == COND_UNMET ? xstrdup(remedy) : NULL;
}

/* ---- events-armed ---- */

/*
 * Each line: alternatives, old and new names of one event; one of them is needed.  Group ccaio:
 * what its own probes tell on kernels without dma events, from the start of the recording on.
 */
static const char *const needed[][3] = {
	{ "swiotlb:swiotlb_bounced" },
	{ "dma:dma_map_phys", "dma:dma_map_page", "ccaio:dma_map" },
	{ "dma:dma_unmap_phys", "dma:dma_unmap_page", "ccaio:dma_unmap" },
	{ "dma:dma_map_sg", "ccaio:dma_map_sg" },
	{ "dma:dma_unmap_sg", "ccaio:dma_unmap_sg" },
	{ "dma:dma_alloc", "ccaio:dma_alloc" },
	{ "dma:dma_free", "ccaio:dma_free" },
	{ "dma:dma_sync_single_for_cpu", "ccaio:dma_sync_cpu" },
	{ "dma:dma_sync_single_for_device", "ccaio:dma_sync_device" },
};

static bool in_stream(const struct stream_info *info, const char *full)
{
	const char *colon = strchr(full, ':');
	char system[32];

	snprintf(system, sizeof(system), "%.*s", (int)(colon - full), full);
	return stream_info_format(info, system, colon + 1) != NULL;
}

/* Is event, as the recorder lists it, the one called full?  "ccaio_1234:" is a run's own "ccaio:".
 */
static bool is_event(const char *event, const char *full)
{
	if (strncmp(event, "ccaio_", 6) == 0 && strncmp(full, "ccaio:", 6) == 0)
		return strcmp(event + strcspn(event, ":"), full + 5) == 0;
	return strcmp(event, full) == 0;
}

static bool in_list(const struct platform *p, const char *full)
{
	for (size_t i = 0; i < p->trace.nevents; i++) {
		if (is_event(p->trace.events[i], full))
			return true;
	}
	return false;
}

static bool armed(const struct judge *j, const struct stream_info *info, const char *full)
{
	if (!in_stream(info, full))
		return false;
	return !j->platform || !j->platform->trace.events_known || in_list(j->platform, full);
}

static bool is_probe(const char *full)
{
	return strncmp(full, "ccaio:", 6) == 0;
}

bool judge_events_armed(const struct judge *j, const struct stream_info *info, char **missing)
{
	*missing = NULL;
	if (info->is_model)
		return true;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		bool any = false;

		for (size_t k = 0; k < 3 && needed[i][k]; k++)
			any |= (j->options.window_only || !is_probe(needed[i][k])) &&
			       armed(j, info, needed[i][k]);
		if (!any) {
			*missing = xstrdup(needed[i][0]);
			return false;
		}
	}
	return true;
}

static const struct stream_format *unreadable(const struct stream_info *info)
{
	for (size_t i = 0; i < info->nformats; i++) {
		const struct stream_format *f = &info->formats[i];

		if (!f->decoded && f->missing &&
		    (strcmp(f->system, "dma") == 0 || strcmp(f->system, "swiotlb") == 0))
			return f;
	}
	return NULL;
}

static void events_armed(struct judge *j, const struct stream_info *info, struct verdict *v)
{
	const struct stream_format *bad = unreadable(info);
	char *missing;

	if (j->n.undecoded) {
		set(v, COND_EVENTS_ARMED, COND_UNMET,
		    "use a ccaio that knows this kernel's events, and report the event's format",
		    "%llu events cannot be read, the first is %s",
		    (unsigned long long)j->n.undecoded,
		    j->undecoded_name && *j->undecoded_name ? j->undecoded_name : "unnamed");
		return;
	}
	if (bad) {
		set(v, COND_EVENTS_ARMED, COND_UNMET,
		    "use a ccaio that knows this kernel's events, and report the event's format",
		    "the format of %s:%s lacks the field %s", bad->system, bad->name, bad->missing);
		return;
	}
	if (judge_events_armed(j, info, &missing)) {
		set(v, COND_EVENTS_ARMED, COND_MET, NULL,
		    info->is_model ? "the bounce path tells all its events"
		    : armed(j, info, "ccaio:dma_map")
			    ? "ccaio's own probes were on in place of the dma events"
			    : "all needed swiotlb and dma events existed and were on");
		return;
	}
	set(v, COND_EVENTS_ARMED, COND_UNMET,
	    armed(j, info, "ccaio:dma_map")
		    ? "judge the window only with --scope window: ccaio's own probes, which stand "
		      "in "
		      "for the dma events on this kernel, tell from the start of the recording on"
		    : "use a kernel with the dma events (Linux 6.12 or newer, CONFIG_TRACING), or "
		      "record with 'ccaio trace', which arms its own probes where the kernel can; "
		      "with trace-cmd: -e swiotlb -e dma",
	    "%s was not recorded; %llu bounces were seen", missing,
	    (unsigned long long)j->n.bounces);
	free(missing);
}

/* ---- nothing-lost ---- */

uint64_t judge_lost(const struct judge *j, const struct stream_info *info, bool *unknown)
{
	uint64_t stream = 0, stats = 0, facts = 0;

	*unknown = j->n.lost_unknown;
	for (size_t i = 0; i < info->ncpus; i++) {
		const struct stream_cpu *c = &info->cpus[i];

		stream += c->lost;
		*unknown |= c->lost_unknown;
		if (c->has_stats)
			stats += c->overrun + c->commit_overrun + c->dropped;
	}
	if (j->platform) {
		for (size_t i = 0; i < j->platform->trace.nlost; i++) {
			const struct platform_lost *l = &j->platform->trace.lost[i];

			facts += l->overrun + l->commit_overrun + l->dropped;
		}
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
		uint64_t n = c->has_stats ? c->overrun + c->commit_overrun + c->dropped : 0;

		if (c->lost > n)
			n = c->lost;
		for (size_t k = 0; j->platform && k < j->platform->trace.nlost; k++) {
			const struct platform_lost *l = &j->platform->trace.lost[k];
			uint64_t m = l->overrun + l->commit_overrun + l->dropped;

			if (l->cpu == c->cpu && m > n)
				n = m;
		}
		if (n)
			len += snprintf(out + len, size - len, "%s%llu on CPU %u", len ? ", " : "",
					(unsigned long long)n, c->cpu);
	}
}

static bool loss_counted(const struct judge *j, const struct stream_info *info)
{
	if (j->platform && j->platform->trace.lost_known)
		return true;
	for (size_t i = 0; i < info->ncpus; i++) {
		if (!info->cpus[i].has_stats)
			return false;
	}
	return info->ncpus > 0;
}

static void nothing_lost(struct judge *j, const struct stream_info *info, struct verdict *v)
{
	static const char remedy[] =
		"record with a larger buffer (ccaio trace -b, trace-cmd record -b; at boot: "
		"trace_buf_size=)";
	char where[256];
	bool unknown;
	uint64_t lost = judge_lost(j, info, &unknown);

	if (lost || unknown) {
		lost_per_cpu(j, info, where, sizeof(where));
		if (lost)
			set(v, COND_NOTHING_LOST, COND_UNMET, remedy, "%llu events were lost%s%s",
			    (unsigned long long)lost, where[0] ? ": " : "", where);
		else
			set(v, COND_NOTHING_LOST, COND_UNMET, remedy,
			    "events were lost, the evidence does not say how many");
		return;
	}
	if (info->unordered) {
		set(v, COND_NOTHING_LOST, COND_UNMET,
		    "record again; where it persists, use another trace clock (ccaio trace -C)",
		    "%llu events go back in time within one CPU's buffer",
		    (unsigned long long)info->unordered);
		return;
	}
	if (info->is_model || loss_counted(j, info))
		set(v, COND_NOTHING_LOST, COND_MET, NULL,
		    "no loss counter moved and no page says that events are missing");
	else
		set(v, COND_NOTHING_LOST, COND_UNMET,
		    "record with 'ccaio trace', or give the counters in the facts (--platform)",
		    "the evidence has no per-CPU loss counters");
}

/* ---- window-marked, canary-seen ---- */

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

static void window_marked(struct judge *j, const struct stream_info *info, struct verdict *v)
{
	size_t with_events = 0;

	if (!info->by_ccaio) {
		set(v, COND_WINDOW_MARKED, COND_NOT_APPLICABLE, NULL,
		    "recorded by %s, not by ccaio",
		    info->recorder ? info->recorder : "another tool");
		return;
	}
	for (size_t cpu = 0; cpu < j->ncpus || cpu <= last_cpu(info); cpu++) {
		const struct cpu_state *c = cpu < j->ncpus ? &j->cpus[cpu] : NULL;

		if (!(c && c->last_seq) && !buffer_events(info, cpu))
			continue;
		with_events++;
		if (c && c->start_seq && c->stop_seq > c->start_seq && !c->wrong_nonce)
			continue;
		set(v, COND_WINDOW_MARKED, COND_UNMET, "record again with 'ccaio trace'",
		    "CPU %zu has events but not both markers of this run%s", cpu,
		    c && c->wrong_nonce ? " (it has one of another run)" : "");
		return;
	}
	if (with_events)
		set(v, COND_WINDOW_MARKED, COND_MET, NULL,
		    "start and stop markers of this run stand on all %zu CPU buffers with events",
		    with_events);
	else
		set(v, COND_WINDOW_MARKED, COND_UNMET, "record again with 'ccaio trace'",
		    "there are no events at all");
}

static void canary_seen(struct judge *j, const struct stream_info *info, struct verdict *v)
{
	const struct platform *p = j->platform;
	const struct platform_canary *none = NULL;
	size_t tried = 0;

	if (!info->by_ccaio) {
		set(v, COND_CANARY_SEEN, COND_NOT_APPLICABLE, NULL, "recorded by %s, not by ccaio",
		    info->recorder ? info->recorder : "another tool");
		return;
	}
	for (size_t i = 0; p && i < p->trace.ncanaries; i++) {
		const struct platform_canary *c = &p->trace.canaries[i];

		if (strcmp(c->kind, "none") == 0) {
			none = c;
			continue;
		}
		if (strcmp(c->kind, "failed") == 0) {
			set(v, COND_CANARY_SEEN, COND_UNMET,
			    "give --canary a URL that answers on this device, or leave it out",
			    "the transfer asked for on %s failed: %s", c->device,
			    c->reason ? c->reason : "nobody said why");
			return;
		}
		tried++;
		if (j->canary_found[i])
			continue;
		set(v, COND_CANARY_SEEN, COND_UNMET,
		    "find out why this device's DMA is not traced: ACCESS_PLATFORM, driver, events",
		    "the %s of %llu bytes that ccaio caused on %s is not among its mappings",
		    c->kind, (unsigned long long)c->size, c->device);
		return;
	}
	if (tried && none)
		set(v, COND_CANARY_SEEN, COND_MET, NULL,
		    "all %zu transfers that ccaio itself caused were seen; on %s it could cause "
		    "none: %s",
		    tried, none->device, none->reason ? none->reason : "nobody said why");
	else if (tried)
		set(v, COND_CANARY_SEEN, COND_MET, NULL,
		    "all %zu transfers that ccaio itself caused were seen", tried);
	else
		set(v, COND_CANARY_SEEN, COND_UNMET,
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
static const struct platform_virtio *ring_never_seen(struct judge *j)
{
	const struct platform *p = j->platform;

	for (size_t i = 0; i < p->nvirtio; i++) {
		const struct platform_virtio *d = &p->virtio[i];
		uint16_t id = names_find(j->names, d->parent ? d->parent : "");

		if (platform_virtio_active(d) != TRI_YES ||
		    platform_virtio_feature(d, VIRTIO_F_ACCESS_PLATFORM) != TRI_YES)
			continue;
		if (!id || id >= j->ndevices || !j->devices[id] || !j->devices[id]->vring_seen)
			return d;
	}
	return NULL;
}

static void baseline(struct judge *j, const struct stream_info *info, struct verdict *v)
{
	static const char remedy[] =
		"arm tracing from boot with the kernel parameter "
		"trace_instance=ccaio,dma:*,swiotlb:* (see ccaio doctor), or judge the window "
		"only with --scope window";
	const struct platform_virtio *d;

	if (info->is_model && j->from_boot && !j->n.inherited) {
		set(v, COND_BASELINE, COND_MET, NULL, "the bounce path was traced from its start");
		return;
	}
	if (j->from_boot) {
		d = ring_never_seen(j);
		if (d)
			set(v, COND_BASELINE, COND_UNMET, remedy,
			    "the facts say armed at boot, but the rings of %s were never seen "
			    "allocated",
			    d->name);
		else if (j->n.inherited)
			set(v, COND_BASELINE, COND_UNMET, remedy,
			    "the facts say armed at boot, but %llu mappings are older",
			    (unsigned long long)j->n.inherited);
		else
			set(v, COND_BASELINE, COND_MET, NULL,
			    "armed at boot, before the first device was bound");
		if (v->conds[COND_BASELINE].state == COND_MET || !j->options.window_only)
			return;
	}
	if (j->options.window_only)
		set(v, COND_BASELINE, COND_NOT_APPLICABLE, NULL,
		    "the verdict is about the window only; %llu older mappings were met in it",
		    (unsigned long long)j->n.inherited);
	else
		set(v, COND_BASELINE, COND_UNMET, remedy,
		    "mappings made before the recording began are not known (%llu were met)",
		    (unsigned long long)j->n.inherited);
}

/* ---- devices-known ---- */

static bool is_listed(const struct judge *j, const char *name)
{
	const struct platform *p = j->platform;

	if (platform_find_virtio(p, name) || platform_find_pci(p, name))
		return true;
	for (size_t i = 0; i < p->nother; i++) {
		if (p->other[i].name && strcmp(p->other[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool is_expected(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->nexpected_devices; i++) {
		if (strcmp(policy->expected_devices[i], name) == 0)
			return true;
	}
	return false;
}

/* A PCI function without driver that can still write to memory; bridges only forward. */
static const struct platform_pci *stray_master(const struct platform *p)
{
	for (size_t i = 0; i < p->npci; i++) {
		const struct platform_pci *d = &p->pci[i];

		if (d->bus_master == TRI_YES && !d->driver && d->class &&
		    strncmp(d->class, "0x06", 4) != 0)
			return d;
	}
	return NULL;
}

/* Facts say that no driver works the device, the stream that it has mappings. */
static bool is_idle_by_facts(const struct judge *j, const struct device *dev)
{
	const struct device_totals *t = &dev->totals;

	/* mappings that all ended may be those of a probe that failed */
	if (!t->live && (j->from_boot || !(t->unmaps + t->syncs)))
		return false;
	return dev->virtio ? platform_virtio_active(dev->virtio) == TRI_NO
			   : dev->pci && !dev->pci->driver;
}

static void devices_known(struct judge *j, struct verdict *v)
{
	static const char remedy[] =
		"record with 'ccaio trace', or give facts made on that machine with "
		"'ccaio doctor --facts' (--platform)";
	const struct platform *p = j->platform;
	const struct policy *policy = j->options.policy;
	const struct platform_pci *stray;

	if (!p || !p->virtio_listed || !p->pci_listed) {
		set(v, COND_DEVICES_KNOWN, COND_UNMET, remedy, "the facts list no %s devices",
		    !p || !p->virtio_listed ? "virtio" : "PCI");
		return;
	}
	for (size_t i = 0; i < p->nvirtio; i++) {
		if (p->virtio[i].driver &&
		    (!p->virtio[i].features || p->virtio[i].status == PLATFORM_NO_STATUS)) {
			set(v, COND_DEVICES_KNOWN, COND_UNMET, remedy,
			    "the feature bits or the status of %s are not known",
			    p->virtio[i].name);
			return;
		}
	}
	for (size_t i = 0; i < j->ndevices; i++) {
		const char *name = names_get(j->names, i);

		if (!j->devices[i] || !j->devices[i]->seen)
			continue;
		if (!is_listed(j, name)) {
			set(v, COND_DEVICES_KNOWN, COND_UNMET, remedy,
			    "device %s does DMA but is not in the facts", name);
			return;
		}
		if (is_idle_by_facts(j, j->devices[i])) {
			set(v, COND_DEVICES_KNOWN, COND_UNMET, remedy,
			    "device %s does DMA but the facts say that no driver works it", name);
			return;
		}
		if (policy && policy->expected_given && !is_expected(policy, name)) {
			set(v, COND_DEVICES_KNOWN, COND_UNMET,
			    "add it to expected_devices of the policy, or remove it from the "
			    "machine",
			    "device %s does DMA but the policy does not expect it", name);
			return;
		}
	}
	stray = stray_master(p);
	if (stray)
		set(v, COND_DEVICES_KNOWN, COND_UNMET, "bind it to a driver or disable it",
		    "PCI device %s is a bus master without a driver", stray->name);
	else
		set(v, COND_DEVICES_KNOWN, COND_MET, NULL,
		    "%zu virtio and %zu PCI devices are listed, and none else did DMA", p->nvirtio,
		    p->npci);
}

/* ---- pool-known ---- */

static void pool_known(struct judge *j, struct verdict *v)
{
	static const char remedy[] =
		"keep the kernel log line 'software IO TLB: mapped' readable until ccaio runs "
		"(log_buf_len=), and debugfs mounted; an amd64 machine with less than 4 GiB prints "
		"it only with iommu=soft";
	const struct platform *p = j->platform;
	uint64_t slots = 0;

	if (!p) {
		set(v, COND_POOL_KNOWN, COND_UNMET, "give the machine's facts (--platform)",
		    "there are no facts");
		return;
	}
	if (p->swiotlb.dynamic == TRI_YES) {
		set(v, COND_POOL_KNOWN, COND_UNMET, "use a kernel without CONFIG_SWIOTLB_DYNAMIC",
		    "the pool may grow (SWIOTLB_DYNAMIC) and its new bounds are not told");
		return;
	}
	if (!p->swiotlb.npools) {
		if (memmap_pools_complete(j->memory) && !j->n.bounces)
			set(v, COND_POOL_KNOWN, COND_NOT_APPLICABLE, NULL,
			    "there is no bounce pool and nothing was bounced");
		else
			set(v, COND_POOL_KNOWN, COND_UNMET, remedy,
			    "the bounds of the bounce pool are not known");
		return;
	}
	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		const struct platform_pool *pool = &p->swiotlb.pools[i];

		if (pool->inferred) {
			set(v, COND_POOL_KNOWN, COND_UNMET, remedy,
			    "the bounds of pool %s are inferred, not told by the kernel",
			    pool->name ? pool->name : "?");
			return;
		}
		if (platform_pool_is_default(pool))
			slots += (pool->range.end - pool->range.start) / SWIOTLB_SLOT_SIZE + 1;
	}
	if (p->swiotlb.slots == PLATFORM_UNKNOWN)
		set(v, COND_POOL_KNOWN, COND_UNMET, "mount debugfs (swiotlb/io_tlb_nslabs)",
		    "the kernel's slot count is not known");
	else if (slots && p->swiotlb.slots != slots)
		set(v, COND_POOL_KNOWN, COND_UNMET, remedy,
		    "the pool's bounds hold %llu slots but the kernel counts %llu",
		    (unsigned long long)slots, (unsigned long long)p->swiotlb.slots);
	else
		set(v, COND_POOL_KNOWN, COND_MET, NULL,
		    "%zu pool%s, %llu slots, as the kernel counts", p->swiotlb.npools,
		    p->swiotlb.npools == 1 ? "" : "s", (unsigned long long)p->swiotlb.slots);
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
	for (size_t i = j->npending; i > 0; i--) {
		const struct pending *p = &j->pending[i - 1];

		if (p->seq != tail[p->cpu])
			continue;
		tail[p->cpu] = p->prev_seq;
		n++;
	}
	free(tail);
	return n;
}

static void conserved(struct judge *j, struct verdict *v)
{
	static const char remedy[] =
		"record again with a larger buffer; where it persists, report it: events "
		"contradict one another";
	const struct platform *p = j->platform;
	uint64_t hiwater = p ? p->swiotlb.used_hiwater : PLATFORM_UNKNOWN;
	/* An unmap is told after its slots were released: another CPU or task may map first. */
	uint64_t slack = 0;
	size_t open = j->npending - cut_at_end(j);
	char kernel[64];

	for (size_t i = 0; i < j->ncpus; i++)
		slack += j->cpus[i].last_seq ? 128 : 0; /* the largest mapping */
	if (open && !j->n.paired && !j->n.failed_paired && !j->n.maps) {
		set(v, COND_CONSERVED, COND_UNMET, "record the dma events too",
		    "%llu bounces but not one map was recorded", (unsigned long long)j->n.bounces);
		return;
	}
	if (open || j->n.dropped) {
		set(v, COND_CONSERVED, COND_UNMET, remedy, "%llu bounces have no map",
		    (unsigned long long)(open + j->n.dropped));
		return;
	}
	if (hiwater != PLATFORM_UNKNOWN && j->n.slots_hiwater > hiwater + slack) {
		set(v, COND_CONSERVED, COND_UNMET, remedy,
		    "%llu slots were live at once, but the kernel never used more than %llu",
		    (unsigned long long)j->n.slots_hiwater, (unsigned long long)hiwater);
		return;
	}
	if (j->broken) {
		set(v, COND_CONSERVED, COND_UNMET,
		    "see the sums in exchanges.json; record again, with nothing lost", "%s",
		    j->broken);
		return;
	}
	if (hiwater == PLATFORM_UNKNOWN)
		snprintf(kernel, sizeof(kernel), "the kernel does not tell how many");
	else
		snprintf(kernel, sizeof(kernel), "kernel at most %llu",
			 (unsigned long long)hiwater);
	set(v, COND_CONSERVED, COND_MET, NULL,
	    "%llu bounces = %llu bounced maps + %llu failed ones%s; %llu slots live at once, %s",
	    (unsigned long long)j->n.bounces, (unsigned long long)j->n.paired,
	    (unsigned long long)j->n.failed_paired, j->npending ? " (and the last, cut)" : "",
	    (unsigned long long)j->n.slots_hiwater, kernel);
}

/* ---- not-truncated, environment-stable ---- */

static void not_truncated(struct judge *j, struct verdict *v)
{
	if (j->n.truncated)
		set(v, COND_NOT_TRUNCATED, COND_UNMET,
		    "use a kernel or driver with at most 128 scatter-gather entries per map",
		    "%llu scatter-gather events were cut", (unsigned long long)j->n.truncated);
	else
		set(v, COND_NOT_TRUNCATED, COND_MET, NULL, "no scatter-gather event was cut");
}

static void environment_stable(struct judge *j, const struct stream_info *info, struct verdict *v)
{
	const struct platform *p = j->platform;
	const char *changed = NULL;

	if (!p) {
		set(v, COND_ENVIRONMENT_STABLE, COND_UNMET, "give the machine's facts (--platform)",
		    "there are no facts");
		return;
	}
	if (p->window.devices_changed == TRI_YES)
		changed = "a device came or went, or changed its driver or status";
	else if (p->window.cpus_changed == TRI_YES)
		changed = "a CPU came or went";
	else if (p->window.tsm_changed == TRI_YES)
		changed = "the trust state (TSM) of a device changed";
	if (changed) {
		set(v, COND_ENVIRONMENT_STABLE, COND_UNMET, "record again without such changes",
		    "%s in the window", changed);
		return;
	}
	if (p->window.devices_changed == TRI_UNKNOWN || p->window.cpus_changed == TRI_UNKNOWN) {
		set(v, COND_ENVIRONMENT_STABLE, COND_UNMET, "record with 'ccaio trace'",
		    "the facts do not say whether devices or CPUs changed in the window");
		return;
	}
	if (!p->window.log_known && !info->is_model) {
		set(v, COND_ENVIRONMENT_STABLE, COND_UNMET, "record with 'ccaio trace'",
		    "the kernel log of the window is not known");
		return;
	}
	for (size_t i = 0; i < p->window.nkernel_log; i++) {
		const char *line = p->window.kernel_log[i];

		if (strstr(line, "buffer is full") && j->n.failed)
			continue; /* accounted for: failed maps are in the stream */
		set(v, COND_ENVIRONMENT_STABLE, COND_UNMET,
		    "enlarge the pool (swiotlb=) or mend what the kernel complains about",
		    "the kernel log of the window says: %.200s", line);
		return;
	}
	set(v, COND_ENVIRONMENT_STABLE, COND_MET, NULL,
	    "no CPU, device or trust state changed and the kernel log has no DMA trouble%s",
	    p->window.nkernel_log ? " without its failed maps" : "");
}

void judge_coverage(struct judge *j, const struct stream_info *info, struct verdict *v)
{
	events_armed(j, info, v);
	nothing_lost(j, info, v);
	window_marked(j, info, v);
	canary_seen(j, info, v);
	baseline(j, info, v);
	devices_known(j, v);
	pool_known(j, v);
	conserved(j, v);
	not_truncated(j, v);
	environment_stable(j, info, v);
}
