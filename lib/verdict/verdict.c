/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/verdict/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/guest-kind.h"

static const struct {
	const char *name, *summary;
} claims[] = {
#define CLAIM(id, name, summary) { name, summary },
#include "lib/verdict/claims.def"
#undef CLAIM
}, conds[] = {
#define CONDITION(id, check, name, summary) { name, summary },
#include "lib/verdict/conditions.def"
#undef CONDITION
};

void verdict_note(struct verdict *v, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	v->notes = xrealloc(v->notes, v->nnotes + 1, sizeof(*v->notes));
	v->notes[v->nnotes++] = xstrdup(text);
}

const char *outcome_name(enum outcome o)
{
	static const char *const names[] = { "INCONCLUSIVE", "VIOLATED", "PROVEN" };

	return names[o];
}

const char *claim_name(enum claim_id id)
{
	return claims[id].name;
}

const char *claim_summary(enum claim_id id)
{
	return claims[id].summary;
}

const char *claim_state_name(enum claim_state s)
{
	static const char *const names[] = { "undecided", "holds", "refuted", "not-judged" };

	return names[s];
}

const char *cond_name(enum cond_id id)
{
	return conds[id].name;
}

const char *cond_summary(enum cond_id id)
{
	return conds[id].summary;
}

const char *cond_state_name(enum cond_state s)
{
	static const char *const names[] = { "unmet", "met", "not-applicable", "not-judged" };

	return names[s];
}

const char *scope_name(enum scope s)
{
	return s == SCOPE_SINCE_BOOT ? "since-boot" : s == SCOPE_RUN ? "run" : "window";
}

const struct guest_kind *verdict_guest(const struct verdict *v)
{
	static const char *const by_setting[SETTINGS] = {
		[SETTING_REHEARSAL] = "none", [SETTING_REALM] = "arm-cca"
	};

	return guest_kind_find(v->guest ? v->guest : by_setting[v->setting]);
}

const char *setting_name(enum setting s)
{
	static const char *const names[SETTINGS] = { "unknown", "rehearsal", "realm",
						     "confidential-guest" };

	return names[s];
}

const char *memory_state_name(enum memory_state s)
{
	static const char *const names[] = {
		[MEMORY_UNKNOWN] = "unknown",	  [MEMORY_PROTECTED] = "protected",
		[MEMORY_POOL] = "pool",		  [MEMORY_DECRYPTED] = "decrypted",
		[MEMORY_ALIAS] = "shared-alias",  [MEMORY_MIXED] = "mixed",
		[MEMORY_OUTSIDE] = "outside-ram", [MEMORY_IOVA] = "iova",
		[MEMORY_MMIO] = "mmio",
	};

	return names[s];
}

const char *witness_purpose_name(enum witness_purpose p)
{
	static const char *const names[] = { "other", "pool", "vrings", "gic-tables" };

	return names[p];
}
