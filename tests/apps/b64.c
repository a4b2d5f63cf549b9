/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/apps/b64.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *b64_encode(const void *data, size_t len)
{
	const uint8_t *in = data;
	char *text = xcalloc(len / 3 * 4 + 5, 1), *out = text;
	uint32_t bits = 0;
	int held = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | in[i];
		for (held += 8; held >= 6; held -= 6)
			*out++ = digits[bits >> (held - 6) & 63];
	}
	if (held > 0)
		*out++ = digits[bits << (6 - held) & 63];
	return text;
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-' || c == '+')
		return 62;
	return c == '_' || c == '/' ? 63 : -1;
}

long b64_decode(const char *text, size_t len, uint8_t **data)
{
	uint8_t *out = xcalloc(len / 4 * 3 + 3, 1);
	uint32_t bits = 0;
	int held = 0;
	long n = 0;

	/* One character alone carries less than a byte. */
	if (len % 4 == 1)
		goto bad;
	for (size_t i = 0; i < len; i++) {
		int value = value_of(text[i]);

		if (value < 0)
			goto bad;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[n++] = bits >> held & 0xff;
		}
	}
	*data = out;
	return n;
bad:
	free(out);
	return -1;
}
