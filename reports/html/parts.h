/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_HTML_PARTS_H
#define CCAIO_REPORTS_HTML_PARTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct rows;
struct timeline;
struct verdict;

/*
 * html-parts - what reports/html/html.c puts together.
 *
 * Everything that is listed is bounded, so that a report of any run stays below 2 MiB.
 */
#define HTML_MOST_EXCHANGES 800 /* rows of their table */
#define HTML_MOST_BARS 400	/* exchanges drawn in the timeline */
#define HTML_MOST_RANGES 1500
#define HTML_MOST_WITNESSES 500
#define HTML_MOST_DEVICES 128
#define HTML_MOST_TEXT 200  /* characters of one foreign text in a table */
#define HTML_MOST_LINE 4000 /* of a fact, a reason */
#define HTML_MOST_NOTE 500
#define HTML_MOST_NOTES 300

/* reports/html/html.css and reports/html.js */
extern const char html_css[], html_js[];

/* Foreign text, escaped, cut where it would swell the page. */
void html_cut(FILE *out, const char *text, size_t most);
void html_bounded(FILE *out, const char *text); /* at HTML_MOST_TEXT */

/* A cell: <td>, or with a sort key other than its text. */
void html_cell(FILE *out, const char *text);
void html_state(FILE *out, const char *state);

/* "17 more are not listed here; verdict.json has them", where shown is less than all. */
void html_more(FILE *out, size_t shown, size_t all, const char *where);

void html_examples(FILE *out, const struct rows *rows);
void html_devices(FILE *out, const struct rows *rows);
void html_exchanges(FILE *out, const struct rows *rows);
void html_ranges(FILE *out, const struct rows *rows);
void html_witness(FILE *out, const struct rows *rows);

/* The drawing of rows' exchanges, the timeline and the counterexamples' times. */
void html_timeline(FILE *out, struct rows *rows, const struct timeline *timeline);

/* Of a verdict that has a cost. */
void html_cost(FILE *out, const struct rows *rows, const struct verdict *v);

void html_glossary(FILE *out);

#endif
