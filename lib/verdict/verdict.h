/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_VERDICT_H
#define CCAIO_LIB_VERDICT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/text/rmm.h"

struct cost;
struct timeline;

/*
 * verdict - what the judge decided and why; what every report shows.
 *
 * Nothing here points into the judge or the stream.  The zero value is the
 * honest one: undecided, unmet, INCONCLUSIVE.
 */
enum outcome { OUTCOME_INCONCLUSIVE = 0, OUTCOME_VIOLATED, OUTCOME_PROVEN };

enum claim_id {
#define CLAIM(id, ...) CLAIM_##id,
#include "lib/verdict/claims.def"
#undef CLAIM
	CLAIMS
};

/* Does the claim decide the verdict without a policy that asks for it? */
static inline bool claim_decides(enum claim_id id)
{
	return id < CLAIM_EGRESS;
}

/* Is it decided from the DMA events, so that it is undecided where some are missing? */
static inline bool claim_needs_events(enum claim_id id)
{
	return id < CLAIM_NO_BYPASS;
}

enum claim_state {
	CLAIM_UNDECIDED = 0,
	CLAIM_HOLDS,
	CLAIM_REFUTED,
	CLAIM_NOT_JUDGED, /* only recorded: the version that judged did not know the claim */
	CLAIM_STATES
};

enum cond_id {
#define CONDITION(id, ...) COND_##id,
#include "lib/verdict/conditions.def"
#undef CONDITION
	CONDS
};

enum cond_state {
	COND_UNMET = 0,
	COND_MET,
	COND_NOT_APPLICABLE,
	COND_NOT_JUDGED, /* only recorded: the version that judged did not know the condition */
	COND_STATES
};

enum scope { SCOPE_WINDOW = 0, SCOPE_RUN, SCOPE_SINCE_BOOT };
enum setting {
	SETTING_UNKNOWN = 0,
	SETTING_REHEARSAL,
	SETTING_REALM,
	SETTING_CONFIDENTIAL, /* a confidential guest of another kind: see struct verdict, guest */
	SETTINGS
};

/* What an address range was when it was judged. */
enum memory_state {
	MEMORY_UNKNOWN = 0,
	MEMORY_PROTECTED, /* RAM that nobody shared */
	MEMORY_POOL,	  /* inside a swiotlb pool */
	MEMORY_DECRYPTED, /* shared by set_memory_decrypted or a coherent allocation */
	MEMORY_ALIAS,	  /* carries the platform's shared address bit */
	MEMORY_MIXED,	  /* partly shared, partly not */
	MEMORY_OUTSIDE,	  /* neither RAM nor known shared memory */
	MEMORY_IOVA,	  /* behind an IOMMU: judged by the memory mapped, not by this number */
	MEMORY_MMIO,	  /* a device's own memory */
	MEMORY_STATES
};

struct counterexample {
	enum claim_id claim;
	uint64_t seq; /* 1-based number of the event in the stream; 0: no event (a fact) */
	struct event event;
	enum memory_state memory;
	char *device;	 /* DMA device name */
	char *comm;	 /* task, NULL unknown */
	char *text;	 /* one sentence: what is wrong */
	uint32_t claims; /* all that the event refutes, as bits of enum claim_id */
	size_t finding;	 /* index of the finding that it belongs to */
};

#define VERDICT_EXAMPLES 16 /* counterexamples kept of each finding; all are counted */

/*
 * Everything that is wrong in the same way: one device, one operation, the same breaches.  An
 * event counts once, whatever number of claims it refutes.
 */
struct verdict_finding {
	uint32_t claims, breaches; /* as bits of enum claim_id and enum breach (breach.h) */
	char *device;		   /* DMA device name; NULL none */
	unsigned int kind, dir;	   /* the operation, as in struct event; EVENT_NONE: a fact */
	uint64_t count;
	uint64_t first_event, first_ns; /* 1-based number in the stream; 0: a fact */
	uint64_t last_event, last_ns;
	uint64_t largest; /* bytes of the largest operation */
	size_t example;	  /* index of its first counterexample */
	/* the kernel's call chain at one of its events, innermost first: "vring_map_one_sg+0x80" */
	char **stack;
	size_t nstack;
	uint64_t stack_event; /* which of them; 0: there is no stack */
};

#define VERDICT_FRAMES 64

#define VERDICT_FINDINGS 64 /* that are listed, the worst first */

struct claim_verdict {
	enum claim_state state;
	char *reason;	      /* why it is so, one sentence */
	uint64_t refutations; /* counterexamples found, also those not kept */
	bool required;	      /* takes part in the verdict (egress, confidential: by policy) */
};

struct cond_verdict {
	enum cond_state state;
	char *reason; /* what was looked at and found */
	char *remedy; /* unmet: what would meet it; NULL otherwise */
};

/* A claim or condition of a recorded verdict that this version does not know. */
struct foreign_state {
	bool condition; /* else a claim */
	char *name, *state, *reason;
	bool required; /* it takes part in the verdict */
};

#define VERDICT_FOREIGN 64

