/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/canary/canary.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"

#define VIRTIO_ID_NET 1
#define VIRTIO_ID_BLOCK 2

#define VIRTIO_NET_F_HASH_REPORT 57
#define VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO 65
#define VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO 67

/* What the driver puts in front of each frame (virtio 1.3, 5.1.6 and Linux linux/virtio_net.h). */
static uint32_t net_header_size(const struct platform_virtio *dev)
{
	if (platform_virtio_feature(dev, VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO) == TRI_YES ||
	    platform_virtio_feature(dev, VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO) == TRI_YES)
		return 24;
	if (platform_virtio_feature(dev, VIRTIO_NET_F_HASH_REPORT) == TRI_YES)
		return 20;
	return 12;
}

static void add(struct canaries *canaries, const struct platform_virtio *dev, uint64_t nonce,
		const char *url)
{
	struct platform_canary *canary;
	const char *kind = "net-datagram";
	char *reason = NULL;
	uint64_t size = 0;

	if (!dev->iface)
		reason = xstrdup(dev->device_id == VIRTIO_ID_NET ? "it has no network interface"
								 : "it has no disk");
	else if (dev->device_id == VIRTIO_ID_BLOCK)
		size = canary_read_block(dev->iface, nonce, &reason), kind = "blk-read";
	else if (url)
		size = canary_send_http(dev->iface, net_header_size(dev), url, nonce, &reason),
		kind = "net-http";
	else
		size = canary_send_frame(dev->iface, net_header_size(dev), nonce, &reason);

	canaries->list = xrealloc(canaries->list, canaries->count + 1, sizeof(*canaries->list));
	canary = &canaries->list[canaries->count++];
	*canary = (struct platform_canary){
		.device = xstrdup(dev->parent ? dev->parent : dev->name),
		.kind = xstrdup(size				? kind
				: strcmp(kind, "net-http") == 0 ? "failed"
								: "none"),
		.size = size,
		.reason = reason,
	};
}

void canary_run(struct canaries *canaries, const struct platform *facts, uint64_t nonce,
		const char *url)
{
	*canaries = (struct canaries){ 0 };
	for (size_t i = 0; i < facts->nvirtio; i++) {
		const struct platform_virtio *dev = &facts->virtio[i];

		if (dev->device_id != VIRTIO_ID_NET && dev->device_id != VIRTIO_ID_BLOCK)
			continue;
		if (dev->driver && platform_virtio_active(dev) != TRI_NO)
			add(canaries, dev, nonce + i, url);
	}
}

void canary_describe(struct canaries *canaries, struct platform *facts)
{
	facts->trace.canaries = canaries->list;
	facts->trace.ncanaries = canaries->count;
	*canaries = (struct canaries){ 0 };
}

void canary_release(struct canaries *canaries)
{
	for (size_t i = 0; i < canaries->count; i++) {
		free(canaries->list[i].device);
		free(canaries->list[i].kind);
		free(canaries->list[i].reason);
	}
	free(canaries->list);
	*canaries = (struct canaries){ 0 };
}
