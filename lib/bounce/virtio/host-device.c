/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/virtio/host-device.h"

#include <string.h>

void host_device_init(struct host_device *dev, const struct host_ops *ops, uint64_t offered,
		      void *priv)
{
	memset(dev, 0, sizeof(*dev));
	dev->ops = ops;
	dev->offered = offered;
	dev->priv = priv;
	for (unsigned int i = 0; i < HOST_QUEUES; i++)
		dev->queues[i].hostile = &dev->hostile;
}

static void reset(struct host_device *dev)
{
	dev->status = 0;
	dev->accepted = 0;
	memset(dev->setup, 0, sizeof(dev->setup));
	for (unsigned int i = 0; i < HOST_QUEUES; i++)
		dev->queues[i].ready = false;
}

void host_device_set_status(struct host_device *dev, uint8_t status)
{
	if (!status) {
		reset(dev);
		return;
	}
	/* a device refuses what it did not offer, and drivers of before VERSION_1 */
	if ((status & STATUS_FEATURES_OK) && !(dev->status & STATUS_FEATURES_OK) &&
	    ((dev->accepted & ~dev->offered) ||
	     (!dev->transitional && !(dev->accepted & F_VERSION_1))))
		status &= ~STATUS_FEATURES_OK;
	dev->status = status;
	if (status & STATUS_DRIVER_OK) {
		dev->ran_status = status;
		dev->ran_features = dev->accepted;
	}
}

void host_device_enable_queue(struct host_device *dev, unsigned int i)
{
	struct host_queue_setup *s;

	if (i >= dev->ops->nqueues)
		return;
	s = &dev->setup[i];
	if (!s->num || s->num > HOST_QUEUE_MAX)
		return;
	/* who was not promised the platform's view of memory uses physical addresses */
	dev->guard.raw = !(dev->accepted & F_ACCESS_PLATFORM);
	hostq_init(&dev->queues[i], &dev->guard, dev->accepted & F_PACKED,
		   dev->accepted & F_EVENT_IDX, s->num, s->desc, s->driver, s->device);
	s->enabled = true;
}

void host_device_notify(struct host_device *dev, unsigned int i)
{
	if (i >= dev->ops->nqueues || !(dev->status & STATUS_DRIVER_OK))
		return;
	dev->notifications++;
	dev->ops->handle(dev, i);
}

void host_device_push(struct host_device *dev, unsigned int i, const struct hostq_chain *chain,
		      uint32_t written)
{
	dev->interrupts += hostq_push(&dev->queues[i], chain, written);
}

bool host_device_pop(struct host_device *dev, unsigned int i, struct hostq_chain *chain)
{
	int ret = hostq_pop(&dev->queues[i], chain);

	if (ret >= 0)
		return ret;
	dev->malformed++;
	dev->status |= STATUS_NEEDS_RESET;
	dev->queues[i].ready = false;
	return false;
}
