/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each fault of the catalogue, once on every device and transport where it can happen. */
#include <stdio.h>
#include <string.h>

#include "lib/bounce/selftest/catalogue.h"
#include "lib/bounce/selftest/selftest.h"
#include "tests/unit/test.h"

static bool passed(const struct selftest_run *run)
{
	struct selftest_result r;

	selftest_run(run, &r);
	if (!r.passed)
		printf("# %s on %s over %s, seed %d: %s\n", run->fault ? run->fault->name : "-",
		       machine_device_name(run->config.device),
		       machine_transport_name(run->config.transport), (int)run->config.seed, r.why);
	return r.passed;
}

/* What can be broken is a case, or nobody breaks it. */
static void test_listed(void)
{
	for (int id = FAULT_NONE + 1; id < FAULTS; id++) {
		bool listed = false;

		for (size_t f = 0; f < nfault_cases; f++)
			listed |= (int)fault_cases[f].id == id;
		if (!listed)
			printf("# fault %d of lib/bounce/memory/fault.h has no row in "
			       "lib/bounce/selftest/catalogue.c\n",
			       id);
		check(listed);
	}
}

int main(void)
{
	struct selftest_run run = { .rounds = 4 };
	struct selftest_result r;

	for (size_t f = 0; f < nfault_cases; f++) {
		unsigned int runs = 0, bad = 0;

		run.fault = &fault_cases[f];
		for (int d = 0; d < MACHINE_DEVICES; d++) {
			for (int t = 0; t < MACHINE_TRANSPORTS; t++) {
				unsigned int format = (f + d + t) * 5;

				run.config = (struct machine_config){
					.device = d,
					.transport = t,
					.packed = format & 1,
					.indirect = format & 2,
					.event_idx = format & 4,
					.alias = format & 8,
					.seed = f * 100 + d * 10 + t,
				};
				if (!selftest_applies(&run))
					continue;
				runs++;
				bad += !passed(&run);
			}
		}
		if (strncmp(run.fault->name, "tdisp", 5) == 0) {
			runs++;
			selftest_tdisp(&run, &r);
			bad += !r.passed;
			if (!r.passed)
				printf("# %s\n", r.why);
		}
		printf("# %s: %u of %u\n", run.fault->name, runs - bad, runs);
		check(runs > 0 && bad == 0);
	}
	run.fault = NULL;
	selftest_tdisp(&run, &r);
	check(r.passed);
	selftest_export(&run, &r);
	check(r.passed);
	if (!r.passed)
		printf("# %s\n", r.why);
	test_listed();
	check(fault_case_find("no-bounce") == &fault_cases[0] && !fault_case_find("nonsense"));
	return done();
}
