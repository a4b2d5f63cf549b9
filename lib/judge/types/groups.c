/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What breaks claims, put together by device, operation and breaches. */
#include "lib/judge/types/groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/verdict/breach.h"

#define MOST 1024 /* groups, with those that were only on the way to another */
#define MOST_STACKS 4096
#define BUCKETS 256	 /* of the hash table */
#define MAX_SENTENCE 512 /* characters of an example's sentence; more are cut */

struct entry {
	struct group group;
	unsigned int formatted; /* sentences written when an event came by here */
	struct entry *next;	/* of the same bucket */
};

/* The event whose breaches are being added. */
struct pending {
	struct entry *entry; /* where it is counted unless another breach follows; NULL no room */
	bool any;
	struct group_part part; /* of the first breach; device as in the last call only */
	struct event event;
	char *device, *comm;
	uint32_t facts, absences;
	char text[MAX_SENTENCE];
	size_t len;
};

struct groups {
	struct entry **list, *buckets[BUCKETS];
	size_t count, cap;
	uint64_t left_out;
	unsigned int stacks; /* looked at */
	struct pending now;
	groups_hook *hook;
	void *ctx;
};

struct groups *groups_new(groups_hook *hook, void *ctx)
{
	struct groups *g = xcalloc(1, sizeof(*g));

	g->hook = hook;
	g->ctx = ctx;
	return g;
}

static void free_entry(struct entry *e)
{
	for (size_t i = 0; i < e->group.nexamples; i++) {
		free(e->group.examples[i].text);
		free(e->group.examples[i].device);
		free(e->group.examples[i].comm);
	}
	free(e->group.examples);
	free(e->group.stack);
	free(e->group.device);
	free(e);
}

void groups_free(struct groups *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->count; i++)
		free_entry(g->list[i]);
	free(g->list);
	free(g->now.device);
	free(g->now.comm);
	free(g);
}

