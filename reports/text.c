/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text - what a person reads in a terminal: one screen (reports/brief.h), or with -v everything.
 */
#include <stdio.h>
#include <string.h>

#include "reports/brief.h"
#include "reports/colour.h"
#include "reports/compare.h"
#include "reports/exchanges.h"
#include "reports/report.h"
#include "reports/rows/rows.h"
#include "reports/wrap.h"

struct page {
	FILE *out;
	const struct rows *rows;
	bool colour;
	int verbosity;
};

static void paint(const struct page *p, const char *colour, int pad, const char *text)
{
	colour_print(p->out, p->colour, colour, text);
	fprintf(p->out, "%*s", pad > wrap_width(text) ? pad - wrap_width(text) : 0, "");
}

static void heading(const struct page *p, const char *text)
{
	fputc('\n', p->out);
	paint(p, COLOUR_BOLD, 0, text);
	fputc('\n', p->out);
}

/* "  label  value", the value wrapped below itself. */
static void labelled(const struct page *p, int column, const char *label, const char *value)
{
	if (!*value)
		return;
	fprintf(p->out, "%*s", column, "");
	paint(p, "", 14, label);
	wrap(p->out, column + 14, column + 14, value);
}

static void show_verdict(const struct page *p)
{
	const struct rows *r = p->rows;

	paint(p, colour_outcome(r->outcome), 0, r->verdict);
	wrap(p->out, wrap_width(r->verdict), 2, r->headline + strlen(r->verdict));
	if (*r->reason) {
		fputs("  ", p->out);
		wrap(p->out, 2, 2, r->reason);
	}
}

/* The same in one line, however long, for scripts and logs. */
static void show_line(const struct page *p)
{
	const struct rows *r = p->rows;

	paint(p, colour_outcome(r->outcome), 0, r->verdict);
	fprintf(p->out, "%s%s%s\n", r->headline + strlen(r->verdict), *r->reason ? ": " : "",
		r->reason);
}

static void show_facts(const struct page *p)
{
	fputc('\n', p->out);
	for (size_t i = 0; i < p->rows->nfacts; i++)
		labelled(p, 0, p->rows->facts[i].label, p->rows->facts[i].value);
}

static void show_claims(const struct page *p)
{
	heading(p, "Claims");
	for (int i = 0; i < CLAIMS; i++) {
		const struct row_claim *c = &p->rows->claims[i];

		fputs("  ", p->out);
		paint(p, colour_claim(c->state_id), 15, c->state);
		paint(p, "", 19, c->name);
		wrap(p->out, 36, 36, c->why);
		if (!c->in_verdict) {
			fprintf(p->out, "%36s", "");
			wrap(p->out, 36, 36, "(reported only: no policy asks for it)");
		}
	}
}

static void show_conds(const struct page *p)
{
	heading(p, "Coverage");
	for (int i = 0; i < CONDS; i++) {
		const struct row_cond *c = &p->rows->conds[i];
		fputs("  ", p->out);
		paint(p, colour_cond(c->state_id), 15, c->state);
		paint(p, "", 19, c->name);
		wrap(p->out, 36, 36, c->why);
		if (*c->remedy) {
			fprintf(p->out, "%36s", "");
			paint(p, COLOUR_BOLD, 0, "to fix:");
			fputc(' ', p->out);
			wrap(p->out, 48, 36, c->remedy);
		}
	}
}

static void show_finding(const struct page *p, size_t i)
{
	const struct row_finding *f = &p->rows->findings[i];
	const struct row_example *ex = &p->rows->examples[f->example];
	struct rows *scratch = rows_empty();

	fputs("  ", p->out);
	paint(p, COLOUR_RED, 0, rows_str(scratch, "%zu. %s", i + 1, f->claims));
	fputs("\n     ", p->out);
	wrap(p->out, 5, 5, f->text);
	labelled(p, 5, "device",
		 rows_str(scratch, "%s%s%s", f->device, *f->driver ? " " : "", f->driver));
	labelled(p, 5, "operation", f->operation);
	labelled(p, 5, "found",
		 rows_str(scratch, "%s%s%s%s%s", f->times, *f->when ? ", " : "", f->when,
			  *f->largest ? f->count == 1 ? ", " : ", the largest of " : "",
			  f->largest));
	if (*ex->event)
		labelled(p, 5, "first",
			 rows_str(scratch, "event %s at %s: %s", ex->event, ex->time, ex->text));
	labelled(p, 5, "buffer", ex->orig);
	labelled(p, 5, "device got", ex->dma);
	labelled(p, 5, "memory", ex->memory);
	labelled(p, 5, "task", ex->task);
	for (size_t k = 0; k < f->nstack && k < ROWS_FRAMES; k++)
		labelled(p, 5, k ? "" : "called by", f->stack[k]);
	if (f->nstack > ROWS_FRAMES)
		labelled(p, 5, "",
			 rows_str(scratch, "and %s more: -f json",
				  rows_counted(scratch, f->nstack - ROWS_FRAMES, "frame")));
	rows_free(scratch);
}

