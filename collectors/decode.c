/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/decode.h"

#include <byteswap.h>
#include <endian.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/decode-format.h"
#include "collectors/decode-table.h"
#include "lib/flow.h"
#include "lib/names.h"
#include "lib/stream.h"
#include "lib/xalloc.h"

_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "records are read as little-endian numbers");

#define COMMON_SIZE 8 /* common_type, _flags, _preempt_count, _pid */

/*
 * A number: 8 bytes at off, cut to its size.  A member without field has mask
 * 0 and its default in fill, so that reading one needs no branch.
 */
struct slot {
	uint64_t mask, fill;
	uint32_t off;
};

/* A string, array or list. */
struct where {
	uint32_t off, size;
	uint8_t string; /* enum decode_string */
	bool bound;
};

struct binding {
	uint8_t kind, shape, dev_member;
	uint16_t flags;
	uint32_t min_len; /* shorter records cannot be read */
	uint16_t name;	  /* "system:event", for EVENT_UNDECODED */
	struct slot slots[DECODE_NUMBERS];
	struct where wheres[DECODE_MEMBERS - DECODE_NUMBERS];
};

/* Recently seen device names of up to 16 bytes: their first and last 8 are all of them. */
#define CACHE_SIZE 256
struct cached_name {
	uint64_t head, tail;
	uint32_t len; /* 0: empty */
	uint16_t id;
};

enum { MAP_NONE, MAP_IGNORED, MAP_FIRST };

struct decode {
	struct names *names;
	uint32_t page_size;
	uint16_t by_type[65536]; /* MAP_…, or MAP_FIRST + index into bindings */
	struct binding *bindings;
	size_t nbindings, bindings_cap;
	struct stream_format *formats;
	size_t nformats, formats_cap;
	struct cached_name cache[CACHE_SIZE];
};

struct decode *decode_new(struct names *names, uint32_t page_size)
{
	struct decode *decode = xcalloc(1, sizeof(*decode));

	decode->names = names;
	decode->page_size = page_size;
	return decode;
}

void decode_free(struct decode *decode)
{
	if (!decode)
		return;
	for (size_t i = 0; i < decode->nformats; i++) {
		free(decode->formats[i].system);
		free(decode->formats[i].name);
		free(decode->formats[i].missing);
	}
	free(decode->formats);
	free(decode->bindings);
	free(decode);
}

struct stream_format *decode_take_formats(struct decode *decode, size_t *count)
{
	struct stream_format *formats = decode->formats;

	*count = decode->nformats;
	decode->formats = NULL;
	decode->nformats = decode->formats_cap = 0;
	return formats;
}

/* ---- binding ---- */

/* The first field of names ("a|b") that the format has, or NULL. */
static const struct decode_field *field_find(const struct decode_format *format, const char *names)
{
	while (*names) {
		size_t len = strcspn(names, "|");

		for (size_t i = 0; i < format->nfields; i++)
			if (strncmp(format->fields[i].name, names, len) == 0 &&
			    !format->fields[i].name[len])
				return &format->fields[i];
		names += len + (names[len] == '|');
	}
	return NULL;
}

static bool number_bind(struct slot *slot, const struct decode_field *field)
{
	if (field->string != DECODE_PLAIN)
		return false;
	if (field->size != 1 && field->size != 2 && field->size != 4 && field->size != 8)
		return false;
	slot->off = field->offset;
	slot->mask = field->size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * field->size) - 1;
	slot->fill = 0;
	return true;
}

static bool where_bind(struct where *where, const struct decode_field *field, unsigned int member)
{
	static const uint8_t entry_size[DECODE_MEMBERS] = {
		[DECODE_PHYS_LIST] = 8,
		[DECODE_DMA_LIST] = 8,
		[DECODE_LEN_LIST] = 4,
	};
	bool v6 = member == DECODE_SADDR_V6 || member == DECODE_DADDR_V6;

	if (member == DECODE_DEVT ? field->string != DECODE_PLAIN || field->size != 4
				  : !field->is_array)
		return false;
	if (field->string != DECODE_PLAIN && field->size != 4)
		return false;
	if (entry_size[member] &&
	    (field->string == DECODE_PLAIN || field->entry_size != entry_size[member]))
		return false;
	if (v6 && (field->string != DECODE_PLAIN || field->size != 16))
		return false;
	*where = (struct where){ field->offset, field->size, field->string, true };
	return true;
}

