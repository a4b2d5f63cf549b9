/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MEMORY_TRACE_H
#define CCAIO_LIB_BOUNCE_MEMORY_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/event.h"

struct fault_plan;
struct names;

/*
 * bounce_trace - tells what the bounce path does, as a kernel's trace events would.
 *
 * Stamps each event with a logical clock (reproducible from the seed) and with
 * the CPU and task that run, and hands it to the sink.  Safe in several threads;
 * the sink is called under the trace's lock.
 */
struct bounce_trace;

typedef void (*bounce_sink)(void *ctx, const struct event *event);

/* names is borrowed and is used only here (and by whoever holds the lock). */
struct bounce_trace *bounce_trace_new(struct names *names, uint64_t seed, bounce_sink sink,
				      void *ctx, struct fault_plan *fault);
void bounce_trace_free(struct bounce_trace *trace); /* accepts NULL */

/* Emit one event; ts_ns, cpu, pid and comm are filled in.  trace NULL: nothing. */
void bounce_trace_emit(struct bounce_trace *trace, struct event event);

/* Emit n events as one: no other event comes between them. */
void bounce_trace_emit_all(struct bounce_trace *trace, struct event *events, size_t n);

/* A name's id, entering it if new; 0 without a trace. */
uint16_t bounce_trace_name(struct bounce_trace *trace, const char *name);

/* The next event's time is at least ts_ns (joins the model to a real clock). */
void bounce_trace_advance(struct bounce_trace *trace, uint64_t ts_ns);

/* Events that went back in time (FAULT_DISORDER), events dropped (FAULT_LOST_EVENTS). */
uint64_t bounce_trace_disorder(const struct bounce_trace *trace);
uint64_t bounce_trace_lost(const struct bounce_trace *trace);

#endif
