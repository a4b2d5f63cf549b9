/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_TYPES_GROUPS_H
#define CCAIO_LIB_JUDGE_TYPES_GROUPS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/verdict/verdict.h"

/*
 * groups - what breaks claims, event by event, put together by device, operation and breaches.
 *
 * What one event breaks is added breach by breach, and counts as one.  Each group keeps its first
 * examples; memory grows with the number of groups, which is bounded, and not with the stream.
 */
struct groups;

/* Called for each event that breaks something, once; facts, absences: bits of enum breach. */
typedef void groups_hook(void *ctx, uint64_t ts_ns, uint32_t facts, uint32_t absences);

struct group {
	char *device; /* NULL none */
	unsigned int kind, dir;
	uint32_t facts, absences; /* bits of enum breach: by a fact, by an absence */
	uint64_t count, first_event, first_ns, last_event, last_ns, largest;
	char *stack; /* the kernel's call chain at one of its events, a line per frame; NULL none */
	uint64_t stack_event;
	struct counterexample *examples; /* the first VERDICT_EXAMPLES; claim and claims not set */
	size_t nexamples;
};

/* One breach by one event. */
struct group_part {
	unsigned int breach; /* enum breach */
	bool absence;
	const char *device, *comm; /* NULL none, unknown; copied */
	const struct event *event; /* NULL: a fact; copied */
	uint64_t seq;
	enum memory_state memory;
};

struct groups *groups_new(groups_hook *hook, void *ctx); /* hook may be NULL */
void groups_free(struct groups *g);

/* The sentence is formatted only where it may be kept. */
void groups_add(struct groups *g, const struct group_part *part, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/*
 * The kernel's call chain at event seq, if that breaks something and was added last of its group.
 * Only the first 4,096 are looked at.
 */
void groups_stack(struct groups *g, uint64_t seq, const char *frames);

/* No more will come: only then there are groups to look at, in no order. */
void groups_close(struct groups *g);
size_t groups_count(const struct groups *g);
const struct group *groups_at(const struct groups *g, size_t i);

/* Events that found no room: of more than 1,024 kinds. */
uint64_t groups_left_out(const struct groups *g);

#endif
