/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What reading the simulated kernel's memory finds: rings, slots, and how pages are marked. */
#include <stdio.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/snapshot.h"
#include "tests/property/kernel.h"

#define NO_BUFFER UINT64_MAX

static struct snapshot_device *add_device(struct snapshot *s, int n, const struct sim_dev *d)
{
	XGROW(s->devices, s->ndevices, s->devices_cap);
	s->devices[s->ndevices] = (struct snapshot_device){
		.name = xasprintf("virtio%d", n),
		.parent = xstrdup(d->name),
		.features = 3ull << VIRTIO_F_VERSION_1,
	};
	return &s->devices[s->ndevices++];
}

/* A buffer that the device may use; drivers that keep pages mapped cut several from one mapping. */
static void add_descriptor(struct sim *s, struct snapshot_queue *q, struct sim_map *m, int head)
{
	uint64_t from = sim_one_in(s, 4) ? sim_below(s, m->size) : 0;

	XGROW(q->descriptors, q->ndescriptors, q->cap);
	q->descriptors[q->ndescriptors++] = (struct snapshot_descriptor){
		.address = m->dma + from,
		.length = (uint32_t)(1 + sim_below(s, m->size - from)),
		.head = (uint16_t)head,
		.use = m->dir == EVENT_TO_DEVICE ? SNAPSHOT_OUT : SNAPSHOT_IN,
	};
	if (!from)
		q->descriptors[q->ndescriptors - 1].length = (uint32_t)m->size;
	if (m->region >= 0 && !m->reported && !s->h->alias)
		sim_not_provable(s, "a decrypt that nothing reported");
	if (m->direct && !m->reported && !m->named && s->start)
		sim_not_provable(s, "nothing shows an older mapping without slots");
	m->named |= !from;
}

static void read_queue(struct sim *s, int dev, struct snapshot_device *d)
{
	struct snapshot_queue *q = d->queues = xcalloc(1, sizeof(*q));

	d->nqueues = d->cap = 1;
	q->name = s->devs[dev].virtio_id == 2 ? xstrdup("req.0") : NULL;
	q->dma_api = TRI_YES;
	q->size = MAX_MAPS;
	for (int i = 0; i < MAX_MAPS; i++) {
		struct sim_map *m = &s->maps[i];

		if (m->dev != dev || !m->live)
			continue;
		if (m->ring)
			q->rings[q->nrings++] = (struct snapshot_ring){ m->dma, m->size };
		else if (!m->alloc && !m->busy && !sim_one_in(s, 4))
			add_descriptor(s, q, m, i);
	}
}

static void read_pool(const struct sim *s, int pool, struct snapshot *to)
{
	struct snapshot_pool *p;
	uint64_t base = s->pools[pool].base;

	XGROW(to->pools, to->npools, to->pools_cap);
	p = &to->pools[to->npools++];
	*p = (struct snapshot_pool){ .range = { base, base + s->pools[pool].n * SLOT - 1 },
				     .slots = s->pools[pool].n,
				     .areas = 1 };
	for (int i = 0; i < MAX_MAPS; i++) {
		const struct sim_map *m = &s->maps[i];
		uint64_t start = base + m->slot * SLOT;

		if (!m->held || m->pool != pool)
			continue;
		p->used += m->nslots;
		XGROW(p->live, p->nlive, p->cap);
		p->live[p->nlive++] = (struct snapshot_live){
			.start = start,
			.orig = m->alloc ? NO_BUFFER : m->orig,
			.size = (m->dma & ~s->h->alias) - start + m->size,
		};
	}
}

/* A call whose slots changed hands, and that was not reported yet, when the reading ended. */
static bool is_in_flight(const struct sim *s, const struct op *op)
{
	if (op->kind == OP_MAP || op->kind == OP_ALLOC || op->kind == OP_FREE)
		return s->maps[op->map].held || op->n > 1;
	return op->kind == OP_UNMAP && op->phase;
}

