/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/decode/decode.h"

#include <endian.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "collectors/decode/bind.h"
#include "collectors/decode/call.h"
#include "collectors/decode/probe-names.h"
#include "collectors/decode/short-name.h"
#include "collectors/decode/stack.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/stream.h"
#include "lib/net/flow.h"

_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "records are read as little-endian numbers");

enum { MAP_NONE, MAP_IGNORED, MAP_FIRST };

struct decode {
	struct names *names;
	uint32_t page_size;
	uint16_t by_type[65536]; /* MAP_…, or MAP_FIRST + index into bindings */
	struct decode_binding *bindings;
	size_t nbindings, bindings_cap;
	struct stream_format *formats;
	size_t nformats, formats_cap;
	struct cached_name cache[NAME_PLACES];
	struct decode_calls *calls;
	const char *kallsyms; /* NULL: the evidence has none */
	size_t kallsyms_len;
	struct decode_symbols *symbols; /* NULL: not needed yet */
	unsigned int stacks;		/* read so far */
};

struct decode *decode_new(struct names *names, uint32_t page_size)
{
	struct decode *decode = xcalloc(1, sizeof(*decode));

	decode->names = names;
	decode->page_size = page_size;
	decode->calls = decode_calls_new();
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
	decode_calls_free(decode->calls);
	decode_symbols_free(decode->symbols);
	free(decode);
}

void decode_set_symbols(struct decode *decode, const char *text, size_t len)
{
	decode->kallsyms = text;
	decode->kallsyms_len = len;
}

struct stream_format *decode_take_formats(struct decode *decode, size_t *count)
{
	struct stream_format *formats = decode->formats;

	*count = decode->nformats;
	decode->formats = NULL;
	decode->nformats = decode->formats_cap = 0;
	return formats;
}

/* ---- formats ---- */

static void format_note(struct decode *decode, const char *system,
			const struct decode_format *format, bool decoded, const char *missing)
{
	if (decode->nformats > UINT16_MAX) /* more than there are types */
		return;
	XGROW(decode->formats, decode->nformats, decode->formats_cap);
	decode->formats[decode->nformats++] = (struct stream_format){
		.system = xstrdup(system),
		.name = xstrdup(format->name),
		.decoded = decoded,
		.missing = xstrdup(missing),
		.directed = decode_format_field(format, "dir") != NULL,
	};
}

static uint16_t event_name(struct decode *decode, const char *system, const char *name)
{
	char buf[256];
	int len = snprintf(buf, sizeof(buf), "%s:%s", system, name);

	return names_intern(decode->names, buf,
			    len < (int)sizeof(buf) ? (size_t)len : sizeof(buf) - 1);
}

static void binding_add(struct decode *decode, uint16_t id, const struct decode_binding *b)
{
	uint16_t *type = &decode->by_type[id];

	*type = MAP_NONE;
	if (decode->nbindings < UINT16_MAX - MAP_FIRST) {
		XGROW(decode->bindings, decode->nbindings, decode->bindings_cap);
		decode->bindings[decode->nbindings] = *b;
		*type = (uint16_t)(MAP_FIRST + decode->nbindings++);
	}
}

/*
 * Two events of one number: no kernel has that at one time, and records of it may be either's.
 * b: what would be bound now, NULL to ignore.
 */
static bool is_taken(const struct decode *decode, uint16_t id, const struct decode_binding *b)
{
	uint16_t type = decode->by_type[id];

	if (type == MAP_NONE)
		return false;
	if (type == MAP_IGNORED)
		return b != NULL;
	return !b || memcmp(b, &decode->bindings[type - MAP_FIRST], sizeof(*b)) != 0;
}

static void ambiguous_add(struct decode *decode, uint16_t id, uint16_t name)
{
	struct decode_binding b;

	memset(&b, 0, sizeof(b));
	b.kind = EVENT_UNDECODED;
	b.min_len = UINT32_MAX;
	b.name = name;
	binding_add(decode, id, &b);
}

