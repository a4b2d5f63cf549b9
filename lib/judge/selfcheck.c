/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/judge/selfcheck.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/evidence/kernel-events.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/snapshot.h"
#include "lib/evidence/stream.h"
#include "lib/judge/judge.h"
#include "lib/verdict/verdict.h"

/*
 * The machine of all streams: a Realm with one network device.  Addresses are
 * as in a 33-bit IPA space: RAM below, its shared alias at BIT(32).
 */
#define C_BIT (1ull << 51)
#define ALIAS 0x100000000ull
#define RAM_START 0x80000000ull
#define RAM_END 0x9fffffffull
#define POOL_START 0x97400000ull
#define POOL_END 0x974fffffull /* inclusive: 1 MiB, 512 slots */
#define RING 0x8be20000ull
#define RING_VIRT 0xffff00000be20000ull
#define RING_SIZE 8192
#define BUFFER 0x847a2200ull
#define SLOT (POOL_START + 0x4000)
#define NONCE 0x5eed
#define CANARY 1234
#define MAX_EVENTS 32

/* Where the clean stream has what; changes refer to these. */
enum {
	AT_START,
	AT_RING,
	AT_BOUNCE,
	AT_MAP,
	AT_UNMAP,
	AT_CANARY_BOUNCE,
	AT_CANARY,
	AT_CANARY_UNMAP,
	AT_RX_BOUNCE,
	AT_RX,
	AT_RX_SYNC,
	AT_STOP,
	AT_COUNT
};

#define MAX_FORMATS 32

struct scene {
	char *signs[3];
	struct event ev[MAX_EVENTS];
	size_t n;
	struct platform facts;
	struct range ram;
	struct platform_pool pool;
	struct platform_virtio virtio;
	struct platform_pci pci;
	struct platform_canary canary;
	char features[65];
	struct stream_info info;
	struct stream_cpu cpu;
	struct stream_format formats[MAX_FORMATS];
	uint64_t packets_dropped;
	/* the kernel's memory at the start and at the end */
	struct memory {
		struct snapshot all;
		struct snapshot_device device;
		struct snapshot_queue queue;
		struct snapshot_descriptor descriptors[3];
		struct snapshot_pool pool;
		struct snapshot_live live[3];
	} memory[2];
};

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

static struct event mark(unsigned int which)
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
	put(s, mark(EVENT_MARK_START));
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
	put(s, mark(EVENT_MARK_STOP));
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
		if (events[i].had == HAD_ALL)
			s->formats[s->info.nformats++] = (struct stream_format){
				.system = (char *)events[i].system,
				.name = (char *)kernel_event_short(events[i].names[0]),
				.decoded = true
			};
	}
	s->info.by_ccaio = true;
	s->info.cpus = &s->cpu;
	s->info.ncpus = 1;
	s->cpu.has_stats = true;
	s->info.formats = s->formats;
}

/* ---- what goes wrong ---- */

static void cut_out(struct scene *s, size_t at)
{
	memmove(&s->ev[at], &s->ev[at + 1], (s->n - at - 1) * sizeof(s->ev[0]));
	s->n--;
}

static void insert(struct scene *s, size_t at, struct event ev)
{
	memmove(&s->ev[at + 1], &s->ev[at], (s->n - at) * sizeof(s->ev[0]));
	s->ev[at] = ev;
	s->n++;
}

/* ---- a run that began later: what is older is in the kernel's memory ---- */

#define OLD_SLOT (SLOT + 0x2000)

static void read_memory(struct scene *s, struct memory *m)
{
	m->live[0] = (struct snapshot_live){ OLD_SLOT, BUFFER + 0x4000, 1536 };
	m->descriptors[0] = (struct snapshot_descriptor){ OLD_SLOT | ALIAS, 1536, 0, SNAPSHOT_IN };
	m->pool = (struct snapshot_pool){ .range = s->pool.range,
					  .slots = s->facts.swiotlb.slots,
					  .areas = 1,
					  .used = 1,
					  .live = m->live,
					  .nlive = 1 };
	m->queue = (struct snapshot_queue){ .size = 8,
					    .dma_api = TRI_YES,
					    .rings = { { RING | ALIAS, RING_SIZE } },
					    .nrings = 1,
					    .descriptors = m->descriptors,
					    .ndescriptors = 1 };
	m->device = (struct snapshot_device){ .name = (char *)"virtio0",
					      .parent = s->virtio.parent,
					      .features = 3ull << VIRTIO_F_VERSION_1,
					      .queues = &m->queue,
					      .nqueues = 1 };
	m->all = (struct snapshot){
		.devices = &m->device, .ndevices = 1, .pools = &m->pool, .npools = 1
	};
}

