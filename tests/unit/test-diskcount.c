/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/counters/diskcount.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/exchange.h"
#include "tests/unit/counted.h"
#include "tests/unit/test.h"

/* One disk, its counters, and a stream that tells of it. */
struct run {
	struct names *names;
	struct platform *p;
	struct platform_disk *disk;
	struct diskcount *d;
};

static const char *const traced[] = { "block:block_rq_complete", "dma:dma_map_phys" };

static void begin(struct run *r)
{
	r->names = names_new();
	r->p = platform_new();
	recorded(r->p, traced, 1);
	r->p->disks = xcalloc(1, sizeof(*r->p->disks));
	r->p->ndisks = 1;
	r->disk = &r->p->disks[0];
	*r->disk = (struct platform_disk){ xstrdup("vda"), xstrdup("254:0"), .counted = true };
	r->d = diskcount_new(r->names, r->p);
}

static void mark(struct run *r, uint64_t nonce)
{
	const struct event e = { .kind = EVENT_MARK, .aux = EVENT_MARK_COUNT, .link = nonce };

	diskcount_event(r->d, &e);
}

/* The counters are read, and nothing happens meanwhile. */
static void look(struct run *r)
{
	mark(r, NONCE);
	mark(r, NONCE);
}

static void done_with(struct run *r, const char *number, enum event_blk what, uint64_t bytes)
{
	const struct event e = { .kind = EVENT_BLK_COMPLETE,
				 .aux = what,
				 .size = bytes,
				 .dev = names_intern(r->names, number, strlen(number)) };

	diskcount_event(r->d, &e);
}

/* The disk is virtio1's, whose maps are traced. */
static void with_maps(struct run *r, const char *features)
{
	r->disk->virtio = xstrdup("virtio1");
	only_virtio(r->p, "virtio1", "0000:00:02.0")->features = xstrdup(features);
	free(r->p->trace.events[0]);
	free(r->p->trace.events);
	recorded(r->p, traced, 2);
}

static void mapped(struct run *r, const char *dev, enum event_dir dir, uint64_t bytes)
{
	const struct event e = { .kind = EVENT_MAP,
				 .dir = dir,
				 .size = bytes,
				 .dev = names_intern(r->names, dev, strlen(dev)) };

	diskcount_event(r->d, &e);
}

static struct exchanges *end(struct run *r)
{
	struct exchanges *x = exchanges_new();

	diskcount_result(r->d, x);
	free(r->d);
	platform_free(r->p);
	names_free(r->names);
	return x;
}

/*
 * at: bytes completed before the first look, during it, between the looks, during the
 * second, after it.  Does a count of so many bytes read agree with that?
 */
static bool agrees(const uint64_t at[5], uint64_t counted, uint64_t before, uint64_t after)
{
	struct run r;

	begin(&r);
	r.disk->before.in_flight = before;
	r.disk->after.in_flight = after;
	r.disk->after.read_sectors = counted / 512;
	for (int i = 0; i < 5; i++) {
		if (at[i])
			done_with(&r, "254:0", EVENT_BLK_READ, at[i]);
		if (i < 4)
			mark(&r, NONCE);
	}
	return agreed(end(&r));
}

static void looks(void)
{
	static const uint64_t quiet[5] = { 4096, 0, 8192, 0, 4096 };
	static const uint64_t busy[5] = { 4096, 1024, 8192, 512, 4096 };

	check(agrees(quiet, 8192, 0, 0));
	check(!agrees(quiet, 8192 - 512, 0, 0));
	check(!agrees(quiet, 8192 + 512, 0, 0));
	/* what completed during a look was counted, or was not */
	check(agrees(busy, 8192, 0, 0) && agrees(busy, 8192 + 1024 + 512, 0, 0));
	check(!agrees(busy, 8192 - 512, 0, 0) && !agrees(busy, 8192 + 2048, 0, 0));
	/* what was on its way is allowed for by the largest request, and no further */
	check(agrees(quiet, 2 * 8192, 1, 0) && !agrees(quiet, 2 * 8192 + 512, 1, 0));
	check(!agrees(quiet, 2 * 8192, 0, 1));
	check(agrees(quiet, 0, 0, 1) && !agrees(quiet, 0, 1, 0));
}

/* All features up to bit 33, and all but it. */
#define TRANSLATED "1111111111111111111111111111111111"
#define UNTRANSLATED "1111111111111111111111111111111110"

/* at: bytes mapped before the first look, during it, between, during the last, after it. */
static bool maps_agree(const uint64_t at[5], const char *dev, enum event_dir dir, uint64_t before,
		       const char *features)
{
	struct run r;

	begin(&r);
	with_maps(&r, features);
	r.disk->before.in_flight = before;
	r.disk->after.writes = 1;
	r.disk->after.written_sectors = 16;
	for (int i = 0; i < 5; i++) {
		if (at[i])
			mapped(&r, dev, dir, at[i]);
		if (i == 2)
			done_with(&r, "254:0", EVENT_BLK_WRITE, 8192);
		if (i < 4)
			mark(&r, NONCE);
	}
	return agreed(end(&r));
}

