/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Structs by their tables: setting to unknown, reading, freeing. */
#include "lib/json/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/printable.h"
#include "lib/base/xalloc.h"

static void *at(const struct jrow *row, const void *what)
{
	return (char *)what + row->offset;
}

static size_t *count_of(const struct jrow *row, const void *what)
{
	return (void *)((char *)what + row->count);
}

static bool *known_of(const struct jrow *row, const void *what)
{
	return (void *)((char *)what + row->known);
}

static bool more(const struct jrow *row)
{
	return row->type != 0;
}

/* The first of a list's structs, or of its strings. */
static void *first_of(const struct jrow *row, const void *what)
{
	return row->flags & JF_FIXED ? at(row, what) : *(void **)at(row, what);
}

uint64_t jrow_value(const struct jrow *row, const void *what)
{
	const void *p = at(row, what);

	switch (row->size) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		return *(const uint16_t *)p;
	case 4:
		return *(const uint32_t *)p;
	default:
		return *(const uint64_t *)p;
	}
}

static void put_value(const struct jrow *row, void *what, uint64_t value)
{
	void *p = at(row, what);

	switch (row->size) {
	case 1:
		*(uint8_t *)p = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)p = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)p = (uint32_t)value;
		break;
	default:
		*(uint64_t *)p = value;
	}
}

static void init_row(const struct jrow *row, void *what)
{
	switch (row->type) {
	case JT_NUMBER:
	case JT_SIGNED:
	case JT_HEX:
	case JT_BOOL:
	case JT_WORD:
		put_value(row, what, row->unknown);
		break;
	case JT_INLINE:
	case JT_OBJECT:
		if (!(row->flags & JF_POINTER))
			jtable_init(row->of, at(row, what));
		break;
	case JT_NAMED:
		for (uint64_t i = 0; i < row->max; i++)
			init_row(row->each, (char *)at(row, what) + i * row->each->size);
		break;
	default:
		break; /* zero is what they are when unknown */
	}
}

void jtable_init(const struct jtable *table, void *what)
{
	for (const struct jrow *row = table->rows; more(row); row++)
		init_row(row, what);
}

static void read_row(const struct jrow *row, const struct jval *object, const char *key,
		     void *what);
static void read_members(const struct jtable *table, const struct jval *object, void *what);

/* The struct of a JT_INLINE. */
static void *inlined(const struct jrow *row, const void *what)
{
	return row->flags & JF_POINTER ? *(void **)at(row, what) : at(row, what);
}

static char *for_people(const struct jrow *row, char *text)
{
	char *clean;

	if (!(row->flags & JF_TEXT))
		return text;
	clean = printable(text);
	free(text);
	return clean;
}

static void read_buffer(const struct jrow *row, const struct jval *object, const char *key,
			char *to)
{
	char *text = jval_string(object, key);
	size_t len = text ? strlen(text) : 0;

	if (len >= row->size)
		jval_fail_at(object, key, "expected up to %zu bytes", row->size - 1);
	else if (text)
		memcpy(to, text, len + 1);
	free(text);
}

static void read_word(const struct jrow *row, const struct jval *object, const char *key,
		      void *what)
{
	char *word = jval_string(object, key);
	uint64_t i = 0;

	while (word && i < row->max && strcmp(row->word((int)i), word) != 0)
		i++;
	if (word && i == row->max)
		jval_fail_at(object, key, "unknown word '%.64s'", word);
	else if (word)
		put_value(row, what, i);
	free(word);
}

static void read_strings(const struct jrow *row, const struct jval *object, const char *key,
			 void *what)
{
	size_t *count = count_of(row, what);
	char **strings = jval_strings(object, key, (size_t)row->max, count);

	for (size_t i = 0; i < *count; i++)
		strings[i] = for_people(row, strings[i]);
	if (row->flags & JF_FIXED) {
		if (*count)
			memcpy(at(row, what), strings, *count * sizeof(*strings));
		free(strings);
	} else {
		*(char ***)at(row, what) = strings;
	}
}

static void read_numbers(const struct jrow *row, const struct jval *object, const char *key,
			 uint64_t *to)
{
	struct jval list = jval_array(object, key);
	size_t n = row->size / sizeof(*to);

	if (!jval_known(&list))
		return;
	if (jval_count(&list) != n)
		jval_fail(&list, "expected %zu numbers", n);
	for (size_t i = 0; i < n && i < jval_count(&list); i++)
		to[i] = jval_item_number(&list, i, row->max);
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
		names[named] = *(char *const *)(const void *)(first + i * size + name->offset);
		named += names[named] != NULL;
	}
	qsort(names, named, sizeof(*names), compare_names);
	for (size_t i = 1; i < named; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			jval_fail(list, "'%.64s' is listed twice", names[i]);
	free(names);
}

