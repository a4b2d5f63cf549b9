/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices: who can be a bus master. */
#include <stdlib.h>
#include <string.h>

#include "collectors/facts/state.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

#define DEVICES "/sys/bus/pci/devices"

/* Bit 2 of the command register, at offset 4 of the configuration space. */
static enum tri bus_master(struct facts *facts, const char *name)
{
	char *path = facts_path(facts, DEVICES "/%s/config", name);
	size_t len = 0;
	char *config = file_read(path, 65536, &len, NULL);
	enum tri master = TRI_UNKNOWN;

	if (config && len > 4)
		master = config[4] & 0x04 ? TRI_YES : TRI_NO;
	free(config);
	free(path);
	return master;
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
		dev->bus_master = bus_master(facts, names[i]);
	}
	facts_free_list(names, count);
}
