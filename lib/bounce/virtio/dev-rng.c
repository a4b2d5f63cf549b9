/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-rng (virtio 1.3 §5.4): one queue of buffers that the device fills. */
#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/bounce/memory/random.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/virtio/devices.h"

#define ID_RNG 4

int rng_start(struct rng *rng, struct transport *transport, struct dma_device *dma,
	      uint64_t features, struct err *err)
{
	memset(rng, 0, sizeof(*rng));
	return virtio_start(&rng->v, transport, dma, ID_RNG, features, 1, 8, err);
}

void rng_stop(struct rng *rng)
{
	virtio_stop(&rng->v);
}

int rng_read(struct rng *rng, void *data, size_t size, struct err *err)
{
	uint64_t ipa = virtio_buffer(&rng->v, NULL, size);
	struct virtq_buf buf = { .ipa = ipa, .size = size, .in = true };
	uint32_t written;
	int ret;

	if (ipa == REALM_NO_ADDR)
		return err_set(err, ENOMEM, "no Realm memory for %zu bytes of entropy", size);
	ret = virtio_request(&rng->v, 0, &buf, 1, &written, err);
	if (virtq_in_flight(&rng->v.queues[0]))
		return ret;
	if (ret == 0) {
		ret = written < size ? written : size;
		memcpy(data, virtio_ptr(&rng->v, ipa, size), ret);
	}
	virtio_buffer_free(&rng->v, ipa, size);
	return ret;
}

static void handle(struct host_device *dev, unsigned int i)
{
	struct rng_host *host = dev->priv;
	struct hostq_chain c;
	uint8_t data[256];

	while (host_device_pop(dev, i, &c)) {
		uint32_t off = 0;

		while (off < c.in_size) {
			size_t n = c.in_size - off < sizeof(data) ? c.in_size - off : sizeof(data);

			random_fill(&host->state, data, n);
			off += hostq_write(&dev->queues[i], &c, off, data, n);
		}
		host_device_push(dev, i, &c, off);
	}
}

const struct host_ops rng_host_ops = {
	.name = "rng",
	.device_id = ID_RNG,
	.nqueues = 1,
	.handle = handle,
};
