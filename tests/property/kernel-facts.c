/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine that the simulated kernel runs on, and what its facts say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/kernel-events.h"
#include "tests/property/kernel.h"

static uint16_t intern(struct history *h, const char *name)
{
	return names_intern(h->names, name, strlen(name));
}

static void add_dev(struct sim *s, bool virtio, bool iommu, bool tdisp, int pool)
{
	struct sim_dev *d = &s->devs[s->ndevs];

	snprintf(d->name, sizeof(d->name), "0000:00:%02x.0", (unsigned char)(s->ndevs + 1));
	d->id = intern(s->h, d->name);
	d->virtio = virtio;
	d->iommu = iommu;
	d->tdisp = tdisp;
	d->pool = pool;
	d->iova = 0xfffff000;
	d->virtio_id = virtio ? (s->ndevs % 2 ? 2 : 1) : 0;
	s->ndevs++;
}

void sim_machine(struct sim *s)
{
	struct history *h = s->h;
	int virtio = 1 + rng_below(&s->r, 3);

	h->names = names_new();
	h->sharing = rng_below(&s->r, SHARINGS);
	h->alias = h->sharing == SHARING_ALIAS || h->sharing == SHARING_INFERRED ? ALIAS_BIT : 0;
	s->ncpus = 1 + rng_below(&s->r, MAX_CPUS);
	s->by_ccaio = rng_one_in(&s->r, 2);
	s->from_boot = !rng_one_in(&s->r, 3);
	s->snapshots = s->by_ccaio && !rng_one_in(&s->r, 4);
	s->run = s->snapshots && !s->from_boot && !rng_one_in(&s->r, 3);
	s->probes = h->sharing == SHARING_PLAIN || (h->alias && rng_one_in(&s->r, 2));
	s->listed = !rng_one_in(&s->r, s->by_ccaio ? 8 : 2);
	s->npools = 1 + rng_one_in(&s->r, 4);
	for (int i = 0; i < s->npools; i++) {
		s->pools[i].base = i ? POOL2_BASE : POOL_BASE;
		s->pools[i].n = 24 + 2 * rng_below(&s->r, (MAX_SLOTS - 24) / 2 + 1);
	}
	for (int i = 0; i < virtio; i++)
		add_dev(s, true, false, false, s->npools > 1 && i == 1);
	if (rng_one_in(&s->r, 4))
		add_dev(s, false, false, false, 0);
	if (rng_one_in(&s->r, 10))
		add_dev(s, false, true, false, 0);
	else if (h->sharing != SHARING_REHEARSAL && rng_one_in(&s->r, 8))
		add_dev(s, false, false, true, 0);
	s->canary_dev = rng_below(&s->r, virtio);
	s->canary_size = 9001 + rng_below(&s->r, 2000); /* nothing else is so long */
	s->ts = 1000000;
}

/* ---- facts ---- */

static void memory_facts(const struct sim *s, struct platform *p)
{
	p->nram = 1;
	p->ram = xcalloc(1, sizeof(*p->ram));
	p->ram[0] = (struct range){ RAM_BASE, RAM_BASE + RAM_SIZE - 1 };
	p->swiotlb.npools = s->npools;
	p->swiotlb.pools = xcalloc(s->npools, sizeof(*p->swiotlb.pools));
	for (int i = 0; i < s->npools; i++) {
		p->swiotlb.pools[i].name = xstrdup(i ? "restricted" : "default");
		p->swiotlb.pools[i].range =
			(struct range){ s->pools[i].base,
					s->pools[i].base + s->pools[i].n * SLOT - 1 };
	}
	p->swiotlb.slots = s->pools[0].n;
	p->swiotlb.dynamic = TRI_NO;
	p->swiotlb.force = s->h->sharing == SHARING_REHEARSAL ? TRI_YES : TRI_UNKNOWN;
	p->swiotlb.used_hiwater = s->h->count % 3 ? s->hiwater : PLATFORM_UNKNOWN;
}

