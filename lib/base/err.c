/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * Foreign text (file names, strings out of evidence) ends up in messages: a
 * control character in it must not reach the reader's terminal.
 */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
		make_printable(err->text);
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
		make_printable(err->text);
	}
	return -code;
}
