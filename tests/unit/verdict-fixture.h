/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verdicts as a judge would give them, for the tests of everything that shows one. */
#ifndef CCAIO_TESTS_UNIT_VERDICT_FIXTURE_H
#define CCAIO_TESTS_UNIT_VERDICT_FIXTURE_H

#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/cost/cost.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/run.h"
#include "lib/exchange/exchange.h"
#include "lib/verdict/breach.h"
#include "lib/verdict/timeline.h"
#include "lib/verdict/verdict.h"

static inline void fixture_totals(struct verdict *v)
{
	v->totals.events = 12345;
	v->totals.bounces = 1230;
	v->totals.maps = 1234;
	v->totals.failed_maps = 1;
	v->totals.unmaps = 1100;
	v->totals.syncs = 321;
	v->totals.allocs = 6;
	v->totals.frees = 1;
	v->totals.pool_hiwater = 291;
	v->totals.first_ns = 1500000000;
	v->totals.last_ns = 12345678901;
	v->totals.read_ns = 4000000;
	v->totals.judge_ns = 5000000;
}

static inline void fixture_devices(struct verdict *v)
{
	v->ndevices = 2;
	v->devices = xcalloc(2, sizeof(*v->devices));
	for (int d = 0; d < 2; d++) {
		for (int i = 0; i < CLAIMS; i++)
			v->devices[d].claims[i] = CLAIM_HOLDS;
	}
	v->devices[0].name = xstrdup("0000:00:01.0");
	v->devices[0].driver = xstrdup("virtio_net");
	v->devices[0].what = xstrdup("virtio net");
	v->devices[0].totals = (struct device_totals){
		.maps = { 0, 600, 634, 0 },
		.map_bytes = { 0, 120333, 2596864, 0 },
		.bounced = 1230,
		.direct = 4,
		.failed = 1,
		.unmaps = 1100,
		.syncs = 321,
		.allocs = 6,
		.alloc_bytes = 40356,
		.inherited = 2,
		.out_bytes = 120333,
		.stale_bytes = 1222,
		.sync_out_bytes = 17,
		.events = 12000,
		.live = 256,
	};
	v->devices[1].name = xstrdup("0000:00:02.0");
	v->devices[1].driver = xstrdup("virtio_blk");
	v->devices[1].what = xstrdup("virtio block");
	v->devices[1].trusted = true;
}

static inline struct cost *fixture_cost(void)
{
	struct cost *c = xcalloc(1, sizeof(*c));

	c->pool = (struct cost_pool){
		.slots = 32768,
		.areas = 2,
		.before = 256,
		.peak = 700,
		.peak_ns = 5000000000,
		.largest = 65536,
		.largest_device = xstrdup("0000:00:02.0"),
		.full_at = 512,
		.full_ns = 4900000000,
		.full_size = 65536,
		.full_device = xstrdup("0000:00:02.0"),
		.holds = 1024,
	};
	c->ndevices = 2;
	c->devices = xcalloc(2, sizeof(*c->devices));
	c->devices[0] = (struct cost_device){
		.name = xstrdup("0000:00:01.0"),
		.maps = 1230,
		.out = { 1247, 121572, { 0, 0, 0, 0, 0, 0, 1247 } },
		.in = { 304, 2596864, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 304 } },
		.stale = 1222,
		.slots_most = { 0, 4, 257 },
		.slots_at_peak = { 0, 1, 256 },
	};
	c->devices[1] = (struct cost_device){
		.name = xstrdup("0000:00:02.0"),
		.maps = 64,
		.out = { 64, 4194304, { [16] = 64 } },
		.in = { 64, 4194304, { [16] = 64 } },
		.stale = 4194304,
		.slots_most = { 0, 0, 443 },
		.slots_at_peak = { 0, 0, 443 },
	};
	return c;
}

