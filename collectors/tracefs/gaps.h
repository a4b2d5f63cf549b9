/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_GAPS_H
#define CCAIO_COLLECTORS_TRACEFS_GAPS_H

#include <stddef.h>
#include <stdint.h>

struct arming;
struct instance;
struct platform;

/*
 * gaps - who writes to the control files of our instance while it records.
 *
 * The state of the files at the end does not show that recording was off for a moment:
 * inotify does, for tracing_on, the event, filter, trigger and option files, the PID lists,
 * the CPU mask and the buffers, whatever program writes and from whatever mount.  ccaio
 * itself writes none of them in the window but the markers, and its stack triggers.
 */
struct gaps;

/*
 * Begin: the files are as they should be.  Returns a watch in any case; where the kernel
 * does not let it watch, gaps_describe() says so.
 */
struct gaps *gaps_open(const struct instance *instance, const struct arming *arming);

/* The descriptor to poll for POLLIN; -1 none. */
int gaps_fd(const struct gaps *gaps);

/* Note what was written since the last look, and what is as armed again. */
void gaps_look(struct gaps *gaps);

/*
 * As gaps_look(), right after ccaio itself wrote to this file, "events/dma/dma_map_phys/trigger":
 * that is none's change if nothing but its stack trigger stands there.
 */
void gaps_own(struct gaps *gaps, const char *path);

/* No more looks: what ccaio writes from now on is its own. */
void gaps_stop(struct gaps *gaps);

/* Enter trace.watched and trace.changes into the facts. */
void gaps_describe(const struct gaps *gaps, struct platform *platform);

void gaps_free(struct gaps *gaps); /* accepts NULL */

#endif
