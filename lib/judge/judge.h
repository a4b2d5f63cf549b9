/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_JUDGE_H
#define CCAIO_LIB_JUDGE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/evidence/event.h"

struct limit;
struct names;
struct platform;
struct policy;
struct rmm_log;
struct stream_info;
struct verdict;

/*
 * judge - decides the claims and conditions of the blueprint over one stream.
 *
 * Feed every event once, in time order, then finish.  Memory grows with what is
 * live, never with the length of the stream.  The judge does not know where the
 * events come from.
 */
struct judge;

/* Which scope the verdict must have; the strongest that the evidence carries by itself. */
enum judge_asked { JUDGE_STRONGEST = 0, JUDGE_SINCE_BOOT, JUDGE_RUN };

struct judge_options {
	bool window_only;	     /* --scope window: do not require the baseline */
	enum judge_asked asked;	     /* of the other scopes; nothing where window_only */
	const struct policy *policy; /* NULL: none */
	const struct limit *limit;   /* the devices the verdict is about; NULL: the machine */
	/* the monitor's own log, its Realm selected (lib/evidence/text/rmm.h); NULL: none */
	const struct rmm_log *rmm;
	/* a log was given but cannot be used: why; keeps dma-in-shared from holding */
	const char *rmm_unusable;
	/* whether clear-text payload left: set by the correlator, TRI_UNKNOWN without one */
	int clear_payload; /* enum tri */
	/*
	 * Called for each event that breaks a claim, with bits of enum breach; NULL: nobody asks.
	 * Whether it refutes is known in the end: struct verdict, by_fact and by_absence.
	 */
	void (*on_breach)(void *ctx, uint64_t ts_ns, uint32_t facts, uint32_t absences);
	void *on_breach_ctx;
};

/*
 * platform may be NULL (no facts); it, names, options->policy and options->limit
 * are borrowed until judge_free.
 */
struct judge *judge_new(const struct platform *platform, const struct names *names,
			const struct judge_options *options);
void judge_feed(struct judge *judge, const struct event *events, size_t count);

/* What the correlation of the application's traffic found (lib/exchange/exchange.h). */
struct judge_traffic {
	int clear_payload;	  /* enum tri: did the program's payload leave in clear text? */
	const char *clear_reason; /* one sentence */
	bool conserved;		  /* its sums agree */
	const char *broken;	  /* where they do not: which, one sentence */
	uint64_t dropped;	  /* packets of the window for which the capture had no room */
};

/* Copied.  Before judge_finish; without it the application's traffic was not looked at. */
void judge_set_traffic(struct judge *judge, const struct judge_traffic *traffic);

struct cost;
/* Borrowed until judge_finish, before which it is called: what a policy's limits on cost are about.
 */
void judge_set_cost(struct judge *judge, const struct cost *cost);

/* Ends the stream.  info is what its source reported.  The caller frees the verdict. */
struct verdict *judge_finish(struct judge *judge, const struct stream_info *info);
void judge_free(struct judge *judge); /* accepts NULL */

#endif
