/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Structs by their tables: writing, and their JSON Schema. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/json/table.h"

static const void *at(const struct jrow *row, const void *what)
{
	return (const char *)what + row->offset;
}

static size_t count_of(const struct jrow *row, const void *what)
{
	return *(const size_t *)(const void *)((const char *)what + row->count);
}

static const void *first_of(const struct jrow *row, const void *what)
{
	return row->flags & JF_FIXED ? at(row, what) : *(void *const *)at(row, what);
}

static int64_t signed_value(const struct jrow *row, const void *what)
{
	return row->size == 4 ? *(const int32_t *)at(row, what) : *(const int64_t *)at(row, what);
}

/* What nobody knows, or what a reader would refuse. */
static bool is_unknown(const struct jrow *row, const void *what)
{
	uint64_t value = jrow_value(row, what);

	return value == row->unknown || value > row->max;
}

static bool row_empty(const struct jrow *row, const void *what)
{
	switch (row->type) {
	case JT_STRING:
	case JT_NAME:
	case JT_POINTER:
		return !*(void *const *)at(row, what);
	case JT_BUFFER:
		return !*(const char *)at(row, what);
	case JT_NUMBER:
	case JT_HEX:
	case JT_WORD:
		return is_unknown(row, what);
	case JT_SIGNED:
		return signed_value(row, what) == 0;
	case JT_BOOL:
		return *(const bool *)at(row, what) == (bool)row->unknown;
	case JT_TRI:
		return *(const enum tri *)at(row, what) == TRI_UNKNOWN;
	case JT_STRINGS:
	case JT_LIST:
		return count_of(row, what) == 0;
	case JT_INLINE:
	case JT_OBJECT:
		for (const struct jrow *r = row->of->rows; r->type; r++)
			if (!row_empty(r, at(row, what)))
				return false;
		return true;
	case JT_NAMED:
		for (uint64_t i = 0; i < row->max; i++)
			if (!row_empty(row->each,
				       (const char *)at(row, what) + i * row->each->size))
				return false;
		return true;
	case JT_OWN:
		return row->own->empty && row->own->empty(row, what);
	default:
		return false;
	}
}

static void write_row(const struct jrow *row, struct jwriter *w, const char *key, const void *what);

static void write_members(const struct jtable *table, struct jwriter *w, const void *what)
{
	for (const struct jrow *row = table->rows; row->type; row++) {
		if (row->type == JT_INLINE)
			write_members(row->of, w,
				      row->flags & JF_POINTER ? *(void *const *)at(row, what)
							      : at(row, what));
		else
			write_row(row, w, row->key, what);
	}
}

static void write_scalar(const struct jrow *row, struct jwriter *w, const char *key,
			 const void *what)
{
	uint64_t value;

	switch (row->type) {
	case JT_SIGNED:
		jwrite_signed(w, key, signed_value(row, what));
		return;
	case JT_BOOL:
		jwrite_bool(w, key, *(const bool *)at(row, what));
		return;
	case JT_TRI:
		jwrite_tri(w, key, *(const enum tri *)at(row, what));
		return;
	default:
		break;
	}
	value = jrow_value(row, what);
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
	const char *first = first_of(row, what);

	jwrite_array(w, key);
	for (size_t i = 0; i < count_of(row, what); i++)
		jtable_write(row->of, w, NULL, first + i * row->of->size);
	jwrite_end_array(w);
}

static void write_strings(const struct jrow *row, struct jwriter *w, const char *key,
			  const void *what)
{
	char *const *strings = first_of(row, what);

	jwrite_array(w, key);
	for (size_t i = 0; i < count_of(row, what); i++)
		(row->flags & JF_TEXT ? jwrite_text : jwrite_string)(w, NULL, strings[i]);
	jwrite_end_array(w);
}

static void write_numbers(const struct jrow *row, struct jwriter *w, const char *key,
			  const void *what)
{
	const uint64_t *n = at(row, what);

	jwrite_array(w, key);
	for (size_t i = 0; i < row->size / sizeof(*n); i++)
		jwrite_number(w, NULL, n[i]);
	jwrite_end_array(w);
}

