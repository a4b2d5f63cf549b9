/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The top of the HTML report: the verdict, why, what to do, and which evidence it is about. */
#include <string.h>

#include "lib/verdict/cause.h"
#include "lib/verdict/verdict.h"
#include "reports/escape.h"
#include "reports/html/parts.h"
#include "reports/rows/input.h"
#include "reports/rows/rows.h"

#define SHOWN_CAUSES 3
#define SHOWN_CONDS 3

static void row(FILE *out, const char *label, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "<dt>%s</dt><dd>", label);
	html_cut(out, text, HTML_MOST_LINE);
	fputs("</dd>\n", out);
}

/* The worst finding with a link to it, and its first example. */
static void worst(FILE *out, const struct rows *rows)
{
	const struct row_finding *f = &rows->findings[0];
	const struct row_example *ex = &rows->examples[f->example];

	fputs("<dt>Worst</dt><dd><a href=\"#finding-1\">", out);
	html_cut(out, f->summary, HTML_MOST_LINE);
	fputs("</a></dd>\n", out);
	if (*ex->time) {
		fprintf(out, "<dt>First</dt><dd>at %s: ", ex->time);
		html_example(out, ex);
		fputs("</dd>\n", out);
	}
}

static void causes(FILE *out, const struct report_input *in)
{
	struct causes causes;

	causes_find(&causes, in->verdict, in->platform);
	for (size_t i = 0; i < causes.n && i < SHOWN_CAUSES; i++) {
		row(out, "Cause", causes.list[i].text);
		row(out, "Fix", causes.list[i].fix);
	}
	causes_free(&causes);
}

static void undecided(FILE *out, const struct rows *rows)
{
	size_t shown = 0;

	for (int i = 0; i < CLAIMS; i++) {
		const struct row_claim *c = &rows->claims[i];

		if (!c->in_verdict || c->state_id != CLAIM_UNDECIDED || shown++)
			continue;
		fprintf(out, "<dt>Undecided</dt><dd><a href=\"#claim-%s\">%s</a>: ", c->name,
			c->name);
		html_cut(out, c->why, HTML_MOST_LINE);
		fputs("</dd>\n", out);
	}
	shown = 0;
	for (int i = 0; i < CONDS; i++) {
		const struct row_cond *c = &rows->conds[i];

		if (c->state_id != COND_UNMET || shown++ >= SHOWN_CONDS)
			continue;
		fprintf(out, "<dt>Unmet</dt><dd><a href=\"#condition-%s\">%s</a>: ", c->name,
			c->name);
		html_cut(out, c->why, HTML_MOST_LINE);
		fputs("</dd>\n", out);
		row(out, "Fix", c->remedy);
	}
	if (shown > SHOWN_CONDS)
		fprintf(out, "<dt></dt><dd><a href=\"#coverage\">%zu more unmet</a></dd>\n",
			shown - SHOWN_CONDS);
}

/* "1,884 counterexamples on 4 devices: 0000:00:05.0 ahci 1,580, …" */
static void sentence(FILE *out, struct rows *rows)
{
	const char *list = "";
	size_t n = 0;

	for (size_t i = 0; i < rows->ndevices; i++) {
		const struct row_device *d = &rows->devices[i];

		if (d->out_of_scope || d->worst != CLAIM_REFUTED || n++ >= HTML_MOST_NAMED)
			continue;
		list = rows_str(rows, "%s%s%s%s%s%s%s", list, *list ? ", " : "", d->name,
				*d->driver ? " " : "", d->driver, d->violations ? " " : "",
				d->violations ? rows_count(rows, d->violations) : "");
	}
	html_cut(out, rows->reason, HTML_MOST_LINE);
	if (rows->outcome != OUTCOME_VIOLATED)
		return;
	fprintf(out, ". <a href=\"#examples\">%s</a>",
		rows_counted(rows, rows->refutations, "counterexample"));
	if (!n)
		return;
	fprintf(out, " on <a href=\"#devices\">%s</a>: ", rows_counted(rows, n, "device"));
	html_cut(out, list, HTML_MOST_LINE);
	if (n > HTML_MOST_NAMED)
		fprintf(out, " and %zu more", n - HTML_MOST_NAMED);
}

void html_banner(FILE *out, struct rows *rows, const struct report_input *in)
{
	fprintf(out,
		"<main>\n<section class=\"verdict %s\" aria-label=\"Verdict\"><span "
		"class=\"word\">%s</span>"
		"<span class=\"where\">",
		rows->verdict, rows->verdict);
	escape_xml(out, rows->headline + strlen(rows->verdict));
	fputs("</span><p class=\"lead\">", out);
	sentence(out, rows);
	fputs("</p>\n", out);
	if (rows->outcome != OUTCOME_PROVEN) {
		fputs("<dl class=\"why\">\n", out);
		if (rows->nfindings)
			worst(out, rows);
		causes(out, in);
		undecided(out, rows);
		fputs("</dl>\n", out);
	}
	fprintf(out,
		"<p class=\"note\"><a href=\"#claims\">%zu of %zu claims hold</a>, "
		"<a href=\"#coverage\">%zu of %zu conditions are met</a>, "
		"<a href=\"#devices\">%s</a>",
		rows->held, rows->decided_by, rows->met, rows->applicable,
		rows_counted(rows, rows->ndevices, "device"));
	if (rows->nexchanges)
		fprintf(out, ", <a href=\"#exchanges\">%s</a>",
			rows_counted(rows, rows->nexchanges, "exchange"));
	fprintf(out, ".%s <a href=\"#trust\">What it relies on</a></p></section>\n",
		rows->outcome == OUTCOME_PROVEN ? "" : " Anything but PROVEN is not a pass.");
}

/* What ties the page to files, a machine and a time; the other facts are about the run. */
static bool is_evidence(const char *key)
{
	static const char *const keys[] = { "digest",	"boot-id",  "started", "ended",
					    "recorder", "evidence", "tool" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i], key) == 0)
			return true;
	}
	return false;
}

/* Returns how many there are. */
static size_t facts_of(FILE *out, const struct rows *rows, bool evidence)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->nfacts; i++) {
		const struct row_fact *f = &rows->facts[i];

		if (is_evidence(f->key) != evidence)
			continue;
		row(out, f->label, f->value);
		n += *f->value != 0;
	}
	return n;
}

void html_facts(FILE *out, const struct rows *rows)
{
	fputs("<div class=\"two\"><section class=\"box\" aria-labelledby=\"run-head\">"
	      "<h2 id=\"run-head\">Run</h2><dl class=\"facts\">\n",
	      out);
	if (!facts_of(out, rows, false))
		row(out, "Machine", "no facts about it were given");
	fputs("</dl></section>\n<section class=\"box\" aria-labelledby=\"evidence-head\">"
	      "<h2 id=\"evidence-head\">Evidence</h2><dl class=\"facts\">\n",
	      out);
	facts_of(out, rows, true);
	fputs("<dt>Signature</dt><dd>none: whoever could write to the evidence could have made "
	      "all of it",
	      out);
	if (*rows->recheck)
		fputs("; <a href=\"#recheck-section\">judge it again</a>", out);
	fputs("</dd></dl></section></div>\n", out);
}
