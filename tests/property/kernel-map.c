/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streaming DMA: dma_map, dma_unmap and dma_sync, step by step. */
#include "tests/property/kernel.h"

/* ---- map ---- */

void sim_start_map(struct sim *s, int cpu, int dev, bool canary)
{
	struct op *op = &s->cpu[cpu];
	int n = !canary && sim_one_in(s, 5) ? 1 + sim_below(s, MAX_SG) : 1;
	uint8_t dir = sim_one_in(s, 8)	 ? EVENT_BIDIRECTIONAL
		      : sim_one_in(s, 2) ? EVENT_TO_DEVICE
					 : EVENT_FROM_DEVICE;
	bool sg = !canary && (n > 1 || sim_one_in(s, 10));
	int first = -1;

	if (canary)
		dir = s->devs[dev].virtio_id == 2 ? EVENT_FROM_DEVICE : EVENT_TO_DEVICE;
	for (int k = 0; k < n; k++) {
		int i;
		struct sim_map *m = sim_new_map(s, &i);

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
		m->size = canary ? s->canary_size : sim_random_size(s);
		m->orig = BUFFER_BASE + sim_below(s, sim_one_in(s, 4) ? 8 : 4096) * 0x400 +
			  (sim_one_in(s, 2) ? sim_below(s, 1024) : 0);
	}
	if (!n)
		return;
	s->maps[first].nents = n;
	*op = (struct op){ .kind = OP_MAP,
			   .pid = sim_random_pid(s),
			   .map = first,
			   .n = n,
			   .sg = sg,
			   .canary = canary };
}

/* What a return probe tells. */
static void list_failed(struct sim *s, int cpu, const struct op *op)
{
	struct sim_map *m = &s->maps[op->map];
	struct event ev = sim_event(s, EVENT_MAP_FAILED, m);

	if (s->devs[m->dev].iommu)
		sim_not_provable(s, "behind an IOMMU there are bounces without maps");
	ev.orig = ev.dma = EVENT_NO_ADDR;
	ev.size = 0;
	ev.dir = EVENT_DIR_NONE;
	ev.attrs = 0;
	ev.flags = EVENT_F_SG | EVENT_F_PROBE;
	ev.aux = (uint32_t)op->n;
	sim_tell(s, cpu, op->pid, ev, m, MADE_FAILED);
}

static void map_failed(struct sim *s, int cpu, struct op *op, int got)
{
	/* of a list that could not be mapped the kernel reports nothing, but with a strange error
	 */
	bool silent = op->sg && sim_one_in(s, 2), returns = silent && sim_one_in(s, 2);

	if (silent && !returns && s->telling)
		sim_not_provable(s, "a list that could not be mapped is not reported");
	for (int k = 0; k < op->n; k++) {
		struct sim_map *m = &s->maps[op->map + k];
		struct event ev = sim_event(s, op->sg ? EVENT_MAP_FAILED : EVENT_MAP, m);

		s->same_record = k > 0;
		if (k < got)
			sim_release_slots(s, m);
		ev.dma = EVENT_NO_ADDR;
		if (op->sg)
			ev.size = 0; /* not reported */
		if (!silent)
			sim_tell(s, cpu, op->pid, ev, m, MADE_FAILED);
		/* the bounces of this failed map are what they are */
		for (size_t i = 0; i < s->h->count; i++) {
			if (s->h->steps[i].map == m->id)
				s->h->steps[i].made = MADE_FAILED;
		}
		m->busy = false;
	}
	s->same_record = false;
	if (returns && s->telling)
		list_failed(s, cpu, op);
	op->kind = OP_NONE;
}

