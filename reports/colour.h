/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_COLOUR_H
#define CCAIO_REPORTS_COLOUR_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/verdict/verdict.h"

/* Colours of a terminal (ECMA-48 SGR), static strings. */
#define COLOUR_GREEN "\033[32m"
#define COLOUR_RED "\033[31m"
#define COLOUR_YELLOW "\033[33m"
#define COLOUR_BOLD "\033[1m"
#define COLOUR_RESET "\033[0m"

const char *colour_outcome(enum outcome o);
const char *colour_claim(enum claim_state s);
const char *colour_cond(enum cond_state s); /* "" where none fits */

/* text in this colour where on is set. */
void colour_print(FILE *out, bool on, const char *colour, const char *text);

#endif
