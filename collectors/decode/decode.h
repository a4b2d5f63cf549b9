/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_DECODE_DECODE_H
#define CCAIO_COLLECTORS_DECODE_DECODE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/evidence/event.h"

struct names;
struct stream_format;

/*
 * decode - binary trace records into struct event.
 *
 * Which events are understood is a table in decode-table.c.  Each format that the evidence
 * brings is bound to it by system and name, and its fields by their names: to
 * offsets and sizes, never by kernel version.  An event of the table whose
 * format lacks a needed field, an event of systems swiotlb or dma that the table does not
 * know, and a record of a type without format all give EVENT_UNDECODED; other
 * events that the table does not know give nothing.
 */
struct decode;

/*
 * names is borrowed and gets the device and event names.  page_size: bytes in a page of
 * the traced kernel (for probes that count pages).
 */
struct decode *decode_new(struct names *names, uint32_t page_size);
void decode_free(struct decode *decode); /* accepts NULL */

/* Learn one format text.  What is no format is ignored: its records will be undecoded. */
void decode_add(struct decode *decode, const char *system, const char *text, size_t len);

/*
 * The symbol table of the traced kernel, lines of /proc/kallsyms: for the text of its stacks.
 * Borrowed, and looked at where there is a stack.
 */
void decode_set_symbols(struct decode *decode, const char *text, size_t len);

/* Readers of records must make this many bytes behind each record readable (any content). */
#define DECODE_SLACK 8

/* One record as it lies in a ring-buffer page, with what its page and buffer tell. */
struct decode_record {
	const uint8_t *data; /* common_type first */
	uint32_t len;
	uint16_t cpu;
	uint16_t comm;
	int32_t pid;
	uint64_t ts_ns;
	/*
	 * Set to 0 before the first call for a record.  Not 0 after a call: out
	 * was full and the next call goes on (scatter-gather).
	 */
	uint32_t resume;
};

/* Decode into out, of max (>= 1) events.  Returns how many, possibly 0. */
size_t decode_record(struct decode *decode, struct decode_record *record, struct event *out,
		     size_t max);

/* common_pid of a record of at least 8 bytes. */
static inline int32_t decode_pid(const uint8_t *data)
{
	int32_t pid;

	__builtin_memcpy(&pid, data + 4, sizeof(pid));
	return pid;
}

/* All formats seen, in the order of decode_add().  The array and its strings go to the caller. */
struct stream_format *decode_take_formats(struct decode *decode, size_t *count);

#endif
