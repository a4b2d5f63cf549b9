/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/evidence/platform.h"

#include <stdlib.h>
#include <string.h>

enum tri platform_virtio_feature(const struct platform_virtio *dev, unsigned int bit)
{
	if (!dev->features)
		return TRI_UNKNOWN;
	if (bit >= strlen(dev->features))
		return TRI_UNKNOWN;
	return dev->features[bit] == '1' ? TRI_YES : TRI_NO;
}

enum tri platform_virtio_active(const struct platform_virtio *dev)
{
	bool ok = dev->status != PLATFORM_NO_STATUS && !(dev->status & VIRTIO_STATUS_FAILED) &&
		  (dev->status & VIRTIO_STATUS_DRIVER_OK);

	if (dev->driver)
		return ok ? TRI_YES : TRI_UNKNOWN;
	return ok || dev->driver_unreported ? TRI_UNKNOWN : TRI_NO;
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
	       !platform_event_altered(p, event);
}

bool platform_event_altered(const struct platform *p, const char *event)
{
	return p && is_among(p->trace.altered, p->trace.naltered, event);
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
		return "it is not known whether this virtiofs uses a DAX window";
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

bool platform_other_walks(const struct platform_other *dev)
{
	return dev->driver &&
	       (strcmp(dev->driver, PLATFORM_ITS) == 0 || strncmp(dev->driver, "arm-smmu", 8) == 0);
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

bool platform_pci_is_driven(const struct platform_pci *dev)
{
	return dev->driver && strcmp(dev->driver, "pci-stub") != 0 &&
	       strcmp(dev->driver, "pciback") != 0 && strcmp(dev->driver, "xen-pciback") != 0;
}

bool platform_pci_is_ivshmem(const struct platform_pci *dev)
{
	return dev->vendor && dev->device && strcmp(dev->vendor, "0x1af4") == 0 &&
	       strcmp(dev->device, "0x1110") == 0;
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
