/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/decode/format.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

/* No kernel event comes near this; a record length is 16 bits anyway in __data_loc. */
#define MAX_FIELDS 1024
#define MAX_OFFSET (1u << 24)

struct line {
	const char *p, *end;
};

static bool starts(struct line *line, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(line->end - line->p) < len || memcmp(line->p, word, len) != 0)
		return false;
	line->p += len;
	return true;
}

static void skip_space(struct line *line)
{
	while (line->p < line->end && (*line->p == ' ' || *line->p == '\t'))
		line->p++;
}

/* Digits into value; false when there are none or the number is absurd. */
static bool number(struct line *line, uint32_t *value)
{
	const char *start = line->p;
	uint32_t v = 0;

	while (line->p < line->end && isdigit((unsigned char)*line->p)) {
		v = 10 * v + (uint32_t)(*line->p++ - '0');
		if (v > MAX_OFFSET)
			return false;
	}
	*value = v;
	return line->p > start;
}

/* "\toffset:8;" and the like, leaving the line after the semicolon. */
static bool property(struct line *line, const char *key, uint32_t *value)
{
	skip_space(line);
	return starts(line, key) && number(line, value) && starts(line, ";");
}

static bool word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool has_word(const char *p, const char *end, const char *word)
{
	size_t len = strlen(word);

	for (; (size_t)(end - p) >= len; p++)
		if (memcmp(p, word, len) == 0)
			return true;
	return false;
}

/* The size that a C type has in every kernel ABI; 0 where it depends or is unknown. */
static uint8_t type_size(const char *p, const char *end)
{
	if (has_word(p, end, "64") || has_word(p, end, "long long"))
		return 8;
	if (has_word(p, end, "32"))
		return 4;
	if (has_word(p, end, "16") || has_word(p, end, "short"))
		return 2;
	if (has_word(p, end, "8") || has_word(p, end, "char"))
		return 1;
	if (has_word(p, end, "long") || has_word(p, end, "_t"))
		return 0;
	return has_word(p, end, "int") ? 4 : 0;
}

/* "unsigned short common_type", "__data_loc u64[] addrs", "char comm[16]" */
static bool declaration(struct decode_field *field, const char *p, const char *end)
{
	const char *type = p, *name_end;

	field->string = has_word(p, end, "__data_loc")	? DECODE_DATA_LOC
			: has_word(p, end, "__rel_loc") ? DECODE_REL_LOC
							: DECODE_PLAIN;
	while (end > p && end[-1] == ' ')
		end--;
	if (end > p && end[-1] == ']') {
		field->is_array = true;
		while (end > p && *--end != '[')
			;
	}
	name_end = end;
	while (end > p && word_char(end[-1]))
		end--;
	if (end == name_end)
		return false;
	field->name = xstrndup(end, (size_t)(name_end - end));
	if (field->string != DECODE_PLAIN) {
		field->is_array = true;
		while (type < end && *type != ' ')
			type++;
		field->entry_size = type_size(type, end);
	}
	return true;
}

/* "\tfield:TYPE NAME;\toffset:N;\tsize:N;\tsigned:N;" */
static void field_parse(struct decode_format *format, struct line line)
{
	struct decode_field field = { 0 };
	const char *decl = line.p, *semicolon = memchr(decl, ';', (size_t)(line.end - decl));

	if (!semicolon || format->nfields >= MAX_FIELDS)
		return;
	line.p = semicolon + 1;
	if (!property(&line, "offset:", &field.offset) || !property(&line, "size:", &field.size))
		return;
	if (!declaration(&field, decl, semicolon))
		return;
	format->fields = xrealloc(format->fields, format->nfields + 1, sizeof(field));
	format->fields[format->nfields++] = field;
}

static void line_parse(struct decode_format *format, struct line line)
{
	if (starts(&line, "name:")) {
		skip_space(&line);
		if (!format->name)
			format->name = xstrndup(line.p, (size_t)(line.end - line.p));
		return;
	}
	if (starts(&line, "ID:")) {
		skip_space(&line);
		format->has_id = number(&line, &format->id);
		return;
	}
	skip_space(&line);
	if (starts(&line, "field:"))
		field_parse(format, line);
}

void decode_format_parse_fields(struct decode_format *format, const char *text, size_t len)
{
	const char *end = text + len;

	memset(format, 0, sizeof(*format));
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));

		if (!eol)
			eol = end;
		/* What follows is C for printing, and may hold anything. */
		if ((size_t)(eol - text) >= 10 && memcmp(text, "print fmt:", 10) == 0)
			break;
		line_parse(format, (struct line){ text, eol });
		text = eol + 1;
	}
}

bool decode_format_parse(struct decode_format *format, const char *text, size_t len)
{
	decode_format_parse_fields(format, text, len);
	return format->name && *format->name && format->has_id;
}

void decode_format_release(struct decode_format *format)
{
	for (size_t i = 0; i < format->nfields; i++)
		free(format->fields[i].name);
	free(format->fields);
	free(format->name);
	memset(format, 0, sizeof(*format));
}

const struct decode_field *decode_format_field(const struct decode_format *format,
					       const char *names)
{
	while (*names) {
		size_t len = strcspn(names, "|");

		for (size_t i = 0; i < format->nfields; i++)
			if (strncmp(format->fields[i].name, names, len) == 0 &&
			    !format->fields[i].name[len])
				return &format->fields[i];
		names += len + (names[len] == '|');
	}
	return NULL;
}
