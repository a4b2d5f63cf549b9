/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/catalogue.h"

#include <string.h>

#include "lib/bounce/machine-local.h"

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
	return false; /* has its own scenario: lib/bounce/selftest.c */
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

static bool any(const struct machine *m, const struct counterexample *ce)
{
	(void)m;
	(void)ce;
	return true;
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

/* ---- the catalogue ---- */

const struct fault_case fault_cases[] = {
	{ .id = FAULT_NO_BOUNCE,
	  .name = "no-bounce",
	  .summary = "a protected buffer is mapped as it is, without a bounce",
	  .claim = CLAIM_DMA_IN_SHARED,
	  .also = CLAIM_BOUNCE_PAIRED,
	  .sign = "a map whose address is the protected buffer's",
	  .shows = is_original,
	  .damage = DAMAGE_MUST,
	  .applies = with_slots,
	  .max_skip = 2 },
	{ .id = FAULT_PUBLISH_ORIGINAL,
	  .name = "publish-original",
	  .summary = "the buffer is bounced, but the device is given the original",
	  .claim = CLAIM_DMA_IN_SHARED,
	  .also = CLAIM_BOUNCE_PAIRED,
	  .sign = "a map whose address is the protected buffer's",
	  .shows = is_original,
	  .damage = DAMAGE_MUST,
	  .applies = with_slots,
	  .max_skip = 2 },
	{ .id = FAULT_PAST_END,
	  .name = "past-end",
	  .summary = "more is published than was bounced",
	  .claim = CLAIM_BOUNCE_PAIRED,
	  .sign = "a map of another size than its bounce",
	  .shows = is_map,
	  .applies = with_slots },
	{ .id = FAULT_OFF_BY_GRANULE,
	  .name = "off-by-granule",
	  .summary = "a slot lies one granule past the end of its pool",
	  .claim = CLAIM_DMA_IN_SHARED,
	  .sign = "a map at the first address behind the pool",
	  .shows = is_past_pool,
	  .damage = DAMAGE_MUST,
	  .applies = with_slots,
	  .prepare = plain,
	  .max_skip = 2 },
	{ .id = FAULT_WRONG_DIRECTION,
	  .name = "wrong-direction",
	  .summary = "a buffer is mapped for the other direction",
	  .claim = CLAIM_LIFECYCLE,
	  .sign = "an unmap or sync whose direction is not its map's",
	  .shows = is_unmap_or_sync,
	  .applies = anywhere,
	  .max_skip = 2 },
	{ .id = FAULT_UNMAP_EARLY,
	  .name = "unmap-early",
	  .summary = "a buffer is unmapped while the device still uses it",
	  .claim = CLAIM_LIFECYCLE,
	  .sign = "a second unmap of an address given back before",
	  .shows = is_unmap,
	  .applies = anywhere,
	  .max_skip = 1 },
	{ .id = FAULT_USE_AFTER_UNMAP,
	  .name = "use-after-unmap",
	  .summary = "a mapping is synced after it was unmapped",
	  .claim = CLAIM_LIFECYCLE,
	  .sign = "a sync of an address given back before",
	  .shows = is_sync,
	  .applies = anywhere,
	  .max_skip = 2 },
	{ .id = FAULT_SLOT_TWICE,
	  .name = "slot-twice",
	  .summary = "a slot is given to a second mapping while the first is live",
	  .claim = CLAIM_SLOTS_DISJOINT,
	  .sign = "two live mappings with common addresses",
	  .shows = any,
	  .astray = true,
	  .applies = several_slots },
	{ .id = FAULT_NO_COPY_BACK,
	  .name = "no-copy-back",
	  .summary = "what the device wrote is not copied back",
	  .claim = CLAIM_LIFECYCLE,
	  .sign = "an unmap whose direction is not its map's",
	  .shows = is_unmap,
	  .damage = DAMAGE_MUST,
	  .applies = with_slot_input,
	  .prepare = plain },
	{ .id = FAULT_LONG_COPY_BACK,
	  .name = "long-copy-back",
	  .summary = "more is copied back than was mapped",
	  .claim = CLAIM_LIFECYCLE,
	  .sign = "an unmap larger than its map",
	  .shows = is_unmap,
	  .damage = DAMAGE_MUST,
	  .applies = with_slot_input,
	  .prepare = plain },
	{ .id = FAULT_STALE_SLOT,
	  .name = "stale-slot",
	  .summary = "a slot is published with what it held before",
	  .claim = CLAIM_BOUNCE_PAIRED,
	  .sign = "a map into the pool that no bounce came before",
	  .shows = is_unpaired,
	  .applies = with_slots,
	  .max_skip = 2 },
	{ .id = FAULT_SYNC_FOREIGN,
	  .name = "sync-foreign",
	  .summary = "another device's mapping is synced",
	  .claim = CLAIM_LIFECYCLE,
	  .sign = "a sync of an address that this device never had",
	  .shows = is_sync,
	  .applies = with_syncs,
	  .prepare = alias,
	  .max_skip = 2 },
	{ .id = FAULT_ENCRYPT_WHILE_MAPPED,
	  .name = "encrypt-while-mapped",
	  .summary = "shared memory is taken back while the device has it",
	  .claim = CLAIM_DMA_IN_SHARED,
	  .sign = "an encrypt of a live allocation",
	  .shows = is_closed,
	  .damage = DAMAGE_MUST,
	  .applies = anywhere,
	  .max_skip = 1 },
	{ .id = FAULT_RING_PROTECTED,
	  .name = "ring-protected",
	  .summary = "a ring lies in protected memory",
	  .claim = CLAIM_DMA_IN_SHARED,
	  .sign = "an allocation without the shared address",
	  .shows = is_ring,
	  .damage = DAMAGE_MUST,
	  .applies = anywhere,
	  .prepare = alias },
	{ .id = FAULT_INDIRECT_PROTECTED,
	  .name = "indirect-protected",
	  .summary = "a table of indirect descriptors is not bounced",
	  .claim = CLAIM_DMA_IN_SHARED,
	  .sign = "a map of 16-byte entries at its own address",
	  .shows = is_table,
	  .damage = DAMAGE_MUST,
	  .applies = with_tables,
	  .prepare = indirect,
	  .max_skip = 0 },
	{ .id = FAULT_USED_LENGTH,
	  .name = "used-length",
	  .summary = "the driver believes a length beyond the buffer",
	  .claim = CLAIM_LIFECYCLE,
	  .sign = "a sync beyond the live mapping",
	  .shows = is_sync,
	  .trick = HOSTILE_LONG_LENGTH,
	  .applies = with_input },
	{ .id = FAULT_DOUBLE_FETCH,
	  .name = "double-fetch",
	  .summary = "the driver checks a length and then reads it again",
	  .claim = CLAIM_LIFECYCLE,
	  .sign = "a sync beyond the live mapping",
	  .shows = is_sync,
	  .trick = HOSTILE_TOCTOU,
	  .applies = with_input },
	{ .id = FAULT_NO_ACCESS_PLATFORM,
	  .name = "no-access-platform",
	  .summary = "ACCESS_PLATFORM is not negotiated: raw addresses, no DMA API",
	  .claim = CLAIM_NO_BYPASS,
	  .sign = "the device's feature bit 33 is clear",
	  .shows = any,
	  .damage = DAMAGE_MUST,
	  .applies = not_balloon },
	{ .id = FAULT_BALLOON_PFN,
	  .name = "balloon-pfn",
	  .summary = "the balloon hands out page numbers of protected memory",
	  .claim = CLAIM_NO_BYPASS,
	  .sign = "a balloon without ACCESS_PLATFORM",
	  .shows = any,
	  .damage = DAMAGE_MUST,
	  .applies = only_balloon },
	{ .id = FAULT_EXCESS_PAGE,
	  .name = "excess-page",
	  .summary = "one page more is shared than is needed",
	  .claim = CLAIM_EGRESS,
	  .sign = "more excess than the same run has without the fault",
	  .shows = any,
	  .applies = with_pages,
	  .max_skip = 0 },
	{ .id = FAULT_EARLY_RECLAIM,
	  .name = "early-reclaim",
	  .summary = "an area is reclaimed before the borrower relinquished it",
	  .claim = CLAIM_DMA_IN_SHARED,
	  .sign = "an encrypt of a live mapping's pages",
	  .shows = is_closed,
	  .applies = with_areas,
	  .max_skip = 1 },
	{ .id = FAULT_RETRIEVE_TWICE,
	  .name = "retrieve-twice",
	  .summary = "a handle is retrieved again for another mapping",
	  .claim = CLAIM_SLOTS_DISJOINT,
	  .sign = "one address for two buffers",
	  .shows = any,
	  .astray = true,
	  .applies = several_areas,
	  .max_skip = 1 },
	{ .id = FAULT_AREA_REUSE,
	  .name = "area-reuse",
	  .summary = "an area's id is given to another mapping while it is live",
	  .claim = CLAIM_SLOTS_DISJOINT,
	  .sign = "one address for two buffers",
	  .shows = any,
	  .astray = true,
	  .applies = several_areas,
	  .prepare = indirect },
	{ .id = FAULT_WRONG_REVISION,
	  .name = "wrong-revision",
	  .summary = "a message of the other virtio-msg revision is believed",
	  .claim = CLAIM_NO_BYPASS,
	  .sign = "features misread: bit 33 is clear",
	  .shows = any,
	  .damage = DAMAGE_MUST,
	  .applies = with_msg },
	{ .id = FAULT_TDISP_EARLY,
	  .name = "tdisp-early",
	  .summary = "a TDISP device is given protected memory before RUN",
	  .claim = CLAIM_DMA_IN_SHARED,
	  .sign = "a protected map of a device that is not in RUN",
	  .shows = is_original,
	  .damage = DAMAGE_MUST,
	  .applies = only_tdisp },
	{ .id = FAULT_TDISP_LATE,
	  .name = "tdisp-late",
	  .summary = "a TDISP device is given protected memory after RUN",
	  .claim = CLAIM_DMA_IN_SHARED,
	  .sign = "a protected map of a device that left RUN",
	  .shows = is_original,
	  .damage = DAMAGE_MUST,
	  .applies = only_tdisp },
	{ .id = FAULT_TDISP_POOL,
	  .name = "tdisp-pool",
	  .summary = "an accepted device is given the bounce pool",
	  .claim = CLAIM_DMA_IN_SHARED,
	  .sign = "a pool map of a device in RUN",
	  .shows = is_pool_for_trusted,
	  .damage = DAMAGE_MUST,
	  .applies = only_tdisp },
	{ .id = FAULT_TDISP_KEEP,
	  .name = "tdisp-keep",
	  .summary = "a device keeps protected memory after the Realm let go of it",
	  .claim = CLAIM_DMA_IN_SHARED,
	  .sign = "an unlock of a device that has a protected mapping",
	  .shows = is_unlock,
	  .damage = DAMAGE_MUST,
	  .applies = only_tdisp },
	{ .id = FAULT_LOST_EVENTS,
	  .name = "lost-events",
	  .summary = "an event is lost",
	  .claim = CLAIMS,
	  .cond = COND_NOTHING_LOST,
	  .sign = "a LOST marker with its count",
	  .applies = anywhere,
	  .max_skip = 5 },
	{ .id = FAULT_DISORDER,
	  .name = "disorder",
	  .summary = "events go back in time within a CPU's buffer",
	  .claim = CLAIMS,
	  .cond = COND_NOTHING_LOST,
	  .sign = "time stamps out of order",
	  .applies = anywhere,
	  .max_skip = 5 },
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
