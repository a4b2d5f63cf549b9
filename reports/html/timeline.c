/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The timeline of the HTML report: exchanges above transfers, pool occupancy and violations.
 *
 * Coordinates: 1000 wide for the whole time, HEIGHT high, less the bands at the top and the bottom
 * that nothing is in.  Each series is one path, whatever the number of events; the script only
 * moves the view box.
 */
#include <inttypes.h>
#include <stdbool.h>

#include "lib/evidence/platform.h"
#include "lib/verdict/timeline.h"
#include "lib/verdict/verdict.h"
#include "reports/html/parts.h"
#include "reports/rows/input.h"
#include "reports/rows/rows.h"

#define WIDTH 1000.0
#define LANE_EXCHANGES 22 /* top of the bars, below the label; queues of 9 */
#define EXCHANGES_END 84  /* top of what is drawn where there are none */
#define LANE_MIDDLE 150	  /* transfers: out above, in below */
#define LANE_HALF 60
#define LANE_POOL 290 /* bottom of pool occupancy */
#define POOL_HEIGHT 70
#define LANE_BAD 345 /* bottom of violations */
#define BAD_HEIGHT 40
#define POOL_END 294 /* bottom of what is drawn where there are no violations */
#define HEIGHT 350
#define SEEN_SLOTS 8 /* a limit that is more than so many times what was used is off the scale */
#define EXCHANGE_LANES 6
#define LEAST_WIDTH \
	0.01 /* a bar without any is not drawn; its line is never thinner than 2 pixels */

