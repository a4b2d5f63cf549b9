/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_BOOT_H
#define CCAIO_COLLECTORS_TRACEFS_BOOT_H

#include <stdbool.h>

struct err;

/*
 * boot - the instance that the kernel command line armed before the first driver:
 * "trace_instance=ccaio,dma:*,swiotlb:*".
 */
#define BOOT_INSTANCE "ccaio"

/*
 * Is it there, below the directory of tracing_open(), and does it still hold everything since boot?
 * If not, reason (to be freed) says why where such an instance was asked for, and is NULL where
 * none was.
 */
bool boot_find(char **reason);

/*
 * Note that a run uses it: what that run reads is gone, and the removal of its
 * dynamic events empties the buffers and their counters, so that nothing else tells
 * the next run.  Returns 0 or -errno; -EEXIST: another run was faster.
 */
int boot_claim(struct err *err);

/*
 * Does this kernel command line arm the instance with all of dma and swiotlb?
 * Parameters after "--" are init's.
 */
bool boot_is_armed(const char *cmdline);

#endif
