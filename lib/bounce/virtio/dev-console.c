/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-console (virtio 1.3 §5.3): one port, receive queue 0, transmit queue 1. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/virtio/devices.h"

#define RX 0
#define TX 1
#define RX_SIZE 1024u
#define RX_BUFFERS 8u
#define TX_SIZE 1024u
#define ID_CONSOLE 3

struct console_buffer {
	uint64_t ipa;
};

static int post(struct console *con, struct console_buffer *rx, struct err *err)
{
	struct virtq_buf buf = { .ipa = rx->ipa, .size = RX_SIZE, .in = true };

	return virtq_add(&con->v.queues[RX], &buf, 1, rx, err);
}

static int add_buffers(struct console *con, struct err *err)
{
	for (unsigned int i = 0; i < RX_BUFFERS; i++) {
		int ret;

		con->rx[i].ipa = virtio_buffer(&con->v, NULL, RX_SIZE);
		if (con->rx[i].ipa == REALM_NO_ADDR)
			return err_set(err, ENOMEM, "no Realm memory for receive buffers");
		con->nrx = i + 1;
		ret = post(con, &con->rx[i], err);
		if (ret < 0)
			return ret;
	}
	return virtio_kick(&con->v, RX, err);
}

int console_start(struct console *con, struct transport *transport, struct dma_device *dma,
		  uint64_t features, struct err *err)
{
	int ret;

	memset(con, 0, sizeof(*con));
	ret = virtio_start(&con->v, transport, dma, ID_CONSOLE, features, 2, 16, err);
	if (ret < 0)
		return ret;
	con->rx = xcalloc(RX_BUFFERS, sizeof(*con->rx));
	ret = add_buffers(con, err);
	if (ret < 0)
		console_stop(con);
	return ret;
}

void console_stop(struct console *con)
{
	virtio_stop(&con->v);
	for (unsigned int i = 0; i < con->nrx; i++)
		virtio_buffer_free(&con->v, con->rx[i].ipa, RX_SIZE);
	free(con->rx);
	con->rx = NULL;
	con->nrx = 0;
}

int console_write(struct console *con, const void *data, size_t size, struct err *err)
{
	const uint8_t *bytes = data;

	for (size_t off = 0; off < size;) {
		size_t n = size - off < TX_SIZE ? size - off : TX_SIZE;
		uint64_t ipa = virtio_buffer(&con->v, bytes + off, n);
		struct virtq_buf buf = { .ipa = ipa, .size = n };
		int ret;

		if (ipa == REALM_NO_ADDR)
			return err_set(err, ENOMEM, "no Realm memory for console output");
		ret = virtio_request(&con->v, TX, &buf, 1, NULL, err);
		if (!virtq_in_flight(&con->v.queues[TX]))
			virtio_buffer_free(&con->v, ipa, n);
		if (ret < 0)
			return ret;
		off += n;
	}
	return 0;
}

int console_poll(struct console *con, net_deliver deliver, void *ctx, struct err *err)
{
	uint8_t data[2 * RX_SIZE];
	uint32_t written;
	void *token;
	int n = 0, ret;

	while ((ret = virtq_get(&con->v.queues[RX], &token, &written, err)) == 1) {
		struct console_buffer *rx = token;

		if (written > sizeof(data))
			written = sizeof(data);
		memcpy(data, virtio_ptr(&con->v, rx->ipa, written), written);
		deliver(ctx, data, written);
		n++;
		ret = post(con, rx, err);
		if (ret < 0)
			return ret;
	}
	if (ret == 0)
		ret = virtio_kick(&con->v, RX, err);
	return ret < 0 ? ret : n;
}

/* The host's half. */

size_t console_host_input(struct console_host *host, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	struct hostq_chain c;
	size_t done = 0;

	while (done < size && host_device_pop(host->dev, RX, &c)) {
		size_t n = hostq_write(&host->dev->queues[RX], &c, 0, bytes + done, size - done);

		host_device_push(host->dev, RX, &c, n);
		done += n;
	}
	return done;
}

static void handle(struct host_device *dev, unsigned int i)
{
	struct console_host *host = dev->priv;
	uint8_t data[TX_SIZE];
	struct hostq_chain c;

	while (i == TX && host_device_pop(dev, TX, &c)) {
		size_t n = hostq_read(&dev->queues[TX], &c, 0, data, sizeof(data));

		host->output(host->ctx, data, n);
		host_device_push(dev, TX, &c, 0);
	}
}

const struct host_ops console_host_ops = {
	.name = "console",
	.device_id = ID_CONSOLE,
	.nqueues = 2,
	.config_size = 12,
	.handle = handle,
};
