/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_CHECKS_H
#define CCAIO_REPORTS_CHECKS_H

#include <stddef.h>

#include "lib/verdict/verdict.h"

struct rows;

/*
 * checks - a verdict as a list of tests, for the formats that know nothing else.
 *
 * One for the verdict itself, one per claim, one per condition.  Undecided and
 * unmet is inconclusive, which is a failure; skipped is only what does not apply
 * or what no policy asks for.  No check fails if and only if the verdict is PROVEN.
 */
enum check_result { CHECK_INCONCLUSIVE = 0, CHECK_VIOLATED, CHECK_PASSED, CHECK_SKIPPED };

struct check {
	enum check_result result;
	const char *group;   /* "verdict", "claim", "condition" */
	const char *name;    /* "dma-in-shared" */
	const char *summary; /* what it asks */
	const char *message; /* what was found, one sentence */
	const char *detail;  /* counterexamples, or how to fix it; lines; "" */
};

struct checks {
	struct check list[1 + CLAIMS + CONDS];
	size_t count, failed, skipped;
};

/* Borrows from rows (and keeps strings there). */
void checks_init(struct checks *checks, struct rows *rows);

/* "INCONCLUSIVE", "VIOLATED", "PASSED", "SKIPPED" */
const char *check_result_name(enum check_result result);

/* A finding and its first counterexample in one line. */
const char *checks_finding(struct rows *rows, size_t i);

#endif
