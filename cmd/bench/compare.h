/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_BENCH_COMPARE_H
#define CCAIO_CMD_BENCH_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cmd/bench/results.h"

struct err;

/* compare - the same workloads on machines that differ in how devices reach memory. */

/* Of one or more runs. */
struct bench_spread {
	double median, low, high;
	size_t n;
};

/* Nanoseconds per operation of a load's runs: by the clock, or while CPUs were busy. */
struct bench_spread bench_spread_of(const struct bench_load *load, bool busy);

/*
 * Write tables of the ratios, as Markdown.  paths: results files, NULL ends
 * them.  0, or -errno with err set: a file is malformed, or no workload was measured in two ways.
 */
int bench_compare(FILE *out, char *const paths[], struct err *err);

#endif
