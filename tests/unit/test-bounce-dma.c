/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The DMA API: when it bounces, what it publishes, and the events that tell it. */
#include <errno.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/bounce/memory/dma.h"
#include "lib/bounce/memory/fault.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/memory/task.h"
#include "lib/bounce/memory/trace.h"
#include "tests/unit/test.h"

#define BASE 0x80000000u
#define POOL (BASE + (1u << 20))
#define BIT ((uint64_t)1 << 32)

static struct event seen[64];
static size_t nseen;

static void collect(void *ctx, const struct event *e)
{
	(void)ctx;
	if (nseen < 64)
		seen[nseen++] = *e;
}

struct fixture {
	struct names *names;
	struct realm *realm;
	struct swiotlb_pool *pool;
	struct bounce_trace *trace;
	struct fault_plan fault;
	struct dma_device dev;
};

static void set_up(struct fixture *f, uint64_t shared_bit)
{
	memset(f, 0, sizeof(*f));
	nseen = 0;
	f->names = names_new();
	f->realm = realm_new(BASE, 4u << 20, shared_bit, 1);
	f->pool = swiotlb_pool_new(f->realm, "default", POOL, 1u << 20, 1, &f->fault);
	f->trace = bounce_trace_new(f->names, 1, collect, NULL, &f->fault);
	f->dev = (struct dma_device){ .realm = f->realm,
				      .trace = f->trace,
				      .fault = &f->fault,
				      .name = bounce_trace_name(f->trace, "0000:00:01.0"),
				      .mask = UINT64_MAX,
				      .pools = &f->pool,
				      .npools = 1 };
}

static void tear_down(struct fixture *f)
{
	bounce_trace_free(f->trace);
	swiotlb_pool_free(f->pool);
	realm_free(f->realm);
	names_free(f->names);
}

static uint8_t *at(struct fixture *f, uint64_t dma)
{
	return realm_ptr(f->realm, dma & ~BIT, 1);
}

static void bounced(void)
{
	struct fixture f;
	uint64_t buf, dma;

	set_up(&f, BIT);
	task_current()->cpu = 3;
	task_current()->pid = 77;
	buf = realm_alloc(f.realm, 200, 64);
	memset(realm_ptr(f.realm, buf, 200), 'q', 200);
	dma = dma_map(&f.dev, buf + 2, 100, EVENT_TO_DEVICE, 0);
	check(dma == (POOL | BIT) && *at(&f, dma + 99) == 'q');
	check(nseen == 2 && seen[0].kind == EVENT_BOUNCE && seen[1].kind == EVENT_MAP);
	check(seen[0].orig == buf + 2 && seen[0].size == 100 && seen[0].dma == EVENT_NO_ADDR);
	check(seen[0].flags & EVENT_F_NO_DIR);
	check(seen[1].orig == buf + 2 && seen[1].dma == dma && seen[1].dir == EVENT_TO_DEVICE);
	check(seen[0].cpu == 3 && seen[1].cpu == 3 && seen[1].pid == 77);
	check(seen[0].ts_ns < seen[1].ts_ns && seen[0].dev == seen[1].dev && seen[0].dev);
	dma_unmap(&f.dev, dma, 100, EVENT_TO_DEVICE, 0);
	check(seen[2].kind == EVENT_UNMAP && seen[2].dma == dma && seen[2].size == 100);

	dma = dma_map(&f.dev, buf, 100, EVENT_FROM_DEVICE, 0);
	check(*at(&f, dma) == 'q'); /* the stale bytes do leave */
	*at(&f, dma + 1) = 'r';
	dma_sync_for_cpu(&f.dev, dma + 1, 1, EVENT_FROM_DEVICE);
	check(*at(&f, buf + 1) == 'r' && seen[5].kind == EVENT_SYNC_CPU && seen[5].size == 1);
	*at(&f, dma + 2) = 's';
	dma_unmap(&f.dev, dma, 100, EVENT_FROM_DEVICE, EVENT_ATTR_SKIP_CPU_SYNC);
	check(*at(&f, buf + 2) == 'q' && seen[6].attrs == EVENT_ATTR_SKIP_CPU_SYNC);
	dma = dma_map(&f.dev, buf, 100, EVENT_FROM_DEVICE, 0);
	*at(&f, dma + 2) = 's';
	dma_unmap(&f.dev, dma, 100, EVENT_FROM_DEVICE, 0);
	check(*at(&f, buf + 2) == 's');
	tear_down(&f);
}

