/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * html - the report for an auditor: one file, no network, complete without its script.
 */
#include <string.h>

#include "lib/verdict/verdict.h"
#include "reports/escape.h"
#include "reports/html/parts.h"
#include "reports/report.h"
#include "reports/rows/rows.h"

/* A section, left out of the page's list of links when there is nothing in it. */
struct section {
	const char *id, *title;
	bool shown;
	void (*write)(FILE *out, const struct rows *rows);
};

static void head(FILE *out, const struct rows *rows)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
	      "<title>ccaio: ",
	      out);
	escape_xml(out, rows->headline);
	fprintf(out,
		"</title>\n<style>\n%s</style></head>\n<body>\n"
		"<a class=\"skip\" href=\"#claims\">Skip to the claims</a>\n"
		"<header class=\"top\"><h1>ccaio report</h1>"
		"<button type=\"button\" class=\"tool\" id=\"theme\">Dark or "
		"light</button></header>\n",
		html_css);
}

static void verdict(FILE *out, const struct rows *rows)
{
	fprintf(out,
		"<main>\n<section class=\"verdict %s\" aria-label=\"Verdict\"><span "
		"class=\"word\">%s</span>"
		"<span class=\"where\">",
		rows->verdict, rows->verdict);
	escape_xml(out, rows->headline + strlen(rows->verdict));
	fputs("</span><p>", out);
	html_cut(out, rows->reason, HTML_MOST_LINE);
	fprintf(out,
		"</p><p class=\"note\">%zu of %zu claims hold, %zu of %zu conditions are met%s%s "
		"<a href=\"#trust\">What it trusts.</a></p></section>\n",
		rows->held, rows->decided_by, rows->met, rows->applicable,
		rows->nexamples ? ", counterexamples below" : "",
		rows->outcome == OUTCOME_PROVEN ? "." : ". Anything but PROVEN is not a pass.");
}

static void facts(FILE *out, const struct row_fact *list, size_t n)
{
	fputs("<dl class=\"facts\">\n", out);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "<dt>%s</dt><dd>", list[i].label);
		html_cut(out, list[i].value, HTML_MOST_LINE);
		fputs("</dd>\n", out);
	}
	fputs("</dl>\n", out);
}

