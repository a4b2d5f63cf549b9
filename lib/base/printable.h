/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_PRINTABLE_H
#define CCAIO_LIB_BASE_PRINTABLE_H

#include <stddef.h>

/*
 * printable - foreign text made safe to show.
 *
 * Device names, task names and strings out of evidence are somebody else's: they
 * may hold terminal escapes, text that turns the reading direction, or no text at
 * all.  The result is valid UTF-8 without control characters (C0, C1, DEL, line
 * and paragraph separators, bidirectional controls, byte-order marks).  What was
 * such a character stands there as "\xNN" or "\u{NNNN}".  A second pass changes
 * nothing.
 */

/* Returns an allocated copy; NULL for NULL. */
char *printable(const char *s);

/*
 * Length in bytes (1 … 4) of the character at s, where it is valid UTF-8 that may
 * be shown; 0 where it is not (the NUL at the end included).  *code gets the code point if
 * the bytes are valid UTF-8, else the first byte.
 */
size_t printable_char(const char *s, unsigned int *code);

#endif
