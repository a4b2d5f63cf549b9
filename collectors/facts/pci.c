/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices: who can be a bus master. */
#include <stdlib.h>
#include <string.h>

#include "collectors/facts/state.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

#define DEVICES "/sys/bus/pci/devices"

/* Bits 1 and 2 of the command register, at offset 4 of the configuration space. */
static void read_command(struct facts *facts, const char *name, struct platform_pci *dev)
{
	char *path = facts_path(facts, DEVICES "/%s/config", name);
	size_t len = 0;
	char *config = file_read(path, 65536, &len, NULL);

	if (config && len > 4) {
		dev->bus_master = config[4] & 0x04 ? TRI_YES : TRI_NO;
		dev->memory = config[4] & 0x02 ? TRI_YES : TRI_NO;
	}
	free(config);
	free(path);
}

static bool says(struct facts *facts, const char *name, const char *attr)
{
	char *text = facts_attr(facts, DEVICES "/%s/tsm/%s", name, attr);
	bool yes = text && text[0] && strcmp(text, "0") != 0;

	free(text);
	return yes;
}

/* The folder tsm/ is there where a device's interface can be assigned to a Realm (TDISP). */
char *facts_tsm_state(struct facts *facts, const char *name)
{
	if (!facts_exists(facts, DEVICES "/%s/tsm", name))
		return NULL;
	if (says(facts, name, "accept"))
		return xstrdup("accepted");
	if (says(facts, name, "lock"))
		return xstrdup("locked");
	if (says(facts, name, "connect"))
		return xstrdup("connected");
	return xstrdup("unlocked");
}

/* What one line of /proc/interrupts counts, "31:  12  0  GICv2m …"; 0 for another number's. */
static uint64_t line_count(const char *line, unsigned long irq)
{
	uint64_t sum = 0;
	char *end;

	if (strtoul(line, &end, 10) != irq || *end != ':')
		return 0;
	for (line = end + 1;; line = end) {
		uint64_t n = strtoull(line, &end, 10);

		if (end == line || (*end != ' ' && *end != '\n'))
			return sum;
		sum += n;
	}
}

/* Its message-signalled interrupts, which no other function shares; unknown where it has none. */
static uint64_t interrupts(struct facts *facts, const char *table, const char *name)
{
	size_t count;
	char **irqs = facts_list(facts, &count, DEVICES "/%s/msi_irqs", name);
	uint64_t sum = count && table ? 0 : PLATFORM_UNKNOWN;

	for (size_t i = 0; i < count && table; i++) {
		unsigned long irq = strtoul(irqs[i], NULL, 10);

		for (const char *line = table; line; line = strchr(line, '\n')) {
			line += *line == '\n';
			sum += line_count(line, irq);
		}
	}
	facts_free_list(irqs, count);
	return sum;
}

void facts_pci_count(struct facts *facts, struct platform *p, bool before)
{
	char *table = facts_attr(facts, "/proc/interrupts");

	for (size_t i = 0; i < p->npci; i++) {
		struct platform_pci *dev = &p->pci[i];
		uint64_t n = platform_pci_is_virtio(dev) ? PLATFORM_UNKNOWN
							 : interrupts(facts, table, dev->name);

		*(before ? &dev->activity_before : &dev->activity_after) = n;
	}
	free(table);
}

void facts_pci(struct facts *facts, struct platform *p)
{
	size_t count;
	char **names = facts_list(facts, &count, DEVICES);

	p->pci_listed = facts_exists(facts, "/sys/bus");
	p->pci = xcalloc(count, sizeof(*p->pci));
	for (size_t i = 0; i < count; i++) {
		struct platform_pci *dev = &p->pci[p->npci++];

		dev->name = xstrdup(names[i]);
		dev->vendor = facts_attr(facts, DEVICES "/%s/vendor", names[i]);
		dev->device = facts_attr(facts, DEVICES "/%s/device", names[i]);
		dev->class = facts_attr(facts, DEVICES "/%s/class", names[i]);
		dev->driver = facts_link(facts, DEVICES "/%s/driver", names[i]);
		dev->iommu_group = facts_link(facts, DEVICES "/%s/iommu_group", names[i]);
		if (dev->iommu_group)
			dev->iommu_type = facts_attr(facts, "/sys/kernel/iommu_groups/%s/type",
						     dev->iommu_group);
		dev->tsm = facts_tsm_state(facts, names[i]);
		read_command(facts, names[i], dev);
		dev->activity_before = dev->activity_after = PLATFORM_UNKNOWN;
	}
	facts_free_list(names, count);
}
