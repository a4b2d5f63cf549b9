/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_KERNEL_METERING_PRICE_H
#define CCAIO_COLLECTORS_KERNEL_METERING_PRICE_H

#include <stdint.h>

struct types;

/*
 * metering-price - what a call of the meter's program takes on this machine.
 *
 * The same instructions run at the entry of a function that the kernel has for tests of such
 * programs, bpf_fentry_test4(), and that BPF_PROG_TEST_RUN calls (Linux net/bpf/test_run.c): the
 * median of calls with the program less that of calls without.  So the kernel's way to the program
 * and back is in it; what it adds to caches is not.
 */
struct metering_price {
	int map, program, at; /* kept, since detaching waits for all CPUs */
	uint64_t ns;	      /* of a call; 0 unknown */
};

#define METERING_PRICE_INIT                        \
	{                                          \
		.map = -1, .program = -1, .at = -1 \
	}

/* Where a kernel cannot do it, ns stays 0.  Release in any case. */
void metering_price_open(struct metering_price *price, struct types *types);
void metering_price_close(struct metering_price *price);

#endif
