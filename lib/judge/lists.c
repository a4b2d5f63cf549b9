/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the verdict lists: devices and published ranges; what is wrong is in broken.c.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/limit.h"
#include "lib/judge/finish.h"

/* ---- devices ---- */

static const char *virtio_kind(uint32_t id)
{
	static const char *const kinds[] = {
		[1] = "net",	 [2] = "block", [3] = "console", [4] = "rng",	 [5] = "balloon",
		[8] = "scsi",	 [9] = "9p",	[16] = "gpu",	 [18] = "input", [19] = "vsock",
		[20] = "crypto", [24] = "mem",	[26] = "fs",	 [27] = "pmem",
	};

	return id < sizeof(kinds) / sizeof(kinds[0]) && kinds[id] ? kinds[id] : "device";
}

static void describe(struct device_verdict *d, const struct platform_virtio *virtio,
		     const struct platform_pci *pci)
{
	if (virtio) {
		d->driver = xstrdup(virtio->driver);
		d->what = xasprintf("virtio %s", virtio_kind(virtio->device_id));
	} else if (pci) {
		d->driver = xstrdup(pci->driver);
		d->what = xasprintf("pci %s:%s", pci->vendor ? pci->vendor : "?",
				    pci->device ? pci->device : "?");
	}
}

static struct device_verdict *add_device(const struct judge *j, struct verdict *v, const char *name)
{
	struct device_verdict *d;

	v->devices = xrealloc(v->devices, v->ndevices + 1, sizeof(*v->devices));
	d = &v->devices[v->ndevices++];
	memset(d, 0, sizeof(*d));
	d->name = xstrdup(name);
	d->out_of_scope = !limit_has(j->options.limit, name);
	return d;
}

static void device_claims(const struct judge *j, const struct verdict *v, const struct device *dev,
			  struct device_verdict *d, bool complete, bool listed)
{
	const char *why = NULL;

	for (int c = 0; c < CLAIMS; c++) {
		d->claims[c] =
			dev ? judge_claim_state(j, c, &dev->claims[c], complete) : CLAIM_UNDECIDED;
		/* bytes of a device that no event tells of are not counted as none */
		if (!dev || (c != CLAIM_NO_BYPASS && !dev->seen))
			d->claims[c] = CLAIM_UNDECIDED;
		/* What is open for the whole run is open for each device. */
		if (v->claims[c].state == CLAIM_UNDECIDED && d->claims[c] == CLAIM_HOLDS &&
		    (!j->findings.claims[c].why || !dev->claims[c].why))
			d->claims[c] = c == CLAIM_NO_BYPASS && listed ? CLAIM_HOLDS
				       : j->n.maps && complete	      ? CLAIM_HOLDS
								      : CLAIM_UNDECIDED;
		if (!why && dev && dev->claims[c].why)
			why = dev->claims[c].why;
	}
	if (why)
		d->note = xstrdup(why);
	else if (!dev || !dev->seen)
		d->note = xstrdup("no DMA event in the stream");
}

static void refute_bypass(struct device_verdict *d, const char *text)
{
	d->claims[CLAIM_NO_BYPASS] = CLAIM_REFUTED;
	free(d->note);
	d->note = xstrdup(text);
}

static bool same_name(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static void bypass_state(const struct judge *j, const struct verdict *v, struct device_verdict *d)
{
	size_t n = groups_count(j->findings.groups);

	for (size_t i = 0; i < n; i++) {
		const struct group *g = groups_at(j->findings.groups, i);

		if (g->facts & v->by_fact & 1u << BREACH_BYPASS && same_name(g->device, d->name))
			refute_bypass(d, g->examples[g->nexamples - 1].text);
	}
	for (size_t i = 0; i < j->findings.noutside; i++) {
		if (j->findings.outside[i].bypass &&
		    strcmp(j->findings.outside[i].device, d->name) == 0)
			refute_bypass(d, j->findings.outside[i].text);
	}
}

void judge_list_devices(struct judge *j, struct verdict *v, bool complete)
{
	const struct platform *p = j->platform;

	for (size_t i = 0; i < j->devices.count; i++) {
		struct device *dev = j->devices.at[i];
		struct device_verdict *d;

		if (!dev || !dev->seen)
			continue;
		d = add_device(j, v, names_get(j->names, dev->id));
		describe(d, dev->virtio, dev->pci);
		d->totals = dev->totals;
		d->trusted = dev->accepted;
		device_claims(j, v, dev, d, complete, dev->virtio || dev->pci);
		bypass_state(j, v, d);
	}
	for (size_t i = 0; p && i < p->nvirtio; i++) {
		const struct platform_virtio *x = &p->virtio[i];
		const struct device *dev = judge_device_named(j, x->parent);
		struct device_verdict *d;

		if (platform_virtio_active(x) == TRI_NO || (dev && dev->seen))
			continue;
		d = add_device(j, v, x->parent ? x->parent : x->name);
		describe(d, x, NULL);
		device_claims(j, v, dev, d, complete, true);
		if (platform_virtio_feature(x, VIRTIO_F_ACCESS_PLATFORM) == TRI_YES)
			d->claims[CLAIM_NO_BYPASS] = CLAIM_HOLDS;
		bypass_state(j, v, d);
	}
}

/* ---- ranges ---- */

static void add_range(struct verdict *v, const struct published_range *r)
{
	if (v->nranges == VERDICT_RANGES) {
		v->ranges_complete = false;
		return;
	}
	v->ranges = xrealloc(v->ranges, v->nranges + 1, sizeof(*v->ranges));
	v->ranges[v->nranges++] = *r;
}

static void add_run(void *ctx, struct range run, uint64_t mappings)
{
	struct verdict *v = ctx;
	uint64_t bit = v->totals.shared_bit;

	add_range(v, &(struct published_range){ .range = { run.start | bit, run.end | bit },
						.memory = bit ? MEMORY_ALIAS : MEMORY_POOL,
						.count = mappings });
}

void judge_list_ranges(struct judge *j, struct verdict *v)
{
	v->ranges_complete = !j->published.full;
	ledger_slot_runs(j->ledger, add_run, v);
	for (size_t i = 0; i < j->published.count; i++)
		add_range(v, &j->published.ranges[i]);
}
