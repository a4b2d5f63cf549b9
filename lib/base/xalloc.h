/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_XALLOC_H
#define CCAIO_LIB_BASE_XALLOC_H

#include <stddef.h>

/*
 * xalloc - memory or the end of the program.
 *
 * Out of memory ends ccaio with status 3 and one line on stderr: there is no
 * verdict to save.  What comes from evidence is bounded before it is allocated.
 * Results are freed with free().
 */
void *xcalloc(size_t nmemb, size_t size);
void *xrealloc(void *ptr, size_t nmemb, size_t size); /* grows or shrinks to nmemb * size bytes */
char *xstrdup(const char *s);			      /* NULL in, NULL out */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Make room in array `p` (count used, cap allocated, both lvalues of type
 * size_t) for one more element.
 */
#define XGROW(p, count, cap)                                      \
	do {                                                      \
		if ((count) == (cap)) {                           \
			(cap) = (cap) ? 2 * (cap) : 8;            \
			(p) = xrealloc((p), (cap), sizeof(*(p))); \
		}                                                 \
	} while (0)

#endif