static void write_named(const struct jrow *row, struct jwriter *w, const char *key,
			const void *what)
{
	jwrite_object(w, key);
	for (uint64_t i = 0; i < row->max; i++)
		write_row(row->each, w, row->word((int)i),
			  (const char *)at(row, what) + i * row->each->size);
	jwrite_end_object(w);
}

static bool is_left_out(const struct jrow *row, const void *what)
{
	const unsigned int asks = JF_KNOWN | JF_IF | JF_UNTOLD;
	bool known = (row->flags & asks) && *(const bool *)((const char *)what + row->known);

	return ((row->flags & (JF_KNOWN | JF_IF)) && !known) ||
	       ((row->flags & JF_UNTOLD) && known) ||
	       ((row->flags & JF_OMIT) && row_empty(row, what));
}

static void write_row(const struct jrow *row, struct jwriter *w, const char *key, const void *what)
{
	if (is_left_out(row, what))
		return;
	if ((row->flags & JF_NULL) && row_empty(row, what)) {
		jwrite_null(w, key);
		return;
	}
	switch (row->type) {
	case JT_STRING:
	case JT_NAME:
		(row->flags & JF_TEXT ? jwrite_text : jwrite_string)(w, key,
								     *(char *const *)at(row, what));
		break;
	case JT_BUFFER:
		jwrite_string(w, key, at(row, what));
		break;
	case JT_STRINGS:
		write_strings(row, w, key, what);
		break;
	case JT_NUMBERS:
		write_numbers(row, w, key, what);
		break;
	case JT_OBJECT:
		jtable_write(row->of, w, key, at(row, what));
		break;
	case JT_POINTER:
		if (*(void *const *)at(row, what))
			jtable_write(row->of, w, key, *(void *const *)at(row, what));
		else
			jwrite_null(w, key);
		break;
	case JT_LIST:
		write_list(row, w, key, what);
		break;
	case JT_NAMED:
		write_named(row, w, key, what);
		break;
	case JT_OWN:
		row->own->write(row, w, what);
		break;
	default:
		write_scalar(row, w, key, what);
	}
}

void jtable_write(const struct jtable *table, struct jwriter *w, const char *key, const void *what)
{
	if (table->present && !table->present(what)) {
		jwrite_null(w, key);
		return;
	}
	jwrite_object(w, key);
	write_members(table, w, what);
	jwrite_end_object(w);
}

void jtable_write_members(const struct jtable *table, struct jwriter *w, const char *schema,
			  const void *what)
{
	jwrite_string(w, "schema", schema);
	write_members(table, w, what);
}

char *jtable_format(const struct jtable *table, const char *schema, const void *what)
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

/* --- as JSON Schema --- */

static const struct jschema nested = { .name = NULL };

static void schema_row(const struct jrow *row, struct jwriter *w, const char *key);

static void schema_type(struct jwriter *w, const char *type, bool nullable)
{
	if (!nullable) {
		jwrite_string(w, "type", type);
		return;
	}
	jwrite_array(w, "type");
	jwrite_string(w, NULL, type);
	jwrite_string(w, NULL, "null");
	jwrite_end_array(w);
}

static void schema_word(const struct jrow *row, struct jwriter *w, bool nullable)
{
	jwrite_array(w, "enum");
	for (uint64_t i = 0; i < row->max; i++)
		jwrite_string(w, NULL, row->word((int)i));
	if (nullable)
		jwrite_null(w, NULL);
	jwrite_end_array(w);
}

