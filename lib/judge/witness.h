/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_WITNESS_H
#define CCAIO_LIB_JUDGE_WITNESS_H

#include "lib/evidence/snapshot.h"
#include "lib/judge/state.h"
#include "lib/judge/types/spans.h"

/*
 * witness - the kernel's own memory as a second witness (lib/evidence/snapshot.h).
 *
 * Two snapshots lie between marks of the stream.  From the first, what devices had when the
 * window opened is known: it is judged as any other mapping, and what the stream says later about
 * memory that neither it nor the first snapshot has was never known: then the baseline is not.
 * At both, every address in a ring must belong to a mapping of the stream or of the first
 * snapshot; at the end, so must every slot in use, and the reverse.
 *
 * A snapshot takes time.  What an event speaks of between its marks (for the slots: from then on,
 * since the kernel reports an unmap after it released the slot) is not compared.  Of a map that
 * fails no event has the slots that it took for a moment: those of a buffer that is being bounced
 * meanwhile need no mapping.
 */
enum old_kind {
	OLD_RING,   /* memory of a ring */
	OLD_BUFFER, /* what a descriptor names */
	OLD_SLOTS,  /* slots of a pool; the pool does not say whose */
};

/* Memory that a device had when the window opened, and that no event of the stream gave it. */
struct old {
	struct range range; /* without the shared bit */
	uint64_t orig;	    /* OLD_SLOTS: the buffer; EVENT_NO_ADDR unknown */
	uint64_t reach;	    /* the highest end of this one and all before it */
	uint16_t dev;	    /* 0: any device */
	uint8_t kind;
	bool live;
	bool maybe_ended; /* it, or another one of the same buffer */
};

/* Slots by which the first snapshot and the stream since boot differ. */
struct differing {
	struct range range;
	char *text;
};

/* What an event ended, and may not have been released when it was reported. */
#define WITNESS_ENDING 256 /* the newest; more are not on their way at once */
struct ending {
	struct range range;
	uint64_t seq;
	uint16_t cpu;
};

struct witness {
	struct ending ending[WITNESS_ENDING];
	size_t nending;
	unsigned int marks; /* of snapshots, with this run's nonce: 2 before and 2 at the end */
	uint64_t start_seq; /* of the second */
	struct old *old;    /* by start */
	size_t nold, old_cap;
	/* by which events: of coherent memory only, and of any */
	struct {
		struct spans allocs, all;
		struct spans bounced; /* originals, of which the first byte counts */
	} early,		      /* between the first two marks */
		late;		      /* from the third on */
	struct differing *differing;  /* unless an event that was on its way explains it */
	size_t ndiffering, differing_cap;
	bool hit;	 /* the event at hand concerns an old one */
	uint64_t known;	 /* old ranges that were judged */
	uint64_t behind; /* addresses in shared memory that no event tells of */
	/* the first reason each, or NULL */
	char *baseline_why, *behind_why, *slots_why, *features_why, *gap_why;
};

/* A new one where the facts have a snapshot and the stream is of the same run; else NULL. */
struct witness *witness_new(const struct platform *p);
void witness_free(struct witness *w); /* accepts NULL */

/* Before the judge takes the event; j->witness may be NULL. */
void witness_event(struct judge *j, const struct event *ev);
/* An unmap, sync or free (what) of memory that no mapping of the stream has. */
void witness_unknown(struct judge *j, const struct event *ev, const char *what);
/* Of a stream since boot: slots that differ when the window opens.  text is taken over. */
void witness_add_differing(struct witness *w, uint64_t start, uint64_t size, char *text);
/* The stream has ended, the ledger holds what is live. */
void witness_finish(struct judge *j);

/* Why what was live when the window opened is not known; NULL: it is. */
const char *witness_unknown_start(const struct judge *j);

/* audit.c: one snapshot against the ledger and what is old */
void audit_start(struct judge *j, const struct event *mark);
void audit_end(struct judge *j);

/*
 * pages.c: where the shared bit of the guest is known, the page tables of a snapshot decide.  A
 * coherent allocation of which no event shows that it is shared waits for a snapshot of the time
 * when it is live: struct mapping_state.unshown.
 */
bool pages_decide(const struct judge *j, const struct snapshot *s);
/* Is any page of the range marked as protected; are all marked as shared? */
bool pages_protected(const struct judge *j, const struct snapshot *s, uint64_t plain,
		     uint64_t size);
bool pages_shared(const struct judge *j, const struct snapshot *s, uint64_t plain, uint64_t size);
/* Is it worth to wait? */
bool pages_may_settle(const struct judge *j);
/*
 * Those that are live now, but for those that events spoke of meanwhile; of one that events say
 * is shared, pages that are marked as protected leave the claim undecided.
 */
void pages_settle(struct judge *j, const struct snapshot *s, const struct spans *touched);
/* It ended (index: of the ledger), and nothing has shown it: the claim is undecided. */
void pages_unshown(struct judge *j, uint32_t index);
/* The stream has ended. */
void pages_finish(struct judge *j);

/* Shared by both files. */
void witness_say(char **why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void witness_add_old(struct witness *w, const struct old *old);
void witness_sort_old(struct witness *w);
/*
 * Does one that is live, of dev or of any device, hold the whole range?  A ring (rings) stays where
 * it was when the window opened; a buffer may lie in any.  Several may overlap it:
 * drivers that map whole pages (page_pool, page_frag) cut each into new buffers again and again
 * while it stays mapped, so that the pool's slots hold a buffer, and so do the buffers of before.
 */
bool witness_old_holds(const struct witness *w, uint64_t start, uint64_t size, uint16_t dev,
		       bool rings);

#endif
