/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MSG_BUS_H
#define CCAIO_LIB_BOUNCE_MSG_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bounce/memory/dma.h"
#include "lib/bounce/msg/format.h"
#include "lib/bounce/virtio/transport.h"

struct err;
struct ffa;
struct fault_plan;
struct msg_backend;
struct swiotlb_pool;

/*
 * msg-bus - the driver's end of virtio-msg over FF-A, and its two ways to share.
 *
 * Static: a restricted pool is shared once, as area 0; everything is bounced through
 * it.  Dynamic: each mapping shares the pages it lies in as an area of its own and takes
 * them back when it is unmapped; what else lies in those pages is exposed for as long
 * (counted as excess).  Bus addresses: area id above bit 56 (revision 1) or 48
 * (revision 2), offset below.
 */
#define MSG_BUS_AREAS 1024u

struct msg_bus_counters {
	uint64_t messages; /* requests and events sent */
	uint64_t shares, unshares;
	uint64_t pages;	 /* shared for mappings */
	uint64_t excess; /* bytes of them that were not the buffer's */
	uint64_t events; /* received */
};

struct msg_bus;

/*
 * Find the backend by its UUID, agree on the revision, and find the device.  dma: the
 * device's, to which dynamic sharing adds its dma_ops.  NULL with err set: nobody there,
 * another revision, no device.
 */
struct msg_bus *msg_bus_open(struct ffa *ffa, uint16_t self, enum msg_revision rev,
			     struct dma_device *dma, bool dynamic, struct err *err);
void msg_bus_close(struct msg_bus *bus); /* accepts NULL */

/* Static sharing: give the pool to the backend, once. */
int msg_bus_share_pool(struct msg_bus *bus, const struct swiotlb_pool *pool, struct err *err);

/* Take in waiting events.  Returns how many; present says whether the device is there. */
int msg_bus_poll(struct msg_bus *bus, bool *present, struct err *err);

/* Is the backend alive?  (PING) */
int msg_bus_ping(struct msg_bus *bus, uint32_t data, struct err *err);

struct msg_bus_counters msg_bus_counters(const struct msg_bus *bus);

/* For transports: struct transport.bus is the msg_bus. */
extern const struct transport_ops transport_msg;

#endif
