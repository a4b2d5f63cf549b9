/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/property/kernel.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

#define NONCE 0xc0ffee

static uint64_t below(struct sim *s, uint64_t n)
{
	return rng_below(&s->r, n);
}

static bool one_in(struct sim *s, uint64_t n)
{
	return rng_one_in(&s->r, n);
}

static void not_provable(struct sim *s, const char *why)
{
	s->h->provable = false;
	s->h->why = why;
}

/* ---- telling ---- */

static void tell(struct sim *s, int cpu, int32_t pid, struct event ev, const struct sim_map *m,
		 enum made made)
{
	struct step step = { .ev = ev, .map = m ? m->id : 0, .made = made };

	if (!s->telling || (ev.kind == EVENT_BOUNCE && !s->tell_bounce))
		return;
	if (!s->same_record && !one_in(s, 10)) /* equal times happen */
		s->ts += 1 + below(s, 2000);
	step.ev.ts_ns = s->ts;
	step.ev.cpu = cpu;
	step.ev.pid = pid;
	if (m) {
		struct sim_dev *d = &s->devs[m->dev];

		step.trusted = d->tdisp;
		step.within = m->within;
		d->told |= ev.kind != EVENT_NET_XMIT_START;
	}
	s->any_bounce |= ev.kind == EVENT_BOUNCE;
	history_insert(s->h, s->h->count, &step);
}

static struct event of(const struct sim *s, unsigned int kind, const struct sim_map *m)
{
	struct event ev = {
		.kind = kind,
		.dev = s->devs[m->dev].id,
		.dir = m->dir,
		.orig = EVENT_NO_ADDR,
		.dma = m->dma,
		.size = m->size,
		.attrs = m->attrs,
		.flags = m->sg ? EVENT_F_SG : 0,
	};

	if (kind == EVENT_MAP || kind == EVENT_MAP_FAILED || kind == EVENT_BOUNCE)
		ev.orig = m->orig;
	if (kind == EVENT_BOUNCE) {
		ev.dir = EVENT_DIR_NONE;
		ev.dma = EVENT_NO_ADDR;
		ev.attrs = ev.flags = 0;
	}
	if (kind == EVENT_SYNC_CPU || kind == EVENT_SYNC_DEVICE)
		ev.attrs = 0;
	if (kind == EVENT_ALLOC || kind == EVENT_FREE)
		ev.link = m->link;
	return ev;
}

static enum made made_of(const struct sim_map *m)
{
	return m->alloc ? MADE_ALLOC : m->direct ? MADE_DIRECT : MADE_BOUNCED;
}

/* ---- memory ---- */

static uint64_t published(const struct sim *s, uint64_t phys)
{
	return phys | s->h->alias;
}

static bool take_slots(struct sim *s, struct sim_map *m)
{
	/* the low bits of the buffer's address may have to stay (min_align_mask) */
	uint64_t offset = one_in(s, 3) ? m->orig & (SLOT - 1) : 0;
	unsigned int n = (offset + m->size + SLOT - 1) / SLOT, run = 0;

	for (unsigned int i = 0; i < s->pools[m->pool].n; i++) {
		run = s->pools[m->pool].used[i] ? 0 : run + 1;
		if (run < n)
			continue;
		m->slot = i + 1 - n;
		m->nslots = n;
		for (unsigned int k = m->slot; k <= i; k++)
			s->pools[m->pool].used[k] = true;
		if (m->pool == 0)
			s->used += n;
		if (s->used > s->hiwater)
			s->hiwater = s->used;
		m->dma = published(s, s->pools[m->pool].base + m->slot * SLOT + offset);
		return true;
	}
	return false;
}

static void release_slots(struct sim *s, struct sim_map *m)
{
	for (unsigned int k = m->slot; k < m->slot + m->nslots; k++)
		s->pools[m->pool].used[k] = false;
	if (m->pool == 0)
		s->used -= m->nslots;
}

static void slots_told(struct sim *s, const struct sim_map *m)
{
	for (unsigned int k = m->slot; k < m->slot + m->nslots; k++)
		s->pools[m->pool].taken[k] = ++s->clock;
}

