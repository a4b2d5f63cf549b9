/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_DECODE_BIND_H
#define CCAIO_COLLECTORS_DECODE_BIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collectors/decode/decode.h"
#include "collectors/decode/format.h"
#include "collectors/decode/table.h"

/*
 * decode_binding - a rule of the table bound to the format of one kernel: what
 * is done per record is all in here, without a look at a name.
 */

#define DECODE_COMMON 8 /* bytes of common_type, _flags, _preempt_count and _pid */

/*
 * A number: 8 bytes at off, cut to its size.  A member without field has mask
 * 0 and its default in fill, so that reading one needs no branch.
 */
struct decode_slot {
	uint64_t mask, fill; /* fill is 0 but for ORIG, DMA and DIR */
	uint32_t off;
};

/* A string, array or list. */
struct decode_where {
	uint32_t off, size;
	uint8_t string; /* enum decode_string */
	bool bound;
};

struct decode_binding {
	uint8_t kind, shape, dev_member;
	bool dev_loc; /* the device's name is where a word at dev_off says (DECODE_DATA_LOC) */
	uint16_t flags;
	uint32_t min_len; /* shorter records cannot be read; EVENT_UNDECODED: none can */
	uint32_t dev_off;
	uint16_t name; /* "system:event", for EVENT_UNDECODED */
	struct decode_slot slots[DECODE_NUMBERS];
	struct decode_where wheres[DECODE_MEMBERS - DECODE_NUMBERS];
};

/*
 * Fill the binding, which is all 0.  Returns NULL, or the name of the first needed field
 * that is missing or of no known form: then the event cannot be decoded.
 */
const char *decode_bind(struct decode_binding *b, const struct decode_rule *rule,
			const struct decode_format *format);

static inline uint64_t decode_number(const struct decode_binding *b, const uint8_t *data,
				     unsigned int member)
{
	const struct decode_slot *slot = &b->slots[member];
	uint64_t value;

	memcpy(&value, data + slot->off, sizeof(value));
	return (value & slot->mask) | slot->fill;
}

/* The same of a member that is 0 without a field. */
static inline uint64_t decode_or_zero(const struct decode_binding *b, const uint8_t *data,
				      unsigned int member)
{
	const struct decode_slot *slot = &b->slots[member];
	uint64_t value;

	memcpy(&value, data + slot->off, sizeof(value));
	return value & slot->mask;
}

/*
 * The bytes of a string or list.  Returns NULL when they would reach outside the record.
 */
static inline const uint8_t *where_bytes(const struct decode_where *where,
					 const struct decode_record *record, uint32_t *len)
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

/* The bytes of a member that is bound. */
static inline const uint8_t *decode_bytes(const struct decode_binding *b, unsigned int member,
					  const struct decode_record *record, uint32_t *len)
{
	return where_bytes(&b->wheres[member - DECODE_NUMBERS], record, len);
}

/*
 * One event per entry, after an EVENT_SG_TRUNCATED where entries are missing.
 * record->resume counts what was written by earlier calls.  proto: what the entries
 * have in common.  Returns how many were written; 0 with *bad set when the record is malformed.
 */
size_t decode_scatter_gather(const struct decode_binding *b, struct decode_record *record,
			     const struct event *proto, struct event *out, size_t max, bool *bad);

#endif
