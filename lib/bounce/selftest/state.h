/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_SELFTEST_STATE_H
#define CCAIO_LIB_BOUNCE_SELFTEST_STATE_H

#include "lib/bounce/selftest/selftest.h"

struct guard_access;
struct platform;
struct verdict;

/*
 * selftest-local - what selftest's own files share; nobody else includes it.
 *
 *   selftest.c           one run over a virtio device, with a fault, a trick or neither
 *   selftest-scenes.c    the trusted device; export and import
 *   selftest-verdict.c   is the verdict the right one?
 *   selftest-opinions.c  do guard and judge agree about each access?
 */

/* The first thing that is wrong is the one that is reported. */
void selftest_wrong(struct selftest_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The machine to run: with its fault, and what the fault needs. */
struct machine_config selftest_config(const struct selftest_run *run);

/* What the judge says of the machine's record.  The caller frees. */
struct verdict *selftest_verdict(struct machine *m, struct platform *p, uint64_t max_stale);

/* Judge the record, and hold the verdict against the fault and against the guard. */
void selftest_judge(const struct selftest_run *run, struct machine *m, uint64_t max_stale,
		    struct selftest_result *r);

/* Two independent opinions.  f: NULL none. */
void selftest_opinions(const struct machine *m, const struct fault_case *f, const struct verdict *v,
		       struct selftest_result *r);

#endif