/* A burst of traffic of 100 ms in the middle, 40 buckets of 256 ms. */
static inline struct timeline *fixture_timeline(void)
{
	struct timeline *t = xcalloc(1, sizeof(*t));

	t->start_ns = 1500000000;
	t->bucket_ns = 268435456;
	t->used = 41;
	for (size_t i = 0; i < t->used; i++) {
		uint64_t busy = i > 14 && i < 30 ? i * i : i % 3;

		t->series[TIMELINE_EVENTS][i] = 12 * busy;
		t->series[TIMELINE_MAPS][i] = 3 * busy;
		t->series[TIMELINE_BOUNCED][i] = 2 * busy;
		t->series[TIMELINE_OUT_BYTES][i] = 151 * busy;
		t->series[TIMELINE_IN_BYTES][i] = 266 * (i % 2 ? busy : 0);
		t->series[TIMELINE_POOL_SLOTS][i] = 256 + busy / 20;
	}
	return t;
}

/* PROVEN since boot in a rehearsal: everything holds, everything is met. */
static inline struct verdict *fixture_proven(void)
{
	struct verdict *v = verdict_new();

	v->outcome = OUTCOME_PROVEN;
	v->scope = SCOPE_SINCE_BOOT;
	v->setting = SETTING_REHEARSAL;
	v->reason = xstrdup("every claim holds for 2 devices and every condition is met");
	for (int i = 0; i < CLAIMS; i++) {
		v->claims[i].state = CLAIM_HOLDS;
		v->claims[i].required = claim_decides(i);
		v->claims[i].reason =
			xasprintf("1,234 of 1,234 operations agree with %s", claim_name(i));
	}
	v->claims[CLAIM_CONFIDENTIAL].state = CLAIM_UNDECIDED;
	free(v->claims[CLAIM_CONFIDENTIAL].reason);
	v->claims[CLAIM_CONFIDENTIAL].reason =
		xstrdup("the payload of 2 exchanges left as clear text");
	for (int i = 0; i < CONDS; i++) {
		v->conds[i].state = COND_MET;
		v->conds[i].reason =
			xasprintf("looked at what %s needs and found it", cond_name(i));
	}
	fixture_totals(v);
	fixture_devices(v);
	v->nranges = 2;
	v->ranges = xcalloc(2, sizeof(*v->ranges));
	v->ranges[0] = (struct published_range){ { 0x72900000, 0x7a8fffff }, MEMORY_POOL, 1230 };
	v->ranges[1] = (struct published_range){ { 0x7bc20000, 0x7bc21fff }, MEMORY_DECRYPTED, 6 };
	v->ranges_complete = true;
	v->monitor.used = true;
	v->monitor.agreed = 1236;
	v->monitor.nranges = 2;
	v->monitor.ranges = xcalloc(2, sizeof(*v->monitor.ranges));
	v->monitor.ranges[0] = (struct witness_range){
		{ 0x72900000, 0x7a8fffff }, RMM_SHARED, WITNESS_POOL, 1230
	};
	v->monitor.ranges[1] = (struct witness_range){
		{ 0x83a10000, 0x83a1ffff }, RMM_SHARED, WITNESS_GIC_TABLES, 0
	};
	v->nnotes = 1;
	v->notes = xcalloc(1, sizeof(*v->notes));
	v->timeline = fixture_timeline();
	v->cost = fixture_cost();
	v->notes[0] = xstrdup("coherent allocations outside the pool are taken as decrypted");
	return v;
}

#define FIXTURE_HOSTILE "evil\033[2J<script>alert(1)</script>&\"'|`\xff\xe2\x80\xae"

/* As a Linux 7.2 said it, and one of a hostile file. */
static inline void fixture_stack(struct verdict_finding *f)
{
	static const char *const frames[] = {
		"trace_event_raw_event_dma_map+0xec",
		"dma_map_phys+0x224",
		"vring_map_one_sg.part.0+0x7c",
		"virtqueue_add_outbuf+0x3a0",
		"start_xmit+0x2b8 [virtio_net]",
		FIXTURE_HOSTILE,
		"sch_direct_xmit+0xa4",
		"ret_from_fork+0x10",
	};

	f->nstack = sizeof(frames) / sizeof(frames[0]);
	f->stack = xcalloc(f->nstack, sizeof(*f->stack));
	f->stack_event = f->first_event;
	for (size_t i = 0; i < f->nstack; i++)
		f->stack[i] = xstrdup(frames[i]);
}

