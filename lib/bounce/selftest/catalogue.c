/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/selftest/catalogue.h"

#include <string.h>

#include "lib/bounce/selftest/machine-state.h"

/* ---- where ---- */

static bool is_dynamic(const struct machine_config *c)
{
	return c->transport == MACHINE_MSG1_DYNAMIC || c->transport == MACHINE_MSG2_DYNAMIC;
}

static bool is_static(const struct machine_config *c)
{
	return c->transport == MACHINE_MSG1_STATIC || c->transport == MACHINE_MSG2_STATIC;
}

static bool anywhere(const struct machine_config *c)
{
	(void)c;
	return true;
}

/* Wherever a slot is used: not where each buffer is shared as it is. */
static bool with_slots(const struct machine_config *c)
{
	return !is_dynamic(c);
}

static bool with_areas(const struct machine_config *c)
{
	return is_dynamic(c);
}

/* Devices that have more than one streaming mapping live at once. */
static bool several_live(const struct machine_config *c)
{
	return c->device != MACHINE_RNG && c->device != MACHINE_BALLOON;
}

static bool several_slots(const struct machine_config *c)
{
	return with_slots(c) && several_live(c);
}

static bool several_areas(const struct machine_config *c)
{
	return with_areas(c) && several_live(c);
}

/* Requests of several buffers, which is what indirect descriptors are for. */
static bool with_tables(const struct machine_config *c)
{
	return with_slots(c) &&
	       (c->device == MACHINE_NET || c->device == MACHINE_BLK || c->device == MACHINE_FS);
}

/* Buffers that the device writes and the driver unmaps with a copy back. */
static bool with_input(const struct machine_config *c)
{
	return c->device != MACHINE_BALLOON;
}

static bool with_slot_input(const struct machine_config *c)
{
	return with_slots(c) && with_input(c);
}

/* Only drivers that keep their buffers mapped sync them. */
static bool with_syncs(const struct machine_config *c)
{
	return c->device == MACHINE_NET;
}

static bool with_msg(const struct machine_config *c)
{
	return is_static(c) || is_dynamic(c);
}

static bool with_pages(const struct machine_config *c)
{
	return !is_static(c);
}

static bool only_balloon(const struct machine_config *c)
{
	return c->device == MACHINE_BALLOON;
}

static bool not_balloon(const struct machine_config *c)
{
	return c->device != MACHINE_BALLOON;
}

static bool only_tdisp(const struct machine_config *c)
{
	(void)c;
	return false; /* has its own scenario: lib/bounce/selftest/selftest.c */
}

/* ---- what to prepare ---- */

static void plain(struct machine_config *c)
{
	c->alias = false;
}

static void alias(struct machine_config *c)
{
	c->alias = true;
}

static void indirect(struct machine_config *c)
{
	c->indirect = true;
}

/* ---- what shows it ---- */

static bool is_map(const struct machine *m, const struct counterexample *ce)
{
	(void)m;
	return ce->event.kind == EVENT_MAP;
}

static bool is_unmap(const struct machine *m, const struct counterexample *ce)
{
	(void)m;
	return ce->event.kind == EVENT_UNMAP;
}

static bool is_sync(const struct machine *m, const struct counterexample *ce)
{
	(void)m;
	return ce->event.kind == EVENT_SYNC_CPU || ce->event.kind == EVENT_SYNC_DEVICE;
}

static bool is_unmap_or_sync(const struct machine *m, const struct counterexample *ce)
{
	return is_unmap(m, ce) || is_sync(m, ce);
}

static bool is_original(const struct machine *m, const struct counterexample *ce)
{
	return is_map(m, ce) && ce->memory == MEMORY_PROTECTED && ce->event.dma == ce->event.orig;
}

static bool is_past_pool(const struct machine *m, const struct counterexample *ce)
{
	return is_map(m, ce) && ce->memory == MEMORY_PROTECTED &&
	       ce->event.dma == swiotlb_pool_end(m->dma.pools[0]) + 1;
}

static bool is_unpaired(const struct machine *m, const struct counterexample *ce)
{
	return is_map(m, ce) && (ce->memory == MEMORY_POOL || ce->memory == MEMORY_ALIAS);
}

