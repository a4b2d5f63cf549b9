/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Structs by their tables: setting to unknown, freeing, and what reading and writing share. */
#include "lib/json/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json/state.h"

static bool is_fixed(const struct jrow *row)
{
	return (row->flags & JF_FIXED) || row->type == JT_NUMBERS || row->type == JT_NAMED;
}

struct jrow jrow_each(const struct jrow *list)
{
	switch (list->type) {
	case JT_STRINGS:
		return (struct jrow){ .type = JT_STRING,
				      .size = sizeof(char *),
				      .flags = list->flags & JF_TEXT };
	case JT_NUMBERS:
		return (struct jrow){ .type = JT_NUMBER, .size = 8, .max = list->max };
	case JT_CODES:
		return (struct jrow){ .type = JT_CODED,
				      .size = list->code->size,
				      .code = list->code };
	case JT_NAMED:
		return *list->each;
	default:
		return (struct jrow){ .type = JT_OBJECT, .size = list->of_size, .of = list->of };
	}
}

char *jrow_first(const struct jrow *list, const void *what)
{
	return is_fixed(list) ? jrow_at(list, what) : *(char **)jrow_at(list, what);
}

size_t jrow_length(const struct jrow *list, const void *what)
{
	char **strings;
	size_t n = 0;

	if (list->type == JT_NUMBERS)
		return list->size / 8;
	if (list->type == JT_NAMED)
		return (size_t)list->max;
	if (!(list->flags & JF_ENDED))
		return *(size_t *)jrow_beside(what, list->count);
	for (strings = (char **)(void *)jrow_first(list, what); strings && strings[n];)
		n++;
	return n;
}

_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "a number's first bytes are its lowest");

uint64_t jrow_value(const struct jrow *row, const void *what)
{
	uint64_t value = 0;

	memcpy(&value, jrow_at(row, what), row->size);
	return value;
}

void jrow_put(const struct jrow *row, void *what, uint64_t value)
{
	memcpy(jrow_at(row, what), &value, row->size);
}

void jrow_init(const struct jrow *row, void *what)
{
	switch (row->type) {
	case JT_NUMBER:
	case JT_HEX:
	case JT_BOOL:
	case JT_WORD:
		jrow_put(row, what, row->unknown);
		break;
	case JT_INLINE:
	case JT_OBJECT:
		if (!(row->flags & JF_POINTER))
			jtable_init(row->of, jrow_at(row, what));
		break;
	case JT_NAMED:
		for (size_t i = 0; i < row->max; i++)
			jrow_init(row->each, jrow_first(row, what) + i * row->each->size);
		break;
	default:
		break; /* zero is what they are when unknown */
	}
}

void jtable_init(const struct jrow *table, void *what)
{
	for (const struct jrow *row = table; row->type; row++)
		jrow_init(row, what);
}

static void free_row(const struct jrow *row, void *what)
{
	struct jrow each;

	switch (row->type) {
	case JT_STRING:
	case JT_NAME:
		free(*(char **)jrow_at(row, what));
		break;
	case JT_INLINE:
	case JT_OBJECT:
	case JT_POINTER:
		if (jrow_struct(row, what))
			jtable_free(row->of, jrow_struct(row, what));
		if (jrow_struct(row, what) != jrow_at(row, what))
			free(jrow_struct(row, what));
		break;
	case JT_STRINGS:
	case JT_NUMBERS:
	case JT_CODES:
	case JT_LIST:
	case JT_NAMED:
		each = jrow_each(row);
		for (size_t i = 0; i < jrow_length(row, what); i++)
			free_row(&each, jrow_first(row, what) + i * each.size);
		if (!is_fixed(row))
			free(jrow_first(row, what));
		break;
	case JT_OWN:
		if (row->own->release)
			row->own->release(row, what);
		break;
	default:
		break;
	}
}

void jtable_free(const struct jrow *table, void *what)
{
	for (const struct jrow *row = table; row->type; row++)
		free_row(row, what);
}

void jtable_delete(const struct jrow *table, void *what)
{
	if (what)
		jtable_free(table, what);
	free(what);
}
