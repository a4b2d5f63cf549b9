/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_VIRTIO_HOSTQ_H
#define CCAIO_LIB_BOUNCE_VIRTIO_HOSTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bounce/virtio/hostile.h"

struct guard;

/*
 * hostq - the device's side of a virtqueue, split or packed (virtio 1.3 §2.7, §2.8).
 *
 * Knows bus addresses only and reaches memory through a guard.  A guest may be
 * hostile as well: chains are bounded, indexes checked.  Driver and device side of
 * one queue run in one thread at a time.
 */
#define HOSTQ_MAX_SEGMENTS 64u

struct hostq_segment {
	uint64_t addr;
	uint32_t size;
	bool in; /* the device writes it */
};

struct hostq_chain {
	uint16_t id, ndesc;
	unsigned int n;
	struct hostq_segment segments[HOSTQ_MAX_SEGMENTS];
	uint32_t out_size, in_size; /* readable, writable bytes */
};

struct hostq {
	struct guard *guard;
	struct hostile *hostile; /* NULL: honest */
	bool ready, packed, event_idx;
	uint16_t num;
	uint64_t desc, driver, device;
	uint16_t avail, used, signalled;
	bool avail_wrap, used_wrap;
	uint64_t interrupts, skipped_interrupts;
	uint64_t denied; /* accesses to the ring that the guard denied */
	uint16_t replay; /* id of the last completion */
};

void hostq_init(struct hostq *q, struct guard *guard, bool packed, bool event_idx, uint16_t num,
		uint64_t desc, uint64_t driver, uint64_t device);

/* The next request: 1; 0 none; -EFAULT the ring is out of reach; -EINVAL malformed. */
int hostq_pop(struct hostq *q, struct hostq_chain *chain);

/* Complete it; true when the driver wants an interrupt.  Plays tricks when hostile. */
bool hostq_push(struct hostq *q, const struct hostq_chain *chain, uint32_t written);

/*
 * Copy from the readable, or to the writable, part of a chain, starting at its byte
 * `off`.  Return the number of bytes copied (less at the chain's end).  What the
 * guard denies still counts: a device does not know what it read.
 */
size_t hostq_read(struct hostq *q, const struct hostq_chain *chain, size_t off, void *buf,
		  size_t size);
size_t hostq_write(struct hostq *q, const struct hostq_chain *chain, size_t off, const void *buf,
		   size_t size);

/* The trick that waits for the driver's first look (struct virtq.between). */
void hostq_between(void *hostq);

#endif
