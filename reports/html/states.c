/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Claims and conditions in the HTML report: problems first, what is as it should be folded. */
#include "lib/verdict/verdict.h"
#include "reports/html/parts.h"
#include "reports/rows/rows.h"

static void open_table(FILE *out, const char *id, const char *what, const char *why)
{
	fprintf(out,
		"<div class=\"scroll whole\"><table class=\"stack\" id=\"%s\"><thead><tr><th "
		"scope=\"col\">State</th><th scope=\"col\">Name</th><th scope=\"col\">%s</th>"
		"<th scope=\"col\">%s</th></tr></thead><tbody>\n",
		id, what, why);
}

static void close_table(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

/* "5 hold: a, b …": what is folded, by name. */
static void fold(FILE *out, size_t n, const char *what, const char *names)
{
	fprintf(out, "<details><summary><span class=\"holds\">%zu %s</span>%s%s</summary>\n", n,
		what, *names ? ": " : "", names);
}

static const char *names_of(struct rows *rows, const char *list, const char *name)
{
	return rows_str(rows, "%s%s%s", list, *list ? ", " : "", name);
}

static void claim(FILE *out, const struct rows *rows, const struct row_claim *c)
{
	fputs("<tr>", out);
	html_state(out, c->state);
	fprintf(out, "<th scope=\"row\" id=\"claim-%s\">%s</th>", c->name, c->name);
	html_cell(out, c->summary);
	fputs("<td>", out);
	html_cut(out, c->reason, HTML_MOST_LINE);
	if (!c->in_verdict)
		fputs(" <span class=\"note\">Reported only: no policy asks for it.</span>", out);
	for (size_t i = 0; i < rows->nfindings; i++) {
		if (rows->findings[i].claim_bits & 1u << c->id)
			fprintf(out, "<br><a href=\"#finding-%zu\">finding %zu%s%s</a>", i + 1,
				i + 1, *rows->findings[i].times ? ": " : "",
				rows->findings[i].times);
	}
	fputs("</td></tr>\n", out);
}

/* What the verdict does not hang on is folded with what holds. */
static bool is_problem(const struct row_claim *c)
{
	return c->in_verdict && c->state_id != CLAIM_HOLDS && c->state_id != CLAIM_NOT_JUDGED;
}

void html_claims(FILE *out, struct rows *rows)
{
	static const enum claim_state order[] = { CLAIM_REFUTED, CLAIM_UNDECIDED };
	const char *names = "";
	size_t problems = 0;

	for (int i = 0; i < CLAIMS; i++)
		problems += is_problem(&rows->claims[i]);
	if (problems) {
		open_table(out, "claims-table", "What it says", "Why it is so");
		for (size_t o = 0; o < sizeof(order) / sizeof(order[0]); o++) {
			for (int i = 0; i < CLAIMS; i++) {
				if (is_problem(&rows->claims[i]) &&
				    rows->claims[i].state_id == order[o])
					claim(out, rows, &rows->claims[i]);
			}
		}
		close_table(out);
	}
	if (problems == CLAIMS)
		return;
	for (int i = 0; i < CLAIMS; i++) {
		if (rows->claims[i].in_verdict && rows->claims[i].state_id == CLAIM_HOLDS)
			names = names_of(rows, names, rows->claims[i].name);
	}
	fold(out, rows->held, "hold", names);
	open_table(out, "held-table", "What it says", "Why it is so");
	for (int i = 0; i < CLAIMS; i++) {
		if (!is_problem(&rows->claims[i]))
			claim(out, rows, &rows->claims[i]);
	}
	close_table(out);
	fputs("</details>\n", out);
}

static void condition(FILE *out, const struct row_cond *c)
{
	fputs("<tr>", out);
	html_state(out, c->state);
	fprintf(out, "<th scope=\"row\" id=\"condition-%s\">%s</th>", c->name, c->name);
	html_cell(out, c->summary);
	fputs("<td>", out);
	html_cut(out, c->reason, HTML_MOST_LINE);
	if (*c->remedy) {
		fputs("<span class=\"remedy\"><b>To fix:</b> ", out);
		html_cut(out, c->remedy, HTML_MOST_LINE);
		fputs("</span>", out);
	}
	fputs("</td></tr>\n", out);
}

void html_conditions(FILE *out, struct rows *rows)
{
	static const char what[] = "What it asks", why[] = "What was found, and how to fix it";
	size_t unmet = rows->applicable - rows->met;
	const char *names = "";

	if (unmet) {
		open_table(out, "conditions-table", what, why);
		for (int i = 0; i < CONDS; i++) {
			if (rows->conds[i].state_id == COND_UNMET)
				condition(out, &rows->conds[i]);
		}
		close_table(out);
	}
	if (unmet == CONDS)
		return;
	for (int i = 0; i < CONDS; i++) {
		if (rows->conds[i].state_id == COND_MET)
			names = names_of(rows, names, rows->conds[i].name);
	}
	fold(out, rows->met, "are met", names);
	open_table(out, "met-table", what, why);
	for (int i = 0; i < CONDS; i++) {
		if (rows->conds[i].state_id != COND_UNMET)
			condition(out, &rows->conds[i]);
	}
	close_table(out);
	fputs("</details>\n", out);
}
