/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong in the HTML report: a card for each finding and each device. */
#include <inttypes.h>
#include <string.h>

#include "reports/html/parts.h"
#include "reports/rows/rows.h"

/* "map TO_DEVICE, 54 bytes, device got 0x43788dc6, protected memory, keybroker-app-255 on CPU 0" */
void html_example(FILE *out, const struct row_example *ex)
{
	html_bounded(out, ex->what);
	if (*ex->orig)
		fprintf(out, ", buffer <code>%s</code>", ex->orig);
	if (*ex->dma)
		fprintf(out, ", device got <code>%s</code>", ex->dma);
	if (*ex->memory)
		fprintf(out, ", %s memory", ex->memory);
	fputs(", ", out);
	html_bounded(out, ex->task);
}

static size_t listed(const struct rows *rows, size_t finding)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->nexamples; i++)
		n += rows->examples[i].finding == finding;
	return n;
}

/* Five frames are shown, the others folded. */
static void callers(FILE *out, const struct row_finding *f, size_t i)
{
	if (!f->nstack || i >= HTML_MOST_STACKS)
		return;
	fputs("<dt>Called by</dt><dd><details><summary>", out);
	html_bounded(out, f->chain);
	fputs("</summary><ol class=\"stack\">\n", out);
	for (size_t k = 0; k < f->nstack && k < HTML_MOST_FRAMES; k++) {
		fputs("<li><code>", out);
		html_cut(out, f->stack[k], HTML_MOST_FRAME);
		fputs("</code></li>\n", out);
	}
	fputs("</ol></details></dd>", out);
}

static void card(FILE *out, const struct rows *rows, size_t i)
{
	const struct row_finding *f = &rows->findings[i];
	const struct row_example *ex = &rows->examples[f->example];

	fprintf(out, "<li class=\"card%s\" id=\"finding-%zu\"><h3>", f->in_verdict ? " bad" : "",
		i + 1);
	html_bounded(out, f->device);
	if (*f->driver) {
		fputs(" <span class=\"note\">", out);
		html_bounded(out, f->driver);
		fputs("</span>", out);
	}
	if (*f->times)
		fprintf(out, "%s<span class=\"count\">%s</span>", *f->device ? " " : "", f->times);
	fputs("</h3>\n<p>", out);
	html_bounded(out, f->text);
	fputs("</p>\n<dl class=\"facts\">", out);
	html_fact(out, "Refutes", f->claims);
	html_fact(out, "Operation", f->operation);
	html_fact(out, "When", f->when);
	html_fact(out, "Largest", f->largest);
	if (*ex->time) {
		fprintf(out, "<dt>First</dt><dd>event %s at %s: ", *ex->event ? ex->event : "?",
			ex->time);
		html_example(out, ex);
		fputs("</dd>", out);
	}
	callers(out, f, i);
	if (listed(rows, i) > 1)
		fprintf(out,
			"<dt>Listed</dt><dd><a href=\"#counterexamples\" data-group=\"%zu\">%zu of "
			"them</a></dd>",
			i + 1, listed(rows, i));
	fputs("</dl></li>\n", out);
}

static void table(FILE *out, const struct rows *rows)
{
	static const char *const heads[] = { "#Finding",  "Claims", "What is wrong",
					     "#Time",	  "#Event", "Device",
					     "Operation", "Buffer", "Device got",
					     "Memory",	  NULL };

	fputs("<details id=\"listed\" data-bulky><summary>Counterexamples one by one</summary>\n",
	      out);
	html_table(out, "counterexamples", "Counterexamples", heads);
	for (size_t i = 0; i < rows->nexamples; i++) {
		const struct row_example *ex = &rows->examples[i];
		char number[32];

		snprintf(number, sizeof(number), "%zu", ex->finding + 1);
		fputs("<tr>", out);
		html_number(out, number, ex->finding + 1);
		html_cell(out, ex->claims);
		html_two(out, ex->text, ex->task);
		html_number(out, ex->time, ex->ts_ns);
		html_number(out, ex->event, ex->seq);
		html_word(out, ex->device);
		html_cell(out, ex->what);
		html_word(out, ex->orig);
		html_word(out, ex->dma);
		html_word(out, ex->memory);
		fputs("</tr>\n", out);
	}
	html_table_end(out);
	fputs("</details>\n", out);
}

void html_findings(FILE *out, struct rows *rows)
{
	fputs("<ol class=\"cards\">\n", out);
	for (size_t i = 0; i < rows->nfindings; i++)
		card(out, rows, i);
	fputs("</ol>\n", out);
	if (*rows->findings_note)
		fprintf(out, "<p class=\"note\">%s.</p>\n", rows->findings_note);
	table(out, rows);
	if (*rows->examples_note)
		fprintf(out, "<p class=\"note\">%s.</p>\n", rows->examples_note);
}

static void violations(FILE *out, const struct rows *rows, const struct row_device *d)
{
	bool first = true;

	for (size_t i = 0; i < rows->nfindings; i++) {
		const struct row_finding *f = &rows->findings[i];

		if (strcmp(f->device, d->name) != 0)
			continue;
		fprintf(out, "%s<a href=\"#finding-%zu\">", first ? "<dt>Findings</dt><dd>" : ", ",
			i + 1);
		html_bounded(out, *f->operation ? f->operation : f->claims);
		fprintf(out, "%s%s</a>", *f->times ? ", " : "", f->times);
		first = false;
	}
	if (!first)
		fputs("</dd>", out);
}

static void device(FILE *out, const struct rows *rows, const struct row_device *d)
{
	fprintf(out, "<li class=\"card %s\"><h3>",
		d->out_of_scope || d->worst == CLAIM_HOLDS ? ""
		: d->worst == CLAIM_REFUTED		   ? "bad"
							   : "open");
	html_bounded(out, d->name);
	fputs(" <span class=\"note\">", out);
	html_bounded(out, *d->driver ? d->driver : d->what);
	fprintf(out, "</span> <span class=\"state %s\">%s</span></h3>\n", d->state, d->state);
	fputs("<dl class=\"facts\">", out);
	if (d->out_of_scope)
		html_fact(out, "Verdict", d->apart);
	html_fact(out, "Claims", d->findings);
	violations(out, rows, d);
	html_fact(out, "Kind", d->what);
	html_fact(out, "Traffic", d->traffic);
	html_fact(out, "Cost", d->events ? d->egress : "");
	if (d->trusted)
		fprintf(out, "<dt>Trust</dt><dd>accepted by the %s (TDISP)</dd>", rows->guest);
	html_fact(out, "Note", d->note);
	fputs("</dl></li>\n", out);
}

void html_devices(FILE *out, struct rows *rows)
{
	size_t n = rows->ndevices < HTML_MOST_DEVICES ? rows->ndevices : HTML_MOST_DEVICES;

	if (!n)
		fputs("<p class=\"note\">No device is known.</p>\n", out);
	fputs("<ul class=\"cards\" id=\"devices-list\">\n", out);
	for (size_t i = 0; i < n; i++)
		device(out, rows, &rows->devices[i]);
	fputs("</ul>\n", out);
	html_more(out, n, rows->ndevices, "verdict.json has them");
}
