/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio over MMIO: the registers of virtio 1.3 §4.2.2. */
#include "lib/bounce/virtio/transport-regs.h"

static const struct reg_layout layout = {
	.at = { [REG_DEVICE_ID] = 0x008,
		[REG_DEVICE_FEATURES] = 0x010,
		[REG_DEVICE_FEATURES_SELECT] = 0x014,
		[REG_DRIVER_FEATURES] = 0x020,
		[REG_DRIVER_FEATURES_SELECT] = 0x024,
		[REG_QUEUE_SELECT] = 0x030,
		[REG_QUEUE_MAX] = 0x034,
		[REG_QUEUE_SIZE] = 0x038,
		[REG_QUEUE_ENABLE] = 0x044, /* QueueReady */
		[REG_STATUS] = 0x070,
		[REG_QUEUE_DESC] = 0x080,
		[REG_QUEUE_DRIVER] = 0x090,
		[REG_QUEUE_DEVICE] = 0x0a0,
		[REG_GENERATION] = 0x0fc },
	.notify = 0x050,
	.notify_step = 0, /* one register for all queues: the value says which */
	.config = 0x100,
	.generation_mask = 0xffffffff,
	.fixed = { { 0x000, 0x74726976 /* "virt" */ }, { 0x004, 2 } },
	.nfixed = 2,
	.stranger = "no virtio-mmio device of version 2 is here",
};

const struct transport_ops transport_mmio = {
	.name = "mmio", .bus = "mmio", .regs = &layout, REGS_OPERATIONS
};
