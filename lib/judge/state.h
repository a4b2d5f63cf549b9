/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_STATE_H
#define CCAIO_LIB_JUDGE_STATE_H

#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/judge/judge.h"
#include "lib/judge/ledger.h"
#include "lib/judge/memmap.h"
#include "lib/verdict/verdict.h"

/*
 * judge-state - what the judge's own files share; nobody else includes it.
 *
 *   judge.c         feeding events, keeping findings
 *   judge-pair.c    bounces and their maps
 *   judge-dma.c     maps and allocations
 *   judge-unmap.c   unmaps and frees
 *   judge-sync.c    syncs
 *   judge-recent.c  addresses that were given back
 *   judge-memory.c  memory that is shared or protected, and the end of the stream
 *   judge-place.c   what memory an address is, and the shared bit
 *   judge-monitor.c the RMM's log as a second witness
 *   judge-finish.c  the verdict, with judge-doubts.c, judge-bypass.c, judge-claims.c,
 *                   judge-limit.c and judge-lists.c (judge-finish.h)
 *   coverage.c      the coverage conditions, with coverage-*.c (coverage.h)
 */

/* How sure a finding is. */
enum finding {
	FIND_FACT,	/* the event (or fact) alone refutes the claim */
	FIND_ABSENCE,	/* refutes it if nothing is missing from the stream */
	FIND_UNDECIDED, /* keeps the claim from holding */
	FINDINGS
};

struct tally {
	uint64_t count[FINDINGS];
	char *why;     /* the first undecided finding's sentence */
	char *against; /* of a device aside: the first counterexample's */
};

/* What facts say against a device that the verdict is not asked for. */
struct aside {
	char *device, *text;
	bool bypass; /* it bypasses the DMA API; otherwise something is open */
};

struct device {
	uint16_t id;	 /* names id */
	bool seen;	 /* has DMA events */
	bool aside;	 /* the verdict is not asked for it (struct limit) */
	bool iommu;	 /* DMA addresses are IOVAs … */
	bool translated; /* … and the facts say so: no number means a physical address */
	bool areas;	 /* virtio-msg: addresses outside RAM name shared areas, not memory */
	bool tsm_known;
	bool tsm_doubt; /* facts call it accepted, outside of a Realm */
	bool tsm_later; /* they do, of the window, which has not opened yet */
	uint8_t tsm;	/* enum event_tsm */
	bool accepted;	/* was in RUN at some time */
	bool vring_seen;
	const struct platform_virtio *virtio;
	const struct platform_pci *pci;
	uint64_t
		alias_bits; /* bits above RAM that its addresses carried, not yet known as shared */
	uint64_t newly_shared; /* bytes made shared in its name, not yet given to it */
	uint64_t net_events;   /* as an interface name: packets seen */
	struct tally claims[CLAIMS];
	struct device_totals totals;
};

struct cpu_state {
	uint64_t last_seq;   /* of the newest event */
	uint64_t prev_seq;   /* of the newest one before the current record (sg: several events) */
	uint64_t last_other; /* of the newest that is no bounce */
	uint64_t prev_other; /* the same before the current record */
	uint64_t last_ts;
	uint8_t last_kind;
	uint64_t start_seq; /* markers with the right nonce; 0 not seen */
	uint64_t stop_seq;
	bool wrong_nonce;
};

/* A bounce that waits for its map. */
struct pending {
	uint64_t orig, size, seq;
	uint64_t prev_seq; /* what its CPU told before */
	int32_t pid;
	uint16_t cpu, dev;
	uint8_t context; /* struct event.context */
	bool passed;	 /* its task has mapped something else for the device since */
};

#define MAX_PENDING 1024
#define RECENT_SIZE 8192 /* power of two, as are … */
#define RECENT_WAYS 4	 /* … the places where an address may be */

/* An address that was unmapped or freed and not mapped since. */
struct recent {
	uint64_t dma;
	uint64_t since; /* seq of the mapping that ended; 0 unknown */
	uint16_t dev;
	bool alloc, used;
	bool shared;   /* a direct mapping: there may be several like it */
	bool racy;     /* the unmap may have meant another, older mapping */
	bool mixed;    /* it may have meant one that is still entered: this one may be live */
	uint8_t dir;   /* with size */
	uint64_t size; /* of the mapping that ended; 0 unknown */
};
/* Size and direction, as struct mapping.late keeps them. */
#define JUDGE_KIND(size, dir) ((uint32_t)(size) << 2 | (dir))
#define MAX_MIXED 64
#define FORGOTTEN_BITS 65536 /* power of two */

struct kept {
	struct counterexample ce;
	enum finding how;
};

