/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_TEXT_STATE_H
#define CCAIO_LIB_EVIDENCE_TEXT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/range.h"

/* state - the monitor's log, as rmm.c reads it and rmm-ask.c asks it; nobody else includes it. */

enum {
	SEG_SHARED_NOW = 1,
	SEG_EVER_SHARED = 2,
	SEG_TAKEN_BACK = 4, /* became RAM after it was EMPTY */
	SEG_DOUBT = 8,	    /* a cut line speaks of it */
};

struct segment {
	struct range range;
	unsigned int flags;
};

/* What one Realm did: disjoint segments in ascending order. */
struct realm {
	struct segment *list;
	size_t count, cap;
	uint64_t rd;	 /* its descriptor's address; 0: of lines while no Realm is known */
	size_t from, to; /* it may call from this line to that one, exclusive; SIZE_MAX: no end */
	size_t pending;	 /* while reading: created at this line and not activated; 0 no */
	bool ended;	 /* its end is in the log */
	bool attested;	 /* it asked for an attestation token */
	bool doubt;	 /* a cut line does not even tell its range */
	bool ambiguous;	 /* another Realm may have called what changed memory */
};

struct rmm_log {
	struct realm *realms;
	size_t nrealms, cap;
	uint64_t *recs; /* created in the log */
	size_t nrecs, recs_cap;
	bool strange_rec; /* one was entered whose creation is not in the log */
	size_t at;	  /* line that is read */
	size_t since;	  /* line of the host's last start */
	size_t sets, cut;
	struct realm *chosen;
	struct rmm_range *shared;
	size_t nshared;
};

/* Index of the first segment that ends at or after addr. */
static inline size_t segment_at(const struct realm *r, uint64_t addr)
{
	return range_reaching(r->list, r->count, sizeof(*r->list), addr);
}

#endif