static void not_from_boot(struct scene *s)
{
	s->facts.trace.from_boot = TRI_NO;
	cut_out(s, AT_RING);
}

static void of_the_run(struct scene *s)
{
	struct memory *end = &s->memory[1];

	not_from_boot(s);
	for (int i = 0; i < 2; i++) {
		read_memory(s, &s->memory[i]);
		insert(s, 1, mark(EVENT_MARK_SNAPSHOT));
		insert(s, s->n - 1, mark(EVENT_MARK_SNAPSHOT));
	}
	/* the receive buffer of the stream */
	end->live[end->pool.nlive++] = (struct snapshot_live){ SLOT, BUFFER, 4096 };
	end->pool.used += 2;
	end->descriptors[end->queue.ndescriptors++] =
		(struct snapshot_descriptor){ SLOT | ALIAS, 4096, 1, SNAPSHOT_IN };
	s->facts.start = &s->memory[0].all;
	s->facts.end = &end->all;
}

static void old_protected(struct scene *s)
{
	of_the_run(s);
	s->memory[0].descriptors[0].address = s->memory[1].descriptors[0].address = BUFFER;
}

static void slot_left_out(struct scene *s)
{
	of_the_run(s);
	s->memory[0].pool.nlive = 0;
}

static void moved_descriptor(struct scene *s)
{
	of_the_run(s);
	s->memory[1].descriptors[1].address += 0x8000;
}

static void hidden_descriptor(struct scene *s)
{
	of_the_run(s);
	s->memory[1].descriptors[1].address = BUFFER + 0x8000;
}

static void unknown_slot(struct scene *s)
{
	of_the_run(s);
	s->memory[1].live[1].start += 0x8000;
}

static void other_features(struct scene *s)
{
	of_the_run(s);
	s->memory[1].device.features |= 1;
}

/* ---- what goes wrong in the stream ---- */

static void direct(struct scene *s)
{
	s->ev[AT_MAP].dma = s->ev[AT_UNMAP].dma = BUFFER;
	cut_out(s, AT_BOUNCE);
}

static void original_published(struct scene *s)
{
	s->ev[AT_MAP].dma = s->ev[AT_UNMAP].dma = BUFFER;
}

static void no_bounce(struct scene *s)
{
	cut_out(s, AT_BOUNCE);
}

static void no_map(struct scene *s)
{
	cut_out(s, AT_MAP);
}

static void bounce_size(struct scene *s)
{
	s->ev[AT_BOUNCE].size -= 4;
}

static void overlap(struct scene *s)
{
	struct event unmap = s->ev[AT_UNMAP];

	cut_out(s, AT_UNMAP);
	insert(s, AT_CANARY_UNMAP, unmap); /* now after the canary took its slot */
}

static void alloc_overlap(struct scene *s)
{
	insert(s, AT_BOUNCE, s->ev[AT_RING]);
}

static void lost(struct scene *s)
{
	insert(s, AT_UNMAP, (struct event){ .kind = EVENT_LOST, .size = 3 });
}

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

