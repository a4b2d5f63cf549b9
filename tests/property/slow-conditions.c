/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The slow judge's conditions. */
#include <string.h>

#include "lib/base/names.h"
#include "lib/judge/types/ledger.h"
#include "tests/property/slow-state.h"

static enum cond_state met(bool yes)
{
	return yes ? COND_MET : COND_UNMET;
}

static bool all_readable(const struct slow *s)
{
	for (size_t i = 0; i < s->info->nformats; i++) {
		const struct stream_format *f = &s->info->formats[i];

		if (!f->decoded && f->missing &&
		    (strcmp(f->system, "dma") == 0 || strcmp(f->system, "swiotlb") == 0))
			return false;
	}
	return !s->undecoded;
}

/* The facts count the events of CPUs whose buffers are not there. */
static bool buffers_lack(const struct slow *s)
{
	for (size_t k = 0; s->p && !s->info->is_model && k < s->p->trace.nlost; k++) {
		bool found = false;

		for (size_t i = 0; i < s->info->ncpus; i++)
			found |= s->p->trace.lost[k].cpu == s->info->cpus[i].cpu;
		if (!found)
			return true;
	}
	return false;
}

static bool own(const struct slow *s, const struct event *e)
{
	return s->p && s->p->trace.nonce && e->link == s->p->trace.nonce;
}

/* Each CPU that told anything has one start and later one stop, and no foreign marker. */
static bool marked(const struct slow *s)
{
	for (size_t i = 0; i < s->n; i++) {
		bool started = false, stopped = false;

		for (size_t k = 0; k < s->n; k++) {
			const struct event *e = &s->ev[k];

			if (e->cpu != s->ev[i].cpu || e->kind != EVENT_MARK)
				continue;
			if (!own(s, e))
				return false;
			started |= e->aux == EVENT_MARK_START;
			stopped |= started && e->aux == EVENT_MARK_STOP;
		}
		if (!stopped)
			return false;
	}
	return s->n > 0;
}

static bool in_window(const struct slow *s, size_t at)
{
	bool in = false;

	for (size_t i = 0; i < at; i++) {
		const struct event *e = &s->ev[i];

		if (e->cpu != s->ev[at].cpu || e->kind != EVENT_MARK || !own(s, e))
			continue;
		if (e->aux == EVENT_MARK_STOP)
			return false;
		in |= e->aux == EVENT_MARK_START;
	}
	return in;
}

static bool canary_seen(const struct slow *s, const struct platform_canary *c)
{
	unsigned int dir = strncmp(c->kind, "blk", 3) == 0 ? EVENT_FROM_DEVICE : EVENT_TO_DEVICE;

	for (size_t i = 0; i < s->n; i++) {
		const struct event *e = &s->ev[i];

		if (e->kind == EVENT_MAP && e->dma != EVENT_NO_ADDR && e->size == c->size &&
		    e->dir == dir && strcmp(names_get(s->names, e->dev), c->device) == 0 &&
		    in_window(s, i))
			return true;
	}
	return false;
}

static bool canaries_seen(const struct slow *s)
{
	size_t tried = 0;

	for (size_t i = 0; s->p && i < s->p->trace.ncanaries; i++) {
		const struct platform_canary *c = &s->p->trace.canaries[i];

		if (strcmp(c->kind, "none") == 0)
			continue;
		tried++;
		if (!canary_seen(s, c))
			return false;
	}
	return tried > 0;
}

bool slow_rings_seen(const struct slow *s)
{
	for (size_t i = 0; i < s->p->nvirtio; i++) {
		const struct platform_virtio *d = &s->p->virtio[i];
		bool ring = false;

		if (platform_virtio_active(d) != TRI_YES ||
		    platform_virtio_feature(d, VIRTIO_F_ACCESS_PLATFORM) != TRI_YES)
			continue;
		for (size_t k = 0; d->parent && k < s->n; k++)
			ring |= s->ev[k].kind == EVENT_ALLOC && s->ev[k].dma != EVENT_NO_ADDR &&
				strcmp(names_get(s->names, s->ev[k].dev), d->parent) == 0;
		if (!ring)
			return false;
	}
	return true;
}

static enum cond_state baseline(const struct slow *s)
{
	if (s->from_boot && !s->older && !s->before_boot &&
	    (s->info->is_model || slow_rings_seen(s)))
		return COND_MET;
	if (s->window_only)
		return COND_NOT_APPLICABLE;
	return met(!s->from_boot && slow_start_known(s));
}

