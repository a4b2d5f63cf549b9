/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtio over a PCI-like bus: the common configuration structure of virtio 1.3
 * §4.1.4.3, the notification area of §4.1.4.4 and the device's own of §4.1.4.6.
 */
#include "lib/bounce/virtio/transport-regs.h"

static const struct reg_layout layout = {
	.at = { [REG_DEVICE_FEATURES_SELECT] = 0x00,
		[REG_DEVICE_FEATURES] = 0x04,
		[REG_DRIVER_FEATURES_SELECT] = 0x08,
		[REG_DRIVER_FEATURES] = 0x0c,
		[REG_STATUS] = 0x14,
		[REG_GENERATION] = 0x15,
		[REG_QUEUE_SELECT] = 0x16,
		[REG_QUEUE_MAX] = 0x18,
		[REG_QUEUE_SIZE] = 0x18,
		[REG_QUEUE_ENABLE] = 0x1c,
		[REG_QUEUE_DESC] = 0x20,
		[REG_QUEUE_DRIVER] = 0x28,
		[REG_QUEUE_DEVICE] = 0x30,
		[REG_DEVICE_ID] = 0x10000 }, /* of the function's header, behind all BARs here */
	.notify = 0x1000,
	.notify_step = 4,
	.config = 0x2000,
	.generation_mask = 0xff,
	.id_base = 0x1040, /* §4.1.2.1 */
	.stranger = "the PCI device is not a virtio 1.x device",
};

const struct transport_ops transport_pci = {
	.name = "pci", .bus = "pci", .regs = &layout, REGS_OPERATIONS
};
