/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_ROWS_ROWS_EXCHANGES_H
#define CCAIO_REPORTS_ROWS_ROWS_EXCHANGES_H

struct rows;
struct row_exchange;
struct exchange;
struct exchanges;

/* rows-exchanges - the parts of rows that say what the application did; x may be NULL. */
void rows_fill_exchanges(struct rows *rows, const struct exchanges *x);

/* One exchange of x by itself; its strings live as long as rows. */
void rows_exchange(struct rows *rows, const struct exchanges *x, const struct exchange *e,
		   struct row_exchange *row);

#endif
