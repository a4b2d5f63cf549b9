/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own memory as a second witness: what was live when the window opened. */
#include "lib/judge/witness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

struct witness *witness_new(const struct platform *p)
{
	return p && p->trace.nonce && (p->start || p->end) ? xcalloc(1, sizeof(struct witness))
							   : NULL;
}

void witness_free(struct witness *w)
{
	if (!w)
		return;
	spans_free(&w->early.allocs);
	spans_free(&w->early.all);
	spans_free(&w->early.bounced);
	spans_free(&w->late.allocs);
	spans_free(&w->late.all);
	spans_free(&w->late.bounced);
	free(w->old);
	free(w->baseline_why);
	free(w->behind_why);
	free(w->slots_why);
	free(w->features_why);
	free(w->gap_why);
	for (size_t i = 0; i < w->ndiffering; i++)
		free(w->differing[i].text);
	free(w->differing);
	free(w);
}

void witness_say(char **why, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (*why)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*why = xstrdup(text);
}

/* ---- what is old ---- */

void witness_add_old(struct witness *w, const struct old *old)
{
	XGROW(w->old, w->nold, w->old_cap);
	w->old[w->nold++] = *old;
}

static int by_start(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	return x->range.start < y->range.start ? -1 : x->range.start > y->range.start;
}

void witness_sort_old(struct witness *w)
{
	uint64_t reach = 0;

	if (w->nold)
		qsort(w->old, w->nold, sizeof(*w->old), by_start);
	for (size_t i = 0; i < w->nold; i++) {
		if (w->old[i].range.end > reach)
			reach = w->old[i].range.end;
		w->old[i].reach = reach;
	}
}