static void show_findings(const struct page *p)
{
	const struct rows *r = p->rows;

	if (!r->nfindings)
		return;
	heading(p, "Findings");
	for (size_t i = 0; i < r->nfindings; i++)
		show_finding(p, i);
	if (*r->findings_note)
		fprintf(p->out, "  %s.\n", r->findings_note);
	if (r->nexamples > r->nfindings)
		fprintf(p->out, "  All %zu counterexamples that were kept: -f json.\n",
			r->nexamples);
}

static void show_devices(const struct page *p)
{
	struct rows *scratch = rows_empty();

	heading(p, "Devices");
	if (!p->rows->ndevices)
		fputs("  none\n", p->out);
	for (size_t i = 0; i < p->rows->ndevices; i++) {
		const struct row_device *d = &p->rows->devices[i];

		fputs("  ", p->out);
		paint(p, colour_claim(d->worst), 15, d->state);
		paint(p, COLOUR_BOLD, 19, d->name);
		wrap(p->out, 36, 36,
		     rows_str(scratch, "%s%s%s%s%s%s%s", d->what,
			      *d->what && *d->driver ? ", " : "", d->driver,
			      d->trusted ? ", accepted by the " : "",
			      d->trusted ? p->rows->guest : "", d->out_of_scope ? ", " : "",
			      d->apart));
		labelled(p, 4, "claims", d->findings);
		labelled(p, 4, "traffic", d->traffic);
		if (d->events)
			labelled(p, 4, "bytes", d->egress);
		labelled(p, 4, "note", d->note);
	}
	rows_free(scratch);
}

static void show_totals(const struct page *p)
{
	heading(p, "Totals");
	for (size_t i = 0; i < p->rows->ntotals; i++)
		labelled(p, 2, p->rows->totals[i].label, p->rows->totals[i].value);
}

static void show_cost(const struct page *p)
{
	if (!p->rows->ncost)
		return;
	heading(p, "Cost");
	for (size_t i = 0; i < p->rows->ncost; i++)
		labelled(p, 2, p->rows->cost[i].label, p->rows->cost[i].value);
}

static void show_ranges(const struct page *p)
{
	struct rows *scratch = rows_empty();

	heading(p, "Ranges given to devices");
	for (size_t i = 0; i < p->rows->nranges; i++) {
		const struct row_range *r = &p->rows->ranges[i];

		fputs("  ", p->out);
		wrap(p->out, 2, 8,
		     rows_str(scratch, "%14s - %-14s %-11s %s times, %s", r->start, r->end,
			      r->memory, r->count, r->size));
	}
	if (!p->rows->nranges)
		fputs("  none\n", p->out);
	if (!p->rows->ranges_complete)
		fputs("  This list is not complete.\n", p->out);
	rows_free(scratch);
}

/* The second witness beside the first: what it held as shared, and what was published of it. */
static void show_witness(const struct page *p)
{
	struct rows *scratch;

	if (!*p->rows->monitor)
		return;
	scratch = rows_empty();
	heading(p, "Monitor (RMM log)");
	fputs("  ", p->out);
	wrap(p->out, 2, 2, p->rows->monitor);
	for (size_t i = 0; i < p->rows->nwitness; i++) {
		const struct row_witness *w = &p->rows->witness[i];

		fputs("  ", p->out);
		wrap(p->out, 2, 8,
		     rows_str(scratch, "%14s - %-14s %-10s %-9s published %s", w->start, w->end,
			      w->purpose, w->state, w->published));
	}
	rows_free(scratch);
}

static void show_list(const struct page *p, const char *title, const char *const *list, size_t n)
{
	if (!n)
		return;
	heading(p, title);
	for (size_t i = 0; i < n; i++) {
		fputs("  - ", p->out);
		wrap(p->out, 4, 4, list[i]);
	}
}

static void write_text(FILE *out, const struct report_input *in)
{
	struct rows *rows = rows_new(in);
	struct page page = { out, rows, in->colour, in->verbosity };

	if (in->verbosity < 0) {
		show_line(&page);
	} else if (in->verbosity == 0) {
		brief_write(out, rows, in);
	} else {
		show_verdict(&page);
		show_facts(&page);
		show_claims(&page);
		show_conds(&page);
		show_findings(&page);
		show_devices(&page);
		if (in->exchanges) {
			heading(&page, "Exchanges");
			exchanges_text(out, rows, in->verbosity);
		}
		show_cost(&page);
		show_totals(&page);
		show_witness(&page);
		show_ranges(&page);
		show_list(&page, "Notes", rows->notes, rows->nnotes);
		show_list(&page, "Trusted", rows->trust, rows->ntrust);
		if (*rows->recheck) {
			heading(&page, "To check this again");
			fprintf(out, "  %s\n", rows->recheck);
		}
	}
	rows_free(rows);
}

const struct report report_text = {
	.name = "text",
	.summary = "for a person at a terminal",
	.console = true,
	.write = write_text,
	.compare = compare_text,
};