/* Was it told since that a slot of m has another mapping? */
static bool retaken(const struct sim *s, const struct sim_map *m, uint64_t since)
{
	for (unsigned int k = m->slot; k < m->slot + m->nslots; k++) {
		if (s->pools[m->pool].taken[k] > since)
			return true;
	}
	return false;
}

static struct sim_map *new_map(struct sim *s, int *index)
{
	for (int i = 0; i < MAX_MAPS; i++) {
		struct sim_map *m = &s->maps[i];

		if (m->live || m->busy)
			continue;
		*m = (struct sim_map){ .busy = true,
				       .parent = -1,
				       .region = -1,
				       .group = -1,
				       .nents = 1,
				       .id = ++s->h->maps };
		*index = i;
		return m;
	}
	return NULL;
}

/* A random live mapping that nobody works on and that fits, or NULL. */
static struct sim_map *pick(struct sim *s, bool (*fits)(const struct sim_map *), int *index)
{
	int start = below(s, MAX_MAPS);

	for (int k = 0; k < MAX_MAPS; k++) {
		int i = (start + k) % MAX_MAPS;
		struct sim_map *m = &s->maps[i];

		if (m->live && !m->busy && fits(m)) {
			*index = i;
			return m;
		}
	}
	return NULL;
}

static bool is_streaming(const struct sim_map *m)
{
	return !m->alloc;
}

static bool is_alloc(const struct sim_map *m)
{
	return m->alloc;
}

static bool is_unused_alloc(const struct sim_map *m)
{
	return m->alloc && !m->users;
}

static bool is_any(const struct sim_map *m)
{
	(void)m;
	return true;
}

/* ---- map ---- */

static uint64_t random_size(struct sim *s)
{
	static const uint64_t usual[] = { 1, 16, 32, 66, 163, 512, 1536, 2048, 2049, 4096, 6000 };

	return one_in(s, 3) ? 1 + below(s, 9000) : usual[below(s, sizeof(usual) / sizeof(*usual))];
}

static bool free_pid(const struct sim *s, int32_t pid)
{
	for (int c = 0; c < s->ncpus; c++) {
		if (s->cpu[c].kind && s->cpu[c].pid == pid)
			return false;
	}
	for (int i = 0; i < 4; i++) {
		if (s->suspended[i].kind && s->suspended[i].pid == pid)
			return false;
	}
	return true;
}

/* A task nobody else is, or the idle task (softirq). */
static int32_t random_pid(struct sim *s)
{
	int32_t pid = one_in(s, 3) ? 0 : 100 + (int32_t)below(s, 12);

	return free_pid(s, pid) ? pid : 0;
}

static void start_map(struct sim *s, int cpu, int dev, bool canary)
{
	struct op *op = &s->cpu[cpu];
	int n = !canary && one_in(s, 5) ? 1 + below(s, MAX_SG) : 1;
	uint8_t dir = one_in(s, 8)   ? EVENT_BIDIRECTIONAL
		      : one_in(s, 2) ? EVENT_TO_DEVICE
				     : EVENT_FROM_DEVICE;
	bool sg = !canary && (n > 1 || one_in(s, 10));
	int first = -1;

	if (canary)
		dir = s->devs[dev].virtio_id == 2 ? EVENT_FROM_DEVICE : EVENT_TO_DEVICE;
	for (int k = 0; k < n; k++) {
		int i;
		struct sim_map *m = new_map(s, &i);

		if (!m) {
			n = k;
			break;
		}
		/* entries of a group are found by their index: keep them adjacent */
		if (k && i != first + k) {
			m->busy = false;
			n = k;
			break;
		}
		if (!k)
			first = i;
		m->dev = dev;
		m->dir = dir;
		m->sg = sg;
		m->group = sg ? first : -1;
		m->pool = s->devs[dev].pool;
		m->size = canary ? s->canary_size : random_size(s);
		m->orig = BUFFER_BASE + below(s, one_in(s, 4) ? 8 : 4096) * 0x400 +
			  (one_in(s, 2) ? below(s, 1024) : 0);
	}
	if (!n)
		return;
	s->maps[first].nents = n;
	*op = (struct op){ .kind = OP_MAP,
			   .pid = random_pid(s),
			   .map = first,
			   .n = n,
			   .sg = sg,
			   .canary = canary };
}

