/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams with one thing wrong in their events. */
#include "lib/judge/selfcheck/scene.h"

void scene_direct(struct scene *s)
{
	s->ev[AT_MAP].dma = s->ev[AT_UNMAP].dma = BUFFER;
	scene_cut(s, AT_BOUNCE);
}

static void original_published(struct scene *s)
{
	s->ev[AT_MAP].dma = s->ev[AT_UNMAP].dma = BUFFER;
}

static void no_bounce(struct scene *s)
{
	scene_cut(s, AT_BOUNCE);
}

static void no_map(struct scene *s)
{
	scene_cut(s, AT_MAP);
}

static void bounce_size(struct scene *s)
{
	s->ev[AT_BOUNCE].size -= 4;
}

static void overlap(struct scene *s)
{
	struct event unmap = s->ev[AT_UNMAP];

	scene_cut(s, AT_UNMAP);
	scene_insert(s, AT_CANARY_UNMAP, unmap); /* now after the canary took its slot */
}

static void alloc_overlap(struct scene *s)
{
	scene_insert(s, AT_BOUNCE, s->ev[AT_RING]);
}

static void lost(struct scene *s)
{
	scene_insert(s, AT_UNMAP, (struct event){ .kind = EVENT_LOST, .size = 3 });
}

static void truncated(struct scene *s)
{
	scene_insert(s, AT_UNMAP,
		     (struct event){ .kind = EVENT_SG_TRUNCATED, .dev = s->ev[AT_MAP].dev });
}

static void late_encrypt(struct scene *s)
{
	scene_insert(s, AT_STOP,
		     (struct event){ .kind = EVENT_ENCRYPT, .orig = SLOT, .size = 4096 });
}

static void ring_encrypted(struct scene *s)
{
	scene_insert(s, AT_STOP,
		     (struct event){ .kind = EVENT_ENCRYPT,
				     .flags = EVENT_F_VIRT,
				     .link = RING_VIRT,
				     .size = RING_SIZE });
}

static void use_after_unmap(struct scene *s)
{
	struct event sync = s->ev[AT_UNMAP];

	sync.kind = EVENT_SYNC_DEVICE;
	scene_insert(s, AT_CANARY_BOUNCE, sync);
}

static void double_unmap(struct scene *s)
{
	scene_insert(s, AT_CANARY_BOUNCE, s->ev[AT_UNMAP]);
}

static void unmap_size(struct scene *s)
{
	s->ev[AT_UNMAP].size++;
}

static void unmap_direction(struct scene *s)
{
	s->ev[AT_UNMAP].dir = EVENT_FROM_DEVICE;
}

static void sync_beyond(struct scene *s)
{
	s->ev[AT_RX_SYNC].size = 4097;
}

static void past_end(struct scene *s)
{
	s->facts.realm.ipa_bits = 0; /* plain addresses: only the pool's bounds decide */
	s->ev[AT_RING].dma = POOL_START;
	for (size_t i = AT_MAP; i < AT_STOP; i++) {
		if (s->ev[i].dma != EVENT_NO_ADDR)
			s->ev[i].dma = SLOT;
	}
	s->ev[AT_RX].dma = s->ev[AT_RX_SYNC].dma = POOL_END + 1 - 2048;
}

const struct scene_case scene_stream_cases[] = {
	{ "a clean stream", NULL, OUTCOME_PROVEN, ANY, ANY },
	{ "protected memory mapped directly", scene_direct, OUTCOME_VIOLATED, CLAIM_DMA_IN_SHARED,
	  ANY },
	{ "a bounced buffer published itself", original_published, OUTCOME_VIOLATED,
	  CLAIM_BOUNCE_PAIRED, ANY },
	{ "a map without its bounce", no_bounce, OUTCOME_VIOLATED, CLAIM_BOUNCE_PAIRED, ANY },
	{ "a bounce without its map", no_map, OUTCOME_VIOLATED, CLAIM_LIFECYCLE, COND_CONSERVED },
	{ "a pair that differs in size", bounce_size, OUTCOME_VIOLATED, CLAIM_BOUNCE_PAIRED, ANY },
	{ "two mappings in one slot", overlap, OUTCOME_VIOLATED, CLAIM_SLOTS_DISJOINT, ANY },
	{ "two allocations in one place", alloc_overlap, OUTCOME_VIOLATED, CLAIM_SLOTS_DISJOINT,
	  ANY },
	{ "a lost page", lost, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED, COND_NOTHING_LOST },
	{ "a cut scatter-gather event", truncated, OUTCOME_INCONCLUSIVE, CLAIM_DMA_IN_SHARED,
	  COND_NOT_TRUNCATED },
	{ "memory protected while published", late_encrypt, OUTCOME_VIOLATED, CLAIM_DMA_IN_SHARED,
	  ANY },
	{ "rings protected while published", ring_encrypted, OUTCOME_VIOLATED, CLAIM_DMA_IN_SHARED,
	  ANY },
	{ "a sync after the unmap", use_after_unmap, OUTCOME_VIOLATED, CLAIM_LIFECYCLE, ANY },
	{ "a second unmap", double_unmap, OUTCOME_VIOLATED, CLAIM_LIFECYCLE, ANY },
	{ "an unmap of another size", unmap_size, OUTCOME_VIOLATED, CLAIM_LIFECYCLE, ANY },
	{ "an unmap of another direction", unmap_direction, OUTCOME_VIOLATED, CLAIM_LIFECYCLE,
	  ANY },
	{ "a sync beyond its mapping", sync_beyond, OUTCOME_VIOLATED, CLAIM_LIFECYCLE, ANY },
	{ "a mapping past the pool's end", past_end, OUTCOME_VIOLATED, CLAIM_DMA_IN_SHARED, ANY },
	{ NULL, NULL, OUTCOME_INCONCLUSIVE, ANY, ANY },
};
