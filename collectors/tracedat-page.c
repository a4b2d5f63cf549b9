/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat-page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/decode.h"
#include "lib/err.h"
#include "lib/xalloc.h"

#define MAX_CHUNK (16u << 20) /* unpacked; trace-cmd writes 10 pages */

/* In the page's commit word (kernel/trace/ring_buffer.c). */
#define LOST_EVENTS (UINT64_C(1) << 31)
#define LOST_STORED (UINT64_C(1) << 30)

static int bad_page(struct tracedat_cpu *cpu, const uint8_t *at, const char *what, struct err *err)
{
	uint64_t offset = cpu->window_at + (uint64_t)(at - cpu->window);

	return err_set(err, EBADMSG,
		       "%s: CPU %u: %s at offset %" PRIu64 " of %s; the file is damaged",
		       cpu->file->path, cpu->where->cpu, what,
		       cpu->buffer->compressed ? offset : cpu->where->offset + offset,
		       cpu->buffer->compressed ? "its unpacked pages" : "the file");
}

static int bad_chunk(const struct tracedat_cpu *cpu, struct err *err)
{
	return err_set(err, EBADMSG,
		       "%s: CPU %u: the compressed pages at offset %" PRIu64
		       " of the file are damaged",
		       cpu->file->path, cpu->where->cpu, cpu->file_pos);
}

#define CHUNK_COUNT 4 /* the number of chunks, in front of them */

static uint64_t data_end(const struct tracedat_cpu *cpu)
{
	return cpu->where->offset + cpu->where->size;
}

/* trace-cmd 3.1 does not count the number of chunks into the size, 3.3 does. */
static uint64_t chunks_end(const struct tracedat_cpu *cpu)
{
	uint64_t end = data_end(cpu) + CHUNK_COUNT;

	return end < cpu->file->size ? end : cpu->file->size;
}

static void window_room(struct tracedat_cpu *cpu, size_t size)
{
	if (size <= cpu->window_size && cpu->window)
		return;
	free(cpu->window);
	cpu->window = xcalloc(1, size + DECODE_SLACK);
	cpu->window_size = size;
}

/* Little-endian 32-bit numbers in front of chunks. */
static int chunk_numbers(struct tracedat_cpu *cpu, uint32_t *numbers, size_t count, struct err *err)
{
	size_t size = count * sizeof(*numbers);
	int rc;

	if (size > chunks_end(cpu) - cpu->file_pos)
		return bad_chunk(cpu, err);
	rc = tracedat_file_pread(cpu->file, numbers, size, cpu->file_pos, err);
	cpu->file_pos += size;
	return rc;
}

/* Unpack the next chunk into the window: 1, or 0 at the end. */
static int window_unpack(struct tracedat_cpu *cpu, struct err *err)
{
	uint32_t sizes[2]; /* packed, unpacked */
	int rc;

	if (cpu->file_pos == cpu->where->offset) {
		uint32_t chunks;

		rc = chunk_numbers(cpu, &chunks, 1, err);
		if (rc < 0)
			return rc;
		cpu->chunks = chunks;
	}
	if (!cpu->chunks)
		return cpu->file_pos >= data_end(cpu) ? 0 : bad_chunk(cpu, err);
	cpu->chunks--;
	rc = chunk_numbers(cpu, sizes, 2, err);
	if (rc < 0)
		return rc;
	if (sizes[0] > chunks_end(cpu) - cpu->file_pos || !sizes[1] || sizes[1] > MAX_CHUNK ||
	    sizes[1] % cpu->page_size)
		return bad_chunk(cpu, err);
	if (sizes[0] > cpu->packed_size) {
		free(cpu->packed);
		cpu->packed = xcalloc(1, sizes[0]);
		cpu->packed_size = sizes[0];
	}
	window_room(cpu, sizes[1]);
	rc = tracedat_file_pread(cpu->file, cpu->packed, sizes[0], cpu->file_pos, err);
	if (rc < 0)
		return rc;
	if (tracedat_unzip(&cpu->zip, cpu->window, sizes[1], cpu->packed, sizes[0]) < 0)
		return bad_chunk(cpu, err);
	cpu->file_pos += sizes[0];
	cpu->window_len = sizes[1];
	return 1;
}

static int window_read(struct tracedat_cpu *cpu, struct err *err)
{
	uint64_t left = data_end(cpu) - cpu->file_pos;
	size_t size = left < cpu->window_size ? (size_t)left : cpu->window_size;
	int rc;

	if (!size)
		return 0;
	if (size % cpu->page_size)
		return err_set(err, EBADMSG,
			       "%s: CPU %u: its data does not end with a whole page of %u bytes; "
			       "the file is damaged",
			       cpu->file->path, cpu->where->cpu, cpu->page_size);
	window_room(cpu, size);
	rc = tracedat_file_pread(cpu->file, cpu->window, size, cpu->file_pos, err);
	if (rc < 0)
		return rc;
	cpu->file_pos += size;
	cpu->window_len = size;
	return 1;
}

int tracedat_cpu_window(struct tracedat_cpu *cpu, struct err *err)
{
	cpu->window_at += cpu->window_len;
	cpu->window_pos = cpu->window_len = 0;
	if (!cpu->where->size)
		return 0;
	return cpu->buffer->compressed ? window_unpack(cpu, err) : window_read(cpu, err);
}

