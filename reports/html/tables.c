/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/net/flow.h"
#include "reports/escape.h"
#include "reports/html/parts.h"
#include "reports/rows/rows.h"

/* Never cut inside a character. */
void html_cut(FILE *out, const char *text, size_t most)
{
	char *part;
	size_t n = 0, room = most;

	/* what is escaped takes up to six characters */
	for (; text[n] && room > 0; n++) {
		size_t takes = strchr("&<>\"'", text[n]) ? 6 : 1;

		room -= takes < room ? takes : room;
	}
	while (text[n] && n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	part = xstrndup(text, n);
	escape_xml(out, part);
	free(part);
	if (text[n])
		fputs("…", out);
}

void html_bounded(FILE *out, const char *text)
{
	html_cut(out, text, HTML_MOST_TEXT);
}

/* A further line in a cell, smaller, behind what it is; nothing where there is no text. */
static void labelled(FILE *out, const char *label, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "<br><span class=\"note\">%s", label);
	html_bounded(out, text);
	fputs("</span>", out);
}

static void below(FILE *out, const char *text)
{
	labelled(out, "", text);
}

static void cell_of_two(FILE *out, const char *attributes, const char *text, const char *second)
{
	fprintf(out, "<td%s>", attributes);
	html_bounded(out, text);
	below(out, second);
	fputs("</td>", out);
}

/* A cell that sorts by key, and what stands small below its text. */
static void keyed_cell(FILE *out, const char *class, const char *text, const char *second,
		       uint64_t key)
{
	char attributes[64];

	snprintf(attributes, sizeof(attributes), " class=\"%s\" data-k=\"%" PRIu64 "\"", class,
		 key);
	cell_of_two(out, attributes, text, second);
}

void html_cell(FILE *out, const char *text)
{
	cell_of_two(out, "", text, "");
}

/* A word of our own, which needs no more room than it takes. */
static void short_cell(FILE *out, const char *text)
{
	cell_of_two(out, " class=\"s\"", text, "");
}

static void put_prose(FILE *out, const char *text)
{
	cell_of_two(out, " class=\"p\"", text, "");
}

void html_word(FILE *out, const char *text)
{
	cell_of_two(out, " class=\"w\"", text, "");
}

static void put_address(FILE *out, const char *text, uint64_t key)
{
	keyed_cell(out, "w", text, "", key);
}

void html_number(FILE *out, const char *text, uint64_t key)
{
	keyed_cell(out, "n", text, "", key);
}

void html_two(FILE *out, const char *text, const char *second)
{
	cell_of_two(out, " class=\"p\"", text, second);
}

void html_fact(FILE *out, const char *label, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "<dt>%s</dt><dd>", label);
	html_bounded(out, text);
	fputs("</dd>", out);
}

void html_state(FILE *out, const char *state)
{
	fprintf(out, "<td><span class=\"state %s\">%s</span></td>", state, state);
}

void html_table(FILE *out, const char *id, const char *caption, const char *const *heads)
{
	fprintf(out,
		"<div class=\"tools\"><label>Filter <input type=\"search\" "
		"data-filter=\"%s\"></label>"
		"<output aria-live=\"polite\"></output></div>\n"
		"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s, table\">"
		"<table class=\"sortable\" id=\"%s\"><thead><tr>",
		id, caption, id);
	for (; *heads; heads++) {
		bool number = **heads == '#';

		fprintf(out, "<th scope=\"col\"%s><button type=\"button\">%s</button></th>",
			number ? " class=\"n\"" : "", *heads + number);
	}
	fputs("</tr></thead><tbody>\n", out);
}

