/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_JUDGE_STATE_H
#define CCAIO_LIB_JUDGE_STATE_H

#include "lib/evidence/event.h"
#include "lib/evidence/guest-kind.h"
#include "lib/evidence/platform.h"
#include "lib/judge/before.h"
#include "lib/judge/judge.h"
#include "lib/judge/types/alias.h"
#include "lib/judge/types/bounces.h"
#include "lib/judge/types/devices.h"
#include "lib/judge/types/findings.h"
#include "lib/judge/types/full.h"
#include "lib/judge/types/ledger.h"
#include "lib/judge/types/memmap.h"
#include "lib/judge/types/published.h"
#include "lib/judge/types/returned.h"
#include "lib/verdict/breach.h"
#include "lib/verdict/verdict.h"

/*
 * state - what the judge's own files share; nobody else includes it.
 *
 * What has a life of its own is a type of its own, in lib/judge/types, and knows nothing of
 * struct judge: findings, devices, bounces, returned, alias, published, ledger, memmap.
 *
 *   judge.c     new, feed, free
 *   map.c       maps and allocations
 *   pair.c      bounces and their maps
 *   unmap.c     unmaps and frees
 *   sync.c      syncs
 *   memory.c    memory that is shared or protected, and the end of the stream
 *   place.c     what memory an address is
 *   observed.c  what the stream shows that facts may contradict
 *   witness.c   the kernel's memory as a second witness, with audit.c (witness.h)
 *   monitor.c   the RMM's log as a second witness
 *   finish.c    the verdict, with doubts.c, bypass.c, claims.c, scope.c and lists.c (finish.h)
 *   coverage/   the coverage conditions
 */

struct cpu_state {
	uint64_t last_seq;   /* of the newest event */
	uint64_t prev_seq;   /* of the newest one before the current record (sg: several events) */
	uint64_t last_other; /* of the newest that is no bounce */
	uint64_t prev_other; /* the same before the current record */
	uint64_t last_ts;
	uint8_t last_kind;
	bool unexplained; /* no stack came since */
	int32_t last_pid;
	uint64_t start_seq; /* markers with the right nonce; 0 not seen */
	uint64_t stop_seq;
	bool wrong_nonce;
};

/* What the judge knows of a live mapping beside the ledger's struct mapping. */
struct mapping_state {
	/* SUPERSEDED: the event, task and CPU that gave its memory to another mapping */
	uint64_t super_seq;
	int32_t super_pid;
	uint16_t super_cpu;
	bool unshown;	 /* an allocation: page tables may yet show that it is shared */
	bool clashes;	 /* and the verdict covers that one's device */
	uint32_t unmaps; /* seen for one of several mappings like this: which is undecided */
	uint32_t
		previous; /* JUDGE_KIND of the mapping before, whose unmap may still come; 0 none */
};

/* Size and direction of a mapping, as struct mapping_state.previous has them. */
#define JUDGE_KIND(size, dir) ((uint32_t)(size) << 2 | (dir))

/* What the stream shows that facts may contradict. */
struct observed {
	uint64_t marks, own_marks; /* of any run of ccaio; of the facts' */
	uint64_t from_pool;	   /* buffers that lie in a pool before they were bounced, … */
	uint64_t direct_in_pool;   /* … or as they were mapped, … */
	uint64_t from_nowhere;	   /* … outside of all RAM, the first at … */
	uint64_t nowhere;
	uint64_t from_alias; /* … or carry the shared bit */
	uint64_t older;	     /* ends and syncs of what was never mapped, of devices without rings */
	uint64_t direct;     /* protected, and mapped as they are */
	uint64_t virtio_bounced;
	uint64_t in_slots; /* mapped to another place, in a pool, without a bounce event */
	uint64_t sg_maps, sg_unmaps;	  /* entries; lists */
	uint64_t bounced_in, bounced_out; /* bounced into a pool; to elsewhere, first to … */
	uint64_t out;
};

#define MAX_REFUSED 16

/* Published, and held as protected by the monitor's log. */
struct refused {
	struct event event;
	uint64_t plain, seq;
	const struct platform_pool *pool; /* that it lies in; NULL none */
	enum memory_state memory;
};

struct judge {
	const struct platform *platform; /* NULL: no facts */
	const struct names *names;
	struct judge_options options;
	char *clear_reason;	 /* see judge_set_traffic */
	const struct cost *cost; /* see judge_set_cost; NULL not measured */
	char *broken;
	const struct guest_kind *guest; /* as the facts establish it; never NULL */
	char guest_why[192];		/* guest unknown: what is missing */
	bool rehearsal;			/* an ordinary machine */
	uint64_t packets_dropped;
	bool from_boot;
	/* a needed event that was not on, without and with ccaio's own probes; NULL none */
	const char *not_armed[2];
	bool skewed; /* the order of events on different CPUs shows nothing; known at the end */
	bool opened; /* the window's start was seen */
	/*
	 * It is not known that both changes of memory would be reported, to shared and to
	 * protected: what one of them reports may have been undone since.
	 */
	bool changes_unreported;

