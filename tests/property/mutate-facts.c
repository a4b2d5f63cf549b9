/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutations of what is told about the machine and the recording. */
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

static bool no_setting(struct history *h, struct rng *r)
{
	(void)r;
	h->platform->realm.is_realm = TRI_UNKNOWN;
	return true;
}

static bool changes(struct history *h, struct rng *r)
{
	switch (rng_below(r, 3)) {
	case 0:
		h->platform->window.devices_changed = TRI_YES;
		break;
	case 1:
		h->platform->window.cpus_changed = TRI_YES;
		break;
	default:
		h->platform->window.tsm_changed = TRI_YES;
	}
	return true;
}

static bool log_line(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;

	(void)r;
	free(p->window.kernel_log);
	p->window.kernel_log = xcalloc(1, sizeof(*p->window.kernel_log));
	p->window.kernel_log[0] = xstrdup("0000:00:01.0: swiotlb addr 0x1+1 overflow");
	p->window.nkernel_log = 1;
	return true;
}

static bool no_log(struct history *h, struct rng *r)
{
	(void)r;
	h->platform->window.log_known = false;
	return true;
}

static bool lost_in_facts(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;

	free(p->trace.lost);
	p->trace.lost = xcalloc(1, sizeof(*p->trace.lost));
	p->trace.nlost = 1;
	p->trace.lost[0].cpu = rng_below(r, h->info.ncpus);
	p->trace.lost[0].overrun = 1 + rng_below(r, 5);
	return true;
}

static bool lost_in_stats(struct history *h, struct rng *r)
{
	h->info.cpus[rng_below(r, h->info.ncpus)].dropped = 1;
	return true;
}

/* Another reader took some of the events that the kernel says were read. */
static bool taken_by_another(struct history *h, struct rng *r)
{
	struct stream_cpu *cpu = &h->info.cpus[rng_below(r, h->info.ncpus)];

	cpu->has_read = true;
	cpu->read = cpu->events + 1 + rng_below(r, 3);
	return h->info.by_ccaio;
}

