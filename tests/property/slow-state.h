/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_PROPERTY_SLOW_STATE_H
#define CCAIO_TESTS_PROPERTY_SLOW_STATE_H

#include "lib/base/range.h"
#include "tests/property/slow-judge.h"

/*
 * slow-state - what the slow judge's own files share; nobody else includes it.
 */

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
	bool unshown;	  /* an allocation: page tables may yet show that it is shared */
	bool taken;	  /* its memory went to a later one … */
	size_t taken_by;  /* … of this event */
	bool maybe_ended; /* an unmap counted for a later one may have been its */
	size_t gone;	  /* of all with its buffer, so many ended, which is open */
	uint64_t late;	  /* an unmap of this size and … */
	uint8_t late_dir; /* … direction may still be reported of the one before; 0 none */
};

struct ended {
	uint64_t dma, size, since;
	uint16_t dev;
	uint8_t dir;
	bool alloc, shared, racy, mixed, valid;
};

/* What the kernel's memory shows, and what was older than the stream by it. */
struct slow_old {
	uint64_t start, last, orig;
	uint16_t dev; /* 0: of any */
	bool live, ring, slots, maybe_ended;
};

struct slow_witness {
	bool on;
	size_t marks, read_at; /* of snapshots so far; index of the second */
	struct slow_old *old;
	size_t nold, old_cap;
	/* spoken of between the first two; from the third on */
	struct slow_spoken {
		struct range range;
		bool alloc; /* of coherent memory */
	} * early, *late;
	size_t nearly, early_cap, nlate, late_cap;
	/* buffers whose maps were on their way at the same times, [0] at the start */
	struct slow_bounced {
		uint64_t *list;
		size_t n, cap;
	} bounced[2];
	bool hit; /* the event at hand concerns something old */
	/* what frees and unmaps of lists ended, which are reported before the release */
	struct slow_ending {
		struct range range;
		size_t at;
	} * ending;
	size_t nending, ending_cap;
	/* slots by which the first snapshot and the stream since boot differ */
	struct range *differing;
	size_t ndiffering, differing_cap;
	/* contradicted: what was there at the start; events; slots; devices */
	bool no_baseline, behind, slots, devices;
	bool counted_more; /* by devices, since boot, than was mapped for them */
};

struct slow {
	const struct event *ev;
	size_t n, now; /* now: index of the event that is judged */
	const struct platform *p;
	const struct names *names;
	const struct stream_info *info;
	const struct policy *policy;
	bool window_only, realm, rehearsal, from_boot, alias_seen, bad_bit;
	bool c_bit_kind;     /* a bit marks what is protected */
	bool plain_only;     /* no bit marks anything, although the guest is confidential */
	bool from_pool_only; /* coherent memory comes from the pool */
	bool no_tdisp;	     /* a guest of this kind accepts no devices */
	uint64_t bit, c_bit, top;
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
	/* buffers that lay in a pool, carried the shared bit, lay outside RAM, were mapped as they
	 * are … */
	uint64_t of_pool, direct_of_pool, of_alias, of_nowhere, as_is;
	/* … or bounced: for a virtio device, into a pool, to elsewhere */
	uint64_t for_virtio, into_pool, elsewhere;
	uint64_t in_slots, sg_maps, unmaps, sg_unmaps;
	uint64_t memory_changes; /* reported, of memory that became shared or protected */
	struct {
		uint16_t dev;
		uint64_t by;
	} * offsets; /* of buses, learnt from bounces */
	size_t noffsets;
	uint64_t before_boot; /* ends of what was never begun, of devices without rings */
	unsigned int doubted; /* claims, as bits, that rest on facts which are contradicted */
	bool inconsistent;
	struct slow_witness w;
	uint64_t loose_bits; /* above RAM, that some address carried */
};

/* Refuted whatever is missing; refuted if nothing is; cannot hold. */
static inline void slow_fact(struct slow *s, enum claim_id c)
{
	s->claims[c].fact = true;
}

