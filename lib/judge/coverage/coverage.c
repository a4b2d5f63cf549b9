/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/judge/coverage/coverage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"

static coverage_fn *const conditions[CONDS] = {
#define CONDITION(id, check, ...) coverage_##check,
#include "lib/verdict/conditions.def"
#undef CONDITION
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
	for (int i = 0; i < CONDS; i++)
		conditions[i](j, info, &v->conds[i]);
}
