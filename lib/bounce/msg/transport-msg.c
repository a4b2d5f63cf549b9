/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio over messages: the transport's requests on a msg-bus (see msg-format.h). */
#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/le.h"
#include "lib/bounce/memory/fault.h"
#include "lib/bounce/msg/bus-state.h"

static int get_info(struct msg_bus *b, struct msg_device_info *info, struct err *err)
{
	struct msg m, a;
	int size = msg_device_info_size(b->rev), ret;

	msg_init(&m, 0, MSG_GET_DEVICE_INFO, b->dev, 0, 0);
	if (fault_always(b->dma->fault, FAULT_WRONG_REVISION))
		size = -1; /* whatever comes is read as if it were ours */
	ret = msg_bus_call(b, &m, &a, size, err);
	if (ret == 0)
		msg_get_device_info(b->rev, msg_payload(&a), info);
	return ret;
}

static int device_id(struct transport *t, uint32_t *id, struct err *err)
{
	struct msg_device_info info = { 0 };
	int ret = get_info(t->bus, &info, err);

	*id = info.device_id;
	return ret;
}

static int get_features(struct transport *t, uint64_t *features, struct err *err)
{
	struct msg_bus *b = t->bus;
	struct msg_device_info info = { 0 };
	struct msg m, a;
	uint32_t blocks;
	int ret = get_info(b, &info, err);

	*features = 0;
	if (ret < 0)
		return ret;
	blocks = info.feature_bits > 64 ? 2 : info.feature_bits / 32;
	if (!blocks)
		return 0;
	msg_init(&m, 0, MSG_GET_DEVICE_FEATURES, b->dev, 0, 8);
	put_le32(msg_payload(&m) + 4, blocks);
	ret = msg_bus_call(b, &m, &a, 8 + 4 * blocks, err);
	if (ret < 0)
		return ret;
	if (get_le32(msg_payload(&a)) != 0 || get_le32(msg_payload(&a) + 4) != blocks)
		return err_set(err, EPROTO, "the backend answers with other feature blocks");
	for (uint32_t i = 0; i < blocks; i++)
		*features |= (uint64_t)get_le32(msg_payload(&a) + 8 + 4 * i) << (32 * i);
	return 0;
}

static int set_features(struct transport *t, uint64_t features, struct err *err)
{
	struct msg_bus *b = t->bus;
	struct msg m, a;

	msg_init(&m, 0, MSG_SET_DRIVER_FEATURES, b->dev, 0, 16);
	put_le32(msg_payload(&m) + 4, 2);
	put_le64(msg_payload(&m) + 8, features);
	return msg_bus_call(b, &m, &a, 0, err);
}

static int get_status(struct transport *t, uint8_t *status, struct err *err)
{
	struct msg_bus *b = t->bus;
	struct msg m, a;
	int ret;

	msg_init(&m, 0, MSG_GET_DEVICE_STATUS, b->dev, 0, 0);
	ret = msg_bus_call(b, &m, &a, 4, err);
	*status = get_le32(msg_payload(&a));
	return ret;
}

static int set_status(struct transport *t, uint8_t status, struct err *err)
{
	struct msg_bus *b = t->bus;
	struct msg m, a;

	msg_init(&m, 0, MSG_SET_DEVICE_STATUS, b->dev, 0, 4);
	put_le32(msg_payload(&m), status);
	return msg_bus_call(b, &m, &a, 4, err);
}

static int read_config(struct transport *t, uint32_t off, void *buf, uint32_t size, struct err *err)
{
	struct msg_bus *b = t->bus;
	struct msg m, a;
	int ret;

	msg_init(&m, 0, MSG_GET_CONFIG, b->dev, 0, 8);
	put_le32(msg_payload(&m), off);
	put_le32(msg_payload(&m) + 4, size);
	ret = msg_bus_call(b, &m, &a, 12 + size, err);
	if (ret == 0)
		memcpy(buf, msg_payload(&a) + 12, size);
	return ret;
}

static int get_vqueue(struct msg_bus *b, unsigned int i, struct msg_vqueue *q, struct err *err)
{
	struct msg m, a;
	int ret;

	msg_init(&m, 0, MSG_GET_VQUEUE, b->dev, 0, 4);
	put_le32(msg_payload(&m), i);
	ret = msg_bus_call(b, &m, &a, MSG_VQUEUE_SIZE, err);
	msg_get_vqueue(b->rev, msg_payload(&a), q, true);
	if (ret == 0 && q->index != i)
		ret = err_set(err, EPROTO, "the backend answers for queue %u, not %u", q->index, i);
	return ret;
}

static int queue_max(struct transport *t, unsigned int i, uint16_t *max, struct err *err)
{
	struct msg_vqueue q;
	int ret = get_vqueue(t->bus, i, &q, err);

	*max = q.max;
	return ret;
}

static int setup_queue(struct transport *t, unsigned int i, uint16_t num, uint64_t desc,
		       uint64_t driver, uint64_t device, struct err *err)
{
	struct msg_vqueue q = { .index = i,
				.num = num,
				.enabled = true,
				.desc = desc,
				.driver = driver,
				.device = device };
	struct msg_bus *b = t->bus;
	struct msg m, a;
	int ret;

	msg_init(&m, 0, MSG_SET_VQUEUE, b->dev, 0, MSG_VQUEUE_SIZE);
	msg_put_vqueue(b->rev, msg_payload(&m), &q, false);
	ret = msg_bus_call(b, &m, &a, 0, err);
	if (ret == 0)
		ret = get_vqueue(b, i, &q, err);
	if (ret == 0 && !q.enabled)
		ret = err_set(err, EIO, "the device does not enable queue %u", i);
	return ret;
}

static int notify(struct transport *t, unsigned int i, struct err *err)
{
	struct msg_bus *b = t->bus;
	struct msg m;

	(void)err;
	msg_area_reclaim_early(b);
	msg_init(&m, 0, MSG_EVENT_AVAIL, b->dev, 0, 12);
	put_le32(msg_payload(&m), i);
	msg_bus_tell(b, &m);
	return 0;
}

const struct transport_ops transport_msg = {
	.name = "msg",
	.bus = "msg",
	.device_id = device_id,
	.get_features = get_features,
	.set_features = set_features,
	.get_status = get_status,
	.set_status = set_status,
	.read_config = read_config,
	.queue_max = queue_max,
	.setup_queue = setup_queue,
	.notify = notify,
};
