/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_EXCHANGES_H
#define CCAIO_REPORTS_EXCHANGES_H

#include <stdio.h>

struct exchange;
struct exchanges;
struct rows;

/*
 * exchanges - what the application said and which buffers carried it, as text.
 *
 * The program's exchanges, then the block requests, then what belongs to nobody.
 * verbosity above 0: also those of others, each transfer that is kept, and all sums.
 */
void exchanges_text(FILE *out, const struct rows *rows, int verbosity);

/* One exchange on one line, for ccaio trace --live. */
void exchanges_line(FILE *out, const struct exchanges *x, const struct exchange *e);
/* The same as one line of JSON. */
void exchanges_json_line(FILE *out, const struct exchanges *x, const struct exchange *e);

#endif
