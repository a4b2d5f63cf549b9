/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/printable.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/xalloc.h"

/* Decode one UTF-8 character.  Returns its length, 0 if the bytes are not UTF-8. */
static size_t decode(const unsigned char *s, unsigned int *code)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len;

	*code = s[0];
	if (s[0] < 0x80)
		return s[0] ? 1 : 0;
	if ((s[0] & 0xe0) == 0xc0)
		len = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		len = 3;
	else if ((s[0] & 0xf8) == 0xf0)
		len = 4;
	else
		return 0;
	unsigned int value = s[0] & (0x7f >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (s[i] & 0x3f);
	}
	/* longer than needed, a surrogate, or past the last plane: not UTF-8 */
	if (value < least[len] || (value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff)
		return 0;
	*code = value;
	return len;
}

static bool is_harmless(unsigned int c)
{
	if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
		return false; /* C0, DEL, C1 */
	if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0x061c || c == 0xfeff)
		return false; /* invisible, line separators, reading direction */
	return (c < 0xfff9 || c > 0xffff) && (c < 0xe0000 || c > 0xe0fff); /* specials, tags */
}

size_t printable_char(const char *s, unsigned int *code)
{
	size_t len = decode((const unsigned char *)s, code);

	return len && is_harmless(*code) ? len : 0;
}

char *printable(const char *s)
{
	unsigned int code;
	size_t len, at = 0;
	char *out;

	if (!s)
		return NULL;
	/* the longest replacement of one byte is "\xNN", of three bytes "\u{NNNN}" */
	out = xcalloc(strlen(s) * 4 + 1, 1);
	while (*s) {
		len = printable_char(s, &code);
		if (len) {
			memcpy(out + at, s, len);
			at += len;
			s += len;
			continue;
		}
		len = decode((const unsigned char *)s, &code);
		at += (size_t)sprintf(out + at, len > 1 ? "\\u{%04x}" : "\\x%02x", code);
		s += len ? len : 1;
	}
	return out;
}
