/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * markdown - for a comment on a change: short, with the details folded.
 *
 * A comment may have 65,536 characters on the common forges; every list is bounded so that
 * the whole stays below that.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "reports/checks.h"
#include "reports/compare.h"
#include "reports/escape.h"
#include "reports/report.h"
#include "reports/rows/rows.h"

#define MOST_EXAMPLES 10
#define MOST_DEVICES 24
#define MOST_FACTS 24
#define MOST_TEXT 300	  /* characters of one text */
#define MOST_EXAMPLE 1000 /* of a counterexample */

/* Text in at most so many characters as it is written, escaped, plus one for "cut". */
static void bounded(FILE *out, const char *text, size_t most)
{
	char *shown = NULL, *part = xstrdup(text);
	size_t len, n = strlen(part);
	bool cut = false;
	FILE *f;

	for (;;) {
		f = open_memstream(&shown, &len);
		if (!f)
			abort(); /* no memory for a buffer: as fatal as in lib/base/xalloc.c */
		escape_markdown(f, part);
		fclose(f);
		if (len <= most)
			break;
		free(shown);
		/* what is escaped takes up to five characters; not in the middle of one */
		n -= len - most > 5 ? (len - most) / 5 : 1;
		while (n && ((unsigned char)part[n] & 0xc0) == 0x80)
			n--;
		part[n] = '\0';
		cut = true;
	}
	fputs(shown, out);
	if (cut)
		fputs("…", out);
	free(shown);
	free(part);
}

static void cell(FILE *out, const char *text)
{
	bounded(out, text, MOST_TEXT);
}

static void row(FILE *out, const char *a, const char *b, const char *c)
{
	fputs("| ", out);
	cell(out, a);
	fputs(" | ", out);
	cell(out, b);
	fputs(" | ", out);
	cell(out, c);
	fputs(" |\n", out);
}

static void write_claims(FILE *out, const struct rows *rows)
{
	fputs("\n| Claim | State | Why |\n|---|---|---|\n", out);
	for (int i = 0; i < CLAIMS; i++) {
		const struct row_claim *c = &rows->claims[i];

		row(out, c->name, c->in_verdict ? c->state : "reported only", c->why);
	}
}

static void write_unmet(FILE *out, const struct rows *rows)
{
	bool first = true;

	for (int i = 0; i < CONDS; i++) {
		const struct row_cond *c = &rows->conds[i];

		if (c->state_id != COND_UNMET)
			continue;
		if (first)
			fputs("\n| Unmet condition | Why | To fix |\n|---|---|---|\n", out);
		first = false;
		row(out, c->name, c->why, c->remedy);
	}
	if (first)
		fprintf(out, "\nAll %zu conditions that apply are met.\n", rows->met);
}

static void write_findings(FILE *out, struct rows *rows)
{
	size_t n = rows->nfindings < MOST_EXAMPLES ? rows->nfindings : MOST_EXAMPLES;

	if (!n)
		return;
	fputs("\n**Findings, the worst first**\n\n", out);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%zu. %s, ", i + 1, rows->findings[i].claims);
		bounded(out, checks_finding(rows, i), MOST_EXAMPLE);
		fputc('\n', out);
	}
	if (n < rows->nfindings)
		fputs("\nThe full report has more of them.\n", out);
}

static void write_cost(FILE *out, const struct rows *rows)
{
	size_t n = rows->ncost_devices < MOST_DEVICES ? rows->ncost_devices : MOST_DEVICES;

	if (!rows->ncost)
		return;
	fputs("\n<details><summary>Cost of bouncing</summary>\n\n", out);
	for (size_t i = 0; i < rows->ncost; i++) {
		fprintf(out, "- %s: ", rows->cost[i].label);
		bounded(out, rows->cost[i].value, MOST_EXAMPLE);
		fputc('\n', out);
	}
	fputs("\n| Device | Bytes copied | Useful |\n|---|---|---|\n", out);
	for (size_t i = 0; i < n; i++)
		row(out, rows->cost_devices[i].name, rows->cost_devices[i].copied,
		    rows->cost_devices[i].useful);
	if (n < rows->ncost_devices)
		fputs("\nMore devices stand in the full report.\n", out);
	fputs("\n</details>\n", out);
}

static void write_details(FILE *out, const struct rows *rows)
{
	size_t n = rows->ndevices < MOST_DEVICES ? rows->ndevices : MOST_DEVICES;

	fputs("\n<details><summary>Devices, run and what is trusted</summary>\n", out);
	fputs("\n| Device | State | Traffic |\n|---|---|---|\n", out);
	for (size_t i = 0; i < n; i++)
		row(out, rows->devices[i].name,
		    rows->devices[i].out_of_scope ? rows->devices[i].apart : rows->devices[i].state,
		    rows->devices[i].traffic);
	if (n < rows->ndevices)
		fputs("\nMore devices stand in the full report.\n", out);
	fputc('\n', out);
	for (size_t i = 0; i < rows->nfacts && i < MOST_FACTS; i++) {
		fprintf(out, "- %s: ", rows->facts[i].label);
		cell(out, rows->facts[i].value);
		fputc('\n', out);
	}
	fputs("\nTrusted:\n\n", out);
	for (size_t i = 0; i < rows->ntrust; i++) {
		fputs("- ", out);
		cell(out, rows->trust[i]);
		fputc('\n', out);
	}
	fputs("\n</details>\n", out);
}

/* What a verdict that is limited does not say must not be folded away. */
static void write_warnings(FILE *out, const struct rows *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->nfacts && n < MOST_EXAMPLES; i++) {
		if (strcmp(rows->facts[i].key, "limit") != 0 &&
		    strcmp(rows->facts[i].key, "warning") != 0)
			continue;
		fprintf(out, "\n**%s** ", rows->facts[i].label);
		cell(out, rows->facts[i].value);
		fputc('\n', out);
		n++;
	}
}

static void write_markdown(FILE *out, const struct report_input *in)
{
	struct rows *rows = rows_new(in);

	fputs("### ccaio: ", out);
	cell(out, rows->headline);
	fputs("\n\n", out);
	cell(out, rows->reason);
	fputc('\n', out);
	write_warnings(out, rows);
	write_claims(out, rows);
	write_unmet(out, rows);
	write_findings(out, rows);
	write_cost(out, rows);
	write_details(out, rows);
	if (*rows->recheck) {
		fputs("\nTo check again: <code>", out);
		bounded(out, rows->recheck, MOST_EXAMPLE);
		fputs("</code>\n", out);
	}
	rows_free(rows);
}

const struct report report_markdown = {
	.name = "markdown",
	.summary = "for a comment on a change",
	.write = write_markdown,
	.compare = compare_markdown,
};
