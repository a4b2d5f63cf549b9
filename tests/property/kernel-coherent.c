/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Coherent DMA: dma_alloc and dma_free, step by step. */
#include "tests/property/kernel.h"

static bool take_pages(struct sim *s, struct sim_map *m)
{
	unsigned int n = 1 + sim_below(s, 3), run = 0;

	m->npages = n;
	m->size = sim_one_in(s, 2) ? n * PAGE : n * PAGE - sim_below(s, PAGE);
	if (m->pool == 1) { /* a restricted pool serves allocations, too */
		m->orig = 0;
		m->size = n * PAGE;
		if (!sim_take_slots(s, m))
			return false;
		m->link = VIRT_BASE + (m->dma & ~s->h->alias) - RAM_BASE;
		return true;
	}
	for (unsigned int i = 0; i < PAGES; i++) {
		run = s->pages[i] ? 0 : run + 1;
		if (run < n)
			continue;
		m->page = i + 1 - n;
		for (unsigned int k = m->page; k <= i; k++)
			s->pages[k] = true;
		m->dma = sim_published(s, PAGES_BASE + m->page * PAGE);
		m->link = VIRT_BASE + PAGES_BASE + m->page * PAGE - RAM_BASE;
		return true;
	}
	return false;
}

static void tell_virt(struct sim *s, int cpu, const struct op *op, const struct sim_map *m,
		      unsigned int kind)
{
	struct event ev = { .kind = kind,
			    .flags = EVENT_F_VIRT | EVENT_F_PROBE,
			    .link = m->link,
			    .size = m->npages * PAGE,
			    .orig = EVENT_NO_ADDR,
			    .dma = EVENT_NO_ADDR,
			    .dir = EVENT_DIR_NONE };
	struct step step = { .ev = ev, .map = m->id, .made = MADE_ALLOC };

	if (!s->probes || !s->telling || m->pool == 1)
		return;
	step.ev.ts_ns = ++s->ts;
	step.ev.cpu = cpu;
	step.ev.pid = op->pid;
	history_insert(s->h, s->h->count, &step);
}

void sim_start_alloc(struct sim *s, int cpu, int dev)
{
	int i;
	struct sim_map *m = sim_new_map(s, &i);

	if (!m)
		return;
	m->dev = dev;
	m->dir = EVENT_BIDIRECTIONAL;
	m->alloc = true;
	m->pool = s->devs[dev].pool;
	if (!take_pages(s, m)) {
		m->busy = false;
		return;
	}
	if (m->pool == 1)
		m->npages = 0;
	s->cpu[cpu] = (struct op){ .kind = OP_ALLOC, .pid = sim_random_pid(s), .map = i, .n = 1 };
}

void sim_step_alloc(struct sim *s, int cpu, struct op *op)
{
	struct sim_map *m = &s->maps[op->map];

	if (op->phase++ == 0) {
		m->reported = s->telling; /* that it was decrypted */
		tell_virt(s, cpu, op, m, EVENT_DECRYPT);
		return;
	}
	if (s->devs[m->dev].iommu) {
		m->dma = s->devs[m->dev].iova -= 0x4000;
		if (s->telling && s->h->sharing != SHARING_REHEARSAL)
			sim_not_provable(s, "coherent memory behind an IOMMU");
	} else if (s->telling && !s->h->alias && s->h->sharing != SHARING_REHEARSAL &&
		   m->pool != 1 && (!s->probes || !s->listed || !m->reported)) {
		sim_not_provable(s, "no decrypt of coherent memory in a plain Realm");
	}
	m->reported = s->telling;
	sim_tell(s, cpu, op->pid, sim_event(s, EVENT_ALLOC, m), m, MADE_ALLOC);
	sim_slots_told(s, m);
	m->live = true;
	m->busy = false;
	op->kind = OP_NONE;
}

static bool is_unused_alloc(const struct sim_map *m)
{
	return m->alloc && !m->users && !m->ring;
}

void sim_start_free(struct sim *s, int cpu)
{
	int i;
	struct sim_map *m = sim_pick(s, is_unused_alloc, &i);

	if (!m)
		return;
	m->busy = true;
	s->cpu[cpu] = (struct op){ .kind = OP_FREE, .pid = sim_random_pid(s), .map = i, .n = 1 };
}

void sim_step_free(struct sim *s, int cpu, struct op *op)
{
	struct sim_map *m = &s->maps[op->map];

	if (op->phase++ == 0) {
		if (s->telling && !m->reported &&
		    ((!s->h->alias && s->h->sharing != SHARING_REHEARSAL && m->pool != 1) ||
		     (s->devs[m->dev].iommu && s->h->sharing != SHARING_REHEARSAL)))
			sim_not_provable(s, "an inherited allocation in a plain Realm");
		if (s->telling && !m->reported && s->run)
			sim_not_provable(s, "memory has no list of coherent allocations");
		sim_tell(s, cpu, op->pid, sim_event(s, EVENT_FREE, m), m, MADE_ALLOC);
		return;
	}
	tell_virt(s, cpu, op, m, EVENT_ENCRYPT);
	if (m->pool == 1) {
		sim_release_slots(s, m);
	} else {
		for (unsigned int k = m->page; k < m->page + m->npages; k++)
			s->pages[k] = false;
	}
	m->live = m->busy = false;
	op->kind = OP_NONE;
}
