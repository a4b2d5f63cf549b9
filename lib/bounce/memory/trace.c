/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/memory/trace.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/bounce/memory/fault.h"
#include "lib/bounce/memory/random.h"
#include "lib/bounce/memory/task.h"

struct bounce_trace {
	pthread_mutex_t lock;
	struct names *names;
	bounce_sink sink;
	void *ctx;
	struct fault_plan *fault;
	uint64_t now_ns, random;
	uint64_t disorder, lost;
	uint64_t pending_lost; /* dropped, not yet reported */
};

struct bounce_trace *bounce_trace_new(struct names *names, uint64_t seed, bounce_sink sink,
				      void *ctx, struct fault_plan *fault)
{
	struct bounce_trace *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->names = names;
	t->sink = sink;
	t->ctx = ctx;
	t->fault = fault;
	t->random = seed;
	t->now_ns = 1000000000u + random_below(&t->random, 1000000000u);
	return t;
}

void bounce_trace_free(struct bounce_trace *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static bool is_dma(const struct event *e)
{
	return e->kind == EVENT_MAP || e->kind == EVENT_UNMAP || e->kind == EVENT_BOUNCE;
}

/* Under the lock. */
static void emit(struct bounce_trace *t, struct event *e)
{
	const struct task *task = task_current();

	t->now_ns += 200 + random_below(&t->random, 2000);
	e->ts_ns = t->now_ns;
	e->cpu = task->cpu;
	e->pid = task->pid;
	e->comm = task->comm;
	if (is_dma(e) && fault_once(t->fault, FAULT_LOST_EVENTS)) {
		t->lost++;
		t->pending_lost++;
		return;
	}
	if (t->pending_lost) {
		struct event lost = { .ts_ns = e->ts_ns,
				      .orig = EVENT_NO_ADDR,
				      .dma = EVENT_NO_ADDR,
				      .kind = EVENT_LOST,
				      .cpu = e->cpu,
				      .dir = EVENT_DIR_NONE,
				      .size = t->pending_lost };

		t->pending_lost = 0;
		t->sink(t->ctx, &lost);
	}
	if (is_dma(e) && fault_once(t->fault, FAULT_DISORDER)) {
		t->disorder++;
		e->ts_ns -= 100000;
	}
	t->sink(t->ctx, e);
}

void bounce_trace_emit_all(struct bounce_trace *t, struct event *events, size_t n)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < n; i++)
		emit(t, &events[i]);
	pthread_mutex_unlock(&t->lock);
}

void bounce_trace_emit(struct bounce_trace *t, struct event event)
{
	bounce_trace_emit_all(t, &event, 1);
}

uint16_t bounce_trace_name(struct bounce_trace *t, const char *name)
{
	uint16_t id;

	if (!t)
		return 0;
	pthread_mutex_lock(&t->lock);
	id = names_intern(t->names, name, strlen(name));
	pthread_mutex_unlock(&t->lock);
	return id;
}

void bounce_trace_advance(struct bounce_trace *t, uint64_t ts_ns)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	if (t->now_ns < ts_ns)
		t->now_ns = ts_ns;
	pthread_mutex_unlock(&t->lock);
}

uint64_t bounce_trace_disorder(const struct bounce_trace *t)
{
	return t->disorder;
}

uint64_t bounce_trace_lost(const struct bounce_trace *t)
{
	return t->lost;
}
