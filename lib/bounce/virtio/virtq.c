/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/virtio/virtq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/le.h"
#include "lib/base/xalloc.h"
#include "lib/bounce/memory/fault.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/virtio/vring.h"

int virtq_init(struct virtq *q, struct dma_device *dma, uint16_t num, bool packed, bool indirect,
	       bool event_idx, struct err *err)
{
	uint32_t desc = num * VRING_DESC_SIZE, size;
	int ret;

	memset(q, 0, sizeof(*q));
	if (!num || num > VRING_MAX_NUM || (num & (num - 1)))
		return err_set(err, EINVAL,
			       "a ring of %u entries is not possible: use a power of two up to %u",
			       num, VRING_MAX_NUM);
	q->driver_off = desc;
	/* split: used ring behind flags, index, ring and used_event; packed: two event structures
	 */
	q->device_off = packed ? desc + 4 : (desc + 6 + 2 * num + 3) & ~3u;
	size = packed ? desc + 8 : q->device_off + 6 + VRING_USED_ELEM * num;
	ret = dma_alloc(dma, size, &q->ring);
	if (ret < 0)
		return err_set(err, -ret, "no coherent memory for a ring of %u entries", num);
	q->dma = dma;
	q->num = num;
	q->packed = packed;
	q->indirect = indirect;
	q->event_idx = event_idx;
	q->mem = realm_ptr(dma->realm, q->ring.ipa, size);
	q->desc = q->ring.dma;
	q->driver = q->ring.dma + q->driver_off;
	q->device = q->ring.dma + q->device_off;
	q->requests = xcalloc(num, sizeof(*q->requests));
	q->next = xcalloc(num, sizeof(*q->next));
	for (uint16_t i = 0; i < num; i++)
		q->next[i] = i + 1;
	q->nfree = num;
	q->avail_wrap = q->used_wrap = true;
	return 0;
}

void virtq_release(struct virtq *q)
{
	if (!q->dma)
		return;
	for (uint16_t i = 0; i < q->num; i++) {
		if (q->requests[i].token)
			virtq_unmap_request(q, &q->requests[i]);
	}
	dma_free(q->dma, &q->ring);
	free(q->requests);
	free(q->next);
	memset(q, 0, sizeof(*q));
}

static enum event_dir dir_of(const struct virtq_buf *buf)
{
	return buf->in ? EVENT_FROM_DEVICE : EVENT_TO_DEVICE;
}

int virtq_map_request(struct virtq *q, struct virtq_request *req, const struct virtq_buf *bufs,
		      unsigned int n, struct err *err)
{
	unsigned int i;

	req->nbufs = n;
	req->in_size = 0;
	req->table_size = 0;
	for (i = 0; i < n; i++) {
		struct virtq_buf *buf = &req->bufs[i];

		*buf = bufs[i];
		if (!buf->premapped)
			buf->dma = dma_map(q->dma, buf->ipa, buf->size, dir_of(buf), 0);
		if (buf->dma == EVENT_NO_ADDR)
			goto undo;
		if (buf->in)
			req->in_size += buf->size;
	}
	return 0;
undo:
	for (unsigned int done = 0; done < i; done++) {
		if (!req->bufs[done].premapped)
			dma_unmap(q->dma, req->bufs[done].dma, req->bufs[done].size,
				  dir_of(&req->bufs[done]), EVENT_ATTR_SKIP_CPU_SYNC);
	}
	return err_set(err, ENOMEM, "swiotlb buffer is full: a buffer of %u bytes was not mapped",
		       bufs[i].size);
}

void virtq_unmap_request(struct virtq *q, struct virtq_request *req)
{
	if (req->table_size) {
		dma_unmap(q->dma, req->table_dma, req->table_size, EVENT_TO_DEVICE, 0);
		realm_release(q->dma->realm, req->table, req->table_size);
		req->table_size = 0;
	}
	for (unsigned int i = 0; i < req->nbufs; i++) {
		if (!req->bufs[i].premapped)
			dma_unmap(q->dma, req->bufs[i].dma, req->bufs[i].size,
				  dir_of(&req->bufs[i]), 0);
	}
	req->token = NULL;
}

void virtq_write_desc(const struct virtq *q, uint8_t *desc, const struct virtq_buf *buf,
		      uint16_t flags, uint16_t next_or_id)
{
	put_le64(desc, buf->dma);
	put_le32(desc + 8, buf->size);
	/* split: flags, next; packed: id, flags */
	put_le16(desc + (q->packed ? 14 : 12), flags | (buf->in ? VRING_F_WRITE : 0));
	put_le16(desc + (q->packed ? 12 : 14), next_or_id);
}

