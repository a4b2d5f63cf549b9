/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/msg/backend.h"

#include <string.h>

#include "lib/base/le.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/msg/ffa.h"
#include "lib/bounce/virtio/host-device.h"

const uint8_t msg_device_uuid[16] = { 0xc6, 0x60, 0x28, 0xb5, 0x24, 0x98, 0x4a, 0xa1,
				      0x9d, 0xe7, 0x77, 0xda, 0x61, 0x22, 0xab, 0xf0 };
const uint8_t msg_driver_uuid[16] = { 0xbd, 0x7f, 0xd0, 0x89, 0x67, 0x95, 0x47, 0x2b,
				      0xb4, 0x7f, 0xdb, 0x0c, 0x5d, 0x9a, 0x71, 0x9d };

#define VENDOR 0x43434149u

/* The guard's question: what lies behind a bus address? */
static uint64_t translate(void *ctx, uint64_t bus, uint64_t *size)
{
	struct msg_backend *b = ctx;
	unsigned int shift = msg_area_shift(b->rev);
	uint64_t area = bus >> shift, off = bus & (((uint64_t)1 << shift) - 1), start, len;

	if (area >= MSG_BACKEND_AREAS || !b->areas[area].used)
		return REALM_NO_ADDR;
	start = b->areas[area].ipa;
	len = (uint64_t)b->areas[area].pages * REALM_GRANULE;
	if (area == 0) {
		off &= ~b->shared_bit;
		if (off < start)
			return REALM_NO_ADDR;
		off -= start;
	}
	if (off >= len)
		return REALM_NO_ADDR;
	if (*size > len - off)
		*size = len - off;
	return start + off;
}

static void queue_event(struct msg_backend *b, const struct msg *m)
{
	if (b->nevents < MSG_BACKEND_EVENTS)
		b->events[b->nevents++] = *m;
}

void msg_backend_plug(struct msg_backend *b, bool present)
{
	struct msg m;

	b->plugged = present;
	msg_init(&m, MSG_BUS, MSG_BUS_EVENT_DEVICE, 0, 0, 4);
	put_le16(msg_payload(&m), 0); /* device number */
	put_le16(msg_payload(&m) + 2, present ? MSG_DEVICE_READY : MSG_DEVICE_REMOVED);
	queue_event(b, &m);
}

/* ---- bus messages ---- */

static void area_share(struct msg_backend *b, const uint8_t *p, struct msg *reply)
{
	struct msg_area a;
	uint64_t ipa = 0;
	uint32_t pages = 0;
	uint16_t result = MSG_AREA_ERROR;

	msg_get_area(p, &a);
	if (a.id < MSG_BACKEND_AREAS && a.id <= msg_area_max(b->rev) &&
	    ffa_retrieve(b->ffa, b->self, a.handle, &ipa, &pages) == FFA_SUCCESS) {
		if (pages == a.pages && !b->areas[a.id].used) {
			b->areas[a.id].used = true;
			b->areas[a.id].handle = a.handle;
			b->areas[a.id].ipa = ipa;
			b->areas[a.id].pages = pages;
			result = MSG_AREA_OK;
		} else {
			ffa_relinquish(b->ffa, b->self, a.handle);
		}
	}
	put_le16(msg_payload(reply), a.id);
	put_le16(msg_payload(reply) + 2, result);
}

static void area_unshare(struct msg_backend *b, const uint8_t *p, struct msg *reply)
{
	uint16_t id = get_le16(p), result = MSG_AREA_ERROR;

	if (id < MSG_BACKEND_AREAS && b->areas[id].used) {
		ffa_relinquish(b->ffa, b->self, b->areas[id].handle);
		b->areas[id].used = false;
		result = MSG_AREA_OK;
		if (b->busy) { /* given back a little later, by an event */
			struct msg event;

			b->busy = false;
			result = MSG_AREA_BUSY;
			msg_init(&event, MSG_BUS, MSG_FFA_AREA_RELEASE, 0, 0, 2);
			put_le16(msg_payload(&event), id);
			queue_event(b, &event);
		}
	}
	put_le16(msg_payload(reply), id);
	put_le16(msg_payload(reply) + 2, result);
}

static void poll_event(struct msg_backend *b, struct msg *reply, uint16_t token)
{
	msg_init(reply, MSG_BUS | MSG_RESPONSE, MSG_FFA_EVENT_POLL, 0, token, 0);
	if (!b->nevents)
		return;
	/* the event itself is the answer's payload */
	msg_init(reply, MSG_BUS | MSG_RESPONSE, MSG_FFA_EVENT_POLL, 0, token, b->events[0].size);
	memcpy(msg_payload(reply), b->events[0].bytes, b->events[0].size);
	memmove(&b->events[0], &b->events[1], --b->nevents * sizeof(b->events[0]));
}