void sim_step_map(struct sim *s, int cpu, struct op *op)
{
	int k = op->phase / 2;

	if (k < op->n && op->phase % 2 == 0) {
		struct sim_map *m = &s->maps[op->map + k];

		m->reported = s->telling && s->tell_bounce;
		sim_tell(s, cpu, op->pid, sim_event(s, EVENT_BOUNCE, m), m, MADE_BOUNCED);
		op->phase++;
		return;
	}
	if (k < op->n) {
		if (!sim_take_slots(s, &s->maps[op->map + k])) {
			map_failed(s, cpu, op, k);
			return;
		}
		op->phase++;
		return;
	}
	for (int i = 0; i < op->n; i++) {
		struct sim_map *m = &s->maps[op->map + i];

		s->same_record = i > 0;
		if (s->telling && !m->reported)
			s->early = true;
		m->reported = s->telling;
		if (s->devs[m->dev].iommu) {
			m->dma = s->devs[m->dev].iova -= 0x4000;
			sim_not_provable(s, "bounced behind an IOMMU");
		}
		sim_tell(s, cpu, op->pid, sim_event(s, EVENT_MAP, m), m, MADE_BOUNCED);
		sim_slots_told(s, m);
		m->live = true;
		m->busy = false;
		if (op->canary && s->telling)
			s->canary_done = true;
	}
	s->same_record = false;
	op->kind = OP_NONE;
}

/* ---- unmap ---- */

static bool is_streaming(const struct sim_map *m)
{
	return !m->alloc;
}

void sim_start_unmap(struct sim *s, int cpu)
{
	int i;
	struct sim_map *m = sim_pick(s, is_streaming, &i);

	if (!m)
		return;
	if (m->group >= 0) {
		i = m->group;
		m = &s->maps[i];
	}
	for (int k = 0; k < m->nents; k++)
		s->maps[i + k].busy = true;
	s->cpu[cpu] = (struct op){
		.kind = OP_UNMAP, .pid = sim_random_pid(s), .map = i, .n = m->nents, .sg = m->sg
	};
}

static void give_back(struct sim *s, struct sim_map *m)
{
	if (!m->direct)
		sim_release_slots(s, m);
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
	struct event ev = sim_event(s, EVENT_UNMAP, m);

	if (op->sg) {
		ev.orig = m->orig;
		ev.dma = EVENT_NO_ADDR;
		ev.size = 0;
		ev.flags |= EVENT_F_BY_ORIG;
		if (s->telling && !m->reported)
			sim_not_provable(s, "an inherited sg mapping has no known address");
	} else if (m->direct && !m->reported && s->telling && !s->h->alias && m->region >= 0) {
		sim_not_provable(s, "a decrypt that nothing reported");
	} else if (m->direct && !m->reported && s->telling && s->start && !m->named) {
		sim_not_provable(s, "nothing shows an older mapping without slots");
	} else if (!m->direct && s->telling && sim_retaken(s, m, op->taken)) {
		sim_not_provable(s, "a slot was reused before its unmap was reported");
	}
	sim_tell(s, cpu, op->pid, ev, m, sim_made(m));
}

void sim_step_unmap(struct sim *s, int cpu, struct op *op)
{
	bool telling = op->sg == (op->phase == 0); /* sg: reported first, else released first */

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

/* ---- sync ---- */

static bool is_any(const struct sim_map *m)
{
	(void)m;
	return true;
}

void sim_sync(struct sim *s, int cpu)
{
	int i;
	struct sim_map *m = sim_pick(s, is_any, &i);
	bool to_cpu;
	struct event ev;

	if (!m)
		return;
	to_cpu = m->dir == EVENT_FROM_DEVICE || (m->dir == EVENT_BIDIRECTIONAL && sim_one_in(s, 2));
	if (sim_one_in(s, 6))
		to_cpu = !to_cpu;
	ev = sim_event(s, to_cpu ? EVENT_SYNC_CPU : EVENT_SYNC_DEVICE, m);
	if (sim_one_in(s, 2)) { /* a part of it */
		uint64_t from = sim_below(s, m->size);

		ev.dma += from;
		ev.size = 1 + sim_below(s, m->size - from);
	}
	/* an inherited one at a plain address outside the pool: who knows what it is? */
	if (s->telling && !m->reported && !s->h->alias && (m->alloc ? m->pool != 1 : m->direct))
		sim_not_provable(s, "a sync of inherited memory outside the pool");
	if (s->telling && !m->reported && s->devs[m->dev].iommu)
		sim_not_provable(s, "a sync of inherited memory behind an IOMMU");
	if (s->telling && !m->reported && s->run && m->alloc && !m->ring)
		sim_not_provable(s, "memory has no list of coherent allocations");
	sim_tell(s, cpu, sim_random_pid(s), ev, m, sim_made(m));
}
