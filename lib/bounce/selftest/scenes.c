/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"
#include "lib/bounce/memory/export.h"
#include "lib/bounce/memory/random.h"
#include "lib/bounce/memory/realm.h"
#include "lib/bounce/memory/tdisp.h"
#include "lib/bounce/selftest/machine-state.h"
#include "lib/bounce/selftest/state.h"
#include "lib/evidence/policy.h"

/* ---- the trusted device ---- */

static void expect(struct selftest_result *r, bool condition, const char *what)
{
	if (!condition)
		selftest_wrong(r, "%s", what);
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
	struct machine_config config = selftest_config(run);
	struct machine m;
	struct tdisp t;
	struct err err;

	memset(r, 0, sizeof(*r));
	config.device = MACHINE_RNG; /* the rest of the machine is of no matter */
	config.transport = MACHINE_PCI;
	config.fault_skip = 0;
	if (machine_open(&m, &config, &err) < 0) {
		selftest_wrong(r, "%s", err.text);
		return;
	}
	tdisp_life(&m, &t, r);
	machine_stop(&m);
	if (run->fault) {
		expect(r, m.fault.hits, "the fault never came to pass");
		r->damaged += m.host.guard.faults;
		expect(r, r->damaged, "no damage to the data was seen");
	}
	selftest_judge(run, &m, POLICY_NO_LIMIT, r);
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
		selftest_wrong(r, "%s", err.text);
		machine_close(&m);
		return;
	}
	export_rounds(&m, &e, run->rounds, r);
	expect(r, realm_damage(m.realm) == 0, "red zones were overwritten");
	export_release(&e);
	machine_stop(&m);
	selftest_judge(run, &m, POLICY_NO_LIMIT, r);
	machine_close(&m);
	r->passed = !r->why[0];
}
