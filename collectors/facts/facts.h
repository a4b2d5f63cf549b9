/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_FACTS_FACTS_H
#define CCAIO_COLLECTORS_FACTS_FACTS_H

#include <stdint.h>

struct err;
struct platform;
struct snapshot;

/*
 * facts - the facts of the running machine, into struct platform.
 *
 * Reads /proc, /sys, the kernel log, debugfs and configfs; what cannot be read
 * stays unknown.  Nothing on the machine is changed, but for an entry in
 * /sys/kernel/config/tsm/report that lives as long as its provider is read, and
 * facts_reset_hiwater.
 *
 * root is put before every path, for tests on a tree of files; NULL stands for
 * $CCAIO_ROOT, or nothing.
 */
struct facts;

struct facts *facts_new(const char *root);
void facts_free(struct facts *facts); /* accepts NULL */

/*
 * Everything that holds for the machine, into a new struct platform (caller
 * frees).  The window's fields stay unknown.
 */
struct platform *facts_collect(struct facts *facts);

/* How long copying takes at least, of the fastest of some rounds in 3 ms: p->memcpy. */
void facts_measure_copy(struct platform *p);

/*
 * The moment at which these facts were read (p->moment): for facts without a run.
 */
void facts_moment(struct facts *facts, struct platform *p);

/*
 * The window opens: note slots in use, the devices' counters, which devices and
 * CPUs there are, and where the kernel log ends.
 */
void facts_before(struct facts *facts, struct platform *p);

/*
 * The devices' counters, read again right after the recording has begun and right
 * before it ends: what moves between them was recorded.  Without these calls facts_before
 * and facts_after read them.
 */
void facts_count_before(struct facts *facts, struct platform *p);
void facts_count_after(struct facts *facts, struct platform *p);

/*
 * The window has closed: slots in use, high-water mark, counters, what changed,
 * and the lines of the kernel log since facts_before that tell of trouble with DMA
 * or of a bounce pool that came or went.
 */
void facts_after(struct facts *facts, struct platform *p);

/*
 * What the kernel's own memory holds now: rings, pools, page tables (lib/evidence/snapshot.h).
 * Never NULL; its trouble says what could not be read.  The caller frees.  The first call may read
 * the list of the kernel's symbols, which takes longer than all the rest: facts_kernel_prepare
 * reads it before.
 */
struct snapshot *facts_snapshot(struct facts *facts);
void facts_kernel_prepare(struct facts *facts);

/*
 * Keep where the kernel has what was read, for other runs of the same boot (needs the folder of
 * collectors/tracefs/state.h; where it cannot be written, nothing is kept).
 */
void facts_kernel_keep(struct facts *facts);

/*
 * The types of the running kernel (collectors/kernel/btf.h), which belong to facts; NULL where it
 * describes none, or where the facts are those of a tree of files.
 */
struct types *facts_types(struct facts *facts);

/*
 * Set the kernel's high-water mark of used slots back, so that it counts for the
 * window: just before facts_before.  Returns 0, or -errno with err set (needs root and
 * debugfs; -ENOENT where there is none).
 */
int facts_reset_hiwater(struct facts *facts, struct err *err);

#endif
