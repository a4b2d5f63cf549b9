/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_WRAP_H
#define CCAIO_REPORTS_WRAP_H

#include <stdio.h>

#define WRAP_COLUMNS 96

/*
 * wrap - a paragraph in WRAP_COLUMNS columns.
 *
 * Writes text word by word; the cursor stands at column `at` now, further lines
 * are indented to column `indent`.  Ends the line.  Words longer than a line are not cut:
 * a path or an address must stay whole.
 */
void wrap(FILE *out, int at, int indent, const char *text);

/* Use so many columns instead, at least WRAP_LEAST and at most WRAP_COLUMNS: a narrow terminal's.
 */
#define WRAP_LEAST 60
void wrap_set_columns(int columns);

/* Columns that s needs: its characters (UTF-8), not its bytes. */
int wrap_width(const char *s);

#endif
