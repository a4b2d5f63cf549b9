/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a virtqueue holds: virtio 1.3, 2.7 "Split Virtqueues" and 2.8 "Packed Virtqueues", and the
 * driver's own books about it (Linux drivers/virtio/virtio_ring.c).
 *
 * A chain is live from when the driver has put it into the ring until it takes it back: so long its
 * entry of desc_state has data.  Addresses come from desc_extra, which is the driver's own; only
 * where it keeps none (buffers that were mapped by the device's driver) from the ring itself, which
 * in a confidential guest the host can write to.
 */
#include <stdlib.h>
#include <string.h>

#include "collectors/memory/state.h"
#include "lib/base/le.h"
#include "lib/base/xalloc.h"

#define DESC_BYTES 16
#define F_NEXT 1
#define F_WRITE 2
#define F_INDIRECT 4
#define F_AVAIL (1u << 7)
#define F_USED (1u << 15)
#define NO_ADDRESS UINT64_MAX	   /* DMA_MAPPING_ERROR */
#define RING_BYTES_MAX (16u << 20) /* far more than the largest queue needs */
#define TABLE_MAX 1024		   /* entries of one indirect table; Linux makes no larger ones */

/* What is read of a queue, in this order: a chain that is live in both copies was so in between. */
struct copy {
	struct taking *t;
	struct snapshot_queue *q;
	uint32_t num;
	long stride, data; /* of the entries of desc_state */
	uint8_t *before, *after, *extra, *desc;
	const uint8_t *now; /* a packed queue's vring_virtqueue after that */
};

static bool is_size(uint32_t num)
{
	return num > 0 && num <= SNAPSHOT_QUEUE_SIZE;
}

static void add_ring(struct taking *t, struct snapshot_queue *q, uint64_t address, uint64_t size)
{
	if (address == NO_ADDRESS || !size || size > RING_BYTES_MAX ||
	    size - 1 > UINT64_MAX - 1 - address)
		memory_trouble(t, "queue %u has no ring", q->index);
	else
		q->rings[q->nrings++] = (struct snapshot_ring){ address, size };
}

static void add(struct copy *c, uint32_t head, unsigned int use, uint64_t address, uint32_t length)
{
	struct taking *t = c->t;

	if (t->descriptors == SNAPSHOT_DESCRIPTORS) {
		memory_trouble(t, "more than %u descriptors", SNAPSHOT_DESCRIPTORS);
		return;
	}
	if (address == NO_ADDRESS || (length && length - 1 > UINT64_MAX - 1 - address))
		return;
	t->descriptors++;
	XGROW(c->q->descriptors, c->q->ndescriptors, c->q->cap);
	c->q->descriptors[c->q->ndescriptors++] = (struct snapshot_descriptor){
		.address = address, .length = length, .head = (uint16_t)head, .use = (uint8_t)use
	};
}

/* The entries of an indirect table, which the driver keeps a pointer to. */
static bool add_table(struct copy *c, uint32_t head, uint64_t table, uint64_t address,
		      uint32_t length, size_t flags_at)
{
	uint8_t entries[TABLE_MAX * DESC_BYTES];

	if (!table || !length || length % DESC_BYTES || length > sizeof(entries) ||
	    !core_read(c->t->core, table, entries, length))
		return false;
	add(c, head, SNAPSHOT_TABLE, address, length);
	for (uint32_t i = 0; i < length; i += DESC_BYTES)
		add(c, head,
		    get_le16(entries + i + flags_at) & F_WRITE ? SNAPSHOT_IN : SNAPSHOT_OUT,
		    get_le64(entries + i), get_le32(entries + i + 8));
	return true;
}

static const uint8_t *extra_of(const struct copy *c, uint32_t i)
{
	return c->extra + (size_t)i * c->t->at.extra_stride;
}

static uint64_t extra_addr(const struct copy *c, uint32_t i)
{
	return at_u64(extra_of(c, i), c->t->at.extra_addr);
}

static void allocate(struct copy *c)
{
	c->before = xcalloc(c->num, c->stride);
	c->after = xcalloc(c->num, c->stride);
	c->extra = xcalloc(c->num, c->t->at.extra_stride);
	c->desc = xcalloc(c->num, DESC_BYTES);
}

static void release(struct copy *c)
{
	free(c->before);
	free(c->after);
	free(c->extra);
	free(c->desc);
}

static uint64_t data_of(const struct copy *c, const uint8_t *copy, uint32_t i)
{
	return at_u64(copy + (size_t)i * c->stride, c->data);
}

/* Were this head's chain and its books the same before and after they were read? */
static bool is_settled(const struct copy *c, uint32_t i)
{
	return memcmp(c->before + (size_t)i * c->stride, c->after + (size_t)i * c->stride,
		      c->stride) == 0;
}

/* ---- split ---- */

static bool add_split_chain(struct copy *c, uint32_t head)
{
	const uint8_t *state = c->before + (size_t)head * c->stride;
	uint32_t k = head;

	for (uint32_t steps = 0; steps < c->num; steps++) {
		const uint8_t *desc = c->desc + (size_t)k * DESC_BYTES;
		uint16_t flags = get_le16(desc + 12);
		bool own = extra_addr(c, k) != NO_ADDRESS;
		uint64_t address = own ? extra_addr(c, k) : get_le64(desc);
		uint32_t length =
			own ? at_u32(extra_of(c, k), c->t->at.extra_len) : get_le32(desc + 8);
		uint16_t kind = own ? at_u16(extra_of(c, k), c->t->at.extra_flags) : flags;

		if (kind & F_INDIRECT)
			return add_table(c, head, at_u64(state, c->t->at.split_table), address,
					 length, 12);
		add(c, head, kind & F_WRITE ? SNAPSHOT_IN : SNAPSHOT_OUT, address, length);
		if (!(flags & F_NEXT))
			return true;
		k = at_u16(extra_of(c, k), c->t->at.extra_next);
		if (k >= c->num)
			return false;
	}
	return false;
}

/* Take what is live of the chains; it is false where one cannot be followed. */
static void add_chains(struct copy *c, uint64_t states,
		       bool (*add_chain)(struct copy *c, uint32_t i))
{
	struct taking *t = c->t;

	for (uint32_t i = 0; i < c->num; i++) {
		size_t had = c->q->ndescriptors, total = t->descriptors;
		bool whole;

		if (!data_of(c, c->before, i))
			continue;
		whole = add_chain(c, i);
		/* given back or put in anew meanwhile: its events show */
		if (core_read(t->core, states + i * (uint64_t)c->stride,
			      c->after + (size_t)i * c->stride, c->stride) &&
		    is_settled(c, i) && whole)
			continue;
		c->q->unread += is_settled(c, i);
		c->q->ndescriptors = had;
		t->descriptors = total;
	}
}

void memory_split(struct taking *t, const uint8_t *vring, uint64_t address,
		  struct snapshot_queue *q)
{
	struct copy c = { .t = t, .q = q };
	uint64_t states = at_u64(vring, t->at.split_state);
	bool read;

	(void)address;
	q->size = c.num = at_u32(vring, t->at.split_num);
	if (!is_size(c.num)) {
		memory_trouble(t, "queue %u has %u entries", q->index, c.num);
		q->size = 0;
		return;
	}
	add_ring(t, q, at_u64(vring, t->at.split_dma), at_u64(vring, t->at.split_bytes));
	c.stride = t->at.split_stride;
	c.data = t->at.split_data;
	allocate(&c);
	read = core_read(t->core, states, c.before, c.num * (size_t)c.stride) &&
	       core_read(t->core, at_u64(vring, t->at.split_extra), c.extra,
			 c.num * (size_t)t->at.extra_stride) &&
	       core_read(t->core, at_u64(vring, t->at.split_desc), c.desc,
			 c.num * (size_t)DESC_BYTES);
	if (read)
		add_chains(&c, states, add_split_chain);
	else
		memory_trouble(t, "the ring of queue %u cannot be read", q->index);
	release(&c);
}

/* ---- packed ---- */

/* The entry of the ring at this position that the device was offered and has not used, or NULL. */
static const uint8_t *offered(const struct copy *c, const uint8_t *vring, uint32_t position)
{
	const uint8_t *desc = c->desc + (size_t)position * DESC_BYTES;
	uint16_t flags = get_le16(desc + 14);
	/* bit 15 of the index is the wrap counter where the index has one of its own */
	uint32_t next = at_u16(vring, c->t->at.packed_next) & 0x7fff;
	bool wrap = vring[c->t->at.packed_wrap];

	if (position >= next)
		wrap = !wrap;
	return !(flags & F_AVAIL) == !wrap && !(flags & F_USED) == wrap ? desc : NULL;
}

/* From the ring itself: entries carry the chain's id. */
static bool add_offered(struct copy *c, const uint8_t *vring, uint32_t id, uint32_t count,
			uint64_t table)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < c->num && found < count; i++) {
		const uint8_t *desc = offered(c, vring, i);

		if (!desc || get_le16(desc + 12) != id)
			continue;
		found++;
		if (get_le16(desc + 14) & F_INDIRECT)
			return add_table(c, id, table, get_le64(desc), get_le32(desc + 8), 14);
		add(c, id, get_le16(desc + 14) & F_WRITE ? SNAPSHOT_IN : SNAPSHOT_OUT,
		    get_le64(desc), get_le32(desc + 8));
	}
	return found == count;
}