	struct memmap *memory;
	struct memmap *virt; /* decrypted kernel virtual ranges */
	struct ledger *ledger;
	struct mapping_state *mappings; /* by ledger index */
	size_t nmappings;

	struct devices devices;
	struct findings findings;
	struct bounces bounces;
	struct returned *returned;
	struct alias alias;
	struct published published;
	struct full full;
	struct cpu_state *cpus; /* by CPU number */
	size_t ncpus;
	bool unshown; /* of the allocation at hand: see struct mapping_state */
	struct before before;
	struct witness *witness; /* the kernel's memory as a second witness; NULL: none */

	struct {
		uint64_t bounces, paired, failed_paired, by_order, early;
		uint64_t maps, failed, unmaps, syncs, allocs, frees, inherited;
		uint64_t truncated, lost, undecoded, slots_hiwater;
		uint64_t dma_events;   /* of the DMA API, bounces included */
		uint64_t accepted;     /* publications to devices in RUN: judged apart */
		uint64_t changes;      /* of memory that became shared, or protected again */
		uint64_t tsm_changes;  /* reported by the stream */
		uint64_t first_bounce; /* seq */
		uint64_t taken_marks;  /* superseded MAPPING_INHERITED entries */
		uint64_t ambiguous;    /* unmaps by buffer that fit several mappings */
		bool lost_unknown;
	} n;
	char *undecoded_name;

	/* the monitor as a second witness, by rmm_shared_ranges() index */
	struct {
		uint64_t agreed, refused, unknown;
		uint64_t *published, *allocs;
		bool confirmed; /* a ring is in the log by itself */
		struct refused waiting[MAX_REFUSED];
		size_t nwaiting;
	} rmm;

	struct observed observed;
	unsigned int contradicted; /* claims, as bits, whose facts the evidence contradicts … */
	char *contradiction;	   /* … the first sentence of it; NULL none */

	uint8_t *canary_found; /* by platform->trace.canaries index */

	uint64_t seq, first_ns, last_ns, judge_ns;
};

static inline struct device *judge_device(struct judge *j, uint16_t id)
{
	return devices_get(&j->devices, id);
}

static inline struct mapping_state *judge_mapping(const struct judge *j, uint32_t index)
{
	return &j->mappings[index];
}

/*
 * Record that a claim is left undecided by event ev (NULL: by a fact).  The sentence says
 * what is missing; it is only formatted when it is kept.
 */
void judge_doubt(struct judge *j, enum claim_id claim, struct device *dev, const struct event *ev,
		 enum memory_state memory, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/*
 * Record that event ev (NULL: a fact) breaks the breach's claim.  how: as a fact, as an absence,
 * or, where it is not sure, FIND_UNDECIDED.
 */
void judge_refute(struct judge *j, enum breach breach, enum finding how, struct device *dev,
		  const struct event *ev, enum memory_state memory, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));

