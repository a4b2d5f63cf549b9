/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_VIRTIO_VIRTIO_H
#define CCAIO_LIB_BOUNCE_VIRTIO_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bounce/virtio/host-device.h"
#include "lib/bounce/virtio/transport.h"
#include "lib/bounce/virtio/virtq.h"

struct err;

/*
 * virtio - the driver core in the Realm: initialisation (virtio 1.3 §3.1), queues,
 * notification.  A device type's driver is in dev-<type>.c.
 *
 * In a Realm a driver insists on VERSION_1 and ACCESS_PLATFORM: without the second
 * its device would be given addresses that nobody mapped.
 */
#define VIRTIO_QUEUES HOST_QUEUES

struct virtio {
	struct transport *transport;
	struct dma_device *dma;
	uint64_t features; /* negotiated */
	unsigned int nqueues;
	struct virtq queues[VIRTIO_QUEUES];
	uint64_t notifications; /* sent */
};

/*
 * Find a device of this type and bring it up with queues of num entries.  wanted:
 * the features to accept where they are offered.  -ENODEV another type or a missing
 * feature; -EIO the device misbehaves; -ENOMEM.
 */
int virtio_start(struct virtio *v, struct transport *transport, struct dma_device *dma,
		 uint32_t device_id, uint64_t wanted, unsigned int nqueues, uint16_t num,
		 struct err *err);

/* Reset the device, then free the queues.  Accepts a zeroed struct. */
void virtio_stop(struct virtio *v);

/* Notify the device of what was added to queue i, if it wants to know. */
int virtio_kick(struct virtio *v, unsigned int i, struct err *err);

/*
 * Publish one request, let the device work and wait for its completion.  -EIO also
 * when the device does not complete it.  *written may be NULL.
 */
int virtio_request(struct virtio *v, unsigned int i, const struct virtq_buf *bufs, unsigned int n,
		   uint32_t *written, struct err *err);

/* A buffer in Realm memory with a copy of data (zeroes where data is NULL); REALM_NO_ADDR: none. */
uint64_t virtio_buffer(struct virtio *v, const void *data, size_t size);
void virtio_buffer_free(struct virtio *v, uint64_t ipa, size_t size);
uint8_t *virtio_ptr(struct virtio *v, uint64_t ipa, size_t size);

#endif
