/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_COMPARE_H
#define CCAIO_REPORTS_COMPARE_H

#include <stdbool.h>
#include <stdio.h>

struct verdict;
struct verdict_diff;

/*
 * compare - what changed between two runs, what is worse first.  These are the member `compare`
 * of formats (reports/report.h); what two equal runs differ by is listed where `all` is set.
 */
struct comparison {
	const struct verdict_diff *diff;
	const char *before, *after; /* the bundles */
	const struct verdict *was, *is;
	bool colour, only_worse, all;
};

#define COMPARISON_SCHEMA "ccaio.comparison/1"

void compare_text(FILE *out, const struct comparison *c);
void compare_json(FILE *out, const struct comparison *c);
void compare_markdown(FILE *out, const struct comparison *c);
void compare_junit(FILE *out, const struct comparison *c);

#endif