static bool add_packed_chain(struct copy *c, uint32_t id)
{
	const uint8_t *state = c->before + (size_t)id * c->stride;
	uint64_t table = at_u64(state, c->t->at.packed_table);
	uint32_t count = at_u16(state, c->t->at.packed_count), k = id;

	/* without the DMA API nobody needs the books: they are not kept */
	if (c->q->dma_api != TRI_YES || extra_addr(c, id) == NO_ADDRESS)
		return add_offered(c, c->now, id, count, table);
	for (uint32_t i = 0; i < count && i < c->num; i++) {
		const uint8_t *extra = extra_of(c, k);
		uint16_t flags = at_u16(extra, c->t->at.extra_flags);
		uint32_t length = at_u32(extra, c->t->at.extra_len);

		if (flags & F_INDIRECT)
			return add_table(c, id, table, extra_addr(c, k), length, 14);
		if (extra_addr(c, k) == NO_ADDRESS)
			return false;
		add(c, id, flags & F_WRITE ? SNAPSHOT_IN : SNAPSHOT_OUT, extra_addr(c, k), length);
		k = at_u16(extra, c->t->at.extra_next);
		if (k >= c->num)
			return false;
	}
	return count <= c->num;
}

static void add_packed_rings(struct taking *t, const uint8_t *vring, struct snapshot_queue *q)
{
	uint64_t events = at_u64(vring, t->at.packed_event_bytes);

	add_ring(t, q, at_u64(vring, t->at.packed_dma), at_u64(vring, t->at.packed_bytes));
	add_ring(t, q, at_u64(vring, t->at.packed_driver_dma), events);
	add_ring(t, q, at_u64(vring, t->at.packed_device_dma), events);
}

