/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_ASCII_H
#define CCAIO_REPORTS_ASCII_H

#include <stdbool.h>
#include <stdio.h>

/* Does the locale of LC_ALL, LC_CTYPE or LANG use UTF-8?  The first that is set decides. */
bool ascii_locale_is_utf8(void);

/* Write UTF-8 text in ASCII: "->" for an arrow, "..." for an ellipsis, "?" for what has no
 * likeness. */
void ascii_write(FILE *out, const char *text);

#endif
