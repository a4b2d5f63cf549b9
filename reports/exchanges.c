/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/exchanges.h"

#include <stdlib.h>

#include "lib/exchange/exchange.h"
#include "lib/json/json.h"
#include "reports/report.h"
#include "reports/rows/rows-exchanges.h"
#include "reports/rows/rows.h"
#include "reports/wrap.h"

#define LABEL 13 /* columns before a label's text */
#define MOST 100 /* exchanges listed without -v */

/* Where no payload went, the connection's. */
static uint64_t first_ns(const struct exchanges *x, const struct exchange *e)
{
	uint64_t a = e->half[0].first_ns, b = e->half[1].first_ns;

	if (!a && !b)
		return x->conns[e->conn].opened_ns;
	return a && (!b || a < b) ? a : b;
}

static uint64_t last_ns(const struct exchanges *x, const struct exchange *e)
{
	uint64_t a = e->half[0].last_ns, b = e->half[1].last_ns;

	if (!a && !b)
		return x->conns[e->conn].last_ns;
	return a > b ? a : b;
}

static void labelled(FILE *out, const char *label, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "    %-*s", LABEL - 4, label);
	wrap(out, LABEL, LABEL, text);
}

static void half(FILE *out, struct rows *scratch, const char *label, const struct row_half *h,
		 int verbosity)
{
	const char *where = verbosity > 0 ? h->where_all : h->where;

	labelled(out, label, *where ? rows_str(scratch, "%s; %s", h->what, where) : h->what);
	if (verbosity > 0)
		labelled(out, "copied", h->copied);
}

static void row(FILE *out, const struct row_exchange *e, int verbosity)
{
	struct rows *scratch = rows_empty();
	bool payload = e->half[0].bytes || e->half[1].bytes;

	fputs("  ", out);
	wrap(out, 2, 4,
	     payload ? rows_str(scratch, "%s: %s, %s, grade %s", e->what, e->end, e->secrecy,
				e->grade)
		     : rows_str(scratch, "%s: %s", e->what, e->end));
	labelled(out, "by",
		 rows_str(scratch, "%s, %s%s%s", e->owner, e->connection, *e->lasted ? ", " : "",
			  e->lasted));
	half(out, scratch, "out", &e->half[FLOW_OUT], verbosity);
	half(out, scratch, "in", &e->half[FLOW_IN], verbosity);
	labelled(out, "asked", e->asked);
	labelled(out, "answered", e->answered);
	rows_free(scratch);
}

static void list(FILE *out, const struct rows *rows, int verbosity)
{
	size_t shown = 0, left = 0, others = 0;

	for (size_t i = 0; i < rows->nexchanges; i++) {
		if (!rows->exchanges[i].program && verbosity <= 0) {
			others++;
		} else if (shown == MOST && verbosity <= 0) {
			left++;
		} else {
			row(out, &rows->exchanges[i], verbosity);
			shown++;
		}
	}
	if (left)
		fprintf(out, "  … and %zu more of the program (-v lists all)\n", left);
	if (others)
		fprintf(out, "  %zu of other processes (-v lists them)\n", others);
	if (!rows->nexchanges)
		fputs("  none\n", out);
}

static void line(FILE *out, int column, const char *text)
{
	fprintf(out, "%*s", column, "");
	wrap(out, column, column + 2, text);
}

void exchanges_text(FILE *out, const struct rows *rows, int verbosity)
{
	struct rows *scratch = rows_empty();

	list(out, rows, verbosity);
	for (size_t i = 0; i < rows->nblocks; i++) {
		const struct row_block *b = &rows->blocks[i];

		if (b->program || verbosity > 0)
			line(out, 2,
			     rows_str(scratch, "block requests of %s on %s%s%s: %s, grade %s",
				      b->owner, b->device, *b->file ? ", file " : "", b->file,
				      b->what, b->grade));
	}
	if (*rows->other_traffic)
		line(out, 2, rows->other_traffic);
	if (rows->nothers)
		fputs("  UNATTRIBUTED\n", out);
	for (size_t i = 0; i < rows->nothers; i++) {
		const struct row_other *o = &rows->others[i];

		line(out, 4,
		     rows_str(scratch, "%s %-3s  %s: %s", o->device, o->direction, o->amount,
			      o->reason));
	}
	for (size_t i = 0; verbosity > 0 && i < rows->nsums; i++)
		line(out, 2,
		     rows_str(scratch, "sum %s  %s", rows->sums[i].agrees ? "agrees" : "BROKEN",
			      rows->sums[i].text));
	rows_free(scratch);
}

void exchanges_line(FILE *out, const struct exchanges *x, const struct exchange *e)
{
	struct rows *rows = rows_empty();
	struct row_exchange r;

	rows_exchange(rows, x, e, &r);
	fprintf(out, "%s %s  %s: %s, %s, %s out, %s in%s%s\n", rows_time(rows, first_ns(x, e)),
		r.connection, r.what, r.end, r.secrecy, rows_count(rows, r.half[FLOW_OUT].bytes),
		rows_count(rows, r.half[FLOW_IN].bytes), *r.lasted ? ", " : "", r.lasted);
	rows_free(rows);
}

/* jwriter writes one value per line: the same without the line breaks, which strings cannot hold.
 */
void exchanges_json_line(FILE *out, const struct exchanges *x, const struct exchange *e)
{
	char addr[FLOW_TEXT], *text = NULL;
	const struct exchange_conn *c = &x->conns[e->conn];
	struct jwriter w;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	jwriter_init(&w, f);
	jwrite_object(&w, NULL);
	jwrite_string(&w, "schema", JSONL_SCHEMA);
	jwrite_string(&w, "type", "exchange");
	jwrite_number(&w, "first_ns", first_ns(x, e));
	jwrite_number(&w, "last_ns", last_ns(x, e));
	jwrite_string(&w, "local", flow_addr_text(&c->local, addr));
	jwrite_string(&w, "remote", flow_addr_text(&c->remote, addr));
	jwrite_string(&w, "protocol", exchange_protocol_name(e->protocol));
	jwrite_string(&w, "method", e->method);
	jwrite_string(&w, "target", e->target);
	jwrite_number(&w, "status", e->status);
	jwrite_string(&w, "sni", e->sni);
	jwrite_string(&w, "end", exchange_end_name(e->end));
	jwrite_bool(&w, "clear", e->clear);
	for (int dir = 0; dir < 2; dir++) {
		jwrite_object(&w, dir == FLOW_OUT ? "out" : "in");
		jwrite_number(&w, "bytes", exchange_half_bytes(&e->half[dir]));
		jwrite_number(&w, "header_bytes", e->half[dir].header_bytes);
		jwrite_number(&w, "body_bytes", e->half[dir].body_bytes);
		jwrite_end_object(&w);
	}
	jwrite_end_object(&w);
	fclose(f);
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\n')
			fputc(text[i], out);
	fputc('\n', out);
	free(text);
}
