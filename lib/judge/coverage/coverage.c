/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/judge/coverage/coverage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"

static const struct condition {
	enum cond_id id;
	coverage_fn *decide;
} conditions[] = {
	{ COND_EVENTS_ARMED, coverage_events_armed },
	{ COND_NOTHING_LOST, coverage_nothing_lost },
	{ COND_WINDOW_MARKED, coverage_window_marked },
	{ COND_CANARY_SEEN, coverage_canary_seen },
	{ COND_BASELINE, coverage_baseline },
	{ COND_DEVICES_KNOWN, coverage_devices_known },
	{ COND_POOL_KNOWN, coverage_pool_known },
	{ COND_CONSERVED, coverage_conserved },
	{ COND_NOT_TRUNCATED, coverage_not_truncated },
	{ COND_ENVIRONMENT_STABLE, coverage_environment_stable },
	{ COND_FACTS_CONSISTENT, coverage_facts_consistent },
};

static void say(struct cond_verdict *cond, enum cond_state state, const char *remedy,
		const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

static void say(struct cond_verdict *cond, enum cond_state state, const char *remedy,
		const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	free(cond->reason);
	free(cond->remedy);
	cond->state = state;
	cond->reason = xstrdup(text);
	cond->remedy = xstrdup(remedy);
}

void cond_met(struct cond_verdict *cond, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cond, COND_MET, NULL, fmt, ap);
	va_end(ap);
}

void cond_not_applicable(struct cond_verdict *cond, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cond, COND_NOT_APPLICABLE, NULL, fmt, ap);
	va_end(ap);
}

void cond_unmet(struct cond_verdict *cond, const char *remedy, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cond, COND_UNMET, remedy, fmt, ap);
	va_end(ap);
}

void judge_coverage(const struct judge *j, const struct stream_info *info, struct verdict *v)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
		conditions[i].decide(j, info, &v->conds[conditions[i].id]);
}
