/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The driver's side of a split virtqueue: virtio 1.3 §2.7. */
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

int virtq_split_add(struct virtq *q, const struct virtq_buf *bufs, unsigned int n, void *token,
		    struct err *err)
{
	uint16_t head = q->free_head, at = head;
	struct virtq_request *req = &q->requests[head];
	int ret = virtq_map_request(q, req, bufs, n, err);

	if (ret < 0)
		return ret;
	if (q->indirect && n > 1) {
		struct virtq_buf table;

		ret = virtq_map_table(q, req, err);
		if (ret < 0) {
			virtq_unmap_request(q, req);
			return ret;
		}
		table = (struct virtq_buf){ .dma = req->table_dma, .size = req->table_size };
		virtq_write_desc(q, q->mem + head * VRING_DESC_SIZE, &table, VRING_F_INDIRECT, 0);
		at = q->next[head];
		req->ndesc = 1;
	} else {
		for (unsigned int i = 0; i < n; i++) {
			bool more = i + 1 < n;

			virtq_write_desc(q, q->mem + at * VRING_DESC_SIZE, &req->bufs[i],
					 more ? VRING_F_NEXT : 0, more ? q->next[at] : 0);
			at = q->next[at];
		}
		req->ndesc = n;
	}
	q->free_head = at;
	q->nfree -= req->ndesc;
	req->token = token;
	put_le16(q->mem + q->driver_off + VRING_AVAIL_RING + 2 * (q->avail & (q->num - 1)), head);
	q->avail++;
	q->added++;
	store16(q->mem + q->driver_off + VRING_AVAIL_IDX, q->avail);
	return 0;
}

bool virtq_split_kick(struct virtq *q)
{
	const uint8_t *used = q->mem + q->device_off;
	uint16_t before = q->avail - q->added;
	bool need;

	if (q->event_idx)
		need = vring_need_event(load16(used + VRING_USED_RING + VRING_USED_ELEM * q->num),
					q->avail, before);
	else
		need = !(load16(used + VRING_USED_FLAGS) & 1);
	need = need && q->added;
	q->added = 0;
	return need;
}

static uint8_t *element(struct virtq *q)
{
	return q->mem + q->device_off + VRING_USED_RING +
	       VRING_USED_ELEM * (q->used & (q->num - 1));
}

int virtq_split_peek(struct virtq *q, struct virtq_completion *c, struct err *err)
{
	uint16_t idx = load16(q->mem + q->device_off + VRING_USED_IDX);

	if (idx == q->used)
		return 0;
	if ((uint16_t)(idx - q->used) > q->num)
		return err_set(err, EIO, "the used index jumped from %u to %u in a ring of %u",
			       q->used, idx, q->num);
	c->id = get_le32(element(q));
	c->written = get_le32(element(q) + 4);
	if (q->between)
		q->between(q->between_ctx);
	return 1;
}

uint32_t virtq_split_reread(struct virtq *q)
{
	return get_le32(element(q) + 4);
}

void virtq_split_retire(struct virtq *q, uint16_t id)
{
	struct virtq_request *req = &q->requests[id];
	uint16_t last = id;

	for (uint16_t i = 1; i < req->ndesc; i++)
		last = q->next[last];
	q->next[last] = q->free_head;
	q->free_head = id;
	q->nfree += req->ndesc;
	q->used++;
	/* used_event: tell us at the next one */
	if (q->event_idx)
		store16(q->mem + q->driver_off + VRING_AVAIL_RING + 2 * q->num, q->used);
}
