/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_COMPARE_H
#define CCAIO_REPORTS_COMPARE_H

#include <stdbool.h>
#include <stdio.h>

struct verdict_diff;

/*
 * compare - what changed between two runs, for a person: what is worse first.
 * only_worse leaves the rest out.
 */
void compare_write(FILE *out, const struct verdict_diff *diff, bool colour, bool only_worse);

#endif
