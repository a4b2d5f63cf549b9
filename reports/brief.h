/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_BRIEF_H
#define CCAIO_REPORTS_BRIEF_H

#include <stdio.h>

struct rows;
struct report_input;

/*
 * brief - a verdict on one screen, for a console of 80 x 24 without scrollback.
 *
 * At most BRIEF_LINES lines of wrap_columns() columns, the verdict first and last.
 * Where more would have to be said, the least important paragraphs get shorter and
 * end in "…", then disappear; -v shows everything (reports/text.c).
 */
#define BRIEF_LINES 20

void brief_write(FILE *out, const struct rows *rows, const struct report_input *in);

#endif