void html_table_end(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

/* "and 17 more" below a table that is not whole */
void html_more(FILE *out, size_t shown, size_t all, const char *where)
{
	if (shown < all)
		fprintf(out, "<p class=\"note\">%zu more are not listed here; %s.</p>\n",
			all - shown, where);
}

static void blocks(FILE *out, const struct rows *rows)
{
	static const char *const heads[] = { "Task",	 "Program", "Device", "File",
					     "Requests", "Grade",   NULL };
	size_t n = rows->nblocks < HTML_MOST_WITNESSES ? rows->nblocks : HTML_MOST_WITNESSES;

	fputs("<h3>Requests to disks</h3>\n", out);
	html_table(out, "blocks-table", "Requests to disks", heads);
	for (size_t i = 0; i < n; i++) {
		const struct row_block *b = &rows->blocks[i];

		fputs("<tr>", out);
		html_cell(out, b->owner);
		short_cell(out, b->program ? "yes" : "no");
		html_cell(out, b->device);
		html_cell(out, b->file);
		put_prose(out, b->what);
		html_cell(out, b->grade);
		fputs("</tr>\n", out);
	}
	html_table_end(out);
	html_more(out, n, rows->nblocks, "exchanges.json has them");
}

static void other_traffic(FILE *out, const struct rows *rows)
{
	static const char *const heads[] = { "Device",	   "Direction", "Why",
					     "#Transfers", "#Bytes",	NULL };
	size_t n = rows->nothers < HTML_MOST_WITNESSES ? rows->nothers : HTML_MOST_WITNESSES;

	fputs("<h3>Traffic that belongs to no exchange of the program</h3>\n", out);
	html_table(out, "other-traffic", "Unattributed traffic", heads);
	for (size_t i = 0; i < n; i++) {
		const struct row_other *o = &rows->others[i];

		fputs("<tr>", out);
		html_cell(out, o->device);
		html_cell(out, o->direction);
		put_prose(out, o->reason);
		html_number(out, o->transfers, o->ntransfers);
		html_number(out, o->bytes, o->nbytes);
		fputs("</tr>\n", out);
	}
	html_table_end(out);
	html_more(out, n, rows->nothers, "exchanges.json has them");
}

static void exchange_cell(FILE *out, const struct row_exchange *e)
{
	fputs("<td class=\"p\">", out);
	html_bounded(out, e->what);
	labelled(out, "asked: ", e->asked);
	labelled(out, "answered: ", e->answered);
	fputs("</td>", out);
}

/* "complete", and small below how secret and how sure. */
static void state_cell(FILE *out, const struct row_exchange *e)
{
	fputs("<td class=\"p\">", out);
	html_bounded(out, e->end);
	fputs(*e->lasted ? ", " : "", out);
	html_bounded(out, e->lasted);
	fprintf(out, "<br><span class=\"%s\">payload ", e->clear ? "readable" : "note");
	html_bounded(out, e->secrecy);
	fputs("</span>", out);
	labelled(out, "link ", e->grade);
	fputs("</td>", out);
}

static void task_cell(FILE *out, const struct row_exchange *e)
{
	fputs("<td class=\"p\">", out);
	html_bounded(out, e->owner);
	fputs(e->program ? "" : " (not the program)", out);
	below(out, e->connection);
	fputs("</td>", out);
}

/* What it was, what carried it, and how that was copied. */
static void half_cell(FILE *out, const struct row_half *h)
{
	fprintf(out, "<td class=\"p\" data-k=\"%" PRIu64 "\">", h->bytes);
	html_bounded(out, h->what);
	below(out, h->where);
	labelled(out, "copied ", h->copied);
	fputs("</td>", out);
}

void html_exchanges(FILE *out, struct rows *rows)
{
	static const char *const heads[] = {
		"#Time", "Exchange", "Task", "State", "Out", "In", NULL
	};
	size_t n = rows->nexchanges < HTML_MOST_EXCHANGES ? rows->nexchanges : HTML_MOST_EXCHANGES;

	html_table(out, "exchanges-table", "Exchanges", heads);
	for (size_t i = 0; i < n; i++) {
		const struct row_exchange *e = &rows->exchanges[i];

		fputs("<tr>", out);
		html_number(out, e->time, e->first_ns);
		exchange_cell(out, e);
		task_cell(out, e);
		state_cell(out, e);
		half_cell(out, &e->half[FLOW_OUT]);
		half_cell(out, &e->half[FLOW_IN]);
		fputs("</tr>\n", out);
	}
	html_table_end(out);
	html_more(out, n, rows->nexchanges, "exchanges.json has them");
	if (rows->nblocks)
		blocks(out, rows);
	if (*rows->other_traffic) {
		fputs("<p id=\"beyond\">", out);
		html_cut(out, rows->other_traffic, HTML_MOST_LINE);
		fputs(".</p>\n", out);
	}
	if (rows->nothers)
		other_traffic(out, rows);
}

void html_ranges(FILE *out, struct rows *rows)
{
	static const char *const heads[] = { "From", "To", "#Size", "Memory", "#Times", NULL };
	size_t n = rows->nranges < HTML_MOST_RANGES ? rows->nranges : HTML_MOST_RANGES;

	html_table(out, "ranges-table", "Ranges given to devices", heads);
	for (size_t i = 0; i < n; i++) {
		const struct row_range *r = &rows->ranges[i];

		fputs("<tr>", out);
		put_address(out, r->start, r->start_addr);
		put_address(out, r->end, r->start_addr + r->bytes - 1);
		html_number(out, r->size, r->bytes);
		html_word(out, r->memory);
		html_number(out, r->count, r->times);
		fputs("</tr>\n", out);
	}
	html_table_end(out);
	html_more(out, n, rows->nranges, "verdict.json has them");
	if (!rows->ranges_complete)
		fputs("<p class=\"note\">This list is not complete.</p>\n", out);
}

void html_witness(FILE *out, struct rows *rows)
{
	static const char *const heads[] = { "From",  "To",	    "#Size", "Purpose",
					     "State", "#Published", NULL };
	size_t n = rows->nwitness < HTML_MOST_WITNESSES ? rows->nwitness : HTML_MOST_WITNESSES;

	fputs("<p>", out);
	html_cut(out, rows->monitor, HTML_MOST_LINE);
	fputs("</p>\n", out);
	if (!n)
		return;
	html_table(out, "monitor-table", "Memory that the monitor recorded", heads);
	for (size_t i = 0; i < n; i++) {
		const struct row_witness *w = &rows->witness[i];

		fputs("<tr>", out);
		put_address(out, w->start, w->start_addr);
		put_address(out, w->end, w->start_addr + w->bytes - 1);
		html_number(out, w->size, w->bytes);
		html_cell(out, w->purpose);
		html_cell(out, w->state);
		html_number(out, w->published, w->times);
		fputs("</tr>\n", out);
	}
	html_table_end(out);
	html_more(out, n, rows->nwitness, "verdict.json has them");
}
