/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_SELFTEST_CATALOGUE_H
#define CCAIO_LIB_BOUNCE_SELFTEST_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/bounce/memory/fault.h"
#include "lib/bounce/virtio/hostile.h"
#include "lib/verdict/verdict.h"

struct machine;
struct machine_config;

/*
 * catalogue - every way in which the bounce path is broken on purpose, how that must
 * be noticed, and where it can happen at all.
 */
enum fault_damage {
	DAMAGE_MAY,  /* the bytes may arrive whole nevertheless */
	DAMAGE_MUST, /* some transfer must fail or come out changed, or memory be overwritten */
};

struct fault_case {
	enum fault_id id;
	const char *name;    /* stable: --only, reports */
	const char *summary; /* what is broken */
	enum claim_id claim; /* must be refuted; CLAIMS: none, the condition must be unmet */
	enum claim_id also;  /* must be refuted, too; 0: no other */
	enum cond_id cond;
	const char *sign; /* how the counterexample is recognised, for people */
	/* Is this the counterexample?  ce is of the claim and of the broken device. */
	bool (*shows)(const struct machine *m, const struct counterexample *ce);
	enum fault_damage damage;
	/* descriptors may be overwritten by payload, which the device then follows anywhere */
	bool unattributed;
	enum hostile_trick trick; /* the host's part in it */
	/* Can it happen on this machine? */
	bool (*applies)(const struct machine_config *config);
	/* Adjust a machine so that it can (ring format, address form); may be NULL. */
	void (*prepare)(struct machine_config *config);
	unsigned int max_skip; /* chances that may be let pass before it happens */
};

extern const struct fault_case fault_cases[];
extern const size_t nfault_cases;

/* By name, or NULL. */
const struct fault_case *fault_case_find(const char *name);

#endif
