/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small machine and streams for it, to test the judge one rule at a time. */
#ifndef CCAIO_TESTS_UNIT_JUDGE_FIXTURE_H
#define CCAIO_TESTS_UNIT_JUDGE_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/stream.h"
#include "lib/judge/judge.h"
#include "lib/verdict/verdict.h"

#define RAM 0x80000000ull
#define RAM_LAST 0x8fffffffull
#define POOL 0x82000000ull
#define POOL_LAST 0x8203ffffull /* 128 slots */
#define SLOT(n) (POOL + 2048ull * (n))
#define BUF 0x84000000ull
#define PAGES 0x85000000ull
#define VIRT 0xffff000005000000ull
#define ALIAS 0x100000000ull

static struct names *names;
static struct platform *facts;
static struct stream_info info;
static struct stream_cpu cpus[4];
static struct event stream[256];
static size_t stream_len;
static bool window_only;
static const struct limit *asked; /* --only-device */
static const struct policy *site;
static uint16_t dev1, dev2;

/* A Realm that publishes plain addresses, armed at boot, two PCI devices. */
static void machine(void)
{
	static const char *const devices[] = { "0000:00:01.0", "0000:00:02.0" };
	struct platform *p;

	platform_free(facts);
	names_free(names);
	names = names_new();
	dev1 = names_intern(names, devices[0], 12);
	dev2 = names_intern(names, devices[1], 12);
	p = facts = platform_new();
	p->realm.is_realm = TRI_YES;
	p->nram = 1;
	p->ram = xcalloc(1, sizeof(*p->ram));
	p->ram[0] = (struct range){ RAM, RAM_LAST };
	p->swiotlb.npools = 1;
	p->swiotlb.pools = xcalloc(1, sizeof(*p->swiotlb.pools));
	p->swiotlb.pools[0].name = xstrdup("default");
	p->swiotlb.pools[0].range = (struct range){ POOL, POOL_LAST };
	p->swiotlb.slots = 128;
	p->swiotlb.dynamic = TRI_NO;
	p->npci = 2;
	p->pci = xcalloc(2, sizeof(*p->pci));
	for (int i = 0; i < 2; i++) {
		p->pci[i].name = xstrdup(devices[i]);
		p->pci[i].driver = xstrdup("ahci");
	}
	p->pci_listed = p->virtio_listed = true;
	p->window.devices_changed = p->window.cpus_changed = p->window.tsm_changed = TRI_NO;
	p->window.log_known = true;
	p->trace.lost_known = true;
	p->trace.from_boot = TRI_YES;
	p->trace.events_known = true;
	p->trace.nevents = 2;
	p->trace.events = xcalloc(2, sizeof(*p->trace.events));
	p->trace.events[0] = xstrdup("ccaio_7:decrypt");
	p->trace.events[1] = xstrdup("ccaio_7:encrypt");
	memset(&info, 0, sizeof(info));
	for (unsigned int i = 0; i < 4; i++)
		cpus[i] = (struct stream_cpu){ .cpu = i };
	info.cpus = cpus;
	info.ncpus = 4;
	info.is_model = true; /* all events are on, there are no formats */
	stream_len = 0;
	window_only = false;
	asked = NULL;
	site = NULL;
}

/* The same, seen from the middle of its life. */
static inline void machine_in_window(void)
{
	machine();
	facts->trace.from_boot = TRI_NO;
	window_only = true;
}

static inline struct event *put(struct event ev)
{
	ev.ts_ns = 1000 * (stream_len + 1);
	stream[stream_len] = ev;
	cpus[ev.cpu].events++;
	return &stream[stream_len++];
}

static inline struct event *transfer(unsigned int cpu, unsigned int kind, uint64_t orig,
				     uint64_t dma, uint64_t size, unsigned int dir)
{
	return put((struct event){ .kind = kind,
				   .cpu = cpu,
				   .pid = 100 + cpu,
				   .dev = dev1,
				   .orig = orig,
				   .dma = dma,
				   .size = size,
				   .dir = dir });
}

static inline struct event *bounce(unsigned int cpu, uint64_t orig, uint64_t size)
{
	return transfer(cpu, EVENT_BOUNCE, orig, EVENT_NO_ADDR, size, EVENT_DIR_NONE);
}

static inline struct event *map(unsigned int cpu, uint64_t orig, uint64_t dma, uint64_t size)
{
	return transfer(cpu, EVENT_MAP, orig, dma, size, EVENT_TO_DEVICE);
}

/* bounce and map */
static inline struct event *bounced(unsigned int cpu, uint64_t orig, uint64_t dma, uint64_t size)
{
	bounce(cpu, orig, size);
	return map(cpu, orig, dma, size);
}

static inline struct event *unmap(unsigned int cpu, uint64_t dma, uint64_t size)
{
	return transfer(cpu, EVENT_UNMAP, EVENT_NO_ADDR, dma, size, EVENT_TO_DEVICE);
}

static inline struct event *unmap_sg(unsigned int cpu, uint64_t orig)
{
	struct event *ev = transfer(cpu, EVENT_UNMAP, orig, EVENT_NO_ADDR, 0, EVENT_TO_DEVICE);

	ev->flags = EVENT_F_SG | EVENT_F_BY_ORIG;
	return ev;
}

static inline struct event *sync_to(unsigned int cpu, uint64_t dma, uint64_t size)
{
	return transfer(cpu, EVENT_SYNC_DEVICE, EVENT_NO_ADDR, dma, size, EVENT_TO_DEVICE);
}

static inline struct event *alloc(unsigned int cpu, uint64_t dma, uint64_t size)
{
	struct event *ev =
		transfer(cpu, EVENT_ALLOC, EVENT_NO_ADDR, dma, size, EVENT_BIDIRECTIONAL);

	ev->link = VIRT + (dma & ~ALIAS) - PAGES;
	return ev;
}

static inline struct event *free_alloc(unsigned int cpu, uint64_t dma, uint64_t size)
{
	struct event *ev = alloc(cpu, dma, size);

	ev->kind = EVENT_FREE;
	return ev;
}

static inline struct event *change_virt(unsigned int kind, uint64_t dma, uint64_t size)
{
	return put((struct event){
		.kind = kind, .flags = EVENT_F_VIRT, .link = VIRT + dma - PAGES, .size = size });
}

static struct verdict *last;

static struct verdict *judged(void)
{
	struct judge_options options = { .window_only = window_only,
					 .limit = asked,
					 .policy = site };
	struct judge *j = judge_new(facts, names, &options);

	judge_feed(j, stream, stream_len);
	verdict_free(last);
	last = judge_finish(j, &info);
	judge_free(j);
	for (int c = 0; c < CLAIMS; c++) {
		if (last->claims[c].required && last->claims[c].state != CLAIM_HOLDS)
			printf("# %s: %s\n", claim_name(c), last->claims[c].reason);
	}
	for (size_t i = 0; i < last->nexamples; i++)
		printf("# event %llu: %s\n", (unsigned long long)last->examples[i].seq,
		       last->examples[i].text);
	return last;
}

static inline enum claim_state claim(enum claim_id c)
{
	return judged()->claims[c].state;
}

static inline enum cond_state cond(enum cond_id c)
{
	return judged()->conds[c].state;
}

static inline enum outcome outcome(void)
{
	enum outcome o = judged()->outcome;

	if (o != OUTCOME_PROVEN)
		printf("# %s\n", last->reason);
	return o;
}

static void machine_release(void)
{
	verdict_free(last);
	platform_free(facts);
	names_free(names);
}

#endif
