/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clean scene of the self-check, and what its changes share. */
#include "lib/judge/selfcheck/scene.h"

#include <string.h>

#include "lib/evidence/kernel-events.h"

static struct event transfer(unsigned int kind, uint16_t dev, uint64_t orig, uint64_t dma,
			     uint64_t size, unsigned int dir)
{
	return (struct event){
		.kind = kind,
		.dev = dev,
		.orig = orig,
		.dma = dma,
		.size = size,
		.dir = dir,
	};
}

struct event scene_mark(unsigned int which)
{
	return (struct event){ .kind = EVENT_MARK, .aux = which, .link = NONCE };
}

static void put(struct scene *s, struct event ev)
{
	s->ev[s->n++] = ev;
}

/* A buffer goes out, a canary goes out, a receive buffer comes in and stays. */
static void clean_events(struct scene *s, uint16_t dev)
{
	const unsigned int out = EVENT_TO_DEVICE, in = EVENT_FROM_DEVICE;
	const uint64_t dma = SLOT | ALIAS;
	struct event ring = transfer(EVENT_ALLOC, dev, EVENT_NO_ADDR, RING | ALIAS, RING_SIZE,
				     EVENT_BIDIRECTIONAL);

	ring.link = RING_VIRT;
	put(s, scene_mark(EVENT_MARK_START));
	put(s, ring);
	put(s, transfer(EVENT_BOUNCE, dev, BUFFER, EVENT_NO_ADDR, 163, EVENT_DIR_NONE));
	put(s, transfer(EVENT_MAP, dev, BUFFER, dma, 163, out));
	put(s, transfer(EVENT_UNMAP, dev, EVENT_NO_ADDR, dma, 163, out));
	put(s, transfer(EVENT_BOUNCE, dev, BUFFER, EVENT_NO_ADDR, CANARY, EVENT_DIR_NONE));
	put(s, transfer(EVENT_MAP, dev, BUFFER, dma, CANARY, out));
	put(s, transfer(EVENT_UNMAP, dev, EVENT_NO_ADDR, dma, CANARY, out));
	put(s, transfer(EVENT_BOUNCE, dev, BUFFER, EVENT_NO_ADDR, 4096, EVENT_DIR_NONE));
	put(s, transfer(EVENT_MAP, dev, BUFFER, dma, 4096, in));
	put(s, transfer(EVENT_SYNC_CPU, dev, EVENT_NO_ADDR, dma, 266, in));
	put(s, scene_mark(EVENT_MARK_STOP));
}

static void clean_facts(struct scene *s, char *device)
{
	struct platform *p = &s->facts;

	s->ram = (struct range){ RAM_START, RAM_END };
	s->pool = (struct platform_pool){ .name = (char *)"default",
					  .range = { POOL_START, POOL_END } };
	memset(s->features, '0', 64);
	s->features[VIRTIO_F_VERSION_1] = s->features[VIRTIO_F_ACCESS_PLATFORM] = '1';
	s->virtio = (struct platform_virtio){
		.name = (char *)"virtio0",
		.device_id = 1,
		.features = s->features,
		.status = 0x0f,
		.bus = (char *)"pci",
		.parent = device,
		.driver = (char *)"virtio_net",
		.activity_before = 1,
		.activity_after = 9,
	};
	s->pci = (struct platform_pci){ .name = device, .driver = (char *)"virtio-pci" };
	s->canary = (struct platform_canary){ .device = device,
					      .kind = (char *)"net-datagram",
					      .size = CANARY };
	p->realm.is_realm = TRI_YES;
	p->realm.ipa_bits = 33;
	p->ram = &s->ram;
	p->nram = 1;
	p->swiotlb.pools = &s->pool;
	p->swiotlb.npools = 1;
	p->swiotlb.slots = (POOL_END + 1 - POOL_START) / 2048;
	p->swiotlb.dynamic = TRI_NO;
	p->swiotlb.used_before = p->swiotlb.used_after = p->swiotlb.used_hiwater = PLATFORM_UNKNOWN;
	p->virtio = &s->virtio;
	p->nvirtio = 1;
	p->pci = &s->pci;
	p->npci = 1;
	p->virtio_listed = p->pci_listed = true;
	p->window.devices_changed = p->window.cpus_changed = p->window.tsm_changed = TRI_NO;
	p->window.log_known = true;
	p->moment.from_ns = p->moment.to_ns = PLATFORM_UNKNOWN;
	p->trace.lost_known = true;
	p->trace.from_boot = TRI_YES;
	p->trace.nonce = NONCE;
	p->trace.canaries = &s->canary;
	p->trace.ncanaries = 1;
}

static void clean_info(struct scene *s)
{
	size_t count;
	const struct kernel_event *events = kernel_events(&count);

	for (size_t i = 0; i < count && s->info.nformats < MAX_FORMATS; i++) {
		if (events[i].had != HAD_ALL)
			continue;
		s->listed[s->facts.trace.nevents++] = (char *)events[i].names[0];
		s->formats[s->info.nformats++] = (struct stream_format){
			.system = (char *)events[i].system,
			.name = (char *)kernel_event_short(events[i].names[0]),
			.decoded = true
		};
	}
	s->listed[s->facts.trace.nevents++] = (char *)"ccaio:decrypt";
	s->listed[s->facts.trace.nevents++] = (char *)"ccaio:encrypt";
	s->facts.trace.events = s->listed;
	s->facts.trace.events_known = true;
	s->info.by_ccaio = true;
	s->info.cpus = &s->cpu;
	s->info.ncpus = 1;
	s->cpu.has_stats = true;
	s->info.formats = s->formats;
}

void scene_clean(struct scene *s, uint16_t dev, char *device)
{
	clean_events(s, dev);
	clean_facts(s, device);
	clean_info(s);
}

void scene_cut(struct scene *s, size_t at)
{
	memmove(&s->ev[at], &s->ev[at + 1], (s->n - at - 1) * sizeof(s->ev[0]));
	s->n--;
}

void scene_insert(struct scene *s, size_t at, struct event ev)
{
	memmove(&s->ev[at + 1], &s->ev[at], (s->n - at) * sizeof(s->ev[0]));
	s->ev[at] = ev;
	s->n++;
}
