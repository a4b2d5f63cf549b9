/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtio over a PCI-like bus: the common configuration structure of virtio 1.3
 * §4.1.4.3, the notification area of §4.1.4.4 and the device's own of §4.1.4.6.
 * The functions named reg_* are the host's end of the BAR.
 */
#include <errno.h>
#include <string.h>

#include "lib/bounce/host-device.h"
#include "lib/bounce/transport.h"
#include "lib/err.h"

enum {
	DEVICE_FEATURE_SELECT = 0x00,
	DEVICE_FEATURE = 0x04,
	DRIVER_FEATURE_SELECT = 0x08,
	DRIVER_FEATURE = 0x0c,
	NUM_QUEUES = 0x12,
	DEVICE_STATUS = 0x14,
	CONFIG_GENERATION = 0x15,
	QUEUE_SELECT = 0x16,
	QUEUE_SIZE = 0x18,
	QUEUE_ENABLE = 0x1c,
	QUEUE_NOTIFY_OFF = 0x1e,
	QUEUE_DESC = 0x20, /* each 8 bytes, written as two halves */
	QUEUE_DRIVER = 0x28,
	QUEUE_DEVICE = 0x30,
	NOTIFY = 0x1000,     /* notification area: 4 bytes per queue */
	DEVICE_CFG = 0x2000, /* device-specific configuration */
	PCI_DEVICE_ID = 0x10000,
};

/* What the selectors of one device hold; the rest is in struct host_device. */
struct selectors {
	uint32_t device_feature, driver_feature;
	uint16_t queue;
};

