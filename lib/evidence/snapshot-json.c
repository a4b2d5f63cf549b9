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

#define MAX_ADDRESS (UINT64_MAX - 1)

static const char *const uses[] = { "out", "in", "table" };
static const char *const marks[] = { "clear", "set", "absent" };

/* ---- structs as strings of words between single spaces: there are thousands of them ---- */

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

static bool parse_ring(const char *at, void *to)
{
	struct snapshot_ring *r = to;

	return take_number(&at, 16, UINT64_MAX - 1, &r->address) &&
	       take_number(&at, 10, UINT64_MAX, &r->size) && !*at && fits(r->address, r->size);
}

static bool parse_descriptor(const char *at, void *to)
{
	struct snapshot_descriptor *d = to;
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

static bool parse_live(const char *at, void *to)
{
	struct snapshot_live *l = to;

	return take_number(&at, 16, UINT64_MAX - 1, &l->start) &&
	       take_number(&at, 10, UINT64_MAX, &l->size) &&
	       take_number(&at, 16, UINT64_MAX, &l->orig) && !*at && fits(l->start, l->size);
}

static bool parse_pages(const char *at, void *to)
{
	struct snapshot_pages *p = to;
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

static void format_ring(char *text, size_t size, const void *from)
{
	const struct snapshot_ring *r = from;

	snprintf(text, size, "0x%" PRIx64 " %" PRIu64, r->address, r->size);
}

static void format_descriptor(char *text, size_t size, const void *from)
{
	const struct snapshot_descriptor *d = from;

	snprintf(text, size, "%u %s 0x%" PRIx64 " %" PRIu32, d->head, uses[d->use], d->address,
		 d->length);
}

static void format_live(char *text, size_t size, const void *from)
{
	const struct snapshot_live *l = from;

	snprintf(text, size, "0x%" PRIx64 " %" PRIu64 " 0x%" PRIx64, l->start, l->size, l->orig);
}

static void format_pages(char *text, size_t size, const void *from)
{
	const struct snapshot_pages *p = from;

	snprintf(text, size, "0x%" PRIx64 " 0x%" PRIx64 " %s 0x%016" PRIx64, p->range.start,
		 p->range.end, marks[p->mark], p->entry);
}

/* How structs of one kind are packed; a row's own functions begin it. */
struct packed {
	struct jown own;
	size_t size; /* of a struct */
	bool (*parse)(const char *text, void *to);
	void (*format)(char *text, size_t size, const void *from);
};

/* The first of a row's structs. */
static char *first_of(const struct jrow *row, const void *what)
{
	char *member = (char *)what + row->offset;

	return row->flags & JF_FIXED ? member : *(void **)(void *)member;
}

static size_t *count_of(const struct jrow *row, const void *what)
{
	return (void *)((char *)what + row->count);
}

static void read_packed(const struct jrow *row, const struct jval *object, void *what)
{
	const struct packed *packed = (const void *)row->own;
	size_t n = 0;
	char **strings = jval_strings(object, row->key, (size_t)row->max, &n);
	bool good = true;

	if (!(row->flags & JF_FIXED) && n)
		*(void **)(void *)((char *)what + row->offset) = xcalloc(n, packed->size);
	for (size_t i = 0; i < n; i++) {
		good = good && packed->parse(strings[i], first_of(row, what) + i * packed->size);
		if (!good)
			jval_fail_at(object, row->key, "cannot read '%.80s'", strings[i]);
		else
			*count_of(row, what) = i + 1;
		free(strings[i]);
	}
	free(strings);
	if (row->cap)
		*(size_t *)(void *)((char *)what + row->cap) = n;
}

static void write_packed(const struct jrow *row, struct jwriter *w, const void *what)
{
	const struct packed *packed = (const void *)row->own;
	char text[96];

	jwrite_array(w, row->key);
	for (size_t i = 0; i < *count_of(row, what); i++) {
		packed->format(text, sizeof(text), first_of(row, what) + i * packed->size);
		jwrite_string(w, NULL, text);
	}
	jwrite_end_array(w);
}

static void free_packed(const struct jrow *row, void *what)
{
	if (!(row->flags & JF_FIXED))
		free(first_of(row, what));
}

#define PACKED_OWN(PATTERN)                                                                      \
	{                                                                                        \
		.read = read_packed, .write = write_packed, .release = free_packed,              \
		.schema = "{\"type\": [\"array\", \"null\"], \"items\": {\"type\": \"string\", " \
			  "\"pattern\": \"^" PATTERN "$\"}}",                                    \
	}
#define HEX "0x[0-9a-f]{1,16}"
#define DEC "[0-9]{1,20}"
static const struct packed rings = { PACKED_OWN(HEX " " DEC), sizeof(struct snapshot_ring),
				     parse_ring, format_ring };
static const struct packed descriptors = { PACKED_OWN(DEC " (out|in|table) " HEX " " DEC),
					   sizeof(struct snapshot_descriptor), parse_descriptor,
					   format_descriptor };
static const struct packed live = { PACKED_OWN(HEX " " DEC " " HEX), sizeof(struct snapshot_live),
				    parse_live, format_live };
static const struct packed pages = { PACKED_OWN(HEX " " HEX " (clear|set|absent) " HEX),
				     sizeof(struct snapshot_pages), parse_pages, format_pages };

#define PACKED(K, S, M, N, MAX, PACKED, ...) \
	JOWN(K, S, M, &(PACKED).own, .count = offsetof(S, N), .max = MAX, __VA_ARGS__)

/* ---- the rest ---- */

static const char *layout_word(int packed)
{
	return packed ? "packed" : "split";
}

#define QUEUE struct snapshot_queue
static const struct jrow queue_rows[] = {
	JNAME("name", QUEUE, name),
	JNUMBER("index", QUEUE, index, UINT32_MAX),
	JNUMBER("size", QUEUE, size, SNAPSHOT_QUEUE_SIZE),
	JTRI("dma_api", QUEUE, dma_api),
	JWORD("layout", QUEUE, packed, layout_word, 2),
	PACKED("rings", QUEUE, rings, nrings, SNAPSHOT_RINGS, rings, .flags = JF_FIXED),
	JNUMBER("unread", QUEUE, unread, UINT32_MAX),
	PACKED("descriptors", QUEUE, descriptors, ndescriptors, SNAPSHOT_DESCRIPTORS, descriptors,
	       .cap = offsetof(QUEUE, cap)),
	JEND,
};
static const struct jtable queue_table = { .rows = queue_rows, .size = sizeof(QUEUE) };

#define DEVICE struct snapshot_device
static const struct jrow device_rows[] = {
	JNAME("name", DEVICE, name, .flags = JF_REQUIRED),
	JNAME("parent", DEVICE, parent),
	JHEX("features", DEVICE, features, UINT64_MAX),
	JLIST("queues", DEVICE, queues, nqueues, &queue_table, SNAPSHOT_QUEUES,
	      .cap = offsetof(DEVICE, cap)),
	JEND,
};
static const struct jtable device_table = { .rows = device_rows, .size = sizeof(DEVICE) };

#define POOL struct snapshot_pool
static const struct jrow pool_rows[] = {
	JHEX("start", POOL, range.start, MAX_ADDRESS, .flags = JF_REQUIRED),
	JHEX("end", POOL, range.end, MAX_ADDRESS, .flags = JF_REQUIRED),
	JNUMBER("slots", POOL, slots, INT64_MAX),
	JNUMBER("areas", POOL, areas, INT64_MAX),
	JNUMBER("used", POOL, used, INT64_MAX),
	PACKED("live", POOL, live, nlive, SNAPSHOT_LIVE, live, .cap = offsetof(POOL, cap)),
	JEND,
};

static void check_pool(const struct jval *object, void *what)
{
	const POOL *pool = what;

	if (pool->range.end < pool->range.start)
		jval_fail(object, "end is below start (bounds are inclusive)");
}

static const struct jtable pool_table = { .rows = pool_rows,
					  .size = sizeof(POOL),
					  .check = check_pool };

#define SNAPSHOT struct snapshot
static const struct jrow snapshot_rows[] = {
	JSTRING("trouble", SNAPSHOT, trouble),
	JLIST("devices", SNAPSHOT, devices, ndevices, &device_table, SNAPSHOT_DEVICES,
	      .cap = offsetof(SNAPSHOT, devices_cap)),
	JLIST("pools", SNAPSHOT, pools, npools, &pool_table, SNAPSHOT_POOLS,
	      .cap = offsetof(SNAPSHOT, pools_cap)),
	JHEX("page_mask", SNAPSHOT, page_mask, UINT64_MAX),
	PACKED("pages", SNAPSHOT, pages, npages, SNAPSHOT_PAGES, pages,
	       .cap = offsetof(SNAPSHOT, pages_cap)),
	JNUMBER("cpu_ns", SNAPSHOT, cpu_ns, INT64_MAX),
	JEND,
};

static void check_snapshot(const struct jval *object, void *what)
{
	const SNAPSHOT *s = what;

	for (size_t i = 1; i < s->npages; i++)
		if (s->pages[i].range.start <= s->pages[i - 1].range.end)
			jval_fail_at(object, "pages", "the ranges are not in ascending order");
}

const struct jtable snapshot_table = { .rows = snapshot_rows,
				       .size = sizeof(SNAPSHOT),
				       .check = check_snapshot };

struct snapshot *snapshot_new(void)
{
	return xcalloc(1, sizeof(struct snapshot));
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	jtable_free(&snapshot_table, s);
	free(s);
}
