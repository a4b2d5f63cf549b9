/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EXCHANGE_JSON_H
#define CCAIO_LIB_EXCHANGE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/json/table.h"

struct exchanges;

/*
 * exchange-json - exchanges.json, schema ccaio.exchanges/1.
 *
 * What packets reported is evidence and is read back; what the correlation made of it
 * (owners, transfers, sums) is written for readers, and made again from the events
 * by whoever verifies.
 */
void exchanges_write(FILE *out, const struct exchanges *x);

/* The same as a member of a document that is being written. */
void exchanges_write_member(struct jwriter *w, const char *key, const struct exchanges *x);

/*
 * Read what packets reported: connections, exchanges, interfaces, the program's processes.  With
 * derived, also what the correlation made of it: for showing it again, never for judging.  NULL
 * with err set when the text is malformed or contradicts itself.
 *
 * The file may be longer than memory: text of it is in memory one connection or exchange at a
 * time, and what is kept of them is bounded by twice EXCHANGES_MEMORY.  open gives streams of it
 * from its beginning.
 */
struct exchanges *exchanges_load(FILE *(*open)(void *ctx, struct err *err), void *ctx,
				 const char *name, bool derived, struct err *err);

extern const struct jrow exchanges_table[]; /* struct exchanges */

#endif
