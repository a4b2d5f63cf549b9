/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_PROPERTY_SLOW_JUDGE_H
#define CCAIO_TESTS_PROPERTY_SLOW_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/platform.h"
#include "lib/evidence/stream.h"
#include "lib/judge/judge.h"
#include "lib/verdict/verdict.h"

struct names;

/*
 * slow-judge - the blueprint's claims and conditions once more, with arrays and
 * scans only: nothing is indexed, cached or forgotten, and what a CPU reported before
 * is looked up in the stream itself.  Quadratic; for tests.
 *
 * Of a policy it knows the assigned devices; it knows neither the monitor's log nor virtio-msg.
 */
struct slow_verdict {
	enum outcome outcome;
	enum claim_state claims[CLAIMS];
	enum cond_state conds[CONDS];
};

void slow_judge(const struct event *events, size_t count, const struct platform *platform,
		const struct names *names, const struct stream_info *info,
		const struct judge_options *options, struct slow_verdict *out);

#endif
