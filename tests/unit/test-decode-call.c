/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DMA events from the entries and returns of functions, as on kernels without dma events. */
#include <string.h>

#include "collectors/decode/call.h"
#include "tests/unit/test.h"

static struct decode_calls *calls;
static struct event out;
static bool again;

static struct event at(int32_t pid, uint64_t ts_ns)
{
	return (struct event){ .pid = pid,
			       .ts_ns = ts_ns,
			       .orig = EVENT_NO_ADDR,
			       .dma = EVENT_NO_ADDR,
			       .dir = EVENT_DIR_NONE,
			       .flags = EVENT_F_PROBE };
}

static size_t enter(enum decode_call call, int32_t pid, uint64_t ts_ns, uint64_t orig,
		    uint64_t size, uint32_t nents)
{
	struct event e = at(pid, ts_ns);

	e.orig = orig;
	e.size = size;
	e.dir = EVENT_TO_DEVICE;
	e.dev = 7;
	e.aux = nents;
	return decode_call_enter(calls, call, &e, &out);
}

static size_t leave(enum decode_call call, int32_t pid, uint64_t ts_ns, uint64_t ret)
{
	struct event e = at(pid, ts_ns);

	e.dma = ret;
	return decode_call_leave(calls, call, &e, &out, &again);
}

static void test_maps(void)
{
	/* bounced: the map is reported once, when it returns, with the bounce's original */
	check(enter(DECODE_CALL_MAP, 5, 10, EVENT_NO_ADDR, 98, 0) == 0);
	check(enter(DECODE_CALL_BOUNCE, 5, 11, 0x4000, 98, 0) == 0);
	check(leave(DECODE_CALL_BOUNCE, 5, 12, 0x9000) == 0);
	check(leave(DECODE_CALL_MAP, 5, 13, 0x9000) == 1 && !again);
	check(out.kind == EVENT_MAP && out.orig == 0x4000 && out.dma == 0x9000 && out.size == 98);
	check(out.dev == 7 && out.dir == EVENT_TO_DEVICE && out.ts_ns == 13 && out.aux == 0);
	check(out.flags == EVENT_F_PROBE);

	/* direct, and failed */
	enter(DECODE_CALL_MAP, 5, 20, EVENT_NO_ADDR, 1, 0);
	check(leave(DECODE_CALL_MAP, 5, 21, 0x4000) == 1 && out.orig == EVENT_NO_ADDR);
	enter(DECODE_CALL_MAP, 5, 22, EVENT_NO_ADDR, 1, 0);
	check(leave(DECODE_CALL_MAP, 5, 23, EVENT_NO_ADDR) == 1 && out.dma == EVENT_NO_ADDR);

	/* an interrupt maps while its task does, another task in between, an idle one per CPU */
	enter(DECODE_CALL_MAP, 5, 30, EVENT_NO_ADDR, 1, 0);
	enter(DECODE_CALL_MAP, 0, 31, EVENT_NO_ADDR, 2, 0);
	enter(DECODE_CALL_MAP, 5, 32, EVENT_NO_ADDR, 3, 0);
	check(leave(DECODE_CALL_MAP, 5, 33, 0x3000) == 1 && out.size == 3);
	check(leave(DECODE_CALL_MAP, 5, 34, 0x1000) == 1 && out.size == 1);
	check(leave(DECODE_CALL_MAP, 0, 35, 0x2000) == 1 && out.size == 2);
}

