/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_DIFF_H
#define CCAIO_LIB_VERDICT_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
 * got worse on one device, more egress than before, unattributed traffic of a kind
 * that was not there or more of it, an exchange of a kind that was not there and is not under
 * TLS, exchanges that are not recorded any more, and a claim
 * that no policy asks for any more.  Another kernel, command or policy is reported, but not worse.
 *
 * No two runs are alike to the byte.  Noise is what equal runs differ by: a tenth or 4 KiB
 * of bytes, a tenth or 128 counterexamples, what the kernel says to its own link
 * (packet_is_housekeeping()) up to 4 KiB, ports that the system chose and numbers of processes,
 * sessions and kernel workers in names.
 */
enum change { CHANGE_NEUTRAL = 0, CHANGE_WORSE, CHANGE_BETTER, CHANGE_NOISE };

/* "changed", "worse", "better", "noise" */
const char *change_name(enum change change);

struct difference {
	enum change change;
	/* "verdict", "claim", "condition", "device", "egress", "traffic", "exchange", "run" */
	const char *kind;
	char *name;		/* which */
	char *text;		/* "holds → refuted: why" */
	bool numbers;		/* it is about these two */
	uint64_t before, after; /* bytes (egress, traffic), counterexamples (claim), exchanges */
};

struct verdict_diff {
	struct difference *list;
	size_t count, cap;
	size_t worse, noise; /* of count */
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