static void direct(void)
{
	struct fixture f;
	struct dma_coherent mem;
	uint64_t dma;

	set_up(&f, 0);
	check(dma_alloc(&f.dev, 5000, &mem) == 0);
	check(nseen == 2 && seen[0].kind == EVENT_DECRYPT && seen[1].kind == EVENT_ALLOC);
	check(seen[0].orig == mem.ipa && seen[0].size == 8192 && seen[1].size == 5000);
	check(seen[1].dma == mem.ipa && seen[1].link == (0xffff000000000000u | mem.ipa));
	/* memory that is shared already needs no bounce */
	dma = dma_map(&f.dev, mem.ipa + 64, 32, EVENT_TO_DEVICE, EVENT_ATTR_CC_SHARED);
	check(dma == mem.ipa + 64 && nseen == 3 && seen[2].kind == EVENT_MAP);
	check(seen[2].attrs == EVENT_ATTR_CC_SHARED && seen[2].orig == seen[2].dma);
	dma_unmap(&f.dev, dma, 32, EVENT_TO_DEVICE, EVENT_ATTR_CC_SHARED);
	/* … unless the device cannot reach it, or needs alignment */
	f.dev.buffer_align = 128;
	dma = dma_map(&f.dev, mem.ipa + 64, 32, EVENT_TO_DEVICE, 0);
	check(swiotlb_pool_contains(f.pool, dma) && seen[4].kind == EVENT_BOUNCE);
	dma_unmap(&f.dev, dma, 32, EVENT_TO_DEVICE, 0);
	f.dev.buffer_align = 0;
	f.dev.mask = mem.ipa - 1;
	dma = dma_map(&f.dev, mem.ipa + 64, 32, EVENT_TO_DEVICE, 0);
	check(mem.ipa > POOL ? swiotlb_pool_contains(f.pool, dma) : dma == EVENT_NO_ADDR);
	dma_unmap(&f.dev, dma, 32, EVENT_TO_DEVICE, 0);
	nseen = 0;
	dma_free(&f.dev, &mem);
	check(nseen == 2 && seen[0].kind == EVENT_FREE && seen[1].kind == EVENT_ENCRYPT);
	check(realm_all(f.realm, mem.ipa, 8192, REALM_PROTECTED));
	tear_down(&f);
}

static void lists(void)
{
	struct fixture f;
	struct dma_sg sg[3];
	uint64_t linear, dma;

	set_up(&f, BIT);
	for (int i = 0; i < 3; i++) {
		sg[i].ipa = realm_alloc(f.realm, 1000, 64);
		sg[i].size = 1000;
		memset(at(&f, sg[i].ipa), 'a' + i, 1000);
	}
	check(dma_map_sg(&f.dev, sg, 3, EVENT_FROM_DEVICE, 0) == 0);
	check(nseen == 6 && seen[2].kind == EVENT_BOUNCE && seen[3].kind == EVENT_MAP);
	check(seen[5].flags == EVENT_F_SG && seen[5].dma == sg[2].dma);
	*at(&f, sg[1].dma) = 'z';
	dma_unmap_sg(&f.dev, sg, 3, EVENT_FROM_DEVICE, 0);
	check(nseen == 9 && seen[6].kind == EVENT_UNMAP && seen[6].orig == sg[0].ipa);
	check(seen[6].flags == (EVENT_F_SG | EVENT_F_BY_ORIG) && seen[6].size == 0);
	check(*at(&f, sg[1].ipa) == 'z');

	dma = dma_map_gather(&f.dev, sg, 3, EVENT_BIDIRECTIONAL, &linear);
	check(*at(&f, dma) == 'a' && *at(&f, dma + 2999) == 'c');
	*at(&f, dma + 2000) = 'y';
	dma_unmap_gather(&f.dev, dma, sg, 3, EVENT_BIDIRECTIONAL, linear);
	check(*at(&f, sg[2].ipa) == 'y' && *at(&f, sg[2].ipa + 1) == 'c');
	f.dev.max_segments = 2;
	check(dma_map_sg(&f.dev, sg, 3, EVENT_TO_DEVICE, 0) == -EINVAL);
	tear_down(&f);
}