static void map_failed(struct sim *s, int cpu, struct op *op, int got)
{
	/* of a list that could not be mapped the kernel tells nothing, but with a strange error */
	bool silent = op->sg && one_in(s, 2);

	if (silent && s->telling)
		not_provable(s, "a list that could not be mapped is not told");
	for (int k = 0; k < op->n; k++) {
		struct sim_map *m = &s->maps[op->map + k];
		struct event ev = of(s, op->sg ? EVENT_MAP_FAILED : EVENT_MAP, m);

		s->same_record = k > 0;
		if (k < got)
			release_slots(s, m);
		ev.dma = EVENT_NO_ADDR;
		if (op->sg)
			ev.size = 0; /* not told */
		if (!silent)
			tell(s, cpu, op->pid, ev, m, MADE_FAILED);
		/* the bounces of this failed map are what they are */
		for (size_t i = 0; i < s->h->count; i++) {
			if (s->h->steps[i].map == m->id)
				s->h->steps[i].made = MADE_FAILED;
		}
		m->busy = false;
	}
	s->same_record = false;
	op->kind = OP_NONE;
}

static void step_map(struct sim *s, int cpu, struct op *op)
{
	int k = op->phase / 2;

	if (k < op->n && op->phase % 2 == 0) {
		struct sim_map *m = &s->maps[op->map + k];

		m->told = s->telling && s->tell_bounce;
		tell(s, cpu, op->pid, of(s, EVENT_BOUNCE, m), m, MADE_BOUNCED);
		op->phase++;
		return;
	}
	if (k < op->n) {
		if (!take_slots(s, &s->maps[op->map + k])) {
			map_failed(s, cpu, op, k);
			return;
		}
		op->phase++;
		return;
	}
	for (int i = 0; i < op->n; i++) {
		struct sim_map *m = &s->maps[op->map + i];

		s->same_record = i > 0;
		if (s->telling && !m->told)
			s->early = true;
		m->told = s->telling;
		if (s->devs[m->dev].iommu) {
			m->dma = s->devs[m->dev].iova -= 0x4000;
			not_provable(s, "bounced behind an IOMMU");
		}
		tell(s, cpu, op->pid, of(s, EVENT_MAP, m), m, MADE_BOUNCED);
		slots_told(s, m);
		m->live = true;
		m->busy = false;
		if (op->canary && s->telling)
			s->canary_done = true;
	}
	s->same_record = false;
	op->kind = OP_NONE;
}

/* ---- unmap ---- */

static void start_unmap(struct sim *s, int cpu)
{
	int i;
	struct sim_map *m = pick(s, is_streaming, &i);

	if (!m)
		return;
	if (m->group >= 0) {
		i = m->group;
		m = &s->maps[i];
	}
	for (int k = 0; k < m->nents; k++)
		s->maps[i + k].busy = true;
	s->cpu[cpu] = (struct op){
		.kind = OP_UNMAP, .pid = random_pid(s), .map = i, .n = m->nents, .sg = m->sg
	};
}

static void give_back(struct sim *s, struct sim_map *m)
{
	if (!m->direct)
		release_slots(s, m);
}

/* A driver gives memory away only when its unmap has returned. */
static void let_go(struct sim *s, struct sim_map *m)
{
	if (m->parent >= 0)
		s->maps[m->parent].users--;
	if (m->region >= 0)
		s->region_users[m->region]--;
	m->live = m->busy = false;
}

static void tell_unmap(struct sim *s, int cpu, const struct op *op, const struct sim_map *m)
{
	struct event ev = of(s, EVENT_UNMAP, m);

	if (op->sg) {
		ev.orig = m->orig;
		ev.dma = EVENT_NO_ADDR;
		ev.size = 0;
		ev.flags |= EVENT_F_BY_ORIG;
		if (s->telling && !m->told)
			not_provable(s, "an inherited sg mapping has no known address");
	} else if (m->direct && !m->told && s->telling && !s->h->alias && m->region >= 0) {
		not_provable(s, "a decrypt that nobody told");
	} else if (!m->direct && s->telling && retaken(s, m, op->taken)) {
		not_provable(s, "a slot was reused before its unmap was told");
	}
	tell(s, cpu, op->pid, ev, m, made_of(m));
}

