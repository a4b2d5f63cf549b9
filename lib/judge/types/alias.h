/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_TYPES_ALIAS_H
#define CCAIO_LIB_JUDGE_TYPES_ALIAS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/evidence/guest-kind.h"

/*
 * alias - the address bit that marks memory as shared, or as protected: given or learnt.
 *
 * Which of them, or neither, is the guest kind's rule (lib/evidence/guest-kind.h).
 * A Realm's kernel may publish the shared alias of an address: the address with
 * the top IPA bit set (Linux arch/arm64/kernel/rsi.c, prot_ns_shared).  Nothing
 * in the stream names that bit, so where the facts do not either, the one bit
 * above all RAM that an address carries is a candidate until the end.
 *
 * An SEV guest's kernel publishes protected memory with the C-bit set and shared memory
 * without (Linux arch/x86/include/asm/mem_encrypt.h, include/linux/dma-direct.h).  The buffer's
 * address in swiotlb_bounced carries the bit, in the map event it does not.
 */
struct alias {
	enum guest_alias rule;
	bool ram_known;	   /* the facts list RAM: a bit above it can be recognised */
	uint64_t bit;	   /* given by the facts, or learnt from bounces (protected); 0 none */
	bool learnt;	   /* the latter */
	uint64_t bad_bit;  /* given by the facts, but RAM or pool addresses use it */
	uint64_t top_mask; /* all bits that RAM and pool addresses use; 0 unknown */
	bool seen;	   /* a published address carried the given bit */
	/* evidence for or against each bit: bounced maps whose address carries it, over the pool */
	uint64_t support[64];
	uint64_t contradict; /* bounced maps that lie in no pool, whatever their bit */
	uint64_t plain;	     /* shared addresses that were published without a bit */
};

/*
 * given: the facts' bit, 0 none; a bit that RAM or pool addresses use is kept as bad_bit.
 * top: the highest address of RAM and pools, 0 unknown.
 */
void alias_init(struct alias *a, enum guest_alias rule, uint64_t given, uint64_t top,
		bool ram_known);

/*
 * The address without the bit.  *shared: the bit that marks it as shared (given, or the only bit
 * above RAM), or 0.
 */
uint64_t alias_plain(const struct alias *a, uint64_t dma, uint64_t *shared);

/* Does the address carry the bit that marks it as shared / as protected? */
bool alias_is_shared(const struct alias *a, uint64_t addr);
bool alias_is_protected(const struct alias *a, uint64_t addr);

/* The buffer's address of a bounce event as its map event has it; may learn the protected bit. */
uint64_t alias_bounced(struct alias *a, uint64_t orig);

/* Is the bit that marks memory as shared to be learnt? */
static inline bool alias_learns(const struct alias *a)
{
	return !a->bit && a->rule == ALIAS_SET_IS_SHARED;
}

/* A bounced map with its exact pair was published with this bit (0: none): in a pool, or not. */
void alias_learn(struct alias *a, uint64_t bit, bool in_pool);

/* The inferred bit and how many pairs support it: one supported, none contradicting; else 0. */
uint64_t alias_inferred(const struct alias *a, uint64_t *pairs);

#endif
