/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/msg/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/le.h"
#include "lib/base/xalloc.h"
#include "lib/bounce/memory/fault.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/memory/trace.h"
#include "lib/bounce/msg/backend.h"
#include "lib/bounce/msg/bus-state.h"
#include "lib/bounce/msg/ffa.h"

/*
 * Send a request and wait for its answer, which must be of this size (any: -1).  The
 * answer's size is how the other revision shows.
 */
int msg_bus_call(struct msg_bus *b, struct msg *m, struct msg *answer, int size, struct err *err)
{
	struct msg_head want, got;
	int n;

	put_le16(m->bytes + 4, ++b->token);
	msg_parse_head(m->bytes, &want);
	b->counters.messages++;
	memset(answer, 0, sizeof(*answer));
	if (b->direct) {
		n = ffa_direct(b->ffa, b->self, b->peer, m->bytes, m->size, answer->bytes, MSG_MAX);
	} else {
		n = ffa_send(b->ffa, b->self, b->peer, m->bytes, m->size);
		if (n == FFA_SUCCESS)
			n = ffa_fetch(b->ffa, b->self, answer->bytes, MSG_MAX);
	}
	if (n < (int)MSG_HEADER)
		return err_set(err, EIO, "the virtio-msg backend does not answer message 0x%02x",
			       want.id);
	answer->size = n;
	msg_parse_head(answer->bytes, &got);
	if (got.id == MSG_FFA_ERROR && (got.type & MSG_BUS))
		return err_set(err, EPROTO, "the virtio-msg backend refuses message 0x%02x",
			       want.id);
	if (got.type != (want.type | MSG_RESPONSE) || got.id != want.id || got.dev != want.dev ||
	    got.token != want.token || got.size != n)
		return err_set(err, EPROTO, "the answer to virtio-msg 0x%02x does not fit it",
			       want.id);
	if (size >= 0 && n != (int)MSG_HEADER + size)
		return err_set(err, EPROTO,
			       "virtio-msg 0x%02x was answered with %d bytes where revision %d "
			       "has %d: the backend speaks another revision",
			       want.id, n - (int)MSG_HEADER, b->rev, size);
	return 0;
}

void msg_bus_tell(struct msg_bus *b, struct msg *m)
{
	uint8_t none[MSG_MAX];

	b->counters.messages++;
	if (b->direct)
		ffa_direct(b->ffa, b->self, b->peer, m->bytes, m->size, none, sizeof(none));
	else
		ffa_send(b->ffa, b->self, b->peer, m->bytes, m->size);
}

static int agree(struct msg_bus *b, struct err *err)
{
	struct msg m, a;
	uint32_t rev;
	int ret;

	msg_init(&m, MSG_BUS, MSG_FFA_VERSION, 0, 0, 12);
	put_le32(msg_payload(&m), 1);
	put_le32(msg_payload(&m) + 4, b->rev);
	put_le32(msg_payload(&m) + 8, 0x10002); /* FF-A 1.2 */
	ret = msg_bus_call(b, &m, &a, 22, err);
	if (ret < 0)
		return ret;
	rev = get_le32(msg_payload(&a) + 4);
	if (rev != b->rev)
		return err_set(err, EPROTO, "the backend speaks virtio-msg revision %u, not %d",
			       rev, b->rev);
	return 0;
}

static int find_device(struct msg_bus *b, struct err *err)
{
	struct msg_devices d;
	struct msg m, a;
	int ret;

	msg_init(&m, MSG_BUS, MSG_BUS_GET_DEVICES, 0, 0, 4);
	put_le16(msg_payload(&m) + 2, 8);
	ret = msg_bus_call(b, &m, &a, MSG_DEVICES_SIZE, err);
	if (ret < 0)
		return ret;
	msg_get_devices(b->rev, msg_payload(&a), &d);
	if (!d.bitmap)
		return err_set(err, ENODEV, "the virtio-msg backend has no device");
	b->dev = d.offset + __builtin_ctz(d.bitmap);
	return 0;
}

