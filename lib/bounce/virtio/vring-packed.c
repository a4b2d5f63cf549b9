/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The driver's side of a packed virtqueue: virtio 1.3 §2.8. */
#include <errno.h>

#include "lib/base/err.h"
#include "lib/base/le.h"
#include "lib/bounce/virtio/virtq.h"
#include "lib/bounce/virtio/vring.h"

static uint16_t load16(const uint8_t *p)
{
	return le16toh(__atomic_load_n((const uint16_t *)p, __ATOMIC_SEQ_CST));
}

static void store16(uint8_t *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)p, htole16(v), __ATOMIC_SEQ_CST);
}

static uint8_t *slot(struct virtq *q, uint16_t pos)
{
	return q->mem + pos * VRING_DESC_SIZE;
}

/* §2.8.1: a descriptor is available when AVAIL equals the wrap counter and USED does not. */
static uint16_t avail_flags(bool wrap)
{
	return wrap ? VRING_F_AVAIL : VRING_F_USED;
}

static void advance(uint16_t *pos, bool *wrap, uint16_t by, uint16_t num)
{
	*pos += by;
	if (*pos >= num) {
		*pos -= num;
		*wrap = !*wrap;
	}
}

int virtq_packed_add(struct virtq *q, const struct virtq_buf *bufs, unsigned int n, void *token,
		     struct err *err)
{
	uint16_t id = q->free_head, head = q->avail, head_flags = 0;
	struct virtq_request *req = &q->requests[id];
	struct virtq_buf table;
	const struct virtq_buf *list;
	int ret = virtq_map_request(q, req, bufs, n, err);

	if (ret < 0)
		return ret;
	list = req->bufs;
	if (q->indirect && n > 1) {
		ret = virtq_map_table(q, req, err);
		if (ret < 0) {
			virtq_unmap_request(q, req);
			return ret;
		}
		table = (struct virtq_buf){ .dma = req->table_dma, .size = req->table_size };
		list = &table;
		n = 1;
	}
	for (unsigned int i = 0; i < n; i++) {
		uint16_t flags = avail_flags(q->avail_wrap) | (i + 1 < n ? VRING_F_NEXT : 0) |
				 (list == &table ? VRING_F_INDIRECT : 0);
		uint8_t *desc = slot(q, q->avail);

		virtq_write_desc(q, desc, &list[i],
				 i ? flags : flags ^ (VRING_F_AVAIL | VRING_F_USED), id);
		if (i == 0) /* made available last, when the rest of the chain is in place */
			head_flags = flags | (list[0].in ? VRING_F_WRITE : 0);
		advance(&q->avail, &q->avail_wrap, 1, q->num);
	}
	req->ndesc = n;
	req->token = token;
	q->free_head = q->next[id];
	q->nfree -= n;
	q->added += n;
	store16(slot(q, head) + 14, head_flags);
	return 0;
}

bool virtq_packed_kick(struct virtq *q)
{
	const uint8_t *event = q->mem + q->device_off;
	uint16_t before = q->avail - q->added, flags;
	bool need;

	flags = load16(event + 2);
	if (q->event_idx && flags == VRING_EVENT_DESC)
		need = vring_packed_need_event(load16(event), q->num, q->avail, before,
					       q->avail_wrap);
	else
		need = flags != VRING_EVENT_DISABLE;
	need = need && q->added;
	q->added = 0;
	return need;
}

int virtq_packed_peek(struct virtq *q, struct virtq_completion *c, struct err *err)
{
	const uint8_t *desc = slot(q, q->used);
	uint16_t flags = load16(desc + 14);
	bool avail = flags & VRING_F_AVAIL, used = flags & VRING_F_USED;

	(void)err;
	if (avail != used || used != q->used_wrap)
		return 0;
	c->id = get_le16(desc + 12);
	c->written = get_le32(desc + 8);
	if (q->between)
		q->between(q->between_ctx);
	return 1;
}

uint32_t virtq_packed_reread(struct virtq *q)
{
	return get_le32(slot(q, q->used) + 8);
}

void virtq_packed_retire(struct virtq *q, uint16_t id)
{
	struct virtq_request *req = &q->requests[id];
	uint8_t *event = q->mem + q->driver_off;

	q->next[id] = q->free_head;
	q->free_head = id;
	q->nfree += req->ndesc;
	advance(&q->used, &q->used_wrap, req->ndesc, q->num);
	if (q->event_idx) {
		store16(event, q->used | (q->used_wrap ? 0x8000 : 0));
		store16(event + 2, VRING_EVENT_DESC);
	}
}
