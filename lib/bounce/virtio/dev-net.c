/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-net (virtio 1.3 §5.1): receive queue 0, transmit queue 1, no offloads. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/virtio/devices.h"

#define RX 0
#define TX 1
#define RX_SIZE 2048u
#define RX_BUFFERS 16u
#define LINEAR 128u /* bytes of a frame next to its header; the rest is a second buffer */
#define ID_NET 1

struct net_buffer {
	uint64_t ipa, dma;
};

static int post(struct net *net, struct net_buffer *rx, struct err *err)
{
	struct virtq_buf buf = { .ipa = rx->ipa,
				 .size = RX_SIZE,
				 .in = true,
				 .premapped = net->premapped,
				 .dma = rx->dma };

	return virtq_add(&net->v.queues[RX], &buf, 1, rx, err);
}

static int add_buffers(struct net *net, struct err *err)
{
	for (unsigned int i = 0; i < RX_BUFFERS; i++) {
		struct net_buffer *rx = &net->rx[i];
		int ret;

		rx->ipa = virtio_buffer(&net->v, NULL, RX_SIZE);
		if (rx->ipa == REALM_NO_ADDR)
			return err_set(err, ENOMEM, "no Realm memory for receive buffers");
		net->nrx = i + 1;
		rx->dma = net->premapped ? dma_map(net->v.dma, rx->ipa, RX_SIZE, EVENT_FROM_DEVICE,
						   EVENT_ATTR_SKIP_CPU_SYNC)
					 : EVENT_NO_ADDR;
		if (net->premapped && rx->dma == EVENT_NO_ADDR)
			return err_set(err, ENOMEM, "swiotlb buffer is full: no receive buffers");
		ret = post(net, rx, err);
		if (ret < 0)
			return ret;
	}
	return virtio_kick(&net->v, RX, err);
}

int net_start(struct net *net, struct transport *transport, struct dma_device *dma,
	      uint64_t features, bool premapped, struct err *err)
{
	int ret;

	memset(net, 0, sizeof(*net));
	ret = virtio_start(&net->v, transport, dma, ID_NET, features, 2, 32, err);
	if (ret < 0)
		return ret;
	net->premapped = premapped && !dma->bypass;
	net->rx = xcalloc(RX_BUFFERS, sizeof(*net->rx));
	ret = add_buffers(net, err);
	if (ret < 0)
		net_stop(net);
	return ret;
}

void net_stop(struct net *net)
{
	struct dma_device *dma = net->v.dma;

	virtio_stop(&net->v);
	for (unsigned int i = 0; i < net->nrx; i++) {
		if (net->rx[i].dma != EVENT_NO_ADDR)
			dma_unmap(dma, net->rx[i].dma, RX_SIZE, EVENT_FROM_DEVICE,
				  EVENT_ATTR_SKIP_CPU_SYNC);
		realm_release(dma->realm, net->rx[i].ipa, RX_SIZE);
	}
	free(net->rx);
	net->rx = NULL;
	net->nrx = 0;
}

int net_send(struct net *net, const uint8_t *frame, size_t size, struct err *err)
{
	size_t linear = size < LINEAR || net->whole ? size : LINEAR, rest = size - linear;
	uint64_t head, tail = REALM_NO_ADDR;
	struct virtq_buf bufs[2];
	int ret;

	if (!size || size > NET_MAX_FRAME)
		return err_set(err, EMSGSIZE, "a frame of %zu bytes is not possible: at most %u",
			       size, NET_MAX_FRAME);
	head = virtio_buffer(&net->v, NULL, NET_HEADER + linear);
	if (head == REALM_NO_ADDR)
		return err_set(err, ENOMEM, "no Realm memory for a frame");
	memcpy(virtio_ptr(&net->v, head, NET_HEADER + linear) + NET_HEADER, frame, linear);
	bufs[0] = (struct virtq_buf){ .ipa = head, .size = NET_HEADER + linear };
	if (rest) {
		tail = virtio_buffer(&net->v, frame + linear, rest);
		bufs[1] = (struct virtq_buf){ .ipa = tail, .size = rest };
	}
	if (rest && tail == REALM_NO_ADDR)
		ret = err_set(err, ENOMEM, "no Realm memory for a frame");
	else
		ret = virtio_request(&net->v, TX, bufs, rest ? 2 : 1, NULL, err);
	/* what a device did not complete is still its own: it may read it later */
	if (!virtq_in_flight(&net->v.queues[TX])) {
		virtio_buffer_free(&net->v, head, NET_HEADER + linear);
		virtio_buffer_free(&net->v, tail, rest);
	}
	return ret;
}

int net_poll(struct net *net, net_deliver deliver, void *ctx, struct err *err)
{
	uint8_t frame[2 * RX_SIZE];
	uint32_t written;
	void *token;
	int n = 0, ret;

	while ((ret = virtq_get(&net->v.queues[RX], &token, &written, err)) == 1) {
		struct net_buffer *rx = token;

		if (written > sizeof(frame))
			written = sizeof(frame);
		if (net->premapped)
			dma_sync_for_cpu(net->v.dma, rx->dma, written, EVENT_FROM_DEVICE);
		if (written > NET_HEADER) {
			memcpy(frame, virtio_ptr(&net->v, rx->ipa, written), written);
			deliver(ctx, frame + NET_HEADER, written - NET_HEADER);
			n++;
		}
		if (net->premapped)
			dma_sync_for_device(net->v.dma, rx->dma, RX_SIZE, EVENT_FROM_DEVICE);
		ret = post(net, rx, err);
		if (ret < 0)
			return ret;
	}
	if (ret == 0)
		ret = virtio_kick(&net->v, RX, err);
	return ret < 0 ? ret : n;
}

/* The host's half. */

bool net_host_receive(struct net_host *host, const uint8_t *frame, size_t size)
{
	uint8_t header[NET_HEADER] = { [10] = 1 }; /* num_buffers = 1 */
	struct hostq_chain c;
	size_t n;

	if (!host_device_pop(host->dev, RX, &c))
		return false;
	n = hostq_write(&host->dev->queues[RX], &c, 0, header, sizeof(header));
	n += hostq_write(&host->dev->queues[RX], &c, n, frame, size);
	host_device_push(host->dev, RX, &c, n);
	return n == size + NET_HEADER;
}

static void handle(struct host_device *dev, unsigned int i)
{
	struct net_host *host = dev->priv;
	uint8_t frame[NET_HEADER + NET_MAX_FRAME];
	struct hostq_chain c;

	while (i == TX && host_device_pop(dev, TX, &c)) {
		size_t n = hostq_read(&dev->queues[TX], &c, 0, frame, sizeof(frame));

		if (n > NET_HEADER)
			host->transmit(host->ctx, frame + NET_HEADER, n - NET_HEADER);
		else
			dev->malformed++;
		host_device_push(dev, TX, &c, 0);
	}
}

const struct host_ops net_host_ops = {
	.name = "net",
	.device_id = ID_NET,
	.nqueues = 2,
	.config_size = 12,
	.handle = handle,
};