static void others_go_on(struct sim *s)
{
	for (uint64_t n = sim_below(s, 4); n > 0; n--)
		sim_tick(s);
}

/* A buffer that is mapped as it is may share memory with another one that comes meanwhile. */
static bool older_is_spoken_of(const struct sim *s, size_t since)
{
	for (size_t i = since; i < s->h->count; i++) {
		const struct event *e = &s->h->steps[i].ev;

		for (int k = 0; k < MAX_MAPS; k++) {
			const struct sim_map *m = &s->maps[k];

			if (m->live && m->direct && !m->reported && e->kind == EVENT_MAP &&
			    e->dma != EVENT_NO_ADDR && e->dma < m->dma + m->size &&
			    m->dma < e->dma + e->size)
				return true;
		}
	}
	return false;
}

struct snapshot *sim_snapshot(struct sim *s)
{
	struct snapshot *to = snapshot_new();
	int cpu = sim_below(s, s->ncpus), n = 0;
	size_t since = s->h->count;

	sim_finish_cpu(s, cpu);
	for (int i = 0; i < 4; i++) {
		if (is_in_flight(s, &s->suspended[i]))
			sim_not_provable(s, "a call was preempted when memory was to be read");
	}
	for (int i = 0; i < s->ncpus; i++) {
		if (s->cpu[i].moved && is_in_flight(s, &s->cpu[i]))
			sim_not_provable(s, "a preempted call goes on when memory is to be read");
	}
	sim_mark(s, cpu, EVENT_MARK_SNAPSHOT);
	for (int i = 0; i < s->ndevs; i++) {
		if (!s->devs[i].virtio)
			continue;
		read_queue(s, i, add_device(to, n++, &s->devs[i]));
		others_go_on(s);
	}
	for (int i = 0; i < s->npools; i++)
		read_pool(s, i, to);
	others_go_on(s);
	sim_finish_cpu(s, cpu);
	for (int i = 0; i < s->ncpus; i++) {
		if (is_in_flight(s, &s->cpu[i]))
			sim_not_provable(s, "a call was on its way when memory had been read");
	}
	for (int i = 0; i < 4; i++) {
		if (is_in_flight(s, &s->suspended[i]))
			sim_not_provable(s, "a call was preempted when memory had been read");
	}
	if (older_is_spoken_of(s, since))
		sim_not_provable(s,
				 "an older buffer in memory that another one was given meanwhile");
	sim_mark(s, cpu, EVENT_MARK_SNAPSHOT);
	return to;
}

/* ---- facts ---- */

/* What a disk counted until memory was read: it was all mapped for it. */
static uint64_t counted(const struct sim *s, int dev, unsigned int dir)
{
	uint64_t sum = 0;
	int marks = 0;

	for (size_t i = 0; i < s->h->count && marks < 1; i++) {
		const struct event *e = &s->h->steps[i].ev;

		marks += e->kind == EVENT_MARK && e->aux == EVENT_MARK_COUNT;
		if (e->kind == EVENT_MAP && e->dma != EVENT_NO_ADDR && e->dev == s->devs[dev].id &&
		    (e->dir == dir || e->dir == EVENT_BIDIRECTIONAL))
			sum += e->size;
	}
	return sum / 512;
}

static void disk_facts(struct sim *s)
{
	struct platform *p = s->h->platform;
	int v = 0;

	p->disks = xcalloc(s->ndevs, sizeof(*p->disks));
	for (int i = 0; i < s->ndevs; i++) {
		struct platform_disk *d = &p->disks[p->ndisks];

		if (s->devs[i].virtio && s->devs[i].virtio_id == 2) {
			*d = (struct platform_disk){
				.name = xasprintf("vd%c", 'a' + (int)p->ndisks),
				.number = xasprintf("254:%zu", 16 * p->ndisks),
				.virtio = xasprintf("virtio%d", v),
				.device = xstrdup(s->devs[i].name),
				.counted = true,
			};
			d->before.read_sectors = counted(s, i, EVENT_FROM_DEVICE);
			d->before.written_sectors = counted(s, i, EVENT_TO_DEVICE);
			d->after = d->before;
			p->ndisks++;
		}
		v += s->devs[i].virtio;
	}
}

