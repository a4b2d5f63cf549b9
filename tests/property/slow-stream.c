/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the stream reported before, and what it and the facts tell of devices. */
#include <string.h>

#include "lib/base/names.h"
#include "lib/evidence/policy.h"
#include "tests/property/slow-state.h"

/* ---- what the stream reported before ---- */

/* Is event i a further entry of the record that its CPU reported last? */
static bool continues(const struct slow *s, size_t i, size_t before)
{
	return (s->ev[i].flags & EVENT_F_SG) && s->ev[i].ts_ns == s->ev[before].ts_ns &&
	       s->ev[i].kind == s->ev[before].kind;
}

/* Sequence number of what this CPU reported before the record of event i; 0 nothing. */
uint64_t slow_reported_before(const struct slow *s, size_t i, bool but_bounces)
{
	bool same = true;
	size_t newer = i;

	for (size_t k = i; k > 0; k--) {
		const struct event *e = &s->ev[k - 1];

		if (e->cpu != s->ev[i].cpu)
			continue;
		same = same && continues(s, newer, k - 1);
		newer = k - 1;
		if (!same && !(but_bounces && e->kind == EVENT_BOUNCE))
			return k;
	}
	return 0;
}

bool slow_in_flight(const struct slow *s, uint64_t seq)
{
	return slow_reported_before(s, s->now, false) < seq;
}

static bool is_own_mark(const struct slow *s, size_t i, unsigned int which)
{
	const struct event *e = &s->ev[i];

	return e->kind == EVENT_MARK && e->aux == which && s->p && s->p->trace.nonce &&
	       e->link == s->p->trace.nonce;
}

static bool marked_before(const struct slow *s, unsigned int which)
{
	for (size_t i = 0; i < s->now; i++) {
		if (s->ev[i].cpu == s->ev[s->now].cpu && is_own_mark(s, i, which))
			return true;
	}
	return false;
}

bool slow_bounce_unreported(const struct slow *s)
{
	if (s->from_boot || marked_before(s, EVENT_MARK_START))
		return false;
	for (size_t i = 0; i < s->now; i++) {
		if (s->ev[i].kind == EVENT_BOUNCE)
			return slow_reported_before(s, s->now, true) < i + 1;
	}
	return true;
}

/* ---- devices ---- */

const struct platform_pci *slow_pci_of(const struct slow *s, uint16_t dev)
{
	return s->p ? platform_find_pci(s->p, names_get(s->names, dev)) : NULL;
}

bool slow_behind_iommu(const struct slow *s, uint16_t dev)
{
	const struct platform_pci *pci = slow_pci_of(s, dev);

	return pci && pci->iommu_group &&
	       !(pci->iommu_type && strcmp(pci->iommu_type, "identity") == 0);
}

bool slow_accepted_by_facts(const struct slow *s, uint16_t dev)
{
	const struct platform_pci *pci = slow_pci_of(s, dev);

	return pci && pci->tsm && strcmp(pci->tsm, "accepted") == 0;
}

/* Was the window's start reported among the first events? */
static bool opened(const struct slow *s, size_t end)
{
	for (size_t i = 0; i < end && i < s->n; i++)
		if (s->ev[i].kind == EVENT_MARK && s->ev[i].aux == EVENT_MARK_START &&
		    s->ev[i].link == s->p->trace.nonce)
			return true;
	return false;
}

enum event_tsm slow_trust(const struct slow *s, uint16_t dev, size_t end)
{
	for (size_t i = end; i > 0; i--) {
		const struct event *e = &s->ev[i - 1];

		if (i - 1 < s->n && e->kind == EVENT_TSM && e->dev == dev)
			return e->aux;
	}
	if (!s->realm || s->no_tdisp || !slow_accepted_by_facts(s, dev))
		return EVENT_TSM_UNLOCKED;
	return !s->from_boot || !s->p->trace.nonce || opened(s, end) ? EVENT_TSM_RUN
								     : EVENT_TSM_UNLOCKED;
}

/* By an event, not by the facts alone. */
bool slow_trust_is_told(const struct slow *s, uint16_t dev)
{
	for (size_t i = 0; i <= s->now && i < s->n; i++)
		if (s->ev[i].kind == EVENT_TSM && s->ev[i].dev == dev)
			return true;
	return false;
}

bool slow_trust_is_later(const struct slow *s, uint16_t dev)
{
	return !slow_trust_is_told(s, dev) && s->realm && !s->no_tdisp &&
	       slow_accepted_by_facts(s, dev) && !slow_trusted(s, dev);
}

bool slow_trusted(const struct slow *s, uint16_t dev)
{
	return slow_trust(s, dev, s->now + 1) == EVENT_TSM_RUN;
}

void slow_learn_c_bit(struct slow *s, uint64_t orig)
{
	uint64_t high = orig & ~s->top;

	if (s->c_bit_kind && !s->c_bit && !s->bad_bit && s->p->nram && !(high & (high - 1)))
		s->c_bit = high;
}

uint64_t slow_without_c_bit(const struct slow *s, uint64_t orig)
{
	return orig & ~s->c_bit;
}

bool slow_is_assigned(const struct slow *s, uint16_t dev)
{
	return s->from_pool_only && slow_pci_of(s, dev) &&
	       !platform_find_virtio(s->p, names_get(s->names, dev));
}

bool slow_is_entrusted(const struct slow *s, uint16_t dev)
{
	bool named = false;

	for (size_t i = 0; s->policy && i < s->policy->nassigned; i++)
		named |= strcmp(s->policy->assigned[i].device, names_get(s->names, dev)) == 0;
	return named && slow_is_assigned(s, dev);
}
