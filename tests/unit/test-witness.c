/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's memory as a second witness: scope run, and snapshots that contradict the stream. */
#include "lib/evidence/snapshot.h"
#include "lib/evidence/tables.h"
#include "tests/unit/judge-fixture.h"
#include "tests/unit/test.h"

#define NONCE_OF_RUN 7
#define FEATURES (3ull << 32)

static struct snapshot *new_snapshot(void)
{
	struct snapshot *s = snapshot_new();
	struct snapshot_device *d = s->devices = xcalloc(1, sizeof(*d));
	struct snapshot_queue *q = d->queues = xcalloc(1, sizeof(*q));

	s->ndevices = d->nqueues = s->npools = 1;
	d->name = xstrdup("virtio0");
	d->parent = xstrdup("0000:00:01.0");
	d->features = FEATURES;
	*q = (struct snapshot_queue){ .name = xstrdup("req.0"), .size = 4, .dma_api = TRI_YES };
	q->rings[0] = (struct snapshot_ring){ PAGES, 4096 };
	q->nrings = q->ndescriptors = 1;
	q->descriptors = xcalloc(4, sizeof(*q->descriptors));
	q->descriptors[0] = (struct snapshot_descriptor){ SLOT(2), 1536, 3, SNAPSHOT_IN };
	s->pools = xcalloc(1, sizeof(*s->pools));
	s->pools[0] = (struct snapshot_pool){ .range = { POOL, POOL_LAST }, .slots = 128 };
	s->pools[0].areas = 1;
	s->pools[0].used = s->pools[0].nlive = 2;
	s->pools[0].live = xcalloc(4, sizeof(*s->pools[0].live));
	s->pools[0].live[0] = (struct snapshot_live){ SLOT(2), BUF, 1536 };
	s->pools[0].live[1] = (struct snapshot_live){ SLOT(4), BUF + 4096, 2048 };
	return s;
}

static struct snapshot_queue *queue(struct snapshot *s)
{
	return &s->devices[0].queues[0];
}

static void mark(unsigned int what)
{
	put((struct event){ .kind = EVENT_MARK, .aux = what, .link = NONCE_OF_RUN });
}

/* An ordinary machine with one virtio disk that was at work before the window. */
static void running_machine(void)
{
	machine();
	facts->realm.is_realm = TRI_NO;
	facts->trace.from_boot = TRI_NO;
	facts->trace.nonce = NONCE_OF_RUN;
	facts->npci = 1;
	free(facts->pci[1].name);
	free(facts->pci[1].driver);
	free(facts->pci[0].driver);
	facts->pci[0].driver = xstrdup("virtio-pci");
	facts->pci[0].bus_master = TRI_YES;
	facts->nvirtio = 1;
	facts->virtio = xcalloc(1, sizeof(*facts->virtio));
	facts->virtio[0] = (struct platform_virtio){
		.name = xstrdup("virtio0"),
		.device_id = 2,
		.features = xstrdup("0000000000000000000000000000000011"),
		.status = 0x0f,
		.bus = xstrdup("pci"),
		.parent = xstrdup("0000:00:01.0"),
		.driver = xstrdup("virtio_blk"),
		.activity_before = PLATFORM_UNKNOWN,
		.activity_after = PLATFORM_UNKNOWN,
	};
	facts->trace.ncanaries = 1;
	facts->trace.canaries = xcalloc(1, sizeof(*facts->trace.canaries));
	facts->trace.canaries[0].device = xstrdup("0000:00:01.0");
	facts->trace.canaries[0].kind = xstrdup("blk-read");
	facts->trace.canaries[0].size = 512;
	facts->start = new_snapshot();
	facts->end = new_snapshot();
	facts->swiotlb.force = TRI_YES;
	info.by_ccaio = true;
}

static void canary(void)
{
	bounce(0, BUF + 8192, 512);
	transfer(0, EVENT_MAP, BUF + 8192, SLOT(10), 512, EVENT_FROM_DEVICE);
	transfer(0, EVENT_UNMAP, EVENT_NO_ADDR, SLOT(10), 512, EVENT_FROM_DEVICE);
}

