/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_KERNEL_EVENTS_H
#define CCAIO_LIB_EVIDENCE_KERNEL_EVENTS_H

#include <stddef.h>
#include <stdint.h>

/*
 * kernel-events - the kernel's events that the claims are decided from, each in this one place.
 *
 * The coverage condition events-armed asks for them, the self-check and the tests' streams claim
 * to have them, and a unit test looks for the decoding rule of each (collectors/decode/table.c).
 */

/* Kernels that have the event. */
enum kernel_event_had {
	HAD_ALL,
	HAD_OLD_NAMES, /* with dma_map_page: map_resource went when it became dma_map_phys (6.18) */
	HAD_DIRECTED,  /* whose dma_alloc names a direction: the first, early 6.12, had no others */
	HAD_PROBED,    /* without dma events, where ccaio's own probes stand in for them */
};

#define KERNEL_EVENT_NAMES 3

/*
 * Alternatives, old and new names of one event; one of them is needed.  Group ccaio: what its
 * own probes report on kernels without dma events, from the start of the recording on.
 */
struct kernel_event {
	uint8_t kind; /* enum event_kind that it is decoded to */
	enum kernel_event_had had;
	const char *system;		       /* of the first name */
	const char *names[KERNEL_EVENT_NAMES]; /* "system:event"; NULL: no further one */
};

const struct kernel_event *kernel_events(size_t *count);

/* "dma_map_phys" of "dma:dma_map_phys". */
const char *kernel_event_short(const char *name);

#endif
