/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Structs by their tables: writing. */
#include <stdlib.h>
#include <string.h>

#include "lib/json/state.h"

static bool row_empty(const struct jrow *row, const void *what)
{
	struct jrow each;
	uint64_t value;

	switch (row->type) {
	case JT_STRING:
	case JT_NAME:
	case JT_POINTER:
		return !*(void **)jrow_at(row, what);
	case JT_BUFFER:
		return !*(const char *)jrow_at(row, what);
	case JT_NUMBER:
	case JT_HEX:
	case JT_WORD:
	case JT_BOOL:
		/* what nobody knows, or what a reader would refuse */
		value = jrow_value(row, what);
		return value == row->unknown || (row->max && value > row->max);
	case JT_TRI:
		return *(const enum tri *)jrow_at(row, what) == TRI_UNKNOWN;
	case JT_INLINE:
	case JT_OBJECT:
		for (const struct jrow *r = row->of; r->type; r++)
			if (!row_empty(r, jrow_at(row, what)))
				return false;
		return true;
	case JT_NAMED:
		each = jrow_each(row);
		for (size_t i = 0; i < jrow_length(row, what); i++)
			if (!row_empty(&each, jrow_first(row, what) + i * each.size))
				return false;
		return true;
	case JT_STRINGS:
	case JT_CODES:
	case JT_LIST:
		return jrow_length(row, what) == 0;
	case JT_OWN:
		return row->own->empty && row->own->empty(row, what);
	default:
		return false;
	}
}

static void write_row(const struct jrow *row, struct jwriter *w, const char *key, const void *what);

static void write_members(const struct jrow *table, struct jwriter *w, const void *what)
{
	for (const struct jrow *row = table; row->type; row++) {
		if (row->type == JT_INLINE)
			write_members(row->of, w, jrow_struct(row, what));
		else
			write_row(row, w, row->key, what);
	}
}

static void write_number(const struct jrow *row, struct jwriter *w, const char *key,
			 const void *what)
{
	uint64_t value = jrow_value(row, what);

	if (value > row->max || (row->type == JT_WORD && value == row->max))
		jwrite_null(w, key);
	else if (row->type == JT_WORD)
		jwrite_string(w, key, row->word((int)value));
	else if (row->type == JT_HEX)
		jwrite_hex(w, key, value);
	else
		jwrite_number(w, key, value);
}

static void write_list(const struct jrow *row, struct jwriter *w, const char *key, const void *what)
{
	struct jrow each = jrow_each(row);
	bool named = row->type == JT_NAMED;

	(named ? jwrite_object : jwrite_array)(w, key);
	for (size_t i = 0; i < jrow_length(row, what); i++)
		write_row(&each, w, named ? row->word((int)i) : NULL,
			  jrow_first(row, what) + i * each.size);
	(named ? jwrite_end_object : jwrite_end_array)(w);
}

/* As a member of the document being written, or its root (key NULL). */
static void write_table(const struct jrow *table, struct jwriter *w, const char *key,
			const void *what)
{
	const struct jrow *whole = table;

	while (whole->type)
		whole++;
	if (!what || (whole->present && !whole->present(what))) {
		jwrite_null(w, key);
		return;
	}
	jwrite_object(w, key);
	write_members(table, w, what);
	jwrite_end_object(w);
}

static bool is_left_out(const struct jrow *row, const void *what)
{
	const unsigned int asks = JF_KNOWN | JF_IF | JF_UNTOLD;
	bool known = (row->flags & asks) && *(const bool *)jrow_beside(what, row->known);

	return ((row->flags & (JF_KNOWN | JF_IF)) && !known) ||
	       ((row->flags & JF_UNTOLD) && known) ||
	       ((row->flags & JF_OMIT) && row_empty(row, what));
}

static void write_row(const struct jrow *row, struct jwriter *w, const char *key, const void *what)
{
	const void *at = jrow_at(row, what);
	char text[JCODE_TEXT];

	if (is_left_out(row, what))
		return;
	if ((row->flags & JF_NULL) && row_empty(row, what)) {
		jwrite_null(w, key);
		return;
	}
	switch (row->type) {
	case JT_STRING:
	case JT_NAME:
		(row->flags & JF_TEXT ? jwrite_text : jwrite_string)(w, key, *(char *const *)at);
		break;
	case JT_BUFFER:
		jwrite_string(w, key, at);
		break;
	case JT_CODED:
		row->code->format(at, text);
		jwrite_string(w, key, text);
		break;
	case JT_BOOL:
		jwrite_bool(w, key, *(const bool *)at);
		break;
	case JT_TRI:
		jwrite_tri(w, key, *(const enum tri *)at);
		break;
	case JT_NUMBER:
	case JT_HEX:
	case JT_WORD:
		write_number(row, w, key, what);
		break;
	case JT_OBJECT:
	case JT_POINTER:
		write_table(row->of, w, key, jrow_struct(row, what));
		break;
	case JT_OWN:
		row->own->write(row, w, what);
		break;
	default:
		write_list(row, w, key, what);
	}
}

void jtable_write_members(const struct jrow *table, struct jwriter *w, const char *schema,
			  const void *what)
{
	jwrite_string(w, "schema", schema);
	write_members(table, w, what);
}

char *jtable_format(const struct jrow *table, const char *schema, const void *what)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct jwriter w;

	if (!out)
		abort(); /* no memory: as fatal as in lib/base/xalloc.c */
	jwriter_init(&w, out);
	jwrite_object(&w, NULL);
	jtable_write_members(table, &w, schema, what);
	jwrite_end_object(&w);
	fclose(out);
	return text;
}
