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
	void (*write)(FILE *out, struct rows *rows);
	const char *folded; /* its summary; NULL: open */
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

static void recheck(FILE *out, struct rows *rows)
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

static void glossary(FILE *out, struct rows *rows)
{
	(void)rows;
	html_glossary(out);
}

static void totals(FILE *out, struct rows *rows)
{
	facts(out, rows->totals, rows->ntotals);
}

static void notes(FILE *out, struct rows *rows)
{
	list(out, rows->notes, rows->nnotes);
}

static void trust(FILE *out, struct rows *rows)
{
	list(out, rows->trust, rows->ntrust);
}

static void body(FILE *out, struct rows *rows, const struct report_input *in,
		 const struct section *sections)
{
	for (; sections->id; sections++) {
		if (!sections->shown)
			continue;
		fprintf(out, "<section aria-labelledby=\"%s\"><h2 id=\"%s\">%s</h2>\n",
			sections->id, sections->id, sections->title);
		if (sections->folded)
			fprintf(out, "<details data-bulky><summary>%s</summary>\n",
				sections->folded);
		if (sections->write)
			sections->write(out, rows);
		else if (strcmp(sections->id, "cost") == 0)
			html_cost(out, rows, in->verdict);
		else
			html_timeline(out, rows, in);
		fputs(sections->folded ? "</details>\n" : "", out);
		fputs("</section>\n", out);
	}
}

static void write_html(FILE *out, const struct report_input *in)
{
	struct rows *rows = rows_new(in);
	const struct section sections[] = {
		{ "claims", "Claims", true, html_claims, NULL },
		{ "coverage", "Coverage", true, html_conditions, NULL },
		{ "examples", "Counterexamples", rows->nfindings, html_findings, NULL },
		{ "devices", "Devices", true, html_devices, NULL },
		{ "timeline", "Timeline", true, NULL, NULL },
		{ "exchanges", "Exchanges", rows->nexchanges || rows->nblocks || rows->nothers,
		  html_exchanges, NULL },
		{ "mappings", "Mappings", true, html_ranges, "Ranges that devices were given" },
		{ "monitor", "The monitor's log", *rows->monitor, html_witness, NULL },
		{ "cost", "Cost", rows->ncost, NULL, NULL },
		{ "totals", "Totals", true, totals, NULL },
		{ "notes", "Notes", rows->nnotes, notes, NULL },
		{ "trust", "What is trusted", true, trust, NULL },
		{ "recheck-section", "Check again", *rows->recheck, recheck, NULL },
		{ "glossary", "Glossary", true, glossary, "Words of this report" },
		{ NULL, NULL, false, NULL, NULL },
	};

	head(out, rows);
	html_banner(out, rows, in);
	navigation(out, sections);
	html_facts(out, rows);
	body(out, rows, in, sections);
	fprintf(out, "</main>\n<script>\n%s</script>\n</body></html>\n", html_js);
	rows_free(rows);
}

const struct report report_html = {
	.draws = true,
	.name = "html",
	.summary = "one self-contained page for an auditor",
	.write = write_html,
};
