/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_FINISH_H
#define CCAIO_LIB_JUDGE_FINISH_H

#include "lib/judge/state.h"

/*
 * finish - what the files share that turn an ended stream into a verdict.
 * whole: nothing is known to be missing from the stream.  complete: and anything that
 * were missing would be known, so that an event's absence refutes.
 */

/* doubts.c: what keeps claims open that no single event shows */
/* Why we know that this device worked in the window; NULL: nothing says so. */
const char *judge_why_active(const struct judge *j, const struct platform_virtio *d);
void judge_doubts(struct judge *j, const struct stream_info *info, struct verdict *v, bool whole);

/* bypass.c: the claim no-bypass; its counterexamples go straight to the verdict */
void judge_bypass(struct judge *j, struct verdict *v);

/* claims.c */
void judge_egress(struct judge *j, bool whole);
void judge_confidential(struct judge *j, struct verdict *v);
/* of the claim for the machine, or for one device */
enum claim_state judge_claim_state(const struct judge *j, enum claim_id c, const struct tally *t,
				   bool complete);
void judge_claims(struct judge *j, struct verdict *v, bool complete);

/* scope.c: a verdict about some of the devices */
uint64_t judge_limit_publications(const struct judge *j); /* to those that it is asked for */
/* All is open where a device that was asked for has nothing to judge. */
void judge_limit_silence(struct judge *j);
/* What facts say against a device that the verdict does not cover. */
void judge_limit_bypass(struct judge *j, const char *device, const char *text);
void judge_limit_open(struct judge *j, const char *device, const char *text);
/* What such devices would be refuted for, as warnings; which devices the verdict is about. */
void judge_limit_report(struct judge *j, struct verdict *v, bool complete);
/* Why the policy does not take a verdict about these devices only; NULL: it does. */
char *judge_limit_refused(const struct judge *j);

/* lists.c */
/* broken.c: the findings and counterexamples of claims that are refuted; after judge_claims() */
void judge_list_findings(struct judge *j, struct verdict *v, bool complete);
void judge_list_devices(struct judge *j, struct verdict *v, bool complete);
void judge_list_ranges(struct judge *j, struct verdict *v);

/* finish.c */
uint16_t judge_name_id(const struct judge *j, const char *name); /* 0: NULL or not in the stream */
/* The device of this name; NULL: no name, or no event named it. */
const struct device *judge_device_named(const struct judge *j, const char *name);
uint64_t judge_publications(const struct judge *j); /* ranges that devices were given */
/* A claim is open for a device that has perhaps no event: then there is no struct device. */
void judge_undecided_virtio(struct judge *j, enum claim_id claim, const struct platform_virtio *d,
			    const char *text);

#endif