static void window_opens(void)
{
	mark(EVENT_MARK_START);
	mark(EVENT_MARK_SNAPSHOT);
	mark(EVENT_MARK_SNAPSHOT);
	canary();
}

static void window_closes(void)
{
	mark(EVENT_MARK_SNAPSHOT);
	mark(EVENT_MARK_SNAPSHOT);
	mark(EVENT_MARK_STOP);
}

static void failed_map(uint64_t orig, uint64_t size)
{
	bounce(0, orig, size);
	transfer(0, EVENT_MAP, orig, EVENT_NO_ADDR, size, EVENT_FROM_DEVICE);
}

static void whole_run(void)
{
	running_machine();
	window_opens();
	window_closes();
}

static const struct verdict *judged_as(enum judge_asked scope, bool window)
{
	struct judge_options options = { .window_only = window, .asked = scope };
	struct judge *j = judge_new(facts, names, &options);

	judge_feed(j, stream, stream_len);
	verdict_free(last);
	last = judge_finish(j, &info);
	judge_free(j);
	if (last->outcome != OUTCOME_PROVEN)
		printf("# %s\n", last->reason);
	for (int c = 0; c < CONDS; c++) {
		if (last->conds[c].state == COND_UNMET)
			printf("# %s: %s\n", cond_name(c), last->conds[c].reason);
	}
	return last;
}

/* Not PROVEN, because of this condition. */
static void check_unmet(enum cond_id c)
{
	const struct verdict *v = judged_as(JUDGE_STRONGEST, false);

	check(v->outcome == OUTCOME_INCONCLUSIVE && v->conds[c].state == COND_UNMET);
}

static void check_refuted(const char *text)
{
	const struct verdict *v = judged_as(JUDGE_STRONGEST, false);

	check(v->outcome == OUTCOME_VIOLATED && v->nexamples == 1 &&
	      v->examples[0].claim == CLAIM_DMA_IN_SHARED && strstr(v->examples[0].text, text));
}

static void test_scopes(void)
{
	const struct verdict *v;

	whole_run();
	v = judged_as(JUDGE_STRONGEST, false);
	check(v->outcome == OUTCOME_PROVEN && v->scope == SCOPE_RUN);
	check(v->conds[COND_BASELINE].state == COND_MET);
	v = judged_as(JUDGE_RUN, false);
	check(v->outcome == OUTCOME_PROVEN && v->scope == SCOPE_RUN);
	v = judged_as(JUDGE_SINCE_BOOT, false);
	check(v->outcome == OUTCOME_INCONCLUSIVE && v->scope == SCOPE_SINCE_BOOT);
	v = judged_as(JUDGE_STRONGEST, true);
	check(v->outcome == OUTCOME_PROVEN && v->scope == SCOPE_WINDOW);
	/* nothing narrows it by itself */
	jtable_free(snapshot_table, facts->start);
	free(facts->start);
	facts->start = NULL;
	v = judged_as(JUDGE_STRONGEST, false);
	check(v->outcome == OUTCOME_INCONCLUSIVE && v->conds[COND_BASELINE].state == COND_UNMET);
	v = judged_as(JUDGE_RUN, false);
	check(v->outcome == OUTCOME_INCONCLUSIVE && v->scope == SCOPE_RUN);
}

static void test_unknown_start(void)
{
	whole_run();
	facts->start->trouble = xstrdup("/proc/kcore cannot be read");
	check_unmet(COND_BASELINE);
	whole_run();
	facts->end->trouble = xstrdup("/proc/kcore cannot be read");
	check_unmet(COND_BASELINE);
	whole_run();
	queue(facts->start)->unread = 1;
	check_unmet(COND_BASELINE);
	whole_run();
	facts->start->devices[0].nqueues = 0;
	check_unmet(COND_BASELINE);
	facts->start->devices[0].nqueues = 1;
	whole_run();
	stream[2].link++; /* of another run */
	check_unmet(COND_BASELINE);
	whole_run();
	free(facts->pci[0].driver);
	facts->pci[0].driver = xstrdup("nvme"); /* no virtio device: nothing reads its queues */
	check_unmet(COND_BASELINE);
}

