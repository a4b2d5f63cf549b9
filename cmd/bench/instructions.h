/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_BENCH_INSTRUCTIONS_H
#define CCAIO_CMD_BENCH_INSTRUCTIONS_H

#include <stddef.h>
#include <stdint.h>

/*
 * instructions - what all CPUs execute, kernel included, as their counters say (perf_event_open(2),
 * PERF_COUNT_HW_INSTRUCTIONS).  A CPU that idles executes none.
 */
struct instructions {
	int *fds; /* one for each CPU */
	size_t n; /* 0: this machine has no such counter, or it needs root */
};

void instructions_open(struct instructions *of);

/* Since they were opened; 0 where there is no counter. */
uint64_t instructions_read(const struct instructions *of);
void instructions_close(struct instructions *of);

#endif
