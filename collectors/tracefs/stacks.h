/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_STACKS_H
#define CCAIO_COLLECTORS_TRACEFS_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gaps;
struct instance;
struct platform;
struct state;
struct tracedat_writer;

/*
 * stacks - the kernel's call chain at each map and allocation that will be refuted.
 *
 * Where the bounds of the bounce pools are known, the kernel itself looks at the addresses
 * (triggers on events of our instance) and writes a stack behind an event that gives a device
 * memory outside: at most STACKS_A_SECOND of each event, and no more after STACKS_MOST of all.
 * Where nothing is wrong nothing is written.
 */
#define STACKS_A_SECOND 16
#define STACKS_MOST 1024

struct stack_trigger {
	char *event; /* "dma_map_phys" */
	char *text;  /* what its file takes */
};

struct stacks {
	struct stack_trigger *armed;
	size_t narmed;
	unsigned int written; /* by triggers that were armed again */
	int64_t looked_ns;    /* CLOCK_MONOTONIC */
	bool found;	      /* some were written; known once disarmed */
};

enum stacks_event { STACKS_MAP, STACKS_LIST, STACKS_ALLOC };

/*
 * The condition under which an event needs a stack, in the language of event filters; NULL where
 * the facts do not say what is shared, or an IOMMU translates addresses.  The addresses of a
 * list cannot be compared: it has a stack where there is no pool at all.  The caller frees.
 */
char *stacks_condition(const struct platform *platform, enum stacks_event event);

/*
 * Set the triggers; before somebody watches the instance's files.  What the kernel refuses is left
 * out: nothing is decided by it.  state: of a run that stays in place when it is killed.
 */
void stacks_arm(struct stacks *stacks, const struct instance *instance,
		const struct platform *platform, struct state *state);

/* When to call stacks_go_on() next, in milliseconds; -1 never. */
int stacks_pause(const struct stacks *stacks);

/*
 * Arm again what has written all that it may, once a second.  gaps: whoever watches the instance's
 * files, and takes this for ours.
 */
void stacks_go_on(struct stacks *stacks, const struct instance *instance, struct gaps *gaps);

/* The kernel's symbols for the stacks in the spooled pages, for the symbol table of the file. */
void stacks_symbols(const struct instance *instance, struct tracedat_writer *writer);

/*
 * Take the triggers off, and free what belongs to the struct; when nobody watches any more, and
 * before the events are looked at again: one with a trigger is not as it was armed.
 */
void stacks_disarm(struct stacks *stacks, const struct instance *instance);

#endif