struct judge {
	const struct platform *platform; /* NULL: no facts */
	const struct names *names;
	struct judge_options options;
	char *clear_reason; /* see judge_set_traffic */
	char *broken;
	bool realm;	/* facts say Realm */
	bool rehearsal; /* facts say: not a Realm */
	bool from_boot;
	bool areas; /* some device's addresses name shared areas (virtio-msg) */
	bool ram_known;
	bool opened; /* the window's start was told */
	/* memory that became protected again would not be told: what was decrypted shows nothing */
	bool encrypts_untold;

	struct memmap *memory;
	struct memmap *virt; /* decrypted kernel virtual ranges */
	struct ledger *ledger;

	struct device **devices; /* by names id */
	size_t ndevices;
	struct cpu_state *cpus; /* by CPU number */
	size_t ncpus;
	struct pending pending[MAX_PENDING];
	size_t npending;
	struct recent recent[RECENT_SIZE];
	uint64_t forgotten[FORGOTTEN_BITS / 64]; /* what had to leave recent, by hash */
	struct recent mixed[MAX_MIXED];		 /* those of recent that are mixed … */
	size_t nmixed;
	bool mixed_lost; /* … but there were more */

	struct tally claims[CLAIMS];
	struct aside *aside;
	size_t naside;
	struct kept *kept;
	size_t nkept, kept_cap;
	size_t kept_of[CLAIMS][FINDINGS];

	struct {
		uint64_t bounces, paired, failed_paired, by_order, dropped, early;
		uint64_t maps, failed, unmaps, syncs, allocs, frees, inherited;
		uint64_t truncated, lost, undecoded, slots_hiwater;
		uint64_t dma_events;   /* of the DMA API, bounces included */
		uint64_t accepted;     /* publications to devices in RUN: judged apart */
		uint64_t tsm_changes;  /* told by the stream */
		uint64_t first_bounce; /* seq */
		uint64_t taken_marks;  /* superseded MAPPING_INHERITED entries */
		uint64_t ambiguous;    /* unmaps by buffer that fit several mappings */
		uint64_t from_pool;    /* bounces of a buffer that lies in a pool already */
		uint64_t from_nowhere; /* … that lies outside of all RAM */
		bool lost_unknown;
	} n;
	char *undecoded_name;

	/* the shared bit */
	uint64_t shared_bit; /* given by the facts; 0 none */
	uint64_t bad_bit;    /* given by the facts, but RAM or pool addresses use it */
	bool alias_seen;     /* a published address carried it: this kernel publishes the alias */
	uint64_t top_mask;   /* all bits that RAM and pool addresses use; 0 unknown */
	uint64_t support[64], contradict, plain_pairs;

	struct published_range *other; /* published outside the slot tables; ascending, joined */
	size_t nother, other_cap;
	bool other_full;

	/* the monitor as a second witness, by rmm_shared_ranges() index */
	struct {
		uint64_t agreed, refused, unknown;
		uint64_t *published, *allocs;
	} rmm;

	uint8_t *canary_found; /* by platform->trace.canaries index */

	uint64_t seq, first_ns, last_ns, judge_ns;
};

struct device *judge_new_device(struct judge *j, uint16_t id);

static inline struct device *judge_device(struct judge *j, uint16_t id)
{
	return id < j->ndevices && j->devices[id] ? j->devices[id] : judge_new_device(j, id);
}

/*
 * Record that a claim is hit by event ev (NULL: by a fact).  The sentence says
 * what is wrong; it is only formatted when the example is kept.
 */
void judge_find(struct judge *j, enum claim_id claim, enum finding how, struct device *dev,
		const struct event *ev, enum memory_state memory, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));

/*
 * The claim slots-disjoint: memory of mapping m, of dev, is another mapping's, too.
 * Of a device aside it counts where the other mapping's device is not; otherwise it
 * leaves the claim open.
 */