void memory_packed(struct taking *t, const uint8_t *vring, uint64_t address,
		   struct snapshot_queue *q)
{
	struct copy c = { .t = t, .q = q };
	uint64_t states = at_u64(vring, t->at.packed_state);
	uint8_t now[1024];
	bool read;

	q->size = c.num = at_u32(vring, t->at.packed_num);
	if (!is_size(c.num)) {
		memory_trouble(t, "queue %u has %u entries", q->index, c.num);
		q->size = 0;
		return;
	}
	add_packed_rings(t, vring, q);
	c.stride = t->at.packed_stride;
	c.data = t->at.packed_data;
	allocate(&c);
	read = core_read(t->core, states, c.before, c.num * (size_t)c.stride) &&
	       core_read(t->core, at_u64(vring, t->at.packed_extra), c.extra,
			 c.num * (size_t)t->at.extra_stride) &&
	       core_read(t->core, at_u64(vring, t->at.packed_desc), c.desc,
			 c.num * (size_t)DESC_BYTES) &&
	       /* the position of the newest entry belongs to the ring as it was read */
	       core_read(t->core, address, now, t->at.vring_size);
	c.now = now;
	if (read)
		add_chains(&c, states, add_packed_chain);
	else
		memory_trouble(t, "the ring of queue %u cannot be read", q->index);
	release(&c);
}
