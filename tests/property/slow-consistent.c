/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The slow judge's comparison of the facts with whatever can contradict them. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/judge/types/ledger.h"
#include "tests/property/slow-state.h"

static bool of_model(const struct slow *s)
{
	return s->info->is_model || (s->p->realm.kind && strcmp(s->p->realm.kind, "model") == 0);
}

/* ---- the stream ---- */

bool slow_has_rings(const struct slow *s, uint16_t dev)
{
	for (size_t i = 0; i < s->now; i++) {
		const struct event *e = &s->ev[i];

		if (e->kind == EVENT_ALLOC && e->dev == dev && e->dma != EVENT_NO_ADDR &&
		    (e->dma || e->link))
			return true;
	}
	return false;
}

void slow_observe(struct slow *s, const struct event *e, uint64_t plain, bool bounced,
		  bool by_order)
{
	enum memory_state orig = slow_memory(s, e->orig, e->size);
	bool alias = s->bit && (e->orig & s->bit);

	if (e->orig == EVENT_NO_ADDR || slow_trusted(s, e->dev))
		return;
	if (!(e->attrs & (EVENT_ATTR_CC_SHARED | EVENT_ATTR_MMIO))) {
		s->of_alias += alias;
		s->of_pool += !alias && orig == MEMORY_POOL && bounced;
		s->direct_of_pool += !alias && orig == MEMORY_POOL && !bounced &&
				     !slow_behind_iommu(s, e->dev) &&
				     !slow_alloc_around(s, e->dev, plain, e->size);
		s->of_nowhere += !alias && orig == MEMORY_OUTSIDE &&
				 (bounced || !slow_alloc_around(s, e->dev, plain, e->size));
	}
	s->sg_maps += (e->flags & EVENT_F_SG) != 0;
	if (!bounced) {
		s->in_slots += plain != e->orig && !slow_behind_iommu(s, e->dev) &&
			       slow_memory(s, plain, e->size) == MEMORY_POOL;
		s->as_is += plain == e->orig && (orig == MEMORY_PROTECTED || orig == MEMORY_MIXED);
		return;
	}
	s->for_virtio += s->p && platform_find_virtio(s->p, names_get(s->names, e->dev)) != NULL;
	if (slow_behind_iommu(s, e->dev) || by_order || plain == e->orig)
		return;
	if (slow_touches_pool(s, plain, e->size))
		s->into_pool++;
	else
		s->elsewhere++;
}

static size_t marks(const struct slow *s, bool own)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->ev[i].kind == EVENT_MARK &&
		     (!own || (s->ev[i].link && s->ev[i].link == s->p->trace.nonce));
	return n;
}

static bool same_run(const struct slow *s)
{
	return of_model(s) || (s->info->by_ccaio && s->p->trace.nonce && marks(s, false) &&
			       marks(s, false) == marks(s, true));
}

bool slow_denies_dma(const struct slow *s, const struct platform_virtio *d)
{
	return slow_seen(s, d->parent) &&
	       platform_virtio_feature(d, VIRTIO_F_ACCESS_PLATFORM) == TRI_NO;
}

bool slow_hidden(const struct slow *s)
{
	bool listed = s->p && s->p->trace.events_known, silent = false, any = false;

	if (s->info->by_ccaio || s->info->is_model || (s->p && of_model(s)))
		return false;
	for (size_t i = 0; i < s->info->ncpus; i++) {
		silent |= !s->info->cpus[i].events;
		any |= s->info->cpus[i].events;
	}
	if (silent && any)
		return true;
	return !listed && ((s->maps >= 24 && !s->unmaps) || (s->unmaps >= 24 && !s->maps) ||
			   (s->sg_maps >= 24 && !s->sg_unmaps) || (s->in_slots && !s->bounces));
}

bool slow_skewed(const struct slow *s)
{
	size_t reported = 0;

	for (size_t i = 0; i < s->info->ncpus; i++)
		reported += s->info->cpus[i].events != 0;
	if (s->info->is_model || (s->p && of_model(s)) || reported < 2)
		return false;
	return !s->info->clock || strcmp(s->info->clock, "local") == 0;
}

uint64_t slow_offset(const struct slow *s, uint16_t dev)
{
	for (size_t i = 0; i < s->noffsets; i++) {
		if (s->offsets[i].dev == dev)
			return s->offsets[i].by;
	}
	return 0;
}

void slow_learn_offset(struct slow *s, const struct event *e, const struct event *bounce)
{
	uint64_t by = bounce->orig - e->orig;

	if (slow_offset(s, e->dev) || slow_behind_iommu(s, e->dev) || by % 4096 || !by ||
	    slow_touches_pool(s, e->dma, e->size) ||
	    slow_memory(s, e->dma - by, e->size) != MEMORY_POOL)
		return;
	s->offsets[s->noffsets].dev = e->dev;
	s->offsets[s->noffsets++].by = by;
}

/* ---- one contradiction each ---- */

static bool differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b) != 0;
}

