/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_BREACH_H
#define CCAIO_LIB_VERDICT_BREACH_H

#include "lib/verdict/verdict.h"

/*
 * breach - the ways in which a claim is broken, one row for each.
 *
 * The name is stable: it is in verdict.json and in SARIF fingerprints.  New rows
 * go to the end; the order is the order of a finding's bits (struct finding).
 */
enum breach {
	BREACH_OTHER = 0, /* only of a recorded verdict that does not say which */
	BREACH_PROTECTED,
	BREACH_MONITOR,
	BREACH_TAKEN_BACK,
	BREACH_TRUST_ENDED,
	BREACH_TRUSTED_POOL,
	BREACH_BYPASS,
	BREACH_RING,
	BREACH_NOT_BOUNCED,
	BREACH_NO_BOUNCE_SEEN,
	BREACH_ORIGINAL_GIVEN,
	BREACH_BOUNCE_SIZE,
	BREACH_OVERLAP,
	BREACH_NEVER_MAPPED,
	BREACH_GIVEN_BACK,
	BREACH_UNMAP_OF_ERROR,
	BREACH_OTHER_SIZE,
	BREACH_OTHER_DIRECTION,
	BREACH_OTHER_ALIAS,
	BREACH_SYNC_BEYOND,
	BREACH_SYNC_AFTER,
	BREACH_OUT_LIMIT,
	BREACH_STALE_LIMIT,
	BREACH_CLEAR_TEXT,
	BREACHES
};

/* The claim that it refutes; that of BREACH_OTHER is not known (CLAIMS). */
enum claim_id breach_claim(enum breach b);
const char *breach_name(enum breach b); /* "protected-memory" */
const char *breach_text(enum breach b); /* "the device was given protected memory" */

/* The claims of several, as bits of enum claim_id. */
uint32_t breaches_claims(uint32_t breaches);

#endif
