/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The condition devices-known: every device that can reach memory is in the facts, with what it
 * negotiated, its driver and its state, and neither the stream nor the facts contradict.
 */
#include <string.h>

#include "lib/base/names.h"
#include "lib/evidence/policy.h"
#include "lib/judge/coverage/coverage.h"
#include "lib/judge/finish.h"
#include "lib/judge/witness.h"

static const char remedy[] = "record with 'ccaio trace', or give facts made on that machine with "
			     "'ccaio doctor --facts' (--platform)";

bool coverage_is_listed(const struct judge *j, const char *name)
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

/* ---- what the facts say; each returns false, with the condition unmet, at the first fault ---- */

static bool virtio_known(const struct judge *j, const struct platform_virtio *d,
			 struct cond_verdict *cond)
{
	const char *worked = judge_why_active(j, d);
	uint32_t type = platform_virtio_driver_type(d->driver);

	if (d->driver_unreported)
		cond_unmet(cond, remedy, "it is not known whether a driver works %s", d->name);
	else if (d->driver && (!d->features || d->status == PLATFORM_NO_STATUS))
		cond_unmet(cond, remedy, "the feature bits or the status of %s are not known",
			   d->name);
	else if (d->driver && platform_virtio_active(d) == TRI_UNKNOWN)
		cond_unmet(
			cond, remedy,
			"driver %s is bound to %s, but its status (0x%x) says that none works it",
			d->driver, d->name, d->status);
	else if (platform_virtio_active(d) == TRI_UNKNOWN)
		cond_unmet(cond, remedy, "%s has no driver, but its status says that one works it",
			   d->name);
	else if (type && d->device_id && type != d->device_id)
		cond_unmet(cond, remedy, "%s is of type %u, but its driver %s is for type %u",
			   d->name, d->device_id, d->driver, type);
	else if (platform_virtio_active(d) == TRI_NO && worked)
		cond_unmet(cond, remedy, "no driver works %s by the facts, but %s", d->name,
			   worked);
	else if (d->bus && strcmp(d->bus, "pci") == 0 &&
		 !(d->parent && platform_find_pci(j->platform, d->parent)))
		cond_unmet(cond, remedy, "%s is on the PCI bus, but not in the list of PCI devices",
			   d->name);
	else
		return true;
	return false;
}

/* A PCI function without driver can still write to memory; bridges only forward. */
static bool pci_known(const struct judge *j, const struct platform_pci *d,
		      struct cond_verdict *cond)
{
	bool bridge = d->class && strncmp(d->class, "0x06", 4) == 0;

	if (platform_pci_is_nothing(d) || (d->driver_unreported && bridge))
		return true;
	if (d->driver_unreported)
		cond_unmet(cond, remedy, "it is not known whether a driver works PCI device %s",
			   d->name);
	else if (!platform_pci_is_driven(d) && !bridge && d->bus_master == TRI_YES)
		cond_unmet(cond, "bind it to a driver or disable it",
			   "PCI device %s is a bus master without a driver", d->name);
	else if (!platform_pci_is_driven(d) && !bridge && d->bus_master == TRI_UNKNOWN)
		cond_unmet(cond, remedy,
			   "it is not known whether PCI device %s, which has no driver, is a bus "
			   "master",
			   d->name);
	else if (d->driver && platform_pci_is_virtio(d) &&
		 !platform_find_virtio(j->platform, d->name))
		cond_unmet(cond, remedy,
			   "PCI device %s is a virtio device, but not in the list of those",
			   d->name);
	else
		return true;
	return false;
}

/* ---- what the stream says ---- */

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

static bool expected(const struct judge *j, const char *name, const char *does,
		     struct cond_verdict *cond)
{
	const struct policy *policy = j->options.policy;

	if (!policy || !policy->expected_given || is_expected(policy, name))
		return true;
	cond_unmet(cond, "add it to expected_devices of the policy, or remove it from the machine",
		   "device %s %s but the policy does not expect it", name, does);
	return false;
}

static bool seen_known(const struct judge *j, const struct device *dev, struct cond_verdict *cond)
{
	const char *name = names_get(j->names, dev->id);

	if (!coverage_is_listed(j, name))
		cond_unmet(cond, remedy, "device %s does DMA but is not in the facts", name);
	else if (is_idle_by_facts(j, dev))
		cond_unmet(cond, remedy,
			   "device %s does DMA but the facts say that no driver works it", name);
	else
		return expected(j, name, "does DMA", cond);
	return false;
}

void coverage_devices_known(const struct judge *j, const struct stream_info *info,
			    struct cond_verdict *cond)
{
	const struct platform *p = j->platform;

	(void)info;
	if (!p || !p->virtio_listed || !p->pci_listed) {
		cond_unmet(cond, remedy, "the facts list no %s devices",
			   !p || !p->virtio_listed ? "virtio" : "PCI");
		return;
	}
	if (j->witness && j->witness->features_why) {
		cond_unmet(cond, remedy, "%s", j->witness->features_why);
		return;
	}
	for (size_t i = 0; i < p->nvirtio; i++) {
		if (!virtio_known(j, &p->virtio[i], cond))
			return;
	}
	for (size_t i = 0; i < j->devices.count; i++) {
		const struct device *dev = j->devices.at[i];

		if (dev && dev->seen && !seen_known(j, dev, cond))
			return;
	}
	for (size_t i = 0; i < p->nvirtio; i++) {
		const struct platform_virtio *d = &p->virtio[i];

		if (platform_virtio_active(d) == TRI_YES &&
		    !expected(j, d->parent ? d->parent : d->name, "is at work", cond))
			return;
	}
	for (size_t i = 0; i < p->npci; i++) {
		if (!pci_known(j, &p->pci[i], cond))
			return;
	}
	cond_met(cond, "%zu virtio and %zu PCI devices found; no other device did DMA", p->nvirtio,
		 p->npci);
}