static void step_unmap(struct sim *s, int cpu, struct op *op)
{
	bool telling = op->sg == (op->phase == 0); /* sg: told first, else released first */

	for (int k = 0; k < op->n; k++) {
		struct sim_map *m = &s->maps[op->map + k];

		s->same_record = k > 0;
		if (telling)
			tell_unmap(s, cpu, op, m);
		else
			give_back(s, m);
	}
	s->same_record = false;
	op->taken = s->clock;
	if (op->phase++ == 0)
		return;
	for (int k = 0; k < op->n; k++)
		let_go(s, &s->maps[op->map + k]);
	op->kind = OP_NONE;
}

/* ---- coherent memory ---- */

static bool take_pages(struct sim *s, struct sim_map *m)
{
	unsigned int n = 1 + below(s, 3), run = 0;

	m->npages = n;
	m->size = one_in(s, 2) ? n * PAGE : n * PAGE - below(s, PAGE);
	if (m->pool == 1) { /* a restricted pool serves allocations, too */
		m->orig = 0;
		m->size = n * PAGE;
		if (!take_slots(s, m))
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
		m->dma = published(s, PAGES_BASE + m->page * PAGE);
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

static void start_alloc(struct sim *s, int cpu, int dev)
{
	int i;
	struct sim_map *m = new_map(s, &i);

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
	s->cpu[cpu] = (struct op){ .kind = OP_ALLOC, .pid = random_pid(s), .map = i, .n = 1 };
}

static void step_alloc(struct sim *s, int cpu, struct op *op)
{
	struct sim_map *m = &s->maps[op->map];

	if (op->phase++ == 0) {
		m->told = s->telling; /* that it was decrypted */
		tell_virt(s, cpu, op, m, EVENT_DECRYPT);
		return;
	}
	if (s->devs[m->dev].iommu) {
		m->dma = s->devs[m->dev].iova -= 0x4000;
		if (s->telling && s->h->sharing != SHARING_REHEARSAL)
			not_provable(s, "coherent memory behind an IOMMU");
	} else if (s->telling && !s->h->alias && s->h->sharing != SHARING_REHEARSAL &&
		   m->pool != 1 && (!s->probes || !m->told)) {
		not_provable(s, "no decrypt of coherent memory in a plain Realm");
	}
	m->told = s->telling;
	tell(s, cpu, op->pid, of(s, EVENT_ALLOC, m), m, MADE_ALLOC);
	slots_told(s, m);
	m->live = true;
	m->busy = false;
	op->kind = OP_NONE;
}

static void start_free(struct sim *s, int cpu)
{
	int i;
	struct sim_map *m = pick(s, is_unused_alloc, &i);

	if (!m)
		return;
	m->busy = true;
	s->cpu[cpu] = (struct op){ .kind = OP_FREE, .pid = random_pid(s), .map = i, .n = 1 };
}

static void step_free(struct sim *s, int cpu, struct op *op)
{
	struct sim_map *m = &s->maps[op->map];

	if (op->phase++ == 0) {
		if (s->telling && !m->told &&
		    ((!s->h->alias && s->h->sharing != SHARING_REHEARSAL && m->pool != 1) ||
		     (s->devs[m->dev].iommu && s->h->sharing != SHARING_REHEARSAL)))
			not_provable(s, "an inherited allocation in a plain Realm");
		tell(s, cpu, op->pid, of(s, EVENT_FREE, m), m, MADE_ALLOC);
		return;
	}
	tell_virt(s, cpu, op, m, EVENT_ENCRYPT);
	if (m->pool == 1) {
		release_slots(s, m);
	} else {
		for (unsigned int k = m->page; k < m->page + m->npages; k++)
			s->pages[k] = false;
	}
	m->live = m->busy = false;
	op->kind = OP_NONE;
}

/* ---- what takes one step ---- */

static void do_sync(struct sim *s, int cpu)
{
	int i;
	struct sim_map *m = pick(s, is_any, &i);
	bool to_cpu;
	struct event ev;

	if (!m)
		return;
	to_cpu = m->dir == EVENT_FROM_DEVICE || (m->dir == EVENT_BIDIRECTIONAL && one_in(s, 2));
	if (one_in(s, 6))
		to_cpu = !to_cpu;
	ev = of(s, to_cpu ? EVENT_SYNC_CPU : EVENT_SYNC_DEVICE, m);
	if (one_in(s, 2)) { /* a part of it */
		uint64_t from = below(s, m->size);

		ev.dma += from;
		ev.size = 1 + below(s, m->size - from);
	}
	/* an inherited one at a plain address outside the pool: who knows what it is? */
	if (s->telling && !m->told && !s->h->alias && (m->alloc ? m->pool != 1 : m->direct))
		not_provable(s, "a sync of inherited memory outside the pool");
	if (s->telling && !m->told && s->devs[m->dev].iommu)
		not_provable(s, "a sync of inherited memory behind an IOMMU");
	tell(s, cpu, random_pid(s), ev, m, made_of(m));
}

/* Memory that is shared already is mapped as it is. */
static void do_direct(struct sim *s, int cpu, int dev)
{
	int i, parent = -1, region = -1;
	struct sim_map *a = NULL, *m;

	if (s->devs[dev].tdisp) { /* accepted: any memory */
		m = new_map(s, &i);
		if (!m)
			return;
		m->orig = BUFFER_BASE + below(s, 4096) * 0x400;
		m->size = random_size(s);
		m->dma = m->orig;
		goto tell;
	}
	if (one_in(s, 2) && !s->devs[dev].iommu) {
		a = pick(s, is_alloc, &parent);
		if (!a || a->dev != dev || (!a->told && !s->h->alias))
			return;
	} else {
		region = below(s, REGIONS);
		if (!s->region_shared[region] || s->h->sharing == SHARING_REHEARSAL)
			return;
		if (s->devs[dev].iommu && !s->region_told[region])
			return;
	}
	m = new_map(s, &i);
	if (!m)
		return;
	if (a) {
		uint64_t from = below(s, a->size);

		m->within = true;
		m->size = 1 + below(s, a->size - from);
		m->orig = (a->dma & ~s->h->alias) + from;
		a->users++;
	} else {
		uint64_t from = below(s, 2 * PAGE - 1);

		m->size = 1 + below(s, 2 * PAGE - from);
		m->orig = REGION_BASE + region * 0x10000 + from;
		s->region_users[region]++;
		if (s->telling && !s->h->alias && !s->region_told[region])
			not_provable(s, "a decrypt that nobody told");
	}
	m->dma = published(s, m->orig);
	if (s->h->sharing != SHARING_REHEARSAL)
		m->attrs = EVENT_ATTR_CC_SHARED;
	if (s->devs[dev].iommu)
		m->dma = s->devs[dev].iova -= 0x4000;
tell:
	m->dev = dev;
	m->dir = one_in(s, 2) ? EVENT_TO_DEVICE : EVENT_FROM_DEVICE;
	m->direct = true;
	m->parent = parent;
	m->region = region;
	m->sg = one_in(s, 6);
	m->told = s->telling;
	tell(s, cpu, random_pid(s), of(s, EVENT_MAP, m), m, MADE_DIRECT);
	m->live = true;
	m->busy = false;
}

static void do_region(struct sim *s, int cpu)
{
	int k = below(s, REGIONS);
	struct event ev = { .kind = s->region_shared[k] ? EVENT_ENCRYPT : EVENT_DECRYPT,
			    .orig = REGION_BASE + k * 0x10000,
			    .size = 2 * PAGE,
			    .dma = EVENT_NO_ADDR,
			    .dir = EVENT_DIR_NONE,
			    .flags = EVENT_F_PROBE };

	if (s->region_users[k] || s->h->sharing == SHARING_REHEARSAL)
		return;
	s->region_shared[k] = !s->region_shared[k];
	s->region_told[k] = s->region_shared[k] && s->probes && s->telling;
	if (s->probes)
		tell(s, cpu, random_pid(s), ev, NULL, MADE_NONE);
}

static void do_noise(struct sim *s, int cpu)
{
	static const uint8_t kinds[] = { EVENT_FORK, EVENT_EXIT, EVENT_SOCK_SEND, EVENT_BLK_ISSUE };

	tell(s, cpu, random_pid(s),
	     (struct event){ .kind = kinds[below(s, 4)], .size = below(s, 100), .link = 7 }, NULL,
	     MADE_NONE);
}

static void mark(struct sim *s, int cpu, unsigned int which)
{
	tell(s, cpu, 77,
	     (struct event){ .kind = EVENT_MARK,
			     .aux = which,
			     .link = NONCE,
			     .orig = EVENT_NO_ADDR,
			     .dma = EVENT_NO_ADDR,
			     .dir = EVENT_DIR_NONE },
	     NULL, MADE_NONE);
}

/* ---- the scheduler ---- */

static void advance(struct sim *s, int cpu)
{
	struct op *op = &s->cpu[cpu];

	switch (op->kind) {
	case OP_MAP:
		step_map(s, cpu, op);
		break;
	case OP_UNMAP:
		step_unmap(s, cpu, op);
		break;
	case OP_ALLOC:
		step_alloc(s, cpu, op);
		break;
	case OP_FREE:
		step_free(s, cpu, op);
		break;
	case OP_NONE:
		break;
	}
}

static void start(struct sim *s, int cpu)
{
	int dev = below(s, s->ndevs);
	struct sim_dev *d = &s->devs[dev];

	switch (below(s, 16)) {
	case 0 ... 5:
		if (d->tdisp)
			do_direct(s, cpu, dev);
		else if (!d->iommu || one_in(s, 8))
			start_map(s, cpu, dev, false);
		break;
	case 6 ... 9:
		start_unmap(s, cpu);
		break;
	case 10 ... 11:
		do_sync(s, cpu);
		break;
	case 12:
		if (!d->tdisp)
			start_alloc(s, cpu, dev);
		break;
	case 13:
		start_free(s, cpu);
		break;
	case 14:
		if (one_in(s, 2))
			do_region(s, cpu);
		else
			do_direct(s, cpu, dev);
		break;
	default:
		do_noise(s, cpu);
	}
}

/* A task is preempted inside a call; another time and place it goes on. */
static void preempt(struct sim *s, int cpu)
{
	struct op *op = &s->cpu[cpu];

	if (!op->kind || !op->pid)
		return;
	if (op->kind == OP_MAP && s->telling && op->phase && !s->maps[op->map].told)
		return; /* its first bounce was not told */
	/* nobody can tell such an unmap from one of a mapping that the stream shows */
	if (op->kind == OP_UNMAP && !s->maps[op->map].told)
		return;
	for (int i = 0; i < 4; i++) {
		if (s->suspended[i].kind)
			continue;
		s->suspended[i] = *op;
		s->suspended[i].moved = true;
		op->kind = OP_NONE;
		return;
	}
}

static bool resume(struct sim *s, int cpu)
{
	int i = below(s, 4);

	if (s->cpu[cpu].kind || !s->suspended[i].kind)
		return false;
	s->cpu[cpu] = s->suspended[i];
	s->suspended[i].kind = OP_NONE;
	return true;
}

static void tick(struct sim *s)
{
	int cpu = below(s, s->ncpus);

	if (one_in(s, 40))
		preempt(s, cpu);
	if (one_in(s, 20) && resume(s, cpu))
		return;
	if (s->cpu[cpu].kind)
		advance(s, cpu);
	else
		start(s, cpu);
}

static void finish_all(struct sim *s)
{
	bool any;

	do {
		any = false;
		for (int c = 0; c < s->ncpus; c++) {
			if (!s->cpu[c].kind)
				resume(s, c);
			if (s->cpu[c].kind)
				advance(s, c);
		}
		for (int c = 0; c < s->ncpus; c++)
			any |= s->cpu[c].kind != OP_NONE;
		for (int i = 0; i < 4; i++)
			any |= s->suspended[i].kind != OP_NONE;
	} while (any);
}

static void finish_cpu(struct sim *s, int cpu)
{
	while (s->cpu[cpu].kind)
		advance(s, cpu);
}

/* Drivers allocate their rings at probe. */
static void probe_devices(struct sim *s)
{
	for (int d = 0; d < s->ndevs; d++) {
		int cpu = below(s, s->ncpus);

		if (s->devs[d].tdisp) {
			tell(s, cpu, 1,
			     (struct event){ .kind = EVENT_TSM,
					     .aux = EVENT_TSM_RUN,
					     .dev = s->devs[d].id },
			     NULL, MADE_NONE);
			continue;
		}
		if (!s->devs[d].virtio)
			continue;
		start_alloc(s, cpu, d);
		finish_cpu(s, cpu);
	}
}

static void finish_suspended(struct sim *s)
{
	for (int c = 0; c < s->ncpus; c++) {
		if (s->cpu[c].moved)
			finish_cpu(s, c);
	}
	for (int i = 0; i < 4; i++) {
		int cpu = below(s, s->ncpus);

		if (!s->suspended[i].kind)
			continue;
		finish_cpu(s, cpu);
		s->cpu[cpu] = s->suspended[i];
		s->suspended[i].kind = OP_NONE;
		finish_cpu(s, cpu);
	}
}

static void open_window(struct sim *s, size_t before)
{
	if (s->from_boot) {
		s->telling = s->tell_bounce = true;
		probe_devices(s);
		return;
	}
	probe_devices(s);
	for (size_t i = 0; i < before; i++)
		tick(s);
	/* a call preempted all through the opening is not modelled */
	finish_suspended(s);
	s->telling = true;
	/* trace-cmd switches events on one by one */
	if (!s->by_ccaio && one_in(s, 2)) {
		for (int i = 0; i < 12; i++)
			tick(s);
		finish_suspended(s);
	}
	s->tell_bounce = true;
}

static void mark_all(struct sim *s, unsigned int which)
{
	for (int c = 0; c < s->ncpus; c++) {
		finish_cpu(s, c);
		mark(s, c, which);
		if (one_in(s, 3))
			tick(s);
	}
}

static void make_canary(struct sim *s)
{
	for (int i = 0; i < 300 && !s->canary_done; i++) {
		int cpu = below(s, s->ncpus);

		finish_cpu(s, cpu);
		start_map(s, cpu, s->canary_dev, true);
		finish_cpu(s, cpu);
		if (!s->canary_done) { /* the pool is full: make room */
			start_unmap(s, cpu);
			finish_cpu(s, cpu);
		}
	}
	if (!s->canary_done)
		not_provable(s, "no canary could be made");
}

/*
 * The recording stops in the middle of calls.  Not in the middle of a preempted
 * one: a task that was preempted within the nanoseconds between a release and its
 * event, and did not run again before the end, is not modelled.
 */
static void cut(struct sim *s)
{
	for (int c = 0; c < s->ncpus; c++) {
		const struct op *op = &s->cpu[c];

		if (op->kind == OP_MAP && op->moved)
			not_provable(s, "the end cut a call of a task that had moved");
		for (int k = 0; op->kind == OP_UNMAP && !op->sg && op->phase == 1 && k < op->n;
		     k++) {
			const struct sim_map *m = &s->maps[op->map + k];

			if (!m->direct && retaken(s, m, op->taken))
				not_provable(s, "the end cut an unmap in a race");
		}
	}
}

static void run(struct sim *s, size_t size)
{
	size_t limit = 60 * size + 200;

	open_window(s, 20 + below(s, 200));
	if (s->by_ccaio) {
		mark_all(s, EVENT_MARK_START);
		make_canary(s);
	}
	while (s->h->count < size && limit--)
		tick(s);
	if (s->by_ccaio) {
		finish_all(s);
		mark_all(s, EVENT_MARK_STOP);
		finish_all(s);
	} else if (one_in(s, 2)) {
		finish_all(s);
	} else {
		finish_suspended(s);
		cut(s);
	}
	if (s->early && !s->any_bounce)
		not_provable(s, "no bounce was told");
}

struct history *history_new(uint64_t seed, size_t size)
{
	struct sim *s = xcalloc(1, sizeof(*s));
	struct history *h = xcalloc(1, sizeof(*h));

	s->h = h;
	s->r.state = seed;
	h->provable = true;
	sim_machine(s);
	run(s, size);
	sim_facts(s);
	free(s);
	history_settle(h);
	return h;
}
