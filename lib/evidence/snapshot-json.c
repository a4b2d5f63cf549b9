/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A snapshot as JSON: members of "memory" in platform.json, see ccaio-platform(5). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/snapshot.h"
#include "lib/json/table.h"

static const char *const uses[] = { "out", "in", "table" };
static const char *const marks[] = { "clear", "set", "absent" };

/* ---- writing ---- */

static void write_queue(struct jwriter *w, const struct snapshot_queue *q)
{
	char text[96];

	jwrite_object(w, NULL);
	jwrite_string(w, "name", q->name);
	jwrite_number(w, "index", q->index);
	jwrite_number(w, "size", q->size);
	jwrite_tri(w, "dma_api", q->dma_api);
	jwrite_string(w, "layout", q->packed ? "packed" : "split");
	jwrite_array(w, "rings");
	for (size_t i = 0; i < q->nrings; i++) {
		snprintf(text, sizeof(text), "0x%" PRIx64 " %" PRIu64, q->rings[i].address,
			 q->rings[i].size);
		jwrite_string(w, NULL, text);
	}
	jwrite_end_array(w);
	jwrite_number(w, "unread", q->unread);
	jwrite_array(w, "descriptors");
	for (size_t i = 0; i < q->ndescriptors; i++) {
		const struct snapshot_descriptor *d = &q->descriptors[i];

		snprintf(text, sizeof(text), "%u %s 0x%" PRIx64 " %" PRIu32, d->head, uses[d->use],
			 d->address, d->length);
		jwrite_string(w, NULL, text);
	}
	jwrite_end_array(w);
	jwrite_end_object(w);
}

static void write_device(struct jwriter *w, const struct snapshot_device *d)
{
	jwrite_object(w, NULL);
	jwrite_string(w, "name", d->name);
	jwrite_string(w, "parent", d->parent);
	jwrite_hex(w, "features", d->features);
	jwrite_array(w, "queues");
	for (size_t i = 0; i < d->nqueues; i++)
		write_queue(w, &d->queues[i]);
	jwrite_end_array(w);
	jwrite_end_object(w);
}

static void write_pool(struct jwriter *w, const struct snapshot_pool *p)
{
	char text[96];

	jwrite_object(w, NULL);
	jwrite_hex(w, "start", p->range.start);
	jwrite_hex(w, "end", p->range.end);
	jwrite_number(w, "slots", p->slots);
	jwrite_number(w, "areas", p->areas);
	jwrite_number(w, "used", p->used);
	jwrite_array(w, "live");
	for (size_t i = 0; i < p->nlive; i++) {
		snprintf(text, sizeof(text), "0x%" PRIx64 " %" PRIu64 " 0x%" PRIx64,
			 p->live[i].start, p->live[i].size, p->live[i].orig);
		jwrite_string(w, NULL, text);
	}
	jwrite_end_array(w);
	jwrite_end_object(w);
}

static void write_pages(struct jwriter *w, const struct snapshot *s)
{
	char text[96];

	jwrite_hex(w, "page_mask", s->page_mask);
	jwrite_array(w, "pages");
	for (size_t i = 0; i < s->npages; i++) {
		const struct snapshot_pages *p = &s->pages[i];

		snprintf(text, sizeof(text), "0x%" PRIx64 " 0x%" PRIx64 " %s 0x%016" PRIx64,
			 p->range.start, p->range.end, marks[p->mark], p->entry);
		jwrite_string(w, NULL, text);
	}
	jwrite_end_array(w);
}

/* The member: a pointer to a snapshot. */
static struct snapshot **snapshot_at(const struct jrow *row, const void *what)
{
	return (void *)((char *)what + row->offset);
}

static void write_snapshot(const struct jrow *row, struct jwriter *w, const void *what)
{
	const struct snapshot *s = *snapshot_at(row, what);

	if (!s) {
		jwrite_null(w, row->key);
		return;
	}
	jwrite_object(w, row->key);
	jwrite_string(w, "trouble", s->trouble);
	jwrite_array(w, "devices");
	for (size_t i = 0; i < s->ndevices; i++)
		write_device(w, &s->devices[i]);
	jwrite_end_array(w);
	jwrite_array(w, "pools");
	for (size_t i = 0; i < s->npools; i++)
		write_pool(w, &s->pools[i]);
	jwrite_end_array(w);
	write_pages(w, s);
	jwrite_number(w, "cpu_ns", s->cpu_ns);
	jwrite_end_object(w);
}

/* ---- reading: words between single spaces ---- */

