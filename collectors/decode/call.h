/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_DECODE_CALL_H
#define CCAIO_COLLECTORS_DECODE_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/evidence/event.h"

/*
 * decode_calls - DMA events out of the entries and returns of the kernel's functions.
 *
 * For kernels without dma events (before 6.12), whose return probes see only
 * what is returned: the arguments come with the probe at the entry.  The two are
 * put together per task (the idle tasks: per CPU), where calls nest: an interrupt
 * that maps while its task maps returns first.  What a map was bounced to comes
 * from the call of swiotlb_map() within it.
 *
 * What cannot be put together becomes EVENT_UNDECODED, never nothing.
 */
enum decode_call {
	DECODE_CALL_MAP = 1,  /* dma_map_page_attrs */
	DECODE_CALL_BOUNCE,   /* swiotlb_map */
	DECODE_CALL_MAP_SG,   /* dma_direct_map_sg: entries are reported by the bounces within */
	DECODE_CALL_UNMAP_SG, /* dma_unmap_sg_attrs: by the releases within */
	DECODE_CALL_ALLOC,    /* dma_alloc_attrs; what it returns is not the device's address */
};

struct decode_calls;

struct decode_calls *decode_calls_new(void);
void decode_calls_free(struct decode_calls *calls); /* accepts NULL */

/*
 * A function was entered; entry has its arguments (and of a scatter-gather
 * call the number of entries in aux).  Returns how many events it put into
 * out: 0, or 1 when there is no room to remember it.
 */
size_t decode_call_enter(struct decode_calls *calls, enum decode_call call,
			 const struct event *entry, struct event *out);

/*
 * It returned; leave->dma is what it returned.  Returns how many events it put into out, 0 or 1;
 * *again: call once more with the same arguments for the next one.
 */
size_t decode_call_leave(struct decode_calls *calls, enum decode_call call,
			 const struct event *leave, struct event *out, bool *again);

/* A bounce buffer was released: an unmapped entry of the scatter-gather call around it, if any. */
size_t decode_call_release(struct decode_calls *calls, const struct event *release,
			   struct event *out);

#endif
