/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/virtio/transport-regs.h"

#include <errno.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/bounce/virtio/host-device.h"

/*
 * The host's end, where the Realm's access arrives as a trap.  Selectors are as of the access:
 * each operation of the driver sets its own first, so none outlives it.
 */
struct access {
	const struct reg_layout *regs;
	struct host_device *host;
	uint32_t device_features, driver_features, queue;
};

static struct access begin(struct transport *t)
{
	return (struct access){ .regs = t->ops->regs, .host = t->host };
}

/* Which register is at off?  The halves of a long one are the same; REGS: none. */
static enum reg find(const struct reg_layout *regs, uint32_t off)
{
	for (int r = 0; r < REGS; r++) {
		bool is_long = r >= REG_QUEUE_DESC && r <= REG_QUEUE_DEVICE;

		if (regs->at[r] == off || (is_long && regs->at[r] + 4 == off))
			return r;
	}
	return REGS;
}

static uint32_t queue_max(const struct access *a, const struct host_queue_setup *q)
{
	bool one_register = a->regs->at[REG_QUEUE_MAX] == a->regs->at[REG_QUEUE_SIZE];

	return one_register && q->num ? q->num : HOST_QUEUE_MAX;
}

static uint32_t trap_read(const struct access *a, uint32_t off)
{
	const struct host_device *d = a->host;
	const struct host_queue_setup *q = a->queue < d->ops->nqueues ? &d->setup[a->queue] : NULL;

	for (unsigned int i = 0; i < a->regs->nfixed; i++) {
		if (a->regs->fixed[i].at == off)
			return a->regs->fixed[i].value;
	}
	if (off >= a->regs->config && off < a->regs->config + HOST_CONFIG)
		return d->config[off - a->regs->config];
	switch (find(a->regs, off)) {
	case REG_DEVICE_FEATURES:
		return a->device_features < 2 ? d->offered >> (32 * a->device_features) : 0;
	case REG_STATUS:
		return d->status;
	case REG_GENERATION:
		return d->generation & a->regs->generation_mask;
	case REG_QUEUE_MAX:
		return q ? queue_max(a, q) : 0;
	case REG_QUEUE_ENABLE:
		return q && q->enabled;
	case REG_DEVICE_ID:
		return a->regs->id_base + d->ops->device_id;
	default:
		return 0;
	}
}

static void set_half(uint64_t *value, bool high, uint32_t half)
{
	*value = high ? (*value & 0xffffffffu) | (uint64_t)half << 32
		      : (*value & ~(uint64_t)0xffffffffu) | half;
}

static void trap_write(struct access *a, uint32_t off, uint32_t v)
{
	struct host_device *d = a->host;
	struct host_queue_setup *q = &d->setup[a->queue % HOST_QUEUES];
	const struct reg_layout *regs = a->regs;
	enum reg reg = find(regs, off);

	switch (reg) {
	case REG_DEVICE_FEATURES_SELECT:
		a->device_features = v;
		break;
	case REG_DRIVER_FEATURES_SELECT:
		a->driver_features = v;
		break;
	case REG_DRIVER_FEATURES:
		if (a->driver_features < 2 && !(d->status & STATUS_FEATURES_OK))
			set_half(&d->accepted, a->driver_features, v);
		break;
	case REG_STATUS:
		host_device_set_status(d, v);
		break;
	case REG_QUEUE_SELECT:
		a->queue = v;
		break;
	case REG_QUEUE_MAX: /* only where it is the size, too */
	case REG_QUEUE_SIZE:
		if (off == regs->at[REG_QUEUE_SIZE])
			q->num = v;
		break;
	case REG_QUEUE_DESC:
		set_half(&q->desc, off != regs->at[reg], v);
		break;
	case REG_QUEUE_DRIVER:
		set_half(&q->driver, off != regs->at[reg], v);
		break;
	case REG_QUEUE_DEVICE:
		set_half(&q->device, off != regs->at[reg], v);
		break;
	case REG_QUEUE_ENABLE:
		if (v == 1 && a->queue < d->ops->nqueues)
			host_device_enable_queue(d, a->queue);
		break;
	default:
		if (off >= regs->notify && off <= regs->notify + HOST_QUEUES * regs->notify_step)
			host_device_notify(d, v);
	}
}

