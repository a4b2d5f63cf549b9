/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/virtio/virtio.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/bounce/memory/fault.h"
#include "lib/bounce/memory/realm.h"

static int negotiate(struct virtio *v, uint64_t wanted, struct err *err)
{
	const struct transport_ops *ops = v->transport->ops;
	uint64_t must = F_VERSION_1 | F_ACCESS_PLATFORM, offered;
	uint8_t status;
	int ret = ops->get_features(v->transport, &offered, err);

	if (ret < 0)
		return ret;
	if (fault_always(v->dma->fault, FAULT_NO_ACCESS_PLATFORM) ||
	    fault_always(v->dma->fault, FAULT_BALLOON_PFN)) {
		offered &= ~F_ACCESS_PLATFORM;
		must = F_VERSION_1;
	}
	if (v->dma->fault && v->dma->fault->id == FAULT_WRONG_REVISION && v->dma->fault->hits) {
		/* a driver that takes the features as it misread them */
		must = 0;
		offered &= ~F_ACCESS_PLATFORM;
	}
	if ((offered & must) != must)
		return err_set(err, ENODEV,
			       "the device offers features 0x%" PRIx64
			       " without %s, which a Realm needs",
			       offered, offered & F_VERSION_1 ? "ACCESS_PLATFORM" : "VERSION_1");
	v->features = offered & (wanted | must);
	v->dma->bypass = !(v->features & F_ACCESS_PLATFORM);
	ret = ops->set_features(v->transport, v->features, err);
	if (ret < 0)
		return ret;
	ret = ops->set_status(v->transport, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK,
			      err);
	if (ret == 0)
		ret = ops->get_status(v->transport, &status, err);
	if (ret < 0)
		return ret;
	if (!(status & STATUS_FEATURES_OK))
		return err_set(err, ENODEV, "the device refuses features 0x%" PRIx64, v->features);
	return 0;
}

static int start_queue(struct virtio *v, unsigned int i, uint16_t num, struct err *err)
{
	const struct transport_ops *ops = v->transport->ops;
	struct virtq *q = &v->queues[i];
	uint16_t max;
	int ret = ops->queue_max(v->transport, i, &max, err);

	if (ret < 0)
		return ret;
	if (!max)
		return err_set(err, ENODEV, "the device has no queue %u", i);
	ret = virtq_init(q, v->dma, num < max ? num : max, v->features & F_PACKED,
			 v->features & F_INDIRECT, v->features & F_EVENT_IDX, err);
	if (ret < 0)
		return ret;
	/* a hostile host gets its chance whenever the driver has looked */
	q->between = hostq_between;
	q->between_ctx = &v->transport->host->queues[i];
	return ops->setup_queue(v->transport, i, q->num, q->desc, q->driver, q->device, err);
}

int virtio_start(struct virtio *v, struct transport *transport, struct dma_device *dma,
		 uint32_t device_id, uint64_t wanted, unsigned int nqueues, uint16_t num,
		 struct err *err)
{
	const struct transport_ops *ops = transport->ops;
	uint32_t id = 0;
	int ret;

	memset(v, 0, sizeof(*v));
	v->transport = transport;
	v->dma = dma;
	ret = ops->device_id(transport, &id, err);
	if (ret == 0 && id != device_id)
		ret = err_set(err, ENODEV, "the device is of type %u, not %u", id, device_id);
	if (ret == 0)
		ret = ops->set_status(transport, 0, err);
	if (ret == 0)
		ret = ops->set_status(transport, STATUS_ACKNOWLEDGE | STATUS_DRIVER, err);
	if (ret == 0)
		ret = negotiate(v, wanted, err);
	for (unsigned int i = 0; ret == 0 && i < nqueues; i++) {
		ret = start_queue(v, i, num, err);
		v->nqueues = i + 1;
	}
	if (ret == 0)
		ret = ops->set_status(transport,
				      STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK |
					      STATUS_DRIVER_OK,
				      err);
	if (ret < 0)
		virtio_stop(v);
	return ret;
}

void virtio_stop(struct virtio *v)
{
	struct err ignored;

	if (!v->transport)
		return;
	v->transport->ops->set_status(v->transport, 0, &ignored);
	for (unsigned int i = 0; i < v->nqueues; i++)
		virtq_release(&v->queues[i]);
	v->nqueues = 0;
	v->transport = NULL;
}

int virtio_kick(struct virtio *v, unsigned int i, struct err *err)
{
	if (!virtq_kick(&v->queues[i]))
		return 0;
	v->notifications++;
	if (fault_once(v->dma->fault, FAULT_ENCRYPT_WHILE_MAPPED))
		dma_encrypt(v->dma, v->queues[i].ring.ipa, REALM_GRANULE);
	return v->transport->ops->notify(v->transport, i, err);
}

int virtio_request(struct virtio *v, unsigned int i, const struct virtq_buf *bufs, unsigned int n,
		   uint32_t *written, struct err *err)
{
	uint32_t got = 0;
	void *token;
	int ret = virtq_add(&v->queues[i], bufs, n, v, err);

	if (ret == 0)
		ret = virtio_kick(v, i, err);
	if (ret < 0)
		return ret;
	ret = virtq_get(&v->queues[i], &token, &got, err);
	if (ret < 0)
		return ret;
	if (ret == 0)
		return err_set(err, EIO, "the device does not answer on queue %u", i);
	if (written)
		*written = got;
	return 0;
}

uint64_t virtio_buffer(struct virtio *v, const void *data, size_t size)
{
	uint64_t ipa = realm_alloc(v->dma->realm, size, 64);

	if (ipa == REALM_NO_ADDR)
		return ipa;
	if (data)
		memcpy(realm_ptr(v->dma->realm, ipa, size), data, size);
	else
		memset(realm_ptr(v->dma->realm, ipa, size), 0, size);
	return ipa;
}

void virtio_buffer_free(struct virtio *v, uint64_t ipa, size_t size)
{
	realm_release(v->dma->realm, ipa, size);
}

uint8_t *virtio_ptr(struct virtio *v, uint64_t ipa, size_t size)
{
	return realm_ptr(v->dma->realm, ipa, size);
}
