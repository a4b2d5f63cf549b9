/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/selftest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bounce/catalogue.h"
#include "lib/bounce/export.h"
#include "lib/bounce/machine-local.h"
#include "lib/bounce/random.h"
#include "lib/bounce/realm.h"
#include "lib/bounce/tdisp.h"
#include "lib/err.h"
#include "lib/judge.h"
#include "lib/names.h"
#include "lib/platform.h"
#include "lib/policy.h"
#include "lib/verdict.h"
#include "lib/xalloc.h"

static void wrong(struct selftest_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The first thing that is wrong is the one that is told. */
static void wrong(struct selftest_result *r, const char *fmt, ...)
{
	va_list ap;

	if (r->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
}

static struct verdict *judge_machine(struct machine *m, struct platform *p, uint64_t max_stale)
{
	struct policy policy = { .max_out_bytes = POLICY_NO_LIMIT, .max_stale_bytes = max_stale };
	struct judge_options options = { .policy = &policy };
	struct judge *j = judge_new(p, m->names, &options);
	struct stream_cpu cpus[4];
	struct stream_info info;
	struct verdict *v;

	judge_feed(j, m->events, m->nevents);
	machine_stream_info(m, &info, cpus);
	v = judge_finish(j, &info);
	judge_free(j);
	return v;
}

/* ---- guard against judge ---- */

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
		if (ce->claim == CLAIM_NO_BYPASS)
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
	return m->config.trick == HOSTILE_OVERRUN || (f && f->astray && !was_published(m, a));
}

/* Two independent opinions. */
static void compare_opinions(const struct machine *m, const struct fault_case *f,
			     const struct verdict *v, struct selftest_result *r)
{
	for (size_t i = 0; i < m->naccesses; i++) {
		const struct guard_access *a = &m->accesses[i].access;

		r->denied += a->denied;
		if (a->denied && !objects(m, v, a) && !only_guard_knows(m, f, a))
			wrong(r,
			      "the guard denied a %s of %" PRIu64 " bytes at 0x%" PRIx64
			      ", to which the judge has no objection",
			      a->write ? "write" : "read", a->size, a->addr);
	}
	r->accesses += m->naccesses;
	for (size_t i = 0; i < v->nexamples; i++) {
		const struct counterexample *ce = &v->examples[i];

		if (ce->claim == CLAIM_DMA_IN_SHARED && ce->seq && !denied_there(m, ce))
			wrong(r, "the judge refutes %s (%s) but the guard let the device in",
			      claim_name(ce->claim), ce->text);
	}
}

/* ---- verdicts ---- */

static void nothing_refuted(const struct verdict *v, struct selftest_result *r)
{
	for (int c = 0; c < CLAIMS; c++) {
		if (v->claims[c].state != CLAIM_REFUTED)
			continue;
		wrong(r, "%s is refuted although nothing is broken: %s", claim_name(c),
		      v->nexamples ? v->examples[0].text : v->claims[c].reason);
	}
}

static void right_refuted(const struct machine *m, const struct fault_case *f,
			  const struct verdict *v, struct selftest_result *r)
{
	const char *name = names_get(m->names, m->dma.name);

	if (f->claim == CLAIMS) {
		if (v->conds[f->cond].state != COND_UNMET)
			wrong(r, "%s is not unmet", cond_name(f->cond));
		if (v->outcome == OUTCOME_PROVEN)
			wrong(r, "the verdict is PROVEN");
		return;
	}
	if (v->claims[f->claim].state != CLAIM_REFUTED) {
		wrong(r, "%s is not refuted: %s", claim_name(f->claim), v->claims[f->claim].reason);
		return;
	}
	if (f->also && v->claims[f->also].state != CLAIM_REFUTED)
		wrong(r, "%s is not refuted, too: %s", claim_name(f->also),
		      v->claims[f->also].reason);
	if (v->outcome != OUTCOME_VIOLATED)
		wrong(r, "the verdict is %s", outcome_name(v->outcome));
	for (size_t i = 0; i < v->nexamples; i++) {
		const struct counterexample *ce = &v->examples[i];

		if (ce->claim == f->claim && (!ce->device || strcmp(ce->device, name) == 0) &&
		    f->shows(m, ce))
			return;
	}
	wrong(r, "%s is refuted, but not by %s", claim_name(f->claim), f->sign);
}

static void judge_and_compare(const struct selftest_run *run, struct machine *m, uint64_t max_stale,
			      struct selftest_result *r)
{
	struct platform *p = machine_platform(m);
	struct verdict *v = judge_machine(m, p, max_stale);

	if (run->fault)
		right_refuted(m, run->fault, v, r);
	else
		nothing_refuted(v, r);
	compare_opinions(m, run->fault, v, r);
	if (run->judged)
		run->judged(run->ctx, m, p, max_stale, v);
	r->proven = v->outcome == OUTCOME_PROVEN;
	r->events += m->nevents;
	verdict_free(v);
	platform_free(p);
}

static void count(const struct exercise *x, struct selftest_result *r)
{
	r->transfers += x->transfers;
	r->bytes += x->bytes;
	r->damaged += x->damaged + x->failed + x->zones;
}

static bool claims_stay_open(enum machine_device device)
{
	/* page numbers and DAX windows: nothing in any stream could settle them */
	return device == MACHINE_BALLOON || device == MACHINE_FS;
}

/* ---- runs ---- */

/* One machine from start to end.  false: it could not be built. */
static bool drive(struct machine *m, const struct machine_config *config, unsigned int rounds,
		  struct exercise *x, struct selftest_result *r)
{
	struct err err = { "" };

	if (machine_open(m, config, &err) < 0) {
		wrong(r, "%s", err.text);
		return false;
	}
	if (machine_start(m, &err) < 0) {
		x->failed++;
		snprintf(x->why, sizeof(x->why), "%s", err.text);
	} else {
		machine_exercise(m, rounds, x);
	}
	machine_stop(m);
	return true;
}

/* What the same machine exposes without the fault: the limit for one with it. */
static uint64_t usual_excess(const struct machine_config *config, unsigned int rounds,
			     struct selftest_result *r)
{
	struct machine_config honest = *config;
	struct exercise x = { 0 };
	struct platform *p;
	struct verdict *v;
	struct machine m;
	uint64_t excess = 0;

	honest.fault_dry = true;
	if (!drive(&m, &honest, rounds, &x, r))
		return 0;
	p = machine_platform(&m);
	v = judge_machine(&m, p, POLICY_NO_LIMIT);
	for (size_t i = 0; i < v->ndevices; i++)
		excess += v->devices[i].totals.stale_bytes + v->devices[i].totals.excess_bytes;
	verdict_free(v);
	platform_free(p);
	machine_close(&m);
	return excess;
}

static bool trick_applies(const struct machine_config *c)
{
	bool msg_static =
		c->transport == MACHINE_MSG1_STATIC || c->transport == MACHINE_MSG2_STATIC;

	switch (c->trick) {
	case HOSTILE_REPLAY: /* where there is one request at a time, it is HOSTILE_TWICE */
		return c->device == MACHINE_NET || c->device == MACHINE_CONSOLE;
	case HOSTILE_INDEX_JUMP: /* a packed ring has no index */
		return !c->packed;
	case HOSTILE_LONG_LENGTH:
	case HOSTILE_TOCTOU:
	case HOSTILE_OVERRUN: /* needs a buffer to write to; a balloon reports a free page */
		return c->device != MACHINE_BALLOON || !msg_static;
	default:
		return true;
	}
}

bool selftest_applies(const struct selftest_run *run)
{
	return run->fault ? run->fault->applies(&run->config) : trick_applies(&run->config);
}

static struct machine_config config_of(const struct selftest_run *run)
{
	struct machine_config c = run->config;
	uint64_t random = c.seed;

	if (!run->fault)
		return c;
	c.fault = run->fault->id;
	c.trick = run->fault->trick;
	c.fault_skip = random_below(&random, run->fault->max_skip + 1);
	if (run->fault->prepare)
		run->fault->prepare(&c);
	return c;
}

static void data_as_expected(const struct selftest_run *run, const struct machine *m,
			     const struct exercise *x, struct selftest_result *r)
{
	uint64_t damage = x->damaged + x->failed + x->zones;

	if (!run->fault) {
		if (damage)
			wrong(r,
			      "%" PRIu64 " transfers failed, %" PRIu64 " came out changed, %" PRIu64
			      " red zones were overwritten: %s",
			      x->failed, x->damaged, x->zones, x->why);
		if (!x->transfers)
			wrong(r, "nothing was transferred");
		return;
	}
	if (!m->fault.hits)
		wrong(r, "the fault never came to pass");
	if (run->fault->damage == DAMAGE_MUST && !damage)
		wrong(r, "no damage to the data was seen");
}

void selftest_run(const struct selftest_run *run, struct selftest_result *r)
{
	struct machine_config config = config_of(run);
	struct exercise x = { 0 };
	uint64_t limit = POLICY_NO_LIMIT;
	struct machine m;

	memset(r, 0, sizeof(*r));
	if (run->fault && run->fault->claim == CLAIM_EGRESS)
		limit = usual_excess(&config, run->rounds, r);
	if (!drive(&m, &config, run->rounds, &x, r))
		return;
	data_as_expected(run, &m, &x, r);
	judge_and_compare(run, &m, limit, r);
	if (!run->fault && !claims_stay_open(config.device) && !r->proven)
		wrong(r, "the verdict is not PROVEN although nothing is broken");
	count(&x, r);
	machine_close(&m);
	r->passed = !r->why[0];
}

/* Did the host play its trick, and the driver take it as it must? */
static void trick_as_expected(const struct machine *m, const struct exercise *x,
			      struct selftest_result *r)
{
	bool whole = !x->damaged && !x->failed;

	if (!m->host.hostile.played)
		wrong(r, "the host never came to play its trick");
	switch (hostile_outcome(m->config.trick)) {
	case HOSTILE_NOTICED:
		if (!x->failed)
			wrong(r, "the driver did not notice");
		break;
	case HOSTILE_IN_VAIN:
		if (!whole)
			wrong(r, "the host changed what arrived: %s", x->why);
		break;
	case HOSTILE_NO_LIE:
		if (x->damaged)
			wrong(r, "the driver believed the host's lie");
		break;
	case HOSTILE_ANY:
		break;
	}
}

void selftest_trick(const struct selftest_run *run, struct selftest_result *r)
{
	struct exercise x = { 0 };
	struct machine m;

	memset(r, 0, sizeof(*r));
	if (!drive(&m, &run->config, run->rounds, &x, r))
		return;
	/*
	 * The host may refuse its service; it may not reach beyond the buffers.  But where
	 * buffers are shared as they are, the rest of their pages is shared with them.
	 */
	if (x.zones && !(m.dma.ops && run->config.trick == HOSTILE_OVERRUN))
		wrong(r, "%" PRIu64 " red zones were overwritten", x.zones);
	trick_as_expected(&m, &x, r);
	judge_and_compare(run, &m, POLICY_NO_LIMIT, r);
	count(&x, r);
	machine_close(&m);
	r->passed = !r->why[0];
}

/* ---- the trusted device ---- */

static void expect(struct selftest_result *r, bool condition, const char *what)
{
	if (!condition)
		wrong(r, "%s", what);
}

/* A transfer of the TDISP device: true when the bytes arrived. */
static bool moves(struct machine *m, struct tdisp *t, bool in)
{
	uint8_t data[1500], *p;
	uint64_t ipa = realm_alloc(m->realm, sizeof(data), 64);
	bool ok;

	p = realm_ptr(m->realm, ipa, sizeof(data));
	random_fill(&m->random, p, sizeof(data));
	random_fill(&m->random, data, sizeof(data));
	ok = tdisp_transfer(t, ipa, data, sizeof(data), in, NULL) == 0 &&
	     memcmp(p, data, sizeof(data)) == 0;
	realm_release(m->realm, ipa, sizeof(data));
	return ok;
}

#define KEPT_SIZE 64u

/* A mapping that outlives what it was made under; EVENT_NO_ADDR where nothing is broken. */
static uint64_t keep(struct machine *m, enum fault_id fault, uint64_t ipa)
{
	if (!fault_once(&m->fault, fault))
		return EVENT_NO_ADDR;
	return dma_map(&m->dma, ipa, KEPT_SIZE, EVENT_FROM_DEVICE, 0);
}

/* The device uses it once more. */
static void use_kept(struct machine *m, uint64_t dma)
{
	uint8_t data[KEPT_SIZE] = { 0 };

	if (dma == EVENT_NO_ADDR)
		return;
	guard_write(&m->host.guard, dma, data, sizeof(data));
	dma_unmap(&m->dma, dma, sizeof(data), EVENT_FROM_DEVICE, 0);
}

static void tdisp_life(struct machine *m, struct tdisp *t, struct selftest_result *r)
{
	uint8_t good[TDISP_MEASUREMENT] = { 1, 2, 3 }, bad[TDISP_MEASUREMENT] = { 3, 2, 1 };
	uint64_t ipa = realm_alloc(m->realm, KEPT_SIZE, 64), kept;

	tdisp_init(t, &m->dma, &m->host.guard, good);
	expect(r, !moves(m, t, false) || m->fault.id == FAULT_TDISP_LATE,
	       "an unlocked device was given memory");
	expect(r, tdisp_accept(t, good, NULL) < 0, "a device was accepted that was not locked");
	tdisp_lock(t, NULL);
	expect(r, !moves(m, t, false), "a locked device was given memory");
	kept = keep(m, FAULT_TDISP_CARRY, ipa);
	expect(r, tdisp_accept(t, good, NULL) == 0, "a measured device was not accepted");
	use_kept(m, kept);
	for (int i = 0; i < 4; i++) {
		bool ok = moves(m, t, i & 1);

		r->transfers++;
		r->damaged += !ok;
		expect(r, ok || m->fault.id == FAULT_TDISP_POOL,
		       "an accepted device did not reach its buffer");
	}
	kept = keep(m, FAULT_TDISP_KEEP, ipa);
	tdisp_reconfigure(t);
	expect(r, t->state == TDISP_ERROR && !moves(m, t, true),
	       "a reconfigured device was given memory");
	tdisp_unlock(t, NULL);
	use_kept(m, kept);
	realm_release(m->realm, ipa, KEPT_SIZE);
	tdisp_lock(t, NULL);
	expect(r, tdisp_accept(t, bad, NULL) < 0 && t->state == TDISP_ERROR,
	       "a device with a wrong measurement was accepted");
}

void selftest_tdisp(const struct selftest_run *run, struct selftest_result *r)
{
	struct machine_config config = config_of(run);
	struct machine m;
	struct tdisp t;
	struct err err;

	memset(r, 0, sizeof(*r));
	config.device = MACHINE_RNG; /* the rest of the machine is of no matter */
	config.transport = MACHINE_PCI;
	config.fault_skip = 0;
	if (machine_open(&m, &config, &err) < 0) {
		wrong(r, "%s", err.text);
		return;
	}
	tdisp_life(&m, &t, r);
	machine_stop(&m);
	if (run->fault) {
		expect(r, m.fault.hits, "the fault never came to pass");
		r->damaged += m.host.guard.faults;
		expect(r, r->damaged, "no damage to the data was seen");
	}
	judge_and_compare(run, &m, POLICY_NO_LIMIT, r);
	machine_close(&m);
	r->passed = !r->why[0];
}

/* ---- export and import ---- */

static void export_rounds(struct machine *m, struct export *e, unsigned int rounds,
			  struct selftest_result *r)
{
	static const size_t sizes[] = { 1, 66, 2048, 4097, 60000 };
	uint8_t *host = xcalloc(1, EXPORT_MAX);

	for (unsigned int i = 0; i < rounds; i++) {
		size_t size = sizes[i % 5];
		uint64_t ipa = realm_alloc(m->realm, size, 64);
		uint8_t *p = realm_ptr(m->realm, ipa, size);

		random_fill(&m->random, p, size);
		expect(r, export_out(e, ipa, size, host, NULL) == 0 && memcmp(p, host, size) == 0,
		       "an export did not arrive");
		random_fill(&m->random, host, size);
		expect(r,
		       export_in(e, ipa, size, host, size, NULL) == (int)size &&
			       memcmp(p, host, size) == 0,
		       "an import did not arrive");
		/* three lies; none may touch the buffer */
		host[0] ^= 0xff;
		e->lie_size = 1;
		expect(r, export_in(e, ipa, size, host, size, NULL) < 0, "a long notice passed");
		e->lie_size = 0;
		e->lie_sequence = -1;
		expect(r, export_in(e, ipa, size, host, size, NULL) < 0, "an old notice passed");
		e->lie_sequence = 0;
		e->lie_data = true;
		expect(r, export_in(e, ipa, size, host, size, NULL) < 0, "changed data passed");
		e->lie_data = false;
		expect(r, (p[0] ^ host[0]) == 0xff, "a refused import changed the buffer");
		realm_release(m->realm, ipa, size);
		r->transfers += 5;
		r->bytes += 5 * size;
	}
	free(host);
	expect(r, e->exported == rounds && e->imported == rounds && e->refused == 3 * rounds,
	       "transfers are not counted");
	expect(r, e->host_notices == 5 * rounds && e->realm_notices == 4 * rounds,
	       "notifications do not belong to transfers one by one");
}

void selftest_export(const struct selftest_run *run, struct selftest_result *r)
{
	struct machine_config config = run->config;
	struct export e;
	struct machine m;
	struct err err;

	memset(r, 0, sizeof(*r));
	config.device = MACHINE_RNG;
	config.transport = MACHINE_PCI;
	if (machine_open(&m, &config, &err) < 0 ||
	    export_init(&e, &m.dma, &m.host.guard, &err) < 0) {
		wrong(r, "%s", err.text);
		machine_close(&m);
		return;
	}
	export_rounds(&m, &e, run->rounds, r);
	expect(r, realm_damage(m.realm) == 0, "red zones were overwritten");
	export_release(&e);
	machine_stop(&m);
	judge_and_compare(run, &m, POLICY_NO_LIMIT, r);
	machine_close(&m);
	r->passed = !r->why[0];
}
