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
	{ "dma", "dma_unmap_phys", 0, 0, 0, 0, 0 },
	{ "dma", "dma_sync_single_for_cpu", 0, 0, 0, 0, 0 },
	{ "dma", "dma_sync_single_for_device", 0, 0, 0, 0, 0 },
};
enum { BOUNCED, MAPPED, ALLOCATED, FREED, UNMAPPED, SYNCED, SYNCED_BACK, EVENTS };

/* The places that allocations had, and have. */
static uint64_t from[MOVED_MAX], to[MOVED_MAX];
static size_t moved, maps, allocs;

/* The bounce record of this page that was last seen; NULL none. */
static uint8_t *bounced;
/* The slot that the unbounced map had, until its unmap, and its buffer; 0 none. */
static uint64_t slot, buffer;
static bool unbounced;

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
			events[i].dma = offset_of(&format, i == UNMAPPED ? "addr" : "dma_addr");
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

static uint64_t read64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void or_into(uint8_t *at, uint64_t bits)
{
	uint64_t value = read64(at) | bits;

	memcpy(at, &value, sizeof(value));
}

/* Where an allocation goes: a new place for a new address, the same for a free of it. */
static void move_into_pool(struct rewrite *r, uint8_t *at, uint64_t size, bool free)
{
	uint64_t dma = read64(at);
	size_t i;

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

/* Take the record back, as the kernel does: an event whose type is padding. */
static void discard(uint8_t *record)
{
	uint32_t head, len;

	memcpy(&head, record - 4, sizeof(head));
	len = 4 * (head & 31);
	head = (head >> 5 ? head >> 5 : 1) << 5 | 29; /* without a delta the page would end here */
	memcpy(record - 4, &head, sizeof(head));
	memcpy(record, &len, sizeof(len));
}

/* The device is given the buffer itself, if the bounce of this map is the one just seen. */
static void unbounce(const struct rewrite *r, uint8_t *record)
{
	uint64_t phys = read64(record + events[MAPPED].phys) | r->bounce_bit;

	if (!bounced || read64(bounced + events[BOUNCED].bounce_orig) != phys)
		return;
	slot = read64(record + events[MAPPED].dma);
	buffer = phys;
	memcpy(record + events[MAPPED].dma, &phys, sizeof(phys));
	discard(bounced);
	bounced = NULL;
	unbounced = true;
}

static void rewrite_map(const struct rewrite *r, uint8_t *record)
{
	maps++;
	if (maps == 100 && r->map_bit)
		or_into(record + events[MAPPED].dma, r->map_bit);
	if (maps >= 100 && r->unbounced && !unbounced)
		unbounce(r, record);
}

/* Syncs and the unmap of the map that was not bounced. */
static void rewrite_later(uint8_t *record, size_t which)
{
	uint8_t *at = record + events[which].dma;

	if (!slot || read64(at) != slot)
		return;
	memcpy(at, &buffer, sizeof(buffer));
	if (which == UNMAPPED)
		slot = 0;
}

static void rewrite(struct rewrite *r, uint8_t *record)
{
	uint16_t id;

	memcpy(&id, record, sizeof(id));
	for (size_t i = UNMAPPED; i < EVENTS; i++) {
		if (id == events[i].id)
			rewrite_later(record, i);
	}
	if (id == events[BOUNCED].id) {
		or_into(record + events[BOUNCED].bounce_orig, r->bounce_bit);
		bounced = record;
	} else if (id == events[MAPPED].id) {
		rewrite_map(r, record);
	} else if (id == events[ALLOCATED].id) {
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

	bounced = NULL;
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
