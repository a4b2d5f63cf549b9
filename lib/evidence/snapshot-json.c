/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A snapshot as JSON: members of "memory" in platform.json, see ccaio-platform(5). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digits.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/snapshot.h"
#include "lib/evidence/tables.h"

static const char *const uses[] = { "out", "in", "table" };
static const char *const marks[] = { "clear", "set", "absent" };

/* ---- values as text: there are thousands of them ---- */

static int index_of(const char *word, const char *const *words, int count)
{
	int i = 0;

	while (i < count && strcmp(word, words[i]) != 0)
		i++;
	return i;
}

/* Does an area of size bytes fit behind address? */
static bool fits(uint64_t address, uint64_t size)
{
	return address != UINT64_MAX && size > 0 && size - 1 <= UINT64_MAX - 1 - address;
}

/* Text that is written from left to right: a word, " 0x…" and the like follow what is there. */
static char *put_text(char *to, const char *text)
{
	size_t len = strlen(text);

	memcpy(to, text, len);
	return to + len;
}

static char *put_hex(char *to, uint64_t value, size_t width)
{
	to = put_text(to, "0x");
	return to + digits_hex(to, value, width);
}

static char *put_decimal(char *to, uint64_t value)
{
	return to + digits_decimal(to, value);
}

static void format_ring(const void *from, char text[JCODE_TEXT])
{
	const struct snapshot_ring *r = from;
	char *to = put_hex(text, r->address, 1);

	*to++ = ' ';
	*put_decimal(to, r->size) = '\0';
}

static void format_descriptor(const void *from, char text[JCODE_TEXT])
{
	const struct snapshot_descriptor *d = from;
	char *to = put_decimal(text, d->head);

	*to++ = ' ';
	to = put_text(to, uses[d->use]);
	*to++ = ' ';
	to = put_hex(to, d->address, 1);
	*to++ = ' ';
	*put_decimal(to, d->length) = '\0';
}

static void format_live(const void *from, char text[JCODE_TEXT])
{
	const struct snapshot_live *l = from;
	char *to = put_hex(text, l->start, 1);

	*to++ = ' ';
	to = put_decimal(to, l->size);
	*to++ = ' ';
	*put_hex(to, l->orig, 1) = '\0';
}

static void format_pages(const void *from, char text[JCODE_TEXT])
{
	const struct snapshot_pages *p = from;
	char *to = put_hex(text, p->range.start, 1);

	*to++ = ' ';
	to = put_hex(to, p->range.end, 1);
	*to++ = ' ';
	to = put_text(to, marks[p->mark]);
	*to++ = ' ';
	*put_hex(to, p->entry, 16) = '\0';
}

/* Is this the one way of writing it?  scanf() alone lets much pass. */
static bool is_exact(const char *text, void (*format)(const void *, char *), const void *value)
{
	char again[JCODE_TEXT];

	format(value, again);
	return strcmp(text, again) == 0;
}

static bool parse_ring(const char *text, void *to)
{
	struct snapshot_ring *r = to;

	return sscanf(text, "0x%" SCNx64 " %" SCNu64, &r->address, &r->size) == 2 &&
	       is_exact(text, format_ring, r) && fits(r->address, r->size);
}

static bool parse_descriptor(const char *text, void *to)
{
	struct snapshot_descriptor *d = to;
	char use[8];
	int i;

	if (sscanf(text, "%" SCNu16 " %7s 0x%" SCNx64 " %" SCNu32, &d->head, use, &d->address,
		   &d->length) != 4)
		return false;
	i = index_of(use, uses, 3);
	d->use = (uint8_t)i;
	return i < 3 && is_exact(text, format_descriptor, d) &&
	       (d->length ? fits(d->address, d->length) : d->address != UINT64_MAX);
}

static bool parse_live(const char *text, void *to)
{
	struct snapshot_live *l = to;

	return sscanf(text, "0x%" SCNx64 " %" SCNu64 " 0x%" SCNx64, &l->start, &l->size,
		      &l->orig) == 3 &&
	       is_exact(text, format_live, l) && fits(l->start, l->size);
}

