/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scheduler: which CPU does what next, and what of that is recorded. */
#include "tests/property/kernel.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

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

int32_t sim_random_pid(struct sim *s)
{
	int32_t pid = sim_one_in(s, 3) ? 0 : 100 + (int32_t)sim_below(s, 12);

	return free_pid(s, pid) ? pid : 0;
}

static void advance(struct sim *s, int cpu)
{
	struct op *op = &s->cpu[cpu];

	switch (op->kind) {
	case OP_MAP:
		sim_step_map(s, cpu, op);
		break;
	case OP_UNMAP:
		sim_step_unmap(s, cpu, op);
		break;
	case OP_ALLOC:
		sim_step_alloc(s, cpu, op);
		break;
	case OP_FREE:
		sim_step_free(s, cpu, op);
		break;
	case OP_NONE:
		break;
	}
}

static void start(struct sim *s, int cpu)
{
	int dev = sim_below(s, s->ndevs);
	struct sim_dev *d = &s->devs[dev];

	switch (sim_below(s, 16)) {
	case 0 ... 5:
		if (d->tdisp)
			sim_direct(s, cpu, dev);
		else if (!d->iommu || sim_one_in(s, 8))
			sim_start_map(s, cpu, dev, false);
		break;
	case 6 ... 9:
		sim_start_unmap(s, cpu);
		break;
	case 10 ... 11:
		sim_sync(s, cpu);
		break;
	case 12:
		if (!d->tdisp)
			sim_start_alloc(s, cpu, dev);
		break;
	case 13:
		sim_start_free(s, cpu);
		break;
	case 14:
		if (sim_one_in(s, 2))
			sim_region(s, cpu);
		else
			sim_direct(s, cpu, dev);
		break;
	default:
		sim_noise(s, cpu);
	}
}

/* A task is preempted inside a call; another time and place it goes on. */
static void preempt(struct sim *s, int cpu)
{
	struct op *op = &s->cpu[cpu];

	if (!op->kind || !op->pid)
		return;
	if (op->kind == OP_MAP && s->telling && op->phase && !s->maps[op->map].reported)
		return; /* its first bounce was not reported */
	/* nobody can tell such an unmap from one of a mapping that the stream shows */
	if (op->kind == OP_UNMAP && !s->maps[op->map].reported)
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
	int i = sim_below(s, 4);

	if (s->cpu[cpu].kind || !s->suspended[i].kind)
		return false;
	s->cpu[cpu] = s->suspended[i];
	s->suspended[i].kind = OP_NONE;
	return true;
}