void decode_add(struct decode *decode, const char *system, const char *text, size_t len)
{
	const struct decode_rule *rule;
	const char *missing = NULL;
	struct decode_format format;
	struct decode_binding b;
	bool watched;

	/* each run's probes are in a group of its own: "ccaio_1234" */
	if (strncmp(system, PROBE_GROUP "_", sizeof(PROBE_GROUP)) == 0)
		system = PROBE_GROUP;
	if (!decode_format_parse(&format, text, len) || format.id > UINT16_MAX)
		goto out;
	rule = decode_rule_find(system, format.name);
	watched = strcmp(system, "swiotlb") == 0 || strcmp(system, "dma") == 0;
	memset(&b, 0, sizeof(b));
	if (rule)
		missing = decode_bind(&b, rule, &format);
	/* nothing is decided by a stack: one of another form is as good as none */
	if (missing && rule->shape == DECODE_STACK)
		rule = NULL;
	if (!rule && !watched) {
		if (is_taken(decode, (uint16_t)format.id, NULL))
			ambiguous_add(decode, (uint16_t)format.id,
				      event_name(decode, system, format.name));
		else
			decode->by_type[format.id] = MAP_IGNORED;
		format_note(decode, system, &format, false, NULL);
		goto out;
	}
	if (!rule || missing)
		b.kind = EVENT_UNDECODED;
	if (b.kind == EVENT_UNDECODED)
		b.min_len = UINT32_MAX;
	b.name = event_name(decode, system, format.name);
	format_note(decode, system, &format, rule && !missing, missing);
	if (is_taken(decode, (uint16_t)format.id, &b))
		ambiguous_add(decode, (uint16_t)format.id, b.name);
	else
		binding_add(decode, (uint16_t)format.id, &b);
out:
	decode_format_release(&format);
}

/* ---- records ---- */

__attribute__((noinline)) static uint16_t name_intern(struct decode *decode, const uint8_t *p,
						      uint32_t len)
{
	return names_intern(decode->names, (const char *)p, strnlen((const char *)p, len));
}

static uint16_t name_id(struct decode *decode, const uint8_t *p, uint32_t len)
{
	struct cached_name name, *cached;

	if (!len)
		return 0;
	if (len > 16)
		return name_intern(decode, p, len);
	name = name_of(p, len);
	cached = name_place(decode->cache, &name);
	if (!is_same(cached, &name)) {
		name.id = name_intern(decode, p, len);
		*cached = name;
	}
	return cached->id;
}

