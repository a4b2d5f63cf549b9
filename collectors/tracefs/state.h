/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_STATE_H
#define CCAIO_COLLECTORS_TRACEFS_STATE_H

#include <stdbool.h>

struct err;
struct tracing;

/*
 * state - what a run has changed in the kernel's tracing, kept outside of it.
 *
 * A file /run/ccaio/<pid>, locked while its run lives: whoever can lock it finds a
 * run that was killed, and undoes what the file names, as the run itself does at its end.
 * Lines: "instance NAME" (to be removed), "group NAME" (dynamic events to be removed),
 * "off PATH" (a control file below the tracing directory that was off before), "trigger
 * PATH" (a file that has a stack trigger).
 */
#define STATE_DIR "/run/ccaio"
#define STATE_INSTANCE "ccaio-" /* and the process's number: a run's own instance */

struct state {
	char *path;
	int fd;
};

/*
 * Undo what dead runs left behind, also those that had another /run (a mount namespace).  Never
 * touches what a living run or anybody else made.
 */
void state_clean(const struct tracing *tracing);

/* Begin this run's file.  End it with state_undo() in any case. */
int state_open(struct state *state, struct err *err);

/* Is no other run under way? */
bool state_alone(const struct state *state);

/* Note a change before it is made. */
int state_note(struct state *state, const char *what, const char *name, struct err *err);

/*
 * Undo all that was noted, and forget it; what cannot be undone now, the next run tries again.
 * Returns 0 or -errno.  Accepts a state that was never opened (fd -1, path NULL).
 */
int state_undo(struct state *state, const struct tracing *tracing, struct err *err);

#endif
