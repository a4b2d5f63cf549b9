/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replays the scenes, and says whether the judge is right about each. */
#include "lib/judge/selfcheck/selfcheck.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/judge/judge.h"
#include "lib/judge/selfcheck/scene.h"

static int replay(const struct scene_case *c, const struct names *names, uint16_t dev,
		  struct err *err)
{
	struct scene s = { .n = 0 };
	struct verdict *v;
	struct judge *judge;
	bool right;

	scene_clean(&s, dev, (char *)names_get(names, dev));
	if (c->change)
		c->change(&s);
	for (size_t k = 0; k < s.n; k++)
		s.ev[k].ts_ns = 1000 + 1000 * k;
	s.cpu.events = s.n;
	judge = judge_new(&s.facts, names, NULL);
	judge_feed(judge, s.ev, s.n);
	if (s.packets_dropped)
		judge_set_traffic(judge, &(struct judge_traffic){ .conserved = true,
								  .dropped = s.packets_dropped });
	v = judge_finish(judge, &s.info);
	right = v->outcome == c->outcome &&
		(c->claim == ANY || v->claims[c->claim].state != CLAIM_HOLDS) &&
		(c->cond == ANY || v->conds[c->cond].state == COND_UNMET);
	if (!right)
		err_set(err, EPROTO,
			"the self-check failed on '%s': the judge says %s where it must say %s; "
			"this build cannot be trusted",
			c->name, outcome_name(v->outcome), outcome_name(c->outcome));
	verdict_free(v);
	judge_free(judge);
	return right ? 0 : -EPROTO;
}

int selfcheck(struct err *err)
{
	static const struct scene_case *const sets[] = { scene_stream_cases, scene_guest_cases,
							 scene_memory_cases, scene_facts_cases };
	static const char device[] = "0000:00:01.0";
	struct names *names = names_new();
	uint16_t dev = names_intern(names, device, sizeof(device) - 1);
	int n = 0, ret = 0;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		for (const struct scene_case *c = sets[i]; c->name && ret == 0; c++) {
			ret = replay(c, names, dev, err);
			n++;
		}
	}
	names_free(names);
	return ret < 0 ? ret : n;
}