static bool source_bind(struct binding *b, const struct decode_source *source,
			const struct decode_field *field)
{
	if (source->member < DECODE_NUMBERS) {
		if (!number_bind(&b->slots[source->member], field))
			return false;
	} else {
		if (!where_bind(&b->wheres[source->member - DECODE_NUMBERS], field, source->member))
			return false;
		if (source->member == DECODE_DEV || source->member == DECODE_DEVT)
			b->dev_member = source->member;
	}
	/* print's text has size 0: it fills the rest of the record */
	if (field->offset + field->size > b->min_len)
		b->min_len = field->offset + field->size;
	return true;
}

/* The kernel has had these at these places in every version with this record format. */
static bool common_is_known(const struct decode_format *format)
{
	const struct decode_field *type = decode_format_field(format, "common_type");
	const struct decode_field *pid = decode_format_field(format, "common_pid");

	return type && type->offset == 0 && type->size == 2 && pid && pid->offset == 4 &&
	       pid->size == 4;
}

/* Returns the name of the first field that is missing or of no known form, or NULL. */
static const char *rule_bind(struct binding *b, const struct decode_rule *rule,
			     const struct decode_format *format)
{
	b->kind = rule->kind;
	b->shape = rule->shape;
	b->flags = rule->flags;
	b->min_len = COMMON_SIZE;
	b->slots[DECODE_ORIG].fill = EVENT_NO_ADDR;
	b->slots[DECODE_DMA].fill = EVENT_NO_ADDR;
	b->slots[DECODE_DIR].fill = EVENT_DIR_NONE;
	if (rule->shape == DECODE_PAGES)
		b->slots[DECODE_ORIG].fill = 0;
	b->slots[DECODE_PID] = (struct slot){ .off = 4, .mask = UINT32_MAX };
	if (!common_is_known(format))
		return "common_type, common_pid";
	for (size_t i = 0; i < DECODE_SOURCES && rule->sources[i].names; i++) {
		const struct decode_source *source = &rule->sources[i];
		const struct decode_field *field = field_find(format, source->names);

		if (field ? !source_bind(b, source, field) : !source->optional)
			return source->names;
	}
	return NULL;
}

static void format_note(struct decode *decode, const char *system, const char *name, bool decoded,
			const char *missing)
{
	XGROW(decode->formats, decode->nformats, decode->formats_cap);
	decode->formats[decode->nformats++] = (struct stream_format){
		.system = xstrdup(system),
		.name = xstrdup(name),
		.decoded = decoded,
		.missing = xstrdup(missing),
	};
}

static uint16_t event_name(struct decode *decode, const char *system, const char *name)
{
	char buf[256];
	int len = snprintf(buf, sizeof(buf), "%s:%s", system, name);

	return names_intern(decode->names, buf,
			    len < (int)sizeof(buf) ? (size_t)len : sizeof(buf) - 1);
}

void decode_add(struct decode *decode, const char *system, const char *text, size_t len)
{
	const struct decode_rule *rule;
	const char *missing = NULL;
	struct decode_format format;
	struct binding b;
	bool watched;

	if (!decode_format_parse(&format, text, len) || format.id > UINT16_MAX)
		goto out;
	rule = decode_rule_find(system, format.name);
	watched = strcmp(system, "swiotlb") == 0 || strcmp(system, "dma") == 0;
	if (!rule && !watched) {
		decode->by_type[format.id] = MAP_IGNORED;
		format_note(decode, system, format.name, false, NULL);
		goto out;
	}
	memset(&b, 0, sizeof(b));
	if (rule)
		missing = rule_bind(&b, rule, &format);
	if (!rule || missing)
		b.kind = EVENT_UNDECODED;
	b.name = event_name(decode, system, format.name);
	format_note(decode, system, format.name, rule && !missing, missing);
	if (decode->nbindings < UINT16_MAX - MAP_FIRST) {
		XGROW(decode->bindings, decode->nbindings, decode->bindings_cap);
		decode->bindings[decode->nbindings] = b;
		decode->by_type[format.id] = (uint16_t)(MAP_FIRST + decode->nbindings++);
	} else {
		decode->by_type[format.id] = MAP_NONE;
	}
out:
	decode_format_release(&format);
}

/* ---- reading ---- */

