/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_SELFTEST_RECORD_H
#define CCAIO_CMD_SELFTEST_RECORD_H

#include <stdint.h>

struct err;

/*
 * Write a run of the bounce path (net over PCI, split rings, no fault) as a bundle: its
 * trace.dat opens in trace-cmd, its platform.json is the model's.  0 or -errno.
 */
int selftest_record(const char *path, uint64_t seed, struct err *err);

#endif
