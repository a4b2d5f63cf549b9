/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/virtio/hostq.h"

#include <errno.h>
#include <string.h>

#include "lib/base/le.h"
#include "lib/bounce/memory/guard.h"
#include "lib/bounce/virtio/vring.h"

void hostq_init(struct hostq *q, struct guard *guard, bool packed, bool event_idx, uint16_t num,
		uint64_t desc, uint64_t driver, uint64_t device)
{
	struct hostile *hostile = q->hostile;

	memset(q, 0, sizeof(*q));
	q->guard = guard;
	q->hostile = hostile;
	q->ready = num && num <= VRING_MAX_NUM;
	q->packed = packed;
	q->event_idx = event_idx;
	q->num = num;
	q->desc = desc;
	q->driver = driver;
	q->device = device;
	q->avail_wrap = q->used_wrap = true;
}

static int get(struct hostq *q, uint64_t bus, void *buf, size_t size)
{
	int ret = guard_read(q->guard, bus, buf, size);

	q->denied += ret < 0;
	return ret;
}

static void put(struct hostq *q, uint64_t bus, const void *buf, size_t size)
{
	q->denied += guard_write(q->guard, bus, buf, size) < 0;
}

static uint16_t get16(struct hostq *q, uint64_t bus)
{
	uint8_t le[2] = { 0 };

	get(q, bus, le, sizeof(le));
	return get_le16(le);
}

static void put16(struct hostq *q, uint64_t bus, uint16_t v)
{
	uint8_t le[2];

	put_le16(le, v);
	put(q, bus, le, sizeof(le));
}

struct desc {
	uint64_t addr;
	uint32_t size;
	uint16_t flags, link; /* link: split next, packed id */
};

static int get_desc(struct hostq *q, uint64_t bus, struct desc *d)
{
	uint8_t raw[VRING_DESC_SIZE];
	int ret = get(q, bus, raw, sizeof(raw));

	d->addr = get_le64(raw);
	d->size = get_le32(raw + 8);
	d->flags = get_le16(raw + (q->packed ? 14 : 12));
	d->link = get_le16(raw + (q->packed ? 12 : 14));
	return ret;
}

static int append(struct hostq_chain *c, const struct desc *d)
{
	bool in = d->flags & VRING_F_WRITE;

	if (c->n == HOSTQ_MAX_SEGMENTS)
		return -EINVAL;
	c->segments[c->n++] = (struct hostq_segment){ d->addr, d->size, in };
	*(in ? &c->in_size : &c->out_size) += d->size;
	return 0;
}

/* A table of indirect descriptors: linked in a split ring, in order in a packed one. */
static int walk_table(struct hostq *q, const struct desc *table, struct hostq_chain *c)
{
	uint32_t n = table->size / VRING_DESC_SIZE, at = 0;
	struct desc d;

	if (!n || table->size % VRING_DESC_SIZE)
		return -EINVAL;
	for (uint32_t steps = 0; steps < n; steps++) {
		int ret = get_desc(q, table->addr + (uint64_t)at * VRING_DESC_SIZE, &d);

		if (ret < 0)
			return ret;
		if ((d.flags & VRING_F_INDIRECT) || append(c, &d) < 0)
			return -EINVAL;
		if (!q->packed && !(d.flags & VRING_F_NEXT))
			return 0;
		at = q->packed ? at + 1 : d.link;
		if (at >= n)
			return q->packed ? 0 : -EINVAL;
	}
	return q->packed ? 0 : -EINVAL;
}

static int pop_split(struct hostq *q, struct hostq_chain *c)
{
	uint64_t denied = q->denied;
	uint16_t idx = get16(q, q->driver + VRING_AVAIL_IDX), at;
	struct desc d;
	int ret;

	if (q->denied != denied)
		return -EFAULT;
	if (idx == q->avail)
		return 0;
	if ((uint16_t)(idx - q->avail) > q->num)
		return -EINVAL;
	at = get16(q, q->driver + VRING_AVAIL_RING + 2 * (q->avail % q->num));
	q->avail++;
	if (q->event_idx)
		put16(q, q->device + VRING_USED_RING + VRING_USED_ELEM * q->num, q->avail);
	c->id = at;
	for (unsigned int steps = 0; steps < q->num; steps++) {
		if (at >= q->num)
			return -EINVAL;
		ret = get_desc(q, q->desc + (uint64_t)at * VRING_DESC_SIZE, &d);
		if (ret < 0)
			return ret;
		c->ndesc++;
		if (d.flags & VRING_F_INDIRECT) {
			ret = walk_table(q, &d, c);
			return ret < 0 ? ret : 1;
		}
		if (append(c, &d) < 0)
			return -EINVAL;
		if (!(d.flags & VRING_F_NEXT))
			return 1;
		at = d.link;
	}
	return -EINVAL;
}

