/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/decode/call.h"

#include <stdint.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"

#define TASKS 256 /* in a DMA function at once; a power of two */
#define DEPTH 8	  /* a task, a soft and a hard interrupt, two calls each */

struct frame {
	struct event entry;
	uint64_t orig;	  /* of the bounce within a map; EVENT_NO_ADDR: there was none */
	uint32_t entries; /* of a scatter-gather call, seen within */
	uint8_t call;	  /* enum decode_call */
};

struct task {
	int64_t key; /* pid, or -1 - cpu of an idle task */
	unsigned int depth;
	struct frame frames[DEPTH];
};

struct decode_calls {
	struct task tasks[TASKS]; /* free where depth is 0 */
};

struct decode_calls *decode_calls_new(void)
{
	return xcalloc(1, sizeof(struct decode_calls));
}

void decode_calls_free(struct decode_calls *calls)
{
	free(calls);
}

/* The task's place, or with add a free one; NULL where there is none. */
static struct task *task_find(struct decode_calls *calls, const struct event *event, bool add)
{
	int64_t key = event->pid ? event->pid : -1 - (int64_t)event->cpu;
	struct task *free_one = NULL;

	/* the same few tasks map all the time: all places are looked at only when one is new */
	for (size_t i = 0; i < TASKS; i++) {
		struct task *task = &calls->tasks[((uint64_t)key + i) % TASKS];

		if (task->depth && task->key == key)
			return task;
		if (!task->depth && !free_one)
			free_one = task;
	}
	if (!add || !free_one)
		return NULL;
	free_one->key = key;
	return free_one;
}

static struct frame *top(struct task *task)
{
	return task && task->depth ? &task->frames[task->depth - 1] : NULL;
}

static size_t undecoded(const struct event *event, struct event *out)
{
	*out = *event;
	out->kind = EVENT_UNDECODED; /* aux is the name of the event that led here */
	out->orig = out->dma = EVENT_NO_ADDR;
	out->size = out->link = 0;
	out->dir = EVENT_DIR_NONE;
	return 1;
}

size_t decode_call_enter(struct decode_calls *calls, enum decode_call call,
			 const struct event *entry, struct event *out)
{
	struct task *task = task_find(calls, entry, true);

	if (!task || task->depth == DEPTH)
		return undecoded(entry, out);
	task->frames[task->depth++] = (struct frame){
		.entry = *entry,
		.orig = EVENT_NO_ADDR,
		.call = (uint8_t)call,
	};
	return 0;
}

/* The mapping of a frame that returned. */
static size_t mapped(const struct frame *frame, const struct event *leave, uint64_t orig,
		     struct event *out)
{
	*out = frame->entry;
	out->ts_ns = leave->ts_ns;
	out->cpu = leave->cpu;
	out->kind = EVENT_MAP;
	out->orig = orig;
	out->dma = leave->dma;
	out->aux = 0;
	return 1;
}

static size_t bounce_left(struct task *task, const struct frame *frame, const struct event *leave,
			  struct event *out)
{
	struct frame *around = top(task);

	if (around && around->call == DECODE_CALL_MAP) {
		around->orig = frame->entry.orig; /* the map itself is reported when it returns */
		return 0;
	}
	mapped(frame, leave, frame->entry.orig, out);
	if (around && around->call == DECODE_CALL_MAP_SG) {
		around->entries++;
		out->flags |= EVENT_F_SG;
	}
	return 1;
}

/* Entries that were not bounced cannot be seen: of how many is nothing known? */
static size_t sg_left(const struct frame *frame, uint32_t entries, struct event *out)
{
	if (frame->entries >= entries)
		return 0;
	*out = frame->entry;
	out->kind = EVENT_SG_TRUNCATED;
	out->flags |= EVENT_F_SG;
	out->aux = entries - frame->entries;
	return 1;
}

static size_t alloc_left(const struct frame *frame, const struct event *leave, struct event *out)
{
	if (leave->dma != 0)
		return undecoded(leave, out);
	*out = frame->entry;
	out->kind = EVENT_MAP_FAILED;
	out->aux = 0;
	return 1;
}

static bool has_call(const struct task *task, enum decode_call call)
{
	for (unsigned int i = 0; i < task->depth; i++)
		if (task->frames[i].call == call)
			return true;
	return false;
}

size_t decode_call_leave(struct decode_calls *calls, enum decode_call call,
			 const struct event *leave, struct event *out, bool *again)
{
	struct task *task = task_find(calls, leave, false);
	struct frame *frame = top(task);

	*again = false;
	if (!frame || !has_call(task, call))
		return undecoded(leave,
				 out); /* it was entered before the recording, or that is lost */
	task->depth--;
	if (frame->call != call) { /* its return was lost */
		*again = true;
		return undecoded(leave, out);
	}
	switch (call) {
	case DECODE_CALL_MAP:
		return mapped(frame, leave, frame->orig, out);
	case DECODE_CALL_BOUNCE:
		return bounce_left(task, frame, leave, out);
	case DECODE_CALL_MAP_SG:
		/* the number of entries mapped; a failure has taken back what was seen within */
		if ((int32_t)leave->dma <= 0)
			return frame->entries ? undecoded(leave, out) : 0;
		return sg_left(frame, (uint32_t)leave->dma, out);
	case DECODE_CALL_UNMAP_SG:
		return sg_left(frame, frame->entry.aux, out);
	case DECODE_CALL_ALLOC:
		return alloc_left(frame, leave, out);
	}
	return undecoded(leave, out);
}

size_t decode_call_release(struct decode_calls *calls, const struct event *release,
			   struct event *out)
{
	struct frame *around = top(task_find(calls, release, false));

	/* of a single mapping, which the probe at dma_unmap_page_attrs tells */
	if (!around || around->call != DECODE_CALL_UNMAP_SG)
		return 0;
	around->entries++;
	*out = *release;
	out->flags |= EVENT_F_SG;
	return 1;
}