static void device_facts(const struct sim *s, struct platform *p)
{
	int v = 0;

	p->virtio = xcalloc(s->ndevs, sizeof(*p->virtio));
	p->pci = xcalloc(s->ndevs, sizeof(*p->pci));
	p->virtio_listed = p->pci_listed = true;
	for (int i = 0; i < s->ndevs; i++) {
		const struct sim_dev *d = &s->devs[i];
		struct platform_pci *pci = &p->pci[p->npci++];

		pci->name = xstrdup(d->name);
		pci->vendor = xstrdup(d->virtio ? "0x1af4" : "0x8086");
		pci->device = xstrdup("0x1041");
		pci->class = xstrdup("0x020000");
		pci->driver = xstrdup(d->virtio ? "virtio-pci" : "ahci");
		pci->iommu_group = d->iommu ? xstrdup("1") : NULL;
		pci->tsm = d->tdisp ? xstrdup("accepted") : NULL;
		pci->bus_master = TRI_YES;
		if (!d->virtio)
			continue;
		p->virtio[v] = (struct platform_virtio){
			.name = xasprintf("virtio%d", v),
			.device_id = d->virtio_id,
			.status = 0x0f,
			.bus = xstrdup("pci"),
			.parent = xstrdup(d->name),
			.driver = xstrdup(d->virtio_id == 1 ? "virtio_net" : "virtio_blk"),
			.activity_before = 10,
			.activity_after = d->reported ? 20 : 10,
		};
		p->virtio[v].features = xcalloc(65, 1);
		memset(p->virtio[v].features, '0', 64);
		p->virtio[v].features[VIRTIO_F_VERSION_1] = '1';
		p->virtio[v].features[VIRTIO_F_ACCESS_PLATFORM] = '1';
		v++;
	}
	p->nvirtio = v;
}

static void add_format(struct stream_info *info, const char *system, const char *name)
{
	info->formats = xrealloc(info->formats, info->nformats + 1, sizeof(*info->formats));
	info->formats[info->nformats++] = (struct stream_format){
		.system = xstrdup(system), .name = xstrdup(name), .directed = true, .decoded = true
	};
}

/* Of right before and right after a recording that is not of ccaio. */
static void moments(const struct sim *s, struct platform *p)
{
	const struct history *h = s->h;

	if (s->by_ccaio || !h->count || h->count % 3 == 0)
		return;
	p->moment.from_ns = h->steps[0].ev.ts_ns;
	p->moment.to_ns = h->steps[h->count - 1].ev.ts_ns;
}

static void source_facts(const struct sim *s)
{
	size_t count;
	const struct kernel_event *events = kernel_events(&count);
	struct stream_info *info = &s->h->info;
	bool old = s->h->count % 2;

	info->recorder = xstrdup(s->by_ccaio ? "ccaio 0.1" : "trace-cmd 3.3.1");
	info->by_ccaio = s->by_ccaio;
	if (s->h->count % 3)
		info->clock = xstrdup(s->h->count % 3 == 1 ? "mono" : "local");
	info->ncpus = s->ncpus;
	info->cpus = xcalloc(s->ncpus, sizeof(*info->cpus));
	for (int c = 0; c < s->ncpus; c++)
		info->cpus[c] = (struct stream_cpu){ .cpu = c, .has_stats = true };
	for (size_t i = 0; i < count; i++) {
		const struct kernel_event *e = &events[i];
		/* old kernels have the second name of what was renamed */
		bool renamed = old && e->names[1] && strncmp(e->names[1], "dma:", 4) == 0;

		if (e->had != HAD_PROBED && (old || e->had != HAD_OLD_NAMES))
			add_format(info, e->system, kernel_event_short(e->names[renamed]));
	}
}

/* The facts list what was on: all of it, and the probes where there are any. */
static void list_events(const struct sim *s, struct platform *p)
{
	const struct stream_info *info = &s->h->info;

	p->trace.events_known = s->listed;
	if (!s->listed)
		return;
	p->trace.events = xcalloc(info->nformats + 2, sizeof(*p->trace.events));
	for (size_t i = 0; i < info->nformats; i++)
		p->trace.events[p->trace.nevents++] =
			xasprintf("%s:%s", info->formats[i].system, info->formats[i].name);
	if (!s->probes)
		return;
	p->trace.events[p->trace.nevents++] = xstrdup("ccaio_7:decrypt");
	p->trace.events[p->trace.nevents++] = xstrdup("ccaio_7:encrypt");
}

static bool has_accepted(const struct history *h)
{
	for (size_t i = 0; i < h->platform->npci; i++) {
		if (h->platform->pci[i].tsm)
			return true;
	}
	for (size_t i = 0; i < h->count; i++) {
		if (h->steps[i].ev.kind == EVENT_TSM)
			return true;
	}
	return false;
}