/* One for each counterexample of fixture_violated(). */
static inline void fixture_findings(struct verdict *v)
{
	v->nfindings = 2;
	v->findings = xcalloc(2, sizeof(*v->findings));
	v->findings[0] = (struct verdict_finding){
		.claims = 1u << CLAIM_DMA_IN_SHARED | 1u << CLAIM_BOUNCE_PAIRED,
		.breaches = 1u << BREACH_PROTECTED | 1u << BREACH_NOT_BOUNCED,
		.kind = EVENT_MAP,
		.dir = EVENT_TO_DEVICE,
		.count = 40,
		.first_event = 4711,
		.first_ns = 12045678901,
		.last_event = 5000,
		.last_ns = 12245678901,
		.largest = 4096,
	};
	v->findings[1] = (struct verdict_finding){ .claims = 1u << CLAIM_NO_BYPASS,
						   .breaches = 1u << BREACH_BYPASS,
						   .dir = EVENT_DIR_NONE,
						   .count = 1,
						   .example = 1 };
	fixture_stack(&v->findings[0]);
	for (size_t i = 0; i < 2; i++) {
		v->findings[i].device = xstrdup(v->examples[i].device);
		v->examples[i].claims = v->findings[i].claims;
		v->examples[i].finding = i;
	}
}

/* VIOLATED for the window: a protected buffer was published; names are hostile. */
static inline struct verdict *fixture_violated(void)
{
	struct verdict *v = fixture_proven();
	struct counterexample *ex;

	v->outcome = OUTCOME_VIOLATED;
	v->scope = SCOPE_WINDOW;
	free(v->reason);
	v->reason = xstrdup("dma-in-shared is refuted: 0000:00:01.0 was given protected memory");
	v->claims[CLAIM_DMA_IN_SHARED].state = CLAIM_REFUTED;
	v->claims[CLAIM_DMA_IN_SHARED].refutations = 40;
	v->claims[CLAIM_BOUNCE_PAIRED].state = CLAIM_REFUTED;
	v->claims[CLAIM_BOUNCE_PAIRED].refutations = 40;
	v->timeline->series[TIMELINE_VIOLATIONS][39] = 40;
	v->claims[CLAIM_LIFECYCLE].state = CLAIM_UNDECIDED;
	v->conds[COND_BASELINE].state = COND_UNMET;
	v->conds[COND_BASELINE].remedy = xstrdup(
		"boot with trace_instance=ccaio,dma:*,swiotlb:* on the kernel command line, "
		"or judge with --scope window");
	v->conds[COND_CANARY_SEEN].state = COND_NOT_APPLICABLE;
	v->devices[0].claims[CLAIM_DMA_IN_SHARED] = CLAIM_REFUTED;
	v->devices[0].claims[CLAIM_LIFECYCLE] = CLAIM_UNDECIDED;
	v->devices[0].note = xstrdup("note " FIXTURE_HOSTILE);
	v->nexamples = 2;
	v->examples = xcalloc(2, sizeof(*v->examples));
	ex = &v->examples[0];
	ex->claim = CLAIM_DMA_IN_SHARED;
	ex->seq = 4711;
	ex->memory = MEMORY_PROTECTED;
	ex->event = (struct event){ .ts_ns = 12045678901,
				    .orig = 0x455794fe,
				    .dma = 0x455794fe,
				    .size = 163,
				    .pid = 123,
				    .cpu = 1,
				    .kind = EVENT_MAP,
				    .dir = EVENT_TO_DEVICE };
	ex->device = xstrdup("0000:00:01.0");
	ex->comm = xstrdup(FIXTURE_HOSTILE);
	ex->text = xstrdup("0x455794fe is protected memory and was given to the device");
	ex = &v->examples[1];
	ex->claim = CLAIM_NO_BYPASS;
	ex->event.orig = ex->event.dma = EVENT_NO_ADDR;
	ex->event.dir = EVENT_DIR_NONE;
	ex->device = xstrdup(FIXTURE_HOSTILE);
	ex->text = xstrdup("virtio0 is active without VIRTIO_F_ACCESS_PLATFORM");
	fixture_findings(v);
	return v;
}

