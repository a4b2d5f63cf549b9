/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of one kind of guest, rewritten as another's kernel would have made them. */
#include "tests/tools/rewrite.h"

#include <string.h>

#include "collectors/decode/format.h"
#include "collectors/tracedat/file.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/event.h"

#define MOVED_MAX 4096

/* An event, and where its record has the fields that r-> */
struct where {
	const char *system, *name;
	uint32_t id, bounce_orig, dma, attrs, phys; /* offsets; 0 none */
};

static struct where events[] = {
	{ "swiotlb", "swiotlb_bounced", 0, 0, 0, 0, 0 },
	{ "dma", "dma_map_phys", 0, 0, 0, 0, 0 },
	{ "dma", "dma_alloc", 0, 0, 0, 0, 0 },
	{ "dma", "dma_free", 0, 0, 0, 0, 0 },
};
enum { BOUNCED, MAPPED, ALLOCATED, FREED, EVENTS };

/* The places that allocations had, and have. */
static uint64_t from[MOVED_MAX], to[MOVED_MAX];
static size_t moved, maps, allocs;

static uint32_t offset_of(const struct decode_format *format, const char *field)
{
	const struct decode_field *f = decode_format_field(format, field);

	return f ? f->offset : 0;
}

void rewrite_format(const char *system, const char *text, size_t len)
{
	struct decode_format format = { 0 };

	if (decode_format_parse(&format, text, len)) {
		for (size_t i = 0; i < EVENTS; i++) {
			if (strcmp(events[i].system, system) != 0 ||
			    strcmp(events[i].name, format.name) != 0)
				continue;
			events[i].id = format.id;
			events[i].bounce_orig = offset_of(&format, "dev_addr");
			events[i].dma = offset_of(&format, "dma_addr");
			events[i].attrs = offset_of(&format, "attrs");
			events[i].phys = offset_of(&format, "phys_addr");
		}
	}
	decode_format_release(&format);
}

char *rewrite_text(const struct rewrite *r, const char *text, size_t len)
{
	static const char is[] = "u64 phys_addr;", becomes[] = "u64 virt_addr;";
	char *copy = xstrndup(text, len), *at = strstr(copy, is);

	if (r->virtual && at &&
	    (strncmp(copy, "name: dma_alloc\n", 16) == 0 ||
	     strncmp(copy, "name: dma_free\n", 15) == 0))
		memcpy(at, becomes, sizeof(becomes) - 1);
	return copy;
}

static void or_into(uint8_t *at, uint64_t bits)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	value |= bits;
	memcpy(at, &value, sizeof(value));
}

/* Where an allocation goes: a new place for a new address, the same for a free of it. */
static void move_into_pool(struct rewrite *r, uint8_t *at, uint64_t size, bool free)
{
	uint64_t dma;
	size_t i;

	memcpy(&dma, at, sizeof(dma));
	for (i = moved; i > 0 && from[i - 1] != dma;)
		i--;
	if (!i && (free || moved == MOVED_MAX))
		return;
	if (!free) {
		i = ++moved;
		from[i - 1] = dma;
		to[i - 1] = r->pool;
		r->pool += (size + 4095) & ~4095ull;
	}
	memcpy(at, &to[i - 1], sizeof(dma));
}

static void rewrite(struct rewrite *r, uint8_t *record)
{
	uint16_t id;

	memcpy(&id, record, sizeof(id));
	if (id == events[BOUNCED].id)
		or_into(record + events[BOUNCED].bounce_orig, r->bounce_bit);
	else if (id == events[MAPPED].id && r->map_bit && ++maps == 100)
		or_into(record + events[MAPPED].dma, r->map_bit);
	else if (id == events[ALLOCATED].id) {
		if (r->alloc_shared)
			or_into(record + events[ALLOCATED].attrs, EVENT_ATTR_ALLOC_CC_SHARED);
		if (r->pool && allocs++ >= r->keep)
			move_into_pool(r, record + events[ALLOCATED].dma, 1 << 16, false);
		if (r->virtual)
			or_into(record + events[ALLOCATED].phys, REWRITE_LINEAR);
	} else if (id == events[FREED].id && r->virtual) {
		or_into(record + events[FREED].phys, REWRITE_LINEAR);
	} else if (id == events[FREED].id && r->pool) {
		move_into_pool(r, record + events[FREED].dma, 0, true);
	}
}

/* Types of a record's header: Linux kernel/trace/ring_buffer.c, include/linux/ring_buffer.h. */
void rewrite_page(struct rewrite *r, uint8_t *page, const struct tracedat_layout *layout)
{
	uint8_t *pos = page + layout->data_off, *end;
	uint32_t commit, head, len;

	memcpy(&commit, page + layout->commit_off, sizeof(commit));
	end = pos + (commit & 0xfffff);
	while (end - pos >= 8) {
		memcpy(&head, pos, sizeof(head));
		if ((head & 31) > 28) {
			if ((head & 31) == 29 && !(head >> 5))
				return;
			memcpy(&len, pos + 4, sizeof(len));
			pos += (head & 31) == 29 ? 4 + len : 8;
			continue;
		}
		memcpy(&len, pos + 4, sizeof(len));
		if (head & 31)
			rewrite(r, pos + 4);
		else
			rewrite(r, pos + 8);
		pos += head & 31 ? 4 + 4 * (head & 31) : 4 + ((len + 3) & ~3u);
	}
}
