/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JSON_TABLE_H
#define CCAIO_LIB_JSON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/json/json.h"

/*
 * jtable - a struct as a JSON object, described once.
 *
 * A table is an array of rows, one per member: its key, its type, where it is in the
 * struct, its limits.  The same rows read, write and free it, and print its JSON Schema, so
 * that what is written can be read.  Rows are read and written in their order; the last row is
 * JEND, or JWHOLE with what holds of the whole object.
 *
 * What a document lacks gets the row's "unknown" value.  What it has and no row
 * knows is kept by name for jdoc_unknown(), or refused by a closed table.
 */
enum jtype {
	JT_STRING = 1, /* char *: any text; NULL is null */
	JT_NAME,       /* char *: 1 to 255 bytes without control characters; NULL is null */
	JT_BUFFER,     /* char[size]: text that fits */
	JT_CODED,      /* value that is written as text, as code says */
	JT_NUMBER,     /* unsigned integer of 1, 2, 4 or 8 bytes, at most max */
	JT_HEX,	       /* unsigned integer, as a string "0x…" */
	JT_BOOL,
	JT_TRI,	    /* enum tri; unknown is null */
	JT_WORD,    /* enum, or unsigned integer: word(n), n < max */
	JT_INLINE,  /* struct within this one whose members are of the same object */
	JT_OBJECT,  /* struct within this one, or some of its own members, as an object */
	JT_POINTER, /* pointer to one struct, allocated; NULL is null */
	JT_STRINGS, /* char ** and its count; one NULL more follows them */
	JT_NUMBERS, /* uint64_t[] of fixed length, as an array of as many numbers */
	JT_CODES,   /* pointer to values and their count, as an array of texts */
	JT_LIST,    /* pointer to structs and their count, as an array of objects */
	JT_NAMED,   /* fixed array, as an object with the keys word(0) … word(max - 1) */
	JT_OWN,	    /* as the functions of own say */
};

enum {
	JF_REQUIRED = 0x1,  /* reading: an object without it is refused */
	JF_OMIT = 0x2,	    /* writing: leave it out where it is unknown, false or empty */
	JF_NULL = 0x4,	    /* writing: null where it is unknown or empty */
	JF_KNOWN = 0x8,	    /* the bool at known: the object has it (any such row sets it); only
			     * then it is written */
	JF_IF = 0x200,	    /* the bool at known: only then it is written */
	JF_UNTOLD = 0x10,   /* the bool at known: it is absent, and not null */
	JF_TEXT = 0x20,	    /* strings for people: made printable when read and when written */
	JF_FIXED = 0x40,    /* lists: an array of max within the struct, no pointer */
	JF_ENDED = 0x800,   /* JT_STRINGS: no count, the NULL ends them */
	JF_POINTER = 0x400, /* JT_INLINE: a pointer to the struct, which is allocated */
	JF_UNIQUE = 0x80,   /* JT_NAME: no two objects of one list may have the same */
	JF_DERIVED = 0x100, /* read only where the document is read with derived members */
};

struct jrow;

/* A value as text: without spaces at its ends, shorter than JCODE_TEXT. */
#define JCODE_TEXT 256
struct jcode {
	size_t size; /* of a value */
	bool (*parse)(const char *text, void *to);
	void (*format)(const void *from, char text[JCODE_TEXT]);
	const char *expected; /* "expected …" is what is said of other text */
	const char *pattern;  /* regular expression of the text, for its JSON Schema */
};

/* A member that needs code: row->key of the object, what is the struct. */
struct jown {
	void (*read)(const struct jrow *row, const struct jval *object, void *what);
	void (*write)(const struct jrow *row, struct jwriter *w, const void *what);
	void (*release)(const struct jrow *row, void *what);	 /* NULL: nothing to free */
	bool (*empty)(const struct jrow *row, const void *what); /* for JF_OMIT; NULL: never */
	const char *schema;					 /* its JSON Schema, as JSON text */
};