static inline void slow_absent(struct slow *s, enum claim_id c)
{
	s->claims[c].absent = true;
}

static inline void slow_open(struct slow *s, enum claim_id c)
{
	s->claims[c].open = true;
}

/* slow-stream.c */
/* Sequence number of what this CPU reported before the record of event i; 0 nothing. */
uint64_t slow_reported_before(const struct slow *s, size_t i, bool but_bounces);
/* Can this CPU have been in the kernel's unmap since event seq of another one? */
bool slow_in_flight(const struct slow *s, uint64_t seq);
/* The bounce of this map may have been before the events were on. */
bool slow_bounce_unreported(const struct slow *s);
const struct platform_pci *slow_pci_of(const struct slow *s, uint16_t dev);
bool slow_behind_iommu(const struct slow *s, uint16_t dev);
bool slow_accepted_by_facts(const struct slow *s, uint16_t dev);
/* The device's state after the first `end` events. */
enum event_tsm slow_trust(const struct slow *s, uint16_t dev, size_t end);
bool slow_trusted(const struct slow *s, uint16_t dev);
/* A bounced buffer as its map names it. */
/* Where the facts do not name the C-bit: it is the first that a bounced buffer carries above RAM.
 */
void slow_learn_c_bit(struct slow *s, uint64_t orig);
uint64_t slow_without_c_bit(const struct slow *s, uint64_t orig);
/* The platform may let it reach protected memory, and nothing shows it. */
bool slow_is_assigned(const struct slow *s, uint16_t dev);
/* … and the policy says that it may. */
bool slow_is_entrusted(const struct slow *s, uint16_t dev);
/* Facts call it accepted, of the window, which has not opened yet. */
bool slow_trust_is_later(const struct slow *s, uint16_t dev);
bool slow_trust_is_told(const struct slow *s, uint16_t dev);

/* slow-memory.c */
uint64_t slow_last_of(uint64_t start, uint64_t size);
bool slow_in_pool(const struct slow *s, uint64_t a);
bool slow_pools_complete(const struct slow *s);
enum memory_state slow_memory(const struct slow *s, uint64_t start, uint64_t size);
/* Did any byte of it change, and it is not known whether it changed back? */
bool slow_unsettled(const struct slow *s, uint64_t start, uint64_t size, bool virt);
bool slow_virt_decrypted(const struct slow *s, uint64_t start, uint64_t size);
bool slow_touches_pool(const struct slow *s, uint64_t start, uint64_t size);
uint64_t slow_plain_of(const struct slow *s, uint16_t dev, uint64_t dma, uint64_t *bit);
bool slow_contains(const struct life *l, uint64_t start, uint64_t last);
/* In the pool a mapping has its slots for itself. */
bool slow_shares(const struct slow *s, const struct life *l, uint64_t start, uint64_t last);
/* Has it slots?  Not where it reaches beyond its pool. */
bool slow_has_slots(const struct slow *s, const struct life *l);
/* Of a slot, the one that was mapped last is the owner. */
bool slow_owns(const struct slow *s, const struct life *l, uint64_t addr);
/* Does it own a slot of what it shares with the range? */
bool slow_owns_some(const struct slow *s, const struct life *l, uint64_t from, uint64_t to);
/* The live mapping that this range is a part of; one whose memory is not taken, if there is. */
struct life *slow_around(struct slow *s, uint16_t dev, uint64_t start, uint64_t size);
/* The live allocation that this range is a part of. */
const struct life *slow_alloc_around(const struct slow *s, uint16_t dev, uint64_t start,
				     uint64_t size);

/* slow-place.c */
enum answer { SHARED, PROTECTED, OPEN };
enum answer slow_address_is(struct slow *s, const struct event *e, uint64_t plain, uint64_t bit,
			    bool alloc, enum memory_state *what);