static void read_list(const struct jrow *row, const struct jval *object, const char *key,
		      void *what)
{
	struct jval list = jval_array(object, key);
	size_t n = jval_count(&list), size = row->of->size;
	char *first;

	if (n > row->max) {
		jval_fail(&list, "more than %llu entries", (unsigned long long)row->max);
		return;
	}
	if (!(row->flags & JF_FIXED) && n)
		*(void **)at(row, what) = xcalloc(n, size);
	first = first_of(row, what);
	*count_of(row, what) = n;
	if (row->cap)
		*(size_t *)(void *)((char *)what + row->cap) = n;
	for (size_t i = 0; i < n; i++) {
		struct jval item = jval_item_object(&list, i);

		jtable_read(row->of, &item, first + i * size);
	}
	for (const struct jrow *r = row->of->rows; more(r); r++)
		if (r->flags & JF_UNIQUE)
			check_unique(r, &list, first, n, size);
}

static void read_named(const struct jrow *row, const struct jval *object, const char *key,
		       void *what)
{
	struct jval names = jval_object(object, key);

	for (uint64_t i = 0; i < row->max; i++)
		read_row(row->each, &names, row->word((int)i),
			 (char *)at(row, what) + i * row->each->size);
}

static void read_pointer(const struct jrow *row, const struct jval *object, const char *key,
			 void *what)
{
	struct jval val = jval_object(object, key);

	if (!jval_known(&val))
		return;
	*(void **)at(row, what) = xcalloc(1, row->of->size);
	jtable_read(row->of, &val, *(void **)at(row, what));
}

static void read_scalar(const struct jrow *row, const struct jval *object, const char *key,
			void *what)
{
	switch (row->type) {
	case JT_NUMBER:
		put_value(row, what, jval_number(object, key, row->max, row->unknown));
		break;
	case JT_SIGNED:
		put_value(row, what, (uint64_t)jval_signed(object, key, row->size == 4));
		break;
	case JT_HEX:
		put_value(row, what, jval_hex(object, key, row->max, row->unknown));
		break;
	case JT_BOOL:
		*(bool *)at(row, what) = jval_bool(object, key, row->unknown);
		break;
	case JT_TRI:
		*(enum tri *)at(row, what) = jval_tri(object, key);
		break;
	default:
		put_value(row, what, row->unknown);
		read_word(row, object, key, what);
	}
}

/* Was it given?  Where somebody asks. */
static void note_known(const struct jrow *row, const struct jval *object, const char *key,
		       void *what)
{
	if (row->flags & JF_UNTOLD)
		*known_of(row, what) = jval_known(object) && !jval_mentions(object, key);
	if (row->flags & JF_KNOWN)
		*known_of(row, what) |= jval_has(object, key);
	if ((row->flags & JF_REQUIRED) && jval_known(object) && !jval_has(object, key))
		jval_fail_at(object, key, "missing");
}

static void read_row(const struct jrow *row, const struct jval *object, const char *key, void *what)
{
	struct jval val;

	if (row->type == JT_INLINE) {
		if (row->flags & JF_POINTER)
			*(void **)at(row, what) = xcalloc(1, row->of->size);
		read_members(row->of, object, inlined(row, what));
		return;
	}
	if ((row->flags & JF_DERIVED) && !jval_derived(object)) {
		init_row(row, what);
		return;
	}
	note_known(row, object, key, what);
	switch (row->type) {
	case JT_STRING:
		*(char **)at(row, what) = for_people(row, jval_string(object, key));
		break;
	case JT_NAME:
		*(char **)at(row, what) = jval_name(object, key);
		break;
	case JT_BUFFER:
		read_buffer(row, object, key, at(row, what));
		break;
	case JT_STRINGS:
		read_strings(row, object, key, what);
		break;
	case JT_NUMBERS:
		read_numbers(row, object, key, at(row, what));
		break;
	case JT_OBJECT:
		val = jval_object(object, key);
		jtable_read(row->of, &val, at(row, what));
		break;
	case JT_POINTER:
		read_pointer(row, object, key, what);
		break;
	case JT_LIST:
		read_list(row, object, key, what);
		break;
	case JT_NAMED:
		read_named(row, object, key, what);
		break;
	case JT_OWN:
		row->own->read(row, object, what);
		break;
	default:
		read_scalar(row, object, key, what);
	}
}

