/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts that the events contradict, and recordings that are not whole. */
#include "lib/judge/selfcheck/scene.h"

static void silent_disk(struct scene *s)
{
	static struct platform_disk disk = {
		.name = (char *)"nvme0n1",
		.number = (char *)"259:0",
		.device = (char *)"0000:00:09.0",
		.counted = true,
		.after = { .reads = 16, .read_sectors = 2048 },
	};

	s->facts.disks = &disk;
	s->facts.ndisks = 1;
}

static void disturbed(struct scene *s)
{
	static struct platform_change change = { .file = (char *)"tracing_on", .from_ns = 5 };

	s->facts.trace.changes = &change;
	s->facts.trace.nchanges = 1;
}

/* Facts of two moments, and the recording was over at the first of them. */
static void other_moments(struct scene *s)
{
	s->facts.moment.from_ns = 10000000000;
	s->facts.moment.to_ns = 20000000000;
}

/* Armed at boot: one buffer came back before the counters were read, and two packets had come. */
static void packets_before(struct scene *s)
{
	static struct platform_net net = {
		.name = (char *)"eth0",
		.virtio = (char *)"virtio0",
		.counted = true,
		.before = { .rx_packets = 2 },
		.after = { .rx_packets = 2 },
	};

	s->facts.net = &net;
	s->facts.nnet = 1;
	scene_insert(s, AT_STOP, scene_mark(EVENT_MARK_COUNT));
	scene_insert(s, AT_STOP, scene_mark(EVENT_MARK_COUNT));
}

static void denied(struct scene *s)
{
	s->features[VIRTIO_F_ACCESS_PLATFORM] = '0';
}

/* It never asks the DMA API. */
static void no_access_platform(struct scene *s)
{
	denied(s);
	s->ev[1] = s->ev[AT_STOP];
	s->n = 2;
}

static void silent(struct scene *s)
{
	/* the ring stays, under the name of a device that is no virtio device */
	for (size_t i = 0; i < s->n; i++)
		s->ev[i].dev = 0;
}

static void nothing(struct scene *s)
{
	s->ev[1] = s->ev[AT_STOP];
	s->n = 2;
}

static void wrong_nonce(struct scene *s)
{
	s->ev[AT_STOP].link++;
}

static void no_start(struct scene *s)
{
	scene_cut(s, AT_START);
}

static void no_canary(struct scene *s)
{
	s->ev[AT_CANARY_BOUNCE].size = s->ev[AT_CANARY].size = s->ev[AT_CANARY_UNMAP].size = 99;
}

static void not_armed(struct scene *s)
{
	s->info.nformats--;
}

static void inferred_pool(struct scene *s)
{
	s->pool.inferred = true;
}

static void stranger(struct scene *s)
{
	s->virtio.parent = s->pci.name = (char *)"0000:00:02.0";
	s->canary.kind = (char *)"none";
	s->facts.trace.from_boot = TRI_NO;
	s->virtio.activity_after = 1;
}

static void other_kernel(struct scene *s)
{
	scene_direct(s); /* and what would refute refutes nothing */
	s->facts.kernel.release = (char *)"6.12.1";
	s->info.release = (char *)"7.2.13";
}

static void other_run(struct scene *s)
{
	scene_direct(s);
	s->facts.trace.nonce++;
}

static void no_run(struct scene *s)
{
	scene_direct(s);
	s->facts.trace.nonce = 0;
}

static void other_pool(struct scene *s)
{
	scene_plain_ring_decrypted(s);
	s->pool.range.start -= 0x1000000;
	s->pool.range.end -= 0x1000000;
}

static void realm_denied(struct scene *s)
{
	scene_plain_ring(s);
	s->facts.realm.is_realm = TRI_NO;
}

static void no_room(struct scene *s)
{
	s->packets_dropped = 1;
}

const struct scene_case scene_facts_cases[] = {
	{ "a packet that was not captured", no_room, OUTCOME_INCONCLUSIVE, ANY, COND_NOTHING_LOST },
	{ "a disk that moved more than was mapped", silent_disk, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, ANY },
	{ "recording that was off for a moment", disturbed, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, COND_EVENTS_ARMED },
	{ "packets that came before the window, and buffers that did not", packets_before,
	  OUTCOME_INCONCLUSIVE, ANY, COND_NOTHING_LOST },
	{ "feature bit 33 clear", no_access_platform, OUTCOME_VIOLATED, CLAIM_NO_BYPASS, ANY },
	{ "feature bit 33 clear beside the device's DMA", denied, OUTCOME_INCONCLUSIVE,
	  CLAIM_NO_BYPASS, COND_FACTS_CONSISTENT },
	{ "facts of before and after another recording", other_moments, OUTCOME_INCONCLUSIVE, ANY,
	  COND_ENVIRONMENT_STABLE },
	{ "facts of another kernel", other_kernel, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED,
	  COND_FACTS_CONSISTENT },
	{ "facts of another run", other_run, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED,
	  COND_FACTS_CONSISTENT },
	{ "facts of no run", no_run, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED,
	  COND_FACTS_CONSISTENT },
	{ "another machine's pool", other_pool, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED,
	  COND_FACTS_CONSISTENT },
	{ "bounced without a Realm or force", realm_denied, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, COND_FACTS_CONSISTENT },
	{ "an active device without events", silent, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED,
	  COND_DEVICES_KNOWN },
	{ "nothing to judge", nothing, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED,
	  COND_CANARY_SEEN },
	{ "a marker of another run", wrong_nonce, OUTCOME_INCONCLUSIVE, ANY, COND_WINDOW_MARKED },
	{ "no start marker", no_start, OUTCOME_INCONCLUSIVE, ANY, COND_WINDOW_MARKED },
	{ "no canary", no_canary, OUTCOME_INCONCLUSIVE, ANY, COND_CANARY_SEEN },
	{ "an event that was not on", not_armed, OUTCOME_INCONCLUSIVE, CLAIM_LIFECYCLE,
	  COND_EVENTS_ARMED },
	{ "a pool that was guessed", inferred_pool, OUTCOME_INCONCLUSIVE, ANY, COND_POOL_KNOWN },
	{ "a device that the facts do not list", stranger, OUTCOME_INCONCLUSIVE, ANY,
	  COND_DEVICES_KNOWN },
	{ NULL, NULL, OUTCOME_INCONCLUSIVE, ANY, ANY },
};
