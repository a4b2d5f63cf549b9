/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_TYPES_FINDINGS_H
#define CCAIO_LIB_JUDGE_TYPES_FINDINGS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/judge/types/groups.h"
#include "lib/verdict/verdict.h"

/*
 * findings - what speaks against the claims: all of it counted, some of it kept.
 *
 * A tally belongs to one claim, of the whole run or of one device.  What may refute is
 * kept in groups with examples (groups.h); of undecided findings only the first
 * sentence is.  What concerns a device that the verdict does not cover counts in
 * that device's tallies only.
 */
enum finding {
	FIND_FACT,	/* the event (or fact) alone refutes the claim */
	FIND_ABSENCE,	/* refutes it if nothing is missing from the stream */
	FIND_UNDECIDED, /* keeps the claim from holding */
	FINDINGS
};

struct tally {
	uint64_t count[FINDINGS];
	char *why;     /* the first undecided finding's sentence */
	char *against; /* of a device out of scope: the first counterexample's */
};

void tally_free(struct tally *tally); /* its sentences; not the tally itself */

/* What facts say against a device that the verdict does not cover. */
struct out_of_scope {
	char *device, *text;
	bool bypass; /* it bypasses the DMA API; otherwise something is undecided */
};

struct findings {
	struct tally claims[CLAIMS];
	struct groups *groups;
	struct out_of_scope *outside;
	size_t noutside;
};

/* Everything but the sentence of one finding. */
struct finding_of {
	enum claim_id claim;
	enum finding how;
	unsigned int breach;	   /* enum breach; undecided findings have none */
	struct tally *device;	   /* the device's tallies, by claim; NULL: of no device */
	bool covered;		   /* the verdict covers the device; true where there is none */
	const char *name;	   /* the device's name, NULL none; copied */
	const struct event *event; /* NULL: a fact; copied */
	uint64_t seq;		   /* of the event */
	const char *comm;	   /* the event's task, NULL unknown; copied */
	enum memory_state memory;
};

/* Count one finding.  The sentence is formatted only where it is kept. */
void findings_add(struct findings *f, const struct finding_of *what, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* Note, once, what a fact says against a device that the verdict does not cover. */
void findings_outside(struct findings *f, const char *device, const char *text, bool bypass);

void findings_free(struct findings *f); /* its contents; not the struct itself */

#endif