static void refuse(struct msg_backend *b, const struct msg_head *h, struct msg *reply)
{
	b->refused++;
	msg_init(reply, MSG_BUS | MSG_RESPONSE, MSG_FFA_ERROR, h->dev, h->token, 0);
}

static void bus_message(struct msg_backend *b, const struct msg_head *h, const uint8_t *p,
			struct msg *reply)
{
	size_t size = h->size - MSG_HEADER;

	if (h->id == MSG_FFA_VERSION && size == 12) {
		msg_init(reply, MSG_BUS | MSG_RESPONSE, h->id, 0, h->token, 22);
		put_le32(msg_payload(reply), 1);
		put_le32(msg_payload(reply) + 4, b->rev);
		put_le32(msg_payload(reply) + 8, get_le32(p + 8));
		put_le32(msg_payload(reply) + 16, MSG_FEATURE_DIRECT | MSG_FEATURE_INDIRECT);
		put_le16(msg_payload(reply) + 20, msg_area_max(b->rev));
	} else if (h->id == MSG_BUS_GET_DEVICES && size == 4) {
		struct msg_devices d = { .offset = get_le16(p),
					 .count = 8,
					 .bitmap = b->plugged && get_le16(p) == 0 };

		msg_init(reply, MSG_BUS | MSG_RESPONSE, h->id, 0, h->token, MSG_DEVICES_SIZE);
		msg_put_devices(b->rev, msg_payload(reply), &d);
	} else if (h->id == MSG_BUS_PING && size == 4) {
		msg_init(reply, MSG_BUS | MSG_RESPONSE, h->id, 0, h->token, 4);
		memcpy(msg_payload(reply), p, 4);
	} else if (h->id == MSG_FFA_AREA_SHARE && size == MSG_AREA_SIZE) {
		msg_init(reply, MSG_BUS | MSG_RESPONSE, h->id, 0, h->token, 4);
		area_share(b, p, reply);
	} else if (h->id == MSG_FFA_AREA_UNSHARE && size == 2) {
		msg_init(reply, MSG_BUS | MSG_RESPONSE, h->id, 0, h->token, 4);
		area_unshare(b, p, reply);
	} else if (h->id == MSG_FFA_EVENT_POLL && size == 0) {
		poll_event(b, reply, h->token);
	} else {
		refuse(b, h, reply);
	}
}

/* ---- transport messages ---- */

static void device_info(struct msg_backend *b, const struct msg_head *h, struct msg *reply)
{
	struct msg_device_info info = { .device_id = b->host->ops->device_id,
					.vendor_id = VENDOR,
					.feature_bits = 64,
					.config_size = b->host->ops->config_size,
					.queues = b->host->ops->nqueues };

	msg_init(reply, MSG_RESPONSE, h->id, h->dev, h->token, msg_device_info_size(b->info_rev));
	msg_put_device_info(b->info_rev, msg_payload(reply), &info);
}

static void get_config(struct msg_backend *b, const struct msg_head *h, const uint8_t *p,
		       struct msg *reply)
{
	uint32_t off = get_le32(p), len = get_le32(p + 4);

	if (off > HOST_CONFIG || len > HOST_CONFIG - off) {
		refuse(b, h, reply);
		return;
	}
	msg_init(reply, MSG_RESPONSE, h->id, h->dev, h->token, 12 + len);
	put_le32(msg_payload(reply), b->host->generation);
	put_le32(msg_payload(reply) + 4, off);
	put_le32(msg_payload(reply) + 8, len);
	memcpy(msg_payload(reply) + 12, b->host->config + off, len);
}

static void features(struct msg_backend *b, const struct msg_head *h, const uint8_t *p,
		     struct msg *reply)
{
	uint32_t first = get_le32(p), n = get_le32(p + 4);
	bool set = h->id == MSG_SET_DRIVER_FEATURES;

	if (n > 2 || first > 2 || (set && h->size != MSG_HEADER + 8 + 4 * n)) {
		refuse(b, h, reply);
		return;
	}
	msg_init(reply, MSG_RESPONSE, h->id, h->dev, h->token, set ? 0 : 8 + 4 * n);
	if (set && (b->host->status & STATUS_FEATURES_OK))
		return;
	if (set && first == 0)
		b->host->accepted = 0;
	for (uint32_t i = 0; i < n && first + i < 2; i++) {
		if (set)
			b->host->accepted |= (uint64_t)get_le32(p + 8 + 4 * i)
					     << (32 * (first + i));
		else
			put_le32(msg_payload(reply) + 8 + 4 * i,
				 b->host->offered >> (32 * (first + i)));
	}
	if (!set) {
		put_le32(msg_payload(reply), first);
		put_le32(msg_payload(reply) + 4, n);
	}
}

