/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A verdict's findings: their order, and those of verdicts that have none. */
#include "lib/verdict/finding.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/saturate.h"
#include "lib/base/xalloc.h"
#include "lib/verdict/breach.h"

/* The device can reach protected memory; other claims say that rules were broken. */
static bool exposes(uint32_t claims)
{
	return claims & (1u << CLAIM_DMA_IN_SHARED | 1u << CLAIM_NO_BYPASS);
}

static bool decides(uint32_t claims)
{
	for (int c = 0; c < CLAIMS; c++) {
		if (claims & 1u << c && claim_decides(c))
			return true;
	}
	return false;
}

int finding_order(const struct verdict_finding *a, const struct verdict_finding *b)
{
	if (exposes(a->claims) != exposes(b->claims))
		return exposes(a->claims) ? -1 : 1;
	if (decides(a->claims) != decides(b->claims))
		return decides(a->claims) ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->first_event != b->first_event)
		return a->first_event < b->first_event ? -1 : 1;
	if (a->claims != b->claims)
		return a->claims < b->claims ? -1 : 1;
	return strcmp(a->device ? a->device : "", b->device ? b->device : "");
}

const char *finding_text(const struct verdict_finding *f)
{
	for (int b = BREACH_OTHER + 1; b < BREACHES; b++) {
		if (f->breaches & 1u << b)
			return breach_text(b);
	}
	return breach_text(BREACH_OTHER);
}

static bool belongs(const struct verdict_finding *f, const struct counterexample *ex)
{
	return f->claims == ex->claims && f->kind == ex->event.kind && f->dir == ex->event.dir &&
	       strcmp(f->device ? f->device : "", ex->device ? ex->device : "") == 0;
}

static void count(struct verdict_finding *f, const struct counterexample *ex)
{
	f->count++;
	f->last_event = ex->seq;
	f->last_ns = ex->event.ts_ns;
	if (ex->event.size > f->largest)
		f->largest = ex->event.size;
}

static struct verdict_finding *finding_of(struct verdict *v, size_t i)
{
	const struct counterexample *ex = &v->examples[i];

	for (size_t n = 0; n < v->nfindings; n++) {
		if (belongs(&v->findings[n], ex) || n == VERDICT_FINDINGS - 1)
			return &v->findings[n];
	}
	v->findings = xrealloc(v->findings, v->nfindings + 1, sizeof(*v->findings));
	v->findings[v->nfindings] = (struct verdict_finding){
		.claims = ex->claims,
		.breaches = 1u << BREACH_OTHER,
		.device = xstrdup(ex->device),
		.kind = ex->event.kind,
		.dir = ex->event.dir,
		.first_event = ex->seq,
		.first_ns = ex->event.ts_ns,
		.example = i,
	};
	return &v->findings[v->nfindings++];
}

void findings_from_examples(struct verdict *v)
{
	for (size_t i = 0; i < v->nexamples; i++) {
		struct verdict_finding *f;

		v->examples[i].claims = 1u << v->examples[i].claim;
		f = finding_of(v, i);
		v->examples[i].finding = (size_t)(f - v->findings);
		count(f, &v->examples[i]);
	}
}

bool findings_are_sound(const struct verdict *v)
{
	for (size_t i = 0; i < v->nexamples; i++) {
		const struct counterexample *ex = &v->examples[i];

		if (ex->finding >= v->nfindings || !(ex->claims & 1u << ex->claim))
			return false;
	}
	for (size_t i = 0; i < v->nfindings; i++) {
		const struct verdict_finding *f = &v->findings[i];

		if (!f->claims || f->example >= v->nexamples ||
		    v->examples[f->example].finding != i)
			return false;
	}
	return true;
}

uint64_t findings_count(const struct verdict *v)
{
	uint64_t n = v->unlisted_findings;

	for (size_t i = 0; i < v->nfindings; i++)
		n = saturate_add(n, v->findings[i].count);
	return n;
}
