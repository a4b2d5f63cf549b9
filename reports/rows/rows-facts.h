/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_ROWS_ROWS_FACTS_H
#define CCAIO_REPORTS_ROWS_ROWS_FACTS_H

struct rows;
struct report_input;
struct verdict;

/* rows-facts - the parts of rows that say what was run, where, and what is trusted. */

void rows_fill_facts(struct rows *rows, const struct report_input *in);
void rows_fill_totals(struct rows *rows, const struct verdict *v);
void rows_fill_trust(struct rows *rows, const struct report_input *in);

#endif