/* The relayer changed the state of pages on behalf of this bus's device. */
static void changed(void *ctx, uint64_t ipa, uint64_t size, bool shared)
{
	struct msg_bus *b = ctx;
	struct event e = { .kind = shared ? EVENT_DECRYPT : EVENT_ENCRYPT,
			   .dir = EVENT_DIR_NONE,
			   .orig = ipa,
			   .dma = EVENT_NO_ADDR,
			   .size = size,
			   .link = 0xffff000000000000u | ipa,
			   .dev = b->dma->name };

	bounce_trace_emit(b->dma->trace, e);
	/* the same by linear-map address, as a probe on the kernel's function has it */
	e.flags = EVENT_F_VIRT;
	e.orig = EVENT_NO_ADDR;
	bounce_trace_emit(b->dma->trace, e);
}

struct msg_bus *msg_bus_open(struct ffa *ffa, uint16_t self, enum msg_revision rev,
			     struct dma_device *dma, bool dynamic, struct err *err)
{
	const struct ffa_partition *p = ffa_partition_info(ffa, msg_device_uuid);
	struct ffa_partition own = { .id = self };
	struct msg_bus *b;

	if (!p) {
		err_set(err, ENODEV, "no FF-A partition has the virtio-msg device UUID");
		return NULL;
	}
	b = xcalloc(1, sizeof(*b));
	b->ffa = ffa;
	b->self = self;
	b->peer = p->id;
	b->direct = p->direct;
	b->rev = rev;
	b->dma = dma;
	b->dynamic = dynamic;
	b->last = -1;
	memcpy(own.uuid, msg_driver_uuid, sizeof(own.uuid));
	ffa_add_partition(ffa, &own);
	if (agree(b, err) < 0 || find_device(b, err) < 0) {
		free(b);
		return NULL;
	}
	if (dynamic) {
		dma->ops = &msg_area_ops;
		dma->ops_ctx = b;
		ffa_on_change(ffa, changed, b);
	}
	return b;
}

void msg_bus_close(struct msg_bus *b)
{
	free(b);
}

static int take_event(struct msg_bus *b, const uint8_t *bytes, size_t size, bool *present)
{
	struct msg_head h;

	if (size < MSG_HEADER)
		return -EPROTO;
	msg_parse_head(bytes, &h);
	if (h.size != size)
		return -EPROTO;
	b->counters.events++;
	if (h.id == MSG_BUS_EVENT_DEVICE && (h.type & MSG_BUS) && size == MSG_HEADER + 4)
		*present = get_le16(bytes + MSG_HEADER + 2) == MSG_DEVICE_READY;
	else if (h.id == MSG_FFA_AREA_RELEASE && (h.type & MSG_BUS) && size == MSG_HEADER + 2)
		msg_area_released(b, get_le16(bytes + MSG_HEADER));
	return 0;
}

int msg_bus_poll(struct msg_bus *b, bool *present, struct err *err)
{
	struct msg m, a;
	int n = 0, ret;

	for (;; n++) {
		msg_init(&m, MSG_BUS, MSG_FFA_EVENT_POLL, 0, 0, 0);
		ret = msg_bus_call(b, &m, &a, -1, err);
		if (ret < 0)
			return ret;
		if (a.size == MSG_HEADER)
			return n;
		if (take_event(b, msg_payload(&a), a.size - MSG_HEADER, present) < 0)
			return err_set(err, EPROTO, "a malformed virtio-msg event");
	}
}

int msg_bus_ping(struct msg_bus *b, uint32_t data, struct err *err)
{
	struct msg m, a;
	int ret;

	msg_init(&m, MSG_BUS, MSG_BUS_PING, 0, 0, 4);
	put_le32(msg_payload(&m), data);
	ret = msg_bus_call(b, &m, &a, 4, err);
	if (ret == 0 && get_le32(msg_payload(&a)) != data)
		ret = err_set(err, EPROTO, "the virtio-msg backend answers another ping");
	return ret;
}

struct msg_bus_counters msg_bus_counters(const struct msg_bus *b)
{
	return b->counters;
}
