/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *need(void *ptr)
{
	static const char text[] = "ccaio: out of memory\n";

	if (!ptr) {
		if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
			_exit(3);
		_exit(3);
	}
	return ptr;
}

void *xcalloc(size_t nmemb, size_t size)
{
	return need(calloc(nmemb ? nmemb : 1, size ? size : 1));
}

void *xrealloc(void *ptr, size_t nmemb, size_t size)
{
	return need(reallocarray(ptr, nmemb ? nmemb : 1, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return s ? need(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	return need(strndup(s, n));
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return need(n < 0 ? NULL : s);
}