static bool other_machine(const struct slow *s)
{
	const struct platform *p = s->p;
	bool ours = s->info->by_ccaio;

	if (p->trace.nonce && !ours && !of_model(s))
		return true;
	if (!p->trace.nonce && ours && !of_model(s) && marks(s, false))
		return true;
	if (p->trace.nonce && ours && marks(s, false) && !marks(s, true))
		return true;
	for (size_t i = 0; i < s->info->ncpus && p->trace.nlost && !of_model(s); i++) {
		bool listed = !s->info->cpus[i].events;

		for (size_t k = 0; k < p->trace.nlost; k++)
			listed |= p->trace.lost[k].cpu == s->info->cpus[i].cpu;
		if (!listed)
			return true;
	}
	return differ(p->kernel.boot_id, s->info->boot_id) || (p->root && p->trace.nonce) ||
	       differ(p->kernel.release, s->info->release) ||
	       differ(p->kernel.machine, s->info->arch);
}

static bool stranger(const struct slow *s)
{
	const struct platform *p = s->p;

	if (!p->virtio_listed || !p->pci_listed || p->window.devices_changed == TRI_YES ||
	    same_run(s))
		return false;
	for (size_t i = 0; i < s->n; i++) {
		const char *name = names_get(s->names, s->ev[i].dev);
		bool listed = platform_find_virtio(p, name) || platform_find_pci(p, name);

		for (size_t k = 0; k < p->nother; k++)
			listed |= p->other[k].name && strcmp(p->other[k].name, name) == 0;
		if (!listed && slow_seen(s, name))
			return true;
	}
	return false;
}

/* The word of swiotlb=, the last one on the command line. */
static bool commanded(const struct platform *p, const char *word)
{
	const char *at = p->kernel.cmdline, *last = NULL;
	bool yes = false;
	char *copy, *rest = NULL;

	for (; at && (at = strstr(at, "swiotlb=")); at++) {
		if (at == p->kernel.cmdline || at[-1] == ' ')
			last = at + 8;
	}
	if (!last)
		return false;
	copy = strndup(last, strcspn(last, " "));
	for (char *w = strtok_r(copy, ",", &rest); w; w = strtok_r(NULL, ",", &rest))
		yes |= strcmp(w, word) == 0;
	free(copy);
	return yes;
}

static bool wrong_pools(const struct slow *s)
{
	const struct platform *p = s->p;
	uint64_t slots = 0;
	bool outside = false, restricted = false;

	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		const struct platform_pool *pool = &p->swiotlb.pools[i];
		bool inside = !p->nram;

		if (pool->name && strcmp(pool->name, "default") != 0) {
			restricted = true;
			continue;
		}
		slots += (pool->range.end - pool->range.start) / SWIOTLB_SLOT_SIZE + 1;
		for (size_t k = 0; k < p->nram; k++)
			inside |= pool->range.start >= p->ram[k].start &&
				  pool->range.end <= p->ram[k].end;
		outside |= !inside;
	}
	if (outside || s->of_pool || (s->direct_of_pool && !of_model(s)) ||
	    (slots && p->swiotlb.slots != PLATFORM_UNKNOWN && slots != p->swiotlb.slots))
		return true;
	if (s->bounces && p->swiotlb.slots == 0 && (!p->swiotlb.npools || !s->paired))
		return true;
	if (s->elsewhere && p->swiotlb.npools && p->swiotlb.dynamic == TRI_NO &&
	    !(s->into_pool && same_run(s)))
		return true;
	/* without protected memory or an order to do so nothing is bounced */
	return p->realm.is_realm == TRI_NO && p->swiotlb.force != TRI_YES && !restricted &&
	       s->for_virtio && !commanded(p, "force");
}

static bool wrong_force(const struct slow *s)
{
	bool event = false;

	for (size_t i = 0; i < s->info->nformats; i++)
		event |= strcmp(s->info->formats[i].name, "swiotlb_bounced") == 0 &&
			 strcmp(s->info->formats[i].system, "swiotlb") == 0;
	if (s->p->swiotlb.force == TRI_YES && !s->bounces && s->as_is && event)
		return true;
	return commanded(s->p, "noforce") && (s->bounces || s->p->swiotlb.force == TRI_YES);
}

static bool wrong_realm(const struct slow *s)
{
	const struct platform *p = s->p;

	if (p->realm.is_realm == TRI_NO && !s->rehearsal)
		return true;
	return p->realm.kind && strcmp(p->realm.kind, "arm-cca") == 0 &&
	       differ(p->kernel.machine, "aarch64");
}

/* ---- all of them ---- */

static void doubt(struct slow *s, int from, int to)
{
	s->inconsistent = true;
	for (int c = from; c <= to; c++)
		s->doubted |= 1u << c;
}

void slow_compare(struct slow *s)
{
	if (!s->p)
		return;
	if (other_machine(s) || stranger(s))
		doubt(s, CLAIM_DMA_IN_SHARED, CLAIM_NO_BYPASS);
	s->inconsistent |= !s->info->by_ccaio && !of_model(s) && marks(s, false);
	if (s->from_boot && !of_model(s) && (s->older || s->before_boot || !slow_rings_seen(s)))
		doubt(s, CLAIM_BOUNCE_PAIRED, CLAIM_LIFECYCLE);
	if (wrong_pools(s) || s->of_nowhere || s->of_alias || s->bad_bit || wrong_force(s) ||
	    wrong_realm(s))
		doubt(s, CLAIM_DMA_IN_SHARED, CLAIM_SLOTS_DISJOINT);
	for (size_t i = 0; i < s->p->nvirtio; i++) {
		if (slow_denies_dma(s, &s->p->virtio[i]))
			doubt(s, CLAIM_NO_BYPASS, CLAIM_NO_BYPASS);
	}
}
