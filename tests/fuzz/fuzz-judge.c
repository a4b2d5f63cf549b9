/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes as events and facts: the judge must come to a verdict, and what a verdict
 * says must agree with itself.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/stream.h"
#include "lib/judge/judge.h"
#include "lib/verdict/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM 0x80000000ull
#define POOL 0x82000000ull
#define SLOTS 64
#define CPUS 4

struct input {
	const uint8_t *data;
	size_t size;
};

/* Past the end everything is 0. */
static uint8_t byte(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static uint64_t number(struct input *in, int bytes)
{
	uint64_t n = 0;

	while (bytes--)
		n = n << 8 | byte(in);
	return n;
}

/* Mostly addresses where something is; now and then any number. */
static uint64_t address(struct input *in)
{
	uint8_t how = byte(in);

	switch (how & 7) {
	case 0:
		return EVENT_NO_ADDR;
	case 1:
		return number(in, 8);
	case 2:
		return RAM + 0x4000000 + byte(in) * 1024;
	case 3:
		return (POOL + byte(in) * 1024) | (1ull << (32 + (how >> 6)));
	case 4:
		return POOL + SLOTS * 2048 - byte(in);
	default:
		return POOL + byte(in) * 512;
	}
}

static uint64_t length(struct input *in)
{
	uint8_t how = byte(in);

	return how == 255 ? number(in, 8) : how == 254 ? 1ull << 63 : (uint64_t)how * 40;
}

static struct event next_event(struct input *in, const uint16_t *devs)
{
	struct event ev = { 0 };

	ev.kind = byte(in) % (EVENT_KINDS + 2);
	ev.dir = byte(in) % 5;
	ev.orig = address(in);
	ev.dma = address(in);
	ev.size = length(in);
	ev.cpu = byte(in) % CPUS;
	ev.pid = byte(in) % 4;
	ev.dev = devs[byte(in) % 4];
	ev.flags = byte(in) & 0x7f;
	ev.attrs = byte(in) & 1 ? EVENT_ATTR_CC_SHARED : byte(in) & 1 ? EVENT_ATTR_MMIO : 0;
	ev.aux = byte(in) % 4;
	ev.link = ev.kind == EVENT_MARK ? 7 : 0xffff000000000000ull + byte(in) * 1024;
	return ev;
}

static void device_facts(struct platform *p, struct input *in)
{
	static const char *const names[] = { "0000:00:01.0", "0000:00:02.0", "0000:00:03.0" };

	p->pci = xcalloc(3, sizeof(*p->pci));
	p->virtio = xcalloc(3, sizeof(*p->virtio));
	p->npci = p->nvirtio = byte(in) % 4;
	for (size_t i = 0; i < p->npci; i++) {
		uint8_t how = byte(in);

		p->pci[i].name = xstrdup(names[i]);
		p->pci[i].driver = how & 1 ? xstrdup("virtio-pci") : NULL;
		p->pci[i].iommu_group = how & 2 ? xstrdup("1") : NULL;
		p->pci[i].tsm = how & 4 ? xstrdup("accepted") : NULL;
		p->virtio[i].name = xstrdup("virtio");
		p->virtio[i].parent = how & 8 ? xstrdup(names[i]) : NULL;
		p->virtio[i].driver = how & 16 ? xstrdup("virtio_net") : NULL;
		p->virtio[i].device_id = how & 32 ? 1 : byte(in);
		p->virtio[i].status = how & 64 ? 0x0f : PLATFORM_NO_STATUS;
		p->virtio[i].bus = how & 128 ? xstrdup("msg") : xstrdup("pci");
		p->virtio[i].features = xstrdup("0000000000000000000000000000000011");
		p->virtio[i].activity_after = how;
	}
	p->virtio_listed = p->pci_listed = byte(in) & 1;
}

static struct platform *next_platform(struct input *in)
{
	struct platform *p = platform_new();

	p->realm.is_realm = byte(in) % 3;
	p->realm.ipa_bits = byte(in) & 1 ? 33 : byte(in);
	p->realm.shared_bit = byte(in) & 1 ? number(in, 8) : 0;
	p->ram = xcalloc(1, sizeof(*p->ram));
	p->nram = byte(in) & 1;
	p->ram[0] = (struct range){ RAM, RAM + 0x8000000 - 1 };
	p->swiotlb.pools = xcalloc(2, sizeof(*p->swiotlb.pools));
	p->swiotlb.npools = byte(in) % 3;
	p->swiotlb.pools[0].range = (struct range){ POOL, POOL + SLOTS * 2048 - 1 };
	p->swiotlb.pools[1].range = (struct range){ number(in, 8), number(in, 8) };
	p->swiotlb.pools[1].inferred = byte(in) & 1;
	p->swiotlb.slots = SLOTS;
	p->swiotlb.dynamic = byte(in) % 3;
	p->swiotlb.used_hiwater = byte(in);
	device_facts(p, in);
	p->window.devices_changed = p->window.cpus_changed = byte(in) & 1 ? TRI_NO : TRI_YES;
	p->window.log_known = true;
	p->trace.from_boot = byte(in) % 3;
	p->trace.lost_known = byte(in) & 1;
	p->trace.nonce = 7;
	return p;
}

static void require(bool cond)
{
	if (!cond)
		abort();
}

static void check_verdict(const struct verdict *v)
{
	bool refuted = false, open = false;

	for (int c = 0; c < CLAIMS; c++) {
		require(v->claims[c].reason != NULL);
		require((v->claims[c].refutations > 0) == (v->claims[c].state == CLAIM_REFUTED));
		if (!v->claims[c].required)
			continue;
		refuted |= v->claims[c].state == CLAIM_REFUTED;
		open |= v->claims[c].state != CLAIM_HOLDS;
	}
	for (int c = 0; c < CONDS; c++) {
		require(v->conds[c].reason != NULL);
		require((v->conds[c].remedy != NULL) == (v->conds[c].state == COND_UNMET));
		open |= v->conds[c].state == COND_UNMET;
	}
	require((v->outcome == OUTCOME_VIOLATED) == refuted);
	require(v->outcome != OUTCOME_PROVEN || (!open && v->setting != SETTING_UNKNOWN));
	require(v->outcome != OUTCOME_VIOLATED || v->nexamples > 0);
	for (size_t i = 0; i < v->nexamples; i++) {
		require(v->examples[i].seq <= v->totals.events);
		require(v->claims[v->examples[i].claim].state == CLAIM_REFUTED);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct names *names = names_new();
	uint16_t devs[4] = { names_intern(names, "0000:00:01.0", 12),
			     names_intern(names, "0000:00:02.0", 12),
			     names_intern(names, "0000:00:03.0", 12), NAMES_OTHER };
	struct platform *platform = byte(&in) & 7 ? next_platform(&in) : NULL;
	struct judge_options options = { .window_only = byte(&in) & 1 };
	struct stream_cpu cpus[CPUS] = { { .cpu = 0 }, { .cpu = 1 }, { .cpu = 2 }, { .cpu = 3 } };
	struct stream_info info = { .is_model = byte(&in) & 1,
				    .by_ccaio = byte(&in) & 1,
				    .cpus = cpus,
				    .ncpus = byte(&in) % (CPUS + 1) };
	struct judge *judge = judge_new(platform, names, &options);
	struct verdict *v;
	uint64_t ts = 1;

	while (in.size) {
		struct event ev = next_event(&in, devs);

		ev.ts_ns = ts += byte(&in);
		judge_feed(judge, &ev, 1);
	}
	v = judge_finish(judge, &info);
	check_verdict(v);
	verdict_free(v);
	judge_free(judge);
	platform_free(platform);
	names_free(names);
	return 0;
}
