/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_VIRTIO_HOST_DEVICE_H
#define CCAIO_LIB_BOUNCE_VIRTIO_HOST_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bounce/memory/guard.h"
#include "lib/bounce/virtio/hostq.h"

/*
 * host-device - the host's half of a virtio device, below every transport.
 *
 * Feature negotiation, status, configuration and queues of virtio 1.3 §2 and §3;
 * what the device does with a request is its struct host_ops (dev-net.c …).
 */
#define HOST_QUEUES 4u
#define HOST_CONFIG 64u
#define HOST_QUEUE_MAX 256u

/* device status, virtio 1.3 §2.1 */
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER 2u
#define STATUS_DRIVER_OK 4u
#define STATUS_FEATURES_OK 8u
#define STATUS_NEEDS_RESET 64u
#define STATUS_FAILED 128u

/* features, virtio 1.3 §6 */
#define F_INDIRECT ((uint64_t)1 << 28)
#define F_EVENT_IDX ((uint64_t)1 << 29)
#define F_VERSION_1 ((uint64_t)1 << 32)
#define F_ACCESS_PLATFORM ((uint64_t)1 << 33)
#define F_PACKED ((uint64_t)1 << 34)

struct host_device;

struct host_ops {
	const char *name;   /* "net" … */
	uint32_t device_id; /* virtio 1.3 §5 */
	uint64_t features;  /* of this device type */
	unsigned int nqueues;
	uint32_t config_size;
	/* The driver notified queue i: take and complete requests. */
	void (*handle)(struct host_device *dev, unsigned int i);
};

struct host_queue_setup {
	uint16_t num;
	uint64_t desc, driver, device;
	bool enabled;
};

struct host_device {
	const struct host_ops *ops;
	void *priv; /* of the device type; borrowed */
	struct guard guard;
	struct hostile hostile;
	uint64_t offered, accepted;
	uint8_t status;
	bool transitional; /* accepts drivers of before VERSION_1 */
	uint8_t config[HOST_CONFIG];
	uint32_t generation; /* of the configuration */
	struct host_queue_setup setup[HOST_QUEUES];
	struct hostq queues[HOST_QUEUES];
	uint64_t ran_features;		    /* negotiated when DRIVER_OK was last set */
	uint8_t ran_status;		    /* the status then; 0: it never ran */
	uint64_t notifications, interrupts; /* driver → device, device → driver */
	uint64_t malformed;		    /* requests that made no sense */
};

/* offered: all features; guard must be filled in by the caller afterwards. */
void host_device_init(struct host_device *dev, const struct host_ops *ops, uint64_t offered,
		      void *priv);

/* The driver writes the status; 0 resets.  FEATURES_OK may not stick (§3.1.1). */
void host_device_set_status(struct host_device *dev, uint8_t status);
/* Make queue i usable as its setup says. */
void host_device_enable_queue(struct host_device *dev, unsigned int i);
void host_device_notify(struct host_device *dev, unsigned int i);

/* Complete a request and count the interrupt. */
void host_device_push(struct host_device *dev, unsigned int i, const struct hostq_chain *chain,
		      uint32_t written);
/* The next request of queue i, or false.  Malformed ones are counted; the device then stops. */
bool host_device_pop(struct host_device *dev, unsigned int i, struct hostq_chain *chain);

#endif
