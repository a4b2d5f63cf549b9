/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_BOOT_PROBES_H
#define CCAIO_COLLECTORS_TRACEFS_BOOT_PROBES_H

#include <stdbool.h>

struct instance;
struct tracing;

/*
 * boot_probes - set_memory_decrypted and set_memory_encrypted, probed since boot by the kernel
 * command line (lib/diagnosis/remedy.h, REMEDY_BOOT_PROBES).
 *
 * They are what shows, where addresses and attributes do not, that coherent memory which was
 * allocated before the run is shared.  The kernel records probes of its command line in its
 * top-level buffer only (Linux Documentation/trace/kprobetrace.rst, "Kernel boot parameter"); the
 * instance armed at boot has the allocations.
 */

/* What the top-level buffer is called in a recording. */
#define BOOT_PROBES_BUFFER "boot-probes"

/*
 * Were both probed since boot, and does the top-level buffer still hold everything that they
 * recorded, by the same clock as the instance (NULL: of any clock)?  If not, reason (to be freed)
 * says why where such probes are there, and is NULL where there are none.  That it holds everything
 * is known by the kernel's own count of hits (kprobe_profile), which recording that is off, a
 * filter, and an emptied buffer leave alone.
 */
bool boot_probes_find(const struct tracing *tracing, const struct instance *instance,
		      char **reason);

/*
 * Move what the top-level buffer holds into out, a file descriptor for each CPU.  It is gone from
 * the buffer.  Where not all of it can be had, the files are emptied, and reason (to be freed)
 * says why: a part could lack that memory became protected again.  What happened to the buffer
 * since boot_probes_find() counts, too.
 */
bool boot_probes_take(const struct tracing *tracing, const struct instance *top, const int *out,
		      char **reason);

#endif
