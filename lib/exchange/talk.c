/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of a connection's exchanges, listed or not. */
#include "lib/exchange/talk.h"

#define PASSING (UINT32_C(1) << 31) /* in the number of a row that is not listed */

struct exchange *talk_row(struct talk *t, uint32_t row)
{
	if (row == NO_ROW)
		return NULL;
	if (row & PASSING)
		return passing_row_at(&t->traffic->passing, row & ~PASSING);
	return &t->traffic->x->rows[row];
}

uint32_t talk_row_new(struct talk *t, enum exchange_protocol protocol)
{
	struct traffic *traffic = t->traffic;
	struct exchanges *x = traffic->x;
	struct exchange *row = t->unlisted ? NULL : exchanges_add_row(x, traffic->options.memory);
	uint32_t number;

	if (row) {
		number = (uint32_t)(row - x->rows);
		row->conn = t->conn;
	} else {
		number = passing_row_new(&traffic->passing, EXCHANGES_MEMORY);
		if (number == NO_ROW) {
			x->capture.rows_left_out++;
			return NO_ROW;
		}
		row = passing_row_at(&traffic->passing, number);
		number |= PASSING;
	}
	row->protocol = protocol;
	return number;
}

/* What over() is told of a row that is not listed. */
static void tell_passing(const struct talk *t, const struct exchange *r)
{
	const struct traffic *traffic = t->traffic;
	struct exchanges alone = *traffic->x;

	alone.conns = t->unlisted ? t->unlisted : &traffic->x->conns[t->conn];
	alone.nconns = 1;
	traffic->options.over(traffic->options.ctx, &alone, r);
}

/* Count it and let it go. */
static void passing_over(struct talk *t, uint32_t row)
{
	const struct exchange *r = talk_row(t, row);
	struct exchange_rest *rest = exchanges_rest_of(t->traffic->x, t->conn);

	if (!r || !rest)
		return;
	rest_add(rest, r);
	if (t->traffic->options.over)
		tell_passing(t, r);
	passing_row_end(&t->traffic->passing, row & ~PASSING);
}

void talk_row_leaves(struct talk *t, uint32_t row)
{
	/* answered before it was asked to the end: what comes of it counts as well */
	if (row == t->request_row)
		t->request_alone = true;
	else if (row != NO_ROW && row & PASSING)
		passing_over(t, row);
}

void talk_row_over(struct talk *t, uint32_t row, enum exchange_end end)
{
	struct exchange *r = talk_row(t, row);

	if (!r)
		return;
	r->end = end;
	if (row & PASSING) {
		talk_row_leaves(t, row);
		return;
	}
	exchanges_row_done(t->traffic->x, r);
	if (t->traffic->options.over)
		t->traffic->options.over(t->traffic->options.ctx, t->traffic->x, r);
}

void talk_row_asked(struct talk *t, uint32_t row)
{
	t->request_row = NO_ROW;
	if (row != NO_ROW && row & PASSING && t->request_alone && t->row != row)
		passing_over(t, row);
}
