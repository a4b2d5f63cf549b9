/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_DIGITS_H
#define CCAIO_LIB_BASE_DIGITS_H

#include <stddef.h>
#include <stdint.h>

/*
 * digits - numbers as text, where thousands of them are written: printf() takes ten times as long.
 *
 * Both write no NUL, and at most DIGITS_MAX characters; they return how many.
 */
#define DIGITS_MAX 20

/* As "%lu" writes it. */
static inline size_t digits_decimal(char *to, uint64_t value)
{
	char text[DIGITS_MAX];
	size_t at = DIGITS_MAX;

	do
		text[--at] = (char)('0' + value % 10);
	while (value /= 10);
	for (size_t i = at; i < DIGITS_MAX; i++)
		*to++ = text[i];
	return DIGITS_MAX - at;
}

/* As "%0*lx" writes it with that width (1 to 16). */
static inline size_t digits_hex(char *to, uint64_t value, size_t width)
{
	size_t n = value ? (67 - (size_t)__builtin_clzll(value)) / 4 : 1;

	if (n < width)
		n = width;
	for (size_t i = n; i-- > 0; value >>= 4)
		to[i] = "0123456789abcdef"[value & 15];
	return n;
}

#endif
