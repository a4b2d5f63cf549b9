/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paragraphs in so many columns. */
#include "reports/wrap.h"

#include <limits.h>
#include <string.h>

static int limit = WRAP_COLUMNS;

void wrap_set_columns(int columns)
{
	limit = columns < WRAP_LEAST ? WRAP_LEAST : columns > WRAP_MOST ? WRAP_MOST : columns;
}

static int width(const char *s, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

int wrap_width(const char *s)
{
	return width(s, strlen(s));
}

/* As much of a word as fits in so many columns. */
static size_t fitting(const char *s, size_t len, int columns)
{
	size_t i = 0;

	for (int n = 0; i < len; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80 && n++ >= columns)
			break;
	}
	return i;
}

/* Returns the lines taken; writes nothing where out is NULL. */
static int flow(FILE *out, int at, int indent, const char *text, int most)
{
	int gap = 0; /* blanks owed before the next word, as the text has them */
	int lines = 1;

	while (*text) {
		size_t len = strcspn(text, " ");
		int need = width(text, len);
		/* on the last line there must be room for "…", unless this is the end */
		int room = limit - (lines == most && text[len] ? 2 : 0);

		if (gap && at + gap + need > room) {
			if (lines == most) {
				if (out)
					fputs(" …", out);
				break;
			}
			if (out)
				fprintf(out, "\n%*s", indent, "");
			lines++;
			at = indent;
			gap = 0;
			continue;
		}
		if (most != INT_MAX && at + gap + need > limit && at + gap < limit - 1) {
			len = fitting(text, len, limit - at - gap - 1);
			if (out)
				fprintf(out, "%*s%.*s…", gap, "", (int)len, text);
			break;
		}
		if (out)
			fprintf(out, "%*s%.*s", gap, "", (int)len, text);
		at += gap + need;
		text += len;
		gap = (int)strspn(text, " ");
		text += gap;
	}
	if (out)
		fputc('\n', out);
	return lines;
}

void wrap(FILE *out, int at, int indent, const char *text)
{
	flow(out, at, indent, text, INT_MAX);
}

void wrap_most(FILE *out, int at, int indent, const char *text, int most)
{
	flow(out, at, indent, text, most < 1 ? 1 : most);
}

int wrap_lines(int at, int indent, const char *text)
{
	return flow(NULL, at, indent, text, INT_MAX);
}
