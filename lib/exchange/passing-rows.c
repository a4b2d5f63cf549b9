/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/exchange/passing-rows.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/exchange/exchange.h"

struct passing_row {
	struct exchange row;
	bool used;
	uint32_t next_free; /* from 1; 0 none */
};

uint32_t passing_row_new(struct passing_rows *p, size_t memory)
{
	uint32_t row = p->free - 1;

	if (p->free) {
		p->free = p->rows[row].next_free;
	} else {
		if (p->n >= memory / sizeof(*p->rows) || p->n >= UINT32_MAX / 2)
			return UINT32_MAX;
		XGROW(p->rows, p->n, p->cap);
		row = (uint32_t)p->n++;
	}
	memset(&p->rows[row], 0, sizeof(p->rows[row]));
	p->rows[row].used = true;
	return row;
}

struct exchange *passing_row_at(struct passing_rows *p, uint32_t row)
{
	return row < p->n && p->rows[row].used ? &p->rows[row].row : NULL;
}

void passing_row_end(struct passing_rows *p, uint32_t row)
{
	if (!passing_row_at(p, row))
		return;
	exchange_release(&p->rows[row].row);
	p->rows[row].used = false;
	p->rows[row].next_free = p->free;
	p->free = row + 1;
}

void passing_rows_free(struct passing_rows *p)
{
	for (size_t i = 0; i < p->n; i++)
		passing_row_end(p, (uint32_t)i);
	free(p->rows);
	*p = (struct passing_rows){ 0 };
}
