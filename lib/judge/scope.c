/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A verdict about some of the machine's devices: what the others would be
 * refuted for is a warning, and each of those asked for must have shown itself.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/limit.h"
#include "lib/evidence/policy.h"
#include "lib/judge/finish.h"
#include "lib/judge/witness.h"

#define MOST_NOTES 1000 /* a verdict.json with more than 4096 is not read; devices tell all */

static uint64_t published_to(const struct device *dev)
{
	const struct device_totals *t = &dev->totals;

	return t->maps[0] + t->maps[1] + t->maps[2] + t->maps[3] + t->allocs + t->inherited;
}

uint64_t judge_limit_publications(const struct judge *j)
{
	uint64_t n = 0;

	if (!j->options.limit)
		return j->n.maps + j->n.allocs + j->n.inherited +
		       (j->witness ? j->witness->known : 0);
	for (size_t i = 0; i < j->devices.count; i++) {
		const struct device *dev = j->devices.at[i];

		if (dev && !dev->out_of_scope)
			n += published_to(dev);
	}
	return n;
}

void judge_limit_silence(struct judge *j)
{
	const struct limit *l = j->options.limit;

	for (size_t i = 0; i < l->ndevices; i++) {
		uint16_t id = names_find(j->names, l->devices[i]);
		const struct device *dev = id ? devices_find(&j->devices, id) : NULL;

		if (dev && published_to(dev))
			continue;
		for (int c = 0; claim_needs_events(c); c++)
			judge_doubt(
				j, c, id ? judge_device(j, id) : NULL, NULL, MEMORY_UNKNOWN,
				"there is nothing to judge: %s has no DMA mapping in the stream",
				l->devices[i]);
	}
}

void judge_limit_bypass(struct judge *j, const char *device, const char *text)
{
	findings_outside(&j->findings, device, text, true);
}

void judge_limit_open(struct judge *j, const char *device, const char *text)
{
	findings_outside(&j->findings, device, text, false);
}

static void warn_device(const struct judge *j, struct verdict *v, const struct device *dev,
			bool complete)
{
	for (int c = 0; claim_decides(c); c++) {
		const struct tally *t = &dev->claims[c];
		enum claim_state s = judge_claim_state(j, c, t, complete);

		if (s == CLAIM_REFUTED)
			verdict_note(
				v,
				"warning: %s, which the verdict is not asked for, would be "
				"VIOLATED for %s: %s (%llu found)",
				names_get(j->names, dev->id), claim_name(c), t->against,
				(unsigned long long)(t->count[FIND_FACT] + t->count[FIND_ABSENCE]));
		else if (s == CLAIM_UNDECIDED)
			verdict_note(v,
				     "warning: %s, which the verdict is not asked for, leaves %s "
				     "undecided: %s",
				     names_get(j->names, dev->id), claim_name(c),
				     t->why ? t->why : t->against);
	}
}

static void warn(const struct judge *j, struct verdict *v, bool complete)
{
	for (size_t i = 0; i < j->findings.noutside && v->nnotes < MOST_NOTES; i++)
		verdict_note(v,
			     j->findings.outside[i].bypass
				     ? "warning: %s, which the verdict is not asked for, "
				       "would be VIOLATED for no-bypass: %s"
				     : "warning: %s, which the verdict is not asked for, "
				       "would leave it undecided: %s",
			     j->findings.outside[i].device, j->findings.outside[i].text);
	for (size_t i = 0; i < j->devices.count && v->nnotes < MOST_NOTES; i++) {
		const struct device *dev = j->devices.at[i];

		if (dev && dev->out_of_scope)
			warn_device(j, v, dev, complete);
	}
	for (size_t i = 0;
	     j->platform && i < j->platform->trace.ncanaries && v->nnotes < MOST_NOTES; i++) {
		const struct platform_canary *c = &j->platform->trace.canaries[i];

		if (!limit_has(j->options.limit, c->device) && strcmp(c->kind, "none") != 0 &&
		    strcmp(c->kind, "failed") != 0 && !j->canary_found[i])
			verdict_note(v,
				     "warning: the %s of %llu bytes that ccaio caused on %s, which "
				     "the verdict is not asked for, is not among its mappings",
				     c->kind, (unsigned long long)c->size, c->device);
	}
}

void judge_limit_report(struct judge *j, struct verdict *v, bool complete)
{
	const struct limit *l = j->options.limit;
	char *which;

	if (!l)
		return;
	v->limit = xcalloc(l->ndevices, sizeof(*v->limit));
	for (size_t i = 0; i < l->ndevices; i++)
		v->limit[v->nlimit++] = xstrdup(l->devices[i]);
	which = limit_join(v->limit, v->nlimit);
	verdict_note(
		v,
		"LIMITED: the verdict is about %s only; the whole machine was recorded, and what "
		"other devices would be refuted for stands here as a warning",
		which);
	free(which);
	warn(j, v, complete);
}

/* A site that lists its devices wants a verdict about each of them. */
char *judge_limit_refused(const struct judge *j)
{
	const struct policy *p = j->options.policy;

	for (size_t i = 0; j->options.limit && p && i < p->nexpected_devices; i++) {
		if (!limit_has(j->options.limit, p->expected_devices[i]))
			return xasprintf("the policy expects device %s, which the verdict is not "
					 "asked for",
					 p->expected_devices[i]);
	}
	return NULL;
}