static void test_sg(void)
{
	/* two of three entries bounced */
	enter(DECODE_CALL_MAP_SG, 5, 10, EVENT_NO_ADDR, 0, 3);
	for (uint64_t i = 0; i < 2; i++) {
		enter(DECODE_CALL_BOUNCE, 5, 11, 0x1000 * i, 512, 0);
		check(leave(DECODE_CALL_BOUNCE, 5, 12, 0x9000 + i) == 1);
		check(out.kind == EVENT_MAP && out.orig == 0x1000 * i && out.dma == 0x9000 + i);
		check(out.flags == (EVENT_F_PROBE | EVENT_F_SG) && out.size == 512);
	}
	check(leave(DECODE_CALL_MAP_SG, 5, 13, 3) == 1);
	check(out.kind == EVENT_SG_TRUNCATED && out.aux == 1 && out.dev == 7);

	/* all of them */
	enter(DECODE_CALL_MAP_SG, 5, 20, EVENT_NO_ADDR, 0, 1);
	enter(DECODE_CALL_BOUNCE, 5, 21, 0x1000, 512, 0);
	leave(DECODE_CALL_BOUNCE, 5, 22, 0x9000);
	check(leave(DECODE_CALL_MAP_SG, 5, 23, 1) == 0);

	/* failed: what was seen within has been taken back, unseen */
	enter(DECODE_CALL_MAP_SG, 5, 30, EVENT_NO_ADDR, 0, 2);
	enter(DECODE_CALL_BOUNCE, 5, 31, 0x1000, 512, 0);
	leave(DECODE_CALL_BOUNCE, 5, 32, 0x9000);
	check(leave(DECODE_CALL_MAP_SG, 5, 33, (uint32_t)-12) == 1 && out.kind == EVENT_UNDECODED);
	enter(DECODE_CALL_MAP_SG, 5, 34, EVENT_NO_ADDR, 0, 2);
	check(leave(DECODE_CALL_MAP_SG, 5, 35, (uint32_t)-12) == 0);
}

static void test_unmap_sg(void)
{
	struct event release = at(5, 41);

	release.kind = EVENT_UNMAP;
	release.dma = 0x9000;
	check(decode_call_release(calls, &release, &out) == 0); /* of a single unmap */
	enter(DECODE_CALL_UNMAP_SG, 5, 40, EVENT_NO_ADDR, 0, 2);
	check(decode_call_release(calls, &release, &out) == 1);
	check(out.kind == EVENT_UNMAP && out.dma == 0x9000 && out.flags & EVENT_F_SG);
	check(leave(DECODE_CALL_UNMAP_SG, 5, 42, 0) == 1);
	check(out.kind == EVENT_SG_TRUNCATED && out.aux == 1);
}

static void test_incomplete(void)
{
	/* returned without having entered */
	check(leave(DECODE_CALL_MAP, 6, 10, 0x1000) == 1 && out.kind == EVENT_UNDECODED && !again);

	/* entered within a map, but its return was lost */
	enter(DECODE_CALL_MAP, 6, 20, EVENT_NO_ADDR, 98, 0);
	enter(DECODE_CALL_BOUNCE, 6, 21, 0x4000, 98, 0);
	check(leave(DECODE_CALL_MAP, 6, 22, 0x9000) == 1 && out.kind == EVENT_UNDECODED && again);
	check(leave(DECODE_CALL_MAP, 6, 22, 0x9000) == 1 && out.kind == EVENT_MAP && !again);

	/* an allocation's device address is not what the function returns */
	enter(DECODE_CALL_ALLOC, 6, 30, EVENT_NO_ADDR, 4096, 0);
	check(leave(DECODE_CALL_ALLOC, 6, 31, 0xffff0000) == 1 && out.kind == EVENT_UNDECODED);
	enter(DECODE_CALL_ALLOC, 6, 32, EVENT_NO_ADDR, 4096, 0);
	check(leave(DECODE_CALL_ALLOC, 6, 33, 0) == 1 && out.kind == EVENT_MAP_FAILED);

	/* deeper than any kernel nests, and more tasks than fit */
	for (int i = 0; i < 8; i++)
		check(enter(DECODE_CALL_MAP, 6, 40, 0, 0, 0) == 0);
	check(enter(DECODE_CALL_MAP, 6, 41, 0, 0, 0) == 1 && out.kind == EVENT_UNDECODED);
	for (int32_t pid = 100; pid < 355; pid++)
		check(enter(DECODE_CALL_MAP, pid, 42, 0, 0, 0) == 0);
	check(enter(DECODE_CALL_MAP, 1000, 43, 0, 0, 0) == 1 && out.kind == EVENT_UNDECODED);
	check(leave(DECODE_CALL_MAP, 200, 44, 0x1000) == 1 && out.kind == EVENT_MAP);
	check(enter(DECODE_CALL_MAP, 1000, 45, 0, 0, 0) == 0);
}

int main(void)
{
	calls = decode_calls_new();
	test_maps();
	test_sg();
	test_unmap_sg();
	test_incomplete();
	decode_calls_free(calls);
	return done();
}
