/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The slow judge on the evidence itself: was the recording whole, and would a gap be known? */
#include <string.h>

#include "tests/property/slow-state.h"

bool slow_lost(const struct slow *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->ev[i].kind == EVENT_LOST)
			return true;
	}
	for (size_t i = 0; i < s->info->ncpus; i++) {
		const struct stream_cpu *c = &s->info->cpus[i];

		if (c->lost || c->lost_unknown ||
		    (c->has_stats && (c->overrun || c->commit_overrun || c->dropped)))
			return true;
		if (s->info->by_ccaio && c->events ? c->read > c->events : c->written > c->events)
			return true;
	}
	for (size_t i = 0; s->p && i < s->p->trace.nlost; i++) {
		const struct platform_lost *l = &s->p->trace.lost[i];

		if (l->overrun || l->commit_overrun || l->dropped)
			return true;
	}
	return false;
}

/* Nobody is known to have touched the control files of the recording. */
bool slow_undisturbed(const struct slow *s)
{
	return !s->p || (s->p->trace.watched != TRI_NO && !s->p->trace.nchanges);
}

bool slow_whole(const struct slow *s)
{
	return slow_undisturbed(s) && !slow_lost(s) && !s->info->unordered && !s->undecoded;
}

/* "system:name", where the events of a run's own group are "ccaio_NUMBER:name". */
static bool is_called(const char *full, const char *system, const char *name)
{
	size_t len = strcspn(full, ":");
	bool same = strlen(system) == len && strncmp(full, system, len) == 0;

	same |= strcmp(system, "ccaio") == 0 && strncmp(full, "ccaio_", 6) == 0;
	return same && full[len] == ':' && strcmp(full + len + 1, name) == 0;
}

static bool on(const struct slow *s, bool probes, const char *system, const char *name)
{
	bool listed = !s->p || !s->p->trace.events_known, found = false;

	if (strcmp(system, "ccaio") == 0 && !probes)
		return false;
	for (size_t i = 0; i < s->info->nformats; i++) {
		const struct stream_format *f = &s->info->formats[i];

		found |= strcmp(f->system, system) == 0 && strcmp(f->name, name) == 0;
	}
	for (size_t i = 0; !listed && i < s->p->trace.nevents; i++)
		listed = is_called(s->p->trace.events[i], system, name);
	return found && listed;
}

static bool named(const struct slow *s, const char *name, bool directed)
{
	for (size_t i = 0; i < s->info->nformats; i++) {
		const struct stream_format *f = &s->info->formats[i];

		if (strcmp(f->system, "dma") == 0 && strcmp(f->name, name) == 0)
			return !directed || f->directed;
	}
	return false;
}

/* What only some kernels with dma events have, reported by what else they have. */
static bool slow_armed_new(const struct slow *s)
{
	if (named(s, "dma_map_page", false) &&
	    !(on(s, false, "dma", "dma_map_resource") && on(s, false, "dma", "dma_unmap_resource")))
		return false;
	return !named(s, "dma_alloc", true) ||
	       (on(s, false, "dma", "dma_alloc_pages") && on(s, false, "dma", "dma_free_pages") &&
		on(s, false, "dma", "dma_alloc_sgt") && on(s, false, "dma", "dma_free_sgt"));
}

static bool either(const struct slow *s, bool probes, const char *event, const char *probe)
{
	return on(s, false, "dma", event) || on(s, probes, "ccaio", probe);
}

/* probes: ccaio's own may stand in for the dma events of a kernel that has none */
static bool armed(const struct slow *s, bool probes)
{
	bool map = on(s, false, "dma", "dma_map_phys") || on(s, false, "dma", "dma_map_page");
	bool unmap = on(s, false, "dma", "dma_unmap_phys") || on(s, false, "dma", "dma_unmap_page");

	if (s->info->is_model)
		return true;
	if (!named(s, "dma_map_page", false) && !named(s, "dma_map_phys", false) &&
	    !(on(s, probes, "ccaio", "dma_blind__pages") &&
	      on(s, probes, "ccaio", "dma_blind__noncontiguous") &&
	      on(s, probes, "ccaio", "dma_blind__resource")))
		return false;
	return slow_armed_new(s) && on(s, false, "swiotlb", "swiotlb_bounced") &&
	       (map || on(s, probes, "ccaio", "dma_map")) &&
	       (unmap || on(s, probes, "ccaio", "dma_unmap")) &&
	       either(s, probes, "dma_map_sg", "dma_map_sg") &&
	       either(s, probes, "dma_unmap_sg", "dma_unmap_sg") &&
	       either(s, probes, "dma_alloc", "dma_alloc") &&
	       either(s, probes, "dma_free", "dma_free") &&
	       either(s, probes, "dma_sync_single_for_cpu", "dma_sync_cpu") &&
	       either(s, probes, "dma_sync_single_for_device", "dma_sync_device") &&
	       either(s, probes, "dma_sync_sg_for_cpu", "dma_blind__sync_sg") &&
	       either(s, probes, "dma_sync_sg_for_device", "dma_blind__sync_sg_device");
}

/* ccaio's own probes tell from the start of the recording on, not from boot. */
bool slow_armed(const struct slow *s)
{
	return armed(s, s->window_only);
}

bool slow_loss_counted(const struct slow *s)
{
	bool all = s->info->ncpus > 0;

	for (size_t i = 0; i < s->info->ncpus; i++) {
		bool counted = s->info->cpus[i].has_stats;

		for (size_t k = 0; s->p && k < s->p->trace.nlost; k++)
			counted |= s->p->trace.lost[k].cpu == s->info->cpus[i].cpu;
		all &= counted;
	}
	return s->info->is_model || all;
}

/* Would anything that is missing be known to be? */
bool slow_complete(const struct slow *s)
{
	return slow_whole(s) && !s->w.behind && !slow_gap(s) && slow_loss_counted(s) &&
	       armed(s, true) && !slow_skewed(s) && !slow_hidden(s);
}
