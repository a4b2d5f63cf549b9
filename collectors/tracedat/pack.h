/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEDAT_PACK_H
#define CCAIO_COLLECTORS_TRACEDAT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * tracedat_pack - records into ring-buffer pages of 4 KiB, as the kernel lays them out.
 *
 * For one CPU.  What a recording needs that no kernel made: tests, the bounce path.
 */
#define TRACEDAT_PACK_PAGE 4096
#define TRACEDAT_PACK_MAX 4000 /* longest record */

/* Takes one whole page.  Returns 0, or -errno with a sentence in err. */
typedef int (*tracedat_page_fn)(void *arg, const void *page, size_t size, struct err *err);

struct tracedat_pack {
	uint8_t page[TRACEDAT_PACK_PAGE];
	size_t used; /* 0: no page begun */
	uint64_t clock;
	bool lost;
	uint64_t lost_count;
	tracedat_page_fn page_fn;
	void *arg;
};

void tracedat_pack_init(struct tracedat_pack *pack, tracedat_page_fn page_fn, void *arg);

/*
 * Append a record.  Times may go back (as they may in a damaged recording).  Returns 0; -EINVAL
 * when it is longer than TRACEDAT_PACK_MAX; what page_fn said.
 */
int tracedat_pack_record(struct tracedat_pack *pack, uint64_t ts_ns, const void *record, size_t len,
			 struct err *err);

/* Say at this place that count events (0: unknown how many) were lost. */
int tracedat_pack_lost(struct tracedat_pack *pack, uint64_t count, struct err *err);

/* Hand out the page begun, if any. */
int tracedat_pack_flush(struct tracedat_pack *pack, struct err *err);

/* The header_page and header_event texts that describe these pages. */
extern const char tracedat_pack_header_page[];
extern const char tracedat_pack_header_event[];

#endif
