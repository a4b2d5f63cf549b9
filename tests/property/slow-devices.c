/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The slow judge on what devices and interfaces did, and the claims that rest on it. */
#include <string.h>

#include "lib/base/names.h"
#include "lib/judge/types/ledger.h"
#include "tests/property/slow-state.h"

bool slow_is_dma(unsigned int kind)
{
	return kind == EVENT_BOUNCE || kind == EVENT_MAP || kind == EVENT_UNMAP ||
	       kind == EVENT_SYNC_CPU || kind == EVENT_SYNC_DEVICE || kind == EVENT_ALLOC ||
	       kind == EVENT_FREE || kind == EVENT_MAP_FAILED || kind == EVENT_SG_TRUNCATED;
}

bool slow_seen(const struct slow *s, const char *device)
{
	for (size_t i = 0; device && i < s->n; i++) {
		if (slow_is_dma(s->ev[i].kind) &&
		    strcmp(names_get(s->names, s->ev[i].dev), device) == 0)
			return true;
	}
	return false;
}

static bool has_interface_events(const struct slow *s, const char *iface)
{
	for (size_t i = 0; iface && i < s->n; i++) {
		unsigned int k = s->ev[i].kind;

		if ((k == EVENT_NET_XMIT_START || k == EVENT_NET_XMIT || k == EVENT_NET_RX) &&
		    strcmp(names_get(s->names, s->ev[i].dev), iface) == 0)
			return true;
	}
	return false;
}

void slow_bypass(struct slow *s)
{
	struct slow_claim *c = &s->claims[CLAIM_NO_BYPASS];

	if (!s->p || !s->p->virtio_listed || !s->p->pci_listed)
		c->open = true;
	for (size_t i = 0; s->p && i < s->p->nvirtio; i++) {
		const struct platform_virtio *d = &s->p->virtio[i];
		enum tri active = platform_virtio_active(d);
		enum tri through_api = platform_virtio_feature(d, VIRTIO_F_ACCESS_PLATFORM);

		c->open |= active == TRI_UNKNOWN || slow_denies_dma(s, d);
		if (slow_denies_dma(s, d) && d->device_id != VIRTIO_ID_BALLOON &&
		    d->device_id != 27)
			continue;
		if (active != TRI_YES)
			continue;
		if (d->device_id == VIRTIO_ID_BALLOON && through_api == TRI_YES)
			c->open = true;
		else if (d->device_id == VIRTIO_ID_BALLOON || d->device_id == 27 ||
			 through_api == TRI_NO)
			c->fact = true;
		else if (through_api == TRI_UNKNOWN || d->device_id == 0 || d->device_id == 24 ||
			 d->device_id == 26 ||
			 (d->device_id == 16 && platform_virtio_feature(d, 3) == TRI_YES))
			c->open = true;
	}
	for (size_t i = 0; s->p && i < s->p->nother; i++) {
		static const char *const given[] = { "vmbus", "xen", "arm_ffa",	  "tee",
						     "nd",    "dev", "dev-unseen" };
		const struct platform_other *d = &s->p->other[i];
		const char *driver = d->driver ? d->driver : "";

		for (size_t k = 0; d->bus && k < sizeof(given) / sizeof(given[0]); k++)
			c->open |= strcmp(d->bus, given[k]) == 0;
		c->open |= strncmp(driver, "optee", 5) == 0 || strstr(driver, "fw_cfg") ||
			   strstr(driver, "-framebuffer") || platform_is_handed_over(d->driver);
	}
	for (size_t i = 0; s->p && i < s->p->npci; i++) {
		const struct platform_pci *d = &s->p->pci[i];

		bool shared = d->vendor && d->device && strcmp(d->vendor, "0x1af4") == 0 &&
			      strcmp(d->device, "0x1110") == 0;
		bool driven =
			d->driver && !strstr(d->driver, "stub") && !strstr(d->driver, "pciback");
		bool bridge = d->class && strncmp(d->class, "0x06", 4) == 0;

		c->fact |= driven && shared;
		if (!driven && !d->driver_unreported && !bridge && !platform_pci_is_nothing(d))
			c->open |= d->touched != TRI_NO || (shared && d->memory != TRI_NO);
		c->open |= d->driver && strcmp(d->driver, "vfio-pci") == 0;
		c->open |= (d->driver || d->driver_unreported) && platform_pci_is_virtio(d) &&
			   !platform_find_virtio(s->p, d->name);
	}
}

static void open_dma(struct slow *s)
{
	for (int c = CLAIM_DMA_IN_SHARED; c <= CLAIM_LIFECYCLE; c++)
		s->claims[c].open = true;
}

/* What was mapped for a DMA device; NULL: for any that is no virtio device. */
static uint64_t mapped_for(const struct slow *s, const char *device)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n; i++) {
		const char *name = names_get(s->names, s->ev[i].dev);
		bool its = device ? strcmp(name, device) == 0 : true;

		for (size_t k = 0; !device && k < s->p->nvirtio; k++)
			its &= !s->p->virtio[k].parent || strcmp(s->p->virtio[k].parent, name) != 0;
		if (its && s->ev[i].kind == EVENT_MAP && s->ev[i].dma != EVENT_NO_ADDR)
			sum += s->ev[i].size;
	}
	return sum;
}

/* PCI devices and disks that worked without, or with too little, DMA. */
static void silent_others(struct slow *s)
{
	for (size_t i = 0; i < s->p->npci; i++) {
		const struct platform_pci *d = &s->p->pci[i];

		if (d->driver && !platform_pci_is_virtio(d) && !slow_seen(s, d->name) &&
		    strstr(d->driver, "stub") == NULL && strstr(d->driver, "pciback") == NULL &&
		    !(d->class && strncmp(d->class, "0x06", 4) == 0) &&
		    d->activity_before != PLATFORM_UNKNOWN &&
		    d->activity_after != PLATFORM_UNKNOWN &&
		    d->activity_before != d->activity_after)
			open_dma(s);
	}
	for (size_t i = 0; i < s->p->ndisks; i++) {
		const struct platform_disk *d = &s->p->disks[i];
		uint64_t was = d->before.read_sectors + d->before.written_sectors;
		uint64_t is = d->after.read_sectors + d->after.written_sectors;

		if (!d->virtio && d->counted && is > was &&
		    (is - was) * 512 > mapped_for(s, d->device) + (d->before.in_flight << 20))
			open_dma(s);
	}
}

bool slow_worked(const struct slow *s, const struct platform_virtio *d)
{
	if (d->activity_before != PLATFORM_UNKNOWN && d->activity_after != PLATFORM_UNKNOWN &&
	    d->activity_before != d->activity_after)
		return true;
	if (has_interface_events(s, d->iface))
		return true;
	for (size_t i = 0; i < s->p->trace.ncanaries; i++) {
		const struct platform_canary *c = &s->p->trace.canaries[i];

		if (strcmp(c->kind, "none") != 0 && d->parent && strcmp(c->device, d->parent) == 0)
			return true;
	}
	return false;
}

void slow_silence(struct slow *s)
{
	for (size_t i = 0; s->p && i < s->p->nvirtio; i++) {
		const struct platform_virtio *d = &s->p->virtio[i];

		if (platform_virtio_active(d) != TRI_YES ||
		    platform_virtio_feature(d, VIRTIO_F_ACCESS_PLATFORM) != TRI_YES ||
		    slow_seen(s, d->parent) || !slow_worked(s, d))
			continue;
		open_dma(s);
	}
	if (s->p)
		silent_others(s);
}
