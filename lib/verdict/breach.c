/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways in which a claim is broken, in words. */
#include "lib/verdict/breach.h"

static const struct {
	const char *name;
	enum claim_id claim;
	const char *text;
} rows[] = {
	[BREACH_OTHER] = { "other", CLAIMS, "see the counterexample" },
	[BREACH_PROTECTED] = { "protected-memory", CLAIM_DMA_IN_SHARED,
			       "the device was given protected memory" },
	[BREACH_MONITOR] = { "monitor-holds-protected", CLAIM_DMA_IN_SHARED,
			     "the monitor holds memory as protected that the device was given as "
			     "shared" },
	[BREACH_TAKEN_BACK] = { "protected-while-mapped", CLAIM_DMA_IN_SHARED,
				"memory became protected while the device still had it" },
	[BREACH_TRUST_ENDED] = { "trust-ended", CLAIM_DMA_IN_SHARED,
				 "trust in the device (TDISP) ended while it had protected "
				 "memory" },
	[BREACH_TRUSTED_POOL] = { "trusted-device-in-pool", CLAIM_DMA_IN_SHARED,
				  "an accepted (TDISP) device was given memory of the bounce "
				  "pool" },
	[BREACH_BYPASS] = { "bypass", CLAIM_NO_BYPASS,
			    "the device is given memory without the DMA API" },
	[BREACH_RING] = { "ring-names-protected", CLAIM_DMA_IN_SHARED,
			  "a queue in the kernel's memory names protected memory" },
	[BREACH_NOT_BOUNCED] = { "not-bounced", CLAIM_BOUNCE_PAIRED,
				 "a protected buffer was mapped without a bounce" },
	[BREACH_NO_BOUNCE_SEEN] = { "no-bounce-seen", CLAIM_BOUNCE_PAIRED,
				    "the device was given another address than the buffer's, but "
				    "no bounce was seen" },
	[BREACH_ORIGINAL_GIVEN] = { "original-given", CLAIM_BOUNCE_PAIRED,
				    "a buffer was bounced but the device was given the original" },
	[BREACH_BOUNCE_SIZE] = { "bounce-size", CLAIM_BOUNCE_PAIRED,
				 "a bounce and its map differ in size" },
	[BREACH_OVERLAP] = { "overlap", CLAIM_SLOTS_DISJOINT,
			     "memory was given to two live mappings" },
	[BREACH_NEVER_MAPPED] = { "never-mapped", CLAIM_LIFECYCLE, "the address was never mapped" },
	[BREACH_GIVEN_BACK] = { "given-back-before", CLAIM_LIFECYCLE,
				"the address was given back before" },
	[BREACH_UNMAP_OF_ERROR] = { "unmap-of-error", CLAIM_LIFECYCLE,
				    "the error that a map returned was unmapped" },
	[BREACH_OTHER_SIZE] = { "other-size", CLAIM_LIFECYCLE,
				"the size is not that of the mapping" },
	[BREACH_OTHER_DIRECTION] = { "other-direction", CLAIM_LIFECYCLE,
				     "the direction is not that of the mapping" },
	[BREACH_OTHER_ALIAS] = { "other-alias", CLAIM_LIFECYCLE,
				 "the shared bit is not that of the mapping" },
	[BREACH_SYNC_BEYOND] = { "sync-beyond", CLAIM_LIFECYCLE,
				 "a sync reaches beyond the live mapping" },
	[BREACH_SYNC_AFTER] = { "sync-after-unmap", CLAIM_LIFECYCLE,
				"a sync of a mapping that was unmapped" },
	[BREACH_OUT_LIMIT] = { "out-limit", CLAIM_EGRESS,
			       "more bytes were sent out than the policy allows" },
	[BREACH_STALE_LIMIT] = { "stale-limit", CLAIM_EGRESS,
				 "more stale bytes were exposed than the policy allows" },
	[BREACH_CLEAR_TEXT] = { "clear-text", CLAIM_CONFIDENTIAL,
				"the program's payload left in clear text" },
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) == BREACHES, "a breach without a row");
_Static_assert(BREACHES <= 32, "breaches are bits of a uint32_t");

enum claim_id breach_claim(enum breach b)
{
	return rows[b].claim;
}

const char *breach_name(enum breach b)
{
	return b < BREACHES ? rows[b].name : NULL;
}

const char *breach_text(enum breach b)
{
	return rows[b].text;
}

uint32_t breaches_claims(uint32_t breaches)
{
	uint32_t claims = 0;

	for (int b = BREACH_OTHER + 1; b < BREACHES; b++) {
		if (breaches & 1u << b)
			claims |= 1u << rows[b].claim;
	}
	return claims;
}
