/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_KERNEL_METERING_H
#define CCAIO_COLLECTORS_KERNEL_METERING_H

#include <stdbool.h>
#include <stdint.h>

#include "collectors/kernel/metering-price.h"

struct copy_table;
struct meter;
struct types;

/*
 * metering - the kernel sums up what bouncing copies, beside the events: a BPF program at the entry
 * of swiotlb_bounce() adds up calls and bytes by device and direction in a map (Linux
 * Documentation/bpf, program type BPF_PROG_TYPE_TRACING; copy-program.h).
 *
 * In instructions a copy, Linux 7.2, arm64: calling a program that does nothing 180, this one 20
 * more, a second one at the function's return, which times would need, 130 more; a kprobe with a
 * histogram 3,500.  Times are none of its business: the events have their own (lib/cost/times.h).
 *
 * It needs the kernel's types, Linux 5.17, on arm64 6.4.  Nothing is left in the kernel when the
 * process is gone, however it ends.
 */
struct metering {
	char *trouble;	      /* why it does not count */
	int map, program, at; /* descriptors; at: the program's place */
	bool counts;
	struct metering_price price; /* what a call of it takes */
	uint64_t busy_ns;	     /* before the window */
	struct meter *before;	     /* counted before it */
	struct meter *meter;	     /* in it, read at the end */
};

#define METERING_INIT                                                            \
	{                                                                        \
		.map = -1, .program = -1, .at = -1, .price = METERING_PRICE_INIT \
	}

/*
 * Arm it.  What this kernel cannot do is said in trouble.  Release in any case.  types: the
 * kernel's, NULL where there are none.
 */
void metering_open(struct metering *m, struct types *types);

/* Right before the window opens. */
void metering_begin(struct metering *m);
/* Read it, right after the window closed. */
void metering_end(struct metering *m);

/* What was read, which the caller frees; NULL: nothing was asked for. */
struct meter *metering_describe(struct metering *m);
void metering_close(struct metering *m);

/* What the program's table holds, which the caller frees. */
struct meter *metering_sums(const struct copy_table *table);

/* CPU time that no CPU idled since boot, from the text of /proc/stat; 0 where it does not tell. */
uint64_t metering_busy_ns(const char *stat, long ticks_per_second);

#endif
