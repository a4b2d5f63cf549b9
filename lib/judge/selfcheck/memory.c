/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A run that began later: older mappings are in the kernel's memory. */
#include <string.h>

#include "lib/judge/selfcheck/scene.h"

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
	scene_cut(s, AT_RING);
}

static void of_the_run(struct scene *s)
{
	struct memory *end = &s->memory[1];

	not_from_boot(s);
	for (int i = 0; i < 2; i++) {
		read_memory(s, &s->memory[i]);
		scene_insert(s, 1, scene_mark(EVENT_MARK_SNAPSHOT));
		scene_insert(s, s->n - 1, scene_mark(EVENT_MARK_SNAPSHOT));
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

static void slot_of_nobody(struct scene *s)
{
	struct memory *start = &s->memory[0];

	of_the_run(s);
	start->live[start->pool.nlive++] =
		(struct snapshot_live){ OLD_SLOT + 0x8000, BUFFER, 2048 };
	start->pool.used++;
}

static void queue_left_out(struct scene *s)
{
	of_the_run(s);
	s->memory[1].device.nqueues = 0;
}

/* The start as it was at the end: a buffer has its slots before it was mapped. */
static void another_moment(struct scene *s)
{
	of_the_run(s);
	s->facts.start = s->facts.end;
}

static void protected_page(struct scene *s)
{
	static struct snapshot_pages page;

	of_the_run(s);
	page = (struct snapshot_pages){ { RING, RING + RING_SIZE - 1 }, 0, SNAPSHOT_CLEAR };
	s->facts.realm.shared_bit = ALIAS;
	s->memory[0].all.page_mask = ALIAS;
	s->memory[0].all.pages = &page;
	s->memory[0].all.npages = 1;
}

/* Plain addresses, and an allocation of the run: which pages are shared, page tables show. */
static void plain_pages(struct scene *s)
{
	static const struct snapshot_pages set[] = {
		{ { RING, RING + RING_SIZE - 1 }, ALIAS, SNAPSHOT_SET },
		{ { RING + 0x4000, RING + 0x4000 + RING_SIZE - 1 }, ALIAS, SNAPSHOT_SET },
	};
	static struct snapshot_pages pages[2];
	struct event alloc = s->ev[AT_RING];

	of_the_run(s);
	alloc.dma = RING + 0x4000;
	alloc.link = RING_VIRT + 0x4000;
	scene_insert(s, 3, alloc); /* after the window's start and the two marks of the snapshot */
	for (size_t i = 0; i < s->n; i++) {
		if (s->ev[i].dma != EVENT_NO_ADDR)
			s->ev[i].dma &= ~ALIAS;
	}
	s->facts.realm.shared_bit = ALIAS;
	memcpy(pages, set, sizeof(set));
	for (int i = 0; i < 2; i++) {
		struct memory *m = &s->memory[i];

		m->queue.rings[0].address &= ~ALIAS;
		for (size_t k = 0; k < m->queue.ndescriptors; k++)
			m->descriptors[k].address &= ~ALIAS;
		m->all.page_mask = ALIAS;
		m->all.pages = pages;
		m->all.npages = 2;
	}
}

static void page_not_looked_at(struct scene *s)
{
	plain_pages(s);
	s->memory[0].all.npages = s->memory[1].all.npages = 1;
}

/* By its events it is shared. */
static void page_against_events(struct scene *s)
{
	static struct snapshot_pages pages[2];

	plain_pages(s);
	scene_insert(s, 3,
		     (struct event){ .kind = EVENT_DECRYPT,
				     .dir = EVENT_DIR_NONE,
				     .flags = EVENT_F_VIRT | EVENT_F_PROBE,
				     .dma = EVENT_NO_ADDR,
				     .orig = EVENT_NO_ADDR,
				     .link = RING_VIRT + 0x4000,
				     .size = RING_SIZE });
	memcpy(pages, s->memory[1].all.pages, sizeof(pages));
	pages[1].mark = SNAPSHOT_CLEAR;
	s->memory[1].all.pages = pages;
}

const struct scene_case scene_memory_cases[] = {
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
	{ "slots in use that nobody gives back", slot_of_nobody, OUTCOME_INCONCLUSIVE, ANY,
	  COND_CONSERVED },
	{ "a queue left out of the kernel's memory", queue_left_out, OUTCOME_INCONCLUSIVE, ANY,
	  COND_DEVICES_KNOWN },
	{ "the kernel's memory of another moment", another_moment, OUTCOME_INCONCLUSIVE,
	  CLAIM_SLOTS_DISJOINT, ANY },
	{ "a ring whose page the kernel marks as protected", protected_page, OUTCOME_VIOLATED,
	  CLAIM_DMA_IN_SHARED, ANY },
	{ "plain addresses whose pages the kernel marks as shared", plain_pages, OUTCOME_PROVEN,
	  ANY, ANY },
	{ "an allocation that events show as shared, and the kernel's pages as protected",
	  page_against_events, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED, ANY },
	{ "an allocation whose pages nobody looked at", page_not_looked_at, OUTCOME_INCONCLUSIVE,
	  CLAIM_DMA_IN_SHARED, ANY },
	{ NULL, NULL, OUTCOME_INCONCLUSIVE, ANY, ANY },
};
