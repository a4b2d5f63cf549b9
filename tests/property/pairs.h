/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_PROPERTY_PAIRS_H
#define CCAIO_TESTS_PROPERTY_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/evidence/platform.h"
#include "lib/verdict/verdict.h"

/* The facts of many recordings, to judge each recording with all of them. */
struct pairs;

struct pairs *pairs_new(void);
void pairs_free(struct pairs *pairs);
/* Add a file of facts; false and a message where it cannot be read. */
bool pairs_add(struct pairs *pairs, const char *facts);

/* The verdict about one recording with these facts. */
typedef enum outcome pairs_judge_fn(void *ctx, const struct platform *facts, bool window_only);

/*
 * Judge the recording at path, whose own facts are those of the file facts, with all others.
 * Returns how many make it PROVEN or VIOLATED though they are of another machine or its own facts
 * say otherwise, and prints them; *made counts all.
 */
int pairs_judge(const struct pairs *pairs, const char *path, const char *facts,
		pairs_judge_fn *judge, void *ctx, uint64_t *made);

#endif