void judge_find_overlap(struct judge *j, enum finding how, struct device *dev,
			const struct event *ev, const struct mapping *m, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/* judge-pair.c */
enum pair { PAIR_NONE, PAIR_EXACT, PAIR_BY_ORDER };

void judge_bounce(struct judge *j, const struct event *ev);
/* Take the bounce of this map out of those that wait. */
enum pair judge_take_bounce(struct judge *j, const struct event *ev, struct pending *out);
/* Take the bounce of this failed map; false where it had none. */
bool judge_take_bounce_failed(struct judge *j, const struct event *ev);
/* A mapping was told, made or failed: bounces of its task that still wait are of no later call. */
void judge_pass_bounces(struct judge *j, const struct event *ev);
/* Take those of this failed list, told as a whole; returns how many. */
size_t judge_take_bounces_failed(struct judge *j, const struct event *ev);
/* Can the bounce of this map have come before events were on? */
bool judge_bounce_untold(const struct judge *j, const struct event *ev);
/* The claim bounce-paired for one map. */
void judge_pair(struct judge *j, struct device *dev, const struct event *ev, uint64_t plain,
		enum memory_state memory, enum pair how, const struct pending *bounce);

/* judge-dma.c */
void judge_map(struct judge *j, const struct event *ev);
void judge_map_failed(struct judge *j, const struct event *ev);
void judge_alloc(struct judge *j, const struct event *ev);
bool judge_is_trusted(const struct device *dev);
/* The claim dma-in-shared for one published range; what memory it is. */
enum memory_state judge_address(struct judge *j, struct device *dev, const struct event *ev,
				uint64_t plain, uint64_t bit, bool alloc);
/* Enter a mapping (MAPPING_* flags) into the ledger. */
void judge_enter(struct judge *j, const struct event *ev, uint64_t plain, unsigned int flags);

/* judge-unmap.c, judge-sync.c */
void judge_unmap(struct judge *j, const struct event *ev);
void judge_free_event(struct judge *j, const struct event *ev);
void judge_sync(struct judge *j, const struct event *ev);
/* The claim lifecycle for an event that ends or syncs mapping m; what: "unmap", "sync" … */
void judge_agreement(struct judge *j, struct device *dev, const struct event *ev,
		     const struct mapping *m, uint64_t plain, const char *what);

/* judge-recent.c: plain is an address without the shared bit */
void judge_recent_set(struct judge *j, const struct recent *what);
void judge_recent_clear(struct judge *j, uint16_t dev, uint64_t dma, bool alloc);
/* Of an address that is mapped anew: which unmap may still be told of it (struct mapping.late). */
uint32_t judge_recent_late(struct judge *j, uint16_t dev, uint64_t dma);
/* Could this event's CPU have been inside the kernel's unmap ever since event `since` of another?
 */
bool judge_in_flight_since(const struct judge *j, const struct event *ev, uint64_t since);
/* No mapping fits this unmap, sync or free. */
void judge_unknown_address(struct judge *j, struct device *dev, const struct event *ev,
			   uint64_t plain, uint64_t bit, bool alloc, const char *what);

/* judge-memory.c */
void judge_encrypt(struct judge *j, const struct event *ev);
void judge_decrypt(struct judge *j, const struct event *ev);
void judge_trust(struct judge *j, const struct event *ev);	  /* EVENT_TSM */
void judge_window_opens(struct judge *j, const struct event *ev); /* the first EVENT_MARK_START */
void judge_end_of_stream(struct judge *j, const struct stream_info *info);

/* judge-place.c: what an address that a device was given is */
enum place_kind { PLACE_SHARED, PLACE_PROTECTED, PLACE_UNDECIDED };

struct place {
	enum place_kind kind;
	enum memory_state memory;
	const char *why; /* PLACE_UNDECIDED: what is missing */
};

/* Take the shared bit (given, or the only bit above RAM) off; *bit is that bit or 0. */
uint64_t judge_plain(const struct judge *j, const struct device *dev, uint64_t dma, uint64_t *bit);
struct place judge_place(struct judge *j, struct device *dev, const struct event *ev,
			 uint64_t plain, uint64_t bit, bool alloc);
/* The device's coherent allocation that this range is a part of, or NULL. */
const struct mapping *judge_alloc_around(struct judge *j, const struct device *dev,
					 const struct event *ev, uint64_t plain);
/* What the original buffer of a map is. */
enum memory_state judge_orig_state(const struct judge *j, const struct event *ev);
/* Does the event speak of a device's registers (DMA_ATTR_MMIO), and its buffer not contradict? */
bool judge_is_mmio(const struct judge *j, const struct event *ev);
/* A bounced map with its exact pair: evidence for or against a shared bit. */
void judge_learn_bit(struct judge *j, uint64_t plain, uint64_t bit, uint64_t size);
/* The inferred bit: one supported, none contradicting; 0 otherwise. */
uint64_t judge_inferred_bit(const struct judge *j, uint64_t *pairs);
void judge_publish(struct judge *j, uint64_t dma, uint64_t size, enum memory_state memory);

/* judge-monitor.c: ask the monitor's log about a publication; may settle or refute *place */
void judge_ask_monitor(struct judge *j, struct device *dev, const struct event *ev, uint64_t plain,
		       bool alloc, struct place *place);
void judge_monitor_report(struct judge *j, struct verdict *v);

/* coverage-events.c, coverage-loss.c, coverage.c */
/* A needed event that was not on from where the verdict is about, or NULL. */
const char *judge_not_armed(const struct judge *j, const struct stream_info *info);
/* Were all needed events on, be it from the start of the recording only? */
bool judge_events_told(const struct judge *j, const struct stream_info *info);
uint64_t judge_lost(const struct judge *j, const struct stream_info *info, bool *unknown);
/* Does the trace clock leave open which CPU's event was first? */
bool judge_clock_is_coarse(const struct stream_info *info);
bool judge_loss_counted(const struct judge *j, const struct stream_info *info); /* of every CPU */
void judge_coverage(const struct judge *j, const struct stream_info *info, struct verdict *v);

#endif
