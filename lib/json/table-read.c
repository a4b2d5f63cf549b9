/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Structs by their tables: reading. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/printable.h"
#include "lib/base/xalloc.h"
#include "lib/json/state.h"

static void read_row(const struct jrow *row, const struct jval *val, void *what);
static void read_members(const struct jrow *table, const struct jval *object, void *what);

static char *read_text(const struct jrow *row, const struct jval *val)
{
	char *text = row->type == JT_NAME ? jval_name(val) : jval_text(val), *clean;

	if (!(row->flags & JF_TEXT))
		return text;
	clean = printable(text);
	free(text);
	return clean;
}

static void read_number(const struct jrow *row, const struct jval *val, void *what)
{
	uint64_t number = jval_number(val, row->max, row->unknown);

	if (jval_known(val) && number < row->least)
		jval_fail(val, "expected a number above %llu", (unsigned long long)row->least - 1);
	jrow_put(row, what, number);
}

/* What stands in a string, but is not kept as one. */
static void read_encoded(const struct jrow *row, const struct jval *val, void *what)
{
	char *text = jval_text(val);
	uint64_t i = 0;

	if (!text)
		return;
	switch (row->type) {
	case JT_BUFFER:
		if (strlen(text) >= row->size)
			jval_fail(val, "expected up to %zu bytes", row->size - 1);
		else
			strcpy(jrow_at(row, what), text);
		break;
	case JT_CODED:
		if (!row->code->parse(text, jrow_at(row, what)))
			jval_fail(val, "expected %s, not '%.80s'", row->code->expected, text);
		break;
	default:
		while (i < row->max && strcmp(row->word((int)i), text) != 0)
			i++;
		if (i == row->max)
			jval_fail(val, "unknown word '%.64s'", text);
		else
			jrow_put(row, what, i);
	}
	free(text);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One device listed twice, once harmless and once not, would be believed as it suits. */
static void check_unique(const struct jrow *name, const struct jval *list, const char *first,
			 size_t n, size_t size)
{
	const char **names = xcalloc(n, sizeof(*names));
	size_t named = 0;

	for (size_t i = 0; i < n; i++) {
		names[named] = *(char **)jrow_at(name, first + i * size);
		named += names[named] != NULL;
	}
	qsort(names, named, sizeof(*names), compare_names);
	for (size_t i = 1; i < named; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			jval_fail(list, "'%.64s' is listed twice", names[i]);
	free(names);
}

/* Room for n elements; false: the struct has other room. */
static bool make_room(const struct jrow *row, const struct jval *list, void *what, size_t n,
		      size_t size)
{
	if (row->type == JT_NUMBERS) {
		if (jval_known(list) && n != row->size / size)
			jval_fail(list, "expected %zu numbers", row->size / size);
		return n == row->size / size;
	}
	if (n > row->max) {
		jval_fail(list, "more than %llu entries", (unsigned long long)row->max);
		return false;
	}
	if (!(row->flags & JF_FIXED) && n)
		*(void **)jrow_at(row, what) = xcalloc(n + 1, size);
	if (!(row->flags & JF_ENDED))
		*(size_t *)jrow_beside(what, row->count) = n;
	if (row->cap)
		*(size_t *)jrow_beside(what, row->cap) = n;
	return true;
}

static void read_list(const struct jrow *row, const struct jval *list, void *what)
{
	struct jrow each = jrow_each(row);
	size_t n = jval_count(list);
	char *first;

	if (!make_room(row, list, what, n, each.size))
		return;
	first = jrow_first(row, what);
	for (size_t i = 0; i < n; i++) {
		struct jval item = jval_item(list, i);

		if (!jval_known(&item))
			jval_fail(&item, "expected %s",
				  row->type == JT_LIST	    ? "an object"
				  : row->type == JT_NUMBERS ? "a whole number"
							    : "a string");
		read_row(&each, &item, first + i * each.size);
	}
	for (const struct jrow *r = row->of; r && r->type; r++)
		if (r->flags & JF_UNIQUE)
			check_unique(r, list, first, n, each.size);
}

static void read_named(const struct jrow *row, const struct jval *val, void *what)
{
	struct jval names = jval_as_object(val);

	for (uint64_t i = 0; i < row->max; i++) {
		struct jval member = jval_member(&names, row->word((int)i));

		read_row(row->each, &member, jrow_first(row, what) + i * row->each->size);
	}
}

/* Was it given?  Where somebody asks. */
static void note_known(const struct jrow *row, const struct jval *val, void *what)
{
	bool *known = jrow_beside(what, row->known), in = val->in && jval_known(val->in);

	if (row->flags & JF_UNTOLD)
		*known = in && !jval_mentions(val->in, val->key);
	if (row->flags & JF_KNOWN)
		*known |= jval_known(val);
	if ((row->flags & JF_REQUIRED) && in && !jval_known(val))
		jval_fail(val, "missing");
}

static void read_object(const struct jrow *row, const struct jval *val, void *what)
{
	struct jval object = jval_as_object(val);

	if (row->type == JT_POINTER && !jval_known(&object))
		return;
	if (row->type == JT_POINTER)
		*(void **)jrow_at(row, what) = xcalloc(1, row->of_size);
	jtable_read(row->of, &object, jrow_struct(row, what));
}

static void read_row(const struct jrow *row, const struct jval *val, void *what)
{
	if ((row->flags & JF_DERIVED) && !jval_derived(val)) {
		jrow_init(row, what);
		return;
	}
	note_known(row, val, what);
	switch (row->type) {
	case JT_STRING:
	case JT_NAME:
		*(char **)jrow_at(row, what) = read_text(row, val);
		break;
	case JT_NUMBER:
		read_number(row, val, what);
		break;
	case JT_HEX:
		jrow_put(row, what, jval_hex(val, row->max, row->unknown));
		break;
	case JT_BOOL:
		*(bool *)jrow_at(row, what) = jval_bool(val, row->unknown);
		break;
	case JT_TRI:
		*(enum tri *)jrow_at(row, what) = jval_tri(val);
		break;
	case JT_OBJECT:
	case JT_POINTER:
		read_object(row, val, what);
		break;
	case JT_NAMED:
		read_named(row, val, what);
		break;
	case JT_OWN:
		row->own->read(row, val->in, what);
		break;
	case JT_WORD:
		jrow_put(row, what, row->unknown);
		/* fall through */
	case JT_BUFFER:
	case JT_CODED:
		read_encoded(row, val, what);
		break;
	default:
		read_list(row, val, what);
	}
}

static bool has_key(const struct jrow *table, const char *key)
{
	for (const struct jrow *row = table; row->type; row++) {
		if (row->type == JT_INLINE ? has_key(row->of, key) : strcmp(row->key, key) == 0)
			return true;
	}
	return false;
}

/* Members that no row knows; the members of an inline struct are looked at with their object. */
static void look_for_unknown(const struct jrow *table, bool closed, const struct jval *object)
{
	const char *key;
	void *iter = NULL;

	while ((key = jval_next_key(object, &iter))) {
		if (has_key(table, key) || (!object->in && strcmp(key, "schema") == 0))
			continue;
		if (closed)
			jval_fail(object, "unknown member '%.64s'", key);
		else
			jval_note_unknown(object, key);
	}
}

/* Returns the last row. */
static const struct jrow *read_rows(const struct jrow *row, const struct jval *object, void *what)
{
	for (; row->type; row++) {
		struct jval val;

		if (row->type == JT_INLINE) {
			if (row->flags & JF_POINTER)
				*(void **)jrow_at(row, what) = xcalloc(1, row->of_size);
			read_members(row->of, object, jrow_struct(row, what));
			continue;
		}
		val = jval_member(object, row->key);
		read_row(row, &val, what);
	}
	return row;
}

static void check_whole(const struct jrow *whole, const struct jval *object, void *what)
{
	if (whole->check && jval_known(object) && jdoc_status(object->doc) == 0)
		whole->check(object, what);
}

static void read_members(const struct jrow *table, const struct jval *object, void *what)
{
	check_whole(read_rows(table, object, what), object, what);
}

void jtable_read(const struct jrow *table, const struct jval *object, void *what)
{
	const struct jrow *whole = read_rows(table, object, what);

	look_for_unknown(table, whole->closed, object);
	check_whole(whole, object, what);
}

static void check_schema(const struct jval *root, const char *schema)
{
	struct jval val = jval_member(root, "schema");
	char *is = jval_text(&val);

	if (!is)
		jval_fail(&val, "missing, expected \"%s\"", schema);
	else if (strcmp(is, schema) != 0)
		jval_fail(&val, "expected \"%s\", not '%.64s'%s", schema, is,
			  strncmp(is, schema, strcspn(schema, "/") + 1) == 0
				  ? ", which another version of ccaio writes"
				  : "");
	free(is);
}

int jtable_load_into(const struct jrow *table, struct jdoc *doc, const char *schema, void *what)
{
	struct jval root = jdoc_root(doc);
	int ret;

	check_schema(&root, schema);
	jtable_read(table, &root, what);
	ret = jdoc_status(doc);
	jdoc_free(doc);
	return ret;
}

void *jtable_load(const struct jrow *table, size_t size, struct jdoc *doc, const char *schema)
{
	void *what;

	if (!doc)
		return NULL;
	what = xcalloc(1, size);
	if (jtable_load_into(table, doc, schema, what) == 0)
		return what;
	jtable_delete(table, what);
	return NULL;
}