static void schema_list(const struct jrow *row, struct jwriter *w, bool nullable)
{
	schema_type(w, "array", nullable);
	jwrite_number(w, "maxItems", row->type == JT_NUMBERS ? row->size / 8 : row->max);
	jwrite_object(w, "items");
	if (row->type == JT_LIST) {
		jtable_schema(row->of, &nested, w);
	} else {
		jwrite_string(w, "type", row->type == JT_NUMBERS ? "integer" : "string");
		if (row->type == JT_NUMBERS)
			jwrite_number(w, "minimum", 0);
	}
	jwrite_end_object(w);
	if (row->type == JT_NUMBERS)
		jwrite_number(w, "minItems", row->size / 8);
}

static void schema_named(const struct jrow *row, struct jwriter *w, bool nullable)
{
	schema_type(w, "object", nullable);
	jwrite_object(w, "properties");
	for (uint64_t i = 0; i < row->max; i++)
		schema_row(row->each, w, row->word((int)i));
	jwrite_end_object(w);
}

static void schema_text(const struct jrow *row, struct jwriter *w, bool nullable)
{
	schema_type(w, "string", nullable);
	if (row->type == JT_HEX)
		jwrite_string(w, "pattern", "^0x[0-9a-fA-F]{1,16}$");
	if (row->type == JT_NAME) {
		jwrite_number(w, "minLength", 1);
		jwrite_number(w, "maxLength", 255);
	}
	if (row->type == JT_BUFFER)
		jwrite_number(w, "maxLength", row->size - 1);
}

static void schema_row(const struct jrow *row, struct jwriter *w, const char *key)
{
	/* null is everywhere the same as absent: nobody knows */
	bool nullable = !(row->flags & JF_REQUIRED);

	if (row->type == JT_OWN) {
		jwrite_raw(w, key, row->own->schema);
		return;
	}
	jwrite_object(w, key);
	switch (row->type) {
	case JT_NUMBER:
		schema_type(w, "integer", nullable);
		jwrite_number(w, "minimum", 0);
		jwrite_number(w, "maximum", row->max);
		break;
	case JT_SIGNED:
		schema_type(w, "integer", nullable);
		break;
	case JT_BOOL:
	case JT_TRI:
		schema_type(w, "boolean", nullable);
		break;
	case JT_WORD:
		schema_word(row, w, nullable);
		break;
	case JT_STRINGS:
	case JT_NUMBERS:
	case JT_LIST:
		schema_list(row, w, nullable);
		break;
	case JT_OBJECT:
	case JT_POINTER:
		schema_type(w, "object", nullable);
		jtable_schema(row->of, &nested, w);
		break;
	case JT_NAMED:
		schema_named(row, w, nullable);
		break;
	default:
		schema_text(row, w, nullable);
	}
	jwrite_end_object(w);
}

static void schema_properties(const struct jtable *table, struct jwriter *w)
{
	for (const struct jrow *row = table->rows; row->type; row++) {
		if (row->type == JT_INLINE)
			schema_properties(row->of, w);
		else
			schema_row(row, w, row->key);
	}
}

static void write_required(const struct jtable *table, struct jwriter *w)
{
	for (const struct jrow *row = table->rows; row->type; row++) {
		if (row->type == JT_INLINE)
			write_required(row->of, w);
		else if (row->flags & JF_REQUIRED)
			jwrite_string(w, NULL, row->key);
	}
}

void jtable_schema(const struct jtable *table, const struct jschema *schema, struct jwriter *w)
{
	const struct jschema embedded = { .name = schema->key_name };

	jwrite_object(w, "properties");
	if (schema->name) {
		jwrite_object(w, "schema");
		jwrite_string(w, "const", schema->name);
		jwrite_end_object(w);
	}
	schema_properties(table, w);
	if (schema->key) {
		jwrite_object(w, schema->key);
		jwrite_string(w, "type", "object");
		jtable_schema(schema->of, &embedded, w);
		jwrite_end_object(w);
	}
	jwrite_end_object(w);
	jwrite_array(w, "required");
	if (schema->name)
		jwrite_string(w, NULL, "schema");
	write_required(table, w);
	jwrite_end_array(w);
	if (table->closed)
		jwrite_bool(w, "additionalProperties", false);
}
