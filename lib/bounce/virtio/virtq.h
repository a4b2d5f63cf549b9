/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_VIRTIO_VIRTQ_H
#define CCAIO_LIB_BOUNCE_VIRTIO_VIRTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bounce/memory/dma.h"

struct err;

/*
 * virtq - the driver's side of a virtqueue, split or packed.
 *
 * Buffers are mapped through the DMA API, tables of indirect descriptors too; the
 * ring itself is coherent memory.  The device is taken for hostile: what it writes
 * is read once, ids and lengths are checked against what was published, and
 * everything needed later (addresses, lengths, chain order) is kept in Realm memory,
 * never read back from the ring.  A queue that catches the device lying is broken
 * and stays so.
 */
#define VIRTQ_MAX_SEGMENTS 16u

/* One buffer of a request.  Device-readable ones come first (virtio 1.3 §2.7.4.2). */
struct virtq_buf {
	uint64_t ipa;
	uint32_t size;
	bool in;	/* the device writes it */
	bool premapped; /* dma is the address already; the caller maps, syncs and unmaps */
	uint64_t dma;
};

/* What is remembered of one published request. */
struct virtq_request {
	void *token; /* NULL: not in flight */
	struct virtq_buf bufs[VIRTQ_MAX_SEGMENTS];
	uint16_t nbufs, ndesc;
	uint16_t next_free;	   /* split: next descriptor of the chain, or of the free list */
	uint32_t in_size;	   /* bytes that the device may write */
	uint64_t table, table_dma; /* indirect descriptors; size 0: none */
	uint32_t table_size;
};

struct virtq {
	struct dma_device *dma;
	uint16_t num; /* ring size */
	bool packed, indirect, event_idx;
	bool broken;
	struct dma_coherent ring;
	uint8_t *mem;			 /* of the ring */
	uint64_t desc, driver, device;	 /* addresses for the transport */
	uint32_t driver_off, device_off; /* in mem */
	struct virtq_request *requests;	 /* by id */
	uint16_t *next;			 /* split: chain links, kept here and not in the ring */
	uint16_t free_head, nfree;
	uint16_t avail, kicked; /* split: index; packed: position; when last kicked: index */
	uint16_t used;		/* next used entry: index or position */
	bool avail_wrap, used_wrap;
	uint16_t added; /* descriptors made available since the last kick */
	uint64_t kicks, skipped_kicks, completions;
	/* Runs after each read of what the device wrote: a chance for a hostile host. */
	void (*between)(void *ctx);
	void *between_ctx;
};

/*
 * Set up a ring of num entries (a power of two, at most VRING_MAX_NUM) in coherent
 * memory of the device.  -ENOMEM, -EINVAL.
 */
int virtq_init(struct virtq *q, struct dma_device *dma, uint16_t num, bool packed, bool indirect,
	       bool event_idx, struct err *err);

/* Unmap what is in flight and free the ring.  Accepts a zeroed struct. */
void virtq_release(struct virtq *q);

/*
 * Publish one request of n buffers.  token, not NULL, comes back from virtq_get.
 * -ENOSPC: the ring is full; -ENOMEM: no bounce slots; -EIO: the queue is broken.
 */
int virtq_add(struct virtq *q, const struct virtq_buf *bufs, unsigned int n, void *token,
	      struct err *err);

/* Must the device be notified of what was added since the last call? */
bool virtq_kick(struct virtq *q);

/*
 * The next completed request: 1 with its token and the number of bytes the device
 * says it wrote (never more than it could); 0 none; -EIO the device lied, and how.
 */
int virtq_get(struct virtq *q, void **token, uint32_t *written, struct err *err);

/* Requests published and not completed. */
unsigned int virtq_in_flight(const struct virtq *q);

/* For vring-split.c and vring-packed.c: the parts that do not depend on the format. */
struct virtq_completion {
	uint32_t id, written;
};
int virtq_map_request(struct virtq *q, struct virtq_request *req, const struct virtq_buf *bufs,
		      unsigned int n, struct err *err);
void virtq_unmap_request(struct virtq *q, struct virtq_request *req);
/* Lay out the table of indirect descriptors and map it. */
int virtq_map_table(struct virtq *q, struct virtq_request *req, struct err *err);
void virtq_write_desc(const struct virtq *q, uint8_t *desc, const struct virtq_buf *buf,
		      uint16_t flags, uint16_t next_or_id);

int virtq_split_add(struct virtq *q, const struct virtq_buf *bufs, unsigned int n, void *token,
		    struct err *err);
int virtq_packed_add(struct virtq *q, const struct virtq_buf *bufs, unsigned int n, void *token,
		     struct err *err);
bool virtq_split_kick(struct virtq *q);
bool virtq_packed_kick(struct virtq *q);
/* 1 with the element, 0 none, -EIO. */
int virtq_split_peek(struct virtq *q, struct virtq_completion *c, struct err *err);
int virtq_packed_peek(struct virtq *q, struct virtq_completion *c, struct err *err);
/* The element's length, read again.  Only for the fault that does so. */
uint32_t virtq_split_reread(struct virtq *q);
uint32_t virtq_packed_reread(struct virtq *q);
void virtq_split_retire(struct virtq *q, uint16_t id);
void virtq_packed_retire(struct virtq *q, uint16_t id);

#endif
