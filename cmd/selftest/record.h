/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_SELFTEST_RECORD_H
#define CCAIO_CMD_SELFTEST_RECORD_H

struct err;
struct plan_run;

/*
 * Make this run of the bounce path and write it as a bundle: its trace.dat opens in
 * trace-cmd, its platform.json is the model's, its verdict what the judge says of both.
 * Where the fault is one that only a policy's limit refutes, the policy is in it, too.
 * 0 or -errno.
 */
int selftest_record(const char *path, struct plan_run *run, struct err *err);

#endif
