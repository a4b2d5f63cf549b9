/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_VIRTIO_VRING_H
#define CCAIO_LIB_BOUNCE_VIRTIO_VRING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * vring - the memory layouts that both sides of a virtqueue agree on.
 *
 * OASIS virtio 1.3: §2.7 split virtqueues, §2.8 packed virtqueues, §2.7.10 and
 * §2.8.10 notification suppression (event index).
 */
#define VRING_DESC_SIZE \
	16u /* split: addr 8, len 4, flags 2, next 2; packed: addr, len, id, flags */
#define VRING_MAX_NUM 1024u

/* descriptor flags */
#define VRING_F_NEXT 1u
#define VRING_F_WRITE 2u
#define VRING_F_INDIRECT 4u
#define VRING_F_AVAIL (1u << 7) /* packed */
#define VRING_F_USED (1u << 15) /* packed */

/* packed event suppression: flags */
#define VRING_EVENT_ENABLE 0u
#define VRING_EVENT_DISABLE 1u
#define VRING_EVENT_DESC 2u

/* split: offsets from the start of the driver (avail) and device (used) areas */
#define VRING_AVAIL_FLAGS 0u
#define VRING_AVAIL_IDX 2u
#define VRING_AVAIL_RING 4u
#define VRING_USED_FLAGS 0u
#define VRING_USED_IDX 2u
#define VRING_USED_RING 4u
#define VRING_USED_ELEM 8u /* id 4, len 4 */

/* §2.7.7.2: has the index moved past what the other side waits for? */
static inline bool vring_need_event(uint16_t event, uint16_t now, uint16_t before)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

/* §2.8.10: the same in a packed ring: event is a position with the wrap counter in bit 15. */
static inline bool vring_packed_need_event(uint16_t off_wrap, uint16_t num, uint16_t now,
					   uint16_t before, bool wrap)
{
	int event = off_wrap & 0x7fff;

	if ((off_wrap >> 15) != wrap)
		event -= num;
	return vring_need_event(event, now, before);
}

#endif