static bool parse_pages(const char *text, void *to)
{
	struct snapshot_pages *p = to;
	char mark[8];
	int i;

	if (sscanf(text, "0x%" SCNx64 " 0x%" SCNx64 " %7s 0x%" SCNx64, &p->range.start,
		   &p->range.end, mark, &p->entry) != 4)
		return false;
	i = index_of(mark, marks, 3);
	p->mark = (enum snapshot_mark)i;
	return i < 3 && is_exact(text, format_pages, p) && p->range.end >= p->range.start;
}

#define HEX "0x[0-9a-f]{1,16}"
#define DEC "[0-9]{1,20}"
#define CODE(S, WHAT, EXPECTED, PATTERN)                                                 \
	{                                                                                \
		sizeof(struct S), parse_##WHAT, format_##WHAT, EXPECTED, "^" PATTERN "$" \
	}
static const struct jcode ring_code =
	CODE(snapshot_ring, ring, "an address and a size", HEX " " DEC);
static const struct jcode descriptor_code =
	CODE(snapshot_descriptor, descriptor, "head, use, address and length",
	     DEC " (out|in|table) " HEX " " DEC);
static const struct jcode live_code =
	CODE(snapshot_live, live, "a slot's address, size and buffer", HEX " " DEC " " HEX);
static const struct jcode pages_code = CODE(snapshot_pages, pages, "bounds, a mark and an entry",
					    HEX " " HEX " (clear|set|absent) " HEX);

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
	JCODES("rings", QUEUE, rings, nrings, &ring_code, SNAPSHOT_RINGS, .flags = JF_FIXED),
	JNUMBER("unread", QUEUE, unread, UINT32_MAX),
	JCODES("descriptors", QUEUE, descriptors, ndescriptors, &descriptor_code,
	       SNAPSHOT_DESCRIPTORS, .cap = offsetof(QUEUE, cap)),
	JEND,
};

#define DEVICE struct snapshot_device
static const struct jrow device_rows[] = {
	JNAME("name", DEVICE, name, .flags = JF_REQUIRED),
	JNAME("parent", DEVICE, parent),
	JHEX("features", DEVICE, features, UINT64_MAX),
	JLIST("queues", DEVICE, queues, nqueues, queue_rows, SNAPSHOT_QUEUES,
	      .cap = offsetof(DEVICE, cap)),
	JEND,
};

#define POOL struct snapshot_pool

static const struct jrow pool_rows[] = {
	JINLINE(POOL, range, range_table),
	JNUMBER("slots", POOL, slots, INT64_MAX),
	JNUMBER("areas", POOL, areas, INT64_MAX),
	JNUMBER("used", POOL, used, INT64_MAX),
	JCODES("live", POOL, live, nlive, &live_code, SNAPSHOT_LIVE, .cap = offsetof(POOL, cap)),
	JEND,
};

#define SNAPSHOT struct snapshot

static void check_snapshot(const struct jval *object, void *what)
{
	const SNAPSHOT *s = what;

	for (size_t i = 1; i < s->npages; i++)
		if (s->pages[i].range.start <= s->pages[i - 1].range.end)
			jval_fail_at(object, "pages", "the ranges are not in ascending order");
}

const struct jrow snapshot_table[] = {
	JSTRING("trouble", SNAPSHOT, trouble),
	JLIST("devices", SNAPSHOT, devices, ndevices, device_rows, SNAPSHOT_DEVICES,
	      .cap = offsetof(SNAPSHOT, devices_cap)),
	JLIST("pools", SNAPSHOT, pools, npools, pool_rows, SNAPSHOT_POOLS,
	      .cap = offsetof(SNAPSHOT, pools_cap)),
	JHEX("page_mask", SNAPSHOT, page_mask, UINT64_MAX),
	JCODES("pages", SNAPSHOT, pages, npages, &pages_code, SNAPSHOT_PAGES,
	       .cap = offsetof(SNAPSHOT, pages_cap)),
	JNUMBER("cpu_ns", SNAPSHOT, cpu_ns, INT64_MAX),
	JWHOLE(.check = check_snapshot),
};

struct snapshot *snapshot_new(void)
{
	return xcalloc(1, sizeof(struct snapshot));
}
