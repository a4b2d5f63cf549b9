/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JSON_LONG_H
#define CCAIO_LIB_JSON_LONG_H

#include <stddef.h>
#include <stdio.h>

#include "lib/json/json.h"

/*
 * long - a JSON document with lists that may be too long for memory as a tree.
 *
 * It is read twice: once for all but the elements of its long lists, which is one document,
 * and once for these elements, each of which is a document of its own.  Memory is bounded by
 * the limits of lib/json/json.h for the one and by JLONG_ITEM bytes for each of the others; how
 * many elements there may be is up to whoever takes them.
 */
#define JLONG_ITEM ((size_t)1 << 20)

struct jlong {
	/* A new stream of the same text, which the reader closes; NULL with err set. */
	FILE *(*open)(void *ctx, struct err *err);
	void *ctx;
	const char *name;	 /* of the document, for messages */
	const char *const *keys; /* the long lists, members of the root object; NULL ends them */
};

/* The document, in which the long lists are empty.  Otherwise like jdoc_parse(). */
struct jdoc *jlong_rest(const struct jlong *source, struct err *err);

/*
 * Hand over each element of the lists, in the order of the text: list is the place of its key in
 * keys, item an object that take() frees.  A negative value of take() ends the reading and is
 * returned.  0, or -EINVAL with err set.  Elements that are cut off, too long or no objects are
 * refused.
 */
typedef int jlong_take(void *ctx, size_t list, size_t index, struct jdoc *item);
int jlong_items(const struct jlong *source, jlong_take *take, void *ctx, struct err *err);

#endif
