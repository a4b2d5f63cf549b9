/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reports for terminals that do not show UTF-8. */
#include "reports/ascii.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"

bool ascii_locale_is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
	}
	return false;
}

static const char *likeness(const char *s, size_t len)
{
	static const struct {
		const char *utf8, *ascii;
	} pairs[] = {
		{ "→", "->" }, { "…", "..." }, { "·", "-" },  { "–", "-" },
		{ "—", "-" },  { "×", "x" },   { "≥", ">=" }, { "≤", "<=" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (strlen(pairs[i].utf8) == len && memcmp(pairs[i].utf8, s, len) == 0)
			return pairs[i].ascii;
	}
	return "?";
}

void ascii_write(FILE *out, const char *text)
{
	for (size_t left = strlen(text); left > 0;) {
		size_t n = utf8_sequence(text, left);

		if (n == 0)
			n = 1;
		if (n == 1 && (unsigned char)*text < 0x80)
			fputc(*text, out);
		else
			fputs(likeness(text, n), out);
		text += n;
		left -= n;
	}
}