static void exhausted(void)
{
	struct fixture f;
	struct dma_sg sg[5];
	struct swiotlb_counters c;
	uint64_t buf, dma;

	set_up(&f, 0);
	buf = realm_alloc(f.realm, SWIOTLB_MAX_MAPPING, 64);
	for (int i = 0; i < 5; i++)
		sg[i] = (struct dma_sg){ .ipa = buf, .size = SWIOTLB_MAX_MAPPING };
	check(dma_map_sg(&f.dev, sg, 5, EVENT_TO_DEVICE, 0) == -ENOMEM);
	check(nseen == 10 && seen[4].kind == EVENT_BOUNCE && seen[5].kind == EVENT_MAP_FAILED);
	check(seen[5].orig == buf && seen[9].kind == EVENT_MAP_FAILED);
	swiotlb_counters(f.pool, &c);
	check(c.used == 0 && c.full == 1); /* the first four were given back */
	check(dma_map_sg(&f.dev, sg, 4, EVENT_TO_DEVICE, 0) == 0);
	nseen = 0;
	dma = dma_map(&f.dev, buf, 1, EVENT_TO_DEVICE, 0);
	check(dma == EVENT_NO_ADDR && nseen == 2 && seen[1].dma == EVENT_NO_ADDR);
	check(seen[0].kind == EVENT_BOUNCE); /* bounced, but not mapped */
	tear_down(&f);
}

static void other_devices(void)
{
	struct fixture f;
	struct dma_coherent mem;
	uint64_t buf;

	set_up(&f, BIT);
	buf = realm_alloc(f.realm, 64, 64);
	f.dev.trusted = true;
	check(dma_map(&f.dev, buf, 64, EVENT_TO_DEVICE, 0) == buf);
	check(nseen == 1 && seen[0].flags == EVENT_F_PRIVATE);
	f.dev.trusted = false;
	f.dev.bypass = true;
	check(dma_map(&f.dev, buf, 64, EVENT_TO_DEVICE, 0) == buf && nseen == 1);
	f.dev.bypass = false;
	f.dev.restricted = true;
	check(dma_alloc(&f.dev, 100, &mem) == 0 && swiotlb_pool_contains(f.pool, mem.ipa));
	check(nseen == 2 && seen[1].kind == EVENT_ALLOC); /* nothing to decrypt */
	dma_free(&f.dev, &mem);
	tear_down(&f);
}

static bool broken_by(enum fault_id id, uint64_t *dma, struct fixture *f)
{
	uint64_t buf;

	set_up(f, 0);
	f->fault.id = id;
	buf = realm_alloc(f->realm, 300, 64);
	*dma = dma_map(&f->dev, buf, 300, EVENT_TO_DEVICE, 0);
	return f->fault.hits == 1;
}

static void faults(void)
{
	struct fixture f;
	uint64_t dma;

	check(broken_by(FAULT_NO_BOUNCE, &dma, &f));
	check(nseen == 1 && !swiotlb_pool_contains(f.pool, dma));
	tear_down(&f);
	check(broken_by(FAULT_PUBLISH_ORIGINAL, &dma, &f));
	check(nseen == 2 && seen[1].dma == seen[0].orig);
	tear_down(&f);
	check(broken_by(FAULT_OFF_BY_GRANULE, &dma, &f));
	check(nseen == 2 && dma == swiotlb_pool_end(f.pool) + 1);
	tear_down(&f);
	check(broken_by(FAULT_PAST_END, &dma, &f));
	check(seen[0].size == 150 && seen[1].size == 300);
	tear_down(&f);
	check(broken_by(FAULT_WRONG_DIRECTION, &dma, &f));
	check(seen[1].dir == EVENT_FROM_DEVICE);
	tear_down(&f);
	check(broken_by(FAULT_STALE_SLOT, &dma, &f));
	check(nseen == 1 && swiotlb_pool_contains(f.pool, dma));
	tear_down(&f);
	check(broken_by(FAULT_LOST_EVENTS, &dma, &f));
	check(nseen == 2 && seen[0].kind == EVENT_LOST && seen[1].kind == EVENT_MAP);
	tear_down(&f);
	check(broken_by(FAULT_DISORDER, &dma, &f));
	check(nseen == 2 && bounce_trace_disorder(f.trace) == 1);
	tear_down(&f);
}

int main(void)
{
	bounced();
	direct();
	lists();
	exhausted();
	other_devices();
	faults();
	return done();
}
