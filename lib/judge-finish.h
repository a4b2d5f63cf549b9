/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_FINISH_H
#define CCAIO_LIB_JUDGE_FINISH_H

#include "lib/judge-state.h"

/*
 * judge-finish - what the files share that turn an ended stream into a verdict.
 * complete: nothing is missing from the stream.
 */

/* judge-doubts.c: what keeps claims open that no single event shows */
void judge_doubts(struct judge *j, const struct stream_info *info, struct verdict *v,
		  bool complete);

/* judge-bypass.c: the claim no-bypass; its counterexamples go straight to the verdict */
void judge_bypass(struct judge *j, struct verdict *v);

/* judge-claims.c */
void judge_egress(struct judge *j, bool complete);
void judge_confidential(struct judge *j, struct verdict *v);
enum claim_state judge_claim_state(const struct tally *t, bool complete);
void judge_claims(struct judge *j, struct verdict *v, bool complete);

/* judge-lists.c */
void judge_list_examples(struct judge *j, struct verdict *v); /* of claims that are decided */
void judge_list_devices(struct judge *j, struct verdict *v, bool complete);
void judge_list_ranges(struct judge *j, struct verdict *v);

/* judge-finish.c */
uint16_t judge_name_id(const struct judge *j, const char *name); /* 0: NULL or not in the stream */
uint64_t judge_publications(const struct judge *j); /* ranges that devices were given */

#endif