struct jrow {
	const char *key;
	enum jtype type;
	unsigned int flags;
	size_t offset, size; /* of the member */
	size_t count;	     /* lists: offset of a size_t */
	size_t cap;	     /* lists: offset of a size_t, allocated entries; or 0 */
	size_t known;	     /* JF_KNOWN, JF_IF, JF_UNTOLD: offset of a bool */
	uint64_t max;	     /* greatest number, most entries, or number of words */
	uint64_t least;	     /* smallest number */
	uint64_t unknown;    /* value of what is not said */
	const char *(*word)(int);
	const struct jrow *of;	 /* the table of an object, or of a list's objects */
	size_t of_size;		 /* of the struct of these, where it is allocated */
	const struct jrow *each; /* JT_NAMED: one element, at offset 0 */
	const struct jcode *code;
	const struct jown *own;
	/* JWHOLE: */
	bool closed; /* unknown members are refused */
	/* After reading the members: what only all of them together tell.  It may find
	 * complaints; a document that already has one is not checked. */
	void (*check)(const struct jval *object, void *what);
	bool (*present)(const void *what); /* false: written as null; NULL: always there */
};

/*
 * Rows.  S is the struct, M the member; more initialisers may follow.  A member of another
 * type than the row says does not compile.
 */
#define JTYPED(S, M, T)                                                                         \
	(0 * sizeof(struct {                                                                    \
		 int wrong : __builtin_types_compatible_p(__typeof__(((S *)0)->M), T) ? 1 : -1; \
	 }))
#define JEACH(S, M) sizeof(((S *)0)->M[0])
#define JMEMBER(S, M) .offset = offsetof(S, M), .size = sizeof(((S *)0)->M)
/* A row of this type for a member of any type, and for one of type IS. */
#define JROW(T, K, S, M, ...)                                   \
	{                                                       \
		.key = K, .type = T, JMEMBER(S, M), __VA_ARGS__ \
	}
#define JROW_OF(IS, T, K, S, M, ...)                                               \
	{                                                                          \
		.key = K, .type = T, JMEMBER(S, M) + JTYPED(S, M, IS), __VA_ARGS__ \
	}
#define JCOUNTED(S, N) .count = offsetof(S, N) + JTYPED(S, N, size_t)
#define JSTRUCTS(S, M, OF) .of = OF, .of_size = JEACH(S, M)

#define JSTRING(K, S, M, ...) JROW_OF(char *, JT_STRING, K, S, M, __VA_ARGS__)
#define JNAME(K, S, M, ...) JROW_OF(char *, JT_NAME, K, S, M, __VA_ARGS__)
#define JBUFFER(K, S, M, ...) JROW(JT_BUFFER, K, S, M, __VA_ARGS__)
#define JBOOL(K, S, M, ...) JROW_OF(bool, JT_BOOL, K, S, M, __VA_ARGS__)
#define JTRI(K, S, M) JROW_OF(enum tri, JT_TRI, K, S, M, )
#define JNUMBER(K, S, M, MAX, ...) JROW(JT_NUMBER, K, S, M, .max = MAX, __VA_ARGS__)
#define JHEX(K, S, M, MAX, ...) JROW(JT_HEX, K, S, M, .max = MAX, __VA_ARGS__)
#define JWORD(K, S, M, WORD, N, ...) JROW(JT_WORD, K, S, M, .word = WORD, .max = N, __VA_ARGS__)
#define JCODED(K, S, M, CODE, ...) JROW(JT_CODED, K, S, M, .code = CODE, __VA_ARGS__)
#define JOWN(K, S, M, OWN, ...) JROW(JT_OWN, K, S, M, .own = OWN, __VA_ARGS__)
#define JINLINE(S, M, OF) JROW(JT_INLINE, NULL, S, M, .of = OF)
#define JOBJECT(K, S, M, OF, ...) JROW(JT_OBJECT, K, S, M, .of = OF, __VA_ARGS__)
#define JPOINTER(K, S, M, OF, ...) JROW(JT_POINTER, K, S, M, JSTRUCTS(S, M, OF), __VA_ARGS__)
/* Some members of the same struct as an object of their own. */
#define JGROUP(K, OF, ...)                                         \
	{                                                          \
		.key = K, .type = JT_OBJECT, .of = OF, __VA_ARGS__ \
	}
