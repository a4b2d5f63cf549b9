/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtio over MMIO: the registers of virtio 1.3 §4.2.2.  The functions named reg_*
 * are the host's end, where the Realm's access arrives as a trap.
 */
#include <errno.h>

#include "lib/bounce/host-device.h"
#include "lib/bounce/transport.h"
#include "lib/err.h"

enum {
	MAGIC_VALUE = 0x000,
	VERSION_REG = 0x004,
	DEVICE_ID = 0x008,
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SEL = 0x024,
	QUEUE_SEL = 0x030,
	QUEUE_NUM_MAX = 0x034,
	QUEUE_NUM = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = 0x050,
	STATUS = 0x070,
	QUEUE_DESC = 0x080,
	QUEUE_DRIVER = 0x090,
	QUEUE_DEVICE = 0x0a0,
	CONFIG_GENERATION = 0x0fc,
	CONFIG = 0x100,
};
#define MAGIC 0x74726976u /* "virt" */

struct selectors {
	uint32_t device_features, driver_features, queue;
};

static uint32_t reg_read(struct host_device *d, struct selectors *sel, uint32_t off)
{
	bool queue_exists = sel->queue < d->ops->nqueues;

	if (off >= CONFIG && off < CONFIG + HOST_CONFIG)
		return d->config[off - CONFIG];
	switch (off) {
	case MAGIC_VALUE:
		return MAGIC;
	case VERSION_REG:
		return 2;
	case DEVICE_ID:
		return d->ops->device_id;
	case DEVICE_FEATURES:
		return sel->device_features < 2 ? d->offered >> (32 * sel->device_features) : 0;
	case QUEUE_NUM_MAX:
		return queue_exists ? HOST_QUEUE_MAX : 0;
	case QUEUE_READY:
		return queue_exists && d->setup[sel->queue].enabled;
	case STATUS:
		return d->status;
	case CONFIG_GENERATION:
		return d->generation;
	default:
		return 0;
	}
}

static void set_half(uint64_t *value, bool high, uint32_t half)
{
	*value = high ? (*value & 0xffffffffu) | (uint64_t)half << 32
		      : (*value & ~(uint64_t)0xffffffffu) | half;
}

static void reg_write(struct host_device *d, struct selectors *sel, uint32_t off, uint32_t v)
{
	struct host_queue_setup *q = &d->setup[sel->queue % HOST_QUEUES];

	switch (off) {
	case DEVICE_FEATURES_SEL:
		sel->device_features = v;
		break;
	case DRIVER_FEATURES_SEL:
		sel->driver_features = v;
		break;
	case DRIVER_FEATURES:
		if (sel->driver_features < 2 && !(d->status & STATUS_FEATURES_OK))
			set_half(&d->accepted, sel->driver_features, v);
		break;
	case QUEUE_SEL:
		sel->queue = v;
		break;
	case QUEUE_NUM:
		q->num = v;
		break;
	case QUEUE_DESC:
	case QUEUE_DESC + 4:
		set_half(&q->desc, off & 4, v);
		break;
	case QUEUE_DRIVER:
	case QUEUE_DRIVER + 4:
		set_half(&q->driver, off & 4, v);
		break;
	case QUEUE_DEVICE:
	case QUEUE_DEVICE + 4:
		set_half(&q->device, off & 4, v);
		break;
	case QUEUE_READY:
		if (v == 1 && sel->queue < d->ops->nqueues)
			host_device_enable_queue(d, sel->queue);
		break;
	case QUEUE_NOTIFY:
		host_device_notify(d, v);
		break;
	case STATUS:
		host_device_set_status(d, v);
		break;
	}
}

/* The driver's end. */

static int device_id(struct transport *t, uint32_t *id, struct err *err)
{
	struct selectors sel = { 0 };

	if (reg_read(t->host, &sel, MAGIC_VALUE) != MAGIC ||
	    reg_read(t->host, &sel, VERSION_REG) != 2)
		return err_set(err, ENODEV, "no virtio-mmio device of version 2 is here");
	*id = reg_read(t->host, &sel, DEVICE_ID);
	return 0;
}