static inline uint64_t number(const struct binding *b, const uint8_t *data, unsigned int member)
{
	const struct slot *slot = &b->slots[member];
	uint64_t value;

	memcpy(&value, data + slot->off, sizeof(value));
	return (value & slot->mask) | slot->fill;
}

/*
 * The bytes of a string or list.  Returns NULL when they would reach outside the record.
 */
static inline const uint8_t *bytes(const struct where *where, const struct decode_record *record,
				   uint32_t *len)
{
	uint32_t loc, off = where->off;

	if (where->string == DECODE_PLAIN) {
		*len = where->size ? where->size : record->len - off;
	} else {
		memcpy(&loc, record->data + off, sizeof(loc));
		off = (where->string == DECODE_REL_LOC ? off + 4 : 0) + (loc & 0xffff);
		*len = loc >> 16;
	}
	if (off > record->len || *len > record->len - off)
		return NULL;
	return record->data + off;
}

static inline const uint8_t *member_bytes(const struct binding *b, unsigned int member,
					  const struct decode_record *record, uint32_t *len)
{
	return bytes(&b->wheres[member - DECODE_NUMBERS], record, len);
}

__attribute__((noinline)) static uint16_t name_intern(struct decode *decode, const uint8_t *p,
						      uint32_t len)
{
	return names_intern(decode->names, (const char *)p, strnlen((const char *)p, len));
}

static inline uint16_t name_id(struct decode *decode, const uint8_t *p, uint32_t len)
{
	uint64_t head, tail = 0;
	struct cached_name *cached;

	if (!len)
		return 0;
	if (len > 16)
		return name_intern(decode, p, len);
	memcpy(&head, p, 8); /* DECODE_SLACK is behind a short one */
	if (len >= 8)
		memcpy(&tail, p + len - 8, 8);
	else
		head &= (UINT64_C(1) << 8 * len) - 1;
	cached = &decode->cache[(head ^ (tail << 1) ^ len) * UINT64_C(0x9e3779b97f4a7c15) >> 56];
	if (cached->len != len || cached->head != head || cached->tail != tail)
		*cached = (struct cached_name){ head, tail, len, name_intern(decode, p, len) };
	return cached->id;
}

/* The device of a record.  Returns false when its name reaches outside the record. */
static inline bool device_id(struct decode *decode, const struct binding *b,
			     const struct decode_record *record, uint16_t *id)
{
	char buf[24 + DECODE_SLACK];
	const uint8_t *p;
	uint32_t len, devt;

	*id = 0;
	if (!b->dev_member)
		return true;
	p = member_bytes(b, b->dev_member, record, &len);
	if (!p)
		return false;
	if (b->dev_member == DECODE_DEVT) {
		memcpy(&devt, p, sizeof(devt));
		len = (uint32_t)snprintf(buf, sizeof(buf), "%u:%u", devt >> 20, devt & 0xfffff);
		p = (const uint8_t *)buf;
	}
	*id = name_id(decode, p, len);
	return true;
}

__attribute__((noinline)) static size_t undecoded(const struct decode_record *record, uint16_t name,
						  struct event *out)
{
	*out = (struct event){
		.ts_ns = record->ts_ns,
		.orig = EVENT_NO_ADDR,
		.dma = EVENT_NO_ADDR,
		.aux = name,
		.pid = record->pid,
		.cpu = record->cpu,
		.comm = record->comm,
		.kind = EVENT_UNDECODED,
		.dir = EVENT_DIR_NONE,
	};
	return 1;
}

static size_t unknown_type(struct decode *decode, const struct decode_record *record,
			   struct event *out)
{
	char buf[32];
	uint16_t type;
	int len;

	memcpy(&type, record->data, sizeof(type));
	len = snprintf(buf, sizeof(buf), "unknown:%u", type);
	return undecoded(record, names_intern(decode->names, buf, (size_t)len), out);
}

/* "ccaio: start nonce=0123456789abcdef cpu=3" */
static size_t mark(const struct binding *b, const struct decode_record *record, struct event *event)
{
	char buf[96], word[8];
	const uint8_t *text;
	unsigned int cpu;
	uint32_t len;

	text = member_bytes(b, DECODE_TEXT, record, &len);
	if (!text || len < 8 || memcmp(text, "ccaio: ", 7) != 0)
		return 0;
	len = len < sizeof(buf) ? len : sizeof(buf) - 1;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (sscanf(buf, "ccaio: %7s nonce=%16lx cpu=%u", word, &event->link, &cpu) != 3)
		return 0;
	/* The writer was bound to the CPU that it names: a marker elsewhere marks nothing. */
	if (cpu != record->cpu)
		return 0;
	event->aux = strcmp(word, "start") == 0	 ? EVENT_MARK_START
		     : strcmp(word, "stop") == 0 ? EVENT_MARK_STOP
						 : 0;
	return event->aux != 0;
}