static void truncated(struct scene *s)
{
	insert(s, AT_UNMAP, (struct event){ .kind = EVENT_SG_TRUNCATED, .dev = s->ev[AT_MAP].dev });
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

static void late_encrypt(struct scene *s)
{
	insert(s, AT_STOP, (struct event){ .kind = EVENT_ENCRYPT, .orig = SLOT, .size = 4096 });
}

static void ring_encrypted(struct scene *s)
{
	insert(s, AT_STOP,
	       (struct event){ .kind = EVENT_ENCRYPT,
			       .flags = EVENT_F_VIRT,
			       .link = RING_VIRT,
			       .size = RING_SIZE });
}

static void use_after_unmap(struct scene *s)
{
	struct event sync = s->ev[AT_UNMAP];

	sync.kind = EVENT_SYNC_DEVICE;
	insert(s, AT_CANARY_BOUNCE, sync);
}

static void double_unmap(struct scene *s)
{
	insert(s, AT_CANARY_BOUNCE, s->ev[AT_UNMAP]);
}

static void unmap_size(struct scene *s)
{
	s->ev[AT_UNMAP].size++;
}

static void unmap_direction(struct scene *s)
{
	s->ev[AT_UNMAP].dir = EVENT_FROM_DEVICE;
}

static void sync_beyond(struct scene *s)
{
	s->ev[AT_RX_SYNC].size = 4097;
}

static void past_end(struct scene *s)
{
	s->facts.realm.ipa_bits = 0; /* plain addresses: only the pool's bounds decide */
	s->ev[AT_RING].dma = POOL_START;
	for (size_t i = AT_MAP; i < AT_STOP; i++) {
		if (s->ev[i].dma != EVENT_NO_ADDR)
			s->ev[i].dma = SLOT;
	}
	s->ev[AT_RX].dma = s->ev[AT_RX_SYNC].dma = POOL_END + 1 - 2048;
}

static void past_alias(struct scene *s)
{
	s->ev[AT_RX].dma = s->ev[AT_RX_SYNC].dma = 2 * ALIAS - 2048;
}

static void plain_ring(struct scene *s)
{
	s->facts.realm.ipa_bits = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->ev[i].dma != EVENT_NO_ADDR)
			s->ev[i].dma &= ~ALIAS;
	}
}

static void plain_ring_decrypted(struct scene *s)
{
	plain_ring(s);
	insert(s, AT_RING,
	       (struct event){ .kind = EVENT_DECRYPT,
			       .flags = EVENT_F_VIRT,
			       .link = RING_VIRT,
			       .size = RING_SIZE });
}

static void guest(struct scene *s, const char *kind, const char *first, const char *second)
{
	s->signs[0] = (char *)first;
	s->signs[1] = (char *)second;
	s->facts.realm.kind = (char *)kind;
	s->facts.realm.signs = s->signs;
	s->facts.realm.nsigns = second ? 2 : 1;
}

/* Buffers of bounces carry the C-bit, and what the device is given does not. */
static void sev_guest(struct scene *s)
{
	plain_ring_decrypted(s);
	guest(s, "sev", "sev-log", "sev-msr");
	for (size_t i = 0; i < s->n; i++) {
		if (s->ev[i].kind == EVENT_BOUNCE)
			s->ev[i].orig |= C_BIT;
	}
}

static void sev_encrypted(struct scene *s)
{
	sev_guest(s);
	s->facts.realm.protected_bit = C_BIT;
	for (size_t i = 0; i < s->n; i++) {
		if (s->ev[i].kind == EVENT_ALLOC)
			s->ev[i].dma |= C_BIT;
	}
}

static void tdx_guest(struct scene *s)
{
	plain_ring_decrypted(s);
	guest(s, "tdx", "tdx-log", "tdx-cpuinfo");
}

static void tdx_half(struct scene *s)
{
	plain_ring_decrypted(s);
	guest(s, "tdx", "tdx-log", NULL);
}

static void unknown_guest(struct scene *s)
{
	plain_ring_decrypted(s);
	s->facts.realm.kind = (char *)"tdx9";
}

static void called_ordinary(struct scene *s)
{
	plain_ring_decrypted(s);
	s->facts.realm.is_realm = TRI_NO;
	s->facts.realm.kind = (char *)"tdx";
}

/* Coherent memory of a virtCCA guest comes from the pool, or is protected. */
static void virtcca_ring(struct scene *s)
{
	plain_ring_decrypted(s);
	guest(s, "virtcca", "virtcca-device", "virtcca-log");
	s->signs[2] = (char *)"virtcca-cmdline";
	s->facts.realm.nsigns = 3;
}

static void inferred_alias(struct scene *s)
{
	s->facts.realm.ipa_bits = 0;
}

static void another_bit(struct scene *s)
{
	s->facts.realm.ipa_bits = 0;
	s->ev[AT_RING].dma ^= ALIAS ^ (ALIAS << 1);
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
	cut_out(s, AT_START);
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

/* ---- facts that the evidence contradicts ---- */

static void other_kernel(struct scene *s)
{
	direct(s); /* and what would refute refutes nothing */
	s->facts.kernel.release = (char *)"6.12.1";
	s->info.release = (char *)"7.2.13";
}

static void other_run(struct scene *s)
{
	direct(s);
	s->facts.trace.nonce++;
}

static void other_pool(struct scene *s)
{
	plain_ring_decrypted(s);
	s->pool.range.start -= 0x1000000;
	s->pool.range.end -= 0x1000000;
}

static void bit_of_buffers(struct scene *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->ev[i].kind == EVENT_MAP || s->ev[i].kind == EVENT_BOUNCE)
			s->ev[i].orig |= ALIAS;
	}
}

