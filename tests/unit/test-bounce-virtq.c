/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both sides of a virtqueue, in every format, with honest and with hostile hosts. */
#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/bounce/memory/fault.h"
#include "lib/bounce/memory/guard.h"
#include "lib/bounce/memory/random.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/virtio/hostq.h"
#include "lib/bounce/virtio/virtq.h"
#include "tests/unit/test.h"

#define BASE 0x80000000u
#define POOL (BASE + (1u << 20))
#define HIDDEN (BASE + (3u << 20)) /* nobody shares this */
#define BIT ((uint64_t)1 << 32)

struct fixture {
	struct realm *realm;
	struct swiotlb_pool *pool;
	struct fault_plan fault;
	struct dma_device dma;
	struct guard guard;
	struct hostile hostile;
	struct virtq q;
	struct hostq h;
	struct err err;
};

static void set_up(struct fixture *f, uint16_t num, unsigned int format)
{
	bool packed = format & 1, indirect = format & 2, event_idx = format & 4;

	memset(f, 0, sizeof(*f));
	f->realm = realm_new(BASE, 4u << 20, format & 8 ? BIT : 0, 1);
	f->pool = swiotlb_pool_new(f->realm, "default", POOL, 1u << 20, 1, &f->fault);
	f->dma = (struct dma_device){ .realm = f->realm,
				      .fault = &f->fault,
				      .mask = UINT64_MAX,
				      .pools = &f->pool,
				      .npools = 1 };
	f->guard.realm = f->realm;
	f->h.hostile = &f->hostile;
	check(virtq_init(&f->q, &f->dma, num, packed, indirect, event_idx, &f->err) == 0);
	hostq_init(&f->h, &f->guard, packed, event_idx, num, f->q.desc, f->q.driver, f->q.device);
	f->q.between = hostq_between;
	f->q.between_ctx = &f->h;
}

static void tear_down(struct fixture *f)
{
	struct swiotlb_counters c;

	virtq_release(&f->q);
	swiotlb_counters(f->pool, &c);
	check(c.used == 0); /* nothing left mapped */
	check(realm_damage(f->realm) == 0);
	swiotlb_pool_free(f->pool);
	realm_free(f->realm);
}

/* A request of random buffers: its answer is its question, inverted. */
struct echo {
	struct virtq_buf bufs[4];
	unsigned int n;
	uint32_t out, in;
	uint8_t data[4096];
};

static void ask(struct fixture *f, struct echo *e, uint64_t *seed)
{
	unsigned int nout = 1 + random_below(seed, 2), nin = 1 + random_below(seed, 2);

	memset(e, 0, sizeof(*e));
	for (unsigned int i = 0; i < nout + nin; i++) {
		struct virtq_buf *b = &e->bufs[e->n++];

		b->in = i >= nout;
		b->size = 1 + random_below(seed, 1000);
		b->ipa = realm_alloc(f->realm, b->size, 64);
		if (b->in) {
			memset(realm_ptr(f->realm, b->ipa, b->size), 0xee, b->size);
			e->in += b->size;
		} else {
			random_fill(seed, realm_ptr(f->realm, b->ipa, b->size), b->size);
			memcpy(e->data + e->out, realm_ptr(f->realm, b->ipa, b->size), b->size);
			e->out += b->size;
		}
	}
}

static bool answered(struct fixture *f, struct echo *e, uint32_t written)
{
	uint32_t expect = e->in < e->out ? e->in : e->out, off = 0;
	bool ok = written == expect;

	for (unsigned int i = 0; i < e->n; i++) {
		struct virtq_buf *b = &e->bufs[i];
		const uint8_t *p = realm_ptr(f->realm, b->ipa, b->size);

		for (uint32_t k = 0; b->in && k < b->size; k++, off++)
			ok = ok && p[k] == (off < expect ? (uint8_t)~e->data[off] : 0xee);
		realm_release(f->realm, b->ipa, b->size);
	}
	return ok;
}

static bool serve(struct fixture *f)
{
	struct hostq_chain c;
	uint8_t data[4096];
	int ret = hostq_pop(&f->h, &c);
	size_t n;

	if (ret <= 0)
		return false;
	n = hostq_read(&f->h, &c, 0, data, sizeof(data));
	for (size_t i = 0; i < n; i++)
		data[i] = ~data[i];
	hostq_push(&f->h, &c, hostq_write(&f->h, &c, 0, data, n));
	return true;
}

static void echoes(unsigned int format, uint64_t seed)
{
	static struct echo asked[64];
	struct fixture f;
	unsigned int bad = 0, completed = 0;
	void *token;
	uint32_t written;

	set_up(&f, 16, format);
	for (unsigned int round = 0; round < 300; round++) {
		unsigned int n = 1 + random_below(&seed, 4), sent = 0;

		for (; sent < n; sent++) {
			ask(&f, &asked[sent], &seed);
			if (virtq_add(&f.q, asked[sent].bufs, asked[sent].n, &asked[sent], &f.err) <
			    0)
				bad++;
		}
		if (virtq_kick(&f.q)) {
			while (serve(&f))
				;
		} else {
			bad++; /* the device had seen all: it wants to know */
		}
		while (virtq_get(&f.q, &token, &written, &f.err) == 1) {
			completed++;
			bad += !answered(&f, token, written);
		}
		bad += virtq_in_flight(&f.q) != 0;
	}
	check(bad == 0);
	check(completed >= 300 && f.guard.faults == 0 && f.h.interrupts > 0);
	tear_down(&f);
}