#define JSTRINGS(K, S, M, N, MAX, ...) \
	JROW(JT_STRINGS, K, S, M, JCOUNTED(S, N), .max = MAX, __VA_ARGS__)
#define JNUMBERS(K, S, M) JROW(JT_NUMBERS, K, S, M, .max = UINT64_MAX)
#define JCODES(K, S, M, N, CODE, MAX, ...) \
	JROW(JT_CODES, K, S, M, JCOUNTED(S, N), .code = CODE, .max = MAX, __VA_ARGS__)
#define JLIST(K, S, M, N, OF, MAX, ...) \
	JROW(JT_LIST, K, S, M, JCOUNTED(S, N), JSTRUCTS(S, M, OF), .max = MAX, __VA_ARGS__)
#define JNAMED(K, S, M, WORD, N, EACH, ...) \
	JROW(JT_NAMED, K, S, M, .word = WORD, .max = N, .each = EACH, __VA_ARGS__)
/* A count without a limit, its key the member's name. */
#define JCOUNT(S, M) JNUMBER(#M, S, M, UINT64_MAX)
/* Sentences and foreign names: made printable, whatever wrote the file. */
#define JTEXT(K, S, M) JROW(JT_STRING, K, S, M, .flags = JF_TEXT)
/* … where the bool at B says whether the object has it. */
#define JKNOWN(S, B) JWHERE(JF_KNOWN, S, B)
#define JWHERE(F, S, B) .flags = F, .known = offsetof(S, B)
#define JWHOLE(...)                    \
	{                              \
		.type = 0, __VA_ARGS__ \
	}
#define JEND JWHOLE(.closed = false)

/* The names of an enum, asked by number. */
#define JWORDS(F, ENUM, NAME)              \
	static const char *F(int i)        \
	{                                  \
		return NAME((enum ENUM)i); \
	}

/* Set every member of a zeroed struct to what is unknown of it. */
void jtable_init(const struct jrow *table, void *what);

/* Members of object into a zeroed struct.  Complaints are the document's: see jdoc_status(). */
void jtable_read(const struct jrow *table, const struct jval *object, void *what);

/* The members alone, "schema" first, into an object that the caller opens and ends. */
void jtable_write_members(const struct jrow *table, struct jwriter *w, const char *schema,
			  const void *what);
/* A document of them as text; NUL-terminated, the caller frees. */
char *jtable_format(const struct jrow *table, const char *schema, const void *what);

/* Everything that the struct owns, but not the struct itself. */
void jtable_free(const struct jrow *table, void *what);
/* The struct, too, which was allocated; accepts NULL. */
void jtable_delete(const struct jrow *table, void *what);

/* The value of a number, word or boolean. */
uint64_t jrow_value(const struct jrow *row, const void *what);

/*
 * The table as JSON Schema (draft 2020-12): "properties" and what else an object has there.
 * A document has a name ("ccaio.verdict/1"), and may embed another as its last member.
 */
struct jschema {
	const char *name; /* NULL: no document */
	const char *key;  /* the embedded one's; NULL: none */
	const char *key_name;
	const struct jrow *of;
};
void jtable_schema(const struct jrow *table, const struct jschema *schema, struct jwriter *w);

/*
 * The document, which must be of this schema, as a new struct of this size (the caller frees it
 * with jtable_delete()); NULL with the document's err set, and where doc is NULL.
 * The document is freed.
 */
void *jtable_load(const struct jrow *table, size_t size, struct jdoc *doc, const char *schema);
/* The same into a zeroed struct: 0, or -EINVAL, then it is partly filled. */
int jtable_load_into(const struct jrow *table, struct jdoc *doc, const char *schema, void *what);

#endif