static uint32_t reg_read(struct host_device *d, struct selectors *sel, uint32_t off)
{
	struct host_queue_setup *q = &d->setup[sel->queue % HOST_QUEUES];
	bool queue_exists = sel->queue < d->ops->nqueues;

	if (off >= DEVICE_CFG && off < DEVICE_CFG + HOST_CONFIG)
		return d->config[off - DEVICE_CFG];
	switch (off) {
	case DEVICE_FEATURE:
		return sel->device_feature < 2 ? d->offered >> (32 * sel->device_feature) : 0;
	case NUM_QUEUES:
		return d->ops->nqueues;
	case DEVICE_STATUS:
		return d->status;
	case CONFIG_GENERATION:
		return d->generation & 0xff;
	case QUEUE_SIZE:
		return !queue_exists ? 0 : q->num ? q->num : HOST_QUEUE_MAX;
	case QUEUE_ENABLE:
		return queue_exists && q->enabled;
	case QUEUE_NOTIFY_OFF:
		return sel->queue;
	case PCI_DEVICE_ID: /* §4.1.2.1: 0x1040 plus the virtio device id */
		return 0x1040 + d->ops->device_id;
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

	if (off >= NOTIFY && off < NOTIFY + 4 * HOST_QUEUES) {
		host_device_notify(d, (off - NOTIFY) / 4);
		return;
	}
	switch (off) {
	case DEVICE_FEATURE_SELECT:
		sel->device_feature = v;
		break;
	case DRIVER_FEATURE_SELECT:
		sel->driver_feature = v;
		break;
	case DRIVER_FEATURE:
		if (sel->driver_feature < 2 && !(d->status & STATUS_FEATURES_OK))
			set_half(&d->accepted, sel->driver_feature, v);
		break;
	case DEVICE_STATUS:
		host_device_set_status(d, v);
		break;
	case QUEUE_SELECT:
		sel->queue = v;
		break;
	case QUEUE_SIZE:
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
	case QUEUE_ENABLE:
		if (v == 1 && sel->queue < d->ops->nqueues)
			host_device_enable_queue(d, sel->queue);
		break;
	}
}

/* The driver's end.  Each operation sets its selectors first, so none outlives it. */

static int device_id(struct transport *t, uint32_t *id, struct err *err)
{
	struct selectors sel = { 0 };
	uint32_t pci = reg_read(t->host, &sel, PCI_DEVICE_ID);

	if (pci < 0x1040 || pci > 0x107f)
		return err_set(err, ENODEV, "PCI device 0x%04x is not a virtio 1.x device", pci);
	*id = pci - 0x1040;
	return 0;
}

static int get_features(struct transport *t, uint64_t *features, struct err *err)
{
	struct selectors sel = { 0 };

	(void)err;
	*features = reg_read(t->host, &sel, DEVICE_FEATURE);
	reg_write(t->host, &sel, DEVICE_FEATURE_SELECT, 1);
	*features |= (uint64_t)reg_read(t->host, &sel, DEVICE_FEATURE) << 32;
	return 0;
}

static int set_features(struct transport *t, uint64_t features, struct err *err)
{
	struct selectors sel = { 0 };

	(void)err;
	reg_write(t->host, &sel, DRIVER_FEATURE, features);
	reg_write(t->host, &sel, DRIVER_FEATURE_SELECT, 1);
	reg_write(t->host, &sel, DRIVER_FEATURE, features >> 32);
	return 0;
}

static int get_status(struct transport *t, uint8_t *status, struct err *err)
{
	struct selectors sel = { 0 };

	(void)err;
	*status = reg_read(t->host, &sel, DEVICE_STATUS);
	return 0;
}

static int set_status(struct transport *t, uint8_t status, struct err *err)
{
	struct selectors sel = { 0 };

	(void)err;
	reg_write(t->host, &sel, DEVICE_STATUS, status);
	return 0;
}

static int read_config(struct transport *t, uint32_t off, void *buf, uint32_t size, struct err *err)
{
	struct selectors sel = { 0 };
	uint8_t *bytes = buf;

	for (int tries = 0; tries < 3; tries++) {
		uint32_t before = reg_read(t->host, &sel, CONFIG_GENERATION);

		for (uint32_t i = 0; i < size; i++)
			bytes[i] = reg_read(t->host, &sel, DEVICE_CFG + off + i);
		if (reg_read(t->host, &sel, CONFIG_GENERATION) == before)
			return 0;
	}
	return err_set(err, EAGAIN, "the device's configuration changes at each read");
}

static int queue_max(struct transport *t, unsigned int i, uint16_t *max, struct err *err)
{
	struct selectors sel = { 0 };

	(void)err;
	reg_write(t->host, &sel, QUEUE_SELECT, i);
	*max = reg_read(t->host, &sel, QUEUE_SIZE);
	return 0;
}

static int setup_queue(struct transport *t, unsigned int i, uint16_t num, uint64_t desc,
		       uint64_t driver, uint64_t device, struct err *err)
{
	struct selectors sel = { 0 };

	reg_write(t->host, &sel, QUEUE_SELECT, i);
	reg_write(t->host, &sel, QUEUE_SIZE, num);
	reg_write(t->host, &sel, QUEUE_DESC, desc);
	reg_write(t->host, &sel, QUEUE_DESC + 4, desc >> 32);
	reg_write(t->host, &sel, QUEUE_DRIVER, driver);
	reg_write(t->host, &sel, QUEUE_DRIVER + 4, driver >> 32);
	reg_write(t->host, &sel, QUEUE_DEVICE, device);
	reg_write(t->host, &sel, QUEUE_DEVICE + 4, device >> 32);
	reg_write(t->host, &sel, QUEUE_ENABLE, 1);
	if (!reg_read(t->host, &sel, QUEUE_ENABLE))
		return err_set(err, EIO, "the device does not enable queue %u", i);
	return 0;
}

static int notify(struct transport *t, unsigned int i, struct err *err)
{
	struct selectors sel = { 0 };

	(void)err;
	reg_write(t->host, &sel, NOTIFY + 4 * i, i);
	return 0;
}

const struct transport_ops transport_pci = {
	.name = "pci",
	.bus = "pci",
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