/* As much of everything as a verdict can hold, in the largest numbers and longest names, all of c.
 */
static inline struct verdict *fixture_largest(char c)
{
	struct verdict *v = fixture_violated();
	char *longest = xcalloc(2001, 1);

	memset(longest, c, 2000);
	v->ranges = xrealloc(v->ranges, VERDICT_RANGES, sizeof(*v->ranges));
	for (v->nranges = 0; v->nranges < VERDICT_RANGES; v->nranges++)
		v->ranges[v->nranges] = (struct published_range){
			{ UINT64_MAX - 9, UINT64_MAX - 1 }, MEMORY_PROTECTED, UINT64_MAX
		};
	v->examples = xrealloc(v->examples, CLAIMS * VERDICT_EXAMPLES, sizeof(*v->examples));
	for (; v->nexamples < CLAIMS * VERDICT_EXAMPLES; v->nexamples++) {
		struct counterexample *ex = &v->examples[v->nexamples];

		*ex = v->examples[0];
		ex->device = xstrdup(longest);
		ex->comm = xstrdup(longest);
		ex->text = xstrdup(longest);
	}
	v->findings = xrealloc(v->findings, VERDICT_FINDINGS, sizeof(*v->findings));
	for (; v->nfindings < VERDICT_FINDINGS; v->nfindings++) {
		v->findings[v->nfindings] = v->findings[0];
		v->findings[v->nfindings].device = xstrdup(longest);
		v->findings[v->nfindings].nstack = VERDICT_FRAMES;
		v->findings[v->nfindings].stack = xcalloc(VERDICT_FRAMES, sizeof(char *));
		for (size_t i = 0; i < VERDICT_FRAMES; i++)
			v->findings[v->nfindings].stack[i] = xstrdup(longest);
		v->findings[v->nfindings].example = v->nfindings;
		v->examples[v->nfindings].finding = v->nfindings;
	}
	v->devices = xrealloc(v->devices, 1000, sizeof(*v->devices));
	for (; v->ndevices < 1000; v->ndevices++) {
		struct device_verdict *d = &v->devices[v->ndevices];

		*d = v->devices[0];
		d->name = xstrdup(longest);
		d->driver = xstrdup(longest);
		d->what = NULL;
		d->note = NULL;
	}
	for (int s = 0; s < TIMELINE_SERIES; s++) {
		for (int i = 0; i < TIMELINE_BUCKETS; i++)
			v->timeline->series[s][i] = UINT64_MAX - i;
	}
	v->timeline->used = TIMELINE_BUCKETS;
	for (int i = 0; i < CLAIMS; i++) {
		free(v->claims[i].reason);
		v->claims[i].reason = xstrdup(longest);
	}
	for (int i = 0; i < CONDS; i++) {
		free(v->conds[i].reason);
		free(v->conds[i].remedy);
		v->conds[i].state = COND_UNMET;
		v->conds[i].reason = xstrdup(longest);
		v->conds[i].remedy = xstrdup(longest);
	}
	free(v->reason);
	v->reason = xstrdup(longest);
	free(longest);
	return v;
}

/* What a hostile program and a hostile peer said: a request that was answered, a TLS connection of
 * another. */
