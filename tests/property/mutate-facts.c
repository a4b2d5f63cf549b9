/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutations of the facts about devices, pools and memory. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "tests/property/mutate.h"

static bool clear_access_platform(struct history *h, struct rng *r)
{
	struct platform_virtio *d = &h->platform->virtio[rng_below(r, h->platform->nvirtio)];

	d->features[VIRTIO_F_ACCESS_PLATFORM] = '0';
	return true;
}

static bool no_features(struct history *h, struct rng *r)
{
	struct platform_virtio *d = &h->platform->virtio[rng_below(r, h->platform->nvirtio)];

	free(d->features);
	d->features = NULL;
	return true;
}

static bool a_balloon(struct history *h, struct rng *r)
{
	h->platform->virtio[rng_below(r, h->platform->nvirtio)].device_id = VIRTIO_ID_BALLOON;
	return true;
}

static bool no_list(struct history *h, struct rng *r)
{
	if (rng_one_in(r, 2))
		h->platform->virtio_listed = false;
	else
		h->platform->pci_listed = false;
	return true;
}

/* A device that does DMA is not in the facts. */
static bool stranger(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;
	size_t i = rng_below(r, p->npci);
	bool seen = false;

	for (size_t k = 0; k < h->count; k++)
		seen |= h->steps[k].made &&
			strcmp(names_get(h->names, h->steps[k].ev.dev), p->pci[i].name) == 0;
	if (!seen)
		return false;
	for (size_t k = 0; k < p->nvirtio; k++) {
		if (strcmp(p->virtio[k].parent, p->pci[i].name) == 0)
			p->virtio[k].parent[0] = '9';
	}
	p->pci[i].name[0] = '9';
	return true;
}

static bool pool_inferred(struct history *h, struct rng *r)
{
	h->platform->swiotlb.pools[rng_below(r, h->platform->swiotlb.npools)].inferred = true;
	return true;
}

static bool pool_dynamic(struct history *h, struct rng *r)
{
	(void)r;
	h->platform->swiotlb.dynamic = TRI_YES;
	return true;
}

static bool pool_size(struct history *h, struct rng *r)
{
	h->platform->swiotlb.slots += 1 + rng_below(r, 9);
	return true;
}

/* A disk behind another device than the virtio ones moved more than was ever mapped. */
static bool silent_disk(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;

	if (p->ndisks)
		return false;
	p->disks = xcalloc(1, sizeof(*p->disks));
	p->disks[p->ndisks++] = (struct platform_disk){
		.name = xstrdup("nvme0n1"),
		.number = xstrdup("259:0"),
		.device = rng_below(r, 2) ? xstrdup("0000:00:1f.0") : NULL,
		.counted = true,
		.after = { .reads = 1, .read_sectors = UINT64_C(1) << 40 },
	};
	return true;
}

/* One more PCI function, of which no event tells. */
static struct platform_pci *new_function(struct platform *p)
{
	p->pci = xrealloc(p->pci, p->npci + 1, sizeof(*p->pci));
	p->pci[p->npci] = (struct platform_pci){
		.name = xstrdup("0000:00:1e.0"),
		.vendor = xstrdup("0x8086"),
		.device = xstrdup("0x10d3"),
		.class = xstrdup("0x020000"),
		.bus_master = TRI_NO,
		.memory = TRI_NO,
		.touched = TRI_NO,
		.activity_before = PLATFORM_UNKNOWN,
		.activity_after = PLATFORM_UNKNOWN,
	};
	return &p->pci[p->npci++];
}

static bool silent_function(struct history *h, struct rng *r)
{
	struct platform_pci *d;

	if (!h->platform->pci_listed)
		return false;
	d = new_function(h->platform);
	d->driver = xstrdup("e1000e");
	d->activity_before = 7;
	d->activity_after = 8 + rng_below(r, 5);
	return true;
}

/* Nobody's function that a program may have driven, or one that a stub holds. */
static bool undriven_function(struct history *h, struct rng *r)
{
	struct platform_pci *d;

	if (!h->platform->pci_listed)
		return false;
	d = new_function(h->platform);
	switch (rng_below(r, 4)) {
	case 0:
		d->touched = TRI_YES;
		break;
	case 1:
		d->touched = TRI_UNKNOWN;
		break;
	case 2:
		d->driver = xstrdup("pci-stub");
		d->bus_master = TRI_YES;
		break;
	default:
		free(d->vendor);
		free(d->device);
		d->vendor = xstrdup("0x1af4");
		d->device = xstrdup("0x1110");
		d->memory = TRI_YES;
		break;
	}
	return true;
}