/* What was live when the window opened is judged as any other mapping. */
static void test_old_memory(void)
{
	whole_run();
	queue(facts->start)->descriptors[0].address = BUF;
	queue(facts->end)->descriptors[0].address = BUF;
	check_refuted("when the window opened");
	/* memory of the ring itself stands for shared memory here, not in a Realm */
	whole_run();
	facts->realm.is_realm = TRI_YES;
	check(judged_as(JUDGE_STRONGEST, false)->claims[CLAIM_DMA_IN_SHARED].state ==
	      CLAIM_UNDECIDED);
}

static void test_slot_left_out(void)
{
	whole_run();
	facts->start->pools[0].live[0] = facts->start->pools[0].live[1];
	facts->start->pools[0].nlive = 1;
	check_unmet(COND_BASELINE);
	/* one that no ring names, given back later */
	running_machine();
	facts->start->pools[0].nlive = facts->start->pools[0].used = 1;
	facts->end->pools[0].nlive = facts->end->pools[0].used = 1;
	window_opens();
	unmap(0, SLOT(4), 2048);
	window_closes();
	check_unmet(COND_BASELINE);
	/* with it, all fits */
	running_machine();
	facts->end->pools[0].nlive = facts->end->pools[0].used = 1;
	window_opens();
	unmap(0, SLOT(4), 2048);
	window_closes();
	check(judged_as(JUDGE_STRONGEST, false)->outcome == OUTCOME_PROVEN);
}

static void test_behind_events(void)
{
	struct snapshot_queue *q;

	whole_run();
	q = queue(facts->end);
	q->descriptors[q->ndescriptors++] =
		(struct snapshot_descriptor){ BUF + 0x10000, 64, 1, SNAPSHOT_OUT };
	check_refuted("when the window closed");
	whole_run();
	q = queue(facts->end);
	q->descriptors[q->ndescriptors++] =
		(struct snapshot_descriptor){ SLOT(40), 64, 1, SNAPSHOT_OUT };
	check_unmet(COND_EVENTS_ARMED);
	whole_run();
	queue(facts->end)->rings[0].address +=
		0x10000; /* in protected memory, if it is not a ring */
	check_unmet(COND_EVENTS_ARMED);
	/* mapped while the snapshot was taken: not compared */
	running_machine();
	window_opens();
	mark(EVENT_MARK_SNAPSHOT);
	bounced(0, BUF + 0x20000, SLOT(40), 64);
	mark(EVENT_MARK_SNAPSHOT);
	mark(EVENT_MARK_STOP);
	q = queue(facts->end);
	q->descriptors[q->ndescriptors++] =
		(struct snapshot_descriptor){ SLOT(40), 64, 1, SNAPSHOT_OUT };
	check(judged_as(JUDGE_STRONGEST, false)->outcome == OUTCOME_PROVEN);
}

static void test_slots_at_end(void)
{
	struct snapshot_pool *p;

	whole_run();
	p = &facts->end->pools[0];
	p->live[p->nlive++] = (struct snapshot_live){ SLOT(60), BUF, 2048 };
	p->used++;
	check_unmet(COND_CONSERVED);
	whole_run();
	facts->end->pools[0].nlive = facts->end->pools[0].used = 1;
	check_unmet(COND_CONSERVED); /* given back without an event */
	running_machine();
	window_opens();
	bounced(0, BUF + 0x20000, SLOT(40), 64);
	window_closes();
	check_unmet(COND_CONSERVED); /* live by the events, free in memory */
	whole_run();
	facts->end->pools[0].used = 3;
	check_unmet(COND_CONSERVED);
	whole_run();
	facts->end->pools[0].range.start += 0x10000;
	check_unmet(COND_CONSERVED);
}

