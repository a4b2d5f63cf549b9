/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/evidence/platform.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

struct platform *platform_new(void)
{
	struct platform *p = xcalloc(1, sizeof(*p));

	p->swiotlb.slots = PLATFORM_UNKNOWN;
	p->swiotlb.used_before = PLATFORM_UNKNOWN;
	p->swiotlb.used_after = PLATFORM_UNKNOWN;
	p->swiotlb.used_hiwater = PLATFORM_UNKNOWN;
	return p;
}

static void free_strings(char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

static void free_virtio(struct platform_virtio *dev)
{
	free(dev->name);
	free(dev->features);
	free(dev->bus);
	free(dev->parent);
	free(dev->driver);
	free(dev->iface);
}

static void free_pci(struct platform_pci *dev)
{
	free(dev->name);
	free(dev->vendor);
	free(dev->device);
	free(dev->class);
	free(dev->driver);
	free(dev->iommu_group);
	free(dev->iommu_type);
	free(dev->tsm);
}

static void free_net(struct platform_net *net)
{
	free(net->name);
	free(net->virtio);
	for (size_t i = 0; i < net->ncounters; i++)
		free(net->counters[i].name);
	free(net->counters);
}

static void free_trace(struct platform *p)
{
	free(p->trace.lost);
	free_strings(p->trace.events, p->trace.nevents);
	free_strings(p->trace.failed, p->trace.nfailed);
	free_strings(p->trace.spoilt, p->trace.nspoilt);
	free(p->trace.recorder);
	for (size_t i = 0; i < p->trace.ncanaries; i++) {
		free(p->trace.canaries[i].device);
		free(p->trace.canaries[i].kind);
		free(p->trace.canaries[i].reason);
	}
	free(p->trace.canaries);
}

void platform_free(struct platform *p)
{
	if (!p)
		return;
	free(p->kernel.release);
	free(p->kernel.machine);
	free(p->kernel.cmdline);
	free(p->realm.kind);
	free(p->realm.rsi_version);
	free(p->realm.tsm_provider);
	free(p->ram);
	for (size_t i = 0; i < p->swiotlb.npools; i++)
		free(p->swiotlb.pools[i].name);
	free(p->swiotlb.pools);
	for (size_t i = 0; i < p->nvirtio; i++)
		free_virtio(&p->virtio[i]);
	free(p->virtio);
	for (size_t i = 0; i < p->npci; i++)
		free_pci(&p->pci[i]);
	free(p->pci);
	for (size_t i = 0; i < p->nother; i++) {
		free(p->other[i].name);
		free(p->other[i].bus);
		free(p->other[i].driver);
	}
	free(p->other);
	for (size_t i = 0; i < p->ndisks; i++) {
		free(p->disks[i].name);
		free(p->disks[i].number);
		free(p->disks[i].virtio);
		free_strings(p->disks[i].partitions, p->disks[i].npartitions);
	}
	free(p->disks);
	for (size_t i = 0; i < p->nnet; i++)
		free_net(&p->net[i]);
	free(p->net);
	free_strings(p->window.kernel_log, p->window.nkernel_log);
	free_trace(p);
	free(p);
}

enum tri platform_virtio_feature(const struct platform_virtio *dev, unsigned int bit)
{
	if (!dev->features)
		return TRI_UNKNOWN;
	if (bit >= strlen(dev->features))
		return TRI_NO;
	return dev->features[bit] == '1' ? TRI_YES : TRI_NO;
}

enum tri platform_virtio_active(const struct platform_virtio *dev)
{
	bool known = dev->status != PLATFORM_NO_STATUS;

	if (known &&
	    ((dev->status & VIRTIO_STATUS_FAILED) || !(dev->status & VIRTIO_STATUS_DRIVER_OK)))
		return TRI_NO;
	if (dev->driver)
		return known ? TRI_YES : TRI_UNKNOWN;
	return known || dev->driver_untold ? TRI_UNKNOWN : TRI_NO;
}

static bool is_event(const char *listed, const char *event)
{
	if (strncmp(listed, "ccaio_", 6) == 0 && strncmp(event, "ccaio:", 6) == 0)
		return strcmp(listed + strcspn(listed, ":"), event + 5) == 0;
	return strcmp(listed, event) == 0;
}

static bool is_among(char *const *list, size_t n, const char *event)
{
	for (size_t i = 0; i < n; i++)
		if (is_event(list[i], event))
			return true;
	return false;
}

bool platform_event_on(const struct platform *p, const char *event)
{
	return p && is_among(p->trace.events, p->trace.nevents, event) &&
	       !platform_event_spoilt(p, event);
}

bool platform_event_spoilt(const struct platform *p, const char *event)
{
	return p && is_among(p->trace.spoilt, p->trace.nspoilt, event);
}

const struct platform_virtio *platform_find_virtio(const struct platform *p, const char *dma_name)
{
	for (size_t i = 0; i < p->nvirtio; i++) {
		if (p->virtio[i].parent && strcmp(p->virtio[i].parent, dma_name) == 0)
			return &p->virtio[i];
	}
	return NULL;
}

const struct platform_pci *platform_find_pci(const struct platform *p, const char *dma_name)
{
	for (size_t i = 0; i < p->npci; i++) {
		if (strcmp(p->pci[i].name, dma_name) == 0)
			return &p->pci[i];
	}
	return NULL;
}

const char *platform_virtio_doubt(const struct platform_virtio *dev)
{
	switch (dev->device_id) {
	case 0:
		return "its device type is not known";
	case 16: /* VIRTIO_GPU_F_RESOURCE_BLOB (virtio 1.3, 5.7.3) */
		return platform_virtio_feature(dev, 3) == TRI_YES
			       ? "its blob resources can be host memory mapped into the guest"
			       : NULL;
	case 24:
		return "the memory that it plugs and unplugs changes hands without an event";
	case 26:
		return "whether this virtiofs uses a DAX window is not known";
	}
	return NULL;
}

bool platform_is_handed_over(const char *driver)
{
	/* vfio-pci, mlx5_vfio_pci, vfio-platform, …; uio_pci_generic, uio_pdrv_genirq, … */
	return driver && (strstr(driver, "vfio") || strncmp(driver, "uio_", 4) == 0 ||
			  strcmp(driver, "igb_uio") == 0);
}

bool platform_other_is_fw_cfg(const struct platform_other *dev)
{
	return dev->driver && strstr(dev->driver, "fw_cfg");
}

uint32_t platform_virtio_driver_type(const char *driver)
{
	static const struct {
		const char *driver;
		uint32_t type;
	} drivers[] = {
		{ "virtio_net", 1 },   { "virtio_blk", 2 },	{ "virtio_console", 3 },
		{ "virtio_rng", 4 },   { "virtio_balloon", 5 }, { "virtio_scsi", 8 },
		{ "virtio_gpu", 16 },  { "virtio_mem", 24 },	{ "virtiofs", 26 },
		{ "virtio_pmem", 27 },
	};

	for (size_t i = 0; driver && i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (strcmp(driver, drivers[i].driver) == 0)
			return drivers[i].type;
	}
	return 0;
}

bool platform_pci_is_virtio(const struct platform_pci *dev)
{
	unsigned long id = dev->device ? strtoul(dev->device, NULL, 16) : 0;

	if (dev->driver && strcmp(dev->driver, "virtio-pci") == 0)
		return true;
	return dev->vendor && strcmp(dev->vendor, "0x1af4") == 0 && id >= 0x1000 && id <= 0x107f;
}

bool platform_pci_is_nothing(const struct platform_pci *dev)
{
	return strcmp(dev->name, "*") == 0 && !(dev->vendor && *dev->vendor) &&
	       !(dev->device && *dev->device) && !(dev->class && *dev->class) && !dev->driver;
}

bool platform_pool_is_default(const struct platform_pool *pool)
{
	return !pool->name || strcmp(pool->name, "default") == 0;
}

bool range_contains(const struct range *outer, uint64_t start, uint64_t size)
{
	/* size 0 lies where its address lies; no sum here may wrap around */
	uint64_t last = size ? size - 1 : 0;

	return start >= outer->start && start <= outer->end && last <= outer->end - start;
}
