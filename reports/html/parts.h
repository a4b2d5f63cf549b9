/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_HTML_PARTS_H
#define CCAIO_REPORTS_HTML_PARTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct report_input;
struct row_example;
struct rows;
struct verdict;

/*
 * html-parts - what reports/html/html.c puts together.
 *
 * Everything that is listed is bounded, so that a report of any run stays below 2 MiB.
 */
#define HTML_MOST_EXCHANGES 600 /* rows of their table */
#define HTML_MOST_BARS 400	/* exchanges drawn in the timeline */
#define HTML_MOST_RANGES 1500
#define HTML_MOST_WITNESSES 500
#define HTML_MOST_DEVICES 128
#define HTML_MOST_NAMED 6   /* devices in the banner */
#define HTML_MOST_STACKS 16 /* of the findings, the worst first */
#define HTML_MOST_FRAMES 32 /* of a stack */
#define HTML_MOST_FRAME 100 /* characters of one */
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
void html_word(FILE *out, const char *text);		     /* not broken: a name, an address */
void html_number(FILE *out, const char *text, uint64_t key); /* its column's head begins with # */
void html_state(FILE *out, const char *state);
void html_two(FILE *out, const char *text, const char *second); /* the second small, below */

/* A term of a list and what it is; nothing where the text is "". */
void html_fact(FILE *out, const char *label, const char *text);

/*
 * A table that sorts and filters: heads is NULL-terminated, with '#' before the name of a
 * column of numbers.  Ends with html_table_end.
 */
void html_table(FILE *out, const char *id, const char *caption, const char *const *heads);
void html_table_end(FILE *out);

/* "17 more are not listed here; verdict.json has them", where shown is less than all. */
void html_more(FILE *out, size_t shown, size_t all, const char *where);

/* What the page begins with: the verdict, why, what to do; the run and its evidence. */
void html_banner(FILE *out, struct rows *rows, const struct report_input *in);
void html_facts(FILE *out, const struct rows *rows);

void html_claims(FILE *out, struct rows *rows);
void html_conditions(FILE *out, struct rows *rows);
void html_findings(FILE *out, struct rows *rows);
void html_example(FILE *out, const struct row_example *example); /* what happened, in a line */
void html_devices(FILE *out, struct rows *rows);
void html_exchanges(FILE *out, struct rows *rows);
void html_ranges(FILE *out, struct rows *rows);
void html_witness(FILE *out, struct rows *rows);

/* The drawing of rows' exchanges and of the verdict's timeline. */
void html_timeline(FILE *out, struct rows *rows, const struct report_input *in);

/* Of a verdict that has a cost. */
void html_cost(FILE *out, const struct rows *rows, const struct verdict *v);

void html_glossary(FILE *out);

#endif
