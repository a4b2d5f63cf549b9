/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a machine's kernel would tell about it: struct platform and struct stream_info. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/bounce/selftest/machine-state.h"
#include "lib/evidence/platform.h"

#ifndef VERSION
#define VERSION "?"
#endif

static const char *const drivers[MACHINE_DEVICES] = {
	"virtio_net", "virtio_blk", "virtio_console", "virtio_rng", "virtio_balloon", "virtiofs",
};

static char *feature_string(uint64_t features)
{
	char *s = xcalloc(1, 65);

	for (int i = 0; i < 64; i++)
		s[i] = features >> i & 1 ? '1' : '0';
	return s;
}

static void add_virtio(struct platform *p, const char *name, uint32_t id, uint64_t features,
		       uint32_t status, const char *bus, const char *parent, const char *driver)
{
	p->virtio = xrealloc(p->virtio, p->nvirtio + 1, sizeof(*p->virtio));
	p->virtio[p->nvirtio++] = (struct platform_virtio){
		.name = xstrdup(name),
		.device_id = id,
		.features = feature_string(features),
		.status = status,
		.bus = xstrdup(bus),
		.parent = xstrdup(parent),
		.driver = xstrdup(driver),
		.activity_before = PLATFORM_UNKNOWN,
		.activity_after = PLATFORM_UNKNOWN,
	};
}

static void add_pci(struct platform *p, const char *name, uint32_t virtio_id)
{
	p->pci = xrealloc(p->pci, p->npci + 1, sizeof(*p->pci));
	p->pci[p->npci++] = (struct platform_pci){
		.name = xstrdup(name),
		.vendor = xstrdup("0x1af4"),
		.device = xasprintf("0x%04x", 0x1040 + virtio_id),
		.class = xstrdup("0xff0000"),
		.driver = xstrdup("virtio-pci"),
		.bus_master = TRI_YES,
	};
}

static void add_pool(struct platform *p, const struct swiotlb_pool *pool)
{
	p->swiotlb.pools =
		xrealloc(p->swiotlb.pools, p->swiotlb.npools + 1, sizeof(*p->swiotlb.pools));
	p->swiotlb.pools[p->swiotlb.npools++] = (struct platform_pool){
		.name = xstrdup(swiotlb_pool_name(pool)),
		.range = { swiotlb_pool_start(pool), swiotlb_pool_end(pool) },
	};
}

static void describe_trace(struct platform *p)
{
	static const char *const events[] = {
		"swiotlb:swiotlb_bounced",
		"dma:dma_map_phys",
		"dma:dma_unmap_phys",
		"dma:dma_map_sg",
		"dma:dma_unmap_sg",
		"dma:dma_alloc",
		"dma:dma_free",
		"dma:dma_sync_single_for_cpu",
		"dma:dma_alloc_pages",
		"dma:dma_free_pages",
		"dma:dma_alloc_sgt",
		"dma:dma_free_sgt",
		"dma:dma_sync_single_for_device",
		"dma:dma_sync_sg_for_cpu",
		"dma:dma_sync_sg_for_device",
		"ccaio:decrypt",
		"ccaio:encrypt",
	};

	p->trace.nevents = sizeof(events) / sizeof(events[0]);
	p->trace.events = xcalloc(p->trace.nevents, sizeof(*p->trace.events));
	for (size_t i = 0; i < p->trace.nevents; i++)
		p->trace.events[i] = xstrdup(events[i]);
	p->trace.events_known = true;
	p->trace.lost_known = true;
	p->trace.from_boot = TRI_YES;
}

struct platform *machine_platform(struct machine *m)
{
	const struct machine_transport_kind *kind = machine_kind(m);
	uint32_t id = m->host.ops->device_id;
	struct platform *p = platform_new();

	p->kernel.release = xstrdup("bounce-path-" VERSION);
	p->kernel.machine = xstrdup("model");
	p->realm.is_realm = TRI_YES;
	p->realm.kind = xstrdup("model");
	p->realm.shared_bit = m->config.alias ? MACHINE_SHARED_BIT : 0;
	p->realm.ipa_bits = m->config.alias ? MACHINE_IPA_BITS : 0;
	p->ram = xcalloc(1, sizeof(*p->ram));
	p->ram[0] = (struct range){ MACHINE_BASE, MACHINE_BASE + MACHINE_RAM - 1 };
	p->nram = 1;
	for (size_t i = 0; i < m->npools; i++)
		add_pool(p, m->pools[i]);
	p->swiotlb.slots = MACHINE_POOL_SIZE / SWIOTLB_SLOT;
	p->swiotlb.force = m->config.alias ? TRI_NO : TRI_YES;
	p->swiotlb.dynamic = TRI_NO;
	p->swiotlb.used_before = 0;
	p->swiotlb.used_hiwater = m->used_hiwater;
	p->virtio_listed = p->pci_listed = true;
	add_virtio(p, "virtio0", id, m->host.ran_features, m->host.ran_status, kind->ops->bus,
		   kind->dma_name, drivers[m->config.device]);
	if (m->config.transport == MACHINE_PCI)
		add_pci(p, kind->dma_name, id);
	add_virtio(p, "virtio1", 4, F_VERSION_1 | F_ACCESS_PLATFORM, 0x0f, "pci", MACHINE_BYSTANDER,
		   "virtio_rng");
	add_pci(p, MACHINE_BYSTANDER, 4);
	p->window.devices_changed = p->window.cpus_changed = p->window.tsm_changed = TRI_NO;
	p->window.log_known = true;
	describe_trace(p);
	return p;
}

void machine_stream_info(const struct machine *m, struct stream_info *info, struct stream_cpu *cpus)
{
	memset(info, 0, sizeof(*info));
	memset(cpus, 0, 4 * sizeof(*cpus));
	info->is_model = true;
	info->recorder = (char *)"the bounce path";
	info->cpus = cpus;
	info->unordered = bounce_trace_disorder(m->trace);
	for (size_t i = 0; i < m->nevents; i++) {
		const struct event *e = &m->events[i];
		struct stream_cpu *c = &cpus[e->cpu & 3];

		if (!c->events++)
			c->first_ns = e->ts_ns;
		c->cpu = e->cpu & 3;
		c->last_ns = e->ts_ns;
		c->from_start = true;
		if (e->kind == EVENT_LOST)
			c->lost += e->size;
		if (info->ncpus <= c->cpu)
			info->ncpus = c->cpu + 1;
	}
}
