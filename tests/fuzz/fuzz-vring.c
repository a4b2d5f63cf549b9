/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rings of any content: for the driver, whose device writes what it likes, and for the
 * device, whose guest does.  Nothing outside the driver's buffers may change.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/bounce/memory/guard.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/virtio/hostq.h"
#include "lib/bounce/virtio/virtq.h"

#define BASE 0x80000000u
#define POOL (BASE + (1u << 20))
#define REQUESTS 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

static unsigned int byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

/* Overwrite some bytes of the ring, as a hostile side would. */
static void scribble(struct virtq *q, struct input *in)
{
	for (unsigned int n = byte(in) % 16; n > 0; n--) {
		size_t off = (byte(in) << 8 | byte(in)) % q->ring.size;

		q->mem[off] = byte(in);
	}
}

static void driver(struct virtq *q, struct hostq *h, struct realm *realm, struct input *in)
{
	struct virtq_buf bufs[REQUESTS][2];
	struct hostq_chain c;
	struct err err;
	uint32_t written;
	void *token;

	for (int i = 0; i < REQUESTS; i++) {
		bufs[i][0] = (struct virtq_buf){ .ipa = realm_alloc(realm, 40, 64), .size = 40 };
		bufs[i][1] = (struct virtq_buf){ .ipa = realm_alloc(realm, 90, 64),
						 .size = 90,
						 .in = true };
		virtq_add(q, bufs[i], 2, &bufs[i], &err);
		if (byte(in) & 1)
			scribble(q, in);
		if (virtq_kick(q) && hostq_pop(h, &c) == 1) {
			uint8_t junk[256];

			memset(junk, byte(in), sizeof(junk));
			hostq_write(h, &c, 0, junk, sizeof(junk));
			hostq_push(h, &c, byte(in));
		}
		if (byte(in) & 1)
			scribble(q, in);
		while (virtq_get(q, &token, &written, &err) == 1) {
			if (written > 90)
				abort(); /* more than the device could write */
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned int format = byte(&in);
	struct realm *realm = realm_new(BASE, 3u << 20, 0, 1);
	struct swiotlb_pool *pool = swiotlb_pool_new(realm, "default", POOL, 512u << 10, 1, NULL);
	struct dma_device dma = { .realm = realm, .mask = UINT64_MAX, .pools = &pool, .npools = 1 };
	struct guard guard = { .realm = realm };
	struct hostq h = { 0 };
	struct virtq q;
	struct err err;

	if (virtq_init(&q, &dma, 8, format & 1, format & 2, format & 4, &err) < 0)
		abort();
	hostq_init(&h, &guard, format & 1, format & 4, 8, q.desc, q.driver, q.device);
	driver(&q, &h, realm, &in);
	virtq_release(&q);
	if (realm_damage(realm))
		abort();
	swiotlb_pool_free(pool);
	realm_free(realm);
	return 0;
}
