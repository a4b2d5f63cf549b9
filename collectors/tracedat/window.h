/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEDAT_WINDOW_H
#define CCAIO_COLLECTORS_TRACEDAT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/tracedat/file.h"
#include "lib/base/err.h"

struct tracedat_ahead;

/*
 * What all windows of one file may still allocate together.  Real files need a
 * few hundred KiB per CPU; a hostile one of 1 MiB can hold a thousand CPUs with 16 MiB each.
 */
struct tracedat_room {
	_Atomic size_t left;
};

#define TRACEDAT_ROOM (256u << 20)

/* One piece of a CPU's data in memory. */
struct tracedat_piece {
	uint8_t *data; /* whole pages, and DECODE_SLACK bytes behind them */
	size_t len, room;
	int rc; /* 1, 0 at the end, -errno */
};

/*
 * tracedat_window - one CPU's pages, unpacked, a piece at a time: so many bytes of the
 * file, or one compressed chunk.
 */
struct tracedat_window {
	struct tracedat_piece piece; /* after tracedat_window_next() returned 1 */
	uint64_t at;		     /* its offset in the CPU's unpacked data */

	/* private */
	const struct tracedat_file *file;
	const struct tracedat_buffer *buffer;
	const struct tracedat_data *where;
	struct tracedat_room *room;
	size_t size;	   /* bytes to read at once where nothing is compressed */
	uint64_t file_pos; /* next byte to read in the file */
	uint64_t chunks;   /* compressed chunks left */
	uint8_t *packed;
	size_t packed_room;
	struct tracedat_unzip zip;

	struct tracedat_ahead *ahead; /* fills the next piece meanwhile; NULL: nobody does */
	struct tracedat_piece next;
	struct err next_err;
	bool posted, filled; /* under the lock of ahead */
};

/*
 * size: bytes to read at once, rounded to pages.  ahead may be NULL.  Everything is borrowed
 * until release, which must come after tracedat_ahead_free().
 */
void tracedat_window_init(struct tracedat_window *window, const struct tracedat_file *file,
			  const struct tracedat_buffer *buffer, const struct tracedat_data *where,
			  size_t size, struct tracedat_room *room, struct tracedat_ahead *ahead);
void tracedat_window_release(struct tracedat_window *window);

/* Go to the next piece: 1, 0 at the end, -errno with a sentence in err. */
int tracedat_window_next(struct tracedat_window *window, struct err *err);

/* Read and unpack the next piece into piece.  For tracedat_ahead. */
int tracedat_window_fill(struct tracedat_window *window, struct tracedat_piece *piece,
			 struct err *err);

/*
 * tracedat_ahead - a thread that unpacks the next piece of each window while
 * the pieces before are decoded.
 *
 * Returns NULL where there can be no thread: then everything works without.
 */
struct tracedat_ahead *tracedat_ahead_new(size_t windows);
void tracedat_ahead_free(struct tracedat_ahead *ahead); /* accepts NULL */

/* Have window->next filled.  To be waited for before it is posted again. */
void tracedat_ahead_post(struct tracedat_ahead *ahead, struct tracedat_window *window);
void tracedat_ahead_wait(struct tracedat_ahead *ahead, struct tracedat_window *window);

#endif