/* ---- the driver's end ---- */

static uint32_t get(const struct access *a, enum reg reg)
{
	return trap_read(a, a->regs->at[reg]);
}

static void put(struct access *a, enum reg reg, uint32_t v)
{
	trap_write(a, a->regs->at[reg], v);
}

static void put_address(struct access *a, enum reg reg, uint64_t addr)
{
	trap_write(a, a->regs->at[reg], addr);
	trap_write(a, a->regs->at[reg] + 4, addr >> 32);
}

int regs_device_id(struct transport *t, uint32_t *id, struct err *err)
{
	struct access a = begin(t);
	const struct reg_layout *regs = a.regs;

	*id = get(&a, REG_DEVICE_ID) - regs->id_base;
	for (unsigned int i = 0; i < regs->nfixed; i++) {
		if (trap_read(&a, regs->fixed[i].at) != regs->fixed[i].value)
			*id = UINT32_MAX;
	}
	return *id < 64 ? 0 : err_set(err, ENODEV, "%s", regs->stranger);
}

int regs_get_features(struct transport *t, uint64_t *features, struct err *err)
{
	struct access a = begin(t);

	(void)err;
	*features = 0;
	for (uint32_t half = 0; half < 2; half++) {
		put(&a, REG_DEVICE_FEATURES_SELECT, half);
		*features |= (uint64_t)get(&a, REG_DEVICE_FEATURES) << (32 * half);
	}
	return 0;
}

int regs_set_features(struct transport *t, uint64_t features, struct err *err)
{
	struct access a = begin(t);

	(void)err;
	for (uint32_t half = 0; half < 2; half++) {
		put(&a, REG_DRIVER_FEATURES_SELECT, half);
		put(&a, REG_DRIVER_FEATURES, features >> (32 * half));
	}
	return 0;
}

int regs_get_status(struct transport *t, uint8_t *status, struct err *err)
{
	struct access a = begin(t);

	(void)err;
	*status = get(&a, REG_STATUS);
	return 0;
}

int regs_set_status(struct transport *t, uint8_t status, struct err *err)
{
	struct access a = begin(t);

	(void)err;
	put(&a, REG_STATUS, status);
	return 0;
}

int regs_read_config(struct transport *t, uint32_t off, void *buf, uint32_t size, struct err *err)
{
	struct access a = begin(t);
	uint8_t *bytes = buf;

	for (int tries = 0; tries < 3; tries++) {
		uint32_t before = get(&a, REG_GENERATION);

		for (uint32_t i = 0; i < size; i++)
			bytes[i] = trap_read(&a, a.regs->config + off + i);
		if (get(&a, REG_GENERATION) == before)
			return 0;
	}
	return err_set(err, EAGAIN, "the device's configuration changes at each read");
}

int regs_queue_max(struct transport *t, unsigned int i, uint16_t *max, struct err *err)
{
	struct access a = begin(t);

	(void)err;
	put(&a, REG_QUEUE_SELECT, i);
	*max = get(&a, REG_QUEUE_MAX);
	return 0;
}

int regs_setup_queue(struct transport *t, unsigned int i, uint16_t num, uint64_t desc,
		     uint64_t driver, uint64_t device, struct err *err)
{
	struct access a = begin(t);

	put(&a, REG_QUEUE_SELECT, i);
	if (get(&a, REG_QUEUE_ENABLE))
		return err_set(err, EBUSY, "queue %u is in use already", i);
	put(&a, REG_QUEUE_SIZE, num);
	put_address(&a, REG_QUEUE_DESC, desc);
	put_address(&a, REG_QUEUE_DRIVER, driver);
	put_address(&a, REG_QUEUE_DEVICE, device);
	put(&a, REG_QUEUE_ENABLE, 1);
	if (!get(&a, REG_QUEUE_ENABLE))
		return err_set(err, EIO, "the device does not enable queue %u", i);
	return 0;
}

int regs_notify(struct transport *t, unsigned int i, struct err *err)
{
	struct access a = begin(t);

	(void)err;
	trap_write(&a, a.regs->notify + i * a.regs->notify_step, i);
	return 0;
}