/* Decide one address; says what memory it is when that is shared. */
/* Of an allocation: nothing says what it is, but that page tables could show it. */
bool slow_unshown(const struct slow *s, const struct event *e, uint64_t plain, uint64_t bit);
enum memory_state slow_published(struct slow *s, const struct event *e, uint64_t plain,
				 uint64_t bit, bool alloc);
/* A list failed that is reported as a whole: its bounces wait for no map. */
void slow_list_failed(struct slow *s, const struct event *e);
bool slow_take_bounce(struct slow *s, const struct event *e, const struct event **bounce,
		      bool *by_order);
void slow_pair(struct slow *s, const struct event *e, uint64_t plain, enum memory_state is,
	       const struct event *bounce, bool by_order);

/* slow-begin.c */
void slow_add_ended(struct slow *s, struct ended e);
const struct ended *slow_find_ended(const struct slow *s, uint16_t dev, uint64_t dma, bool alloc);
bool slow_is_alike(const struct life *l, uint16_t dev, uint64_t orig, int dir);
void slow_begin(struct slow *s, const struct event *e, uint64_t plain, struct life l);
void slow_map(struct slow *s, const struct event *e);
void slow_alloc(struct slow *s, const struct event *e);

/* slow-end.c */
void slow_unmap(struct slow *s, const struct event *e);
void slow_free(struct slow *s, const struct event *e);
void slow_sync(struct slow *s, const struct event *e);

/* slow-consistent.c */
void slow_observe(struct slow *s, const struct event *e, uint64_t plain, bool bounced,
		  bool by_order);
/* Had this device's rings been allocated before the event that is judged? */
bool slow_has_rings(const struct slow *s, uint16_t dev);
/* Signs that the recorder was told to leave events out. */
bool slow_hidden(const struct slow *s);
/* Does the clock order what different CPUs tell? */
bool slow_skewed(const struct slow *s);
uint64_t slow_offset(const struct slow *s, uint16_t dev);
void slow_learn_offset(struct slow *s, const struct event *e, const struct event *bounce);
/* Facts against stream, recording, log and facts. */
void slow_compare(struct slow *s);
bool slow_rings_seen(const struct slow *s);
bool slow_denies_dma(const struct slow *s, const struct platform_virtio *d);
bool slow_seen(const struct slow *s, const char *device);

/* slow-devices.c */
bool slow_is_dma(unsigned int kind);
bool slow_worked(const struct slow *s, const struct platform_virtio *d);
void slow_bypass(struct slow *s);
void slow_silence(struct slow *s);

/* slow-evidence.c */
bool slow_lost(const struct slow *s);
bool slow_undisturbed(const struct slow *s);
bool slow_loss_counted(const struct slow *s);
bool slow_whole(const struct slow *s);
bool slow_complete(const struct slow *s);
bool slow_armed(const struct slow *s);

/* slow-witness.c */
void slow_witness_begin(struct slow *s);
void slow_witness_event(struct slow *s, const struct event *e); /* before it is judged */
void slow_witness_unknown(struct slow *s, const struct event *e);
/* Recording was off for a moment between boot and the window. */
bool slow_gap(const struct slow *s);
/* Does something older than the window hold all of it?  rings: of coherent memory. */
bool slow_old_holds(const struct slow *s, uint64_t from, uint64_t last, uint16_t dev, bool rings);

/* slow-snapshot.c */
void slow_snapshot_begin(struct slow *s); /* the one of the start, at its mark */
void slow_witness_end(struct slow *s);
/* May the page tables show that coherent memory is shared? */
bool slow_pages_may_tell(const struct slow *s);
/* Is all that was live when the window opened known from the kernel's memory? */
bool slow_start_known(const struct slow *s);
static inline bool slow_meet(uint64_t a, uint64_t a_last, uint64_t b, uint64_t b_last)
{
	return a <= b_last && b <= a_last;
}

/* slow-conditions.c */
void slow_conditions(struct slow *s, enum cond_state *conds);

#endif
