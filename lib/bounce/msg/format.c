/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/msg/format.h"

#include <string.h>

#include "lib/base/le.h"

void msg_init(struct msg *m, uint8_t type, uint8_t id, uint16_t dev, uint16_t token, size_t payload)
{
	memset(m, 0, sizeof(*m));
	m->size = MSG_HEADER + payload;
	m->bytes[0] = type;
	m->bytes[1] = id;
	put_le16(m->bytes + 2, dev);
	put_le16(m->bytes + 4, token);
	put_le16(m->bytes + 6, m->size);
}

void msg_parse_head(const uint8_t *bytes, struct msg_head *head)
{
	head->type = bytes[0];
	head->id = bytes[1];
	head->dev = get_le16(bytes + 2);
	head->token = get_le16(bytes + 4);
	head->size = get_le16(bytes + 6);
}

size_t msg_device_info_size(enum msg_revision rev)
{
	return rev == MSG_REVISION_1 ? 24 : 44;
}

unsigned int msg_area_shift(enum msg_revision rev)
{
	return rev == MSG_REVISION_1 ? 56 : 48;
}

unsigned int msg_area_max(enum msg_revision rev)
{
	return rev == MSG_REVISION_1 ? 255 : 1023;
}

void msg_put_device_info(enum msg_revision rev, uint8_t *p, const struct msg_device_info *info)
{
	put_le32(p, info->device_id);
	put_le32(p + 4, info->vendor_id);
	if (rev == MSG_REVISION_1) {
		put_le32(p + 8, info->feature_bits);
		put_le32(p + 12, info->config_size);
		put_le32(p + 16, info->queues);
		return;
	}
	/* the uuid at 8 stays 0; then blocks of 32 feature bits */
	put_le32(p + 24, (info->feature_bits + 31) / 32);
	put_le32(p + 28, info->config_size);
	put_le32(p + 32, info->queues);
}

void msg_get_device_info(enum msg_revision rev, const uint8_t *p, struct msg_device_info *info)
{
	info->device_id = get_le32(p);
	info->vendor_id = get_le32(p + 4);
	if (rev == MSG_REVISION_1) {
		info->feature_bits = get_le32(p + 8);
		info->config_size = get_le32(p + 12);
		info->queues = get_le32(p + 16);
		return;
	}
	info->feature_bits = get_le32(p + 24) * 32;
	info->config_size = get_le32(p + 28);
	info->queues = get_le32(p + 32);
}

/*
 * Answer: index, max, current size, reserved or flags.  Request of revision 1: index,
 * reserved, size, reserved; of revision 2: index, flags, size, reserved.
 */
void msg_put_vqueue(enum msg_revision rev, uint8_t *p, const struct msg_vqueue *q, bool answer)
{
	uint32_t flags = rev == MSG_REVISION_2 && q->enabled;

	put_le32(p, q->index);
	put_le32(p + 4, answer ? q->max : flags);
	put_le32(p + 8, q->num);
	put_le32(p + 12, answer ? flags : 0);
	put_le64(p + 16, q->desc);
	put_le64(p + 24, q->driver);
	put_le64(p + 32, q->device);
}

void msg_get_vqueue(enum msg_revision rev, const uint8_t *p, struct msg_vqueue *q, bool answer)
{
	q->index = get_le32(p);
	q->max = answer ? get_le32(p + 4) : 0;
	q->num = get_le32(p + 8);
	q->desc = get_le64(p + 16);
	q->driver = get_le64(p + 24);
	q->device = get_le64(p + 32);
	/* revision 1 has no flag: a queue with a size is enabled */
	q->enabled = rev == MSG_REVISION_1 ? q->num : get_le32(p + (answer ? 12 : 4)) & 1;
}

void msg_put_devices(enum msg_revision rev, uint8_t *p, const struct msg_devices *d)
{
	bool first = rev == MSG_REVISION_1;

	put_le16(p, d->offset);
	put_le16(p + 2, first ? d->count : d->next);
	put_le16(p + 4, first ? d->next : d->count);
	p[6] = d->bitmap;
}

void msg_get_devices(enum msg_revision rev, const uint8_t *p, struct msg_devices *d)
{
	bool first = rev == MSG_REVISION_1;

	d->offset = get_le16(p);
	d->count = get_le16(p + (first ? 2 : 4));
	d->next = get_le16(p + (first ? 4 : 2));
	d->bitmap = p[6];
}

void msg_put_area(uint8_t *p, const struct msg_area *a)
{
	put_le16(p, a->id);
	put_le64(p + 2, a->handle);
	put_le64(p + 10, a->tag);
	put_le32(p + 18, a->pages);
	put_le32(p + 22, a->attrs);
}

void msg_get_area(const uint8_t *p, struct msg_area *a)
{
	a->id = get_le16(p);
	a->handle = get_le64(p + 2);
	a->tag = get_le64(p + 10);
	a->pages = get_le32(p + 18);
	a->attrs = get_le32(p + 22);
}