int virtq_map_table(struct virtq *q, struct virtq_request *req, struct err *err)
{
	uint32_t size = req->nbufs * VRING_DESC_SIZE;
	uint64_t table = realm_alloc(q->dma->realm, size, 64);
	uint8_t *p;

	if (table == REALM_NO_ADDR)
		return err_set(err, ENOMEM, "no Realm memory for %u indirect descriptors",
			       req->nbufs);
	p = realm_ptr(q->dma->realm, table, size);
	for (uint16_t i = 0; i < req->nbufs; i++) {
		bool more = i + 1 < req->nbufs;

		virtq_write_desc(q, p + i * VRING_DESC_SIZE, &req->bufs[i],
				 more && !q->packed ? VRING_F_NEXT : 0,
				 more && !q->packed ? i + 1 : 0);
	}
	req->table = table;
	if (!q->dma->ops && !q->dma->bypass && fault_once(q->dma->fault, FAULT_INDIRECT_PROTECTED))
		req->table_dma = dma_map_unbounced(q->dma, table, size, EVENT_TO_DEVICE);
	else
		req->table_dma = dma_map(q->dma, table, size, EVENT_TO_DEVICE, 0);
	if (req->table_dma == EVENT_NO_ADDR) {
		realm_release(q->dma->realm, table, size);
		return err_set(err, ENOMEM,
			       "swiotlb buffer is full: a table of %u descriptors was not mapped",
			       req->nbufs);
	}
	req->table_size = size;
	return 0;
}

/* A driver that does not wait for the device before it takes its buffer back. */
static void unmap_early(struct virtq *q, const struct virtq_request *req)
{
	for (unsigned int i = 0; i < req->nbufs; i++) {
		const struct virtq_buf *buf = &req->bufs[i];

		if (buf->premapped || !fault_once(q->dma->fault, FAULT_UNMAP_EARLY))
			continue;
		dma_unmap(q->dma, buf->dma, buf->size, dir_of(buf), 0);
	}
}

int virtq_add(struct virtq *q, const struct virtq_buf *bufs, unsigned int n, void *token,
	      struct err *err)
{
	uint16_t id = q->free_head;
	int ret;

	if (q->broken)
		return err_set(err, EIO, "the queue is broken");
	if (!n || n > VIRTQ_MAX_SEGMENTS || !token)
		return err_set(err, EINVAL, "a request of %u buffers is not possible: 1 to %u are",
			       n, VIRTQ_MAX_SEGMENTS);
	if (q->nfree < (q->indirect && n > 1 ? 1 : n))
		return err_set(err, ENOSPC, "the ring of %u entries is full", q->num);
	ret = (q->packed ? virtq_packed_add : virtq_split_add)(q, bufs, n, token, err);
	if (ret == 0 && q->dma->fault && q->dma->fault->id == FAULT_UNMAP_EARLY)
		unmap_early(q, &q->requests[id]);
	return ret;
}

bool virtq_kick(struct virtq *q)
{
	bool need = !q->broken && (q->packed ? virtq_packed_kick : virtq_split_kick)(q);

	q->kicks += need;
	q->skipped_kicks += !need;
	return need;
}

static int lied(struct virtq *q)
{
	q->broken = true;
	return -EIO;
}

/* A driver that believes a length: it takes over as many bytes as the device claims. */
static void believe(struct virtq *q, struct virtq_request *req, uint32_t written)
{
	for (unsigned int i = 0; i < req->nbufs; i++) {
		if (!req->bufs[i].in)
			continue;
		if (!req->bufs[i].premapped)
			dma_sync_for_cpu(q->dma, req->bufs[i].dma, written, EVENT_FROM_DEVICE);
		return;
	}
}

int virtq_get(struct virtq *q, void **token, uint32_t *written, struct err *err)
{
	struct virtq_completion c = { 0 };
	struct virtq_request *req;
	int ret;

	if (q->broken)
		return err_set(err, EIO, "the queue is broken");
	ret = (q->packed ? virtq_packed_peek : virtq_split_peek)(q, &c, err);
	if (ret < 0)
		return lied(q);
	if (ret == 0)
		return 0;
	if (c.id >= q->num || !q->requests[c.id].token) {
		err_set(err, EIO, "the device completed request %u, which is not in flight", c.id);
		return lied(q);
	}
	req = &q->requests[c.id];
	if (req->in_size && c.written <= req->in_size &&
	    fault_once(q->dma->fault, FAULT_DOUBLE_FETCH)) {
		/* checked above; what is used is read again */
		c.written = (q->packed ? virtq_packed_reread : virtq_split_reread)(q);
		believe(q, req, c.written);
	} else if (c.written > req->in_size) {
		if (!fault_once(q->dma->fault, FAULT_USED_LENGTH)) {
			err_set(err, EIO, "the device says it wrote %u bytes into buffers of %u",
				c.written, req->in_size);
			return lied(q);
		}
		believe(q, req, c.written);
	}
	*token = req->token;
	*written = c.written;
	virtq_unmap_request(q, req);
	(q->packed ? virtq_packed_retire : virtq_split_retire)(q, c.id);
	q->completions++;
	return 1;
}

unsigned int virtq_in_flight(const struct virtq *q)
{
	unsigned int n = 0;

	for (uint16_t i = 0; i < q->num; i++)
		n += q->requests[i].token != NULL;
	return n;
}
