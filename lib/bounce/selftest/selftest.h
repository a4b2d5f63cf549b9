/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_SELFTEST_SELFTEST_H
#define CCAIO_LIB_BOUNCE_SELFTEST_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bounce/selftest/machine.h"

struct fault_case;
struct platform;
struct verdict;

/*
 * selftest - does the judge notice?  One run of one machine, judged and compared.
 *
 * Without a fault nothing may be refuted and every byte must arrive.  With one, the
 * right claim must be refuted by the right counterexample; the guard, which sees
 * bytes and knows no events, and the judge, which sees events and knows no bytes,
 * must agree about each access; and damage to the data must be seen.
 */
struct selftest_run {
	struct machine_config config;
	const struct fault_case *fault; /* NULL: none */
	unsigned int rounds;		/* of payload */
	/*
	 * Sees the run as it was judged, before the machine goes; may be NULL.  max_stale: the
	 * policy's limit (lib/evidence/policy.h).
	 */
	void (*judged)(void *ctx, struct machine *m, const struct platform *platform,
		       uint64_t max_stale, const struct verdict *verdict);
	void *ctx;
};

struct selftest_result {
	bool passed;
	char why[512]; /* what was not as it must be; "" passed */
	uint64_t events, accesses, denied, transfers, bytes, damaged;
	bool proven; /* the verdict was PROVEN */
};

/* A run over a virtio device; fault may be any that applies. */
void selftest_run(const struct selftest_run *run, struct selftest_result *result);

/* A hostile host against a correct Realm: config.trick says how. */
void selftest_trick(const struct selftest_run *run, struct selftest_result *result);

/* The TDISP device through its states; the fault may be one of FAULT_TDISP_*. */
void selftest_tdisp(const struct selftest_run *run, struct selftest_result *result);

/* Export and import, with an honest and with a lying host. */
void selftest_export(const struct selftest_run *run, struct selftest_result *result);

/* Can this fault, or config.trick, happen there? */
bool selftest_applies(const struct selftest_run *run);

#endif
