/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-msg: a backend that gets anything, and a driver whose backend answers anything. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/msg/ffa.h"
#include "lib/bounce/selftest/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *next;
static size_t left;

/* Answers with the next bytes of the input, whatever is asked. */
static size_t receive(void *ctx, uint16_t from, const uint8_t *msg, size_t size, uint8_t *reply,
		      size_t room)
{
	size_t n = left ? *next % (room + 1) : 0;

	(void)ctx;
	(void)from;
	if (n > left)
		n = left;
	memcpy(reply, next, n);
	/* most of what does not fit the question is refused at once: make it fit now and then */
	if (n >= 8 && size >= 8 && (reply[0] & 0x80)) {
		memcpy(reply, msg, 6);
		reply[0] |= 1;
		reply[6] = n;
		reply[7] = n >> 8;
	}
	next += n;
	left -= n;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine_config config = { .device = MACHINE_BLK,
					 .transport = MACHINE_MSG1_DYNAMIC,
					 .seed = 1,
					 .unrecorded = true };
	struct ffa_partition strange = { .id = 2, .direct = true, .receive = receive };
	uint8_t reply[FFA_DIRECT_MAX];
	struct dma_device dma;
	struct msg_bus *bus;
	struct machine m;
	struct err err;
	struct ffa *ffa;

	config.transport += size & 1 ? 2 : 0;
	if (machine_open(&m, &config, &err) < 0)
		abort();
	/* the backend: messages of any content, one after the other */
	for (size_t at = 0; at < size;) {
		size_t n = data[at] % (FFA_DIRECT_MAX + 1);

		n = n < size - at ? n : size - at;
		ffa_direct(m.ffa, 1, 2, data + at, n, reply, sizeof(reply));
		at += n ? n : 1;
	}
	/* the driver: a backend that says anything */
	next = data;
	left = size;
	ffa = ffa_new(m.realm);
	memcpy(strange.uuid,
	       (const uint8_t[]){ 0xc6, 0x60, 0x28, 0xb5, 0x24, 0x98, 0x4a, 0xa1, 0x9d, 0xe7, 0x77,
				  0xda, 0x61, 0x22, 0xab, 0xf0 },
	       16);
	ffa_add_partition(ffa, &strange);
	dma = m.dma;
	dma.ops = NULL;
	bus = msg_bus_open(ffa, 1, MSG_REVISION_2, &dma, true, &err);
	if (bus) {
		struct transport t = { .ops = &transport_msg, .host = &m.host, .bus = bus };
		struct virtio v;

		if (virtio_start(&v, &t, &dma, 2, UINT64_MAX, 1, 8, &err) == 0)
			virtio_stop(&v);
	}
	msg_bus_close(bus);
	ffa_free(ffa);
	machine_close(&m);
	return 0;
}
