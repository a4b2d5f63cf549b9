/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The timeline of the HTML report: exchanges above transfers above pool occupancy.
 *
 * Coordinates: 1000 wide for the whole time, 300 high.  Each series is one path, whatever
 * the number of events; the script only moves the view box.
 */
#include <inttypes.h>
#include <stdbool.h>

#include "lib/verdict/timeline.h"
#include "reports/html/parts.h"
#include "reports/rows/rows.h"

#define WIDTH 1000.0
#define LANE_EXCHANGES 22 /* top of the bars, below the label; queues of 9 */
#define LANE_MIDDLE 150	  /* transfers: out above, in below */
#define LANE_HALF 60
#define LANE_POOL 290 /* bottom of pool occupancy */
#define POOL_HEIGHT 70
#define EXCHANGE_LANES 6
#define LEAST_WIDTH \
	0.01 /* a bar without any is not drawn; its line is never thinner than 2 pixels */

struct drawing {
	FILE *out;
	struct rows *rows;
	const struct timeline *t;
	double span_ns;
};

static uint64_t most(const struct timeline *t, enum timeline_series series)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->used; i++)
		n = t->series[series][i] > n ? t->series[series][i] : n;
	return n;
}

static double x_of(const struct drawing *d, uint64_t ns)
{
	double x = ns > d->t->start_ns ? (double)(ns - d->t->start_ns) / d->span_ns * WIDTH : 0;

	return x > WIDTH ? WIDTH : x;
}

/* Columns of one series from base up (height > 0) or down. */
static void columns(const struct drawing *d, enum timeline_series series, double base,
		    double height, const char *class)
{
	uint64_t top = most(d->t, series);
	double step = WIDTH / (double)d->t->used;

	if (!top)
		return;
	fprintf(d->out, "<path class=\"%s\" d=\"", class);
	for (size_t i = 0; i < d->t->used; i++) {
		uint64_t n = d->t->series[series][i];

		if (n)
			fprintf(d->out, "M%.2f %.4gh%.3fv%.4gh%.3fz", step * (double)i, base, step,
				-height * (double)n / (double)top, -step);
	}
	fputs("\"/>\n", d->out);
}

static void exchanges(const struct drawing *d)
{
	size_t drawn = 0;

	for (size_t i = 0; i < d->rows->nexchanges && drawn < HTML_MOST_BARS; i++) {
		const struct row_exchange *e = &d->rows->exchanges[i];
		double x = x_of(d, e->first_ns), w = x_of(d, e->last_ns) - x;

		if (!e->first_ns)
			continue;
		fprintf(d->out,
			"<rect class=\"t-ex%s\" x=\"%.3f\" y=\"%zu\" width=\"%.3f\" "
			"height=\"7\"><title>",
			e->clear ? " clear" : "", x, LANE_EXCHANGES + drawn % EXCHANGE_LANES * 9,
			w < LEAST_WIDTH ? LEAST_WIDTH : w);
		html_bounded(d->out, e->what);
		fprintf(d->out, " at %s</title></rect>\n", e->time);
		drawn++;
	}
}

static void violations(const struct drawing *d)
{
	for (size_t i = 0; i < d->rows->nexamples; i++) {
		const struct row_example *ex = &d->rows->examples[i];
		double x = x_of(d, ex->ts_ns);

		if (!ex->ts_ns)
			continue;
		fprintf(d->out,
			"<line class=\"t-bad\" x1=\"%.3f\" x2=\"%.3f\" y1=\"0\" y2=\"300\">"
			"<title>%s at %s: ",
			x, x, ex->claim, ex->time);
		html_bounded(d->out, ex->text);
		fputs("</title></line>\n", d->out);
	}
}

static void legend(const struct drawing *d)
{
	const char *each = rows_time(d->rows, d->t->bucket_ns);

	fprintf(d->out,
		"<ul class=\"legend\"><li><span class=\"key t-ex\"></span>exchanges</li>"
		"<li><span class=\"key t-ex clear\"></span>exchanges with readable payload</li>"
		"<li><span class=\"key t-out\"></span>towards devices, at most %s in %s</li>"
		"<li><span class=\"key t-in\"></span>towards the CPU, at most %s in %s</li>",
		rows_counted(d->rows, most(d->t, TIMELINE_OUT_BYTES), "byte"), each,
		rows_counted(d->rows, most(d->t, TIMELINE_IN_BYTES), "byte"), each);
	fprintf(d->out,
		"<li><span class=\"key t-pool\"></span>pool slots in use, at most %s%s</li>"
		"<li><span class=\"key t-bad\"></span>violations</li></ul>\n",
		rows_count(d->rows, most(d->t, TIMELINE_POOL_SLOTS)),
		d->t->pool_partial ? " (not all could be followed)" : "");
}

