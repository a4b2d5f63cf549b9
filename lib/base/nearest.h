/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_NEAREST_H
#define CCAIO_LIB_BASE_NEAREST_H

#include <stddef.h>

/*
 * nearest - which of some words was meant.
 *
 * Feed the candidates one by one; best is the nearest one that is near enough to
 * be worth naming, NULL where none is.  Nearness is the number of letters to
 * insert, delete, replace or swap (restricted Damerau-Levenshtein).
 */
struct nearest {
	const char *word; /* what was typed */
	const char *best; /* borrowed from the candidates */
	size_t distance;  /* of best */
};

/* Words longer than this are never near. */
#define NEAREST_MAX 40

void nearest_init(struct nearest *n, const char *word);
void nearest_try(struct nearest *n, const char *candidate);

#endif