/* Bytes and counts of one device. */
struct device_totals {
	uint64_t maps[4];      /* by direction: streaming maps that succeeded */
	uint64_t map_bytes[4]; /* by direction */
	uint64_t bounced;      /* of the maps */
	uint64_t direct;       /* maps that were not: of shared memory, or refuted */
	uint64_t failed;       /* maps that failed (nothing published) */
	uint64_t unmaps, syncs;
	uint64_t allocs, alloc_bytes;
	uint64_t inherited;   /* mappings older than the window, known by sync or unmap */
	uint64_t out_bytes;   /* egress: left on purpose (TO_DEVICE, BIDIRECTIONAL) */
	uint64_t stale_bytes; /* egress: copied out by FROM_DEVICE and BIDIRECTIONAL bounce maps */
	uint64_t sync_out_bytes; /* egress: copied out again by sync for device */
	uint64_t sync_in_bytes;	 /* copied in by sync for CPU */
	uint64_t excess_bytes;	 /* egress: page excess of dynamically shared areas */
	uint64_t events;	 /* all DMA events of this device */
	uint64_t live;		 /* mappings still live at the end */
};

struct device_verdict {
	char *name;   /* DMA device name */
	char *driver; /* NULL unknown */
	char *what;   /* "virtio net", "pci 0x8086:0x2922" …; NULL unknown */
	/* accepted by the Realm (TDISP) for all or a part of the run: then it might reach
	 * protected memory */
	bool trusted;
	enum claim_state claims[CLAIMS];
	bool out_of_scope; /* the verdict was not asked for it: see struct verdict, limit */
	char *note;	   /* why a claim is not `holds`, or what is special; NULL */
	struct device_totals totals;
};

/* One published memory area, for the list of ranges (bounded by VERDICT_RANGES). */
struct published_range {
	struct range range; /* as the device saw it; adjacent and overlapping ones are joined */
	enum memory_state memory;
	uint64_t count; /* publications in it */
};

#define VERDICT_RANGES 4096

enum witness_purpose {
	WITNESS_OTHER = 0,
	WITNESS_POOL,
	WITNESS_VRINGS,	    /* coherent allocations */
	WITNESS_GIC_TABLES, /* 64-KiB ranges that never appear as DMA */
	WITNESS_PURPOSES
};

/* Memory that the monitor (RMM) recorded as shared, next to what the kernel did with it. */
struct witness_range {
	struct range range; /* plain addresses */
	enum rmm_state state;
	enum witness_purpose purpose;
	uint64_t published; /* DMA publications in it; 0: shared but never published */
};

struct verdict {
	enum outcome outcome;
	enum scope scope;
	enum setting setting;
	char *guest;  /* its kind (lib/evidence/guest-kind.h); NULL: of before kinds were told apart
		       */
	char *reason; /* the verdict in one sentence */
	/* DMA names of the devices that it was asked for, and is about; none: the whole machine */
	char **limit;
	size_t nlimit;
	struct claim_verdict claims[CLAIMS];
	struct cond_verdict conds[CONDS];
	struct foreign_state *foreign; /* only of a recorded verdict */
	size_t nforeign;
	/* the worst first; all of a refuted claim, but for those that unlisted_findings counts */
	struct verdict_finding *findings;
	size_t nfindings;
	uint64_t unlisted_findings;	 /* events of findings for which the list has no room */
	struct counterexample *examples; /* finding by finding, each in the order of the stream */
	size_t nexamples;
	/* bits of enum breach: by what a fact or an absence refutes; not recorded */
	uint32_t by_fact, by_absence;
	struct device_verdict *devices;
	size_t ndevices;
	struct published_range *ranges;
	size_t nranges;
	bool ranges_complete;
	struct {
		bool used;	  /* a monitor's log was given and could be used */
		char *unusable;	  /* a log was given and could not: why; NULL otherwise */
		uint64_t agreed;  /* publications in memory that the monitor held as shared */
		uint64_t refused; /* in memory that it held as protected */
		uint64_t unknown; /* published, but not known to the monitor as shared throughout */
		uint64_t cut_lines;
		struct witness_range *ranges;
		size_t nranges;
	} monitor;
	struct timeline
		*timeline; /* lib/verdict/timeline.h, for drawing; NULL: nobody asked for one */
	struct cost *cost; /* lib/cost/cost.h; NULL: recorded before it was measured */
	char **notes;	   /* what a reader must know: inferences, waivers, who recorded */
	size_t nnotes;
	size_t nversion_notes; /* the last so many of them are about versions of ccaio */
	struct {
		uint64_t events, bounces, maps, failed_maps, unmaps, syncs, allocs, frees;
		uint64_t pool_hiwater; /* slots live at once, as the events show */
		uint64_t first_ns, last_ns;
		uint64_t shared_bit; /* used for judging; 0 none */
		bool shared_bit_inferred;
		uint64_t shared_bit_pairs; /* pairs that support the inference */
		uint64_t read_ns, judge_ns;
	} totals;
};

struct guest_kind;
/* The row of the verdict's guest kind; by the setting where it names none.  Never NULL. */
const struct guest_kind *verdict_guest(const struct verdict *v);

struct verdict *verdict_new(void);
void verdict_free(struct verdict *v); /* accepts NULL */

/* Add a sentence to v->notes. */
void verdict_note(struct verdict *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Stable names, as in reports and in the blueprint: "dma-in-shared", "holds", "PROVEN" … */
const char *outcome_name(enum outcome o);
const char *claim_name(enum claim_id id);
const char *claim_summary(enum claim_id id); /* what the claim says, one line */
const char *claim_state_name(enum claim_state s);
const char *cond_name(enum cond_id id);
const char *cond_summary(enum cond_id id);
const char *cond_state_name(enum cond_state s);
const char *scope_name(enum scope s);
const char *setting_name(enum setting s);
const char *memory_state_name(enum memory_state s);
const char *witness_purpose_name(enum witness_purpose p);

#endif
