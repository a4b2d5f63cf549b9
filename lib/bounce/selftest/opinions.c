/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/bounce/selftest/catalogue.h"
#include "lib/bounce/selftest/machine-state.h"
#include "lib/bounce/selftest/state.h"
#include "lib/verdict/verdict.h"

static bool meet(uint64_t a, uint64_t asize, uint64_t b, uint64_t bsize)
{
	a &= ~MACHINE_SHARED_BIT; /* the judge takes the shared bit off where it is known */
	b &= ~MACHINE_SHARED_BIT;
	return a < b + bsize && b < a + asize;
}

static uint64_t size_of(const struct counterexample *ce)
{
	return ce->event.size ? ce->event.size : 1;
}

/* Has the judge an objection to this access's addresses, or to the device as a whole? */
static bool objects(const struct machine *m, const struct verdict *v, const struct guard_access *a)
{
	const char *name = names_get(m->names, a->dev);

	for (size_t i = 0; i < v->nexamples; i++) {
		const struct counterexample *ce = &v->examples[i];

		if (!ce->device || strcmp(ce->device, name) != 0)
			continue;
		if (ce->claims & 1u << CLAIM_NO_BYPASS)
			return true;
		if (ce->event.dma != EVENT_NO_ADDR &&
		    meet(a->addr, a->size, ce->event.dma, size_of(ce)))
			return true;
	}
	return false;
}

/* The event that ends what the counterexample is about: an unmap, or sharing the memory again. */
static size_t end_of(const struct machine *m, const struct counterexample *ce)
{
	const struct event *what = &ce->event;

	for (size_t i = ce->seq; i < m->nevents; i++) {
		const struct event *e = &m->events[i];

		if ((e->kind == EVENT_UNMAP || e->kind == EVENT_FREE) &&
		    ((e->dma ^ what->dma) & ~MACHINE_SHARED_BIT) == 0)
			return i;
		if (e->kind == EVENT_DECRYPT && what->kind == EVENT_ENCRYPT &&
		    e->orig != EVENT_NO_ADDR && meet(e->orig, e->size, what->orig, what->size))
			return i;
	}
	return m->nevents;
}

/* An encrypt may take only a part of the mapping: which, as the device sees it? */
static void encrypted_part(const struct machine *m, const struct counterexample *ce,
			   uint64_t *start, uint64_t *size)
{
	for (size_t i = ce->seq; i-- > 0;) {
		const struct event *e = &m->events[i];
		uint64_t at = e->dma & ~MACHINE_SHARED_BIT, lo, hi;

		if ((e->kind != EVENT_MAP && e->kind != EVENT_ALLOC) ||
		    at != (ce->event.dma & ~MACHINE_SHARED_BIT))
			continue;
		if (m->dma.ops) /* the address names an area: the memory is elsewhere */
			at = e->kind == EVENT_MAP ? e->orig : e->link & 0xffffffffffffu;
		lo = at > ce->event.orig ? at : ce->event.orig;
		hi = at + e->size < ce->event.orig + ce->event.size
			     ? at + e->size
			     : ce->event.orig + ce->event.size;
		if (ce->event.orig != EVENT_NO_ADDR && lo < hi) {
			*start = ce->event.dma + (lo - at);
			*size = hi - lo;
		}
		return;
	}
}

/* Was the device denied where, and while, it had what this counterexample is about? */
static bool denied_there(const struct machine *m, const struct counterexample *ce)
{
	size_t end = end_of(m, ce);
	uint64_t start = ce->event.dma, size = size_of(ce);
	bool used = false;

	if (ce->event.kind == EVENT_ENCRYPT)
		encrypted_part(m, ce, &start, &size);
	for (size_t i = 0; i < m->naccesses; i++) {
		const struct guard_access *a = &m->accesses[i].access;

		if (m->accesses[i].after < ce->seq || m->accesses[i].after > end ||
		    a->dev != ce->event.dev || !meet(a->addr, a->size, start, size))
			continue;
		used = true;
		if (a->denied)
			return true;
	}
	return !used; /* published and never used: the guard has no opinion */
}

static bool was_published(const struct machine *m, const struct guard_access *a)
{
	for (size_t i = 0; i < m->nevents; i++) {
		const struct event *e = &m->events[i];

		if ((e->kind == EVENT_MAP || e->kind == EVENT_ALLOC) && e->dev == a->dev &&
		    e->dma != EVENT_NO_ADDR && meet(a->addr, a->size, e->dma, e->size))
			return true;
	}
	return false;
}

/*
 * An overrunning host, and a device that took another mapping's bytes for descriptors,
 * reach for what nobody published: of that only the guard can know.
 */
static bool only_guard_knows(const struct machine *m, const struct fault_case *f,
			     const struct guard_access *a)
{
	return m->config.trick == HOSTILE_OVERRUN || (f && f->unattributed && !was_published(m, a));
}

void selftest_opinions(const struct machine *m, const struct fault_case *f, const struct verdict *v,
		       struct selftest_result *r)
{
	for (size_t i = 0; i < m->naccesses; i++) {
		const struct guard_access *a = &m->accesses[i].access;

		r->denied += a->denied;
		if (a->denied && !objects(m, v, a) && !only_guard_knows(m, f, a))
			selftest_wrong(r,
				       "the guard denied a %s of %" PRIu64 " bytes at 0x%" PRIx64
				       ", to which the judge has no objection",
				       a->write ? "write" : "read", a->size, a->addr);
	}
	r->accesses += m->naccesses;
	for (size_t i = 0; i < v->nexamples; i++) {
		const struct counterexample *ce = &v->examples[i];

		if (ce->claims & 1u << CLAIM_DMA_IN_SHARED && ce->seq && !denied_there(m, ce))
			selftest_wrong(r,
				       "the judge refutes %s (%s) but the guard let the device in",
				       claim_name(ce->claim), ce->text);
	}
}