/* A Realm with plain addresses does nothing that another kind of guest does not. */
static void another_kind(struct sim *s)
{
	static const struct {
		const char *kind, *signs[2];
	} guests[] = {
		{ "tdx", { "tdx-log", "tdx-device" } },
		{ "sev", { "sev-log", "sev-msr" } },
		{ "sev-snp", { "sev-snp-msr", "sev-snp-device" } },
		{ "pkvm", { "pkvm-pool", "pkvm-key" } },
	};
	struct platform *p = s->h->platform;
	size_t i = rng_below(&s->r, sizeof(guests) / sizeof(guests[0]));

	if (has_accepted(s->h) || rng_one_in(&s->r, 2))
		return;
	p->realm.kind = xstrdup(guests[i].kind);
	p->realm.signs = xcalloc(2, sizeof(*p->realm.signs));
	for (; p->realm.nsigns < 2; p->realm.nsigns++)
		p->realm.signs[p->realm.nsigns] = xstrdup(guests[i].signs[p->realm.nsigns]);
	if (strncmp(guests[i].kind, "sev", 3) != 0)
		return;
	if (rng_one_in(&s->r, 2))
		p->realm.protected_bit = C_BIT;
	for (size_t k = 0; k < s->h->count; k++) {
		if (s->h->steps[k].ev.kind == EVENT_BOUNCE)
			s->h->steps[k].ev.orig |= C_BIT;
	}
}

void sim_facts(struct sim *s)
{
	struct history *h = s->h;
	struct platform *p = h->platform = platform_new();

	p->realm.is_realm = h->sharing == SHARING_REHEARSAL ? TRI_NO : TRI_YES;
	if (h->sharing == SHARING_ALIAS) {
		if (h->count % 2)
			p->realm.ipa_bits = 33;
		else
			p->realm.shared_bit = ALIAS_BIT;
	}
	memory_facts(s, p);
	device_facts(s, p);
	source_facts(s);
	list_events(s, p);
	if (h->sharing == SHARING_PLAIN || h->sharing == SHARING_PLAIN_SILENT)
		another_kind(s);
	p->window.devices_changed = p->window.cpus_changed = p->window.tsm_changed = TRI_NO;
	p->window.log_known = true;
	moments(s, p);
	p->trace.from_boot = s->from_boot ? TRI_YES : TRI_NO;
	p->trace.lost_known = true;
	p->trace.nonce = s->by_ccaio ? NONCE : 0;
	h->options.window_only = !s->from_boot;
	if (s->snapshots)
		sim_snapshot_facts(s);
	if (s->by_ccaio) {
		bool blk = s->devs[s->canary_dev].virtio_id == 2;

		p->trace.ncanaries = 1;
		p->trace.canaries = xcalloc(1, sizeof(*p->trace.canaries));
		p->trace.canaries[0] = (struct platform_canary){
			.device = xstrdup(s->devs[s->canary_dev].name),
			.kind = xstrdup(blk ? "blk-read" : "net-datagram"),
			.size = s->canary_size,
		};
	}
	h->ram_free = FREE_BASE;
	h->ram_end = RAM_BASE + RAM_SIZE - 1;
	/* the only evidence for an inferred bit is a bounced pair */
	if (h->sharing == SHARING_INFERRED) {
		bool pair = false;

		for (size_t i = 0; i < h->count; i++)
			for (size_t k = 0; k < i; k++)
				pair |= h->steps[i].ev.kind == EVENT_MAP &&
					h->steps[i].made == MADE_BOUNCED &&
					h->steps[k].ev.kind == EVENT_BOUNCE &&
					h->steps[k].map == h->steps[i].map;
		if (!pair) {
			h->provable = false;
			h->why = "no pair shows the shared bit";
		}
	}
	for (int c = 0; c < s->ncpus && !s->by_ccaio; c++) {
		bool reported = false;

		for (size_t i = 0; i < h->count; i++)
			reported |= h->steps[i].ev.cpu == c;
		if (!reported) {
			h->provable = false;
			h->why = "a CPU that another tool's recording has nothing of";
		}
	}
	if (!s->ndevs)
		return;
	for (size_t i = 0; i < h->count; i++) {
		unsigned int kind = h->steps[i].ev.kind;

		if (kind == EVENT_MAP || kind == EVENT_ALLOC || kind == EVENT_UNMAP ||
		    kind == EVENT_SYNC_CPU || kind == EVENT_SYNC_DEVICE || kind == EVENT_FREE)
			return;
	}
	h->provable = false;
	h->why = "nothing to judge";
}
