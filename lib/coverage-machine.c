/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must be known of the machine: its devices, its pools, and that they stayed as they were.
 */
#include <string.h>

#include "lib/coverage.h"
#include "lib/names.h"
#include "lib/policy.h"
#include "lib/stream.h"

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

void coverage_devices_known(const struct judge *j, const struct stream_info *info,
			    struct cond_verdict *cond)
{
	static const char remedy[] =
		"record with 'ccaio trace', or give facts made on that machine with "
		"'ccaio doctor --facts' (--platform)";
	const struct platform *p = j->platform;
	const struct policy *policy = j->options.policy;
	const struct platform_pci *stray;

	(void)info;
	if (!p || !p->virtio_listed || !p->pci_listed) {
		cond_unmet(cond, remedy, "the facts list no %s devices",
			   !p || !p->virtio_listed ? "virtio" : "PCI");
		return;
	}
	for (size_t i = 0; i < p->nvirtio; i++) {
		if (p->virtio[i].driver &&
		    (!p->virtio[i].features || p->virtio[i].status == PLATFORM_NO_STATUS)) {
			cond_unmet(cond, remedy,
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
			cond_unmet(cond, remedy, "device %s does DMA but is not in the facts",
				   name);
			return;
		}
		if (is_idle_by_facts(j, j->devices[i])) {
			cond_unmet(cond, remedy,
				   "device %s does DMA but the facts say that no driver works it",
				   name);
			return;
		}
		if (policy && policy->expected_given && !is_expected(policy, name)) {
			cond_unmet(
				cond,
				"add it to expected_devices of the policy, or remove it from the "
				"machine",
				"device %s does DMA but the policy does not expect it", name);
			return;
		}
	}
	stray = stray_master(p);
	if (stray)
		cond_unmet(cond, "bind it to a driver or disable it",
			   "PCI device %s is a bus master without a driver", stray->name);
	else
		cond_met(cond, "%zu virtio and %zu PCI devices are listed, and none else did DMA",
			 p->nvirtio, p->npci);
}

/* ---- pool-known ---- */

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
		cond_unmet(cond, "use a kernel without CONFIG_SWIOTLB_DYNAMIC",
			   "the pool may grow (SWIOTLB_DYNAMIC) and its new bounds are not told");
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
				   "the bounds of pool %s are inferred, not told by the kernel",
				   pool->name ? pool->name : "?");
			return;
		}
		if (platform_pool_is_default(pool))
			slots += (pool->range.end - pool->range.start) / SWIOTLB_SLOT_SIZE + 1;
	}
	if (p->swiotlb.slots == PLATFORM_UNKNOWN)
		cond_unmet(cond, "mount debugfs (swiotlb/io_tlb_nslabs)",
			   "the kernel's slot count is not known");
	else if (slots && p->swiotlb.slots != slots)
		cond_unmet(cond, remedy,
			   "the pool's bounds hold %llu slots but the kernel counts %llu",
			   (unsigned long long)slots, (unsigned long long)p->swiotlb.slots);
	else
		cond_met(cond, "%zu pool%s, %llu slots, as the kernel counts", p->swiotlb.npools,
			 p->swiotlb.npools == 1 ? "" : "s", (unsigned long long)p->swiotlb.slots);
}

/* ---- environment-stable ---- */

void coverage_environment_stable(const struct judge *j, const struct stream_info *info,
				 struct cond_verdict *cond)
{
	const struct platform *p = j->platform;
	const char *changed = NULL;

	if (!p) {
		cond_unmet(cond, "give the machine's facts (--platform)", "there are no facts");
		return;
	}
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
		cond_unmet(cond, "record with 'ccaio trace'",
			   "the facts do not say whether devices or CPUs changed in the window");
		return;
	}
	if (!p->window.log_known && !info->is_model) {
		cond_unmet(cond, "record with 'ccaio trace'",
			   "the kernel log of the window is not known");
		return;
	}
	for (size_t i = 0; i < p->window.nkernel_log; i++) {
		const char *line = p->window.kernel_log[i];

		if (strstr(line, "buffer is full") && j->n.failed)
			continue; /* accounted for: failed maps are in the stream */
		cond_unmet(cond,
			   "enlarge the pool (swiotlb=) or mend what the kernel complains about",
			   "the kernel log of the window says: %.200s", line);
		return;
	}
	if (j->n.tsm_changes) /* told event by event, so each access was judged by the state then */
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
