/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/decode/bind.h"

#include "lib/evidence/event.h"

static bool number_bind(struct decode_slot *slot, const struct decode_field *field)
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

static bool where_bind(struct decode_where *where, const struct decode_field *field,
		       unsigned int member)
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
	*where = (struct decode_where){ field->offset, field->size, field->string, true };
	return true;
}

static bool source_bind(struct decode_binding *b, const struct decode_source *source,
			const struct decode_field *field)
{
	uint32_t size = field->size;

	if (source->member < DECODE_NUMBERS) {
		if (!number_bind(&b->slots[source->member], field))
			return false;
	} else {
		if (!where_bind(&b->wheres[source->member - DECODE_NUMBERS], field, source->member))
			return false;
		if (source->member == DECODE_DEV || source->member == DECODE_DEVT)
			b->dev_member = source->member;
		if (source->member == DECODE_DEV) {
			b->dev_loc = field->string == DECODE_DATA_LOC;
			b->dev_off = field->offset;
		}
	}
	/* a stack may be shorter than the format says */
	if (source->member == DECODE_CALLERS) {
		b->wheres[source->member - DECODE_NUMBERS].size = 0;
		size = 0;
	}
	/* print's text has size 0: it fills the rest of the record */
	if (field->offset + size > b->min_len)
		b->min_len = field->offset + size;
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

const char *decode_bind(struct decode_binding *b, const struct decode_rule *rule,
			const struct decode_format *format)
{
	b->kind = rule->kind;
	b->shape = rule->shape;
	b->flags = rule->flags;
	b->min_len = DECODE_COMMON;
	b->slots[DECODE_ORIG].fill = EVENT_NO_ADDR;
	b->slots[DECODE_DMA].fill = EVENT_NO_ADDR;
	b->slots[DECODE_DIR].fill = EVENT_DIR_NONE;
	if (rule->shape == DECODE_PAGES)
		b->slots[DECODE_ORIG].fill = 0;
	b->slots[DECODE_PID] = (struct decode_slot){ .off = 4, .mask = UINT32_MAX };
	if (!common_is_known(format))
		return "common_type, common_pid";
	for (size_t i = 0; i < DECODE_SOURCES && rule->sources[i].names; i++) {
		const struct decode_source *source = &rule->sources[i];
		const struct decode_field *field = decode_format_field(format, source->names);

		if (field ? !source_bind(b, source, field) : !source->optional)
			return source->names;
	}
	return NULL;
}