static void realm_denied(struct scene *s)
{
	plain_ring(s);
	s->facts.realm.is_realm = TRI_NO;
}

static void no_room(struct scene *s)
{
	s->packets_dropped = 1;
}

#define ANY -1

static const struct {
	const char *name;
	void (*change)(struct scene *);
	enum outcome outcome;
	int claim; /* that must not hold (a clean stream: ANY), */
	int cond;  /* … or condition that must be unmet */
} cases[] = {
	{ "a clean stream", NULL, OUTCOME_PROVEN, ANY, ANY },
	{ "plain addresses, the rings seen decrypted", plain_ring_decrypted, OUTCOME_PROVEN, ANY,
	  ANY },
	{ "the shared bit inferred", inferred_alias, OUTCOME_PROVEN, ANY, ANY },
	{ "an SEV guest", sev_guest, OUTCOME_PROVEN, ANY, ANY },
	{ "a TDX guest", tdx_guest, OUTCOME_PROVEN, ANY, ANY },
	{ "an SEV guest's encrypted ring", sev_encrypted, OUTCOME_VIOLATED, CLAIM_DMA_IN_SHARED,
	  ANY },
	{ "a virtCCA guest's ring outside the pool", virtcca_ring, OUTCOME_VIOLATED,
	  CLAIM_DMA_IN_SHARED, ANY },
	{ "one sign of a TDX guest", tdx_half, OUTCOME_INCONCLUSIVE, ANY, ANY },
	{ "a kind of guest that nobody knows", unknown_guest, OUTCOME_INCONCLUSIVE, ANY, ANY },
	{ "a TDX guest called no confidential one", called_ordinary, OUTCOME_INCONCLUSIVE, ANY,
	  ANY },
	{ "a run whose older mappings are in the kernel's memory", of_the_run, OUTCOME_PROVEN, ANY,
	  ANY },
	{ "older mappings that nothing shows", not_from_boot, OUTCOME_INCONCLUSIVE, ANY,
	  COND_BASELINE },
	{ "an older mapping in protected memory", old_protected, OUTCOME_VIOLATED,
	  CLAIM_DMA_IN_SHARED, ANY },
	{ "a slot left out of the kernel's memory", slot_left_out, OUTCOME_INCONCLUSIVE, ANY,
	  COND_BASELINE },
	{ "a descriptor in the pool without an event", moved_descriptor, OUTCOME_INCONCLUSIVE, ANY,
	  COND_EVENTS_ARMED },
	{ "a descriptor in protected memory without an event", hidden_descriptor, OUTCOME_VIOLATED,
	  CLAIM_DMA_IN_SHARED, ANY },
	{ "slots in use without an event", unknown_slot, OUTCOME_INCONCLUSIVE, ANY,
	  COND_CONSERVED },
	{ "features that the kernel's memory contradicts", other_features, OUTCOME_INCONCLUSIVE,
	  ANY, COND_DEVICES_KNOWN },
	{ "protected memory mapped directly", direct, OUTCOME_VIOLATED, CLAIM_DMA_IN_SHARED, ANY },
	{ "a bounced buffer published itself", original_published, OUTCOME_VIOLATED,
	  CLAIM_BOUNCE_PAIRED, ANY },
	{ "a map without its bounce", no_bounce, OUTCOME_VIOLATED, CLAIM_BOUNCE_PAIRED, ANY },
	{ "a bounce without its map", no_map, OUTCOME_VIOLATED, CLAIM_LIFECYCLE, COND_CONSERVED },
	{ "a pair that differs in size", bounce_size, OUTCOME_VIOLATED, CLAIM_BOUNCE_PAIRED, ANY },
	{ "two mappings in one slot", overlap, OUTCOME_VIOLATED, CLAIM_SLOTS_DISJOINT, ANY },
	{ "two allocations in one place", alloc_overlap, OUTCOME_VIOLATED, CLAIM_SLOTS_DISJOINT,
	  ANY },
	{ "a lost page", lost, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED, COND_NOTHING_LOST },
	{ "a packet that was not captured", no_room, OUTCOME_INCONCLUSIVE, ANY, COND_NOTHING_LOST },
	{ "a disk that moved more than was mapped", silent_disk, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, ANY },
	{ "recording that was off for a moment", disturbed, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, COND_EVENTS_ARMED },
	{ "a cut scatter-gather event", truncated, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED,
	  COND_NOT_TRUNCATED },
	{ "feature bit 33 clear", no_access_platform, OUTCOME_VIOLATED, CLAIM_NO_BYPASS, ANY },
	{ "feature bit 33 clear beside the device's DMA", denied, OUTCOME_INCONCLUSIVE,
	  CLAIM_NO_BYPASS, COND_FACTS_CONSISTENT },
	{ "facts of another kernel", other_kernel, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED,
	  COND_FACTS_CONSISTENT },
	{ "facts of another run", other_run, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED,
	  COND_FACTS_CONSISTENT },
	{ "another machine's pool", other_pool, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED,
	  COND_FACTS_CONSISTENT },
	{ "a shared bit that buffers carry", bit_of_buffers, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, COND_FACTS_CONSISTENT },
	{ "bounced without a Realm or force", realm_denied, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, COND_FACTS_CONSISTENT },
	{ "memory protected while published", late_encrypt, OUTCOME_VIOLATED, CLAIM_DMA_IN_SHARED,
	  ANY },
	{ "rings protected while published", ring_encrypted, OUTCOME_VIOLATED, CLAIM_DMA_IN_SHARED,
	  ANY },
	{ "a sync after the unmap", use_after_unmap, OUTCOME_VIOLATED, CLAIM_LIFECYCLE, ANY },
	{ "a second unmap", double_unmap, OUTCOME_VIOLATED, CLAIM_LIFECYCLE, ANY },
	{ "an unmap of another size", unmap_size, OUTCOME_VIOLATED, CLAIM_LIFECYCLE, ANY },
	{ "an unmap of another direction", unmap_direction, OUTCOME_VIOLATED, CLAIM_LIFECYCLE,
	  ANY },
	{ "a sync beyond its mapping", sync_beyond, OUTCOME_VIOLATED, CLAIM_LIFECYCLE, ANY },
	{ "a mapping past the pool's end", past_end, OUTCOME_VIOLATED, CLAIM_DMA_IN_SHARED, ANY },
	{ "a mapping past the alias' end", past_alias, OUTCOME_VIOLATED, CLAIM_DMA_IN_SHARED, ANY },
	{ "plain addresses, the rings' decryption not seen", plain_ring, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, ANY },
	{ "an address bit that nothing explains", another_bit, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, ANY },
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
};

