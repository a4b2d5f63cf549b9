/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_SELFCHECK_SELFCHECK_H
#define CCAIO_LIB_JUDGE_SELFCHECK_SELFCHECK_H

struct err;

/*
 * selfcheck - is this judge, in this binary, still one to be trusted?
 *
 * Replays built-in streams whose verdicts are known: a clean one, and the same
 * with one thing wrong in each.  A judge that lets one of them pass, or refutes
 * the clean one, must not judge anything else.
 *
 * Returns how many streams were replayed (well below 5 ms for all), or -EPROTO with err
 * naming the first that came out differently.
 */
int selfcheck(struct err *err);

#endif
