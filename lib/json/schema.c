/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables as JSON Schema. */
#include "lib/json/state.h"

static const struct jschema nested = { .name = NULL };

static void schema_row(const struct jrow *row, struct jwriter *w, const char *key, bool nullable);

static const char *type_name(const struct jrow *row)
{
	switch (row->type) {
	case JT_NUMBER:
		return "integer";
	case JT_BOOL:
	case JT_TRI:
		return "boolean";
	case JT_OBJECT:
	case JT_POINTER:
	case JT_NAMED:
		return "object";
	case JT_STRINGS:
	case JT_NUMBERS:
	case JT_CODES:
	case JT_LIST:
		return "array";
	default:
		return "string";
	}
}

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

static void schema_list(const struct jrow *row, struct jwriter *w)
{
	struct jrow each = jrow_each(row);

	if (row->type == JT_NUMBERS || row->max < UINT32_MAX) /* else memory is the limit */
		jwrite_number(w, "maxItems", row->type == JT_NUMBERS ? row->size / 8 : row->max);
	if (row->type == JT_NUMBERS)
		jwrite_number(w, "minItems", row->size / 8);
	schema_row(&each, w, "items", false);
}

static bool is_nullable(const struct jrow *row)
{
	/* null is everywhere the same as absent: nobody knows */
	return !(row->flags & JF_REQUIRED);
}

static void schema_named(const struct jrow *row, struct jwriter *w)
{
	jwrite_object(w, "properties");
	for (uint64_t i = 0; i < row->max; i++)
		schema_row(row->each, w, row->word((int)i), is_nullable(row->each));
	jwrite_end_object(w);
}

static void schema_limits(const struct jrow *row, struct jwriter *w)
{
	switch (row->type) {
	case JT_NUMBER:
		jwrite_number(w, "minimum", row->least);
		jwrite_number(w, "maximum", row->max);
		break;
	case JT_HEX:
		jwrite_string(w, "pattern", "^0x[0-9a-fA-F]{1,16}$");
		break;
	case JT_NAME:
		jwrite_number(w, "minLength", 1);
		jwrite_number(w, "maxLength", 255);
		break;
	case JT_BUFFER:
		jwrite_number(w, "maxLength", row->size - 1);
		break;
	case JT_CODED:
		jwrite_string(w, "pattern", row->code->pattern);
		break;
	case JT_STRINGS:
	case JT_NUMBERS:
	case JT_CODES:
	case JT_LIST:
		schema_list(row, w);
		break;
	case JT_OBJECT:
	case JT_POINTER:
		jtable_schema(row->of, &nested, w);
		break;
	case JT_NAMED:
		schema_named(row, w);
		break;
	default:
		break;
	}
}

static void schema_row(const struct jrow *row, struct jwriter *w, const char *key, bool nullable)
{
	if (row->type == JT_OWN) {
		jwrite_raw(w, key, row->own->schema);
		return;
	}
	jwrite_object(w, key);
	if (row->type == JT_WORD)
		schema_word(row, w, nullable);
	else
		schema_type(w, type_name(row), nullable);
	schema_limits(row, w);
	jwrite_end_object(w);
}

static void schema_properties(const struct jrow *table, struct jwriter *w)
{
	for (const struct jrow *row = table; row->type; row++) {
		if (row->type == JT_INLINE)
			schema_properties(row->of, w);
		else
			schema_row(row, w, row->key, is_nullable(row));
	}
}

static void write_required(const struct jrow *table, struct jwriter *w)
{
	for (const struct jrow *row = table; row->type; row++) {
		if (row->type == JT_INLINE)
			write_required(row->of, w);
		else if (row->flags & JF_REQUIRED)
			jwrite_string(w, NULL, row->key);
	}
}

void jtable_schema(const struct jrow *table, const struct jschema *schema, struct jwriter *w)
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
	while (table->type)
		table++;
	if (table->closed)
		jwrite_bool(w, "additionalProperties", false);
}
