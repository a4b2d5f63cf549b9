/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_VERSION_H
#define CCAIO_LIB_VERDICT_VERSION_H

#include <stdbool.h>

struct err;
struct jval;
struct run;
struct verdict;
struct verdict_record;

/*
 * verdict-version - verdicts that another version of ccaio recorded.
 *
 * What an older version did not know was not judged then.  What a newer version knows
 * and this one does not is kept as a foreign state; where it is unmet, refuted or undecided,
 * nothing here says PROVEN.  A verdict of this version lacks nothing and has nothing more.
 */

/* Was it recorded by this version, or by nobody who says which? */
bool version_is_ours(const struct run *run);

/*
 * A record that was read from object: complain about what contradicts itself, mark what was
 * not judged, take over foreign states.
 */
void version_check(const struct jval *object, void *record); /* struct verdict_record */

/*
 * A new judgement of evidence whose recorded verdict is another version's: takes over the
 * record's foreign states, and notes what that version had said otherwise, or had not judged.
 * A PROVEN that a newer version did not find becomes INCONCLUSIVE.  alike: both were asked the
 * same (scope, policy, devices); otherwise only the foreign states count.
 */
void version_carry_over(struct verdict *now, const struct verdict_record *recorded, bool alike);

/* A note about versions, which even the shortest report shows; the last notes of a verdict. */
void version_note(struct verdict *now, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "the condition 'x', which this version of ccaio does not know, is unmet: why"; caller frees. */
struct foreign_state;
char *version_sentence(const struct foreign_state *foreign);

#endif
