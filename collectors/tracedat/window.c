/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat/window.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "collectors/decode/decode.h"
#include "lib/base/xalloc.h"

#define MAX_CHUNK (16u << 20) /* unpacked; trace-cmd writes 10 pages */
#define CHUNK_COUNT 4	      /* the number of chunks, in front of them */

static int bad_chunk(const struct tracedat_window *window, struct err *err)
{
	return err_set(err, EBADMSG,
		       "%s: CPU %u: the compressed pages at offset %" PRIu64
		       " of the file are damaged",
		       window->file->path, window->where->cpu, window->file_pos);
}

static uint64_t data_end(const struct tracedat_window *window)
{
	return window->where->offset + window->where->size;
}

/* trace-cmd 3.1 does not count the number of chunks into the size, 3.3 does. */
static uint64_t chunks_end(const struct tracedat_window *window)
{
	uint64_t end = data_end(window) + CHUNK_COUNT;

	return end < window->file->size ? end : window->file->size;
}

static int make_room(struct tracedat_window *window, uint8_t **p, size_t *room, size_t size,
		     struct err *err)
{
	_Atomic size_t *left = &window->room->left;

	if (size <= *room)
		return 0;
	*left += *room;
	free(*p);
	*p = NULL;
	*room = 0;
	/* two threads may be here at once: take first, give back what was too much */
	if (atomic_fetch_sub(left, size) < size) {
		*left += size;
		return err_set(err, EBADMSG, "%s cannot be unpacked in %u MiB; the file is damaged",
			       window->file->path, TRACEDAT_ROOM >> 20);
	}
	*p = xcalloc(1, size + DECODE_SLACK);
	*room = size;
	return 0;
}

/* Little-endian 32-bit numbers in front of chunks. */
static int chunk_numbers(struct tracedat_window *window, uint32_t *numbers, size_t count,
			 struct err *err)
{
	size_t size = count * sizeof(*numbers);
	int rc;

	if (size > chunks_end(window) - window->file_pos)
		return bad_chunk(window, err);
	rc = tracedat_file_pread(window->file, numbers, size, window->file_pos, err);
	window->file_pos += size;
	return rc;
}

/* Unpack the next chunk: 1, or 0 at the end. */
static int fill_unpack(struct tracedat_window *window, struct tracedat_piece *piece,
		       struct err *err)
{
	uint32_t sizes[2], chunks; /* packed, unpacked */
	int rc;

	if (window->file_pos == window->where->offset) {
		rc = chunk_numbers(window, &chunks, 1, err);
		if (rc < 0)
			return rc;
		window->chunks = chunks;
	}
	if (!window->chunks)
		return window->file_pos >= data_end(window) ? 0 : bad_chunk(window, err);
	window->chunks--;
	rc = chunk_numbers(window, sizes, 2, err);
	if (rc < 0)
		return rc;
	if (sizes[0] > chunks_end(window) - window->file_pos || !sizes[1] || sizes[1] > MAX_CHUNK ||
	    sizes[1] % window->buffer->page_size)
		return bad_chunk(window, err);
	rc = make_room(window, &window->packed, &window->packed_room, sizes[0], err);
	if (rc == 0)
		rc = make_room(window, &piece->data, &piece->room, sizes[1], err);
	if (rc < 0)
		return rc;
	rc = tracedat_file_pread(window->file, window->packed, sizes[0], window->file_pos, err);
	if (rc < 0)
		return rc;
	if (tracedat_unzip(&window->zip, piece->data, sizes[1], window->packed, sizes[0]) < 0)
		return bad_chunk(window, err);
	window->file_pos += sizes[0];
	piece->len = sizes[1];
	return 1;
}

static int fill_read(struct tracedat_window *window, struct tracedat_piece *piece, struct err *err)
{
	uint64_t left = data_end(window) - window->file_pos;
	size_t size = left < window->size ? (size_t)left : window->size;
	int rc;

	if (!size)
		return 0;
	if (size % window->buffer->page_size)
		return err_set(err, EBADMSG,
			       "%s: CPU %u: its data does not end with a whole page of %u bytes; "
			       "the file is damaged",
			       window->file->path, window->where->cpu, window->buffer->page_size);
	rc = make_room(window, &piece->data, &piece->room, size, err);
	if (rc < 0)
		return rc;
	rc = tracedat_file_pread(window->file, piece->data, size, window->file_pos, err);
	if (rc < 0)
		return rc;
	window->file_pos += size;
	piece->len = size;
	return 1;
}

int tracedat_window_fill(struct tracedat_window *window, struct tracedat_piece *piece,
			 struct err *err)
{
	piece->len = 0;
	if (!window->where->size)
		piece->rc = 0;
	else if (window->buffer->compressed)
		piece->rc = fill_unpack(window, piece, err);
	else
		piece->rc = fill_read(window, piece, err);
	return piece->rc;
}

int tracedat_window_next(struct tracedat_window *window, struct err *err)
{
	struct tracedat_piece piece;

	window->at += window->piece.len;
	if (!window->ahead)
		return tracedat_window_fill(window, &window->piece, err);
	if (!window->posted)
		tracedat_ahead_post(window->ahead, window);
	tracedat_ahead_wait(window->ahead, window);
	piece = window->piece;
	window->piece = window->next;
	window->next = piece;
	if (window->piece.rc > 0)
		tracedat_ahead_post(window->ahead, window);
	else if (err)
		*err = window->next_err;
	return window->piece.rc;
}

void tracedat_window_init(struct tracedat_window *window, const struct tracedat_file *file,
			  const struct tracedat_buffer *buffer, const struct tracedat_data *where,
			  size_t size, struct tracedat_room *room, struct tracedat_ahead *ahead)
{
	size_t pages = size / buffer->page_size;

	*window = (struct tracedat_window){
		.file = file,
		.buffer = buffer,
		.where = where,
		.room = room,
		.size = (pages ? pages : 1) * buffer->page_size,
		.file_pos = where->offset,
		.zip = { .kind = file->zip },
		.ahead = ahead,
	};
}

void tracedat_window_release(struct tracedat_window *window)
{
	free(window->piece.data);
	free(window->next.data);
	free(window->packed);
	tracedat_unzip_release(&window->zip);
}
