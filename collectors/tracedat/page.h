/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEDAT_PAGE_H
#define CCAIO_COLLECTORS_TRACEDAT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/tracedat/window.h"

struct err;

/*
 * tracedat_cpu - one CPU's ring-buffer pages, record by record.
 *
 * The page format is that of the kernel's ring buffer (kernel/trace/ring_buffer.c:
 * struct buffer_data_page, rb_update_read_stamp(), rb_read_data_buffer()).
 */
struct tracedat_cpu {
	/* the current record, after tracedat_cpu_next() returned 1 */
	const uint8_t *data; /* NULL: events are missing here, lost says how many */
	uint32_t len;
	uint64_t ts_ns;
	uint64_t lost; /* 0 unknown */

	/* private */
	const uint8_t *pos, *end; /* records of the current page */
	uint64_t clock;		  /* time of the record last parsed */
	uint32_t page_size;
	uint64_t unordered; /* times that went back; public after the end */
	size_t page_at;	    /* of the next page in the window's piece */
	struct tracedat_window window;
};

/* As tracedat_window_init(). */
void tracedat_cpu_init(struct tracedat_cpu *cpu, const struct tracedat_file *file,
		       const struct tracedat_buffer *buffer, const struct tracedat_data *where,
		       size_t window_size, struct tracedat_room *room,
		       struct tracedat_ahead *ahead);
void tracedat_cpu_release(struct tracedat_cpu *cpu);

/* tracedat_cpu_next() for everything unusual. */
int tracedat_cpu_rare(struct tracedat_cpu *cpu, struct err *err);

/* Types of a record's header (struct ring_buffer_event). */
enum { TRACEDAT_DATA_MAX = 28, TRACEDAT_PADDING, TRACEDAT_TIME_EXTEND, TRACEDAT_TIME_STAMP };

static inline void tracedat_cpu_stamp(struct tracedat_cpu *cpu)
{
	if (__builtin_expect(cpu->clock < cpu->ts_ns, 0))
		cpu->unordered++;
	else
		cpu->ts_ns = cpu->clock;
}

/*
 * Go to the next record: 1, 0 at the end, -errno with a sentence in err.
 * Inline for the case that makes up a trace: a short record on the current page.
 */
static inline int tracedat_cpu_next(struct tracedat_cpu *cpu, struct err *err)
{
	const uint8_t *pos = cpu->pos;
	uint32_t head, len;

	if (__builtin_expect((size_t)(cpu->end - pos) < 4, 0))
		return tracedat_cpu_rare(cpu, err);
	__builtin_memcpy(&head, pos, sizeof(head));
	len = (head & 31) * 4;
	if (__builtin_expect(
		    len - 4 > 4 * TRACEDAT_DATA_MAX - 4 || len > (size_t)(cpu->end - pos) - 4, 0))
		return tracedat_cpu_rare(cpu, err);
	cpu->clock += head >> 5;
	tracedat_cpu_stamp(cpu);
	cpu->data = pos + 4;
	cpu->len = len;
	cpu->pos = pos + 4 + len;
	return 1;
}

#endif