/* Slots that a map takes before it fails have no event: its bounce says that they may be in use. */
static void test_map_that_fails(void)
{
	struct snapshot_pool *p;

	for (int when = 0; when < 4; when++) {
		running_machine();
		window_opens();
		if (when == 0) /* long before */
			failed_map(BUF + 0x30000, 4096);
		if (when == 1)
			bounce(0, BUF + 0x30000, 4096);
		mark(EVENT_MARK_SNAPSHOT);
		if (when == 1)
			transfer(0, EVENT_MAP, BUF + 0x30000, EVENT_NO_ADDR, 4096,
				 EVENT_FROM_DEVICE);
		if (when == 2)
			failed_map(BUF + 0x30000, 4096);
		if (when == 3) /* of another buffer */
			failed_map(BUF + 0x40000, 4096);
		mark(EVENT_MARK_SNAPSHOT);
		mark(EVENT_MARK_STOP);
		p = &facts->end->pools[0];
		p->live[p->nlive++] = (struct snapshot_live){ SLOT(60), BUF + 0x30000, 4096 };
		p->used += 2;
		if (when == 1 || when == 2)
			check(judged_as(JUDGE_STRONGEST, false)->outcome == OUTCOME_PROVEN);
		else
			check_unmet(COND_CONSERVED);
	}
	/* as the window opens: no older mapping that must end */
	running_machine();
	p = &facts->start->pools[0];
	p->live[p->nlive++] = (struct snapshot_live){ SLOT(60), BUF + 0x30000, 4096 };
	mark(EVENT_MARK_START);
	mark(EVENT_MARK_SNAPSHOT);
	failed_map(BUF + 0x30000, 4096);
	mark(EVENT_MARK_SNAPSHOT);
	canary();
	window_closes();
	check(judged_as(JUDGE_STRONGEST, false)->outcome == OUTCOME_PROVEN);
}

static void test_features(void)
{
	whole_run();
	facts->end->devices[0].features ^= 1u << 5;
	check_unmet(COND_DEVICES_KNOWN);
	whole_run();
	queue(facts->start)->dma_api = TRI_NO;
	check_unmet(COND_DEVICES_KNOWN);
}

/*
 * virtio_net keeps whole pages mapped (page_pool, page_frag) and cuts each into new buffers while
 * it stays so: the slots of before the window hold a buffer that no snapshot has shown.
 */
static void cut_page(uint64_t at, uint32_t length)
{
	running_machine();
	queue(facts->start)->descriptors[0].length = 512;
	facts->start->pools[0].live[0].size = facts->end->pools[0].live[0].size = 4096;
	facts->start->pools[0].live[1] = facts->end->pools[0].live[1] =
		(struct snapshot_live){ SLOT(6), BUF + 8192, 2048 };
	facts->start->pools[0].used = facts->end->pools[0].used = 3;
	queue(facts->end)->descriptors[0].address = at;
	queue(facts->end)->descriptors[0].length = length;
	window_opens();
	window_closes();
}

static void test_pages_cut_anew(void)
{
	cut_page(SLOT(2) + 256, 3840); /* overlaps the buffer of before */
	check(judged_as(JUDGE_STRONGEST, false)->outcome == OUTCOME_PROVEN);
	check(judged_as(JUDGE_STRONGEST, true)->outcome == OUTCOME_PROVEN);
	cut_page(SLOT(2) + 256, 4096); /* reaches beyond the mapping */
	check_unmet(COND_EVENTS_ARMED);
	check(judged_as(JUDGE_STRONGEST, true)->outcome == OUTCOME_INCONCLUSIVE);
	cut_page(SLOT(1), 4096); /* begins before it */
	check_unmet(COND_EVENTS_ARMED);
}

/* A part of a ring that is mapped for itself while memory is read leaves the ring known. */
static void test_part_of_ring(void)
{
	running_machine();
	mark(EVENT_MARK_START);
	mark(EVENT_MARK_SNAPSHOT);
	transfer(0, EVENT_MAP, PAGES + 64, PAGES + 64, 512, EVENT_TO_DEVICE);
	transfer(0, EVENT_UNMAP, EVENT_NO_ADDR, PAGES + 64, 512, EVENT_TO_DEVICE);
	mark(EVENT_MARK_SNAPSHOT);
	bounce(0, BUF + 8192, 512);
	transfer(0, EVENT_MAP, BUF + 8192, SLOT(10), 512, EVENT_FROM_DEVICE);
	transfer(0, EVENT_UNMAP, EVENT_NO_ADDR, SLOT(10), 512, EVENT_FROM_DEVICE);
	window_closes();
	check(judged_as(JUDGE_STRONGEST, false)->conds[COND_EVENTS_ARMED].state == COND_MET);
}