static bool is_listed(const struct slow *s, const char *name)
{
	for (size_t i = 0; i < s->p->nother; i++) {
		if (s->p->other[i].name && strcmp(s->p->other[i].name, name) == 0)
			return true;
	}
	return platform_find_virtio(s->p, name) || platform_find_pci(s->p, name);
}

/* No driver works it, and yet it has mappings at the end (or had some before the window). */
static bool is_idle(const struct slow *s, uint16_t dev)
{
	const char *name = names_get(s->names, dev);
	const struct platform_virtio *v = platform_find_virtio(s->p, name);
	const struct platform_pci *pci = platform_find_pci(s->p, name);
	bool works = false;

	for (size_t i = 0; i < s->nlives; i++)
		works |= s->lives[i].live && !s->lives[i].older && s->lives[i].dev == dev;
	for (size_t i = 0; !s->from_boot && i < s->n; i++)
		works |= s->ev[i].dev == dev &&
			 (s->ev[i].kind == EVENT_UNMAP || s->ev[i].kind == EVENT_SYNC_CPU ||
			  s->ev[i].kind == EVENT_SYNC_DEVICE);
	if (!works)
		return false;
	return v ? platform_virtio_active(v) == TRI_NO : pci && !pci->driver;
}

static bool devices_known(const struct slow *s)
{
	const struct platform *p = s->p;

	if (!p || !p->virtio_listed || !p->pci_listed || s->w.devices)
		return false;
	for (size_t i = 0; i < p->nvirtio; i++) {
		const struct platform_virtio *d = &p->virtio[i];
		enum tri active = platform_virtio_active(d);

		uint32_t type = platform_virtio_driver_type(d->driver);

		if (type && d->device_id && type != d->device_id)
			return false;
		if ((d->driver && !d->features) || d->driver_unreported || active == TRI_UNKNOWN ||
		    (active == TRI_NO && slow_worked(s, d)))
			return false;
		if (d->bus && strcmp(d->bus, "pci") == 0 &&
		    !(d->parent && platform_find_pci(p, d->parent)))
			return false;
	}
	for (size_t i = 0; i < s->n; i++) {
		if (slow_is_dma(s->ev[i].kind) &&
		    (!is_listed(s, names_get(s->names, s->ev[i].dev)) || is_idle(s, s->ev[i].dev)))
			return false;
	}
	for (size_t i = 0; i < p->npci; i++) {
		const struct platform_pci *d = &p->pci[i];
		bool bridge = d->class && strncmp(d->class, "0x06", 4) == 0, driven;

		if (bridge || platform_pci_is_nothing(d))
			continue;
		driven = d->driver && !strstr(d->driver, "stub") && !strstr(d->driver, "pciback");
		if (driven ? platform_pci_is_virtio(d) && !platform_find_virtio(p, d->name)
			   : d->driver_unreported || d->bus_master != TRI_NO)
			return false;
	}
	return true;
}

static enum cond_state pool_known(const struct slow *s)
{
	const struct platform *p = s->p;
	uint64_t slots = 0;

	if (!p || p->swiotlb.dynamic == TRI_YES)
		return COND_UNMET;
	if (!p->swiotlb.npools)
		return s->bounces ? COND_UNMET
		       : p->swiotlb.slots == 0 || (p->kernel.cmdline &&
						   strstr(p->kernel.cmdline, "swiotlb=noforce"))
			       ? COND_NOT_APPLICABLE
			       : COND_UNMET;
	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		const struct platform_pool *pool = &p->swiotlb.pools[i];

		if (pool->inferred || pool->range.start % SWIOTLB_SLOT_SIZE ||
		    (pool->range.end + 1) % SWIOTLB_SLOT_SIZE)
			return COND_UNMET;
		for (size_t k = 0; k < i; k++) {
			if (p->swiotlb.pools[k].range.start <= pool->range.end &&
			    pool->range.start <= p->swiotlb.pools[k].range.end)
				return COND_UNMET;
		}
		if (!pool->name || strcmp(pool->name, "default") == 0)
			slots += (pool->range.end - pool->range.start) / SWIOTLB_SLOT_SIZE + 1;
	}
	return met(p->swiotlb.slots == slots);
}

