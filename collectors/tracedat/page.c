/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat/page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/decode/decode.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

/* In the page's commit word (kernel/trace/ring_buffer.c). */
#define LOST_EVENTS (UINT64_C(1) << 31)
#define LOST_STORED (UINT64_C(1) << 30)

static int bad_page(struct tracedat_cpu *cpu, const uint8_t *at, const char *what, struct err *err)
{
	const struct tracedat_window *window = &cpu->window;
	bool packed = window->buffer->compressed;
	uint64_t offset = window->at + (uint64_t)(at - window->piece.data);

	return err_set(err, EBADMSG,
		       "%s: CPU %u: %s at offset %" PRIu64 " of %s; the file is damaged",
		       window->file->path, window->where->cpu, what,
		       packed ? offset : window->where->offset + offset,
		       packed ? "its unpacked pages" : "the file");
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
	const struct tracedat_layout *layout = &cpu->window.file->layout;
	uint32_t room = cpu->page_size - layout->data_off;
	uint64_t commit, size;
	const uint8_t *page;

	if (cpu->page_at == cpu->window.piece.len) {
		int rc = tracedat_window_next(&cpu->window, err);

		if (rc <= 0)
			return rc;
		cpu->page_at = 0;
	}
	page = cpu->window.piece.data + cpu->page_at;
	cpu->page_at += cpu->page_size;
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
		len = word < 4 ? 0 : 4 + ((word + 3) & ~UINT64_C(3));
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
		       size_t window_size, struct tracedat_room *room, struct tracedat_ahead *ahead)
{
	*cpu = (struct tracedat_cpu){ .page_size = buffer->page_size };
	tracedat_window_init(&cpu->window, file, buffer, where, window_size, room, ahead);
}

void tracedat_cpu_release(struct tracedat_cpu *cpu)
{
	tracedat_window_release(&cpu->window);
}