void sim_tick(struct sim *s)
{
	int cpu = sim_below(s, s->ncpus);

	if (sim_one_in(s, 40))
		preempt(s, cpu);
	if (sim_one_in(s, 20) && resume(s, cpu))
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

void sim_finish_cpu(struct sim *s, int cpu)
{
	while (s->cpu[cpu].kind)
		advance(s, cpu);
}

/* Drivers allocate their rings at probe. */
static void probe_devices(struct sim *s)
{
	for (int d = 0; d < s->ndevs; d++) {
		int cpu = sim_below(s, s->ncpus);

		if (s->devs[d].tdisp) {
			sim_tell(s, cpu, 1,
				 (struct event){ .kind = EVENT_TSM,
						 .aux = EVENT_TSM_RUN,
						 .dev = s->devs[d].id },
				 NULL, MADE_NONE);
			continue;
		}
		if (!s->devs[d].virtio)
			continue;
		sim_start_alloc(s, cpu, d);
		s->maps[s->cpu[cpu].map].ring = s->cpu[cpu].kind == OP_ALLOC;
		sim_finish_cpu(s, cpu);
	}
}

static void finish_suspended(struct sim *s)
{
	for (int c = 0; c < s->ncpus; c++) {
		if (s->cpu[c].moved)
			sim_finish_cpu(s, c);
	}
	for (int i = 0; i < 4; i++) {
		int cpu = sim_below(s, s->ncpus);

		if (!s->suspended[i].kind)
			continue;
		sim_finish_cpu(s, cpu);
		s->cpu[cpu] = s->suspended[i];
		s->suspended[i].kind = OP_NONE;
		sim_finish_cpu(s, cpu);
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
		sim_tick(s);
	/* a call preempted all through the opening is not modelled */
	finish_suspended(s);
	s->telling = true;
	/* trace-cmd switches events on one by one */
	if (!s->by_ccaio && sim_one_in(s, 2)) {
		for (int i = 0; i < 12; i++)
			sim_tick(s);
		finish_suspended(s);
	}
	s->tell_bounce = true;
}

static void mark_all(struct sim *s, unsigned int which)
{
	for (int c = 0; c < s->ncpus; c++) {
		sim_finish_cpu(s, c);
		sim_mark(s, c, which);
		if (sim_one_in(s, 3))
			sim_tick(s);
	}
}

static void make_canary(struct sim *s)
{
	for (int i = 0; i < 300 && !s->canary_done; i++) {
		int cpu = sim_below(s, s->ncpus);

		sim_finish_cpu(s, cpu);
		sim_start_map(s, cpu, s->canary_dev, true);
		sim_finish_cpu(s, cpu);
		if (!s->canary_done) { /* the pool is full: make room */
			sim_start_unmap(s, cpu);
			sim_finish_cpu(s, cpu);
		}
	}
	if (!s->canary_done)
		sim_not_provable(s, "no canary could be made");
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
			sim_not_provable(s, "the end cut a call of a task that had moved");
		for (int k = 0; op->kind == OP_UNMAP && !op->sg && op->phase == 1 && k < op->n;
		     k++) {
			const struct sim_map *m = &s->maps[op->map + k];

			if (!m->direct && sim_retaken(s, m, op->taken))
				sim_not_provable(s, "the end cut an unmap in a race");
		}
	}
}

/* As a recording looks in which some of the events were off. */
static bool is_one_sided(const struct history *h)
{
	int maps = 0, unmaps = 0, sg_maps = 0, sg_unmaps = 0;

	for (size_t i = 0; i < h->count; i++) {
		const struct event *ev = &h->steps[i].ev;

		maps += ev->kind == EVENT_MAP;
		unmaps += ev->kind == EVENT_UNMAP;
		sg_maps += ev->kind == EVENT_MAP && (ev->flags & EVENT_F_SG);
		sg_unmaps += ev->kind == EVENT_UNMAP && (ev->flags & EVENT_F_BY_ORIG);
	}
	return (maps >= 24 && !unmaps) || (unmaps >= 24 && !maps) || (sg_maps >= 24 && !sg_unmaps);
}

static void run(struct sim *s, size_t size)
{
	size_t limit = 60 * size + 200;

	open_window(s, 20 + sim_below(s, 200));
	if (s->by_ccaio) {
		mark_all(s, EVENT_MARK_START);
		if (s->snapshots)
			s->start = sim_snapshot(s);
		for (int i = 0; i < 2 && s->snapshots; i++) {
			sim_finish_cpu(s, 0);
			sim_mark(s, 0, EVENT_MARK_COUNT);
			sim_tick(s);
		}
		make_canary(s);
	}
	while (s->h->count < size && limit--)
		sim_tick(s);
	if (s->by_ccaio) {
		if (s->snapshots)
			s->end = sim_snapshot(s);
		finish_all(s);
		mark_all(s, EVENT_MARK_STOP);
		finish_all(s);
	} else if (sim_one_in(s, 2)) {
		finish_all(s);
	} else {
		finish_suspended(s);
		cut(s);
	}
	if (s->early && !s->any_bounce)
		sim_not_provable(s, "no bounce was reported");
	if (!s->by_ccaio && is_one_sided(s->h))
		sim_not_provable(s, "dozens of mappings and not one end, or the reverse");
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