/* How many of them begin at or before the address. */
static size_t begun_by(const struct witness *w, uint64_t address)
{
	size_t lo = 0, hi = w->nold;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->old[mid].range.start <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint64_t last_of(uint64_t start, uint64_t size)
{
	uint64_t end = start + (size ? size - 1 : 0);

	return end < start ? UINT64_MAX : end;
}

/* An old range that overlaps this one and is live, of dev or of any device; NULL: none. */
static struct old *find_old(const struct witness *w, uint64_t start, uint64_t size, uint16_t dev)
{
	uint64_t end = last_of(start, size);

	for (size_t i = begun_by(w, end); i > 0 && w->old[i - 1].reach >= start; i--) {
		struct old *o = &w->old[i - 1];

		if (o->live && o->range.end >= start && (!dev || !o->dev || o->dev == dev))
			return o;
	}
	return NULL;
}

bool witness_old_holds(const struct witness *w, uint64_t start, uint64_t size, uint16_t dev,
		       bool rings)
{
	uint64_t end = last_of(start, size);

	for (size_t i = begun_by(w, start); i > 0 && w->old[i - 1].reach >= end; i--) {
		const struct old *o = &w->old[i - 1];

		if (o->live && o->range.end >= end && (!o->dev || o->dev == dev) &&
		    (!rings || o->kind == OLD_RING))
			return true;
	}
	return false;
}

/* A buffer that is this very range; NULL: none. */
static struct old *same_buffer(const struct witness *w, uint64_t start, uint64_t end, uint16_t dev)
{
	for (size_t i = begun_by(w, start); i > 0 && w->old[i - 1].range.start == start; i--) {
		struct old *o = &w->old[i - 1];

		if (o->live && o->kind == OLD_BUFFER && o->range.end == end &&
		    (!o->dev || o->dev == dev))
			return o;
	}
	return NULL;
}

/*
 * Those of the kinds in mask that overlap the range have ended; of buffers only the one that is
 * this very range, if there is one: memory that is mapped as it is may be mapped twice.  Says
 * whether there were any.
 */
static bool end_old(struct witness *w, uint64_t start, uint64_t size, uint16_t dev,
		    unsigned int mask)
{
	uint64_t end = last_of(start, size);
	const struct old *same = same_buffer(w, start, end, dev);
	bool any = false;

	for (size_t i = begun_by(w, end); i > 0 && w->old[i - 1].reach >= start; i--) {
		struct old *o = &w->old[i - 1];

		if (!o->live || o->range.end < start || !(mask & 1u << o->kind) ||
		    (o->dev && o->dev != dev) || (same && o->kind == OLD_BUFFER && o != same))
			continue;
		o->live = false;
		any = true;
	}
	return any;
}

/* ---- events ---- */

void witness_add_differing(struct witness *w, uint64_t start, uint64_t size, char *text)
{
	XGROW(w->differing, w->ndiffering, w->differing_cap);
	w->differing[w->ndiffering++] = (struct differing){ { start, last_of(start, size) }, text };
}

/* A CPU that was inside the kernel's call all the time reports only now. */
static void explain(struct judge *j, const struct event *ev, uint64_t start, uint64_t size)
{
	struct witness *w = j->witness;
	uint64_t end = last_of(start, size);

	if (!w->ndiffering || !judge_in_flight_since(j, ev, w->start_seq))
		return;
	for (size_t i = w->ndiffering; i > 0; i--) {
		struct differing *d = &w->differing[i - 1];

		if (d->range.start > end || d->range.end < start)
			continue;
		free(d->text);
		*d = w->differing[--w->ndiffering];
	}
}

/* The kernel reports a free and an unmap of a list before it releases what they had. */
static void note_ending(struct witness *w, const struct event *ev, uint64_t seq, uint64_t start,
			uint64_t size)
{
	w->ending[w->nending++ % WITNESS_ENDING] = (struct ending){
		.range = { start, last_of(start, size) }, .seq = seq, .cpu = ev->cpu
	};
}

/* At the first mark of a snapshot: whose CPU has reported nothing since may be released yet. */
static void add_ending(struct judge *j, const struct event *mark, struct spans *to)
{
	struct witness *w = j->witness;

	for (size_t i = 0; i < w->nending && i < WITNESS_ENDING; i++) {
		const struct ending *e = &w->ending[i];

		if (e->cpu != mark->cpu && j->cpus[e->cpu].prev_seq < e->seq)
			spans_add(to, e->range.start, e->range.end - e->range.start + 1);
	}
}

static void touch(struct judge *j, const struct event *ev, uint64_t start, uint64_t size)
{
	struct witness *w = j->witness;

	if (memmap_touches_pool(j->memory, start, size)) { /* slots change hands as a whole */
		uint64_t end = last_of(start, size) | (SWIOTLB_SLOT_SIZE - 1);

		start -= start % SWIOTLB_SLOT_SIZE;
		size = end - start + 1;
	}
	explain(j, ev, start, size);
	if (ev->kind == EVENT_FREE || (ev->flags & EVENT_F_BY_ORIG))
		note_ending(w, ev, j->seq, start, size);
	if (w->marks == 1)
		spans_add(&w->early.all, start, size ? size : 1);
	else if (w->marks >= 3)
		spans_add(&w->late.all, start, size ? size : 1);
}

/* A part of a ring may be mapped for itself: only what allocates and frees changes rings. */
static void touch_alloc(struct witness *w, uint64_t start, uint64_t size)
{
	if (w->marks == 1)
		spans_add(&w->early.allocs, start, size ? size : 1);
	else if (w->marks >= 3)
		spans_add(&w->late.allocs, start, size ? size : 1);
}

/*
 * dma_unmap_sg names the buffer: its slots are those that have it as original.  Which of several
 * ended is not known.
 */
static void unmap_by_orig(struct judge *j, const struct event *ev)
{
	struct witness *w = j->witness;
	size_t like = 0;

	for (uint32_t i = 0; (i = ledger_next_orig(j->ledger, i, ev->dev, ev->orig)); like++) {
		const struct mapping *m = ledger_at(j->ledger, i);

		touch(j, ev, m->dma, m->size);
	}
	for (size_t i = 0; i < w->nold; i++)
		like += w->old[i].live && w->old[i].kind == OLD_SLOTS && w->old[i].orig == ev->orig;
	for (size_t i = 0; i < w->nold; i++) {
		struct old *o = &w->old[i];

		if (!o->live || o->kind != OLD_SLOTS || o->orig != ev->orig)
			continue;
		if (like == 1)
			o->live = false;
		else
			o->maybe_ended = true;
		w->hit = true;
		touch(j, ev, o->range.start, o->range.end - o->range.start + 1);
	}
}

/*
 * Were its slots taken before the kernel's memory was read, and its event is reported only now?
 * The pool has its buffer as their owner then, and its CPU has reported nothing since.
 */
static bool was_in_flight(struct judge *j, const struct event *ev, uint64_t plain)
{
	struct witness *w = j->witness;
	uint64_t end = last_of(plain, ev->size);

	if (w->marks < 2 || !judge_in_flight_since(j, ev, w->start_seq))
		return false;
	for (size_t i = begun_by(w, end); i > 0 && w->old[i - 1].reach >= plain; i--) {
		struct old *o = &w->old[i - 1];

		if (!o->live || o->kind != OLD_SLOTS || o->orig != ev->orig ||
		    o->range.start > plain || o->range.end < end)
			continue;
		o->live = false;
		return true;
	}
	return false;
}

/* Is it a part of coherent memory, whose slots, if it has any, stay with it? */
static bool is_of_alloc(struct judge *j, struct device *dev, const struct event *ev, uint64_t plain)
{
	const struct witness *w = j->witness;
	uint64_t end = last_of(plain, ev->size);

	for (size_t i = begun_by(w, plain); i > 0 && w->old[i - 1].reach >= end; i--) {
		const struct old *o = &w->old[i - 1];

		if (o->live && o->kind == OLD_RING && o->dev == ev->dev && o->range.end >= end)
			return true;
	}
	return judge_alloc_around(j, dev, ev, plain) != NULL;
}

/* A new mapping in slots that an older one still has: reported late, or given twice. */
static void map_over_old(struct judge *j, struct device *dev, const struct event *ev,
			 uint64_t plain)
{
	if (ev->dma == EVENT_NO_ADDR || plain == ev->orig ||
	    memmap_state(j->memory, plain, ev->size) != MEMORY_POOL ||
	    was_in_flight(j, ev, plain) ||
	    !end_old(j->witness, plain, ev->size, dev->id, 1u << OLD_SLOTS))
		return;
	end_old(j->witness, plain, ev->size, dev->id, 1u << OLD_BUFFER);
	judge_doubt(
		j, CLAIM_SLOTS_DISJOINT, dev, ev, MEMORY_UNKNOWN,
		"memory at 0x%llx was given to this mapping before the end of one that is older "
		"than the window was seen",
		(unsigned long long)plain);
}

/* It takes slots from now on, and may fail after that. */
static void note_bounced(struct witness *w, uint64_t orig)
{
	if (w->marks == 1)
		spans_add(&w->early.bounced, orig, 1);
	else if (w->marks >= 3)
		spans_add(&w->late.bounced, orig, 1);
}

static void take_mark(struct judge *j, const struct event *ev)
{
	struct witness *w = j->witness;

	if (ev->aux != EVENT_MARK_SNAPSHOT || ev->link != j->platform->trace.nonce)
		return;
	w->marks++;
	if (w->marks == 1)
		add_ending(j, ev, &w->early.all);
	else if (w->marks == 3)
		add_ending(j, ev, &w->late.all);
	for (size_t i = 0; i < j->bounces.count && (w->marks == 1 || w->marks == 3); i++)
		note_bounced(w, j->bounces.waiting[i].orig);
	if (w->marks != 2)
		return;
	w->start_seq = j->seq;
	spans_join(&w->early.all);
	spans_join(&w->early.allocs);
	spans_join(&w->early.bounced);
	audit_start(j, ev);
}

void witness_event(struct judge *j, const struct event *ev)
{
	struct witness *w = j->witness;
	struct device *dev;
	uint64_t plain, bit;

	w->hit = false;
	switch (ev->kind) {
	case EVENT_MARK:
		take_mark(j, ev);
		return;
	case EVENT_BOUNCE:
		note_bounced(w, alias_bounced(&j->alias, ev->orig));
		return;
	case EVENT_MAP:
	case EVENT_UNMAP:
	case EVENT_ALLOC:
	case EVENT_FREE:
	case EVENT_SYNC_CPU:
	case EVENT_SYNC_DEVICE:
		break;
	default:
		return;
	}
	if (ev->kind == EVENT_UNMAP && (ev->flags & EVENT_F_BY_ORIG)) {
		unmap_by_orig(j, ev);
		return;
	}
	dev = judge_device(j, ev->dev);
	plain = judge_plain(j, dev, ev->dma, &bit);
	if (ev->kind == EVENT_SYNC_CPU || ev->kind == EVENT_SYNC_DEVICE) {
		w->hit = find_old(w, plain, ev->size, ev->dev) != NULL;
		return;
	}
	if (ev->dma != EVENT_NO_ADDR)
		touch(j, ev, plain, ev->size);
	if (ev->dma != EVENT_NO_ADDR && (ev->kind == EVENT_ALLOC || ev->kind == EVENT_FREE))
		touch_alloc(w, plain, ev->size);
	if (ev->kind == EVENT_MAP || ev->kind == EVENT_ALLOC)
		map_over_old(j, dev, ev, plain);
	else if (ev->kind == EVENT_UNMAP)
		w->hit = end_old(w, plain, ev->size, ev->dev,
				 is_of_alloc(j, dev, ev, plain)
					 ? 1u << OLD_BUFFER
					 : 1u << OLD_SLOTS | 1u << OLD_BUFFER);
	else if (ev->kind == EVENT_FREE) /* of a restricted pool, coherent memory has slots */
		w->hit = end_old(w, plain, ev->size, ev->dev, 1u << OLD_RING | 1u << OLD_SLOTS);
}

void witness_unknown(struct judge *j, const struct event *ev, const char *what)
{
	struct witness *w = j->witness;

	/* a CPU that has reported nothing since may have been inside the kernel's unmap all the
	 * time */
	if (!w || w->marks < 2 || w->hit || judge_in_flight_since(j, ev, w->start_seq))
		return;
	witness_say(&w->baseline_why,
		    "%s of 0x%llx, which was mapped neither in the stream nor when the kernel's "
		    "memory was read",
		    what, (unsigned long long)(ev->flags & EVENT_F_BY_ORIG ? ev->orig : ev->dma));
}

void witness_finish(struct judge *j)
{
	struct witness *w = j->witness;

	if (!w)
		return;
	spans_join(&w->late.all);
	spans_join(&w->late.allocs);
	spans_join(&w->late.bounced);
	if (w->ndiffering)
		witness_say(&w->gap_why, "%s", w->differing[0].text);
	if (w->marks >= 4)
		audit_end(j);
}

/* A device whose memory nothing reads from the kernel; NULL: none. */
static const char *beyond_reading(const struct platform *p)
{
	for (size_t i = 0; i < p->npci; i++) {
		const struct platform_pci *d = &p->pci[i];

		if ((d->driver || d->driver_unreported) && d->bus_master != TRI_NO &&
		    !(d->class && strncmp(d->class, "0x06", 4) == 0) && !platform_pci_is_virtio(d))
			return d->name;
	}
	for (size_t i = 0; i < p->nother; i++) {
		if (p->other[i].driver && !platform_other_is_fw_cfg(&p->other[i]) &&
		    !platform_other_walks(&p->other[i]))
			return p->other[i].name;
	}
	return NULL;
}

/* A virtio device at work that the snapshot does not show as a whole; NULL: none. */
static const char *not_shown(const struct platform *p, const struct snapshot *s)
{
	for (size_t i = 0; i < p->nvirtio; i++) {
		const struct snapshot_device *d = snapshot_find(s, p->virtio[i].name);

		if (platform_virtio_active(&p->virtio[i]) == TRI_NO)
			continue;
		if (!d || !d->nqueues || !d->parent || !p->virtio[i].parent ||
		    strcmp(d->parent, p->virtio[i].parent) != 0)
			return p->virtio[i].name;
		for (size_t q = 0; q < d->nqueues; q++) {
			if (d->queues[q].unread)
				return p->virtio[i].name;
		}
	}
	return NULL;
}

const char *witness_unknown_start(const struct judge *j)
{
	const struct platform *p = j->platform;
	struct witness *w = j->witness;

	if (!w)
		return "the kernel's memory was not read";
	if (!p->start || p->start->trouble)
		witness_say(&w->baseline_why, "the kernel's memory could not be read: %s",
			    p->start ? p->start->trouble : "no reason recorded");
	else if (!p->end || p->end->trouble)
		witness_say(&w->baseline_why,
			    "the kernel's memory could not be read at the end: %s",
			    p->end ? p->end->trouble : "no reason recorded");
	else if (w->marks != 4)
		witness_say(&w->baseline_why,
			    "the stream has %u of the 4 marks between which the kernel's memory "
			    "was read",
			    w->marks);
	else if (!p->virtio_listed || !p->pci_listed)
		witness_say(&w->baseline_why, "the facts do not list the machine's devices");
	else if (not_shown(p, p->start) || not_shown(p, p->end))
		witness_say(&w->baseline_why,
			    "the kernel's memory does not show all queues of %s, or not all of "
			    "their descriptors",
			    not_shown(p, p->start) ? not_shown(p, p->start) : not_shown(p, p->end));
	else if (beyond_reading(p))
		witness_say(&w->baseline_why,
			    "what %s was given before the recording began cannot be read from the "
			    "kernel's memory: it is no virtio device",
			    beyond_reading(p));
	return w->baseline_why;
}
