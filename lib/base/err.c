/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/printable.h"

/*
 * Foreign text (file names, strings out of evidence) ends up in messages: nothing in it that
 * steers a terminal or turns the reading direction may reach the reader.  A text that gets
 * too long by that ends at a whole character.
 */
static void make_printable(struct err *err)
{
	char *safe = printable(err->text);
	size_t len = strlen(safe);

	if (len >= sizeof(err->text)) {
		len = sizeof(err->text) - 1;
		while (len && ((unsigned char)safe[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(err->text, safe, len);
	err->text[len] = '\0';
	free(safe);
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
		make_printable(err);
	}
	return -code;
}

int err_sys(struct err *err, const char *fmt, ...)
{
	int code = errno ? errno : EIO;
	va_list ap;
	int len;

	if (err) {
		va_start(ap, fmt);
		len = vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
		if (len >= 0 && (size_t)len < sizeof(err->text))
			snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(code));
		make_printable(err);
	}
	return -code;
}
