/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bounce pool that is full: what the kernel's log says of it, and how long maps failed. */
#include <string.h>

#include "collectors/facts/pool-full.h"
#include "lib/evidence/event.h"
#include "lib/judge/types/full.h"
#include "tests/unit/test.h"

static void test_line(void)
{
	static const char real[] =
		"virtio-pci 0000:00:02.0: swiotlb buffer is full (sz: 1052672 bytes), "
		"total 512 (slots), used 3 (slots)";
	static const char *const others[] = {
		"",
		"swiotlb buffer is full (sz: 1 bytes), total 512 (slots), used 3 (slots)",
		"x: swiotlb buffer is full (sz: many bytes), total 512 (slots), used 3 (slots)",
		"x: swiotlb buffer is full (sz: 1 bytes), total 512 (slots)",
		"x : swiotlb buffer is full (sz: 1 bytes), total 512 (slots), used 3 (slots)",
	};
	struct pool_full_line line;
	char longest[700];

	check(pool_full_parse(real, strlen(real), &line));
	check(strcmp(line.device, "0000:00:02.0") == 0);
	check(line.bytes == 1052672 && line.total == 512 && line.used == 3);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		check(!pool_full_parse(others[i], strlen(others[i]), &line));
	/* a name that is too long is cut, a line that is too long is none */
	memset(longest, 'd', sizeof(longest));
	memcpy(longest + 100, strchr(real, ':') + 8, strlen(strchr(real, ':') + 8));
	check(pool_full_parse(longest, 100 + strlen(strchr(real, ':') + 8), &line));
	check(strlen(line.device) == sizeof(line.device) - 1);
	check(!pool_full_parse(longest, sizeof(longest), &line));
}

static void fail(struct full *f, uint64_t ts_ns, uint64_t size, uint16_t dev)
{
	full_add(f, &(struct event){ .ts_ns = ts_ns, .size = size, .dev = dev });
}

static void test_stretches(void)
{
	struct full f = { 0 };

	fail(&f, 1000000000, 4096, 1);
	check(f.count == 1 && f.stretches == 1 && f.longest_ns == 0 && f.total_ns == 0);
	fail(&f, 1500000000, 65536, 2);
	fail(&f, 1600000000, 512, 1);
	check(f.stretches == 1 && f.longest_ns == 600000000 && f.total_ns == 600000000);
	fail(&f, 1600000000 + FULL_GAP_NS, 512, 1);
	fail(&f, 1700000000 + FULL_GAP_NS, 512, 1);
	check(f.count == 5 && f.stretches == 2 && f.longest_ns == 600000000);
	check(f.total_ns == 700000000 && f.first_ns == 1000000000);
	check(f.largest == 65536 && f.dev == 2);
}

int main(void)
{
	test_line();
	test_stretches();
	return done();
}
