/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_WRAP_H
#define CCAIO_REPORTS_WRAP_H

#include <stdio.h>

/* Columns of a line unless wrap_set_columns() said otherwise: a serial console's. */
#define WRAP_COLUMNS 80
#define WRAP_LEAST 40
#define WRAP_MOST 500

/*
 * wrap - a paragraph in so many columns.
 *
 * Writes text word by word; the cursor stands at column `at` now, further lines
 * are indented to column `indent`.  Ends the line.  Words longer than a line are not cut:
 * a path or an address must stay whole.
 */
void wrap(FILE *out, int at, int indent, const char *text);

/*
 * The same in at most `most` lines, at least one.  What is left out, and a word that does not fit
 * into a line, ends in "…".
 */
void wrap_most(FILE *out, int at, int indent, const char *text, int most);

/* Lines that wrap() would write. */
int wrap_lines(int at, int indent, const char *text);

/* Use so many columns from now on: kept within WRAP_LEAST and WRAP_MOST. */
void wrap_set_columns(int columns);

/* Columns that s needs: its characters (UTF-8), not its bytes. */
int wrap_width(const char *s);

#endif
