/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What bouncing cost, in the HTML report: bytes copied and useful by device, and slots of the pool
 * in use under the sizes that would have been full and would have held.
 */
#include <inttypes.h>

#include "lib/cost/cost.h"
#include "lib/verdict/timeline.h"
#include "lib/verdict/verdict.h"
#include "reports/html/parts.h"
#include "reports/rows/rows.h"

#define WIDTH 1000.0
#define HEIGHT 100.0
#define BAR 14
#define MOST_BARS 24 /* devices */

static void bars(FILE *out, const struct rows *rows)
{
	size_t n = rows->ncost_devices < MOST_BARS ? rows->ncost_devices : MOST_BARS;
	uint64_t most = 1;

	for (size_t i = 0; i < n; i++)
		most = rows->cost_devices[i].copied_bytes > most
			       ? rows->cost_devices[i].copied_bytes
			       : most;
	fprintf(out,
		"<figure><svg class=\"cost\" role=\"img\" aria-label=\"Bytes copied and useful by "
		"device\" viewBox=\"0 0 1000 %zu\" preserveAspectRatio=\"none\">\n",
		n * 2 * (BAR + 2));
	for (size_t i = 0; i < n; i++) {
		const struct row_cost *c = &rows->cost_devices[i];

		fprintf(out,
			"<rect class=\"t-out\" x=\"0\" y=\"%zu\" width=\"%.2f\" height=\"%d\">"
			"<title>",
			i * 2 * (BAR + 2), WIDTH * (double)c->copied_bytes / (double)most, BAR);
		html_bounded(out, c->name);
		fprintf(out,
			": %s bytes copied</title></rect>\n<rect class=\"t-in\" x=\"0\" y=\"%zu\" "
			"width=\"%.2f\" height=\"%d\"><title>",
			c->copied, i * 2 * (BAR + 2) + BAR,
			WIDTH * (double)c->useful_bytes / (double)most, BAR);
		html_bounded(out, c->name);
		fprintf(out, ": %s bytes useful</title></rect>\n", c->useful);
	}
	fputs("</svg><ul class=\"legend\"><li><span class=\"key t-out\"></span>copied</li>"
	      "<li><span class=\"key t-in\"></span>of these useful</li></ul></figure>\n",
	      out);
}

static void table(FILE *out, const struct rows *rows)
{
	static const char *const heads[] = { "Device",	"#Copied",
					     "#Useful", "#Ratio",
					     "#Stale",	"Into the pool",
					     "Back",	"#Slots at the peak",
					     "Time",	NULL };
	size_t shown =
		rows->ncost_devices < HTML_MOST_DEVICES ? rows->ncost_devices : HTML_MOST_DEVICES;

	html_table(out, "cost-table", "Bytes copied", heads);
	for (size_t i = 0; i < shown; i++) {
		const struct row_cost *c = &rows->cost_devices[i];

		fputs("<tr>", out);
		html_word(out, c->name);
		html_word(out, c->copied);
		html_word(out, c->useful);
		html_word(out, c->ratio);
		html_word(out, c->stale);
		html_cell(out, c->out);
		html_cell(out, c->in);
		html_word(out, c->slots);
		html_cell(out, c->time);
		fputs("</tr>\n", out);
	}
	html_table_end(out);
	html_more(out, shown, rows->ncost_devices, "verdict.json");
}

static void line_at(FILE *out, uint64_t slots, uint64_t top, const char *class, const char *what)
{
	double y = HEIGHT - HEIGHT * (double)slots / (double)top;

	if (slots)
		fprintf(out,
			"<line class=\"%s\" x1=\"0\" x2=\"1000\" y1=\"%.2f\" y2=\"%.2f\"><title>"
			"%" PRIu64 " slots %s</title></line>\n",
			class, y, y, slots, what);
}

/* The timeline knows the mappings of the recording; those of before are under it. */
static void occupancy(FILE *out, const struct cost_pool *p, const struct timeline *t)
{
	uint64_t top = p->holds > p->peak ? p->holds : p->peak;
	double step;

	if (!t || !t->used || !p->peak)
		return;
	step = WIDTH / (double)t->used;
	fputs("<figure><svg class=\"cost pool\" role=\"img\" aria-label=\"Slots of the bounce pool "
	      "in use\" viewBox=\"0 -2 1000 104\" preserveAspectRatio=\"none\">\n"
	      "<path class=\"t-pool\" d=\"",
	      out);
	for (size_t i = 0; i < t->used; i++) {
		uint64_t n = t->series[TIMELINE_POOL_SLOTS][i] + p->before;

		n = n < top ? n : top;
		fprintf(out, "M%.2f %.0fh%.3fv%.4gh%.3fz", step * (double)i, HEIGHT, step,
			-HEIGHT * (double)n / (double)top, -step);
	}
	fputs("\"/>\n", out);
	line_at(out, p->full_at, top, "t-full", "would have been full");
	line_at(out, p->holds, top, "t-holds", "would have held");
	fputs("</svg><ul class=\"legend\"><li><span class=\"key t-pool\"></span>slots in use</li>"
	      "<li><span class=\"key t-full\"></span>the largest pool that would have been "
	      "full</li>"
	      "<li><span class=\"key t-holds\"></span>the smallest that would have held</li></ul>"
	      "</figure>\n",
	      out);
}

void html_cost(FILE *out, const struct rows *rows, const struct verdict *v)
{
	for (size_t i = 0; i < rows->ncost; i++) {
		fprintf(out, "<p><b>%s</b>: ", rows->cost[i].label);
		html_cut(out, rows->cost[i].value, HTML_MOST_LINE);
		fputs("</p>\n", out);
	}
	occupancy(out, &v->cost->pool, v->timeline);
	if (!rows->ncost_devices)
		return;
	bars(out, rows);
	table(out, rows);
}
