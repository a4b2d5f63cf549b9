/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbols of the running kernel, from the table in its memory. */
#include "collectors/memory/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/memory/core.h"
#include "lib/base/xalloc.h"

#define NAMES_MAX (64u << 20)  /* bytes of compressed names */
#define TOKENS_MAX (64u << 10) /* bytes of the table of tokens: its index has 16 bits */
#define NAME_MAX_LEN 1024      /* of a name; Linux: KSYM_NAME_LEN, 512 */
#define LIST_MAX 30	       /* and two that are known: a bit for each */

/* The table, as far as it has been read. */
struct table {
	const struct core *core;
	uint64_t offsets, base; /* base: 0 where the kernel has no kallsyms_relative_base */
	uint32_t count;
	uint8_t *names; /* for each symbol: its length, then the numbers of its tokens */
	size_t bytes;
	char *tokens[256]; /* into text */
	char *text;
	uint16_t lengths[256]; /* of tokens */
	/* which of the names that are looked for may begin with this token: after its type, at once
	 */
	uint32_t after_type[256], at_once[256];
};

/* Where a symbol is by VMCOREINFO, lines "SYMBOL(name)=hex". */
static bool noted(const char *note, const char *name, uint64_t *address)
{
	char *line = xasprintf("SYMBOL(%s)=", name);
	const char *at = strstr(note, line);

	if (at)
		*address = strtoull(at + strlen(line), NULL, 16);
	free(line);
	return at != NULL;
}

static bool read_tokens(struct table *t, uint64_t text, uint64_t index)
{
	uint16_t starts[256];
	size_t bytes;

	if (!core_read(t->core, index, starts, sizeof(starts)))
		return false;
	/* they ascend, and the index follows the text */
	if (index <= text || index - text > TOKENS_MAX)
		return false;
	bytes = index - text;
	t->text = xcalloc(1, bytes + 1);
	if (!core_read(t->core, text, t->text, bytes))
		return false;
	for (size_t i = 0; i < 256; i++) {
		if (starts[i] >= bytes)
			return false;
		t->tokens[i] = t->text + starts[i];
		t->lengths[i] = (uint16_t)strlen(t->tokens[i]);
	}
	return true;
}

static bool read_table(struct table *t, const char *note)
{
	uint64_t names, count, text, index, base;

	if (!noted(note, "kallsyms_names", &names) || !noted(note, "kallsyms_num_syms", &count) ||
	    !noted(note, "kallsyms_token_table", &text) ||
	    !noted(note, "kallsyms_token_index", &index) ||
	    !noted(note, "kallsyms_offsets", &t->offsets))
		return false;
	if (noted(note, "kallsyms_relative_base", &base) &&
	    !core_read(t->core, base, &t->base, sizeof(t->base)))
		return false;
	/* names come first, then what helps to search them, then the tokens */
	if (text <= names || text - names > NAMES_MAX ||
	    !core_read(t->core, count, &t->count, sizeof(t->count)))
		return false;
	t->bytes = text - names;
	t->names = xcalloc(1, t->bytes);
	return core_read(t->core, names, t->names, t->bytes) && read_tokens(t, text, index);
}

/* Is either one a beginning of the other? */
static bool begin_alike(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return !*a || !*b;
}

static void mark_tokens(struct table *t, const struct symbol *list, size_t count)
{
	for (size_t i = 0; i < 256; i++) {
		for (size_t k = 0; k < count && t->tokens[i][0]; k++) {
			t->after_type[i] |= (uint32_t)begin_alike(t->tokens[i] + 1, list[k].name)
					    << k;
			t->at_once[i] |= (uint32_t)begin_alike(t->tokens[i], list[k].name) << k;
		}
	}
}

/* May it be one of the list?  Nearly all differ from every one of them in a token or two. */
static bool may_match(const struct table *t, const struct symbol *list, const uint8_t *numbers,
		      size_t len)
{
	uint32_t left = t->after_type[numbers[0]];
	size_t at = t->lengths[numbers[0]];

	for (size_t i = 1; left && i < len; at += t->lengths[numbers[i++]]) {
		if (at == 1) {
			left &= t->at_once[numbers[i]];
			continue;
		}
		for (uint32_t some = left; some; some &= some - 1) {
			const char *name = list[__builtin_ctz(some)].name;

			if (strnlen(name, at) == at &&
			    !begin_alike(t->tokens[numbers[i]], name + at - 1))
				left &= ~(some & -some);
		}
	}
	return left != 0;
}

