/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/verdict/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/xalloc.h"
#include "lib/cost/where.h"
#include "lib/evidence/platform.h"

#define SLOT_SHIFT 11	     /* 2 KiB, IO_TLB_SHIFT in Linux include/linux/swiotlb.h */
#define MOST_LIVE (1u << 20) /* mappings that are followed at once */
#define FIRST_BUCKET_NS 1000 /* short enough for the shortest run; doubled as needed */

/* One mapping that lives in a pool, by how its unmap will name it. */
struct live {
	struct hash_key key;
	uint32_t slots;
};

#define KINDS 32 /* of violations; what is more counts as the last of them */

/* Violations of one kind: whether they refute is known in the end. */
struct violations {
	uint32_t facts, absences;
	uint64_t count[TIMELINE_BUCKETS];
};

struct timeline_builder {
	struct timeline *line;
	const struct platform *platform;
	struct where_map where;
	struct hash live;
	uint64_t level; /* slots in use now */
	bool begun;
	struct violations *violations;
	size_t nviolations;
};

struct timeline_builder *timeline_builder_new(const struct platform *platform)
{
	struct timeline_builder *b = xcalloc(1, sizeof(*b));

	b->line = xcalloc(1, sizeof(*b->line));
	b->line->bucket_ns = FIRST_BUCKET_NS;
	b->platform = platform;
	where_map_init(&b->where, platform);
	hash_init(&b->live, sizeof(struct live));
	return b;
}

/* dma_unmap_sg() names original buffers, every other unmap the device's address. */
static struct hash_key identity(const struct event *ev)
{
	bool by_orig = ev->flags & (EVENT_F_SG | EVENT_F_BY_ORIG);

	return (struct hash_key){ by_orig ? ev->orig : ev->dma, (uint64_t)ev->dev << 1 | by_orig };
}

static void remember(struct timeline_builder *b, const struct event *ev, uint32_t slots)
{
	struct hash_key key = identity(ev);
	struct live *entry;

	if (b->live.count >= MOST_LIVE) {
		b->line->pool_partial = true;
		return;
	}
	entry = hash_find(&b->live, key.a, key.b);
	if (!entry)
		entry = hash_add(&b->live, key.a, key.b);
	b->level += slots - entry->slots; /* mapped again without an unmap: counted once */
	entry->slots = slots;
}

static void forget(struct timeline_builder *b, const struct event *ev)
{
	struct hash_key key = identity(ev);
	struct live *entry = hash_find(&b->live, key.a, key.b);

	if (!entry)
		return; /* older than the window, or not in a pool */
	b->level -= entry->slots;
	hash_remove(&b->live, entry);
}

static void join(uint64_t *n, bool most)
{
	for (size_t i = 0; i < TIMELINE_BUCKETS / 2; i++) {
		uint64_t a = n[2 * i], c = n[2 * i + 1];

		n[i] = !most ? a + c : a > c ? a : c;
	}
	memset(n + TIMELINE_BUCKETS / 2, 0, TIMELINE_BUCKETS / 2 * sizeof(*n));
}

static void join_neighbours(struct timeline_builder *b)
{
	struct timeline *t = b->line;

	for (int s = 0; s < TIMELINE_SERIES; s++)
		join(t->series[s], s == TIMELINE_POOL_SLOTS);
	for (size_t i = 0; i < b->nviolations; i++)
		join(b->violations[i].count, false);
	t->used = (t->used + 1) / 2;
	t->bucket_ns *= 2;
}

/* The bucket of a time; what the stream tells late falls into the first one. */
static size_t bucket_at(struct timeline_builder *b, uint64_t ts_ns)
{
	struct timeline *t = b->line;
	uint64_t passed;
	size_t i;

	if (!b->begun)
		t->start_ns = ts_ns;
	b->begun = true;
	passed = ts_ns > t->start_ns ? ts_ns - t->start_ns : 0;
	while (passed / t->bucket_ns >= TIMELINE_BUCKETS)
		join_neighbours(b);
	i = passed / t->bucket_ns;
	for (; t->used <= i; t->used++)
		t->series[TIMELINE_POOL_SLOTS][t->used] = b->level;
	return i;
}

