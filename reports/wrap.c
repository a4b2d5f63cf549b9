/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/wrap.h"

#include <string.h>

static int limit = WRAP_COLUMNS;

void wrap_set_columns(int columns)
{
	limit = columns < WRAP_LEAST ? WRAP_LEAST : columns > WRAP_COLUMNS ? WRAP_COLUMNS : columns;
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

void wrap(FILE *out, int at, int indent, const char *text)
{
	int gap = 0; /* blanks owed before the next word, as the text has them */

	while (*text) {
		size_t len = strcspn(text, " ");
		int need = width(text, len);

		if (gap && at + gap + need > limit) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
			gap = 0;
		}
		fprintf(out, "%*s%.*s", gap, "", (int)len, text);
		at += gap + need;
		text += len;
		gap = (int)strspn(text, " ");
		text += gap;
	}
	fputc('\n', out);
}