/* One name, its type as first letter; false where it is longer than any that is looked for. */
static bool expand(const struct table *t, const uint8_t *numbers, size_t len, char *name)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		size_t n = t->lengths[numbers[i]];

		if (used + n >= NAME_MAX_LEN)
			return false;
		memcpy(name + used, t->tokens[numbers[i]], n);
		used += n;
	}
	name[used] = '\0';
	return used > 1;
}

/*
 * How an entry says where its symbol is has changed: from a base on, on x86 from it down, as it is
 * (per-CPU), or from the entry's own place on.
 */
enum form { FROM_BASE, BELOW_BASE, FROM_ENTRY, FORMS };

static uint64_t place(const struct table *t, uint32_t index, enum form form)
{
	uint64_t at = t->offsets + 4ull * index;
	int32_t offset = 0;

	if (!core_read(t->core, at, &offset, sizeof(offset)))
		return 0;
	switch (form) {
	case FROM_BASE:
		return t->base + (uint32_t)offset;
	case BELOW_BASE:
		return offset >= 0 ? (uint64_t)offset : t->base - 1 - (uint64_t)(int64_t)offset;
	default:
		return at + (uint64_t)(int64_t)offset;
	}
}

/* Index + 1 of what list names, or 0; seen as struct symbol says. */
static void scan(const struct table *t, struct symbol *list, uint32_t *found, size_t count)
{
	char name[NAME_MAX_LEN];
	size_t at = 0;

	for (uint32_t i = 0; i < t->count && at < t->bytes; i++) {
		size_t len = t->names[at++];
		const uint8_t *numbers;

		if (len & 0x80 && at < t->bytes)
			len = (len & 0x7f) | (size_t)t->names[at++] << 7;
		numbers = t->names + at;
		at += len;
		if (at > t->bytes || len == 0 || !may_match(t, list, numbers, len) ||
		    !expand(t, numbers, len, name))
			continue;
		for (size_t k = 0; k < count; k++) {
			size_t n = strlen(list[k].name);

			if (strncmp(name + 1, list[k].name, n) != 0 || !strchr(".", name[1 + n]))
				continue;
			list[k].seen = true;
			if (!name[1 + n])
				found[k] = i + 1;
		}
	}
}

/* Two symbols that the note has: the table must say the same of both. */
static const char *const known[] = { SYMBOL_FIRST, "init_uts_ns" };
#define KNOWN (sizeof(known) / sizeof(known[0]))

static bool find_form(const struct table *t, const char *note, const uint32_t *found,
		      enum form *form)
{
	for (*form = FROM_BASE; *form < FORMS; ++*form) {
		size_t agree = 0;

		for (size_t i = 0; i < KNOWN; i++) {
			uint64_t address;

			agree += found[i] && noted(note, known[i], &address) &&
				 place(t, found[i] - 1, *form) == address;
		}
		if (agree == KNOWN)
			return true;
	}
	return false;
}

bool symbols_find(const struct core *core, struct symbol *list, size_t count)
{
	struct symbol all[KNOWN + LIST_MAX] = { { .name = known[0] }, { .name = known[1] } };
	uint32_t found[KNOWN + LIST_MAX] = { 0 };
	struct table t = { .core = core };
	char *note = core ? core_note(core) : NULL;
	enum form form;
	bool ok = note && count <= LIST_MAX && read_table(&t, note);

	for (size_t i = 0; ok && i < count; i++)
		all[KNOWN + i].name = list[i].name;
	if (ok) {
		mark_tokens(&t, all, KNOWN + count);
		scan(&t, all, found, KNOWN + count);
		ok = find_form(&t, note, found, &form);
	}
	for (size_t i = 0; ok && i < count; i++) {
		list[i].seen = all[KNOWN + i].seen;
		list[i].address = found[KNOWN + i] ? place(&t, found[KNOWN + i] - 1, form) : 0;
	}
	free(t.names);
	free(t.text);
	free(note);
	return ok;
}

bool symbols_first(const struct core *core, uint64_t *address)
{
	char *note = core ? core_note(core) : NULL;
	bool found = note && noted(note, SYMBOL_FIRST, address);

	free(note);
	return found;
}