static bool take_number(const char **at, int base, uint64_t max, uint64_t *value)
{
	char *end;

	if (base == 16) {
		if (strncmp(*at, "0x", 2) != 0)
			return false;
		*at += 2;
	}
	if (!strchr("0123456789abcdef", **at) || !**at)
		return false;
	errno = 0;
	*value = strtoull(*at, &end, base);
	if (errno || end == *at || end - *at > 20 || *value > max || (*end && *end != ' '))
		return false;
	*at = *end ? end + 1 : end;
	return !*end || **at; /* nothing ends in a space */
}

static int take_word(const char **at, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(words[i]);

		if (strncmp(*at, words[i], len) != 0 || ((*at)[len] && (*at)[len] != ' '))
			continue;
		*at += (*at)[len] ? len + 1 : len;
		return (int)i;
	}
	return -1;
}

/* Does an area of size bytes fit behind address? */
static bool fits(uint64_t address, uint64_t size)
{
	return size > 0 && size - 1 <= UINT64_MAX - 1 - address;
}

static bool parse_ring(const char *at, struct snapshot_ring *r)
{
	return take_number(&at, 16, UINT64_MAX - 1, &r->address) &&
	       take_number(&at, 10, UINT64_MAX, &r->size) && !*at && fits(r->address, r->size);
}

static bool parse_descriptor(const char *at, struct snapshot_descriptor *d)
{
	uint64_t head, length;
	int use;

	if (!take_number(&at, 10, UINT16_MAX, &head))
		return false;
	use = take_word(&at, uses, sizeof(uses) / sizeof(uses[0]));
	if (use < 0 || !take_number(&at, 16, UINT64_MAX - 1, &d->address) ||
	    !take_number(&at, 10, UINT32_MAX, &length) || *at)
		return false;
	d->head = (uint16_t)head;
	d->use = (uint8_t)use;
	d->length = (uint32_t)length;
	return length == 0 || fits(d->address, length);
}

static bool parse_live(const char *at, struct snapshot_live *l)
{
	return take_number(&at, 16, UINT64_MAX - 1, &l->start) &&
	       take_number(&at, 10, UINT64_MAX, &l->size) &&
	       take_number(&at, 16, UINT64_MAX, &l->orig) && !*at && fits(l->start, l->size);
}

static bool parse_pages(const char *at, struct snapshot_pages *p)
{
	int mark;

	if (!take_number(&at, 16, UINT64_MAX, &p->range.start) ||
	    !take_number(&at, 16, UINT64_MAX, &p->range.end) || p->range.end < p->range.start)
		return false;
	mark = take_word(&at, marks, sizeof(marks) / sizeof(marks[0]));
	if (mark < 0 || !take_number(&at, 16, UINT64_MAX, &p->entry) || *at)
		return false;
	p->mark = (enum snapshot_mark)mark;
	return true;
}

