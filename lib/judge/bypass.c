/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The claim no-bypass, from the facts: what devices can reach without the DMA API.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/limit.h"
#include "lib/evidence/policy.h"
#include "lib/evidence/snapshot.h"
#include "lib/judge/finish.h"

static const struct {
	uint32_t id;
	const char *what;
} bypassing[] = {
	{ VIRTIO_ID_BALLOON, "the balloon gives page numbers to the host" },
	{ 27, "pmem is host memory mapped into the guest" },
};

static const struct policy_waiver *waiver(const struct judge *j, const char *a, const char *b)
{
	const struct policy *p = j->options.policy;

	for (size_t i = 0; p && i < p->nwaivers; i++) {
		const struct policy_waiver *w = &p->waivers[i];

		if (strcmp(w->claim, "no-bypass") == 0 &&
		    ((a && strcmp(w->device, a) == 0) || (b && strcmp(w->device, b) == 0)))
			return w;
	}
	return NULL;
}

/* dma_name: as its DMA events call it; NULL unknown */
static void undecided(struct judge *j, const char *name, const char *dma_name, const char *why)
{
	struct platform_virtio as = { .name = (char *)name, .parent = (char *)dma_name };
	char *text = xasprintf("%s: %s", name, why);

	judge_undecided_virtio(j, CLAIM_NO_BYPASS, &as, text);
	free(text);
}

/* A bypass that is a fact, or one that the policy knows of and waives. */
static void bypass(struct judge *j, struct verdict *v, const struct platform_virtio *d,
		   const char *why)
{
	const struct policy_waiver *w = waiver(j, d->parent, d->name);
	const char *name = d->parent ? d->parent : d->name;
	uint16_t id = judge_name_id(j, d->parent);

	if (j->contradicted & 1u << CLAIM_NO_BYPASS) {
		undecided(j, d->name, d->parent, "facts that are not the recording's say so");
		return;
	}
	if (!w && !limit_has(j->options.limit, name)) {
		judge_limit_bypass(j, name, why);
		return;
	}
	if (w) {
		verdict_note(v,
			     "waived by policy: %s (%s) bypasses the DMA API: %s; reason given: %s",
			     d->name, d->parent ? d->parent : "?", why, w->reason);
		if (limit_has(j->options.limit, name))
			judge_doubt(j, CLAIM_NO_BYPASS, id ? judge_device(j, id) : NULL, NULL,
				    MEMORY_UNKNOWN, "a bypass of %s is waived by policy", d->name);
		return;
	}
	judge_refute_named(j, BREACH_BYPASS, name, id, "%s (%s): %s", d->name,
			   d->driver ? d->driver : "no driver", why);
}

/* What the kernel's memory shows: the addresses that it has, one example for each queue. */
static void bypass_queues(struct judge *j, struct verdict *v, const struct platform_virtio *d,
			  const struct snapshot *s, const char *when)
{
	const struct snapshot_device *dev = snapshot_find(s, d->name);

	if (waiver(j, d->parent, d->name))
		return; /* said once */
	for (size_t i = 0; dev && i < dev->nqueues; i++) {
		const struct snapshot_queue *q = &dev->queues[i];
		const struct snapshot_descriptor *first = q->descriptors;
		char *why;

		if (q->dma_api == TRI_YES || !q->ndescriptors)
			continue;
		why = xasprintf(
			"queue %s (ring at 0x%llx) held %zu raw addresses when the window "
			"%s, of descriptor %u %u bytes at 0x%llx (%s memory)",
			q->name ? q->name : "?",
			q->nrings ? (unsigned long long)q->rings[0].address : 0, q->ndescriptors,
			when, first->head, first->length, (unsigned long long)first->address,
			memory_state_name(memmap_state(j->memory, first->address, first->length)));
		bypass(j, v, d, why);
		free(why);
	}
}

static void check_virtio(struct judge *j, struct verdict *v, const struct platform_virtio *d)
{
	enum tri active = platform_virtio_active(d);
	uint16_t id = judge_name_id(j, d->parent);

	if (active == TRI_NO)
		return;
	if (active == TRI_UNKNOWN) {
		undecided(j, d->name, d->parent, "it is not known whether a driver works it");
		return;
	}
	for (size_t i = 0; i < sizeof(bypassing) / sizeof(bypassing[0]); i++) {
		if (d->device_id == VIRTIO_ID_BALLOON &&
		    platform_virtio_feature(d, VIRTIO_F_ACCESS_PLATFORM) == TRI_YES) {
			undecided(j, d->name, d->parent,
				  "the balloon negotiated ACCESS_PLATFORM, but nothing shows "
				  "that each page was unprotected before its number left");
			return;
		}
		if (d->device_id == bypassing[i].id) {
			bypass(j, v, d, bypassing[i].what);
			return;
		}
	}
	switch (platform_virtio_feature(d, VIRTIO_F_ACCESS_PLATFORM)) {
	case TRI_NO:
		if (id && judge_denies_dma(judge_device(j, id))) {
			undecided(j, d->name, d->parent,
				  "by its feature bits it bypasses the DMA API, but its DMA is in "
				  "the recording");
			return;
		}
		bypass(j, v, d,
		       "without VIRTIO_F_ACCESS_PLATFORM (bit 33) it gives the device raw "
		       "guest-physical addresses");
		bypass_queues(j, v, d, j->platform->start, "opened");
		bypass_queues(j, v, d, j->platform->end, "closed");
		break;
	case TRI_UNKNOWN:
		undecided(j, d->name, d->parent, "its feature bits are not known");
		break;
	case TRI_YES:
		if (platform_virtio_doubt(d))
			undecided(j, d->name, d->parent, platform_virtio_doubt(d));
		break;
	}
}

