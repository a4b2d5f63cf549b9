/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_DIFF_H
#define CCAIO_LIB_VERDICT_DIFF_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct verdict;
struct exchanges;
struct platform;
struct run;

/*
 * verdict-diff - what changed between two verdicts.
 *
 * Worse is: a verdict, claim or condition that is further from PROVEN, more
 * counterexamples, a narrower scope or no Realm any more, a device that is new, a claim that
 * got worse on one device, more egress than before (by more than a tenth and
 * more than 4 KiB, since no two runs are alike to the byte), unattributed traffic of a kind
 * that was not there or as much more of it, exchanges that are not recorded any more, and a claim
 * that no policy asks for any more.  Another kernel, command or policy is reported, but not worse.
 */
enum change { CHANGE_NEUTRAL = 0, CHANGE_WORSE, CHANGE_BETTER };

struct difference {
	enum change change;
	const char
		*kind; /* "verdict", "claim", "condition", "device", "egress", "traffic", "run" */
	char *name;    /* which */
	char *text;    /* "holds → refuted: why" */
};

struct verdict_diff {
	struct difference *list;
	size_t count, cap;
	size_t worse;
};

/* One run: all but the verdict may be NULL. */
struct verdict_side {
	const struct verdict *verdict;
	const struct exchanges *exchanges;
	const struct platform *platform;
	const struct run *run;
};

struct verdict_diff *verdict_diff_new(const struct verdict_side *before,
				      const struct verdict_side *after);
void verdict_diff_free(struct verdict_diff *diff); /* accepts NULL */

/*
 * Does a new judgement of the same evidence agree with the recorded one: outcome,
 * scope, setting, every state, every count but durations?  Returns 0, or -EINVAL with the first
 * difference in err.
 */
int verdict_agrees(const struct verdict *recorded, const struct verdict *now, struct err *err);

#endif