/* The same numbers for those who cannot see the drawing. */
static void as_table(const struct drawing *d)
{
	fputs("<details data-bulky><summary>The timeline as a table</summary>\n"
	      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Timeline as a "
	      "table\">"
	      "<table id=\"timeline-table\"><thead><tr><th scope=\"col\">From</th>"
	      "<th scope=\"col\">Events</th><th scope=\"col\">Maps</th>"
	      "<th scope=\"col\">Of these bounced</th><th scope=\"col\">Bytes out</th>"
	      "<th scope=\"col\">Bytes in</th><th scope=\"col\">Slots in use</th>"
	      "</tr></thead><tbody>\n",
	      d->out);
	for (size_t i = 0; i < d->t->used; i++) {
		if (!d->t->series[TIMELINE_EVENTS][i])
			continue;
		fprintf(d->out, "<tr><td class=\"n\">%s</td>",
			rows_time(d->rows, d->t->start_ns + i * d->t->bucket_ns));
		for (int s = 0; s < TIMELINE_SERIES; s++)
			fprintf(d->out, "<td class=\"n\">%s</td>",
				rows_count(d->rows, d->t->series[s][i]));
		fputs("</tr>\n", d->out);
	}
	fputs("</tbody></table></div></details>\n", d->out);
}

static void controls(FILE *out, bool exchanges)
{
	fputs("<div class=\"tools\" role=\"group\" aria-label=\"Timeline view\">"
	      "<button type=\"button\" data-act=\"+\" aria-label=\"Zoom in\">+</button>"
	      "<button type=\"button\" data-act=\"-\" aria-label=\"Zoom out\">−</button>"
	      "<button type=\"button\" data-act=\"ArrowLeft\" aria-label=\"Earlier\">←</button>"
	      "<button type=\"button\" data-act=\"ArrowRight\" aria-label=\"Later\">→</button>"
	      "<button type=\"button\" data-act=\"0\">Whole run</button>",
	      out);
	if (exchanges)
		fputs("<button type=\"button\" data-act=\"x\">Exchanges</button>", out);
	fputs("<span class=\"note\">with the mouse: drag, Ctrl and wheel; with the focus on the "
	      "drawing: + − ← → 0 x</span></div>\n",
	      out);
}

void html_timeline(FILE *out, struct rows *rows, const struct timeline *t)
{
	struct drawing d = { out, rows, t, 0 };

	if (!t || !t->used) {
		fputs("<p class=\"note\">There is nothing to draw: no DMA event was seen.</p>\n",
		      out);
		return;
	}
	d.span_ns = (double)t->bucket_ns * (double)t->used;
	controls(out, rows->nexchanges);
	fprintf(out,
		"<figure><div class=\"plot\"><svg class=\"timeline\" tabindex=\"0\" role=\"img\" "
		"aria-label=\"Exchanges, transfers and pool occupancy over time; the same numbers "
		"stand in the table below\" viewBox=\"0 0 1000 300\" preserveAspectRatio=\"none\" "
		"data-start=\"%" PRIu64 "\" data-span=\"%" PRIu64 "\">\n",
		t->start_ns, t->bucket_ns * t->used);
	for (size_t i = 0; i < 2; i++)
		fprintf(out, "<line class=\"t-queue\" x1=\"0\" x2=\"1000\" y1=\"%d\" y2=\"%d\"/>\n",
			i ? LANE_POOL - POOL_HEIGHT - 5 : 84, i ? LANE_POOL - POOL_HEIGHT - 5 : 84);
	exchanges(&d);
	columns(&d, TIMELINE_OUT_BYTES, LANE_MIDDLE, LANE_HALF, "t-out");
	columns(&d, TIMELINE_IN_BYTES, LANE_MIDDLE, -LANE_HALF, "t-in");
	columns(&d, TIMELINE_POOL_SLOTS, LANE_POOL, POOL_HEIGHT, "t-pool");
	violations(&d);
	fputs("</svg><div class=\"queues\" aria-hidden=\"true\"><span>exchanges</span>"
	      "<span>transfers: out above, in below</span><span>pool slots in "
	      "use</span></div></div>",
	      out);
	fprintf(out, "<figcaption><div class=\"axis\" aria-hidden=\"true\"><span>%s</span>",
		rows_time(rows, t->start_ns));
	for (int i = 0; i < 3; i++)
		fputs("<span></span>", out);
	fprintf(out, "<span>%s</span></div>\n",
		rows_time(rows, t->start_ns + t->bucket_ns * t->used));
	legend(&d);
	fputs("</figcaption></figure>\n", out);
	as_table(&d);
}