static void free_strings(char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

/* An array of strings, each one element of *list by parse. */
#define READ_LIST(object, key, max, list, count, parse)                                         \
	do {                                                                                    \
		size_t n_;                                                                      \
		char **strings_ = jval_strings((object), (key), JDOC_MAX_VALUES, &n_);          \
		if (n_ > (max))                                                                 \
			jval_fail_at((object), (key), "more than %zu elements", (size_t)(max)); \
		(list) = xcalloc(n_ ? n_ : 1, sizeof(*(list)));                                 \
		for (size_t i_ = 0; i_ < n_ && n_ <= (max); i_++) {                             \
			if (!parse(strings_[i_], &(list)[i_]))                                  \
				jval_fail_at((object), (key), "cannot read '%.80s'",            \
					     strings_[i_]);                                     \
			else                                                                    \
				(count) = i_ + 1;                                               \
		}                                                                               \
		free_strings(strings_, n_);                                                     \
	} while (0)

static void read_rings(struct snapshot_queue *q, const struct jval *item)
{
	struct snapshot_ring *rings;
	size_t count = 0;

	READ_LIST(item, "rings", SNAPSHOT_RINGS, rings, count, parse_ring);
	memcpy(q->rings, rings, count * sizeof(*rings));
	q->nrings = count;
	free(rings);
}

static void read_queue(struct snapshot_queue *q, const struct jval *item)
{
	char *layout = jval_string(item, "layout");

	q->name = jval_name(item, "name");
	q->index = (uint32_t)jval_number(item, "index", UINT32_MAX, 0);
	q->size = (uint32_t)jval_number(item, "size", SNAPSHOT_QUEUE_SIZE, 0);
	q->dma_api = jval_tri(item, "dma_api");
	q->packed = layout && strcmp(layout, "packed") == 0;
	if (layout && !q->packed && strcmp(layout, "split") != 0)
		jval_fail_at(item, "layout", "expected \"split\" or \"packed\"");
	free(layout);
	q->unread = (uint32_t)jval_number(item, "unread", UINT32_MAX, 0);
	read_rings(q, item);
	READ_LIST(item, "descriptors", SNAPSHOT_DESCRIPTORS, q->descriptors, q->ndescriptors,
		  parse_descriptor);
}

static void read_device(struct snapshot_device *d, const struct jval *item)
{
	struct jval list = jval_array(item, "queues");
	size_t count = jval_count(&list);

	d->name = jval_name_required(item, "name");
	d->parent = jval_name(item, "parent");
	d->features = jval_hex(item, "features", UINT64_MAX, 0);
	if (count > SNAPSHOT_QUEUES) {
		jval_fail(&list, "more than %d queues", SNAPSHOT_QUEUES);
		return;
	}
	d->queues = xcalloc(count, sizeof(*d->queues));
	for (d->nqueues = 0; d->nqueues < count; d->nqueues++) {
		struct jval queue = jval_item_object(&list, d->nqueues);

		read_queue(&d->queues[d->nqueues], &queue);
	}
}

static void read_pool(struct snapshot_pool *p, const struct jval *item)
{
	p->range.start = jval_hex(item, "start", UINT64_MAX - 1, 0);
	p->range.end = jval_hex(item, "end", UINT64_MAX - 1, 0);
	if (p->range.end < p->range.start || !jval_has(item, "start"))
		jval_fail(item, "expected start and a later end");
	p->slots = jval_number(item, "slots", INT64_MAX, 0);
	p->areas = jval_number(item, "areas", INT64_MAX, 0);
	p->used = jval_number(item, "used", INT64_MAX, 0);
	READ_LIST(item, "live", SNAPSHOT_LIVE, p->live, p->nlive, parse_live);
}

static void read_devices(struct snapshot *s, const struct jval *root)
{
	struct jval list = jval_array(root, "devices");
	size_t count = jval_count(&list);

	if (count > SNAPSHOT_DEVICES) {
		jval_fail(&list, "more than %d devices", SNAPSHOT_DEVICES);
		return;
	}
	s->devices = xcalloc(count, sizeof(*s->devices));
	for (s->ndevices = 0; s->ndevices < count; s->ndevices++) {
		struct jval item = jval_item_object(&list, s->ndevices);

		read_device(&s->devices[s->ndevices], &item);
	}
}

static void read_pools(struct snapshot *s, const struct jval *root)
{
	struct jval list = jval_array(root, "pools");
	size_t count = jval_count(&list);

	if (count > SNAPSHOT_POOLS) {
		jval_fail(&list, "more than %d pools", SNAPSHOT_POOLS);
		return;
	}
	s->pools = xcalloc(count, sizeof(*s->pools));
	for (s->npools = 0; s->npools < count; s->npools++) {
		struct jval item = jval_item_object(&list, s->npools);

		read_pool(&s->pools[s->npools], &item);
	}
}

static void read_snapshot(const struct jrow *row, const struct jval *object, void *what)
{
	struct jval root = jval_object(object, row->key);
	struct snapshot *s;

	if (!jval_known(&root))
		return;
	s = snapshot_new();
	*snapshot_at(row, what) = s;
	s->trouble = jval_string(&root, "trouble");
	read_devices(s, &root);
	read_pools(s, &root);
	s->page_mask = jval_hex(&root, "page_mask", UINT64_MAX, 0);
	READ_LIST(&root, "pages", SNAPSHOT_PAGES, s->pages, s->npages, parse_pages);
	for (size_t i = 1; i < s->npages; i++) {
		if (s->pages[i].range.start <= s->pages[i - 1].range.end)
			jval_fail_at(&root, "pages", "the ranges are not in ascending order");
	}
	s->cpu_ns = jval_number(&root, "cpu_ns", INT64_MAX, 0);
}

static void release_snapshot(const struct jrow *row, void *what)
{
	snapshot_free(*snapshot_at(row, what));
	*snapshot_at(row, what) = NULL;
}

static bool is_absent(const struct jrow *row, const void *what)
{
	return !*snapshot_at(row, what);
}

const struct jown snapshot_own = {
	.read = read_snapshot,
	.write = write_snapshot,
	.release = release_snapshot,
	.empty = is_absent,
	.schema = "{\"type\":[\"object\",\"null\"]}",
};