static void check_driver(struct judge *j, const char *name, const char *driver)
{
	if (platform_is_handed_over(driver))
		undecided(j, name, name,
			  "a program drives it, and no event shows which memory it gives to it");
}

/*
 * A function without driver is nobody's, unless a program drives it: by its registers (sysfs
 * resource files), through which it can be told any address.
 */
static void check_undriven(struct judge *j, struct verdict *v, const struct platform_pci *d)
{
	bool ivshmem = platform_pci_is_ivshmem(d);

	if (d->class && strncmp(d->class, "0x06", 4) == 0)
		return; /* bridges only forward */
	if (d->touched == TRI_YES)
		undecided(j, d->name, d->name,
			  ivshmem ? "host memory that a program had open in the window"
				  : "it has no driver, and a program had its registers open in "
				    "the window: no event shows which memory it was given");
	else if (ivshmem && !(d->touched == TRI_NO && d->memory == TRI_NO))
		undecided(j, d->name, d->name,
			  "host memory that a program can map; nothing shows that none has");
	else if (d->touched == TRI_UNKNOWN)
		undecided(j, d->name, d->name,
			  "it has no driver, and it is not known whether a program drove it");
	else
		verdict_note(
			v,
			"%s (%s:%s) has no driver: %s, and no program had its registers open in "
			"the window",
			d->name, d->vendor ? d->vendor : "?", d->device ? d->device : "?",
			d->bus_master == TRI_NO ? "it is no bus master" : "it may be a bus master");
}

static void check_pci(struct judge *j, struct verdict *v, const struct platform_pci *d)
{
	struct platform_virtio as = { .name = d->name, .parent = d->name, .driver = d->driver };

	if (!d->driver_unreported && !platform_pci_is_driven(d) && !platform_pci_is_nothing(d))
		check_undriven(j, v, d);
	else if (d->driver && platform_pci_is_ivshmem(d))
		bypass(j, v, &as, "ivshmem is host memory mapped into the guest");
	if ((d->driver || d->driver_unreported) && platform_pci_is_virtio(d) &&
	    !platform_find_virtio(j->platform, d->name))
		undecided(j, d->name, d->name,
			  "a virtio device whose feature bits are not in the facts");
	check_driver(j, d->name, d->driver);
}

/* Buses whose devices are given memory by other ways than the DMA API. */
static const struct {
	const char *bus, *why;
} other_buses[] = {
	{ "vmbus", "VMBus gives the host rings and buffers without the DMA API" },
	{ "xen", "Xen gives the host memory by grants, without the DMA API" },
	{ "arm_ffa", "FF-A shares memory by calls to the firmware, without the DMA API" },
	{ "tee", "OP-TEE shares memory by calls to the firmware, without the DMA API" },
	{ "nd", "an NVDIMM is host memory mapped into the guest" },
	{ PLATFORM_DEV_FILES, "a program had it open in the window, and through it can reach the "
			      "registers of devices and memory that is shared with the host" },
	{ PLATFORM_DEV_UNSEEN, "it is not known whether a program had it open in the window, and "
			       "could reach the registers of devices through it" },
};

/* Drivers of a framebuffer that the firmware left. */
static const char *const framebuffers[] = {
	"simple-framebuffer",
	"efi-framebuffer",
	"vesa-framebuffer",
};

static void check_other(struct judge *j, struct verdict *v, const struct platform_other *d)
{
	for (size_t i = 0; i < sizeof(framebuffers) / sizeof(framebuffers[0]); i++) {
		if (d->driver && strcmp(d->driver, framebuffers[i]) == 0)
			undecided(j, d->name, d->name,
				  "the host can read what is drawn in the firmware's framebuffer, "
				  "without the DMA API");
	}
	if (platform_other_walks(d))
		verdict_note(v,
			     "%s (%s) reaches memory without the DMA API, but only tables and "
			     "queues that the kernel makes for it, and no program's buffer",
			     d->name, d->driver);
	for (size_t i = 0; i < sizeof(other_buses) / sizeof(other_buses[0]); i++) {
		if (d->bus && strcmp(d->bus, other_buses[i].bus) == 0)
			undecided(j, d->name, d->name, other_buses[i].why);
	}
	if (d->driver && strncmp(d->driver, "optee", 5) == 0)
		undecided(j, d->name, d->name,
			  "OP-TEE shares memory by calls to the firmware, without the DMA API");
	if (platform_other_is_fw_cfg(d))
		undecided(j, d->name, d->name,
			  "QEMU's firmware configuration can be given addresses without the DMA "
			  "API");
	check_driver(j, d->name, d->driver);
}

void judge_bypass(struct judge *j, struct verdict *v)
{
	const struct platform *p = j->platform;

	if (!p || !p->virtio_listed || !p->pci_listed) {
		judge_doubt(j, CLAIM_NO_BYPASS, NULL, NULL, MEMORY_UNKNOWN,
			    "the facts do not list the machine's devices");
		if (!p)
			return;
	}
	for (size_t i = 0; i < p->nvirtio; i++)
		check_virtio(j, v, &p->virtio[i]);
	for (size_t i = 0; i < p->npci; i++)
		check_pci(j, v, &p->pci[i]);
	for (size_t i = 0; i < p->nother; i++)
		check_other(j, v, &p->other[i]);
}
