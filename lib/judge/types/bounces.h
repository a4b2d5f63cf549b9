/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_TYPES_BOUNCES_H
#define CCAIO_LIB_JUDGE_TYPES_BOUNCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/event.h"

/*
 * bounces - the bounce events whose map event has not come yet.
 *
 * The kernel emits swiotlb_bounced before it takes a slot, and the map event after
 * (Linux kernel/dma/swiotlb.c, mapping.c).  At most MAX_BOUNCES wait; when one more
 * comes, the oldest is dropped and counted.
 */
#define MAX_BOUNCES 1024

struct bounce {
	uint64_t orig, size, seq;
	uint64_t prev_seq; /* the event of its CPU before it */
	int32_t pid;
	uint16_t cpu, dev;
	uint8_t context; /* struct event.context */
	bool passed;	 /* its task has mapped something else for the device since */
};

struct bounces {
	struct bounce *waiting; /* oldest first */
	size_t count, cap;
	uint64_t dropped;
};

enum pair { PAIR_NONE, PAIR_EXACT, PAIR_BY_ORDER };

void bounces_add(struct bounces *b, const struct bounce *new);
void bounces_free(struct bounces *b); /* its contents; not the struct itself */

/*
 * Take the bounce of this map: the newest of its device, buffer and task.  Where buffers do not
 * agree but the newest bounce is of this device, CPU, task and size (a bus that offsets DMA
 * addresses), it is the map's by order only.  own_only: only one of its buffer and size will do.
 */
enum pair bounces_take(struct bounces *b, const struct event *map, bool own_only,
		       struct bounce *out);

/* Take the bounce of this failed map; false where it had none. */
bool bounces_take_failed(struct bounces *b, const struct event *failed);

/*
 * Take those of this failed scatter-gather list, reported as a whole (EVENT_F_SG, EVENT_F_PROBE);
 * returns how many.
 */
size_t bounces_take_failed_list(struct bounces *b, const struct event *failed);

/*
 * On each map event, successful or not: bounces of that task still waiting belong to earlier
 * calls.
 */
void bounces_pass(struct bounces *b, const struct event *map);

#endif
