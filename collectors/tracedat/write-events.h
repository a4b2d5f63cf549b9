/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEDAT_WRITE_EVENTS_H
#define CCAIO_COLLECTORS_TRACEDAT_WRITE_EVENTS_H

#include <stddef.h>

struct err;
struct event;
struct names;
struct platform;

/*
 * Write events of the bounce path as the trace.dat that a kernel's recording would be:
 * one CPU, time order.  path: relative to the folder dir.  platform names kernel and machine.
 * 0 or -errno.
 */
int model_trace_write(int dir, const char *path, const struct event *events, size_t count,
		      const struct names *names, const struct platform *platform, struct err *err);

#endif