static void add_map(struct timeline_builder *b, size_t i, const struct event *ev)
{
	struct timeline *t = b->line;

	if (ev->dma == EVENT_NO_ADDR)
		return;
	t->series[TIMELINE_MAPS][i]++;
	if (ev->dir == EVENT_TO_DEVICE || ev->dir == EVENT_BIDIRECTIONAL)
		t->series[TIMELINE_OUT_BYTES][i] += ev->size;
	if (!ev->size || where_is(&b->where, ev->dma, ev->size) == WHERE_ELSEWHERE)
		return;
	t->series[TIMELINE_BOUNCED][i]++;
	remember(b, ev,
		 (uint32_t)(((ev->dma & ((1u << SLOT_SHIFT) - 1)) + ev->size - 1) >> SLOT_SHIFT) +
			 1);
	if (t->series[TIMELINE_POOL_SLOTS][i] < b->level)
		t->series[TIMELINE_POOL_SLOTS][i] = b->level;
}

static void add_unmap(struct timeline_builder *b, size_t i, const struct event *ev)
{
	if (ev->dir != EVENT_TO_DEVICE && !(ev->attrs & EVENT_ATTR_SKIP_CPU_SYNC))
		b->line->series[TIMELINE_IN_BYTES][i] += ev->size;
	forget(b, ev);
}

/* Only those of this run: another nonce is another recording's, or made up. */
static void mark(struct timeline_builder *b, const struct event *ev)
{
	struct timeline *t = b->line;

	if (!b->platform || !ev->link || ev->link != b->platform->trace.nonce)
		return;
	if (ev->aux == EVENT_MARK_START && !t->window_from_ns)
		t->window_from_ns = ev->ts_ns;
	else if (ev->aux == EVENT_MARK_STOP)
		t->window_to_ns = ev->ts_ns;
}

static void feed_one(struct timeline_builder *b, const struct event *ev)
{
	struct timeline *t = b->line;
	size_t i;

	if (ev->kind == EVENT_MARK)
		mark(b, ev);
	if (event_group(ev->kind) == EVENT_GROUP_OTHER)
		return;
	i = bucket_at(b, ev->ts_ns);
	t->series[TIMELINE_EVENTS][i]++;
	switch (ev->kind) {
	case EVENT_MAP:
		add_map(b, i, ev);
		break;
	case EVENT_UNMAP:
		add_unmap(b, i, ev);
		break;
	case EVENT_SYNC_CPU:
		if (ev->dir != EVENT_TO_DEVICE)
			t->series[TIMELINE_IN_BYTES][i] += ev->size;
		break;
	case EVENT_SYNC_DEVICE:
		if (ev->dir != EVENT_FROM_DEVICE)
			t->series[TIMELINE_OUT_BYTES][i] += ev->size;
		break;
	}
}

void timeline_builder_feed(struct timeline_builder *b, const struct event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		feed_one(b, &events[i]);
}

void timeline_builder_violation(struct timeline_builder *b, uint64_t ts_ns, uint32_t facts,
				uint32_t absences)
{
	size_t k = 0, bucket = bucket_at(b, ts_ns);

	while (k < b->nviolations &&
	       (b->violations[k].facts != facts || b->violations[k].absences != absences))
		k++;
	if (k == KINDS) {
		k--;
	} else if (k == b->nviolations) {
		b->violations = xrealloc(b->violations, k + 1, sizeof(*b->violations));
		b->violations[b->nviolations++] =
			(struct violations){ .facts = facts, .absences = absences };
	}
	b->violations[k].count[bucket]++;
}

void timeline_builder_refuted(struct timeline_builder *b, uint32_t facts, uint32_t absences)
{
	for (size_t k = 0; k < b->nviolations; k++) {
		const struct violations *v = &b->violations[k];

		if (!((v->facts & facts) | (v->absences & absences)))
			continue;
		for (size_t i = 0; i < TIMELINE_BUCKETS; i++)
			b->line->series[TIMELINE_VIOLATIONS][i] += v->count[i];
	}
}

struct timeline *timeline_builder_finish(struct timeline_builder *b)
{
	struct timeline *line = b->line;

	free(b->violations);
	hash_free(&b->live);
	where_map_release(&b->where);
	free(b);
	return line;
}

char *timeline_series_format(const struct timeline *t, enum timeline_series series)
{
	char *text = xcalloc(t->used * 21 + 1, 1);
	size_t at = 0;

	for (size_t i = 0; i < t->used; i++)
		at += (size_t)sprintf(text + at, "%s%" PRIu64, i ? " " : "", t->series[series][i]);
	return text;
}

int timeline_series_parse(struct timeline *t, enum timeline_series series, const char *text)
{
	int n = 0;

	while (*text) {
		char *end;

		if (n == TIMELINE_BUCKETS || *text < '0' || *text > '9')
			return -EINVAL;
		errno = 0;
		t->series[series][n++] = strtoull(text, &end, 10);
		if (errno || (*end && *end != ' ') || (*end == ' ' && !end[1]))
			return -EINVAL;
		text = end + (*end == ' ');
	}
	return n;
}
