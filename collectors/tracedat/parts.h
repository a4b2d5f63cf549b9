/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEDAT_PARTS_H
#define CCAIO_COLLECTORS_TRACEDAT_PARTS_H

#include <stdint.h>

#include "collectors/tracedat/file.h"
#include "collectors/tracedat/source.h"

/*
 * tracedat_parts - the parts of which both versions of the format are made, and what
 * puts them together in each.  Each reads from src, leaves it behind its part, and
 * returns src->rc.
 */

#define TRACEDAT_MAX_TEXT (8u << 20) /* header_page, saved_cmdlines, one option */
#define TRACEDAT_MAX_NAME 256	     /* of an instance, a clock, a system */
#define TRACEDAT_MAX_PAGE (16u << 20)

/* Options that a reader looks into, by number: trace-cmd.dat.v7(5). */
enum {
	OPTION_DONE = 0,
	OPTION_CPUSTAT = 2,
	OPTION_BUFFER = 3,
	OPTION_TRACECLOCK = 4,
	OPTION_UNAME = 5,
	OPTION_VERSION = 9,
	OPTION_HEADER_INFO = 16, /* from here on: where a section of the same number is */
	OPTION_FTRACE_EVENTS = 17,
	OPTION_EVENT_FORMATS = 18,
	OPTION_KALLSYMS = 19,
	OPTION_CMDLINES = 21,
};

int parts_header(struct source *src); /* header_page and header_event */
int parts_ftrace(struct source *src, tracedat_format_fn format, void *arg);
int parts_formats(struct source *src, tracedat_format_fn format, void *arg);
int parts_kallsyms(struct source *src); /* what is longer than MAX_SYMBOLS is left out */
int parts_cmdlines(struct source *src);

/* Take what an option of text says.  Others are ignored. */
void parts_option(struct tracedat_file *file, unsigned int id, const char *text);

/* "[local] global counter": the word in brackets; of a text without, the first.  To be freed. */
char *parts_clock(const char *text);

/* A new, empty buffer.  Borrowed, until the next one.  NULL when there are too many. */
struct tracedat_buffer *parts_buffer(struct source *src);

/* Remember where a CPU's pages lie, having checked that the file reaches that far. */
int parts_data(struct source *src, struct tracedat_buffer *buffer, uint64_t cpu, uint64_t offset,
	       uint64_t size);

/* All that stands behind the page size in the file header. */
int tracedat_read_v6(struct source *src, tracedat_format_fn format, void *arg);
int tracedat_read_v7(struct source *src, tracedat_format_fn format, void *arg);

#endif