static void full(unsigned int format)
{
	struct fixture f;
	struct virtq_buf b = { .size = 10 };
	int tokens[4], n = 0;

	set_up(&f, 4, format);
	b.ipa = realm_alloc(f.realm, 10, 64);
	while (virtq_add(&f.q, &b, 1, &tokens[n & 3], &f.err) == 0)
		n++;
	check(n == 4 && strstr(f.err.text, "full"));
	check(virtq_kick(&f.q) && !virtq_kick(&f.q));
	check(virtq_add(&f.q, &b, 0, tokens, &f.err) == -EINVAL);
	tear_down(&f);
}

/* The trick must end in an error of the driver, or in a correct answer: never in damage. */
static void trick(unsigned int format, enum hostile_trick id, bool caught)
{
	struct fixture f;
	uint64_t seed = id + 100;
	struct echo e[3];
	void *token;
	uint32_t written;
	int ret, got = 0, errors = 0, wrong = 0;
	struct err first = { "" };

	set_up(&f, 8, format);
	f.hostile = (struct hostile){ .trick = id, .skip = id == HOSTILE_REPLAY ? 0 : 1 };
	for (int i = 0; i < 3; i++) {
		ask(&f, &e[i], &seed);
		virtq_add(&f.q, e[i].bufs, e[i].n, &e[i], &f.err);
		if (id == HOSTILE_REPLAY && i == 0)
			continue; /* it takes two in flight */
		while (serve(&f))
			;
		while ((ret = virtq_get(&f.q, &token, &written, &f.err)) == 1) {
			got++;
			wrong += !answered(&f, token, written);
		}
		if (ret < 0 && !errors++)
			first = f.err;
	}
	check(f.hostile.played == 1);
	check(caught ? errors > 0 && f.err.text[0] : errors == 0);
	check(id != HOSTILE_INDEX_JUMP || strstr(first.text, "jumped"));
	check(wrong == 0);
	check(got == (caught || id == HOSTILE_NEVER ? got : 3));
	check(f.guard.faults == 0);
	tear_down(&f);
}

static void tricks(unsigned int format)
{
	bool packed = format & 1;

	trick(format, HOSTILE_REPLAY, true);
	/* a packed ring has no place for a second completion until the driver gave it one */
	if (!packed) {
		trick(format, HOSTILE_TWICE, true);
		trick(format, HOSTILE_INDEX_JUMP, true);
	}
	trick(format, HOSTILE_NEVER, false);
	trick(format, HOSTILE_BAD_ID, true);
	trick(format, HOSTILE_LONG_LENGTH, true);
	trick(format, HOSTILE_TOCTOU, false);
	trick(format, HOSTILE_REWRITE, false);
	trick(format, HOSTILE_LOOP, false);
	trick(format, HOSTILE_OVERRUN, false);
}

/* A broken driver believes what an honest one refuses. */
static void believed(unsigned int format, enum fault_id fault, enum hostile_trick id)
{
	struct fixture f;
	uint64_t seed = 5;
	struct echo e;
	void *token;
	uint32_t written = 0;

	set_up(&f, 8, format);
	f.fault.id = fault;
	f.hostile.trick = id;
	ask(&f, &e, &seed);
	check(virtq_add(&f.q, e.bufs, e.n, &e, &f.err) == 0);
	check(serve(&f));
	check(virtq_get(&f.q, &token, &written, &f.err) == 1);
	check(f.fault.hits == 1 && written > e.in);
	tear_down(&f);
}

static void ring_faults(void)
{
	struct fixture f;
	struct hostq_chain c;
	struct virtq none;
	struct virtq_buf b = { .size = 10 };
	int token;

	memset(&f, 0, sizeof(f));
	set_up(&f, 8, 0);
	check(virtq_init(&none, &f.dma, 3, false, false, false, &f.err) == -EINVAL);
	check(virtq_in_flight(&f.q) == 0);
	/* a ring out of the device's reach, and a descriptor that does not exist */
	b.ipa = realm_alloc(f.realm, 10, 64);
	virtq_add(&f.q, &b, 1, &token, &f.err);
	hostq_init(&f.h, &f.guard, false, false, 8, HIDDEN, HIDDEN, HIDDEN);
	check(hostq_pop(&f.h, &c) == -EFAULT && f.h.denied > 0);
	hostq_init(&f.h, &f.guard, false, false, 8, f.q.desc, f.q.driver, f.q.device);
	f.q.mem[f.q.driver_off + 4] = 77;
	check(hostq_pop(&f.h, &c) == -EINVAL);
	/* a chain that never ends */
	hostq_init(&f.h, &f.guard, false, false, 8, f.q.desc, f.q.driver, f.q.device);
	f.q.mem[f.q.driver_off + 4] = 0;
	f.q.mem[12] = 1;
	f.q.mem[14] = 0;
	check(hostq_pop(&f.h, &c) == -EINVAL);
	virtq_release(&f.q);
	swiotlb_pool_free(f.pool);
	realm_free(f.realm);
}

int main(void)
{
	for (unsigned int format = 0; format < 16; format++) {
		echoes(format, format);
		full(format);
		tricks(format);
		believed(format, FAULT_USED_LENGTH, HOSTILE_LONG_LENGTH);
		believed(format, FAULT_DOUBLE_FETCH, HOSTILE_TOCTOU);
	}
	ring_faults();
	return done();
}
