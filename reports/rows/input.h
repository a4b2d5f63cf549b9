/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_ROWS_INPUT_H
#define CCAIO_REPORTS_ROWS_INPUT_H

#include <stdbool.h>

#include "lib/evidence/run.h"

struct verdict;
struct platform;
struct exchanges;

/* Everything a format may show.  Pointers other than verdict may be NULL. */
struct report_input {
	const struct verdict *verdict;
	const struct platform *platform;
	const struct run *run;
	const struct exchanges *exchanges; /* lib/exchange/exchange.h */
	const char *location; /* FILE[:LINE] that SARIF puts results at; NULL: evidence */
	bool exchanges_shown; /* line by line as they completed: not once more */
	bool colour;	      /* a terminal reads it and NO_COLOR is not set */
	int verbosity;	      /* -1 quiet, 0, 1 … */
};

#endif
