/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digits.h"
#include "lib/base/printable.h"
#include "lib/base/utf8.h"
#include "lib/json/json.h"

void jwriter_init(struct jwriter *w, FILE *out)
{
	*w = (struct jwriter){ .out = out };
}

/* As JSON escapes it; beyond the first plane as the two halves of UTF-16. */
static void write_escaped(FILE *out, unsigned int code)
{
	if (code <= 0xffff)
		fprintf(out, "\\u%04x", code);
	else
		fprintf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
			0xdc00 + (code & 0x3ff));
}

/* How much of the text is written as it is, and is ASCII: nearly all. */
static size_t plain(const char *s)
{
	size_t n = 0;

	while (s[n] >= ' ' && s[n] <= '~' && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

/*
 * What would steer a terminal, or change the order in which a line is read, is escaped: foreign
 * names are in here, and people look at JSON, too.
 */
static void write_text(FILE *out, const char *s)
{
	size_t len = strlen(s);

	putc_unlocked('"', out);
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)s[i];
		size_t n = plain(s + i);
		unsigned int code;

		if (n) {
			fwrite_unlocked(s + i, 1, n, out);
			i += n;
			continue;
		}
		n = utf8_sequence(s + i, len - i);
		if (n == 0) {
			fputs("\xef\xbf\xbd", out);
			n = 1;
		} else if (c == '"' || c == '\\') {
			fprintf(out, "\\%c", c);
		} else if (!printable_char(s + i, &code)) {
			write_escaped(out, code);
		} else {
			fwrite(s + i, 1, n, out);
		}
		i += n;
	}
	putc_unlocked('"', out);
}

/* A new line, and a space for each level. */
static void write_line(const struct jwriter *w)
{
	static const char line[] = "\n                        ";
	size_t depth = w->depth;

	fwrite_unlocked(line, 1, depth < sizeof(line) - 1 ? depth + 1 : sizeof(line) - 1, w->out);
	for (size_t i = sizeof(line) - 2; i < depth; i++)
		putc_unlocked(' ', w->out);
}

/* Comma, line and indentation before a value, then its name. */
static void lead(struct jwriter *w, const char *key)
{
	if (w->begun)
		putc_unlocked(',', w->out);
	if (w->depth > 0)
		write_line(w);
	if (key) {
		write_text(w->out, key);
		fwrite_unlocked(": ", 1, 2, w->out);
	}
	w->begun = true;
}

static void open_with(struct jwriter *w, const char *key, char bracket)
{
	lead(w, key);
	putc(bracket, w->out);
	w->depth++;
	w->begun = false;
}

static void close_with(struct jwriter *w, char bracket)
{
	w->depth--;
	if (w->begun)
		write_line(w);
	putc(bracket, w->out);
	if (w->depth == 0)
		putc('\n', w->out);
	w->begun = true;
}

void jwrite_object(struct jwriter *w, const char *key)
{
	open_with(w, key, '{');
}

void jwrite_array(struct jwriter *w, const char *key)
{
	open_with(w, key, '[');
}

void jwrite_end_object(struct jwriter *w)
{
	close_with(w, '}');
}

void jwrite_end_array(struct jwriter *w)
{
	close_with(w, ']');
}

void jwrite_null(struct jwriter *w, const char *key)
{
	lead(w, key);
	fputs("null", w->out);
}

void jwrite_raw(struct jwriter *w, const char *key, const char *json)
{
	lead(w, key);
	fputs(json, w->out);
}

void jwrite_string(struct jwriter *w, const char *key, const char *value)
{
	if (!value) {
		jwrite_null(w, key);
		return;
	}
	lead(w, key);
	write_text(w->out, value);
}

void jwrite_text(struct jwriter *w, const char *key, const char *value)
{
	char *clean = printable(value);

	jwrite_string(w, key, clean);
	free(clean);
}

void jwrite_number(struct jwriter *w, const char *key, uint64_t value)
{
	char text[DIGITS_MAX];

	lead(w, key);
	fwrite_unlocked(text, 1, digits_decimal(text, value), w->out);
}

void jwrite_hex(struct jwriter *w, const char *key, uint64_t value)
{
	char text[4 + DIGITS_MAX] = "\"0x";
	size_t n = 3 + digits_hex(text + 3, value, 1);

	text[n++] = '"';
	lead(w, key);
	fwrite_unlocked(text, 1, n, w->out);
}

void jwrite_bool(struct jwriter *w, const char *key, bool value)
{
	lead(w, key);
	fputs(value ? "true" : "false", w->out);
}

void jwrite_tri(struct jwriter *w, const char *key, enum tri value)
{
	if (value == TRI_UNKNOWN)
		jwrite_null(w, key);
	else
		jwrite_bool(w, key, value == TRI_YES);
}
