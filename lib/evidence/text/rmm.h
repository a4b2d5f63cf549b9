/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_TEXT_RMM_H
#define CCAIO_LIB_EVIDENCE_TEXT_RMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/platform.h"

struct err;

/*
 * rmm - the Realm Management Monitor's own log, as a second witness.
 *
 * The RMM prints each call it handles (TF-RMM built with logging).  Of these
 * SMC_RSI_IPA_STATE_SET changes who may see memory (RMM specification DEN0137,
 * RSI_IPA_STATE_SET): RIPAS EMPTY (0) hands a range to the host, RAM (1)
 * protects it:
 *
 *   SMC_RSI_IPA_STATE_SET <base> <end> <ripas> <flags> > RSI_SUCCESS <reached> <response>
 *
 * Numbers are hex without prefix, end is exclusive; only [base, reached) changed,
 * and nothing where response is not 0 (ACCEPT).  The log has an order but no times.
 */
enum rmm_state {
	RMM_UNKNOWN = 0, /* the log does not speak of (all of) it, or a cut line does */
	RMM_SHARED,	 /* became EMPTY and stayed so to the log's end */
	RMM_PROTECTED,	 /* RAM, and never EMPTY */
	RMM_CHANGED,	 /* was EMPTY for a time and became RAM again */
	RMM_MIXED,	 /* parts differ */
};

struct rmm_range {
	struct range range;
	enum rmm_state state;
};

struct rmm_log;

#define RMM_FILE_MAX (64u << 20)

/*
 * Read a log of at most RMM_FILE_MAX bytes.  Lines of other calls are passed over.  Returns
 * NULL with err set when there is not one readable RSI_IPA_STATE_SET in it.
 */
struct rmm_log *rmm_parse(const char *text, size_t len, const char *name, struct err *err);
void rmm_free(struct rmm_log *log); /* accepts NULL */

/*
 * RSI lines do not name their Realm; RMI lines do, by its descriptor (RD) or by a REC.  A Realm can
 * call from its activation to its destruction, or from the log's begin where that is not in it;
 * while only one can, the lines are its own.
 * Choose the Realm of this machine: the one that shared the first pool of the facts; of several
 * such, or where none did, the one that shared the most of this run's rings (addresses of coherent
 * allocations, without a shared bit, that begin a shared range); without a pool and rings the log's
 * only one if it speaks of exactly this machine's RAM.  Returns NULL when that settled
 * it, or the reason why this log cannot be used (a constant sentence).  Call it
 * before the questions below; until then everything is RMM_UNKNOWN.
 */
const char *rmm_select(struct rmm_log *log, const struct platform *platform, const uint64_t *rings,
		       size_t nrings);

/* Is the chosen Realm's end in the log?  Otherwise the log may end before the run. */
bool rmm_ended(const struct rmm_log *log);
/*
 * Did the chosen Realm ask for an attestation token?  Programs do, so the log reaches beyond what
 * its kernel did at boot.
 */
bool rmm_attested(const struct rmm_log *log);
/* Did the chosen Realm share a range that begins here, at some time? */
bool rmm_has_range_at(const struct rmm_log *log, uint64_t start);
/* Realms that changed memory; the descriptor of the chosen one, 0 not in the log. */
size_t rmm_realms(const struct rmm_log *log);
uint64_t rmm_chosen_realm(const struct rmm_log *log);

/* What the monitor held [start, start + size) as; size 0 is 1 byte. */
enum rmm_state rmm_state(const struct rmm_log *log, uint64_t start, uint64_t size);

/* The ranges that were ever shared, in ascending order.  Borrowed. */
const struct rmm_range *rmm_shared_ranges(const struct rmm_log *log, size_t *count);

/* Lines of IPA_STATE_SET that could not be read to their end. */
size_t rmm_cut_lines(const struct rmm_log *log);

const char *rmm_state_name(enum rmm_state state);

#endif
