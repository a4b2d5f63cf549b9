/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MSG_FORMAT_H
#define CCAIO_LIB_BOUNCE_MSG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * msg-format - the layouts of virtio-msg, in its two public revisions.
 *
 * Revision 1: the transport's proposal of December 2025 (virtio-msg-spec, PR 28).
 * Revision 2: the header of 2026 that goes with the FF-A bus (Arm DEN0153, ALP2).
 * Message ids agree, layouts do not, and nothing on the wire says which one it is:
 * both ends must hold to one revision, and a message whose size is not that of the
 * revision is refused.  All values little-endian.
 */
enum msg_revision { MSG_REVISION_1 = 1, MSG_REVISION_2 = 2 };

#define MSG_HEADER 8u /* type 1, id 1, device number 2, token 2, size 2 */
#define MSG_MAX 104u  /* FFA_BUS_MAX_MSG_SIZE of 2026 */

/* header, type: bit 0 response, bit 1 bus message */
#define MSG_RESPONSE 1u
#define MSG_BUS 2u

enum msg_id {
	MSG_GET_DEVICE_INFO = 0x02,
	MSG_GET_DEVICE_FEATURES = 0x03,
	MSG_SET_DRIVER_FEATURES = 0x04,
	MSG_GET_CONFIG = 0x05,
	MSG_GET_DEVICE_STATUS = 0x07,
	MSG_SET_DEVICE_STATUS = 0x08,
	MSG_GET_VQUEUE = 0x09,
	MSG_SET_VQUEUE = 0x0a,
	MSG_EVENT_CONFIG = 0x40,
	MSG_EVENT_AVAIL = 0x41,
	MSG_EVENT_USED = 0x42,
	/* with MSG_BUS */
	MSG_BUS_GET_DEVICES = 0x02,
	MSG_BUS_PING = 0x03,
	MSG_BUS_EVENT_DEVICE = 0x40,
	/* of the FF-A bus (DEN0153) */
	MSG_FFA_VERSION = 0x80,
	MSG_FFA_AREA_SHARE = 0x81,
	MSG_FFA_AREA_UNSHARE = 0x82,
	MSG_FFA_RESET = 0x83,
	MSG_FFA_EVENT_POLL = 0x84,
	MSG_FFA_ERROR = 0x87,
	MSG_FFA_AREA_RELEASE = 0xc0,
};

enum { MSG_DEVICE_READY = 1, MSG_DEVICE_REMOVED = 2 };		 /* EVENT_DEVICE */
enum { MSG_AREA_OK = 0, MSG_AREA_ERROR = 1, MSG_AREA_BUSY = 2 }; /* AREA_* results */

/* Features of the bus: direct and indirect messages, received and sent. */
#define MSG_FEATURE_DIRECT 0x3u
#define MSG_FEATURE_INDIRECT 0xcu

struct msg {
	uint8_t bytes[MSG_MAX];
	size_t size; /* header included */
};

struct msg_head {
	uint8_t type, id;
	uint16_t dev, token, size;
};

/* A zeroed message with its header; payload: bytes behind the header. */
void msg_init(struct msg *m, uint8_t type, uint8_t id, uint16_t dev, uint16_t token,
	      size_t payload);
void msg_parse_head(const uint8_t *bytes, struct msg_head *head);
static inline uint8_t *msg_payload(struct msg *m)
{
	return m->bytes + MSG_HEADER;
}

/* Sizes of payloads that differ. */
size_t msg_device_info_size(enum msg_revision rev);
/* Bits by which an area's id is shifted in a bus address; its largest id. */
unsigned int msg_area_shift(enum msg_revision rev);
unsigned int msg_area_max(enum msg_revision rev);

struct msg_device_info {
	uint32_t device_id, vendor_id, feature_bits, config_size, queues;
};
void msg_put_device_info(enum msg_revision rev, uint8_t *p, const struct msg_device_info *info);
void msg_get_device_info(enum msg_revision rev, const uint8_t *p, struct msg_device_info *info);

struct msg_vqueue {
	uint32_t index, max, num; /* max: only in answers */
	bool enabled;
	uint64_t desc, driver, device;
};
#define MSG_VQUEUE_SIZE 40u
/* answer of GET_VQUEUE, request of SET_VQUEUE */
void msg_put_vqueue(enum msg_revision rev, uint8_t *p, const struct msg_vqueue *q, bool answer);
void msg_get_vqueue(enum msg_revision rev, const uint8_t *p, struct msg_vqueue *q, bool answer);

struct msg_devices {
	uint16_t offset, count, next;
	uint8_t bitmap;
};
#define MSG_DEVICES_SIZE 7u
void msg_put_devices(enum msg_revision rev, uint8_t *p, const struct msg_devices *d);
void msg_get_devices(enum msg_revision rev, const uint8_t *p, struct msg_devices *d);

struct msg_area {
	uint16_t id;
	uint64_t handle, tag;
	uint32_t pages, attrs;
};
#define MSG_AREA_SIZE 26u
void msg_put_area(uint8_t *p, const struct msg_area *a);
void msg_get_area(const uint8_t *p, struct msg_area *a);

#endif
