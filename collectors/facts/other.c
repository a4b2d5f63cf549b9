/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DMA masters that are neither virtio nor PCI.
 *
 * No file says whether a device is a DMA master.  Taken are devices with a driver
 * that stand behind an IOMMU, whose device-tree node says dma-coherent, or whose
 * driver is known to do DMA or lets a program do it; and interrupt translation services, which have
 * no driver of their own.  Not seen: other masters without one (firmware), and drivers that are not
 * in the list and not described as above.
 */
#include <stdlib.h>
#include <string.h>

#include "collectors/facts/state.h"
#include "lib/base/xalloc.h"

/* Driver names as in /sys/bus/platform/drivers; a prefix stands for its family. */
static const char *const dma_drivers[] = {
	"ahci",
	"sdhci",
	"xhci-hcd",
	"ehci-",
	"ohci-",
	"dwc2",
	"dwc3",
	"dwmmc",
	"macb",
	"fec",
	"stmmac",
	"dwmac",
	"e1000",
	"smsc",
	"dma-pl330",
	"fsl-",
	"mv_xor",
	"xgene-",
	"hns",
	"hisi_",
	"ufshcd",
	"panfrost",
	"lima",
	"qemu_fw_cfg",
	"fw_cfg",
	"arm-smmu",
	"mmci-pl18x",
	"optee",
	"arm-ffa",
	"simple-framebuffer",
	"efi-framebuffer",
	"vesa-framebuffer",
};

/* They reach memory through the devices behind them, which are listed on their own. */
static const char *const bridges[] = {
	"virtio-mmio",
	"pci-host-generic",
	"pcie-designware",
	"xgene-pcie",
};

static bool has_prefix(const char *name, const char *const *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

#define IN(name, list) has_prefix(name, list, sizeof(list) / sizeof((list)[0]))

/* all: every device of this bus is given memory, with any driver */
static void add_bus(struct facts *facts, struct platform *p, const char *bus, bool all, size_t *cap)
{
	size_t count;
	char **names = facts_list(facts, &count, "/sys/bus/%s/devices", bus);

	for (size_t i = 0; i < count; i++) {
		char *driver = facts_link(facts, "/sys/bus/%s/devices/%s/driver", bus, names[i]);

		if (!driver || IN(driver, bridges) ||
		    (!all && !IN(driver, dma_drivers) && !platform_is_handed_over(driver) &&
		     !facts_exists(facts, "/sys/bus/%s/devices/%s/iommu_group", bus, names[i]) &&
		     !facts_exists(facts, "/sys/bus/%s/devices/%s/of_node/dma-coherent", bus,
				   names[i]))) {
			free(driver);
			continue;
		}
		XGROW(p->other, p->nother, *cap);
		p->other[p->nother++] = (struct platform_other){ .name = xstrdup(names[i]),
								 .bus = xstrdup(bus),
								 .driver = driver };
	}
	facts_free_list(names, count);
}

static void add_its(struct platform *p, const char *name, size_t *cap)
{
	XGROW(p->other, p->nother, *cap);
	p->other[p->nother++] = (struct platform_other){ .name = xstrdup(name),
							 .bus = xstrdup("platform"),
							 .driver = xstrdup(PLATFORM_ITS) };
}

/*
 * Interrupt translation services: nodes below that of the interrupt controller (Linux
 * Documentation/devicetree/bindings/interrupt-controller/arm,gic-v3.yaml).  Without a device tree,
 * interrupts that come through one show it.
 */
static void add_services(struct facts *facts, struct platform *p, size_t *cap)
{
	size_t count, n, before = p->nother;
	char **top = facts_list(facts, &count, "/proc/device-tree");
	char *table;

	for (size_t i = 0; i < count; i++) {
		char **names;

		if (strncmp(top[i], "int", 3) != 0)
			continue;
		names = facts_list(facts, &n, "/proc/device-tree/%s", top[i]);
		for (size_t k = 0; k < n; k++) {
			char *is = facts_attr(facts, "/proc/device-tree/%s/%s/compatible", top[i],
					      names[k]);

			if (is && strcmp(is, "arm,gic-v3-its") == 0)
				add_its(p, names[k], cap);
			free(is);
		}
		facts_free_list(names, n);
	}
	facts_free_list(top, count);
	if (p->nother > before)
		return;
	table = facts_attr(facts, "/proc/interrupts");
	if (table && strstr(table, " ITS-"))
		add_its(p, "its", cap);
	free(table);
}

void facts_other(struct facts *facts, struct platform *p)
{
	/* buses whose devices reach memory on their own, PCI and virtio aside */
	static const struct {
		const char *name;
		bool all;
	} buses[] = {
		{ "platform", false }, { "amba", false },   { "fsl-mc", false }, { "vmbus", true },
		{ "xen", true },       { "arm_ffa", true }, { "tee", true },	 { "nd", true },
	};
	size_t cap = 0;

	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++)
		add_bus(facts, p, buses[i].name, buses[i].all, &cap);
	add_services(facts, p, &cap);
}
