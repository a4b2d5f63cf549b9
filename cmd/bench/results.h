/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_BENCH_RESULTS_H
#define CCAIO_CMD_BENCH_RESULTS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/json/table.h"

struct err;

/* results - what ccaio bench workload measured on one machine, schema ccaio.bench-workload/1. */

/* How the machine's devices reach its memory. */
enum bench_way {
	BENCH_DIRECT,  /* virtio without VIRTIO_F_ACCESS_PLATFORM: past the DMA API */
	BENCH_DMA_API, /* through the DMA API, not bounced */
	BENCH_BOUNCED,
	BENCH_WAYS
};
const char *bench_way_name(enum bench_way way);

/* One run: by the clock, while CPUs were not idle, and what they executed (sums over all CPUs). */
struct bench_run {
	uint64_t ns, busy_ns;
	uint64_t instructions; /* 0: there is no such counter */
};

/* Runs with the meter of ccaio trace --cost (lib/evidence/meter.h), and what it counted in them. */
struct bench_meter {
	struct bench_run *runs;
	size_t nruns;
	uint64_t out_copies, out_bytes; /* into the pool */
	uint64_t in_copies, in_bytes;	/* back from it */
	uint64_t missed;
};

struct bench_load {
	char *name; /* of the workload */
	uint64_t operations;
	struct bench_run *runs;
	size_t nruns;
	struct bench_meter *meter; /* NULL: not asked for */
};

struct bench_results {
	unsigned int way;
	char *machine, *kernel;
	uint64_t cpus;
	uint64_t instruction_ns; /* the clock goes on by this with each instruction; 0: it does not
				  */
	struct bench_load *loads;
	size_t nloads;
};

#define BENCH_WORKLOAD_SCHEMA "ccaio.bench-workload/1"
extern const struct jrow bench_results_table[];

/* What facts say of this machine; the loads are the caller's.  NULL with err set. */
struct bench_results *bench_results_new(struct err *err);
struct bench_results *bench_results_load(const char *path, struct err *err);
void bench_results_free(struct bench_results *results); /* accepts NULL */
void bench_load_free(struct bench_load *load);		/* what it owns */

#endif
