/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_REPORT_H
#define CCAIO_REPORTS_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "reports/rows/input.h"

#define JSONL_SCHEMA "ccaio.lines/1" /* of a line of the format jsonl, and of --live */

struct comparison;

/* One output format; formats are listed in reports/report.c. */
struct report {
	const char *name;    /* argument of --format */
	const char *summary; /* one line for --help */
	bool draws;	     /* shows the verdict's timeline */
	bool console;	     /* for a terminal: as wide as it is, in ASCII where it has no UTF-8 */
	/* Writes the whole report.  Errors of out are the caller's to check (ferror). */
	void (*write)(FILE *out, const struct report_input *in);
	/* The same of two runs compared (reports/compare.h); NULL: not in this format. */
	void (*compare)(FILE *out, const struct comparison *comparison);
};

extern const struct report report_text;
extern const struct report report_json;
extern const struct report report_junit;
extern const struct report report_tap;
extern const struct report report_markdown;
extern const struct report report_jsonl;
extern const struct report report_html;
extern const struct report report_sarif;
extern const struct report report_perfetto;

/* The format called name, or NULL. */
const struct report *report_find(const char *name);

/* The i-th format, NULL past the last: for --help. */
const struct report *report_at(unsigned int i);

#endif
