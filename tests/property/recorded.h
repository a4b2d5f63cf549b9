/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_PROPERTY_RECORDED_H
#define CCAIO_TESTS_PROPERTY_RECORDED_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/evidence/platform.h"
#include "lib/verdict/verdict.h"

/*
 * Judge each *.dat of these folders (or files; the last is NULL) with both judges, with the facts
 * of the .json or platform.json beside it and without, in both scopes; then with each of its facts
 * edited, and with the facts of the others.  Returns how many verdicts differ or are wrong, and
 * prints them; a file that cannot be read counts, too.
 */
int recorded_compare(char **paths, unsigned int *judged);

/* The verdict about one recording with these facts. */
typedef enum outcome edits_judge_fn(void *ctx, const struct platform *facts, bool window_only);

/*
 * Edit each fact of the file, one at a time, and judge.  Returns how many edits make a recording
 * PROVEN or VIOLATED that is not so with its own facts, and prints them; *made counts all.
 */
int edits_of(const char *path, const char *facts, edits_judge_fn *judge, void *ctx, uint64_t *made);

#endif