static inline struct exchanges *fixture_exchanges(void)
{
	struct exchanges *x = exchanges_new();
	uint16_t net = exchanges_device(x, "0000:00:01.0");
	struct exchange_conn *c;
	struct exchange *e;

	for (int i = 0; i < 2; i++) {
		c = exchanges_add_conn(x, EXCHANGES_MEMORY);
		c->program = i == 0;
		c->owner = GRADE_EXACT;
		c->pid = 123 + i;
		c->comm = xstrdup(i ? "curl" : FIXTURE_HOSTILE);
		c->local = (struct flow_addr){ .family = 4, .ip = { 10, 0, 2, 15 }, .port = 43210 };
		c->remote = (struct flow_addr){ .family = 4, .ip = { 10, 0, 2, 2 }, .port = 8088 };
		e = exchanges_add_row(x, EXCHANGES_MEMORY);
		e->conn = i;
		e->grade = GRADE_NESTED;
		e->end = i ? EXCHANGE_CUT : EXCHANGE_COMPLETE;
		e->half[FLOW_OUT] = (struct exchange_half){
			.stream = { 0, 3161 },
			.body_bytes = 2766,
			.first_ns = 11500000000,
			.last_ns = 11500000000,
			.bytes = { 17, 0, 3144, 0 },
			.packets = 3,
			.queues = "output.0 <i>",
			.first_packet = 7,
			.last_packet = 9,
			.transfers = 4,
			.dma_bytes = 3300,
			.slots = 5,
			.copies = 4,
			.copied_bytes = 3300,
			.copy_ns = 412,
		};
	}
	e = &x->rows[0];
	e->protocol = EXCHANGE_HTTP;
	e->method = xstrdup("POST");
	e->target = xstrdup("/" FIXTURE_HOSTILE);
	e->status = 201;
	e->clear = true;
	e->request_names = xcalloc(2, sizeof(*e->request_names));
	e->request_names[e->nrequest_names++] = xstrdup("key." FIXTURE_HOSTILE);
	e->half[FLOW_OUT].list = xcalloc(1, sizeof(struct transfer));
	e->half[FLOW_OUT].list[e->half[FLOW_OUT].nlist++] =
		(struct transfer){ .ts_ns = 11600000000,
				   .dma = 0x7a99a800,
				   .size = 163,
				   .slot = 65,
				   .device = net,
				   .grade = GRADE_NESTED };
	e->half[FLOW_IN] = (struct exchange_half){ .stream = { 0, 2 }, .last_ns = 11502800000 };
	x->rows[1].protocol = EXCHANGE_TLS;
	x->rows[1].tls_version = 0x0304;
	x->rows[1].sni = xstrdup("\"><img src=x>");
	exchanges_unattributed(x, net, FLOW_OUT, "connection of " FIXTURE_HOSTILE, 4, 1294);
	sums_check(&x->sums, "0000:00:01.0 out", "mapped", 3300, "carried", 3299, false);
	x->blocks = xcalloc(1, sizeof(*x->blocks));
	x->blocks[x->nblocks++] = (struct exchange_block){
		.device = net,
		.pid = 124,
		.comm = xstrdup(FIXTURE_HOSTILE),
		.program = true,
		.disk = xstrdup("vda"),
		.owner = GRADE_EXACT,
		.cached = true,
		.path = xstrdup("/" FIXTURE_HOSTILE),
		.filler = 125,
		.filler_comm = xstrdup(FIXTURE_HOSTILE),
		.carried = { [FLOW_IN] = { [GRADE_NESTED] = 8192 } },
		.requests = { 1, 2 },
		.bytes = { 512, 8192 },
		.transfers = 9,
		.dma_bytes = 9000,
	};
	x->capture.dropped = 1;
	x->result.other_traffic = xstrdup("nothing else of " FIXTURE_HOSTILE " touched a device");
	exchanges_note(x, "note of %s", FIXTURE_HOSTILE);
	return x;
}

static inline struct run fixture_run(void)
{
	static char *const argv[] = { "keybroker-app",	      "-v",	   "--endpoint",
				      "http://10.0.2.2:8088", "it's here", NULL };

	return (struct run){
		.tool = "ccaio 0.1",
		.evidence = "/tmp/run one.ccaio",
		.recorder = "ccaio 0.1",
		.argv = argv,
		.exit_status = 0,
		.started = "2026-11-20T17:40:00Z",
	};
}

#endif
