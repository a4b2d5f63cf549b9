/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * markdown - for a comment on a change: short, with the details folded.
 *
 * A comment may have 65,536 characters on the common forges; every list is bounded so that
 * the whole stays below that.
 */
#include <stdio.h>
#include <string.h>

#include "reports/escape.h"
#include "reports/report.h"
#include "reports/rows.h"

#define MOST_EXAMPLES 10
#define MOST_DEVICES 24
#define MOST_TEXT 300 /* characters of one foreign text */

/* Foreign text, cut where it is far too long for a comment. */
static void cell(FILE *out, const char *text)
{
	char part[MOST_TEXT + 1];
	int n = 0;

	for (; text[n] && n < MOST_TEXT; n++)
		part[n] = text[n];
	/* not in the middle of a character */
	while (text[n] && n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	part[n] = '\0';
	escape_markdown(out, part);
	if (text[n])
		fputs("…", out);
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

		row(out, c->name, c->in_verdict ? c->state : "reported only",
		    *c->reason ? c->reason : c->summary);
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
			fputs("\n| Unmet condition | Why | What would meet it |\n|---|---|---|\n",
			      out);
		first = false;
		row(out, c->name, *c->reason ? c->reason : c->summary, c->remedy);
	}
	if (first)
		fprintf(out, "\nAll %zu conditions that apply are met.\n", rows->met);
}

static void write_examples(FILE *out, const struct rows *rows)
{
	size_t n = rows->nexamples < MOST_EXAMPLES ? rows->nexamples : MOST_EXAMPLES;

	if (!n)
		return;
	fputs("\n**Counterexamples**\n\n", out);
	for (size_t i = 0; i < n; i++) {
		const struct row_example *ex = &rows->examples[i];

		fprintf(out, "%zu. %s, ", i + 1, ex->claim);
		cell(out, ex->device);
		fputs(": ", out);
		cell(out, ex->text);
		if (*ex->time)
			fprintf(out, " (event %s at %s, %s, buffer %s → %s, %s)", ex->event,
				ex->time, ex->what, ex->orig, ex->dma, ex->memory);
		fputc('\n', out);
	}
	if (n < rows->nexamples)
		fputs("\nMore of them stand in the full report.\n", out);
}

static void write_details(FILE *out, const struct rows *rows)
{
	size_t n = rows->ndevices < MOST_DEVICES ? rows->ndevices : MOST_DEVICES;

	fputs("\n<details><summary>Devices, run and what is trusted</summary>\n", out);
	fputs("\n| Device | State | Traffic |\n|---|---|---|\n", out);
	for (size_t i = 0; i < n; i++)
		row(out, rows->devices[i].name,
		    rows->devices[i].aside ? rows->devices[i].apart : rows->devices[i].state,
		    rows->devices[i].traffic);
	if (n < rows->ndevices)
		fputs("\nMore devices stand in the full report.\n", out);
	fputc('\n', out);
	for (size_t i = 0; i < rows->nfacts; i++) {
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
	write_examples(out, rows);
	write_details(out, rows);
	if (*rows->recheck) {
		fputs("\nTo check again: ", out);
		cell(out, rows->recheck);
		fputc('\n', out);
	}
	rows_free(rows);
}

const struct report report_markdown = {
	.name = "markdown",
	.summary = "for a comment on a change",
	.write = write_markdown,
};
