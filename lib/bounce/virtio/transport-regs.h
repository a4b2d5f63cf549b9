/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_VIRTIO_TRANSPORT_REGS_H
#define CCAIO_LIB_BOUNCE_VIRTIO_TRANSPORT_REGS_H

#include <stdint.h>

#include "lib/bounce/virtio/transport.h"

/*
 * transport-regs - virtio configured by registers: what PCI and MMIO have in common.
 *
 * They have the same registers at other offsets.  A transport is its table of offsets
 * and what tells its device.
 */
enum reg {
	REG_DEVICE_FEATURES_SELECT,
	REG_DEVICE_FEATURES,
	REG_DRIVER_FEATURES_SELECT,
	REG_DRIVER_FEATURES,
	REG_STATUS,
	REG_GENERATION,
	REG_QUEUE_SELECT,
	REG_QUEUE_MAX, /* read; on PCI the same register as the size */
	REG_QUEUE_SIZE,
	REG_QUEUE_ENABLE,
	REG_QUEUE_DESC, /* these three have 8 bytes, written as two halves */
	REG_QUEUE_DRIVER,
	REG_QUEUE_DEVICE,
	REG_DEVICE_ID,
	REGS
};

struct reg_layout {
	uint32_t at[REGS];
	uint32_t notify, notify_step; /* queue i is notified at notify + i * notify_step */
	uint32_t config;	      /* where the device's own configuration begins */
	uint32_t generation_mask;     /* bits that the register has */
	uint32_t id_base;	      /* register's value for virtio device id 0 */
	const char *stranger;	      /* what else may be there: the driver's sentence */
	struct {		      /* what every device of this transport reads as */
		uint32_t at, value;
	} fixed[2];
	unsigned int nfixed;
};

/* The operations of a transport; its ops.regs is the layout. */
int regs_device_id(struct transport *t, uint32_t *id, struct err *err);
int regs_get_features(struct transport *t, uint64_t *features, struct err *err);
int regs_set_features(struct transport *t, uint64_t features, struct err *err);
int regs_get_status(struct transport *t, uint8_t *status, struct err *err);
int regs_set_status(struct transport *t, uint8_t status, struct err *err);
int regs_read_config(struct transport *t, uint32_t off, void *buf, uint32_t size, struct err *err);
int regs_queue_max(struct transport *t, unsigned int i, uint16_t *max, struct err *err);
int regs_setup_queue(struct transport *t, unsigned int i, uint16_t num, uint64_t desc,
		     uint64_t driver, uint64_t device, struct err *err);
int regs_notify(struct transport *t, unsigned int i, struct err *err);

#define REGS_OPERATIONS                                                   \
	.device_id = regs_device_id, .get_features = regs_get_features,   \
	.set_features = regs_set_features, .get_status = regs_get_status, \
	.set_status = regs_set_status, .read_config = regs_read_config,   \
	.queue_max = regs_queue_max, .setup_queue = regs_setup_queue, .notify = regs_notify

#endif
