/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_METER_H
#define CCAIO_LIB_EVIDENCE_METER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/json/table.h"

/*
 * meter - what the kernel itself summed up of bouncing while a run was recorded (ccaio trace
 * --cost): the facts' member "meter".
 *
 * Copies are calls of swiotlb_bounce() (Linux kernel/dma/swiotlb.c), those of no byte included.
 * Nothing goes through the ring buffer, so copies and bytes are exact where missed is 0.
 */
enum meter_way { METER_OUT, METER_IN }; /* into the pool; back from it */
#define METER_WAYS 2

struct meter_copies {
	char *device; /* DMA device name */
	uint32_t way; /* enum meter_way */
	uint64_t copies, bytes;
};

struct meter {
	char *trouble; /* what was not counted, and why; NULL all was */
	struct meter_copies *copies;
	size_t ncopies;
	uint64_t call_ns; /* that a call of what counts took, as measured before; 0 unknown */
	uint64_t missed;  /* calls that were not counted */
	uint64_t busy_ns; /* CPU time that the machine did not idle meanwhile; 0 unknown */
};

extern const struct jrow meter_table[];
void meter_free(struct meter *meter); /* accepts NULL */

/*
 * Nanoseconds that copying so many bytes takes at least on a machine whose memcpy() took ns for
 * memcpy_bytes (struct platform, member memcpy); 0 unknown.  At most 2^62.
 */
uint64_t meter_least_ns(uint64_t memcpy_bytes, uint64_t memcpy_ns, uint64_t bytes);

/* The entry of this device (and way), made where there is none. */
struct meter_copies *meter_copies_of(struct meter *meter, const char *device, enum meter_way way);

/* Take off what had been counted before; what is left of nothing goes. */
void meter_subtract(struct meter *meter, const struct meter *before);

#endif
