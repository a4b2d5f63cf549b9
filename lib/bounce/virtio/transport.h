/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_VIRTIO_TRANSPORT_H
#define CCAIO_LIB_BOUNCE_VIRTIO_TRANSPORT_H

#include <stdint.h>

struct err;
struct host_device;
struct reg_layout;

/*
 * transport - how a driver finds, configures and notifies its device.
 *
 * One const struct per transport; the driver core (lib/bounce/virtio/virtio.h) uses
 * nothing else.  All return 0 or -errno with a sentence in err.
 */
struct transport {
	const struct transport_ops *ops;
	struct host_device *host; /* behind the transport; drivers do not look at it */
	void *bus;		  /* of message transports: struct msg_bus */
};

struct transport_ops {
	const char *name; /* "pci" … */
	const char *bus;  /* of struct platform_virtio */
	const struct reg_layout
		*regs; /* of those with registers (lib/bounce/virtio/transport-regs.h) */
	int (*device_id)(struct transport *t, uint32_t *id, struct err *err);
	int (*get_features)(struct transport *t, uint64_t *features, struct err *err);
	int (*set_features)(struct transport *t, uint64_t features, struct err *err);
	int (*get_status)(struct transport *t, uint8_t *status, struct err *err);
	int (*set_status)(struct transport *t, uint8_t status, struct err *err);
	/* Bytes of the device's configuration, all of one generation. */
	int (*read_config)(struct transport *t, uint32_t off, void *buf, uint32_t size,
			   struct err *err);
	int (*queue_max)(struct transport *t, unsigned int i, uint16_t *max, struct err *err);
	int (*setup_queue)(struct transport *t, unsigned int i, uint16_t num, uint64_t desc,
			   uint64_t driver, uint64_t device, struct err *err);
	int (*notify)(struct transport *t, unsigned int i, struct err *err);
};

/* Registers of virtio 1.3 §4.1.4.3 (common configuration), and §4.2.2. */
extern const struct transport_ops transport_pci, transport_mmio;

#endif
