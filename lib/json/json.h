/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JSON_JSON_H
#define CCAIO_LIB_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/range.h"

struct err;

/*
 * json - the one door to JSON: reading hostile text, writing text that others read.
 *
 * Reading.  A document is parsed whole, then asked member by member.  The first
 * thing that is not as asked for (type, range, form) is remembered as one
 * sentence naming the file and the place in it, "x.json: ram[2].end: …"; every
 * later question is then answered with its "unknown" value.  So a reader asks
 * for all it wants and looks at jdoc_status() once, at the end.
 *
 * JSON's null and an absent member are the same: nobody knows.
 */
#define JDOC_MAX_BYTES ((size_t)16 << 20)
#define JDOC_MAX_DEPTH 24
#define JDOC_MAX_VALUES 200000 /* some 80 MB in memory at worst */
#define JDOC_LARGE_BYTES ((size_t)32 << 20)
#define JDOC_LARGE_VALUES 600000 /* some 240 MB */

struct jdoc;

/* A value and where it stands.  Lives on the stack, borrows from its document. */
struct jval {
	struct jdoc *doc;
	void *json;	       /* NULL: unknown */
	const struct jval *in; /* object or array that holds it; must outlive this one */
	const char *key;       /* its name in an object; NULL in an array */
	size_t index;	       /* its place in an array */
};

/*
 * Parse JSON text (RFC 8259): one object, UTF-8, no comments, names within an object
 * unique, inside the limits above.  name is for messages (copied).
 * Returns NULL with err set.  The caller frees; err must outlive the document.
 */
struct jdoc *jdoc_parse(const char *text, size_t len, const char *name, struct err *err);
/* The same with other limits, for documents that list what a run did. */
struct jdoc *jdoc_parse_large(const char *text, size_t len, const char *name, struct err *err);
struct jdoc *jdoc_load(const char *path, struct err *err);
void jdoc_free(struct jdoc *doc); /* accepts NULL */

/* The root object. */
struct jval jdoc_root(struct jdoc *doc);

/* 0, or -EINVAL with the first complaint in the err given to jdoc_parse. */
int jdoc_status(const struct jdoc *doc);

/* Complain about a value: "FILE: PATH: " and what is said.  Only the first counts. */
void jval_fail(const struct jval *val, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same about its member key. */
void jval_fail_at(const struct jval *object, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

bool jval_known(const struct jval *val);
bool jval_has(const struct jval *object, const char *key);	/* there, and not null */
bool jval_mentions(const struct jval *object, const char *key); /* there, or null */

/*
 * A member of an object by its name, an element of an array (of jval_count() many); both
 * borrow from what they are asked of.  Of an unknown object everything is unknown.
 */
struct jval jval_member(const struct jval *object, const char *key);
struct jval jval_item(const struct jval *array, size_t i);

/* The value as what it must be, or unknown with a complaint.  A text is a copy that the caller
 * frees, NULL unknown; text with a NUL inside is refused. */
struct jval jval_as_object(const struct jval *val);
size_t jval_count(const struct jval *val); /* elements of an array; 0 unknown */
char *jval_text(const struct jval *val);
char *jval_name(const struct jval *val); /* 1 to 255 bytes, no control characters */
/* A whole number 0 … max written as a JSON number; `unknown` when unknown. */
uint64_t jval_number(const struct jval *val, uint64_t max, uint64_t unknown);
/* A number written as a string "0x…" of 1 to 16 hexadecimal digits. */
uint64_t jval_hex(const struct jval *val, uint64_t max, uint64_t unknown);
/* A whole number with a sign; 0 unknown.  small: it must fit into 32 bits. */
enum tri jval_tri(const struct jval *val);
bool jval_bool(const struct jval *val, bool unknown);

/* The same of a member. */
struct jval jval_object(const struct jval *object, const char *key);
char *jval_string(const struct jval *object, const char *key);

/* The names of an object's members, one after the other; *iter is NULL at first.  Borrowed. */
const char *jval_next_key(const struct jval *object, void **iter);

/*
 * What the reader of a document hands to those that read its values: something of its own, and
 * whether members that were derived from others are read, too.
 */
void jdoc_set_context(struct jdoc *doc, void *context, bool derived);
void *jval_context(const struct jval *val);
bool jval_derived(const struct jval *val);

/* Members that nobody here knows, as a newer version may write them. */
void jval_note_unknown(const struct jval *object, const char *key);
/* "trace.x, ram[0].y", the first of them, printable; NULL: none.  Borrowed. */
const char *jdoc_unknown(const struct jdoc *doc);

/*
 * Writing.  Indented by one space per level; strings are escaped, and bytes that
 * are not UTF-8 become U+FFFD.  key is NULL in arrays.  Whoever owns the FILE
 * checks it for errors.
 */
struct jwriter {
	FILE *out;
	unsigned int depth;
	bool begun;	     /* something stands before, at this depth */
	const void *context; /* for those that write values; NULL at first */
};

void jwriter_init(struct jwriter *w, FILE *out);
void jwrite_object(struct jwriter *w, const char *key); /* open */
void jwrite_array(struct jwriter *w, const char *key);	/* open */
void jwrite_end_object(struct jwriter *w);		/* the outermost one ends the line, too */
void jwrite_end_array(struct jwriter *w);
void jwrite_string(struct jwriter *w, const char *key, const char *value); /* NULL: null */
void jwrite_text(struct jwriter *w, const char *key, const char *value);   /* made printable */
void jwrite_number(struct jwriter *w, const char *key, uint64_t value);
void jwrite_hex(struct jwriter *w, const char *key, uint64_t value); /* "0x72900000" */
void jwrite_bool(struct jwriter *w, const char *key, bool value);
void jwrite_tri(struct jwriter *w, const char *key, enum tri value); /* unknown: null */
void jwrite_null(struct jwriter *w, const char *key);
void jwrite_raw(struct jwriter *w, const char *key, const char *json); /* as it is */

#endif
