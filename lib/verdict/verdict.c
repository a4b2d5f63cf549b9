/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/verdict/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/guest-kind.h"

static const struct {
	const char *name, *summary;
} claims[CLAIMS] = {
	[CLAIM_DMA_IN_SHARED] = { "dma-in-shared",
				  "every range given to a device lay in shared memory" },
	[CLAIM_BOUNCE_PAIRED] = { "bounce-paired",
				  "every mapping of a protected buffer was bounced" },
	[CLAIM_SLOTS_DISJOINT] = { "slots-disjoint",
				   "no two live mappings overlapped in shared memory" },
	[CLAIM_LIFECYCLE] = { "lifecycle", "every sync, unmap and free matched a live mapping" },
	[CLAIM_NO_BYPASS] = { "no-bypass", "no active device reached memory outside the DMA API" },
	[CLAIM_EGRESS] = { "egress", "bytes sent out, and bytes exposed needlessly" },
	[CLAIM_CONFIDENTIAL] = { "confidential", "the application's payload left encrypted" },
};

static const struct {
	const char *name, *summary;
} conds[CONDS] = {
	[COND_EVENTS_ARMED] = { "events-armed", "every event that a claim needs was on" },
	[COND_NOTHING_LOST] = { "nothing-lost", "no event was lost" },
	[COND_WINDOW_MARKED] = { "window-marked", "start and stop markers are on every CPU" },
	[COND_CANARY_SEEN] = { "canary-seen", "I/O caused by ccaio itself was seen" },
	[COND_BASELINE] = { "baseline", "mappings older than the window are known" },
	[COND_DEVICES_KNOWN] = { "devices-known", "every bus-master device is known" },
	[COND_POOL_KNOWN] = { "pool-known", "the bounds of the bounce pools are known" },
	[COND_CONSERVED] = { "conserved", "bounces, maps, slots and bytes add up" },
	[COND_NOT_TRUNCATED] = { "not-truncated", "no scatter-gather event was cut" },
	[COND_ENVIRONMENT_STABLE] = { "environment-stable",
				      "no CPU, device or trust state changed" },
	[COND_FACTS_CONSISTENT] = { "facts-consistent", "no evidence contradicts the facts" },
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
