/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why claims were refuted or stay undecided: one row for each cause that the facts can name. */
#include "lib/verdict/cause.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/verdict/breach.h"

struct scene {
	const struct verdict *v;
	const struct platform *p; /* may be NULL */
};

struct cause_row {
	const char *id;
	enum claim_id claim;
	enum remedy fix;
	bool general; /* said only where no other row speaks of the claim */
	bool open;    /* why the claim is undecided, not why it is refuted */
	/* The sentence, or NULL where this is not the cause.  The caller frees. */
	char *(*recognise)(const struct scene *s);
};

/* Is word an option of the kernel parameter `name` on the command line ("swiotlb=65536,force")? */
static bool parameter_has(const char *cmdline, const char *name, const char *word)
{
	size_t len = strlen(name), wlen = strlen(word);

	for (const char *at = cmdline; at && (at = strstr(at, name)); at += len) {
		const char *v = at + len;

		if (at != cmdline && at[-1] != ' ')
			continue;
		while (*v && *v != ' ') {
			size_t n = strcspn(v, ", ");

			if (n == wlen && strncmp(v, word, wlen) == 0)
				return true;
			v += n + (v[n] == ',');
		}
	}
	return false;
}

static bool in_rehearsal(const struct scene *s)
{
	return s->v->setting == SETTING_REHEARSAL;
}

/* Did the monitor's log refute it, and nothing else? */
static char *monitor(const struct scene *s)
{
	uint32_t breaches = 0;

	for (size_t i = 0; i < s->v->nfindings; i++) {
		if (s->v->findings[i].claims & 1u << CLAIM_DMA_IN_SHARED)
			breaches |= s->v->findings[i].breaches;
	}
	if (!(breaches & 1u << BREACH_MONITOR) || breaches & 1u << BREACH_PROTECTED)
		return NULL;
	return xstrdup("the monitor's log has no line that shares this memory: the kernel did not "
		       "ask, the monitor refused, or the log is not all of this Realm's");
}

static char *noforce(const struct scene *s)
{
	if (!s->p || !s->p->kernel.cmdline ||
	    !parameter_has(s->p->kernel.cmdline, "swiotlb=", "noforce"))
		return NULL;
	return xstrdup("bouncing is switched off (kernel command line: swiotlb=noforce)");
}

/* A device that was given protected memory and whose addresses an IOMMU translates. */
static char *translated(const struct scene *s)
{
	for (size_t i = 0; s->p && i < s->v->ndevices; i++) {
		const struct device_verdict *d = &s->v->devices[i];
		const struct platform_pci *pci = d->name ? platform_find_pci(s->p, d->name) : NULL;

		if (!pci || !pci->iommu_group || d->claims[CLAIM_DMA_IN_SHARED] != CLAIM_REFUTED ||
		    (pci->iommu_type && strcmp(pci->iommu_type, "identity") == 0))
			continue;
		return xasprintf("%s is behind an IOMMU: the kernel maps protected memory for it "
				 "instead of bouncing",
				 d->name);
	}
	return NULL;
}

static char *no_pool(const struct scene *s)
{
	if (!s->p || s->p->swiotlb.npools || s->p->swiotlb.slots != 0)
		return NULL;
	return xstrdup("the kernel set up no bounce pool");
}

static char *not_forced(const struct scene *s)
{
	if (!s->p || !in_rehearsal(s) || s->p->swiotlb.force != TRI_NO)
		return NULL;
	return xstrdup("bouncing is not forced: outside a Realm the kernel bounces only where "
		       "swiotlb=…,force says so");
}

/* One driver maps protected memory although the others bounce. */
static char *one_driver(const struct scene *s)
{
	const struct device_verdict *bad = NULL;
	bool others = false;

	for (size_t i = 0; i < s->v->ndevices; i++) {
		const struct device_verdict *d = &s->v->devices[i];

		if (d->claims[CLAIM_DMA_IN_SHARED] == CLAIM_REFUTED && d->totals.direct)
			bad = d;
		else
			others |= d->totals.bounced > 0;
	}
	if (!bad || !others)
		return NULL;
	return xasprintf("the driver of %s (%s) gave it memory that was not bounced, while other "
			 "devices bounce",
			 bad->name ? bad->name : "a device",
			 bad->driver ? bad->driver : "unknown driver");
}

static const char *virtio_label(const struct platform_virtio *dev)
{
	return dev->name ? dev->name : "a virtio device";
}

static char *no_access_platform(const struct scene *s)
{
	const struct platform_virtio *first = NULL;
	size_t n = 0;

	for (size_t i = 0; s->p && i < s->p->nvirtio; i++) {
		const struct platform_virtio *dev = &s->p->virtio[i];

		if (platform_virtio_active(dev) == TRI_NO || dev->device_id == VIRTIO_ID_BALLOON ||
		    platform_virtio_feature(dev, VIRTIO_F_ACCESS_PLATFORM) != TRI_NO)
			continue;
		first = first ? first : dev;
		n++;
	}
	if (!n)
		return NULL;
	return n == 1 ? xasprintf("%s (%s) works without VIRTIO_F_ACCESS_PLATFORM, so its driver "
				  "does not use the DMA API",
				  virtio_label(first), first->driver ? first->driver : "virtio")
		      : xasprintf("%zu virtio devices (%s …) work without "
				  "VIRTIO_F_ACCESS_PLATFORM, so their drivers do not use the "
				  "DMA API",
				  n, virtio_label(first));
}