static bool is_ring(const struct machine *m, const struct counterexample *ce)
{
	(void)m;
	return ce->event.kind == EVENT_ALLOC && ce->memory == MEMORY_PROTECTED;
}

static bool is_table(const struct machine *m, const struct counterexample *ce)
{
	return is_original(m, ce) && ce->event.size % 16 == 0;
}

static bool is_closed(const struct machine *m, const struct counterexample *ce)
{
	(void)m;
	return ce->event.kind == EVENT_ENCRYPT && ce->memory == MEMORY_PROTECTED;
}

/* What the facts show, and no event. */
static bool is_fact(const struct machine *m, const struct counterexample *ce)
{
	(void)m;
	return ce->seq == 0;
}

/* Does what was given out at e lie in slots of [dma, dma + size)? */
static bool in_slots_of(const struct event *e, uint64_t dma, uint64_t size)
{
	uint64_t slot = SWIOTLB_SLOT - 1;

	if ((e->kind != EVENT_MAP && e->kind != EVENT_ALLOC) || e->dma == EVENT_NO_ADDR)
		return false;
	return (e->dma & ~slot) <= ((dma + (size ? size - 1 : 0)) | slot) &&
	       (dma & ~slot) <= ((e->dma + e->size - 1) | slot);
}

static bool is_end_of(const struct event *e, const struct event *given)
{
	if (e->dev != given->dev || (e->kind != EVENT_UNMAP && e->kind != EVENT_FREE))
		return false;
	return e->flags & EVENT_F_BY_ORIG ? e->orig == given->orig : e->dma == given->dma;
}

/* Of the counterexample's memory, was some given out while it was given out? */
static bool is_two_at_once(const struct machine *m, const struct counterexample *ce)
{
	for (size_t i = 0; i < m->nevents; i++) {
		const struct event *first = &m->events[i];

		if (first->dev != ce->event.dev ||
		    !in_slots_of(first, ce->event.dma, ce->event.size))
			continue;
		for (size_t k = i + 1; k < m->nevents && !is_end_of(&m->events[k], first); k++) {
			if (m->events[k].dev == first->dev &&
			    in_slots_of(&m->events[k], first->dma, first->size))
				return true;
		}
	}
	return false;
}

static bool is_pool_for_trusted(const struct machine *m, const struct counterexample *ce)
{
	return is_map(m, ce) &&
	       swiotlb_pool_contains(m->pools[0], ce->event.dma & ~MACHINE_SHARED_BIT);
}

static bool is_unlock(const struct machine *m, const struct counterexample *ce)
{
	(void)m;
	return ce->event.kind == EVENT_TSM && ce->event.aux == EVENT_TSM_UNLOCKED &&
	       ce->memory == MEMORY_PROTECTED;
}

static bool is_acceptance(const struct machine *m, const struct counterexample *ce)
{
	(void)m;
	return ce->event.kind == EVENT_TSM && ce->event.aux == EVENT_TSM_RUN &&
	       ce->memory == MEMORY_POOL;
}

/* ---- the catalogue ---- */

/*
 * What it is called and does; the claim that it breaks, the counterexample that shows it, where
 * it can happen; and what else is to be said of it.
 */
#define BREAKS(ID, NAME, SUMMARY, CLAIM, SIGN, SHOWS, APPLIES, ...)                         \
	{                                                                                   \
		.id = FAULT_##ID, .name = NAME, .summary = SUMMARY, .claim = CLAIM_##CLAIM, \
		.sign = SIGN, .shows = SHOWS, .applies = APPLIES, ##__VA_ARGS__             \
	}
/* The same where evidence is missing: the condition that it leaves unmet. */
#define MISSING(ID, NAME, SUMMARY, COND, SIGN, APPLIES, ...)                         \
	{                                                                            \
		.id = FAULT_##ID, .name = NAME, .summary = SUMMARY, .claim = CLAIMS, \
		.cond = COND_##COND, .sign = SIGN, .applies = APPLIES, ##__VA_ARGS__ \
	}