static int get_features(struct transport *t, uint64_t *features, struct err *err)
{
	struct selectors sel = { 0 };

	(void)err;
	reg_write(t->host, &sel, DEVICE_FEATURES_SEL, 1);
	*features = (uint64_t)reg_read(t->host, &sel, DEVICE_FEATURES) << 32;
	reg_write(t->host, &sel, DEVICE_FEATURES_SEL, 0);
	*features |= reg_read(t->host, &sel, DEVICE_FEATURES);
	return 0;
}

static int set_features(struct transport *t, uint64_t features, struct err *err)
{
	struct selectors sel = { 0 };

	(void)err;
	reg_write(t->host, &sel, DRIVER_FEATURES_SEL, 1);
	reg_write(t->host, &sel, DRIVER_FEATURES, features >> 32);
	reg_write(t->host, &sel, DRIVER_FEATURES_SEL, 0);
	reg_write(t->host, &sel, DRIVER_FEATURES, features);
	return 0;
}

static int get_status(struct transport *t, uint8_t *status, struct err *err)
{
	struct selectors sel = { 0 };

	(void)err;
	*status = reg_read(t->host, &sel, STATUS);
	return 0;
}

static int set_status(struct transport *t, uint8_t status, struct err *err)
{
	struct selectors sel = { 0 };

	(void)err;
	reg_write(t->host, &sel, STATUS, status);
	return 0;
}

static int read_config(struct transport *t, uint32_t off, void *buf, uint32_t size, struct err *err)
{
	struct selectors sel = { 0 };
	uint8_t *bytes = buf;

	for (int tries = 0; tries < 3; tries++) {
		uint32_t before = reg_read(t->host, &sel, CONFIG_GENERATION);

		for (uint32_t i = 0; i < size; i++)
			bytes[i] = reg_read(t->host, &sel, CONFIG + off + i);
		if (reg_read(t->host, &sel, CONFIG_GENERATION) == before)
			return 0;
	}
	return err_set(err, EAGAIN, "the device's configuration changes at each read");
}

static int queue_max(struct transport *t, unsigned int i, uint16_t *max, struct err *err)
{
	struct selectors sel = { .queue = i };

	(void)err;
	*max = reg_read(t->host, &sel, QUEUE_NUM_MAX);
	return 0;
}

static int setup_queue(struct transport *t, unsigned int i, uint16_t num, uint64_t desc,
		       uint64_t driver, uint64_t device, struct err *err)
{
	struct selectors sel = { 0 };

	reg_write(t->host, &sel, QUEUE_SEL, i);
	if (reg_read(t->host, &sel, QUEUE_READY))
		return err_set(err, EBUSY, "queue %u is in use already", i);
	reg_write(t->host, &sel, QUEUE_NUM, num);
	reg_write(t->host, &sel, QUEUE_DESC, desc);
	reg_write(t->host, &sel, QUEUE_DESC + 4, desc >> 32);
	reg_write(t->host, &sel, QUEUE_DRIVER, driver);
	reg_write(t->host, &sel, QUEUE_DRIVER + 4, driver >> 32);
	reg_write(t->host, &sel, QUEUE_DEVICE, device);
	reg_write(t->host, &sel, QUEUE_DEVICE + 4, device >> 32);
	reg_write(t->host, &sel, QUEUE_READY, 1);
	if (!reg_read(t->host, &sel, QUEUE_READY))
		return err_set(err, EIO, "the device does not enable queue %u", i);
	return 0;
}

static int notify(struct transport *t, unsigned int i, struct err *err)
{
	struct selectors sel = { 0 };

	(void)err;
	reg_write(t->host, &sel, QUEUE_NOTIFY, i);
	return 0;
}

const struct transport_ops transport_mmio = {
	.name = "mmio",
	.bus = "mmio",
	.device_id = device_id,
	.get_features = get_features,
	.set_features = set_features,
	.get_status = get_status,
	.set_status = set_status,
	.read_config = read_config,
	.queue_max = queue_max,
	.setup_queue = setup_queue,
	.notify = notify,
};