/* Armed at boot: what happened while recording was off shows when the window opens. */
static void since_boot(void)
{
	running_machine();
	facts->trace.from_boot = TRI_YES;
	facts->start->pools[0].nlive = facts->end->pools[0].nlive = 1;
	facts->start->pools[0].used = facts->end->pools[0].used = 1;
	alloc(0, PAGES, 4096);
	bounce(0, BUF, 1536);
	transfer(0, EVENT_MAP, BUF, SLOT(2), 1536, EVENT_FROM_DEVICE);
	window_opens();
}

static void test_gap_before(void)
{
	const struct verdict *v;

	since_boot();
	window_closes();
	v = judged_as(JUDGE_STRONGEST, false);
	check(v->outcome == OUTCOME_PROVEN && v->scope == SCOPE_SINCE_BOOT);
	/* mapped while recording was off */
	since_boot();
	window_closes();
	facts->start->pools[0].nlive = facts->end->pools[0].nlive = 2;
	facts->start->pools[0].used = facts->end->pools[0].used = 2;
	check_unmet(COND_NOTHING_LOST);
	/* unmapped while it was off */
	since_boot();
	window_closes();
	facts->start->pools[0].nlive = facts->start->pools[0].used = 0;
	queue(facts->start)->ndescriptors = 0;
	check_unmet(COND_NOTHING_LOST);
	/* both, and nothing is left but what the disk counted */
	since_boot();
	mark(EVENT_MARK_COUNT);
	mark(EVENT_MARK_COUNT);
	window_closes();
	facts->ndisks = 1;
	facts->disks = xcalloc(1, sizeof(*facts->disks));
	facts->disks[0] = (struct platform_disk){ .name = xstrdup("vda"),
						  .virtio = xstrdup("virtio0"),
						  .device = xstrdup("0000:00:01.0"),
						  .counted = true };
	facts->disks[0].before.read_sectors = facts->disks[0].after.read_sectors = 4;
	check(judged_as(JUDGE_STRONGEST, false)->outcome == OUTCOME_PROVEN);
	facts->disks[0].before.read_sectors = facts->disks[0].after.read_sectors = 5;
	stream[0].ts_ns -= 1000; /* silence of 2 us after the first event */
	check_unmet(COND_NOTHING_LOST);
	check(strstr(last->conds[COND_NOTHING_LOST].reason, "vda read 2560 bytes") &&
	      strstr(last->conds[COND_NOTHING_LOST].reason, "was 0.000 s, from 0.000 s"));
	/* only received: each packet needs a buffer that was given back */
	for (uint64_t packets = 2; packets < 4; packets++) { /* the canary has one, too */
		since_boot();
		transfer(0, EVENT_SYNC_CPU, EVENT_NO_ADDR, SLOT(2), 64, EVENT_FROM_DEVICE);
		mark(EVENT_MARK_COUNT);
		mark(EVENT_MARK_COUNT);
		window_closes();
		facts->nnet = 1;
		facts->net = xcalloc(1, sizeof(*facts->net));
		facts->net[0] = (struct platform_net){ .name = xstrdup("eth0"),
						       .virtio = xstrdup("virtio0"),
						       .counted = true };
		facts->net[0].before.rx_packets = facts->net[0].after.rx_packets = packets;
		if (packets == 2)
			check(judged_as(JUDGE_STRONGEST, false)->outcome == OUTCOME_PROVEN);
		else
			check_unmet(COND_NOTHING_LOST);
	}
	check(strstr(last->conds[COND_NOTHING_LOST].reason, "eth0 received 3 packets since boot, "
							    "but only 2 of its buffers"));
}

static void test_queue_left_out(void)
{
	whole_run();
	queue(facts->end)->index = 1;
	check_unmet(COND_DEVICES_KNOWN);
	whole_run();
	free(facts->start->devices[0].name);
	facts->start->devices[0].name = xstrdup("virtio7");
	check_unmet(COND_DEVICES_KNOWN);
	whole_run();
	queue(facts->end)->unread = 1;
	check_unmet(COND_BASELINE);
}

