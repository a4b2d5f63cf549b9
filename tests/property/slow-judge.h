/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_PROPERTY_SLOW_JUDGE_H
#define CCAIO_TESTS_PROPERTY_SLOW_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/judge.h"
#include "lib/platform.h"
#include "lib/stream.h"
#include "lib/verdict.h"

struct names;

/*
 * slow-judge - the blueprint's claims and conditions once more, with arrays and
 * scans only: nothing is indexed, cached or forgotten, and what a CPU told before
 * is looked up in the stream itself.  Quadratic; for tests.
 *
 * It knows neither policies, the monitor's log, nor virtio-msg.
 */
struct slow_verdict {
	enum outcome outcome;
	enum claim_state claims[CLAIMS];
	enum cond_state conds[CONDS];
};

void slow_judge(const struct event *events, size_t count, const struct platform *platform,
		const struct names *names, const struct stream_info *info, bool window_only,
		struct slow_verdict *out);

/* ---- for slow-facts.c ---- */

/* How the stream bears on a claim. */
struct slow_claim {
	bool fact;   /* refuted whatever is missing */
	bool absent; /* refuted if nothing is missing */
	bool open;   /* cannot hold */
};

/* A mapping, an allocation, or what syncs showed of an older mapping. */
struct life {
	size_t begin; /* index of the event that made it */
	uint64_t dma, size, orig, seq;
	uint16_t dev;
	uint8_t dir;
	bool live, alloc, bounced, older, sg, aliased;
	bool taken;	  /* its memory went to a later one … */
	size_t taken_by;  /* … of this event */
	bool maybe_ended; /* an unmap counted for a later one may have been its */
	size_t gone;	  /* of all with its buffer, so many ended, which is open */
};

struct ended {
	uint64_t dma, size, since;
	uint16_t dev;
	bool alloc, shared, racy, mixed, valid;
};

struct slow {
	const struct event *ev;
	size_t n, now; /* now: index of the event that is judged */
	const struct platform *p;
	const struct names *names;
	const struct stream_info *info;
	bool window_only, realm, rehearsal, from_boot, alias_seen, bad_bit;
	uint64_t bit, top;
	struct life *lives;
	size_t nlives, cap;
	struct ended *ended;
	size_t nended, ended_cap;
	size_t *changes; /* decrypts and encrypts up to now, by index */
	size_t nchanges;
	size_t *waiting; /* bounces without a map yet, by index */
	size_t nwaiting;
	struct slow_claim claims[CLAIMS];
	uint64_t publications, older, early, bounces, maps, paired, failed, failed_paired;
	uint64_t truncated, undecoded, hiwater, support[64], against;
	bool from_pool;	     /* a buffer was bounced that lay in a pool */
	uint64_t loose_bits; /* above RAM, that some address carried */
};

void slow_conditions(struct slow *s, enum cond_state *conds);
void slow_bypass(struct slow *s);
void slow_silence(struct slow *s);
bool slow_whole(const struct slow *s);
bool slow_complete(const struct slow *s);
bool slow_armed(const struct slow *s);

#endif