static int replay(size_t i, const struct names *names, uint16_t dev, struct err *err)
{
	struct scene s = { .n = 0 };
	struct verdict *v;
	struct judge *judge;
	bool right;

	clean_events(&s, dev);
	clean_facts(&s, (char *)names_get(names, dev));
	clean_info(&s);
	if (cases[i].change)
		cases[i].change(&s);
	for (size_t k = 0; k < s.n; k++)
		s.ev[k].ts_ns = 1000 + 1000 * k;
	s.cpu.events = s.n;
	judge = judge_new(&s.facts, names, NULL);
	judge_feed(judge, s.ev, s.n);
	if (s.packets_dropped)
		judge_set_traffic(judge, &(struct judge_traffic){ .conserved = true,
								  .dropped = s.packets_dropped });
	v = judge_finish(judge, &s.info);
	right = v->outcome == cases[i].outcome &&
		(cases[i].claim == ANY || v->claims[cases[i].claim].state != CLAIM_HOLDS) &&
		(cases[i].cond == ANY || v->conds[cases[i].cond].state == COND_UNMET);
	if (!right)
		err_set(err, EPROTO,
			"the self-check failed on '%s': the judge says %s where it must say %s; "
			"this build cannot be trusted",
			cases[i].name, outcome_name(v->outcome), outcome_name(cases[i].outcome));
	verdict_free(v);
	judge_free(judge);
	return right ? 0 : -EPROTO;
}

int selfcheck(struct err *err)
{
	static const char device[] = "0000:00:01.0";
	struct names *names = names_new();
	uint16_t dev = names_intern(names, device, sizeof(device) - 1);
	int n = sizeof(cases) / sizeof(cases[0]), ret = 0;

	for (int i = 0; i < n && ret == 0; i++)
		ret = replay(i, names, dev, err);
	names_free(names);
	return ret < 0 ? ret : n;
}