/* It is a Realm; of these pages the kernel's memory says at the start that they are marked so. */
static void realm_with_pages(uint64_t start, uint64_t end, enum snapshot_mark mark)
{
	facts->realm.is_realm = TRI_YES;
	facts->realm.kind = xstrdup("arm-cca");
	facts->realm.rsi_version = xstrdup("1.0");
	facts->realm.shared_bit = facts->start->page_mask = ALIAS;
	facts->start->pages = xcalloc(1, sizeof(*facts->start->pages));
	facts->start->npages = 1;
	facts->start->pages[0] = (struct snapshot_pages){ { start, end }, 0, mark };
}

/* In a Realm the page tables decide about memory that is published by its plain address. */
static void test_page_tables(void)
{
	static const struct {
		enum snapshot_mark mark;
		enum claim_state state;
	} rules[] = { { SNAPSHOT_SET, CLAIM_HOLDS },
		      { SNAPSHOT_CLEAR, CLAIM_REFUTED },
		      { SNAPSHOT_ABSENT, CLAIM_UNDECIDED } };

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		whole_run();
		realm_with_pages(PAGES, PAGES + 4095, rules[i].mark);
		check(judged_as(JUDGE_STRONGEST, false)->claims[CLAIM_DMA_IN_SHARED].state ==
		      rules[i].state);
		/* a queue is many addresses, and no buffer of any */
		check(rules[i].state != CLAIM_REFUTED ||
		      (last->nexamples == 1 && last->examples[0].event.orig == EVENT_NO_ADDR));
		/* a pool of which the kernel calls pages protected is not shared */
		facts->start->pages[0].mark = SNAPSHOT_SET;
		facts->end->page_mask = ALIAS;
		facts->end->pages = xcalloc(1, sizeof(*facts->end->pages));
		facts->end->npages = 1;
		facts->end->pages[0] =
			(struct snapshot_pages){ { SLOT(60), SLOT(62) - 1 }, 0, rules[i].mark };
		check(judged_as(JUDGE_STRONGEST, false)->claims[CLAIM_DMA_IN_SHARED].state ==
		      (rules[i].mark == SNAPSHOT_CLEAR ? CLAIM_UNDECIDED : CLAIM_HOLDS));
	}
}

/* An allocation of the stream that no event shows to be decrypted: if it is live, they decide. */
static void test_page_tables_of_stream(void)
{
	static const struct {
		enum snapshot_mark mark;
		bool ended; /* another one, before they were read */
		enum claim_state state;
	} rules[] = { { SNAPSHOT_SET, false, CLAIM_HOLDS },
		      { SNAPSHOT_SET, true, CLAIM_UNDECIDED },
		      { SNAPSHOT_CLEAR, false, CLAIM_REFUTED },
		      { SNAPSHOT_ABSENT, false, CLAIM_UNDECIDED } };

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		since_boot();
		window_closes();
		if (rules[i].ended) {
			alloc(0, PAGES + 8192, 4096);
			free_alloc(0, PAGES + 8192, 4096);
			for (int k = 0; k < 2; k++) { /* to the front */
				struct event last = stream[stream_len - 1];

				memmove(&stream[1], &stream[0], (stream_len - 1) * sizeof(last));
				stream[0] = last;
			}
			for (size_t k = 0; k < stream_len; k++)
				stream[k].ts_ns = 1000 * (k + 1);
		}
		realm_with_pages(PAGES, PAGES + 16383, rules[i].mark);
		check(judged_as(JUDGE_STRONGEST, false)->claims[CLAIM_DMA_IN_SHARED].state ==
		      rules[i].state);
	}
}

int main(void)
{
	test_page_tables_of_stream();
	test_scopes();
	test_unknown_start();
	test_old_memory();
	test_slot_left_out();
	test_behind_events();
	test_slots_at_end();
	test_map_that_fails();
	test_features();
	test_pages_cut_anew();
	test_part_of_ring();
	test_gap_before();
	test_queue_left_out();
	test_page_tables();
	machine_release();
	return done();
}