static void maps(void)
{
	static const uint64_t all[5] = { 0, 4096, 2048, 2048, 0 };
	static const uint64_t early[5] = { 8192, 0, 0, 0, 0 };
	static const uint64_t late[5] = { 0, 4096, 2048, 0, 2048 };
	static const uint64_t none[5];
	const char *dev = "0000:00:02.0";

	check(maps_agree(all, dev, EVENT_TO_DEVICE, 0, TRANSLATED));
	check(maps_agree(all, dev, EVENT_BIDIRECTIONAL, 0, TRANSLATED));
	/* the wrong way, by another device, not at all */
	check(!maps_agree(all, dev, EVENT_FROM_DEVICE, 0, TRANSLATED));
	check(!maps_agree(all, "0000:00:03.0", EVENT_TO_DEVICE, 0, TRANSLATED));
	check(!maps_agree(none, dev, EVENT_TO_DEVICE, 0, TRANSLATED));
	/* a request on its way may have been mapped before, no other */
	check(!maps_agree(early, dev, EVENT_TO_DEVICE, 0, TRANSLATED));
	check(maps_agree(early, dev, EVENT_TO_DEVICE, 1, TRANSLATED));
	check(!maps_agree(late, dev, EVENT_TO_DEVICE, 0, TRANSLATED));
	/* what bypasses the DMA API maps nothing */
	check(maps_agree(none, dev, EVENT_TO_DEVICE, 0, UNTRANSLATED));
}

/* Zeroes are written without data, and may be counted. */
static void zeroes(void)
{
	for (int counted = 0; counted < 2; counted++) {
		struct run r;

		begin(&r);
		with_maps(&r, TRANSLATED);
		look(&r);
		mapped(&r, "0000:00:02.0", EVENT_TO_DEVICE, 512);
		done_with(&r, "254:0", EVENT_BLK_WRITE, 512);
		done_with(&r, "254:0", EVENT_BLK_OTHER, 4096);
		look(&r);
		r.disk->after.writes = 1;
		r.disk->after.written_sectors = counted ? 9 : 1;
		check(agreed(end(&r)));
	}
}

/* An event that names no disk is of none, also while only maps have reported of one. */
static void nameless(void)
{
	const struct event e = { .kind = EVENT_BLK_COMPLETE, .aux = EVENT_BLK_READ, .size = 512 };
	struct exchanges *x;
	struct run r;

	begin(&r);
	with_maps(&r, TRANSLATED);
	look(&r);
	mapped(&r, "0000:00:02.0", EVENT_FROM_DEVICE, 512);
	diskcount_event(r.d, &e);
	look(&r);
	r.disk->after.reads = 1;
	r.disk->after.read_sectors = 1;
	x = end(&r);
	check(x->sums.n == 3 && !x->sums.list[0].ok && !x->sums.list[1].ok && x->sums.list[2].ok);
	exchanges_free(x);
}

static void groups(void)
{
	struct exchanges *x;
	struct run r;

	begin(&r);
	mark(&r, NONCE);
	mark(&r, NONCE + 1); /* of another run */
	mark(&r, NONCE);
	done_with(&r, "254:0", EVENT_BLK_READ, 512);
	done_with(&r, "254:0", EVENT_BLK_WRITE, 1024);
	done_with(&r, "254:0", EVENT_BLK_DISCARD, 4096);
	done_with(&r, "254:0", EVENT_BLK_FLUSH, 0);
	done_with(&r, "254:0", EVENT_BLK_OTHER, 2048); /* zeroes: written, or nothing */
	done_with(&r, "254:16", EVENT_BLK_READ, 65536);
	look(&r);
	r.disk->after = (struct platform_work){ .reads = 1, .read_sectors = 1, .writes = 2 };
	r.disk->after.written_sectors = 2 + 4;
	r.disk->after.discards = 1;
	r.disk->after.discarded_sectors = 8;
	x = end(&r);
	check(x->sums.n == 7 && all_hold(x));
	exchanges_free(x);

	/* more requests than were reported */
	begin(&r);
	look(&r);
	look(&r);
	r.disk->after.writes = 1;
	x = end(&r);
	check(x->sums.n == 2 && x->sums.list[0].ok && !x->sums.list[1].ok);
	exchanges_free(x);
}

static void hostile(void)
{
	struct exchanges *x;
	struct run r;

	/* counters that go backwards */
	begin(&r);
	look(&r);
	look(&r);
	r.disk->before.read_sectors = 8;
	x = end(&r);
	check(x->sums.n == 1 && !x->sums.list[0].ok);
	exchanges_free(x);

	/* sums that do not fit into 64 bits */
	begin(&r);
	look(&r);
	done_with(&r, "254:0", EVENT_BLK_READ, UINT64_MAX);
	done_with(&r, "254:0", EVENT_BLK_READ, UINT64_MAX);
	look(&r);
	r.disk->before.in_flight = r.disk->after.in_flight = 1u << 20;
	x = end(&r);
	check(x->sums.n > 0);
	exchanges_free(x);

	/* … and must not wrap around to what the disk counted */
	begin(&r);
	look(&r);
	done_with(&r, "254:0", EVENT_BLK_READ, UINT64_MAX);
	done_with(&r, "254:0", EVENT_BLK_READ, 4097);
	look(&r);
	r.disk->after = (struct platform_work){ .reads = 2, .read_sectors = 8 };
	check(!agreed(end(&r)));

	/* nobody says when they were read, or no completion was recorded: not compared, and said so
	 */
	begin(&r);
	r.disk->after.read_sectors = 8;
	x = end(&r);
	check(x->sums.n == 0 && x->nnotes == 1);
	exchanges_free(x);
	begin(&r);
	look(&r);
	look(&r);
	strcpy(r.p->trace.events[0], "block:block_rq_issue");
	r.disk->after.read_sectors = 8;
	x = end(&r);
	check(x->sums.n == 0 && x->nnotes == 1);
	exchanges_free(x);
}

int main(void)
{
	looks();
	maps();
	zeroes();
	nameless();
	groups();
	hostile();
	return done();
}
