/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EXCHANGE_PASSING_ROWS_H
#define CCAIO_LIB_EXCHANGE_PASSING_ROWS_H

#include <stddef.h>
#include <stdint.h>

struct exchange;

/*
 * passing-rows - exchanges that are not listed, while they go on.  Their numbers are used again.
 */
struct passing_rows {
	struct passing_row *rows;
	size_t n, cap;
	uint32_t free; /* one that is not in use, from 1; 0 none */
};

/* A new one; UINT32_MAX where they would take more than memory bytes. */
uint32_t passing_row_new(struct passing_rows *p, size_t memory);
/* NULL where it is over.  Valid until the next new one. */
struct exchange *passing_row_at(struct passing_rows *p, uint32_t row);
/* It is over: frees what it holds. */
void passing_row_end(struct passing_rows *p, uint32_t row);
void passing_rows_free(struct passing_rows *p);

#endif