static void sock(const struct binding *b, const struct decode_record *record, struct event *event)
{
	static const uint8_t none[16];
	const uint8_t *data = record->data;
	uint32_t saddr = (uint32_t)number(b, data, DECODE_SADDR), slen = 0, dlen = 0;
	uint32_t daddr = (uint32_t)number(b, data, DECODE_DADDR);
	const uint8_t *saddr6 = member_bytes(b, DECODE_SADDR_V6, record, &slen);
	const uint8_t *daddr6 = member_bytes(b, DECODE_DADDR_V6, record, &dlen);

	flow_pack_sock(event, (unsigned int)number(b, data, DECODE_FAMILY), (uint8_t *)&saddr,
		       (uint8_t *)&daddr, saddr6 && slen >= 16 ? saddr6 : none,
		       daddr6 && dlen >= 16 ? daddr6 : none,
		       (uint16_t)number(b, data, DECODE_SPORT),
		       (uint16_t)number(b, data, DECODE_DPORT),
		       (unsigned int)number(b, data, DECODE_OLDSTATE),
		       (unsigned int)number(b, data, DECODE_NEWSTATE));
}

/* What a shape does beyond reading fields.  Returns 1 to keep the event, 0 to drop it. */
static size_t reshape(struct decode *decode, const struct binding *b,
		      const struct decode_record *record, struct event *event)
{
	int32_t pages;

	switch (b->shape) {
	case DECODE_BOUNCE:
		event->flags |= event->aux == 1 ? EVENT_F_FORCED : 0;
		event->aux = 0;
		break;
	case DECODE_ALLOC:
		if (b->slots[DECODE_LINK].mask && !event->link)
			event->kind = EVENT_MAP_FAILED;
		break;
	case DECODE_LENGTH:
		if ((int32_t)event->size < 0)
			event->size = 0;
		break;
	case DECODE_SECTORS:
		event->size *= 512;
		break;
	case DECODE_PAGES:
		/* an int, of which a probe may give 8 bytes with anything in the upper half */
		pages = (int32_t)event->size;
		event->size = pages > 0 ? (uint64_t)pages * decode->page_size : 0;
		event->orig =
			b->slots[DECODE_ORIG].mask ? event->link - event->orig : EVENT_NO_ADDR;
		/* what could not be decrypted has not become shared */
		return event->kind != EVENT_DECRYPT || event->aux == 0;
	case DECODE_MARK:
		return mark(b, record, event);
	case DECODE_SOCK:
		sock(b, record, event);
		break;
	}
	return 1;
}

/* The lists of a scatter-gather record; a list that the event does not have is empty. */
struct lists {
	const uint8_t *phys, *dma, *lens;
	uint32_t nphys, ndma, nlens;
};

static bool list_find(const struct binding *b, unsigned int member,
		      const struct decode_record *record, const uint8_t **p, uint32_t *count,
		      uint32_t entry_size)
{
	uint32_t len = 0;

	*p = NULL;
	*count = 0;
	if (!b->wheres[member - DECODE_NUMBERS].bound)
		return true;
	*p = member_bytes(b, member, record, &len);
	*count = len / entry_size;
	return *p && len % entry_size == 0;
}

static bool lists_find(const struct binding *b, const struct decode_record *record,
		       struct lists *lists)
{
	return list_find(b, DECODE_PHYS_LIST, record, &lists->phys, &lists->nphys, 8) &&
	       list_find(b, DECODE_DMA_LIST, record, &lists->dma, &lists->ndma, 8) &&
	       list_find(b, DECODE_LEN_LIST, record, &lists->lens, &lists->nlens, 4);
}