static void advance(uint16_t *pos, bool *wrap, uint16_t by, uint16_t num)
{
	*pos += by;
	if (*pos >= num) {
		*pos -= num;
		*wrap = !*wrap;
	}
}

static int pop_packed(struct hostq *q, struct hostq_chain *c)
{
	struct desc d;
	int ret;

	for (unsigned int steps = 0; steps < q->num; steps++) {
		ret = get_desc(q, q->desc + (uint64_t)q->avail * VRING_DESC_SIZE, &d);
		if (ret < 0)
			return ret;
		if (steps == 0 && (!!(d.flags & VRING_F_AVAIL) != q->avail_wrap ||
				   !!(d.flags & VRING_F_USED) == q->avail_wrap))
			return 0;
		advance(&q->avail, &q->avail_wrap, 1, q->num);
		c->ndesc++;
		c->id = d.link;
		ret = d.flags & VRING_F_INDIRECT ? walk_table(q, &d, c) : append(c, &d);
		if (ret < 0)
			return ret;
		if (!(d.flags & VRING_F_NEXT))
			break;
	}
	if (q->event_idx) { /* device area: position and wrap, then flags */
		put16(q, q->device, q->avail | (q->avail_wrap ? 0x8000 : 0));
		put16(q, q->device + 2, VRING_EVENT_DESC);
	}
	return 1;
}

int hostq_pop(struct hostq *q, struct hostq_chain *c)
{
	memset(c, 0, offsetof(struct hostq_chain, segments));
	c->out_size = c->in_size = 0;
	if (!q->ready)
		return 0;
	return q->packed ? pop_packed(q, c) : pop_split(q, c);
}

/* One used element; returns the bus address of its length. */
static uint64_t put_used(struct hostq *q, uint16_t id, uint16_t ndesc, uint32_t written)
{
	uint8_t raw[8];
	uint64_t at;

	if (!q->packed) {
		at = q->device + VRING_USED_RING + VRING_USED_ELEM * (q->used % q->num);
		put_le32(raw, id);
		put_le32(raw + 4, written);
		put(q, at, raw, sizeof(raw));
		put16(q, q->device + VRING_USED_IDX, ++q->used);
		return at + 4;
	}
	at = q->desc + (uint64_t)q->used * VRING_DESC_SIZE;
	put_le32(raw, written);
	put_le16(raw + 4, id);
	put(q, at + 8, raw, 6);
	put16(q, at + 14, q->used_wrap ? VRING_F_AVAIL | VRING_F_USED : 0);
	advance(&q->used, &q->used_wrap, ndesc, q->num);
	return at + 8;
}

static bool wants_interrupt(struct hostq *q)
{
	uint16_t before = q->signalled;

	q->signalled = q->used;
	if (!q->event_idx)
		return !(get16(q, q->driver + (q->packed ? 2 : VRING_AVAIL_FLAGS)) & 1);
	if (!q->packed)
		return vring_need_event(get16(q, q->driver + VRING_AVAIL_RING + 2 * q->num),
					q->used, before);
	if (get16(q, q->driver + 2) != VRING_EVENT_DESC)
		return true;
	return vring_packed_need_event(get16(q, q->driver), q->num, q->used,
				       q->used < before ? before - q->num : before, q->used_wrap);
}

/* Is it time to play this trick? */
static bool play(struct hostq *q, enum hostile_trick trick)
{
	struct hostile *h = q->hostile;

	if (!h || h->trick != trick || h->played)
		return false;
	if (h->skip) {
		h->skip--;
		return false;
	}
	h->played++;
	return true;
}