static void vqueue(struct msg_backend *b, const struct msg_head *h, const uint8_t *p,
		   struct msg *reply)
{
	struct msg_vqueue q = { .index = get_le32(p) };
	struct host_queue_setup *s;

	if (q.index >= b->host->ops->nqueues) {
		refuse(b, h, reply);
		return;
	}
	s = &b->host->setup[q.index];
	if (h->id == MSG_SET_VQUEUE) {
		msg_get_vqueue(b->rev, p, &q, false);
		*s = (struct host_queue_setup){
			.num = q.num, .desc = q.desc, .driver = q.driver, .device = q.device
		};
		if (q.enabled)
			host_device_enable_queue(b->host, q.index);
		msg_init(reply, MSG_RESPONSE, h->id, h->dev, h->token, 0);
		return;
	}
	q = (struct msg_vqueue){ .index = q.index,
				 .max = HOST_QUEUE_MAX,
				 .num = s->num,
				 .enabled = s->enabled,
				 .desc = s->desc,
				 .driver = s->driver,
				 .device = s->device };
	msg_init(reply, MSG_RESPONSE, h->id, h->dev, h->token, MSG_VQUEUE_SIZE);
	msg_put_vqueue(b->rev, msg_payload(reply), &q, true);
}

static void device_message(struct msg_backend *b, const struct msg_head *h, const uint8_t *p,
			   struct msg *reply)
{
	size_t size = h->size - MSG_HEADER;

	if (h->dev != 0 || !b->plugged) {
		refuse(b, h, reply);
	} else if (h->id == MSG_GET_DEVICE_INFO && size == 0) {
		device_info(b, h, reply);
	} else if ((h->id == MSG_GET_DEVICE_FEATURES && size == 8) ||
		   (h->id == MSG_SET_DRIVER_FEATURES && size >= 8)) {
		features(b, h, p, reply);
	} else if (h->id == MSG_GET_CONFIG && size == 8) {
		get_config(b, h, p, reply);
	} else if (h->id == MSG_GET_DEVICE_STATUS && size == 0) {
		msg_init(reply, MSG_RESPONSE, h->id, h->dev, h->token, 4);
		put_le32(msg_payload(reply), b->host->status);
	} else if (h->id == MSG_SET_DEVICE_STATUS && size == 4) {
		host_device_set_status(b->host, get_le32(p));
		msg_init(reply, MSG_RESPONSE, h->id, h->dev, h->token, 4);
		put_le32(msg_payload(reply), b->host->status);
	} else if ((h->id == MSG_GET_VQUEUE && size == 4) ||
		   (h->id == MSG_SET_VQUEUE && size == MSG_VQUEUE_SIZE)) {
		vqueue(b, h, p, reply);
	} else if (h->id == MSG_EVENT_AVAIL && size == 12) {
		uint64_t before = b->host->interrupts;
		uint32_t index = get_le32(p);

		host_device_notify(b->host, index);
		reply->size = 0; /* an event has no answer */
		if (b->host->interrupts != before) {
			struct msg used;

			msg_init(&used, 0, MSG_EVENT_USED, h->dev, 0, 4);
			put_le32(msg_payload(&used), index);
			queue_event(b, &used);
		}
	} else {
		refuse(b, h, reply);
	}
}

static size_t receive(void *ctx, uint16_t from, const uint8_t *bytes, size_t size, uint8_t *out,
		      size_t room)
{
	struct msg_backend *b = ctx;
	struct msg_head h = { 0 };
	struct msg reply = { .size = 0 };

	(void)from;
	if (size >= MSG_HEADER)
		msg_parse_head(bytes, &h);
	if (size < MSG_HEADER || h.size != size || (h.type & MSG_RESPONSE) || size > MSG_MAX)
		refuse(b, &h, &reply);
	else if (h.type & MSG_BUS)
		bus_message(b, &h, bytes + MSG_HEADER, &reply);
	else
		device_message(b, &h, bytes + MSG_HEADER, &reply);
	if (reply.size > room)
		return 0;
	memcpy(out, reply.bytes, reply.size);
	return reply.size;
}

void msg_backend_init(struct msg_backend *b, struct ffa *ffa, struct host_device *host,
		      enum msg_revision rev, uint16_t self, bool direct, uint64_t shared_bit)
{
	struct ffa_partition p = {
		.id = self, .direct = direct, .indirect = !direct, .receive = receive, .ctx = b
	};

	memset(b, 0, sizeof(*b));
	b->ffa = ffa;
	b->host = host;
	b->rev = b->info_rev = rev;
	b->self = self;
	b->shared_bit = shared_bit;
	b->plugged = true;
	memcpy(p.uuid, msg_device_uuid, sizeof(p.uuid));
	ffa_add_partition(ffa, &p);
	host->guard.translate = translate;
	host->guard.translate_ctx = b;
}