/* Is something of the transfer not in the lists?  *missing: how many entries, 0 unknown. */
static bool sg_is_cut(const struct binding *b, const struct decode_record *record,
		      const struct lists *lists, uint32_t *missing)
{
	uint32_t nents = (uint32_t)number(b, record->data, DECODE_FULL_NENTS);
	uint32_t ents = (uint32_t)number(b, record->data, DECODE_FULL_ENTS);
	bool cut = number(b, record->data, DECODE_TRUNCATED) != 0;

	*missing = 0;
	if (b->slots[DECODE_FULL_ENTS].mask && ents != lists->ndma) {
		cut = true;
		*missing = ents > lists->ndma ? ents - lists->ndma : 0;
	}
	if (b->slots[DECODE_FULL_NENTS].mask && nents != lists->nphys)
		cut = true;
	/*
	 * Behind an IOMMU entries may be merged: then which memory is behind
	 * which address is not told.
	 */
	if (lists->phys && lists->dma && lists->nphys != lists->ndma)
		cut = true;
	return cut || (lists->dma && lists->ndma != lists->nlens);
}

static void sg_entry(const struct lists *lists, uint32_t i, struct event *event)
{
	uint32_t len = 0;

	event->orig = event->dma = EVENT_NO_ADDR;
	if (i < lists->nphys && (!lists->dma || lists->nphys == lists->ndma))
		memcpy(&event->orig, lists->phys + 8 * (size_t)i, 8);
	if (i < lists->ndma)
		memcpy(&event->dma, lists->dma + 8 * (size_t)i, 8);
	if (i < lists->nlens)
		memcpy(&len, lists->lens + 4 * (size_t)i, 4);
	event->size = len;
}

/*
 * One event per entry, after an EVENT_SG_TRUNCATED where entries are missing.
 * record->resume counts what was written by earlier calls.
 */
__attribute__((noinline)) static size_t scatter_gather(struct binding *b,
						       struct decode_record *record,
						       const struct event *proto, struct event *out,
						       size_t max)
{
	struct lists lists;
	uint32_t missing, total, at = record->resume;
	bool cut;
	size_t n = 0;

	record->resume = 0;
	if (!lists_find(b, record, &lists))
		return undecoded(record, b->name, out);
	cut = sg_is_cut(b, record, &lists, &missing);
	total = (lists.dma ? lists.ndma : lists.nphys) + cut;
	for (; at < total && n < max; at++, n++) {
		out[n] = *proto;
		if (cut && at == 0) {
			out[n].kind = EVENT_SG_TRUNCATED;
			out[n].aux = missing;
			out[n].orig = out[n].dma = EVENT_NO_ADDR;
			out[n].size = 0;
		} else {
			sg_entry(&lists, at - cut, &out[n]);
		}
	}
	if (at < total)
		record->resume = at;
	return n;
}

size_t decode_record(struct decode *decode, struct decode_record *record, struct event *out,
		     size_t max)
{
	const uint8_t *data = record->data;
	struct binding *b;
	uint16_t type, dev;
	uint64_t dir;

	if (record->len < COMMON_SIZE)
		return undecoded(record, 0, out);
	memcpy(&type, data, sizeof(type));
	type = decode->by_type[type];
	if (type == MAP_IGNORED)
		return 0;
	if (type == MAP_NONE)
		return unknown_type(decode, record, out);
	b = &decode->bindings[type - MAP_FIRST];
	if (b->kind == EVENT_UNDECODED || record->len < b->min_len ||
	    !device_id(decode, b, record, &dev))
		return undecoded(record, b->name, out);
	dir = number(b, data, DECODE_DIR);
	if (dir > EVENT_DIR_NONE)
		return undecoded(record, b->name, out);

	out->ts_ns = record->ts_ns;
	out->orig = number(b, data, DECODE_ORIG);
	out->dma = number(b, data, DECODE_DMA);
	out->size = number(b, data, DECODE_SIZE);
	out->link = number(b, data, DECODE_LINK);
	out->attrs = (uint32_t)number(b, data, DECODE_ATTRS);
	out->aux = (uint32_t)number(b, data, DECODE_AUX);
	out->pid = (int32_t)number(b, data, DECODE_PID);
	out->cpu = record->cpu;
	out->dev = dev;
	out->comm = record->comm;
	out->flags = b->flags;
	out->kind = b->kind;
	out->dir = (uint8_t)dir;
	out->spare[0] = out->spare[1] = 0;
	if (b->shape == DECODE_FLAT)
		return 1;
	if (b->shape == DECODE_SG) {
		struct event proto = *out;

		return scatter_gather(b, record, &proto, out, max);
	}
	return reshape(decode, b, record, out);
}
