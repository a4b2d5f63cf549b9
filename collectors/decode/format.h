/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_DECODE_FORMAT_H
#define CCAIO_COLLECTORS_DECODE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * decode_format - the kernel's description of one event: its format file.
 *
 * Only names, offsets and sizes are used, never the C type of a number: types
 * are typedefs that change (u64, dma_addr_t, phys_addr_t), offsets and sizes
 * do not lie.
 */
enum decode_string {
	DECODE_PLAIN,	 /* a number, or an array of fixed length in place */
	DECODE_DATA_LOC, /* __data_loc: u32 of offset from the record's start (low 16) and length */
	DECODE_REL_LOC,	 /* __rel_loc: the offset counts from the end of this field */
};

struct decode_field {
	char *name;
	uint32_t offset; /* in the record */
	uint32_t size;
	bool is_array;	    /* "char comm[16]", or dynamic */
	uint8_t string;	    /* enum decode_string */
	uint8_t entry_size; /* of a dynamic array's entries; 0 where the type does not tell */
};

struct decode_format {
	char *name; /* NULL where the text has none (header_page) */
	uint32_t id;
	bool has_id;
	struct decode_field *fields;
	size_t nfields;
};

/* Parse a format text.  Returns false when it has no name or no ID.  Release in any case. */
bool decode_format_parse(struct decode_format *format, const char *text, size_t len);

/* Parse fields only (header_page). */
void decode_format_parse_fields(struct decode_format *format, const char *text, size_t len);

void decode_format_release(struct decode_format *format);

/* The first field of names ("a|b") that the format has, or NULL.  Borrowed. */
const struct decode_field *decode_format_field(const struct decode_format *format,
					       const char *names);

#endif
