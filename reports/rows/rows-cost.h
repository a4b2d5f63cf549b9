/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_ROWS_ROWS_COST_H
#define CCAIO_REPORTS_ROWS_ROWS_COST_H

struct rows;
struct report_input;

/* rows-cost - the parts of rows that say what bouncing cost and whether the pool will hold. */

void rows_fill_cost(struct rows *rows, const struct report_input *in);

#endif