struct drawing {
	FILE *out;
	struct rows *rows;
	const struct timeline *t;
	double span_ns;
	double from, width; /* what is shown first: the run */
	uint64_t limit;	    /* slots of the pools; 0 unknown */
	uint64_t pool_top;  /* slots at the top of their band */
	bool has_exchanges, has_bad;
	int top, height; /* what is drawn of HEIGHT */
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

/* Columns of one series from base up (height > 0) or down; top is their greatest height's. */
static void columns(const struct drawing *d, enum timeline_series series, double base,
		    double height, uint64_t top, const char *class)
{
	double step = WIDTH / (double)d->t->used;

	if (!most(d->t, series))
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

/* Recordings of before 0.2 have no series of violations: there, the times of those listed. */
static void violations(const struct drawing *d)
{
	uint64_t top = most(d->t, TIMELINE_VIOLATIONS);

	if (top) {
		columns(d, TIMELINE_VIOLATIONS, LANE_BAD, BAD_HEIGHT, top, "t-bad");
		return;
	}
	for (size_t i = 0; i < d->rows->nexamples; i++) {
		const struct row_example *ex = &d->rows->examples[i];
		double x = x_of(d, ex->ts_ns);

		if (!ex->ts_ns)
			continue;
		fprintf(d->out,
			"<line class=\"t-bad\" x1=\"%.3f\" x2=\"%.3f\" y1=\"%d\" y2=\"%d\">"
			"<title>%s at %s: ",
			x, x, LANE_BAD - BAD_HEIGHT, LANE_BAD, ex->claim, ex->time);
		html_bounded(d->out, ex->text);
		fputs("</title></line>\n", d->out);
	}
}

static bool has_window(const struct timeline *t)
{
	return t->window_from_ns && t->window_to_ns > t->window_from_ns;
}

/* The run behind all else, and what is shown first: the run with a tenth of it on either side. */
static void window(struct drawing *d)
{
	double from, width;

	d->width = WIDTH;
	if (!has_window(d->t))
		return;
	from = x_of(d, d->t->window_from_ns);
	width = x_of(d, d->t->window_to_ns) - from;
	d->from = from - width / 20 > 0 ? from - width / 20 : 0;
	d->width = width * 1.1 < WIDTH - d->from ? width * 1.1 : WIDTH - d->from;
	d->width = d->width < LEAST_WIDTH ? LEAST_WIDTH : d->width;
}

static void shade(const struct drawing *d)
{
	double from = x_of(d, d->t->window_from_ns);

	if (has_window(d->t))
		fprintf(d->out,
			"<rect class=\"t-run\" x=\"%.3f\" y=\"0\" width=\"%.3f\" height=\"%d\">"
			"<title>the run, from %s to %s</title></rect>\n",
			from, x_of(d, d->t->window_to_ns) - from, HEIGHT,
			rows_time(d->rows, d->t->window_from_ns),
			rows_time(d->rows, d->t->window_to_ns));
}

/* Where the limit is far above what was used, its line is the band's edge, and the scale says so.
 */
static void limit_line(const struct drawing *d)
{
	double y = LANE_POOL - POOL_HEIGHT;

	if (!d->limit || !d->pool_top)
		return;
	if (d->limit < d->pool_top)
		y = LANE_POOL - POOL_HEIGHT * (double)d->limit / (double)d->pool_top;
	fprintf(d->out, "<line class=\"t-limit\" x1=\"0\" x2=\"1000\" y1=\"%.2f\" y2=\"%.2f\"/>\n",
		y, y);
}

static void label(const struct drawing *d, int y, const char *text)
{
	fprintf(d->out, "<span style=\"top:%.2f%%\">%s</span>", 100.0 * (y - d->top) / d->height,
		text);
}

/* What lies at the edges of the bands; text in the drawing would be stretched with it. */
static void scales(const struct drawing *d)
{
	const char *each = rows_time(d->rows, d->t->bucket_ns);
	uint64_t bad = most(d->t, TIMELINE_VIOLATIONS);

	fputs("<div class=\"bands\" aria-hidden=\"true\">", d->out);
	if (d->has_exchanges)
		label(d, 2, "exchanges");
	label(d, 88, "bytes out");
	label(d, 196, "bytes in");
	label(d, LANE_POOL - POOL_HEIGHT, "pool slots in use");
	if (d->has_bad)
		label(d, LANE_BAD - BAD_HEIGHT, "violations");
	fputs("</div><div class=\"bands scale\" aria-hidden=\"true\">", d->out);
	label(d, 88,
	      rows_str(d->rows, "%s in %s",
		       rows_counted(d->rows, most(d->t, TIMELINE_OUT_BYTES), "byte"), each));
	label(d, 196, rows_counted(d->rows, most(d->t, TIMELINE_IN_BYTES), "byte"));
	label(d, LANE_POOL - POOL_HEIGHT,
	      !d->limit
		      ? rows_counted(d->rows, d->pool_top, "slot")
		      : rows_str(d->rows, "%s%s",
				 d->limit > d->pool_top ? rows_str(d->rows, "%s of ",
								   rows_count(d->rows, d->pool_top))
							: "limit ",
				 rows_counted(d->rows, d->limit, "slot")));
	if (bad)
		label(d, LANE_BAD - BAD_HEIGHT, rows_count(d->rows, bad));
	fputs("</div>", d->out);
}

static void legend(const struct drawing *d)
{
	const char *each = rows_time(d->rows, d->t->bucket_ns);

	fputs("<ul class=\"legend\">", d->out);
	if (has_window(d->t))
		fputs("<li><span class=\"key t-run\"></span>the run</li>", d->out);
	if (d->has_exchanges)
		fputs("<li><span class=\"key t-ex\"></span>exchanges</li>"
		      "<li><span class=\"key t-ex clear\"></span>exchanges with readable "
		      "payload</li>",
		      d->out);
	fprintf(d->out,
		"<li><span class=\"key t-out\"></span>towards devices, at most %s in %s</li>"
		"<li><span class=\"key t-in\"></span>towards the CPU, at most %s in %s</li>",
		rows_counted(d->rows, most(d->t, TIMELINE_OUT_BYTES), "byte"), each,
		rows_counted(d->rows, most(d->t, TIMELINE_IN_BYTES), "byte"), each);
	fprintf(d->out,
		"<li><span class=\"key t-pool\"></span>pool slots in use, at most %s%s%s</li>",
		rows_count(d->rows, most(d->t, TIMELINE_POOL_SLOTS)),
		d->limit ? rows_str(d->rows, " of %s", rows_count(d->rows, d->limit)) : "",
		d->t->pool_partial ? " (not all could be followed)" : "");
	if (d->limit && d->pool_top)
		fprintf(d->out,
			"<li><span class=\"key t-limit\"></span>all slots of the pools%s</li>",
			d->limit > d->pool_top ? " (above the scale)" : "");
	if (d->has_bad)
		fputs("<li><span class=\"key t-bad\"></span>violations</li>", d->out);
	fputs("</ul>\n", d->out);
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
	      "<th scope=\"col\">Violations</th></tr></thead><tbody>\n",
	      d->out);
	for (size_t i = 0; i < d->t->used; i++) {
		if (!d->t->series[TIMELINE_EVENTS][i])
			continue;
		fprintf(d->out, "<tr data-b=\"%zu\"><td class=\"n\">%s</td>", i,
			rows_time(d->rows, d->t->start_ns + i * d->t->bucket_ns));
		for (int s = 0; s < TIMELINE_SERIES; s++)
			fprintf(d->out, "<td class=\"n\">%s</td>",
				rows_count(d->rows, d->t->series[s][i]));
		fputs("</tr>\n", d->out);
	}
	fputs("</tbody></table></div></details>\n", d->out);
}

static void controls(const struct drawing *d)
{
	fputs("<div class=\"tools\" role=\"group\" aria-label=\"Timeline view\">"
	      "<button type=\"button\" data-act=\"+\" aria-label=\"Zoom in\">+</button>"
	      "<button type=\"button\" data-act=\"-\" aria-label=\"Zoom out\">−</button>"
	      "<button type=\"button\" data-act=\"ArrowLeft\" aria-label=\"Earlier\">←</button>"
	      "<button type=\"button\" data-act=\"ArrowRight\" aria-label=\"Later\">→</button>",
	      d->out);
	if (has_window(d->t))
		fputs("<button type=\"button\" data-act=\"r\">Run</button>", d->out);
	fputs("<button type=\"button\" data-act=\"0\">Whole recording</button>", d->out);
	if (d->rows->nexchanges)
		fputs("<button type=\"button\" data-act=\"x\">Exchanges</button>", d->out);
	fputs("<span class=\"note\">mouse: drag, Ctrl and wheel; keys with the focus on the "
	      "drawing: + − ← → 0 r x, and , . for the numbers of a column</span></div>\n",
	      d->out);
}

/* The time at a part of what is shown first, out of 4. */
static const char *time_at(const struct drawing *d, int part)
{
	double x = d->from + d->width * part / 4;

	return rows_time(d->rows, d->t->start_ns + (uint64_t)(x / WIDTH * d->span_ns));
}

static void prepare(struct drawing *d, const struct report_input *in)
{
	uint64_t used = most(d->t, TIMELINE_POOL_SLOTS);

	d->span_ns = (double)d->t->bucket_ns * (double)d->t->used;
	if (in->platform && in->platform->swiotlb.slots != PLATFORM_UNKNOWN)
		d->limit = in->platform->swiotlb.slots;
	d->pool_top =
		d->limit && d->limit <= SEEN_SLOTS * used && d->limit > used ? d->limit : used;
	for (size_t i = 0; i < d->rows->nexchanges; i++)
		d->has_exchanges |= d->rows->exchanges[i].first_ns != 0;
	d->has_bad = most(d->t, TIMELINE_VIOLATIONS) || d->rows->nexamples;
	d->top = d->has_exchanges ? 0 : EXCHANGES_END;
	d->height = (d->has_bad ? HEIGHT : POOL_END) - d->top;
	window(d);
}

static void bands(const struct drawing *d)
{
	static const int lines[] = { EXCHANGES_END, LANE_MIDDLE, LANE_POOL - POOL_HEIGHT - 4,
				     LANE_POOL + 4 };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		fprintf(d->out,
			"<line class=\"t-band\" x1=\"0\" x2=\"1000\" y1=\"%d\" y2=\"%d\"/>\n",
			lines[i], lines[i]);
}

void html_timeline(FILE *out, struct rows *rows, const struct report_input *in)
{
	const struct timeline *t = in->verdict->timeline;
	struct drawing d = { .out = out, .rows = rows, .t = t };

	if (!t || !t->used) {
		fputs("<p class=\"note\">There is nothing to draw: no DMA event was seen.</p>\n",
		      out);
		return;
	}
	prepare(&d, in);
	controls(&d);
	fprintf(out,
		"<figure><div class=\"plot\"><svg class=\"timeline\" tabindex=\"0\" role=\"img\" "
		"aria-label=\"Exchanges, transfers, pool occupancy and violations over time; the "
		"same "
		"numbers stand in the table below\" viewBox=\"%.4f %d %.4f %d\" "
		"style=\"height:%dpx\" preserveAspectRatio=\"none\" data-start=\"%" PRIu64
		"\" data-span=\"%" PRIu64 "\" data-bucket=\"%" PRIu64
		"\" data-run=\"%.4f %.4f\">\n",
		d.from, d.top, d.width, d.height, d.height, t->start_ns, t->bucket_ns * t->used,
		t->bucket_ns, d.from, d.width);
	shade(&d);
	bands(&d);
	columns(&d, TIMELINE_OUT_BYTES, LANE_MIDDLE, LANE_HALF, most(t, TIMELINE_OUT_BYTES),
		"t-out");
	columns(&d, TIMELINE_IN_BYTES, LANE_MIDDLE, -LANE_HALF, most(t, TIMELINE_IN_BYTES), "t-in");
	columns(&d, TIMELINE_POOL_SLOTS, LANE_POOL, POOL_HEIGHT, d.pool_top, "t-pool");
	limit_line(&d);
	exchanges(&d);
	violations(&d);
	fputs("</svg>", out);
	scales(&d);
	fputs("<div class=\"tip\" aria-hidden=\"true\" hidden></div></div>", out);
	fprintf(out, "<figcaption><div class=\"axis\" aria-hidden=\"true\">");
	for (int i = 0; i <= 4; i++)
		fprintf(out, "<span>%s</span>", time_at(&d, i));
	fputs("</div><output class=\"note\" id=\"column\" aria-live=\"polite\"></output>\n", out);
	legend(&d);
	fputs("</figcaption></figure>\n", out);
	as_table(&d);
}