/* The map of this bounce may have been on its way when its CPU's buffer ended. */
static bool cut_by_end(const struct slow *s, size_t bounce)
{
	for (size_t i = bounce + 1; i < s->n; i++) {
		bool waits = false;

		if (s->ev[i].cpu != s->ev[bounce].cpu)
			continue;
		for (size_t k = 0; k < s->nwaiting; k++)
			waits |= s->waiting[k] == i;
		if (!waits)
			return false;
	}
	return true;
}

static bool conserved(const struct slow *s)
{
	uint64_t hiwater = s->p ? s->p->swiotlb.used_hiwater : PLATFORM_UNKNOWN;
	uint64_t slack = 0, all = 0;

	for (size_t k = 0; k < s->nwaiting; k++) {
		if (!cut_by_end(s, s->waiting[k]))
			return false;
	}
	/* on each CPU a task may tell the unmap of a largest mapping late */
	for (size_t i = 0; i < s->n; i++) {
		bool first = true;

		for (size_t k = 0; k < i; k++)
			first &= s->ev[k].cpu != s->ev[i].cpu;
		slack += first ? 128 : 0;
	}
	for (size_t i = 0; s->p && i < s->p->swiotlb.npools; i++)
		all += (s->p->swiotlb.pools[i].range.end - s->p->swiotlb.pools[i].range.start) /
			       SWIOTLB_SLOT_SIZE +
		       1;
	for (int i = 0; i < 3 && all; i++) {
		uint64_t used = i == 0	 ? hiwater
				: i == 1 ? s->p->swiotlb.used_before
					 : s->p->swiotlb.used_after;

		if (used != PLATFORM_UNKNOWN && used > all)
			return false;
	}
	return hiwater == PLATFORM_UNKNOWN || s->hiwater <= hiwater + slack;
}

/* Does the recording lie between two moments of which there are facts?  A second off is near. */
static bool lies_between_facts(const struct slow *s)
{
	const struct platform_moment *m = &s->p->moment;
	const char *clock = s->info->clock;
	const uint64_t second = 1000000000;

	if (m->from_ns == PLATFORM_UNKNOWN || m->to_ns == PLATFORM_UNKNOWN)
		return true;
	if (clock && strcmp(clock, "local") != 0 && strcmp(clock, "global") != 0 &&
	    strncmp(clock, "mono", 4) != 0)
		return false;
	return s->n && s->ev[0].ts_ns + second >= m->from_ns &&
	       s->ev[s->n - 1].ts_ns <= m->to_ns + second;
}

static bool stable(const struct slow *s)
{
	const struct platform *p = s->p;

	if (!p || !lies_between_facts(s) || p->window.devices_changed != TRI_NO ||
	    p->window.cpus_changed != TRI_NO || p->window.tsm_changed == TRI_YES ||
	    (!p->window.log_known && !s->info->is_model))
		return false;
	for (size_t i = 0; i < p->npci; i++) {
		if (p->pci[i].tsm && p->window.tsm_changed == TRI_UNKNOWN)
			return false;
	}
	for (size_t i = 0; i < p->window.nkernel_log; i++) {
		if (!strstr(p->window.kernel_log[i], "buffer is full") || !s->failed_paired)
			return false;
	}
	return true;
}

void slow_conditions(struct slow *s, enum cond_state *conds)
{
	bool ours = s->info->by_ccaio;

	conds[COND_EVENTS_ARMED] = met(all_readable(s) && slow_armed(s) && slow_undisturbed(s) &&
				       !slow_hidden(s) && !s->w.behind);
	conds[COND_NOTHING_LOST] = met(!slow_lost(s) && !slow_gap(s) && !s->info->unordered &&
				       slow_loss_counted(s) && !buffers_lack(s));
	conds[COND_WINDOW_MARKED] = ours			? met(marked(s))
				    : s->p && s->p->trace.nonce ? COND_UNMET
								: COND_NOT_APPLICABLE;
	conds[COND_CANARY_SEEN] = ours ? met(canaries_seen(s)) : COND_NOT_APPLICABLE;
	conds[COND_BASELINE] = baseline(s);
	conds[COND_DEVICES_KNOWN] = met(devices_known(s));
	conds[COND_POOL_KNOWN] = pool_known(s);
	conds[COND_CONSERVED] = met(conserved(s) && !s->w.slots);
	conds[COND_NOT_TRUNCATED] = met(!s->truncated);
	conds[COND_ENVIRONMENT_STABLE] = met(stable(s));
	conds[COND_FACTS_CONSISTENT] = met(s->p && !s->inconsistent);
}
