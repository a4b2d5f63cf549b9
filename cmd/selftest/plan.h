/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_SELFTEST_PLAN_H
#define CCAIO_CMD_SELFTEST_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bounce/selftest/selftest.h"

/*
 * selftest-plan - which runs 'ccaio selftest' makes, and what came of them.
 */
enum plan_kind { PLAN_CLEAN, PLAN_FAULT, PLAN_TRICK, PLAN_TDISP, PLAN_EXPORT };

struct plan_run {
	enum plan_kind kind;
	struct selftest_run run;
	bool passed;
	char *why; /* NULL: passed */
};

struct plan {
	struct plan_run *runs;
	size_t count, cap;
	/* sums over all runs */
	uint64_t events, accesses, denied, transfers, bytes, damaged;
};

/*
 * Fill in the runs.  only: comma-separated names of faults, devices, transports, or
 * "clean", "hostile", "tdisp", "export"; NULL for all.  Returns the first name that is
 * none of these (in only), or NULL.
 */
const char *plan_make(struct plan *plan, uint64_t seed, unsigned int iterations, const char *only);
void plan_release(struct plan *plan);

/* Make one run; the result goes to passed and why, too. */
void plan_run_execute(struct plan_run *run, struct selftest_result *result);

/* Make all runs, in as many threads as there are CPUs (at most 4).  tick: progress; may be NULL. */
void plan_execute(struct plan *plan, void (*tick)(void *ctx, size_t done, size_t of), void *ctx);

/* What the run is, for people: "no-bounce on net over pci (split, indirect, alias, seed 7)". */
char *plan_describe(const struct plan_run *run);

#endif