static char *balloon(const struct scene *s)
{
	for (size_t i = 0; s->p && i < s->p->nvirtio; i++) {
		const struct platform_virtio *dev = &s->p->virtio[i];

		if (dev->device_id == VIRTIO_ID_BALLOON && platform_virtio_active(dev) != TRI_NO)
			return xasprintf("%s is a memory balloon: it hands pages to the host by "
					 "number, without the DMA API",
					 virtio_label(dev));
	}
	return NULL;
}

static char *handed_over(const struct scene *s)
{
	for (size_t i = 0; s->p && i < s->p->npci; i++) {
		const struct platform_pci *dev = &s->p->pci[i];

		if (platform_is_handed_over(dev->driver))
			return xasprintf("%s is driven by a program (%s), which gives it addresses "
					 "itself",
					 dev->name ? dev->name : "a PCI device", dev->driver);
	}
	return NULL;
}

static char *fw_cfg(const struct scene *s)
{
	for (size_t i = 0; s->p && i < s->p->nother; i++) {
		if (platform_other_is_fw_cfg(&s->p->other[i]))
			return xstrdup("the driver qemu_fw_cfg gives the host addresses without "
				       "the DMA API");
	}
	return NULL;
}

/* What the first counterexample of a claim says: better than nothing. */
static char *example_of(const struct scene *s, enum claim_id id, const char *prefix)
{
	for (size_t i = 0; i < s->v->nexamples; i++) {
		const struct counterexample *ex = &s->v->examples[i];

		if (ex->claims & 1u << id && ex->text)
			return xasprintf("%s%s", prefix, ex->text);
	}
	return NULL;
}

static char *bypass(const struct scene *s)
{
	return example_of(s, CLAIM_NO_BYPASS, "");
}

static char *broken_driver(const struct scene *s, enum claim_id id, const char *what)
{
	for (size_t i = 0; i < s->v->ndevices; i++) {
		const struct device_verdict *d = &s->v->devices[i];

		if (d->claims[id] == CLAIM_REFUTED)
			return xasprintf("the driver of %s (%s) %s", d->name ? d->name : "a device",
					 d->driver ? d->driver : "unknown driver", what);
	}
	return NULL;
}

static char *lifecycle(const struct scene *s)
{
	return broken_driver(s, CLAIM_LIFECYCLE, "unmaps, frees or syncs what is not mapped so");
}

static char *overlap(const struct scene *s)
{
	return broken_driver(s, CLAIM_SLOTS_DISJOINT,
			     "has two live mappings of the same shared memory");
}

static char *egress(const struct scene *s)
{
	(void)s;
	return xstrdup("more bytes left than the policy allows");
}

static char *clear_text(const struct scene *s)
{
	(void)s;
	return xstrdup("the program sent payload in clear text, and the policy requires TLS");
}

static const struct cause_row rows[] = {
	{ "monitor", CLAIM_DMA_IN_SHARED, REMEDY_MONITOR_LOG, false, false, monitor },
	{ "noforce", CLAIM_DMA_IN_SHARED, REMEDY_FORCE, false, false, noforce },
	{ "iommu", CLAIM_DMA_IN_SHARED, REMEDY_IDENTITY, false, false, translated },
	{ "no-pool", CLAIM_DMA_IN_SHARED, REMEDY_POOL, true, false, no_pool },
	{ "not-forced", CLAIM_DMA_IN_SHARED, REMEDY_FORCE, true, false, not_forced },
	{ "driver", CLAIM_DMA_IN_SHARED, REMEDY_REPORT_DRIVER, true, false, one_driver },
	{ "no-access-platform", CLAIM_NO_BYPASS, REMEDY_ACCESS_PLATFORM, false, false,
	  no_access_platform },
	{ "balloon", CLAIM_NO_BYPASS, REMEDY_REMOVE_DEVICE, false, false, balloon },
	{ "bypass", CLAIM_NO_BYPASS, REMEDY_REMOVE_DEVICE, true, false, bypass },
	{ "handed-over", CLAIM_NO_BYPASS, REMEDY_OWN_DRIVER, false, true, handed_over },
	{ "fw-cfg", CLAIM_NO_BYPASS, REMEDY_FW_CFG, false, true, fw_cfg },
	{ "lifecycle", CLAIM_LIFECYCLE, REMEDY_REPORT_DRIVER, false, false, lifecycle },
	{ "overlap", CLAIM_SLOTS_DISJOINT, REMEDY_REPORT_DRIVER, false, false, overlap },
	{ "egress", CLAIM_EGRESS, REMEDY_LIMIT, false, false, egress },
	{ "clear-text", CLAIM_CONFIDENTIAL, REMEDY_TLS, false, false, clear_text },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROWS <= CAUSES_MAX, "more causes than a report has room for");

static bool explained(const struct causes *c, enum claim_id claim)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->list[i].claim == claim)
			return true;
	}
	return false;
}

void causes_find(struct causes *c, const struct verdict *v, const struct platform *platform)
{
	const struct scene s = { v, platform };

	c->n = 0;
	for (size_t i = 0; i < ROWS; i++) {
		const struct cause_row *row = &rows[i];
		char *text;

		if (v->claims[row->claim].state != (row->open ? CLAIM_UNDECIDED : CLAIM_REFUTED) ||
		    (row->general && explained(c, row->claim)))
			continue;
		text = row->recognise(&s);
		if (text)
			c->list[c->n++] =
				(struct cause){ row->id, row->claim, text, remedy_text(row->fix) };
	}
}

void causes_free(struct causes *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->list[i].text);
	c->n = 0;
}
