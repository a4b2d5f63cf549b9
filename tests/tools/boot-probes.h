/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_TOOLS_BOOT_PROBES_H
#define CCAIO_TESTS_TOOLS_BOOT_PROBES_H

#include <stdbool.h>

struct err;
struct tracedat_writer;

/*
 * boot-probes - what the probes of the kernel command line (collectors/tracefs/boot-probes.h) would
 * have told of the allocations in a recording: that the pages of each were decrypted before.
 */
struct boot_probes {
	unsigned long but; /* not of the first so many */
	bool again;	   /* of the last one also that it became protected again */
};

/* Write them as the second buffer of a copy of the recording `in`.  Returns 0 or -errno. */
int boot_probes_write(const struct boot_probes *probes, const char *in,
		      struct tracedat_writer *writer, struct err *err);

#endif