/* A fact about a device that may have no event: id is 0 where it has none. */
void judge_refute_named(struct judge *j, enum breach breach, const char *name, uint16_t id,
			const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/*
 * The claim slots-disjoint: memory of a mapping of dev is another mapping's, too.  Of a device
 * that the verdict does not cover it counts where it covers the other mapping's (clashes);
 * otherwise it leaves the claim undecided.
 */
void judge_find_overlap(struct judge *j, enum finding how, struct device *dev,
			const struct event *ev, bool clashes, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/* coverage/window.c: since boot, everything is in the stream; false with *why set otherwise */
bool judge_is_since_boot(const struct judge *j, const struct stream_info *info, char **why);

/* pair.c */
void judge_bounce(struct judge *j, const struct event *ev);
/* Take those of this failed list, reported as a whole; returns how many. */
size_t judge_take_bounces_failed(struct judge *j, const struct event *ev);
/* Can the bounce of this map have come before events were on? */
bool judge_bounce_unreported(const struct judge *j, const struct event *ev);
/* The claim bounce-paired for one map. */
void judge_pair(struct judge *j, struct device *dev, const struct event *ev, uint64_t plain,
		enum memory_state memory, enum pair how, const struct bounce *bounce);

/* map.c */
void judge_map(struct judge *j, const struct event *ev);
void judge_map_failed(struct judge *j, const struct event *ev);
void judge_alloc(struct judge *j, const struct event *ev);
/* The claim dma-in-shared for one published range; what memory it is. */
enum memory_state judge_address(struct judge *j, struct device *dev, const struct event *ev,
				uint64_t plain, uint64_t bit, bool alloc);
/* Enter a mapping (MAPPING_* flags) into the ledger. */
void judge_enter(struct judge *j, const struct event *ev, uint64_t plain, unsigned int flags);

/* unmap.c, sync.c */
void judge_unmap(struct judge *j, const struct event *ev);
void judge_free_event(struct judge *j, const struct event *ev);
void judge_sync(struct judge *j, const struct event *ev);
/* The claim lifecycle for an event that ends or syncs mapping m; what: "unmap", "sync" … */
void judge_disagreement(struct judge *j, struct device *dev, const struct event *ev,
			const struct mapping *m, uint64_t plain, const char *what);
/* The same; most events agree. */
static inline void judge_agreement(struct judge *j, struct device *dev, const struct event *ev,
				   const struct mapping *m, uint64_t plain, const char *what)
{
	if (m->size != ev->size || m->dir != ev->dir || ev->flags ||
	    (ev->dma != plain) != !!(m->flags & MAPPING_ALIASED))
		judge_disagreement(j, dev, ev, m, plain, what);
}

/* Could this event's CPU have been inside the kernel's unmap ever since event `since` of another?
 */
bool judge_in_flight_since(const struct judge *j, const struct event *ev, uint64_t since);
/* No mapping fits this unmap, sync or free.  plain is an address without the shared bit. */
void judge_unknown_address(struct judge *j, struct device *dev, const struct event *ev,
			   uint64_t plain, uint64_t bit, bool alloc, const char *what);

/* memory.c */
void judge_encrypt(struct judge *j, const struct event *ev);
void judge_decrypt(struct judge *j, const struct event *ev);
void judge_trust(struct judge *j, const struct event *ev);	  /* EVENT_TSM */
void judge_window_opens(struct judge *j, const struct event *ev); /* the first EVENT_MARK_START */
/* How sure a finding is that rests on the device being accepted. */
enum finding judge_of_trust(const struct device *dev, enum finding how);
void judge_end_of_stream(struct judge *j, const struct stream_info *info);

/* place.c: what an address that a device was given is */
enum place_kind { PLACE_SHARED, PLACE_PROTECTED, PLACE_UNDECIDED };

/* Of a coherent allocation that nothing shows to be shared: page tables could. */
extern const char judge_unshown[];

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
/* Of a bounce and its map that agree in order only: does the bus offset addresses? */
void judge_learn_offset(const struct judge *j, struct device *dev, const struct event *ev,
			const struct bounce *bounce);
/* What the original buffer of a map is. */
enum memory_state judge_orig_state(const struct judge *j, const struct event *ev);
/* Does the event speak of a device's registers (DMA_ATTR_MMIO), and its buffer not contradict? */
bool judge_is_mmio(const struct judge *j, const struct event *ev);
/* A bounced map with its exact pair: evidence for or against a shared bit. */
void judge_learn_bit(struct judge *j, uint64_t plain, uint64_t bit, uint64_t size);

/* monitor.c: ask the monitor's log about a publication; may settle or refute *place */
void judge_ask_monitor(struct judge *j, const struct event *ev, uint64_t plain, bool alloc,
		       struct place *place);
void judge_monitor_report(struct judge *j, struct verdict *v);

/* observed.c */
void judge_observe_mark(struct judge *j, const struct event *ev);
/* A streaming map that succeeded; memory: what judge_address() says; how: its bounce. */
void judge_observe_map(struct judge *j, const struct device *dev, const struct event *ev,
		       uint64_t plain, enum memory_state memory, enum pair how);
/*
 * Do the facts say that this device, whose DMA events are in the stream, does not use the DMA API?
 * Without ACCESS_PLATFORM a virtio driver does not: Linux drivers/virtio/virtio_ring.c.
 */
bool judge_denies_dma(const struct device *dev);

/* coverage/ */
/* Facts against all that can contradict them; once, before the claims are decided. */
void judge_check_facts(struct judge *j, const struct stream_info *info);
/* Fills not_armed; once, before all else of these. */
void judge_find_unarmed(struct judge *j, const struct stream_info *info);
/* A needed event that was not on from where the verdict is about, or NULL. */
const char *judge_not_armed(const struct judge *j);
/* May recording have been off for a moment, as whoever writes to its control files can do? */
bool judge_is_disturbed(const struct judge *j);
/*
 * A sign that the recorder was told to leave events out, which its file does not say; NULL none.
 * The caller frees.
 */
char *judge_hidden_events(const struct judge *j, const struct stream_info *info);
/* Were all needed events on, be it from the start of the recording only? */
bool judge_events_told(const struct judge *j, const struct stream_info *info);
uint64_t judge_lost(const struct judge *j, const struct stream_info *info, bool *unknown);
/* Does the trace clock leave open which CPU's event was first? */
bool judge_clock_is_coarse(const struct stream_info *info);
/* Is the trace clock one that is not in step on all CPUs, and events of several are reported? */
bool judge_clock_is_skewed(const struct judge *j, const struct stream_info *info);
bool judge_loss_counted(const struct judge *j, const struct stream_info *info); /* of every CPU */
void judge_coverage(const struct judge *j, const struct stream_info *info, struct verdict *v);

#endif