/* Facts say that the driver is gone, the stream shows it at work. */
static bool unbound(struct history *h, struct rng *r)
{
	struct platform_virtio *d = &h->platform->virtio[rng_below(r, h->platform->nvirtio)];
	uint16_t dev = names_find(h->names, d->parent);

	for (size_t k = 0; k < h->count; k++) {
		const struct step *s = &h->steps[k];
		bool ended = false;

		if ((s->ev.kind != EVENT_MAP && s->ev.kind != EVENT_ALLOC) || s->ev.dev != dev ||
		    s->made == MADE_FAILED)
			continue;
		for (size_t e = k + 1; e < h->count; e++)
			ended |= h->steps[e].map == s->map && (h->steps[e].ev.kind == EVENT_UNMAP ||
							       h->steps[e].ev.kind == EVENT_FREE);
		if (ended)
			continue;
		free(d->driver);
		d->driver = NULL;
		return true;
	}
	return false;
}

/* Take an element out of an array of facts; what it held goes with it. */
#define DROP(list, count, i)                                                                \
	do {                                                                                \
		memmove(&(list)[i], &(list)[(i) + 1], (--(count) - (i)) * sizeof(*(list))); \
		memset(&(list)[count], 0, sizeof(*(list)));                                 \
	} while (0)

/* The PCI function is listed as a virtio device, and nobody knows what it negotiated. */
static bool unlisted_virtio(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;
	size_t i = rng_below(r, p->nvirtio);

	free(p->virtio[i].name);
	free(p->virtio[i].features);
	free(p->virtio[i].bus);
	free(p->virtio[i].parent);
	free(p->virtio[i].driver);
	DROP(p->virtio, p->nvirtio, i);
	return true;
}

static bool unlisted_pci(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;
	size_t v = rng_below(r, p->nvirtio), i = 0;

	while (strcmp(p->pci[i].name, p->virtio[v].parent) != 0)
		i++;
	free(p->pci[i].name);
	free(p->pci[i].vendor);
	free(p->pci[i].device);
	free(p->pci[i].class);
	free(p->pci[i].driver);
	free(p->pci[i].iommu_group);
	free(p->pci[i].tsm);
	DROP(p->pci, p->npci, i);
	return true;
}

/* What it was bound to is not reported, or what it is. */
static bool unreported(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;
	struct platform_virtio *d = &p->virtio[rng_below(r, p->nvirtio)];

	if (rng_one_in(r, 2)) {
		d->device_id = 0;
		return true;
	}
	free(d->driver);
	d->driver = NULL;
	d->driver_unreported = true;
	return true;
}

static bool host_memory(struct history *h, struct rng *r)
{
	static const uint32_t types[] = { 16, 24, 26, 27 };
	struct platform_virtio *d = &h->platform->virtio[rng_below(r, h->platform->nvirtio)];

	d->device_id = types[rng_below(r, 4)];
	d->features[3] = '1'; /* blob resources, where it is a GPU */
	return true;
}

static bool pools_overlap(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;
	size_t i = rng_below(r, p->swiotlb.npools);
	struct platform_pool same = { .name = xstrdup("restricted-too"),
				      .range = p->swiotlb.pools[i].range };

	p->swiotlb.pools =
		xrealloc(p->swiotlb.pools, p->swiotlb.npools + 1, sizeof(*p->swiotlb.pools));
	p->swiotlb.pools[p->swiotlb.npools++] = same;
	return true;
}

/* The facts are of before, or of after the recording: of neither is it known what changed in it. */
static bool other_moments(struct history *h, struct rng *r)
{
	struct platform_moment *m = &h->platform->moment;
	uint64_t first, last;

	if (m->from_ns == PLATFORM_UNKNOWN || !h->count)
		return false;
	first = event_at(h, 0)->ts_ns;
	last = event_at(h, h->count - 1)->ts_ns;
	if (rng_one_in(r, 2))
		m->from_ns = first + 1000000001;
	else if (last > 1000000001)
		m->to_ns = last - 1000000001;
	else
		return false;
	return true;
}

const struct mutation mutations_facts[] = {
	{ "clear-bit-33", clear_access_platform },
	{ "no-features", no_features },
	{ "a-balloon", a_balloon },
	{ "no-list", no_list },
	{ "stranger", stranger },
	{ "unbound", unbound },
	{ "pool-inferred", pool_inferred },
	{ "pool-dynamic", pool_dynamic },
	{ "pool-size", pool_size },
	{ "silent-disk", silent_disk },
	{ "silent-function", silent_function },
	{ "undriven-function", undriven_function },
	{ "unlisted-virtio", unlisted_virtio },
	{ "unlisted-pci", unlisted_pci },
	{ "unreported", unreported },
	{ "host-memory", host_memory },
	{ "pools-overlap", pools_overlap },
	{ "other-pools", other_pools },
	{ "moved-ram", moved_ram },
	{ "unforced", unforced },
	{ "other-moments", other_moments },
	{ NULL, NULL },
};
