/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-blk (virtio 1.3 §5.2): read, write and flush on a file. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/le.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/virtio/devices.h"

#define ID_BLK 2
#define MAX_BYTES (128u << 10)
#define HEADER 16u /* type 4, reserved 4, sector 8 */

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
#define F_FLUSH (1u << 9)

int blk_start(struct blk *blk, struct transport *transport, struct dma_device *dma,
	      uint64_t features, struct err *err)
{
	uint8_t capacity[8];
	int ret;

	memset(blk, 0, sizeof(*blk));
	ret = virtio_start(&blk->v, transport, dma, ID_BLK, features | F_FLUSH, 1, 32, err);
	if (ret < 0)
		return ret;
	ret = transport->ops->read_config(transport, 0, capacity, sizeof(capacity), err);
	if (ret < 0)
		virtio_stop(&blk->v);
	blk->sectors = get_le64(capacity);
	return ret;
}

void blk_stop(struct blk *blk)
{
	virtio_stop(&blk->v);
}

/* One request; data is copied to or from the Realm buffer. */
static int request(struct blk *blk, uint32_t type, uint64_t sector, void *in, const void *out,
		   size_t size, struct err *err)
{
	uint8_t header[HEADER] = { 0 }, status;
	uint64_t head, body = REALM_NO_ADDR, tail;
	struct virtq_buf bufs[3];
	unsigned int n = 0;
	int ret;

	put_le32(header, type);
	put_le64(header + 8, sector);
	status = 0xff;
	head = virtio_buffer(&blk->v, header, HEADER);
	tail = virtio_buffer(&blk->v, &status, 1);
	bufs[n++] = (struct virtq_buf){ .ipa = head, .size = HEADER };
	if (size) {
		body = virtio_buffer(&blk->v, out, size);
		bufs[n++] = (struct virtq_buf){ .ipa = body, .size = size, .in = in != NULL };
	}
	bufs[n++] = (struct virtq_buf){ .ipa = tail, .size = 1, .in = true };
	if (head == REALM_NO_ADDR || tail == REALM_NO_ADDR || (size && body == REALM_NO_ADDR))
		return err_set(err, ENOMEM, "no Realm memory for a block request");
	ret = virtio_request(&blk->v, 0, bufs, n, NULL, err);
	if (virtq_in_flight(&blk->v.queues[0])) /* the device may still write there: keep it */
		return ret;
	if (ret == 0) {
		status = *virtio_ptr(&blk->v, tail, 1);
		if (status != S_OK)
			ret = err_set(err, EIO, "the disk answers %u at sector %" PRIu64, status,
				      sector);
		else if (in)
			memcpy(in, virtio_ptr(&blk->v, body, size), size);
	}
	virtio_buffer_free(&blk->v, head, HEADER);
	virtio_buffer_free(&blk->v, tail, 1);
	virtio_buffer_free(&blk->v, body, size);
	return ret;
}

static int check_range(const struct blk *blk, uint64_t sector, size_t size, struct err *err)
{
	if (!size || size % BLK_SECTOR || size > MAX_BYTES || sector > blk->sectors ||
	    size / BLK_SECTOR > blk->sectors - sector)
		return err_set(err, EINVAL, "%zu bytes at sector %" PRIu64 " are not on the disk",
			       size, sector);
	return 0;
}

int blk_read(struct blk *blk, uint64_t sector, void *data, size_t size, struct err *err)
{
	int ret = check_range(blk, sector, size, err);

	return ret < 0 ? ret : request(blk, T_IN, sector, data, NULL, size, err);
}

int blk_write(struct blk *blk, uint64_t sector, const void *data, size_t size, struct err *err)
{
	int ret = check_range(blk, sector, size, err);

	return ret < 0 ? ret : request(blk, T_OUT, sector, NULL, data, size, err);
}

int blk_flush(struct blk *blk, struct err *err)
{
	return request(blk, T_FLUSH, 0, NULL, NULL, 0, err);
}

/* The host's half. */

void blk_host_config(struct host_device *dev)
{
	const struct blk_host *host = dev->priv;

	put_le64(dev->config, host->sectors);
}

/* Move data between the file and the chain.  Returns the status byte. */
static uint8_t move(struct host_device *dev, const struct hostq_chain *c, uint32_t type,
		    uint64_t sector)
{
	struct blk_host *host = dev->priv;
	struct hostq *q = &dev->queues[0];
	uint32_t size = type == T_IN ? c->in_size - 1 : c->out_size - HEADER;
	uint8_t data[4096];

	if (size % BLK_SECTOR || sector > host->sectors ||
	    size / BLK_SECTOR > host->sectors - sector)
		return S_IOERR;
	for (uint32_t off = 0; off < size;) {
		uint32_t n = size - off < sizeof(data) ? size - off : sizeof(data);
		off_t at = (off_t)(sector * BLK_SECTOR + off);

		if (type == T_OUT) {
			hostq_read(q, c, HEADER + off, data, n);
			if (pwrite(host->fd, data, n, at) != (ssize_t)n)
				return S_IOERR;
		} else {
			if (pread(host->fd, data, n, at) != (ssize_t)n)
				return S_IOERR;
			hostq_write(q, c, off, data, n);
		}
		off += n;
	}
	return S_OK;
}

static void handle(struct host_device *dev, unsigned int i)
{
	struct blk_host *host = dev->priv;
	struct hostq_chain c;

	while (host_device_pop(dev, i, &c)) {
		uint8_t header[HEADER] = { 0 }, status = S_UNSUPP;
		uint32_t type;

		if (c.in_size < 1 || hostq_read(&dev->queues[i], &c, 0, header, HEADER) != HEADER) {
			dev->malformed++;
			host_device_push(dev, i, &c, 0);
			continue;
		}
		type = get_le32(header);
		if (type == T_IN || type == T_OUT)
			status = move(dev, &c, type, get_le64(header + 8));
		else if (type == T_FLUSH)
			status = fsync(host->fd) == 0 || errno == EINVAL ? S_OK : S_IOERR;
		hostq_write(&dev->queues[i], &c, c.in_size - 1, &status, 1);
		host_device_push(dev, i, &c, type == T_IN ? c.in_size : 1);
	}
}

const struct host_ops blk_host_ops = {
	.name = "blk",
	.device_id = ID_BLK,
	.features = F_FLUSH,
	.nqueues = 1,
	.config_size = 8,
	.handle = handle,
};
