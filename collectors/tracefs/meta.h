/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_META_H
#define CCAIO_COLLECTORS_TRACEFS_META_H

struct err;
struct recording;
struct tracedat_writer;

/*
 * Give the trace.dat what its pages are read with: the formats of all events that are on,
 * the layout of pages, the names of tasks, the clock, the counters of each CPU.
 * Between recording_stop and recording_close.
 */
int meta_write(const struct recording *rec, struct tracedat_writer *writer, struct err *err);

#endif