static bool same_device(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static size_t bucket_of(const struct pending *p)
{
	uint32_t h = 2166136261u;

	for (const char *c = p->device ? p->device : ""; *c; c++)
		h = (h ^ (unsigned char)*c) * 16777619u;
	h = (h ^ p->facts) * 16777619u;
	h = (h ^ p->absences) * 16777619u;
	h = (h ^ (p->event.kind << 3 | p->event.dir)) * 16777619u;
	return (h ^ h >> 16) % BUCKETS;
}

/* The entry of what is pending, new if need be; NULL where there is no room. */
static struct entry *entry_of(struct groups *g)
{
	const struct pending *p = &g->now;
	struct entry **bucket = &g->buckets[bucket_of(p)], *e;

	for (e = *bucket; e; e = e->next) {
		const struct group *q = &e->group;

		if (q->facts == p->facts && q->absences == p->absences &&
		    q->kind == p->event.kind && q->dir == p->event.dir &&
		    same_device(q->device, p->device))
			return e;
	}
	if (g->count == MOST)
		return NULL;
	e = xcalloc(1, sizeof(*e));
	e->group.device = xstrdup(p->device);
	e->group.kind = p->event.kind;
	e->group.dir = p->event.dir;
	e->group.facts = p->facts;
	e->group.absences = p->absences;
	e->next = *bucket;
	*bucket = e;
	XGROW(g->list, g->count, g->cap);
	return g->list[g->count++] = e;
}

static void keep(struct group *q, const struct pending *p)
{
	q->examples = xrealloc(q->examples, q->nexamples + 1, sizeof(*q->examples));
	q->examples[q->nexamples++] = (struct counterexample){
		.seq = p->part.event ? p->part.seq : 0,
		.event = p->event,
		.memory = p->part.memory,
		.device = xstrdup(p->device),
		.comm = xstrdup(p->comm),
		.text = xstrdup(p->text),
	};
}

/* Count what is pending where it came to stand. */
static void commit(struct groups *g)
{
	struct pending *p = &g->now;
	struct group *q;

	if (!p->any)
		return;
	p->any = false;
	if (g->hook && p->part.event)
		g->hook(g->ctx, p->event.ts_ns, p->facts, p->absences);
	if (!p->entry) {
		g->left_out++;
		return;
	}
	q = &p->entry->group;
	if (!q->count++) {
		q->first_event = p->part.event ? p->part.seq : 0;
		q->first_ns = p->event.ts_ns;
	}
	q->last_event = p->part.event ? p->part.seq : 0;
	q->last_ns = p->event.ts_ns;
	if (p->event.size > q->largest)
		q->largest = p->event.size;
	if (q->nexamples < VERDICT_EXAMPLES)
		keep(q, p);
}

static void begin(struct groups *g, const struct group_part *part)
{
	static const struct event none = { .dma = EVENT_NO_ADDR,
					   .orig = EVENT_NO_ADDR,
					   .dir = EVENT_DIR_NONE };
	struct pending *p = &g->now;

	commit(g);
	p->any = true;
	p->part = *part;
	p->event = part->event ? *part->event : none;
	if (!same_device(p->device, part->device)) {
		free(p->device);
		p->device = xstrdup(part->device);
	}
	if (!same_device(p->comm, part->comm)) {
		free(p->comm);
		p->comm = xstrdup(part->comm);
	}
	p->facts = p->absences = 0;
	p->len = 0;
	p->text[0] = '\0';
}

/* Does the breach belong to the event that is pending?  The same breach twice is another one. */
static bool goes_on(const struct groups *g, const struct group_part *part)
{
	const struct pending *p = &g->now;

	return p->any && p->part.event && part->event && p->part.seq == part->seq &&
	       same_device(p->device, part->device) && part->event->dma == p->event.dma &&
	       !((p->facts | p->absences) & 1u << part->breach);
}

static void write_sentence(struct pending *p, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void write_sentence(struct pending *p, const char *fmt, va_list ap)
{
	int n;

	if (p->len && p->len + 2 < sizeof(p->text))
		p->len += (size_t)sprintf(p->text + p->len, "; ");
	n = vsnprintf(p->text + p->len, sizeof(p->text) - p->len, fmt, ap);
	if (n > 0)
		p->len += (size_t)n;
	if (p->len >= sizeof(p->text))
		p->len = sizeof(p->text) - 1;
}

static void write_plain(struct pending *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void write_plain(struct pending *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_sentence(p, fmt, ap);
	va_end(ap);
}

void groups_add(struct groups *g, const struct group_part *part, const char *fmt, va_list ap)
{
	struct pending *p = &g->now;

	if (!goes_on(g, part))
		begin(g, part);
	*(part->absence ? &p->absences : &p->facts) |= 1u << part->breach;
	p->entry = entry_of(g);
	if (!p->entry)
		return;
	/* most events only come by here, to a group that has its examples */
	if (p->entry->formatted < VERDICT_EXAMPLES) {
		p->entry->formatted++;
		write_sentence(p, fmt, ap);
	} else {
		write_plain(p, "%s", breach_text(part->breach));
	}
}

void groups_stack(struct groups *g, uint64_t seq, const char *frames)
{
	if (!*frames || ++g->stacks > MOST_STACKS)
		return;
	commit(g);
	for (size_t i = 0; i < g->count; i++) {
		struct group *q = &g->list[i]->group;

		if (!q->count || q->last_event != seq || q->stack)
			continue;
		q->stack = xstrdup(frames);
		q->stack_event = seq;
	}
}

void groups_close(struct groups *g)
{
	size_t n = 0;

	commit(g);
	for (size_t i = 0; i < g->count; i++) {
		if (g->list[i]->group.count)
			g->list[n++] = g->list[i];
		else
			free_entry(g->list[i]);
	}
	memset(g->buckets, 0, sizeof(g->buckets));
	g->count = n;
}

size_t groups_count(const struct groups *g)
{
	return g->count;
}

const struct group *groups_at(const struct groups *g, size_t i)
{
	return &g->list[i]->group;
}

uint64_t groups_left_out(const struct groups *g)
{
	return g->left_out;
}
