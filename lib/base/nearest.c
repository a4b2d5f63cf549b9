/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of some words was meant. */
#include "lib/base/nearest.h"

#include <string.h>

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(const char *a, size_t la, const char *b, size_t lb)
{
	size_t rows[3][NEAREST_MAX + 1]; /* of the last two letters of a, and this one */
	size_t *before = rows[0], *last = rows[1], *now = rows[2], *spare;

	for (size_t j = 0; j <= lb; j++)
		last[j] = j;
	for (size_t i = 1; i <= la; i++) {
		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			now[j] = least(least(last[j] + 1, now[j - 1] + 1),
				       last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[lb];
}

void nearest_init(struct nearest *n, const char *word)
{
	*n = (struct nearest){ .word = word };
}

void nearest_try(struct nearest *n, const char *candidate)
{
	size_t la = strlen(n->word), lb = strlen(candidate), d;

	if (la == 0 || la > NEAREST_MAX || lb > NEAREST_MAX)
		return;
	d = distance(n->word, la, candidate, lb);
	if (d > 2 || d * 3 > lb || (n->best && d >= n->distance))
		return;
	n->best = candidate;
	n->distance = d;
}