/* Packets that it counted until memory was read: each came in a buffer that was given back. */
static uint64_t packets(const struct sim *s, int dev)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->h->count; i++) {
		const struct event *e = &s->h->steps[i].ev;

		if (e->kind == EVENT_MARK && e->aux == EVENT_MARK_COUNT)
			break;
		n += e->dev == s->devs[dev].id && e->dir != EVENT_TO_DEVICE &&
		     (e->kind == EVENT_UNMAP || e->kind == EVENT_SYNC_CPU);
	}
	return n;
}

static void net_facts(struct sim *s)
{
	struct platform *p = s->h->platform;
	int v = 0;

	p->net = xcalloc(s->ndevs, sizeof(*p->net));
	for (int i = 0; i < s->ndevs; i++) {
		struct platform_net *n = &p->net[p->nnet];

		if (s->devs[i].virtio && s->devs[i].virtio_id == 1) {
			*n = (struct platform_net){
				.name = xasprintf("eth%zu", p->nnet),
				.virtio = xasprintf("virtio%d", v),
				.looked = true,
				.counted = true,
			};
			n->before.rx_packets = packets(s, i);
			n->after = n->before;
			p->nnet++;
		}
		v += s->devs[i].virtio;
	}
}

static void mark_pages(struct snapshot *s, uint64_t start, uint64_t size, enum snapshot_mark mark)
{
	XGROW(s->pages, s->npages, s->pages_cap);
	s->pages[s->npages++] = (struct snapshot_pages){ .range = { start, start + size - 1 },
							 .entry = ALIAS_BIT,
							 .mark = mark };
}

/* The pools, and the pages of the rings, which may be given to others later. */
static void page_facts(struct sim *s, struct snapshot *to)
{
	to->page_mask = ALIAS_BIT;
	for (int i = 0; i < s->npools; i++)
		mark_pages(to, s->pools[i].base, s->pools[i].n * SLOT, SNAPSHOT_SET);
	for (int i = 0; i < PAGES; i++) {
		bool shared = false;

		for (int k = 0; k < MAX_MAPS; k++) {
			const struct sim_map *m = &s->maps[k];

			shared |= m->ring && m->live && m->pool != 1 && i >= (int)m->page &&
				  i < (int)(m->page + m->npages);
		}
		if (shared)
			mark_pages(to, PAGES_BASE + i * PAGE, PAGE, SNAPSHOT_SET);
	}
}

static bool pages_tell(const struct history *h)
{
	const char *kind = h->platform->realm.kind;

	return h->sharing == SHARING_ALIAS ||
	       ((h->sharing == SHARING_PLAIN || h->sharing == SHARING_PLAIN_SILENT) && !kind);
}

static bool other_devices(const struct sim *s)
{
	for (int i = 0; i < s->ndevs; i++) {
		if (!s->devs[i].virtio)
			return true;
	}
	return false;
}

void sim_snapshot_facts(struct sim *s)
{
	struct platform *p = s->h->platform;

	if (pages_tell(s->h) && !sim_one_in(s, 4)) {
		p->realm.shared_bit = ALIAS_BIT;
		page_facts(s, s->start);
		page_facts(s, s->end);
	} else if (s->run &&
		   (s->h->sharing == SHARING_PLAIN || s->h->sharing == SHARING_PLAIN_SILENT)) {
		sim_not_provable(s, "nothing shows that older rings were decrypted");
	}
	p->start = s->start;
	p->end = s->end;
	if (s->from_boot) {
		disk_facts(s);
		net_facts(s);
	}
	if (!s->run)
		return;
	/* for the run */
	s->h->options.window_only = false;
	if (other_devices(s))
		sim_not_provable(s, "what no virtio device had cannot be read");
}
