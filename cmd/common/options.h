/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_COMMON_OPTIONS_H
#define CCAIO_CMD_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;

/*
 * options - a command's command line as a table: each option stands in one row, from which it is
 * parsed, stored, and printed by --help.  The completions read --help.
 *
 * A row names the member that takes the value, through one of the macros below; they fail to
 * compile for a member of another type.
 */
enum opt_kind {
	OPT_NONE, /* the end of a table */
	OPT_KIND_SET,
	OPT_KIND_CLEAR,
	OPT_KIND_TEXT,
	OPT_KIND_WORD,
	OPT_KIND_EITHER,
	OPT_KIND_NUMBER,
	OPT_KIND_CALL,
};

struct opt {
	char letter;	      /* 0: long form only */
	const char *name;     /* without the dashes */
	const char *argument; /* as --help shows it, "FILE" or "net|console"; NULL: takes none */
	const char *help;     /* one paragraph without line breaks */
	enum opt_kind kind;
	size_t at;	   /* of the member in the options struct */
	uint64_t min, max; /* of a number, both inclusive */
	int (*take)(void *options, const char *value, struct err *err);
};

#define OPT_AT(type, member, wanted)                                                           \
	(offsetof(type, member) +                                                              \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((type *)0)->member), wanted) \
				 ? 1                                                           \
				 : -1]))

/* Without an argument: the bool becomes true, or false. */
#define OPT_SET(type, member) .kind = OPT_KIND_SET, .at = OPT_AT(type, member, bool)
#define OPT_CLEAR(type, member) .kind = OPT_KIND_CLEAR, .at = OPT_AT(type, member, bool)
/* A const char *, borrowed from argv. */
#define OPT_TEXT(type, member) .kind = OPT_KIND_TEXT, .at = OPT_AT(type, member, const char *)
/* The same; only the words of .argument ("net|console") are taken. */
#define OPT_WORD(type, member) .kind = OPT_KIND_WORD, .at = OPT_AT(type, member, const char *)
/* .argument is two words: the bool becomes false at the first, true at the second. */
#define OPT_EITHER(type, member) .kind = OPT_KIND_EITHER, .at = OPT_AT(type, member, bool)
/* A whole number, decimal or 0x..., into a uint64_t. */
#define OPT_NUMBER(type, member, least, most) \
	.kind = OPT_KIND_NUMBER, .at = OPT_AT(type, member, uint64_t), .min = least, .max = most
/*
 * Anything else: fn gets the options struct that the row's group belongs to, and the argument
 * (NULL without one).  It returns 0, or -EINVAL with err set.
 */
#define OPT_CALL(fn) .kind = OPT_KIND_CALL, .take = fn

/* Rows that belong to one struct; a row without a name ends them. */
struct opt_group {
	const struct opt *rows;
	size_t base; /* of that struct in the command's options */
};

#define OPT_GROUPS 6
#define OPT_ROWS 80

/* What a command's --help says. */
struct usage {
	const char *synopsis; /* "[options] BUNDLE"; several forms: a line each */
	const char *about;    /* what the command does; wrapped by who wrote it */
	const char *after;    /* after the options; NULL: nothing */
	void (*more)(FILE *out);
	bool command_follows; /* the first word that is no option ends the options */
	struct opt_group groups[OPT_GROUPS];
};

/*
 * Parse argv (argv[0] is the command's name) into options.  As getopt_long does, this moves
 * operands to the end of argv.  Returns the index of the first operand (argc: there is none),
 * 0 when help was asked for, or -EINVAL with err set.
 */
int options_parse(const struct usage *usage, void *options, int argc, char **argv, struct err *err);

/* Write the usage of the command named name. */
void options_help(FILE *out, const char *name, const struct usage *usage);

/* "10", "0x1f": a whole number from min to max.  Returns false for anything else. */
bool options_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);

/* "4096", "64K", "8M", "1G" into bytes.  Returns false for anything else, and for 0. */
bool options_size(const char *text, uint64_t *bytes);

#endif
