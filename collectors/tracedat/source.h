/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEDAT_SOURCE_H
#define CCAIO_COLLECTORS_TRACEDAT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "collectors/tracedat/file.h"

/*
 * source - a place to read from in order: a range of the file, or an unpacked section.
 * The first failure is kept and every later read fails with it,
 * so that one look at rc after several reads is enough.
 */
struct source {
	struct tracedat_file *file;
	const uint8_t *mem; /* NULL: the file itself */
	uint64_t pos, end;
	const char *what; /* what is being read, for messages */
	int rc;
	struct err *err;
};

/* Say that what is being read is cut short or damaged.  Returns src->rc. */
int source_cut(struct source *src);

/* The next size bytes.  Each returns src->rc where it returns an int. */
int source_get(struct source *src, void *buf, uint64_t size);
int source_skip(struct source *src, uint64_t size);

/* Little-endian number of size bytes; 0 after a failure. */
uint64_t source_num(struct source *src, unsigned int size);

/* NUL-terminated string of fewer than size bytes into buf. */
int source_str(struct source *src, char *buf, size_t size);

/* The next size bytes, at most max, with a NUL behind them; NULL after a failure.  To be freed. */
char *source_text(struct source *src, uint64_t size, uint64_t max);

/* These bytes, of which there are at most 16, must come next. */
int source_expect(struct source *src, const char *word, size_t size);

#endif
