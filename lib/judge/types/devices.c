/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices of the stream, and what the facts say of each. */
#include "lib/judge/types/devices.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/limit.h"
#include "lib/evidence/policy.h"

bool device_is_accepted(const struct device *dev)
{
	return dev->tsm_known && dev->tsm == EVENT_TSM_RUN;
}

/* An IOMMU that lets addresses through as they are. */
static bool passes(const struct platform_pci *pci)
{
	return pci->iommu_type && strcmp(pci->iommu_type, "identity") == 0;
}

static void from_facts(struct devices *d, struct device *dev, const char *name)
{
	dev->virtio = platform_find_virtio(d->platform, name);
	dev->pci = platform_find_pci(d->platform, name);
	dev->iommu = dev->pci && dev->pci->iommu_group && !passes(dev->pci);
	dev->areas = dev->virtio && dev->virtio->bus && strcmp(dev->virtio->bus, "msg") == 0;
	d->areas |= dev->areas;
	dev->assigned = d->assigned && dev->pci && !dev->virtio;
	dev->entrusted = dev->assigned && policy_assigned(d->policy, name);
	if (dev->pci && dev->pci->tsm && strcmp(dev->pci->tsm, "accepted") == 0) {
		dev->tsm_later = d->accepts && d->facts_later;
		dev->tsm_known = dev->accepted = d->accepts && !dev->tsm_later;
		dev->tsm = EVENT_TSM_RUN;
		dev->tsm_of_facts = true;
		dev->tsm_doubt = !d->accepts;
	}
}

struct device *devices_add(struct devices *d, uint16_t id)
{
	const char *name = names_get(d->names, id);
	struct device *dev = xcalloc(1, sizeof(*dev));

	if (id >= d->count) {
		size_t n = (size_t)id + 16;

		d->at = xrealloc(d->at, n, sizeof(*d->at));
		memset(&d->at[d->count], 0, (n - d->count) * sizeof(*d->at));
		d->count = n;
	}
	d->at[id] = dev;
	dev->id = id;
	dev->out_of_scope = !limit_has(d->limit, name);
	if (d->platform)
		from_facts(d, dev, name);
	return dev;
}

void devices_free(struct devices *d)
{
	for (size_t i = 0; i < d->count; i++) {
		if (!d->at[i])
			continue;
		for (int c = 0; c < CLAIMS; c++)
			tally_free(&d->at[i]->claims[c]);
		free(d->at[i]);
	}
	free(d->at);
}