static bool disturbed(struct history *h, struct rng *r)
{
	static char file[] = "tracing_on";
	struct platform *p = h->platform;

	if (rng_below(r, 3) == 0) {
		p->trace.watched = TRI_NO;
		return true;
	}
	for (size_t i = 0; i < p->trace.nchanges; i++)
		free(p->trace.changes[i].file);
	free(p->trace.changes);
	p->trace.changes = xcalloc(1, sizeof(*p->trace.changes));
	p->trace.changes[0] =
		(struct platform_change){ .file = xstrdup(file), .from_ns = rng_below(r, 1000) };
	p->trace.nchanges = 1;
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

static bool no_counters(struct history *h, struct rng *r)
{
	h->platform->trace.lost_known = false;
	h->info.cpus[rng_below(r, h->info.ncpus)].has_stats = false;
	return true;
}

static bool unordered(struct history *h, struct rng *r)
{
	(void)r;
	h->info.unordered = 1;
	return true;
}

static bool not_from_boot(struct history *h, struct rng *r)
{
	(void)r;
	h->platform->trace.from_boot = TRI_NO;
	h->options.window_only = false;
	return true;
}

static bool not_armed(struct history *h, struct rng *r)
{
	struct stream_format *f = &h->info.formats[rng_below(r, h->info.nformats)];

	f->name[0] = 'x';
	return true;
}

static bool not_readable(struct history *h, struct rng *r)
{
	struct stream_format *f = &h->info.formats[rng_below(r, h->info.nformats)];

	f->decoded = false;
	f->missing = xstrdup("dma_addr");
	return true;
}

static bool canary_size(struct history *h, struct rng *r)
{
	(void)r;
	if (!h->platform->trace.ncanaries)
		return false;
	h->platform->trace.canaries[0].size++;
	return true;
}

/* The canary was there, but before the window opened or after it closed. */
static bool canary_outside(struct history *h, struct rng *r)
{
	uint64_t size;
	size_t first = h->count, last = 0;

	if (!h->platform->trace.ncanaries)
		return false;
	size = h->platform->trace.canaries[0].size;
	for (size_t k = 0; k < h->count; k++) {
		const struct event *e = &h->steps[k].ev;

		if (e->kind == EVENT_MAP && e->size == size && e->dma != EVENT_NO_ADDR) {
			if (first == h->count)
				first = k;
			last = k;
		}
	}
	if (first == h->count)
		return false;
	for (size_t k = 0; k < h->count; k++) {
		struct event *e = &h->steps[k].ev;
		struct step s = h->steps[k];

		if (e->kind != EVENT_MARK)
			continue;
		if (rng_one_in(r, 2) && e->aux == EVENT_MARK_STOP && k > last) {
			/* all stop markers before the first canary */
			history_remove(h, k);
			history_insert(h, first, &s);
			first++;
			last++;
		}
	}
	/* only where every CPU's stop marker moved is the canary outside for sure */
	for (size_t k = last; k < h->count; k++) {
		if (h->steps[k].ev.kind == EVENT_MARK)
			return false;
	}
	return true;
}

static bool shared_bit_in_ram(struct history *h, struct rng *r)
{
	if (h->platform->realm.is_realm != TRI_YES || h->platform->realm.kind)
		return false;
	h->platform->realm.ipa_bits = 0;
	h->platform->realm.shared_bit = 1ull << (12 + rng_below(r, 20));
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

/* What it was bound to is not told, or what it is. */
static bool untold(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;
	struct platform_virtio *d = &p->virtio[rng_below(r, p->nvirtio)];

	if (rng_one_in(r, 2)) {
		d->device_id = 0;
		return true;
	}
	free(d->driver);
	d->driver = NULL;
	d->driver_untold = true;
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

/* The bit can only be inferred above RAM that is known. */
static bool no_ram(struct history *h, struct rng *r)
{
	bool carried = false;

	(void)r;
	for (size_t k = 0; k < h->count; k++)
		carried |= h->steps[k].ev.dma != EVENT_NO_ADDR && (h->steps[k].ev.dma & h->alias) &&
			   h->steps[k].ev.kind == EVENT_MAP;
	if (h->sharing != SHARING_INFERRED || !carried)
		return false;
	h->platform->nram = 0;
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

/* The kernel counted more than the recording holds, or on a CPU that it does not hold. */
static bool buffer_missing(struct history *h, struct rng *r)
{
	struct stream_cpu *c = &h->info.cpus[rng_below(r, h->info.ncpus)];
	struct platform *p = h->platform;

	if (rng_one_in(r, 2)) {
		c->written = c->events + 1;
		return !h->info.by_ccaio || !c->events;
	}
	free(p->trace.lost);
	p->trace.lost = xcalloc(1, sizeof(*p->trace.lost));
	p->trace.nlost = 1;
	p->trace.lost[0].cpu = h->info.ncpus;
	return true;
}

/* Facts of ccaio's own run beside what another tool recorded. */
static bool other_recorder(struct history *h, struct rng *r)
{
	if (h->info.by_ccaio)
		return false;
	h->platform->trace.nonce = 1 + rng_below(r, 1000);
	return true;
}

static bool kind_nobody_knows(struct history *h, struct rng *r)
{
	(void)r;
	free(h->platform->realm.kind);
	h->platform->realm.kind = xstrdup("tdx9");
	return true;
}

/* A rehearsal's facts name a confidential guest. */
static bool kind_contradicts(struct history *h, struct rng *r)
{
	static const char *const kinds[] = { "tdx", "arm-cca", "sev-snp", "model" };

	if (h->platform->realm.is_realm != TRI_NO)
		return false;
	h->platform->realm.kind = xstrdup(kinds[rng_below(r, 4)]);
	return true;
}

static bool sign_missing(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;
	size_t i;

	if (!p->realm.nsigns)
		return false;
	i = rng_below(r, p->realm.nsigns);
	free(p->realm.signs[i]);
	p->realm.signs[i] = p->realm.signs[--p->realm.nsigns];
	return true;
}

static bool two_kinds(struct history *h, struct rng *r)
{
	static const char *const signs[] = { "tdx-cpuinfo", "tdx-device", "hyperv-log",
					     "hyperv-cpuid" };
	struct platform *p = h->platform;
	size_t i = p->realm.kind && strcmp(p->realm.kind, "tdx") == 0 ? 2 : 0;

	(void)r;
	p->realm.signs = xrealloc(p->realm.signs, p->realm.nsigns + 2, sizeof(*p->realm.signs));
	p->realm.signs[p->realm.nsigns++] = xstrdup(signs[i]);
	p->realm.signs[p->realm.nsigns++] = xstrdup(signs[i + 1]);
	return true;
}

/* The device is given the encrypted address of its bounce slot. */
static bool c_bit_published(struct history *h, struct rng *r)
{
	size_t i = find_step(h, r, is_untrusted_map);
	uint64_t dma;

	if (i == NOWHERE || behind_iommu(h, i) || !h->platform->realm.kind ||
	    strncmp(h->platform->realm.kind, "sev", 3) != 0)
		return false;
	dma = event_at(h, i)->dma;
	move_mapping(h, h->steps[i].map, dma, dma | C_BIT);
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
	{ "no-setting", no_setting },
	{ "changes", changes },
	{ "log-line", log_line },
	{ "no-log", no_log },
	{ "lost-in-facts", lost_in_facts },
	{ "lost-in-stats", lost_in_stats },
	{ "taken-by-another", taken_by_another },
	{ "disturbed", disturbed },
	{ "silent-disk", silent_disk },
	{ "silent-function", silent_function },
	{ "undriven-function", undriven_function },
	{ "no-counters", no_counters },
	{ "unordered", unordered },
	{ "not-from-boot", not_from_boot },
	{ "not-armed", not_armed },
	{ "not-readable", not_readable },
	{ "canary-size", canary_size },
	{ "canary-outside", canary_outside },
	{ "shared-bit-in-ram", shared_bit_in_ram },
	{ "unlisted-virtio", unlisted_virtio },
	{ "unlisted-pci", unlisted_pci },
	{ "untold", untold },
	{ "host-memory", host_memory },
	{ "no-ram", no_ram },
	{ "pools-overlap", pools_overlap },
	{ "buffer-missing", buffer_missing },
	{ "other-recorder", other_recorder },
	{ "other-kernel", other_kernel },
	{ "other-run", other_run },
	{ "other-cpus", other_cpus },
	{ "other-pools", other_pools },
	{ "moved-ram", moved_ram },
	{ "unforced", unforced },
	{ "half-told", half_told },
	{ "kind-nobody-knows", kind_nobody_knows },
	{ "kind-contradicts", kind_contradicts },
	{ "sign-missing", sign_missing },
	{ "two-kinds", two_kinds },
	{ "c-bit-published", c_bit_published },
	{ "left-out", left_out },
	{ "masked", masked },
};
const size_t mutations_facts_count = sizeof(mutations_facts) / sizeof(mutations_facts[0]);