/* Overwrite the chain's descriptor: another address and length, or a link to itself. */
static void rewrite(struct hostq *q, const struct hostq_chain *c, bool loop)
{
	uint64_t at = q->desc + (uint64_t)(q->packed ? q->used : c->id) * VRING_DESC_SIZE;
	uint8_t raw[VRING_DESC_SIZE];

	get(q, at, raw, sizeof(raw));
	if (loop && !q->packed) {
		put_le16(raw + 12, get_le16(raw + 12) | VRING_F_NEXT);
		put_le16(raw + 14, c->id);
	} else {
		put_le64(raw, get_le64(raw) + 4096);
		put_le32(raw + 8, 0xffffffff);
	}
	put(q, at, raw, q->packed ? 12 : sizeof(raw));
}

/* Write behind the first writable segment: the neighbours' slots, which are shared anyway. */
static void overrun(struct hostq *q, const struct hostq_chain *c)
{
	static const uint8_t junk[256] = { 0xbd };

	for (unsigned int i = 0; i < c->n; i++) {
		if (c->segments[i].in) {
			guard_write(q->guard, c->segments[i].addr + c->segments[i].size, junk,
				    sizeof(junk));
			return;
		}
	}
}

bool hostq_push(struct hostq *q, const struct hostq_chain *c, uint32_t written)
{
	uint64_t at;
	bool irq;

	if (play(q, HOSTILE_NEVER))
		return false;
	if (play(q, HOSTILE_REWRITE))
		rewrite(q, c, false);
	if (play(q, HOSTILE_LOOP))
		rewrite(q, c, true);
	if (play(q, HOSTILE_OVERRUN))
		overrun(q, c);
	if (q->hostile && q->hostile->trick == HOSTILE_REPLAY && q->replay != c->id &&
	    play(q, HOSTILE_REPLAY))
		put_used(q, q->replay, 1, written);
	else if (play(q, HOSTILE_BAD_ID))
		put_used(q, q->num + 7, c->ndesc, written);
	else if (c->in_size && play(q, HOSTILE_LONG_LENGTH))
		put_used(q, c->id, c->ndesc, c->in_size + 64);
	else
		goto honest;
	return true;
honest:
	at = put_used(q, c->id, c->ndesc, written);
	q->replay = c->id;
	if (play(q, HOSTILE_TWICE))
		put_used(q, c->id, c->ndesc, written);
	if (play(q, HOSTILE_INDEX_JUMP) && !q->packed)
		put16(q, q->device + VRING_USED_IDX, q->used + q->num + 5);
	if (c->in_size && play(q, HOSTILE_TOCTOU)) {
		q->hostile->remember = at;
		q->hostile->claim = c->in_size + 64;
	}
	irq = wants_interrupt(q);
	q->interrupts += irq;
	q->skipped_interrupts += !irq;
	return irq;
}

void hostq_between(void *hostq)
{
	struct hostq *q = hostq;
	uint8_t raw[4];

	if (!q->hostile || !q->hostile->remember)
		return;
	put_le32(raw, q->hostile->claim);
	put(q, q->hostile->remember, raw, sizeof(raw));
	q->hostile->remember = 0;
}

/* Copy between buf and the segments of one kind, from byte `off` of them on. */
static size_t copy(struct hostq *q, const struct hostq_chain *c, size_t off, uint8_t *buf,
		   size_t size, bool in)
{
	size_t done = 0;

	for (unsigned int i = 0; i < c->n && done < size; i++) {
		const struct hostq_segment *s = &c->segments[i];
		size_t n;

		if (s->in != in)
			continue;
		if (off >= s->size) {
			off -= s->size;
			continue;
		}
		n = s->size - off < size - done ? s->size - off : size - done;
		if (in)
			guard_write(q->guard, s->addr + off, buf + done, n);
		else
			guard_read(q->guard, s->addr + off, buf + done, n);
		done += n;
		off = 0;
	}
	return done;
}

size_t hostq_read(struct hostq *q, const struct hostq_chain *c, size_t off, void *buf, size_t size)
{
	return copy(q, c, off, buf, size, false);
}

size_t hostq_write(struct hostq *q, const struct hostq_chain *c, size_t off, const void *buf,
		   size_t size)
{
	return copy(q, c, off, (uint8_t *)(uintptr_t)buf, size, true);
}