static bool has_key(const struct jtable *table, const char *key)
{
	for (const struct jrow *row = table->rows; more(row); row++) {
		if (row->type == JT_INLINE ? has_key(row->of, key) : strcmp(row->key, key) == 0)
			return true;
	}
	return false;
}

/* Members that no row knows; the members of an inline struct are looked at with their object. */
static void look_for_unknown(const struct jtable *table, const struct jval *object)
{
	const char *key;
	void *iter = NULL;

	while ((key = jval_next_key(object, &iter))) {
		if (has_key(table, key) || (!object->in && strcmp(key, "schema") == 0))
			continue;
		if (table->closed)
			jval_fail(object, "unknown member '%.64s'", key);
		else
			jval_note_unknown(object, key);
	}
}

static void read_rows(const struct jtable *table, const struct jval *object, void *what)
{
	for (const struct jrow *row = table->rows; more(row); row++)
		read_row(row, object, row->key, what);
}

static void check_whole(const struct jtable *table, const struct jval *object, void *what)
{
	if (table->check && jval_known(object) && jdoc_status(object->doc) == 0)
		table->check(object, what);
}

static void read_members(const struct jtable *table, const struct jval *object, void *what)
{
	read_rows(table, object, what);
	check_whole(table, object, what);
}

void jtable_read(const struct jtable *table, const struct jval *object, void *what)
{
	read_rows(table, object, what);
	look_for_unknown(table, object);
	check_whole(table, object, what);
}

static void check_schema(const struct jval *root, const char *schema)
{
	char *is = jval_string(root, "schema");

	if (!is)
		jval_fail_at(root, "schema", "missing, expected \"%s\"", schema);
	else if (strcmp(is, schema) != 0)
		jval_fail_at(root, "schema", "expected \"%s\", not '%.64s'%s", schema, is,
			     strncmp(is, schema, strcspn(schema, "/") + 1) == 0
				     ? ", which another version of ccaio writes"
				     : "");
	free(is);
}

int jtable_load_into(const struct jtable *table, struct jdoc *doc, const char *schema, void *what)
{
	struct jval root = jdoc_root(doc);
	int ret;

	check_schema(&root, schema);
	jtable_read(table, &root, what);
	ret = jdoc_status(doc);
	jdoc_free(doc);
	return ret;
}

void *jtable_load(const struct jtable *table, struct jdoc *doc, const char *schema)
{
	void *what;

	if (!doc)
		return NULL;
	what = xcalloc(1, table->size);
	if (jtable_load_into(table, doc, schema, what) == 0)
		return what;
	jtable_free(table, what);
	free(what);
	return NULL;
}

static void free_list(const struct jrow *row, void *what)
{
	char *first = first_of(row, what);

	for (size_t i = 0; i < *count_of(row, what); i++)
		jtable_free(row->of, first + i * row->of->size);
	if (!(row->flags & JF_FIXED))
		free(first);
}

static void free_row(const struct jrow *row, void *what)
{
	void *member = at(row, what);
	char **strings;

	switch (row->type) {
	case JT_STRING:
	case JT_NAME:
		free(*(char **)member);
		break;
	case JT_STRINGS:
		strings = first_of(row, what);
		for (size_t i = 0; i < *count_of(row, what); i++)
			free(strings[i]);
		if (!(row->flags & JF_FIXED))
			free(strings);
		break;
	case JT_OBJECT:
		jtable_free(row->of, member);
		break;
	case JT_INLINE:
		if (inlined(row, what))
			jtable_free(row->of, inlined(row, what));
		if (row->flags & JF_POINTER)
			free(inlined(row, what));
		break;
	case JT_POINTER:
		if (*(void **)member)
			jtable_free(row->of, *(void **)member);
		free(*(void **)member);
		break;
	case JT_LIST:
		free_list(row, what);
		break;
	case JT_NAMED:
		for (uint64_t i = 0; i < row->max; i++)
			free_row(row->each, (char *)member + i * row->each->size);
		break;
	case JT_OWN:
		if (row->own->release)
			row->own->release(row, what);
		break;
	default:
		break;
	}
}

void jtable_free(const struct jtable *table, void *what)
{
	for (const struct jrow *row = table->rows; more(row); row++)
		free_row(row, what);
}
