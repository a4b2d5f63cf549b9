/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long a call of the meter's program takes. */
#include "collectors/kernel/metering-price.h"

#include <bpf/bpf.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "collectors/kernel/btf.h"
#include "collectors/kernel/copy-program.h"

#define TESTED "bpf_fentry_test4" /* (void *, char, int, u64): called with 7, 8, 9, 10 */
#define CALLS 201

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The median of calls; 0: they cannot be made. */
static uint64_t call_ns(int program)
{
	uint64_t ns[CALLS];

	for (int i = 0; i < CALLS; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, options);
		uint64_t before = now_ns();

		if (bpf_prog_test_run_opts(program, &options) < 0)
			return 0;
		ns[i] = now_ns() - before;
	}
	qsort(ns, CALLS, sizeof(ns[0]), ascending);
	return ns[CALLS / 2];
}

void metering_price_open(struct metering_price *p, struct types *types)
{
	int function = btf_function(types, TESTED);
	uint64_t without, with;

	*p = (struct metering_price)METERING_PRICE_INIT;
	if (function < 0)
		return;
	p->map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ccaio_price", sizeof(uint32_t),
				sizeof(struct copy_table), 1, NULL);
	if (p->map >= 0)
		p->program = copy_program_load(p->map, (uint32_t)function, COPY_NO_DEVICE);
	without = p->program >= 0 ? call_ns(p->program) : 0;
	if (!without)
		return;
	p->at = bpf_raw_tracepoint_open(NULL, p->program);
	with = p->at >= 0 ? call_ns(p->program) : 0;
	if (with > without)
		p->ns = with - without;
}

void metering_price_close(struct metering_price *p)
{
	const int fds[] = { p->at, p->program, p->map };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*p = (struct metering_price)METERING_PRICE_INIT;
}
