/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JSON_STATE_H
#define CCAIO_LIB_JSON_STATE_H

#include "lib/json/table.h"

struct json_object;

/* json - a parsed document, as lib/json/json.c makes it and lib/json/value.c asks it. */
struct jdoc {
	struct json_object *root;
	struct err *err;
	char *name;
	bool failed;
	void *context;
	bool derived;
	char *unknown; /* members that no reader knows; NULL none */
	size_t nunknown;
};

/* Where a row's member is in its struct; where another of its offsets is. */
static inline void *jrow_at(const struct jrow *row, const void *what)
{
	return (char *)what + row->offset;
}

static inline void *jrow_beside(const void *what, size_t offset)
{
	return (char *)what + offset;
}

/* The struct of an object: of a JT_INLINE or a JT_POINTER, too (NULL there where there is none). */
static inline void *jrow_struct(const struct jrow *row, const void *what)
{
	bool pointer = row->type == JT_POINTER || (row->flags & JF_POINTER);

	return pointer ? *(void **)jrow_at(row, what) : jrow_at(row, what);
}

/* A list's elements are values of this row, at offset 0. */
struct jrow jrow_each(const struct jrow *list);
/* The elements of a list that is read: the first of them, and how many there are. */
char *jrow_first(const struct jrow *list, const void *what);
size_t jrow_length(const struct jrow *list, const void *what);
void jrow_put(const struct jrow *row, void *what, uint64_t value);
void jrow_init(const struct jrow *row, void *what);

#endif
