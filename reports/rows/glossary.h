/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_ROWS_GLOSSARY_H
#define CCAIO_REPORTS_ROWS_GLOSSARY_H

#include <stddef.h>

/*
 * glossary - the words of the reports, each explained once.
 *
 * `ccaio explain`, the HTML report's glossary and the manual (ccaio(1), CLAIMS and
 * COVERAGE) say the same; tests/cli/explain.bats compares them.
 */
struct glossary_word {
	const char *term;    /* as reports write it; alternatives are separated by ", " */
	const char *meaning; /* one or two sentences */
	const char *remedy;  /* what to do where it is not as it should be; NULL nothing */
};

/* The i-th word, NULL past the last: claims first, then conditions, then the others. */
const struct glossary_word *glossary_at(size_t i);

/* The entry for a word, without regard to case; NULL where there is none. */
const struct glossary_word *glossary_find(const char *word);

#endif