static void claims(FILE *out, const struct rows *rows)
{
	fputs("<div class=\"scroll whole\"><table id=\"claims-table\"><thead><tr><th scope=\"col\">"
	      "State</th><th scope=\"col\">Claim</th><th scope=\"col\">What it says</th>"
	      "<th scope=\"col\">Why it is so</th></tr></thead><tbody>\n",
	      out);
	for (int i = 0; i < CLAIMS; i++) {
		const struct row_claim *c = &rows->claims[i];

		fputs("<tr>", out);
		html_state(out, c->state);
		fprintf(out, "<th scope=\"row\" id=\"claim-%s\">%s</th>", c->name, c->name);
		html_cell(out, c->summary);
		fputs("<td>", out);
		html_cut(out, c->reason, HTML_MOST_LINE);
		if (!c->in_verdict)
			fputs(" <span class=\"note\">Reported only: no policy asks for it.</span>",
			      out);
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}

static void conditions(FILE *out, const struct rows *rows)
{
	fputs("<div class=\"scroll whole\"><table id=\"conditions-table\"><thead><tr>"
	      "<th scope=\"col\">State</th><th scope=\"col\">Condition</th>"
	      "<th scope=\"col\">What it asks</th>"
	      "<th scope=\"col\">What was found, and what would meet it</th></tr></thead><tbody>\n",
	      out);
	for (int i = 0; i < CONDS; i++) {
		const struct row_cond *c = &rows->conds[i];

		fputs("<tr>", out);
		html_state(out, c->state);
		fprintf(out, "<th scope=\"row\" id=\"condition-%s\">%s</th>", c->name, c->name);
		html_cell(out, c->summary);
		fputs("<td>", out);
		html_cut(out, c->reason, HTML_MOST_LINE);
		if (*c->remedy) {
			fputs("<span class=\"remedy\"><b>To meet it:</b> ", out);
			html_cut(out, c->remedy, HTML_MOST_LINE);
			fputs("</span>", out);
		}
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}

static void list(FILE *out, const char *const *items, size_t n)
{
	size_t shown = n < HTML_MOST_NOTES ? n : HTML_MOST_NOTES;

	fputs("<ul>\n", out);
	for (size_t i = 0; i < shown; i++) {
		fputs("<li>", out);
		html_cut(out, items[i], HTML_MOST_NOTE);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
	html_more(out, shown, n, "the report as text has them");
}

static void recheck(FILE *out, const struct rows *rows)
{
	fputs("<p>Judges the evidence again, on any machine, without root:</p>\n"
	      "<pre id=\"recheck\">",
	      out);
	html_cut(out, rows->recheck, 4 * HTML_MOST_LINE); /* paths */
	fputs("</pre>\n<button type=\"button\" class=\"tool\" id=\"copy\">Copy</button>\n", out);
}

static void navigation(FILE *out, const struct section *sections)
{
	fputs("<nav aria-label=\"Sections\"><ul>\n", out);
	for (; sections->id; sections++) {
		if (sections->shown)
			fprintf(out, "<li><a href=\"#%s\">%s</a></li>\n", sections->id,
				sections->title);
	}
	fputs("</ul></nav>\n", out);
}

static void glossary(FILE *out, const struct rows *rows)
{
	(void)rows;
	html_glossary(out);
}

static void totals(FILE *out, const struct rows *rows)
{
	facts(out, rows->totals, rows->ntotals);
}

static void notes(FILE *out, const struct rows *rows)
{
	list(out, rows->notes, rows->nnotes);
}

static void trust(FILE *out, const struct rows *rows)
{
	list(out, rows->trust, rows->ntrust);
}

static void body(FILE *out, struct rows *rows, const struct verdict *v,
		 const struct section *sections)
{
	for (; sections->id; sections++) {
		if (!sections->shown)
			continue;
		fprintf(out, "<section aria-labelledby=\"%s\"><h2 id=\"%s\">%s</h2>\n",
			sections->id, sections->id, sections->title);
		if (sections->write)
			sections->write(out, rows);
		else if (strcmp(sections->id, "cost") == 0)
			html_cost(out, rows, v);
		else
			html_timeline(out, rows, v->timeline);
		fputs("</section>\n", out);
	}
}

static void write_html(FILE *out, const struct report_input *in)
{
	struct rows *rows = rows_new(in);
	const struct section sections[] = {
		{ "claims", "Claims", true, claims },
		{ "coverage", "Coverage", true, conditions },
		{ "examples", "Counterexamples", rows->nexamples, html_examples },
		{ "timeline", "Timeline", true, NULL },
		{ "exchanges", "Exchanges", rows->nexchanges || rows->nblocks || rows->nothers,
		  html_exchanges },
		{ "devices", "Devices", true, html_devices },
		{ "mappings", "Mappings", true, html_ranges },
		{ "monitor", "The monitor's log", *rows->monitor, html_witness },
		{ "cost", "Cost", rows->ncost, NULL },
		{ "totals", "Totals", true, totals },
		{ "notes", "Notes", rows->nnotes, notes },
		{ "trust", "What is trusted", true, trust },
		{ "recheck-section", "Check again", *rows->recheck, recheck },
		{ "glossary", "Glossary", true, glossary },
		{ NULL, NULL, false, NULL },
	};

	head(out, rows);
	verdict(out, rows);
	facts(out, rows->facts, rows->nfacts);
	navigation(out, sections);
	body(out, rows, in->verdict, sections);
	fprintf(out, "</main>\n<script>\n%s</script>\n</body></html>\n", html_js);
	rows_free(rows);
}

const struct report report_html = {
	.draws = true,
	.name = "html",
	.summary = "one self-contained page for an auditor",
	.write = write_html,
};