const struct fault_case fault_cases[] = {
	BREAKS(NO_BOUNCE, "no-bounce", "a protected buffer is mapped as it is, without a bounce",
	       DMA_IN_SHARED, "a map whose address is the protected buffer's", is_original,
	       with_slots, .also = CLAIM_BOUNCE_PAIRED, .damage = DAMAGE_MUST, .max_skip = 2),
	BREAKS(PUBLISH_ORIGINAL, "publish-original",
	       "the buffer is bounced, but the device is given the original", DMA_IN_SHARED,
	       "a map whose address is the protected buffer's", is_original, with_slots,
	       .also = CLAIM_BOUNCE_PAIRED, .damage = DAMAGE_MUST, .max_skip = 2),
	BREAKS(PAST_END, "past-end", "more is published than was bounced", BOUNCE_PAIRED,
	       "a map of another size than its bounce", is_map, with_slots),
	BREAKS(OFF_BY_GRANULE, "off-by-granule", "a slot lies one granule past the end of its pool",
	       DMA_IN_SHARED, "a map at the first address behind the pool", is_past_pool,
	       with_slots, .damage = DAMAGE_MUST, .prepare = plain, .max_skip = 2),
	BREAKS(WRONG_DIRECTION, "wrong-direction", "a buffer is mapped for the other direction",
	       LIFECYCLE, "an unmap or sync whose direction is not its map's", is_unmap_or_sync,
	       anywhere, .max_skip = 2),
	BREAKS(UNMAP_EARLY, "unmap-early", "a buffer is unmapped while the device still uses it",
	       LIFECYCLE, "a second unmap of an address given back before", is_unmap, anywhere,
	       .max_skip = 1),
	BREAKS(USE_AFTER_UNMAP, "use-after-unmap", "a mapping is synced after it was unmapped",
	       LIFECYCLE, "a sync of an address given back before", is_sync, anywhere,
	       .max_skip = 2),
	BREAKS(SLOT_TWICE, "slot-twice",
	       "a slot is given to a second mapping while the first is live", SLOTS_DISJOINT,
	       "two live mappings with common addresses", is_two_at_once, several_slots,
	       .unattributed = true),
	BREAKS(NO_COPY_BACK, "no-copy-back", "what the device wrote is not copied back", LIFECYCLE,
	       "an unmap whose direction is not its map's", is_unmap, with_slot_input,
	       .damage = DAMAGE_MUST, .prepare = plain),
	BREAKS(LONG_COPY_BACK, "long-copy-back", "more is copied back than was mapped", LIFECYCLE,
	       "an unmap larger than its map", is_unmap, with_slot_input, .damage = DAMAGE_MUST,
	       .prepare = plain),
	BREAKS(STALE_SLOT, "stale-slot", "a slot is published with what it held before",
	       BOUNCE_PAIRED, "a map into the pool that no bounce came before", is_unpaired,
	       with_slots, .max_skip = 2),
	BREAKS(SYNC_FOREIGN, "sync-foreign", "another device's mapping is synced", LIFECYCLE,
	       "a sync of an address that this device never had", is_sync, with_syncs,
	       .prepare = alias, .max_skip = 2),
	BREAKS(ENCRYPT_WHILE_MAPPED, "encrypt-while-mapped",
	       "shared memory is taken back while the device has it", DMA_IN_SHARED,
	       "an encrypt of a live allocation", is_closed, anywhere, .damage = DAMAGE_MUST,
	       .max_skip = 1),
	BREAKS(RING_PROTECTED, "ring-protected", "a ring lies in protected memory", DMA_IN_SHARED,
	       "an allocation without the shared address", is_ring, anywhere, .damage = DAMAGE_MUST,
	       .prepare = alias),
	BREAKS(INDIRECT_PROTECTED, "indirect-protected",
	       "a table of indirect descriptors is not bounced", DMA_IN_SHARED,
	       "a map of 16-byte entries at its own address", is_table, with_tables,
	       .damage = DAMAGE_MUST, .prepare = indirect),
	BREAKS(USED_LENGTH, "used-length", "the driver believes a length beyond the buffer",
	       LIFECYCLE, "a sync beyond the live mapping", is_sync, with_input,
	       .trick = HOSTILE_LONG_LENGTH),
	BREAKS(DOUBLE_FETCH, "double-fetch", "the driver checks a length and then reads it again",
	       LIFECYCLE, "a sync beyond the live mapping", is_sync, with_input,
	       .trick = HOSTILE_TOCTOU),
	BREAKS(NO_ACCESS_PLATFORM, "no-access-platform",
	       "ACCESS_PLATFORM is not negotiated: raw addresses, no DMA API", NO_BYPASS,
	       "the device's feature bit 33 is clear", is_fact, not_balloon, .damage = DAMAGE_MUST),
	BREAKS(BALLOON_PFN, "balloon-pfn", "the balloon hands out page numbers of protected memory",
	       NO_BYPASS, "a balloon without ACCESS_PLATFORM", is_fact, only_balloon,
	       .damage = DAMAGE_MUST),
	BREAKS(EXCESS_PAGE, "excess-page", "one page more is shared than is needed", EGRESS,
	       "more excess than the same run has without the fault", is_fact, with_pages),
	BREAKS(EARLY_RECLAIM, "early-reclaim",
	       "an area is reclaimed before the borrower relinquished it", DMA_IN_SHARED,
	       "an encrypt of a live mapping's pages", is_closed, with_areas, .max_skip = 1),
	BREAKS(RETRIEVE_TWICE, "retrieve-twice", "a handle is retrieved again for another mapping",
	       SLOTS_DISJOINT, "one address for two buffers", is_two_at_once, several_areas,
	       .unattributed = true, .max_skip = 1),
	BREAKS(AREA_REUSE, "area-reuse",
	       "an area's id is given to another mapping while it is live", SLOTS_DISJOINT,
	       "one address for two buffers", is_two_at_once, several_areas, .unattributed = true,
	       .prepare = indirect),
	BREAKS(WRONG_REVISION, "wrong-revision",
	       "a message of the other virtio-msg revision is believed", NO_BYPASS,
	       "features misread: bit 33 is clear", is_fact, with_msg, .damage = DAMAGE_MUST),
	BREAKS(TDISP_EARLY, "tdisp-early", "a TDISP device is given protected memory before RUN",
	       DMA_IN_SHARED, "a protected map of a device that is not in RUN", is_original,
	       only_tdisp, .damage = DAMAGE_MUST),
	BREAKS(TDISP_LATE, "tdisp-late", "a TDISP device is given protected memory after RUN",
	       DMA_IN_SHARED, "a protected map of a device that left RUN", is_original, only_tdisp,
	       .damage = DAMAGE_MUST),
	BREAKS(TDISP_POOL, "tdisp-pool", "an accepted device is given the bounce pool",
	       DMA_IN_SHARED, "a pool map of a device in RUN", is_pool_for_trusted, only_tdisp,
	       .damage = DAMAGE_MUST),
	BREAKS(TDISP_CARRY, "tdisp-carry",
	       "a device brings memory of the bounce pool along when it is accepted", DMA_IN_SHARED,
	       "the acceptance of a device that has a pool mapping", is_acceptance, only_tdisp,
	       .damage = DAMAGE_MUST),
	BREAKS(TDISP_KEEP, "tdisp-keep",
	       "a device keeps protected memory after the Realm let go of it", DMA_IN_SHARED,
	       "an unlock of a device that has a protected mapping", is_unlock, only_tdisp,
	       .damage = DAMAGE_MUST),
	MISSING(LOST_EVENTS, "lost-events", "an event is lost", NOTHING_LOST,
		"a LOST marker with its count", anywhere, .max_skip = 5),
	MISSING(DISORDER, "disorder", "events go back in time within a CPU's buffer", NOTHING_LOST,
		"time stamps out of order", anywhere, .max_skip = 5),
};

const size_t nfault_cases = sizeof(fault_cases) / sizeof(fault_cases[0]);

const struct fault_case *fault_case_find(const char *name)
{
	for (size_t i = 0; i < nfault_cases; i++) {
		if (strcmp(fault_cases[i].name, name) == 0)
			return &fault_cases[i];
	}
	return NULL;
}