/* The device of a record.  Returns false when its name reaches outside the record. */
static bool device_id(struct decode *decode, const struct decode_binding *b,
		      const struct decode_record *record, uint16_t *id)
{
	char buf[24 + DECODE_SLACK];
	const uint8_t *p;
	uint32_t len, devt;

	*id = 0;
	if (!b->dev_member)
		return true;
	p = decode_bytes(b, b->dev_member, record, &len);
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

/* device_id() of most records: a short name, seen before.  0: ask device_id(). */
static inline uint16_t device_seen(struct decode *decode, const struct decode_binding *b,
				   const struct decode_record *record)
{
	const struct cached_name *cached;
	struct cached_name name;
	uint32_t loc, off, len;

	if (!b->dev_loc)
		return 0;
	memcpy(&loc, record->data + b->dev_off, sizeof(loc));
	off = loc & 0xffff;
	len = loc >> 16;
	if (off > record->len || len > record->len - off || !len || len > 16)
		return 0;
	name = name_of(record->data + off, len);
	cached = name_place(decode->cache, &name);
	return is_same(cached, &name) ? cached->id : 0;
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

__attribute__((noinline)) static size_t
unknown_type(struct decode *decode, const struct decode_record *record, struct event *out)
{
	char buf[32];
	uint16_t type;
	int len;

	memcpy(&type, record->data, sizeof(type));
	len = snprintf(buf, sizeof(buf), "unknown:%u", type);
	return undecoded(record, names_intern(decode->names, buf, (size_t)len), out);
}

/* "ccaio: start nonce=0123456789abcdef cpu=3" */
static size_t mark(const struct decode_binding *b, const struct decode_record *record,
		   struct event *event)
{
	char buf[96], word[8];
	const uint8_t *text;
	unsigned int cpu;
	uint32_t len;

	text = decode_bytes(b, DECODE_TEXT, record, &len);
	if (!text || len < 8 || memcmp(text, "ccaio: ", 7) != 0)
		return 0;
	len = len < sizeof(buf) ? len : sizeof(buf) - 1;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (sscanf(buf, "ccaio: %7s nonce=%16lx cpu=%u", word, &event->link, &cpu) != 3)
		return 0;
	/* of no CPU: when the devices' counters, or the kernel's memory, were read */
	if (strcmp(word, "count") == 0 || strcmp(word, "memory") == 0) {
		event->aux = word[0] == 'c' ? EVENT_MARK_COUNT : EVENT_MARK_SNAPSHOT;
		return 1;
	}
	/* The writer was bound to the CPU that it names: a marker elsewhere marks nothing. */
	if (cpu != record->cpu)
		return 0;
	event->aux = strcmp(word, "start") == 0	 ? EVENT_MARK_START
		     : strcmp(word, "stop") == 0 ? EVENT_MARK_STOP
		     : strcmp(word, "rest") == 0 ? EVENT_MARK_REST
						 : 0;
	return event->aux != 0;
}

static void sock(const struct decode_binding *b, const struct decode_record *record,
		 struct event *event)
{
	static const uint8_t none[16];
	const uint8_t *data = record->data;
	uint32_t saddr = (uint32_t)decode_number(b, data, DECODE_SADDR), slen = 0, dlen = 0;
	uint32_t daddr = (uint32_t)decode_number(b, data, DECODE_DADDR);
	const uint8_t *saddr6 = decode_bytes(b, DECODE_SADDR_V6, record, &slen);
	const uint8_t *daddr6 = decode_bytes(b, DECODE_DADDR_V6, record, &dlen);

	flow_pack_sock(event, (unsigned int)decode_number(b, data, DECODE_FAMILY),
		       (uint8_t *)&saddr, (uint8_t *)&daddr, saddr6 && slen >= 16 ? saddr6 : none,
		       daddr6 && dlen >= 16 ? daddr6 : none,
		       (uint16_t)decode_number(b, data, DECODE_SPORT),
		       (uint16_t)decode_number(b, data, DECODE_DPORT),
		       (unsigned int)decode_number(b, data, DECODE_OLDSTATE),
		       (unsigned int)decode_number(b, data, DECODE_NEWSTATE));
}

/* "R", "WS", "FWFS" (a flush, then a write), "FF" … */
static void block(const struct decode_binding *b, const struct decode_record *record,
		  struct event *event)
{
	uint32_t len = 0;
	const uint8_t *rwbs = b->wheres[DECODE_RWBS - DECODE_NUMBERS].bound
				      ? decode_bytes(b, DECODE_RWBS, record, &len)
				      : NULL;

	if (!rwbs || !len)
		return;
	if (rwbs[0] == 'F')
		event->aux = EVENT_BLK_FLUSH;
	if (rwbs[0] == 'F' && len > 1)
		rwbs++;
	if (rwbs[0] == 'R')
		event->aux = EVENT_BLK_READ;
	else if (rwbs[0] == 'W')
		event->aux = EVENT_BLK_WRITE;
	else if (rwbs[0] == 'D')
		event->aux = EVENT_BLK_DISCARD;
}

static uint8_t context(const struct decode_binding *b, const struct decode_record *record)
{
	uint64_t flags = decode_number(b, record->data, DECODE_CONTEXT);

	if (!b->slots[DECODE_CONTEXT].mask)
		return EVENT_CONTEXT_UNKNOWN;
	return flags & (EVENT_CONTEXT_HARDIRQ | EVENT_CONTEXT_SOFTIRQ | EVENT_CONTEXT_NMI);
}

static inline size_t bounce(const struct decode_binding *b, const struct decode_record *record,
			    struct event *event)
{
	event->flags |= event->aux == 1 ? EVENT_F_FORCED : 0;
	event->aux = 0;
	event->context = context(b, record);
	return 1;
}

static size_t stack(struct decode *decode, const struct decode_binding *b,
		    const struct decode_record *record, struct event *event)
{
	uint64_t count = event->size;
	char text[DECODE_FRAMES * 100];
	uint32_t len = 0;
	const uint8_t *callers = decode_bytes(b, DECODE_CALLERS, record, &len);
	size_t n;

	event->size = 0;
	if (!callers || ++decode->stacks > DECODE_STACKS)
		return 0;
	if (!decode->symbols && decode->kallsyms)
		decode->symbols = decode_symbols_new(decode->kallsyms, decode->kallsyms_len);
	len = count < len / 8 ? (uint32_t)count * 8 : len;
	n = decode_stack_text(decode->symbols, callers, len, text, sizeof(text));
	event->aux = names_intern(decode->names, text, n);
	return n > 0;
}

/* What a shape does beyond reading fields.  Returns 1 to keep the event, 0 to drop it. */
static size_t reshape(struct decode *decode, const struct decode_binding *b,
		      const struct decode_record *record, struct event *event)
{
	int32_t pages;

	switch (b->shape) {
	case DECODE_REGISTERS:
		event->attrs |= EVENT_ATTR_MMIO;
		break;
	case DECODE_BOUNCE:
		return bounce(b, record, event);
	case DECODE_LIST_RETURN: {
		bool failed = (int32_t)event->size <= 0;

		event->size = 0;
		event->context = context(b, record);
		return failed;
	}
	case DECODE_ALLOC:
		if (b->slots[DECODE_LINK].mask && !event->link)
			event->kind = EVENT_MAP_FAILED;
		break;
	case DECODE_LENGTH:
		/* what was only looked at is received again */
		if ((int32_t)event->size < 0 ||
		    (event->kind == EVENT_SOCK_RECV &&
		     decode_number(b, record->data, DECODE_FLAGS) & MSG_PEEK))
			event->size = 0;
		event->aux = (uint32_t)decode_number(b, record->data, DECODE_FAMILY) << 16 |
			     (event->aux & 0xffff);
		break;
	case DECODE_SECTORS:
		event->size = event->size <= UINT64_MAX / 512 ? event->size * 512 : UINT64_MAX;
		block(b, record, event);
		break;
	case DECODE_BLOCK:
		block(b, record, event);
		break;
	case DECODE_CACHE:
		if (!decode->page_size || event->orig > UINT64_MAX / decode->page_size ||
		    event->size > 20)
			return 0;
		event->orig *= decode->page_size;
		event->size = (uint64_t)decode->page_size << event->size;
		break;
	case DECODE_PAGES:
		/* an int, of which a probe may give 8 bytes with anything in the upper half */
		pages = (int32_t)event->size;
		event->size = pages > 0 ? (uint64_t)pages * decode->page_size : 0;
		event->orig =
			b->slots[DECODE_ORIG].mask ? event->link - event->orig : EVENT_NO_ADDR;
		if (event->orig == EVENT_NO_ADDR)
			event->flags |= EVENT_F_VIRT;
		/* what could not be decrypted has not become shared */
		return event->kind != EVENT_DECRYPT || event->aux == 0;
	case DECODE_MARK:
		return mark(b, record, event);
	case DECODE_STACK:
		return stack(decode, b, record, event);
	case DECODE_SOCK:
		sock(b, record, event);
		break;
	case DECODE_TCP:
		if (b->slots[DECODE_DADDR].mask)
			flow_pack_tcp(event,
				      (unsigned int)decode_number(b, record->data, DECODE_FAMILY),
				      (uint32_t)decode_number(b, record->data, DECODE_SADDR),
				      (uint32_t)decode_number(b, record->data, DECODE_DADDR),
				      (uint16_t)decode_number(b, record->data, DECODE_SPORT),
				      (uint16_t)decode_number(b, record->data, DECODE_DPORT));
		break;
	}
	return 1;
}

/* Entries and returns of functions; at the return of one whose own return was lost, two events. */
__attribute__((noinline)) static size_t call_events(struct decode *decode,
						    const struct decode_binding *b,
						    struct decode_record *record, struct event *out)
{
	struct event event = *out;
	bool again = false;
	size_t n;

	if (b->shape == DECODE_ENTER)
		n = decode_call_enter(decode->calls, b->kind, &event, out);
	else if (b->shape == DECODE_LEAVE)
		n = decode_call_leave(decode->calls, b->kind, &event, out, &again);
	else
		n = decode_call_release(decode->calls, &event, out);
	if (n && out->kind == EVENT_UNDECODED)
		out->aux = b->name;
	record->resume = again;
	return n;
}

/* What is not done with its fields read. */
__attribute__((noinline)) static size_t shape_event(struct decode *decode,
						    const struct decode_binding *b,
						    struct decode_record *record, struct event *out,
						    size_t max)
{
	bool bad;

	if (b->shape == DECODE_SG) {
		struct event proto = *out;
		size_t n = decode_scatter_gather(b, record, &proto, out, max, &bad);

		return bad ? undecoded(record, b->name, out) : n;
	}
	if (b->shape >= DECODE_ENTER)
		return call_events(decode, b, record, out);
	return reshape(decode, b, record, out);
}

/* Nothing is done after a call: most records are decoded without a register saved. */
static inline __attribute__((always_inline)) size_t
decode_fields(struct decode *decode, const struct decode_binding *b, struct decode_record *record,
	      struct event *out, size_t max, uint16_t dev)
{
	const uint8_t *data = record->data;
	uint64_t dir = decode_number(b, data, DECODE_DIR);

	if (dir > EVENT_DIR_NONE)
		return undecoded(record, b->name, out);
	out->ts_ns = record->ts_ns;
	out->orig = decode_number(b, data, DECODE_ORIG);
	out->dma = decode_number(b, data, DECODE_DMA);
	out->size = decode_or_zero(b, data, DECODE_SIZE);
	out->link = decode_or_zero(b, data, DECODE_LINK);
	out->attrs = (uint32_t)decode_or_zero(b, data, DECODE_ATTRS);
	out->aux = (uint32_t)decode_or_zero(b, data, DECODE_AUX);
	out->pid = (int32_t)decode_or_zero(b, data, DECODE_PID);
	out->cpu = record->cpu;
	out->dev = dev;
	out->comm = record->comm;
	out->flags = b->flags;
	out->kind = b->kind;
	out->dir = (uint8_t)dir;
	out->context = out->spare = 0;
	if (b->shape == DECODE_BOUNCE)
		return bounce(b, record, out);
	return b->shape == DECODE_FLAT ? 1 : shape_event(decode, b, record, out, max);
}

__attribute__((noinline)) static size_t decode_named(struct decode *decode,
						     const struct decode_binding *b,
						     struct decode_record *record,
						     struct event *out, size_t max)
{
	uint16_t dev;

	if (!device_id(decode, b, record, &dev))
		return undecoded(record, b->name, out);
	return decode_fields(decode, b, record, out, max, dev);
}

size_t decode_record(struct decode *decode, struct decode_record *record, struct event *out,
		     size_t max)
{
	const struct decode_binding *b;
	uint16_t type, dev;

	if (record->len < DECODE_COMMON)
		return undecoded(record, 0, out);
	memcpy(&type, record->data, sizeof(type));
	type = decode->by_type[type];
	if (type < MAP_FIRST)
		return type == MAP_IGNORED ? 0 : unknown_type(decode, record, out);
	b = &decode->bindings[type - MAP_FIRST];
	if (record->len < b->min_len)
		return undecoded(record, b->name, out);
	dev = device_seen(decode, b, record);
	if (!dev)
		return decode_named(decode, b, record, out, max);
	return decode_fields(decode, b, record, out, max, dev);
}
