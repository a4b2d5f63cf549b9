/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_CORRELATE_DISK_BLOCKIO_H
#define CCAIO_LIB_CORRELATE_DISK_BLOCKIO_H

#include <stdbool.h>
#include <stdint.h>

struct event;
struct exchanges;
struct names;
struct owners;
struct platform;

/*
 * blockio - which maps carried which block request.
 *
 * A request's maps follow block_rq_issue on its CPU.  virtio-blk publishes a 16-byte
 * header, the data, a status byte and, with indirect descriptors, a table of 16
 * bytes per descriptor (Linux drivers/block/virtio_blk.c, virtio_ring.c);
 * other drivers map the data.  Plugged requests are issued first and mapped
 * after, in the same order.
 *
 * Whose they are: the task that asked for the same sectors (lib/correlate/disk/requests.h), even
 * where a worker of the kernel issues the request; and the file in the page cache whose memory was
 * mapped (lib/correlate/disk/pagecache.h), even where the kernel writes it back long after.
 */
struct blockio;

/* All borrowed until blockio_free; platform may be NULL.  Fills x->blocks and x->devices. */
struct blockio *blockio_new(struct exchanges *x, const struct names *names,
			    const struct platform *platform, const struct owners *owners);
/* Accepts NULL.  Ends the requests that are still being mapped. */
void blockio_free(struct blockio *b);

/* Every event of the stream: who asks for sectors, and which files are in memory. */
void blockio_learn(struct blockio *b, const struct event *event);
/* Those of the window: what is to be attributed. */
void blockio_event(struct blockio *b, const struct event *event);

#endif
