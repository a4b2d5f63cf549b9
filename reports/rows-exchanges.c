/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/rows-exchanges.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/exchange.h"
#include "lib/xalloc.h"
#include "reports/rows.h"

/* "POST /keys/v1/key/skywalker: 201" */
static const char *what(struct rows *rows, const struct exchange *e)
{
	switch (e->protocol) {
	case EXCHANGE_HTTP:
		return rows_str(rows, "%s %s: %s", e->method ? e->method : "?",
				e->target ? e->target : "?",
				e->status ? rows_str(rows, "%u", e->status) : "no answer");
	case EXCHANGE_TLS:
		return rows_str(rows, "TLS to %s%s", e->sni ? e->sni : "an unnamed server",
				e->handshake_complete ? "" : ", handshake not completed");
	default:
		return "unrecognised stream";
	}
}

static const char *connection(struct rows *rows, const struct exchange_conn *c)
{
	char local[FLOW_TEXT], remote[FLOW_TEXT];

	return rows_str(rows, "%s %s %s", flow_addr_text(&c->local, local), c->server ? "←" : "→",
			flow_addr_text(&c->remote, remote));
}

static const char *owner(struct rows *rows, const struct exchange_conn *c)
{
	if (c->owner == GRADE_NONE)
		return c->program ? "the program" : "unknown";
	return rows_str(rows, "%s-%d%s", c->comm ? c->comm : "?", c->pid,
			c->program ? " (the program)" : "");
}

/* "228 bytes and 180 of headers in 3 transfers (4 slots)" */
static const char *half(struct rows *rows, const struct exchange_half *h)
{
	const char *again = "";

	if (h->retransmitted)
		again = rows_str(rows, ", %s sent again",
				 rows_counted(rows, h->retransmitted, "byte"));
	return rows_str(rows, "%s and %s of headers in %s of %s (%s)%s",
			rows_counted(rows, h->body_bytes, "byte"),
			rows_count(rows, h->header_bytes),
			rows_counted(rows, h->transfers, "transfer"),
			rows_counted(rows, h->dma_bytes, "byte"),
			rows_counted(rows, h->slots, "slot"), again);
}

/* First and last transfer on the trace clock; 0 where no transfer is known. */
static void span(const struct exchange *e, uint64_t *first, uint64_t *last)
{
	*first = *last = 0;
	for (int d = 0; d < 2; d++) {
		for (size_t i = 0; i < e->half[d].nlist; i++) {
			uint64_t ts = e->half[d].list[i].ts_ns;

			if (!*first || ts < *first)
				*first = ts;
			if (ts > *last)
				*last = ts;
		}
	}
}

static void fill_rows(struct rows *rows, const struct exchanges *x)
{
	rows->exchanges = xcalloc(x->nrows, sizeof(*rows->exchanges));
	for (size_t i = 0; i < x->nrows; i++) {
		const struct exchange *e = &x->rows[i];
		const struct exchange_conn *c = e->conn < x->nconns ? &x->conns[e->conn] : NULL;
		struct row_exchange *r = &rows->exchanges[rows->nexchanges++];

		span(e, &r->first_ns, &r->last_ns);
		r->time = r->first_ns ? rows_time(rows, r->first_ns) : "";
		r->what = what(rows, e);
		r->connection = c ? connection(rows, c) : "";
		r->owner = c ? owner(rows, c) : "";
		r->program = c && c->program;
		r->end = exchange_end_name(e->end);
		r->out = half(rows, &e->half[FLOW_OUT]);
		r->in = half(rows, &e->half[FLOW_IN]);
		r->out_bytes = exchange_half_bytes(&e->half[FLOW_OUT]);
		r->in_bytes = exchange_half_bytes(&e->half[FLOW_IN]);
		r->grade = grade_name(e->grade);
		r->clear = e->clear;
	}
}

static void fill_unattributed(struct rows *rows, const struct exchanges *x)
{
	rows->others = xcalloc(x->nunattributed, sizeof(*rows->others));
	for (size_t i = 0; i < x->nunattributed; i++) {
		const struct unattributed *u = &x->unattributed[i];

		rows->others[rows->nothers++] = (struct row_other){
			.device = u->device < x->ndevices && x->devices[u->device].name
					  ? rows_str(rows, "%s", x->devices[u->device].name)
					  : "",
			.direction = u->dir == FLOW_OUT ? "out" : "in",
			.reason = rows_str(rows, "%s", u->reason ? u->reason : ""),
			.transfers = rows_count(rows, u->transfers),
			.bytes = rows_count(rows, u->bytes),
			.ntransfers = u->transfers,
			.nbytes = u->bytes,
		};
	}
}

static const char *attributed(struct rows *rows, const struct exchange_device *d, int dir)
{
	return rows_str(rows, "%s: %s of the program, %s of others, %s unknown",
			dir == FLOW_OUT ? "out" : "in", rows_count(rows, d->program_bytes[dir]),
			rows_count(rows, d->other_bytes[dir]),
			rows_counted(rows, d->unknown_bytes[dir], "byte"));
}

void rows_fill_exchanges(struct rows *rows, const struct exchanges *x)
{
	size_t held = 0;

	rows->exchange_note = "";
	if (!x)
		return;
	fill_rows(rows, x);
	fill_unattributed(rows, x);
	for (size_t i = 0; i < x->nchecks; i++)
		held += x->checks[i].ok;
	if (x->nchecks)
		rows_note(rows,
			  rows_str(rows, "%zu of %zu equations of bytes and packets hold%s", held,
				   x->nchecks,
				   held < x->nchecks ? ": not every byte is accounted for" : ""));
	for (size_t i = 0; i < x->nchecks; i++) {
		const struct conservation *c = &x->checks[i];

		if (!c->ok)
			rows_note(rows, rows_str(rows, "does not hold: %s (%s %s, %s %s)", c->what,
						 c->left_name, rows_count(rows, c->left),
						 c->right_name, rows_count(rows, c->right)));
	}
	for (size_t i = 0; i < x->ndevices; i++) {
		const struct exchange_device *d = &x->devices[i];

		rows_note(rows,
			  rows_str(rows, "%s %s; %s", d->name ? d->name : "?",
				   attributed(rows, d, FLOW_OUT), attributed(rows, d, FLOW_IN)));
	}
	if (x->rows_left_out || x->conns_left_out)
		rows_note(rows, rows_str(rows, "%s and %s did not fit into the list",
					 rows_counted(rows, x->rows_left_out, "exchange"),
					 rows_counted(rows, x->conns_left_out, "connection")));
	for (size_t i = 0; i < x->nnotes; i++)
		rows_note(rows, rows_str(rows, "%s", x->notes[i]));
	if (x->capture_dropped)
		rows->exchange_note = rows_str(rows, "%s not captured",
					       rows_counted(rows, x->capture_dropped, "packet"));
}
