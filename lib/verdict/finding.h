/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_FINDING_H
#define CCAIO_LIB_VERDICT_FINDING_H

#include <stdbool.h>

#include "lib/verdict/verdict.h"

/* finding - a verdict's findings: their order, and those of verdicts that have none. */

/* Which is worse, for qsort: what exposes memory first, then the more frequent, then the earlier.
 */
int finding_order(const struct verdict_finding *a, const struct verdict_finding *b);

/* What breaks the first of its claims, in words: breach_text(). */
const char *finding_text(const struct verdict_finding *f);

/* Findings of a recorded verdict of before 0.2, from its counterexamples: what these show. */
void findings_from_examples(struct verdict *v);

/* Does each finding have its counterexample, and each counterexample its finding? */
bool findings_are_sound(const struct verdict *v);

/* Events that all findings count, also the unlisted ones. */
uint64_t findings_count(const struct verdict *v);

#endif