static uint64_t number(const uint8_t *p, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, p, size);
	return value;
}

/* Open the next page.  Returns 1, or 0 at the end of the data; *lost: events are missing here. */
static int page_open(struct tracedat_cpu *cpu, bool *lost, struct err *err)
{
	const struct tracedat_layout *layout = &cpu->file->layout;
	uint32_t room = cpu->page_size - layout->data_off;
	uint64_t commit, size;
	const uint8_t *page;

	if (cpu->window_pos == cpu->window_len) {
		int rc = tracedat_cpu_window(cpu, err);

		if (rc <= 0)
			return rc;
	}
	page = cpu->window + cpu->window_pos;
	cpu->window_pos += cpu->page_size;
	cpu->clock = number(page + layout->time_off, 8);
	/* a flag in the sign bit of an int: the upper half of a long is all ones or all zeroes */
	commit = (uint32_t)number(page + layout->commit_off, layout->commit_size);
	size = commit & ~(LOST_EVENTS | LOST_STORED);
	if (size > room)
		return bad_page(cpu, page, "a page with an impossible length", err);
	cpu->pos = page + layout->data_off;
	cpu->end = cpu->pos + size;
	*lost = commit & LOST_EVENTS;
	cpu->lost = 0;
	if (*lost && (commit & LOST_STORED)) {
		if (size + layout->commit_size > room)
			return bad_page(cpu, page, "a page with an impossible length", err);
		cpu->lost = number(cpu->end, layout->commit_size);
	}
	return 1;
}

/* An absolute time has 59 bits; the upper 5 are those of the time before (rb_fix_abs_ts()). */
static uint64_t absolute_time(uint64_t stamp, uint64_t before)
{
	const uint64_t upper = UINT64_C(0x1f) << 59;

	if (before & upper) {
		stamp |= before & upper;
		if (stamp < before)
			stamp += UINT64_C(1) << 59;
	}
	return stamp;
}

/*
 * One record at pos.  Returns 1 when it is an event, 0 when it only moves the
 * clock or pads, or what bad_page() says.
 */
static int record_parse(struct tracedat_cpu *cpu, struct err *err)
{
	size_t room = (size_t)(cpu->end - cpu->pos);
	const uint8_t *pos = cpu->pos;
	uint32_t head, type, delta;
	uint64_t word = 0, len;

	if (room < 4)
		return bad_page(cpu, pos, "a record that is cut short", err);
	head = (uint32_t)number(pos, 4);
	type = head & 31;
	delta = head >> 5;
	if (type == TRACEDAT_PADDING && !delta) {
		cpu->pos = cpu->end; /* the rest of the page is empty */
		return 0;
	}
	if (type == 0 || type > TRACEDAT_DATA_MAX) {
		if (room < 8)
			return bad_page(cpu, pos, "a record that is cut short", err);
		word = number(pos + 4, 4);
	}
	switch (type) {
	case TRACEDAT_PADDING: /* an event that its writer took back; 1 stands for no time at all */
		len = 4 + word;
		cpu->clock += delta == 1 ? 0 : delta;
		break;
	case TRACEDAT_TIME_EXTEND:
		len = 8;
		cpu->clock += word << 27 | delta;
		break;
	case TRACEDAT_TIME_STAMP:
		len = 8;
		cpu->clock = absolute_time(word << 27 | delta, cpu->clock);
		break;
	case 0: /* the word counts itself */
		len = 4 + ((word + 3) & ~UINT64_C(3));
		cpu->clock += delta;
		cpu->data = pos + 8;
		cpu->len = (uint32_t)len - 8;
		break;
	default:
		len = 4 + 4 * type;
		cpu->clock += delta;
		cpu->data = pos + 4;
		cpu->len = (uint32_t)len - 4;
		break;
	}
	if (len > room || len < (type && type <= TRACEDAT_DATA_MAX ? 4 : 8))
		return bad_page(cpu, pos, "a record with an impossible length", err);
	cpu->pos = pos + len;
	return type <= TRACEDAT_DATA_MAX;
}

int tracedat_cpu_rare(struct tracedat_cpu *cpu, struct err *err)
{
	bool lost;
	int rc;

	for (;;) {
		if (cpu->pos == cpu->end) {
			rc = page_open(cpu, &lost, err);
			if (rc <= 0)
				return rc;
			if (lost) {
				cpu->data = NULL;
				cpu->len = 0;
				tracedat_cpu_stamp(cpu);
				return 1;
			}
			continue;
		}
		rc = record_parse(cpu, err);
		if (rc < 0)
			return rc;
		if (rc) {
			tracedat_cpu_stamp(cpu);
			return 1;
		}
	}
}

void tracedat_cpu_init(struct tracedat_cpu *cpu, const struct tracedat_file *file,
		       const struct tracedat_buffer *buffer, const struct tracedat_data *where,
		       size_t window_size)
{
	size_t pages = window_size / buffer->page_size;

	*cpu = (struct tracedat_cpu){
		.file = file,
		.buffer = buffer,
		.where = where,
		.page_size = buffer->page_size,
		.window_size = (pages ? pages : 1) * buffer->page_size,
		.file_pos = where->offset,
		.zip = { .kind = file->zip },
	};
}

void tracedat_cpu_release(struct tracedat_cpu *cpu)
{
	free(cpu->window);
	free(cpu->packed);
	tracedat_unzip_release(&cpu->zip);
}
