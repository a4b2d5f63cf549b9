/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_REPORTS_EXCHANGES_H
#define CCAIO_REPORTS_EXCHANGES_H

#include <stdio.h>

struct exchange;
struct exchanges;

/*
 * exchanges - what the application said and which buffers carried it, as text.
 *
 * The program's exchanges, then the block requests, then what belongs to nobody, then the
 * sums that do not agree.  verbose: also those of others, all sums, and each transfer.
 */
void exchanges_text(FILE *out, const struct exchanges *x, int verbosity);

/* One exchange on one line, for ccaio trace --live. */
void exchanges_line(FILE *out, const struct exchanges *x, const struct exchange *row);
/* The same as one line of JSON. */
void exchanges_json_line(FILE *out, const struct exchanges *x, const struct exchange *row);

#endif
