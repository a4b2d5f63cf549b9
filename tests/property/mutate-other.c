/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutations that make the facts those of another machine, or contradict the stream. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "tests/property/mutate.h"

bool other_kernel(struct history *h, struct rng *r)
{
	if (rng_one_in(r, 2)) {
		h->info.release = xstrdup("7.2.13");
		h->platform->kernel.release = xstrdup("7.2.14");
	} else {
		h->info.arch = xstrdup("aarch64");
		h->platform->kernel.machine = xstrdup("x86_64");
	}
	return true;
}

/* Markers of another run than the facts', or in what another tool says it recorded. */
bool other_run(struct history *h, struct rng *r)
{
	size_t mark = find_step(h, r, is_mark);

	if (mark == NOWHERE)
		return false;
	if (rng_one_in(r, 2)) {
		h->platform->trace.nonce++;
	} else {
		h->info.by_ccaio = false;
		h->platform->trace.nonce = 0;
	}
	return true;
}

/* Facts that count the CPUs of a smaller machine. */
bool other_cpus(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;
	size_t i = rng_below(r, h->info.ncpus), n = 0;

	if (!h->info.cpus[i].events)
		return false;
	free(p->trace.lost);
	p->trace.lost = xcalloc(h->info.ncpus, sizeof(*p->trace.lost));
	for (size_t k = 0; k < h->info.ncpus; k++) {
		if (k != i)
			p->trace.lost[n++].cpu = h->info.cpus[k].cpu;
	}
	p->trace.nlost = n;
	return n > 0;
}

/* The pools of another boot: nothing that was bounced lies in them. */
bool other_pools(struct history *h, struct rng *r)
{
	size_t map = find_step(h, r, is_plain_bounced);

	if (map == NOWHERE)
		return false;
	for (size_t i = 0; i < h->platform->swiotlb.npools; i++) {
		h->platform->swiotlb.pools[i].range.start -= 0x400000;
		h->platform->swiotlb.pools[i].range.end -= 0x400000;
	}
	return true;
}

/* Buffers before the bounce carry what the facts call the shared bit, or lie outside of RAM. */
bool moved_ram(struct history *h, struct rng *r)
{
	bool any = false;

	(void)r;
	for (size_t i = 0; i < h->count; i++) {
		struct event *e = &h->steps[i].ev;

		if (e->orig == EVENT_NO_ADDR ||
		    (e->kind != EVENT_BOUNCE && (e->kind != EVENT_MAP || e->attrs)))
			continue;
		any |= e->kind == EVENT_MAP && h->steps[i].made == MADE_BOUNCED;
		e->orig |= 1ull << 32;
	}
	return any;
}

/* Bounced without a Realm, and without an order to. */
bool unforced(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;
	bool bounced = false;

	(void)r;
	for (size_t i = 0; i < h->count; i++) {
		bool virtio = platform_find_virtio(p, names_get(h->names, h->steps[i].ev.dev));

		bounced |= virtio && is_plain_bounced(h, i);
	}
	if (p->realm.is_realm != TRI_NO || p->swiotlb.npools > 1 || !bounced)
		return false;
	p->swiotlb.force = TRI_UNKNOWN;
	return true;
}

/* Bound to a driver, and not at work by its status; or with features that are cut. */
bool half_reported(struct history *h, struct rng *r)
{
	struct platform_virtio *d = &h->platform->virtio[rng_below(r, h->platform->nvirtio)];

	if (rng_one_in(r, 2))
		d->status = rng_one_in(r, 2) ? 0x03 : 0x8f;
	else
		d->features[rng_below(r, VIRTIO_F_ACCESS_PLATFORM)] = '\0';
	return true;
}

/* One kind of event left out by the recorder, of which there were dozens. */
bool left_out(struct history *h, struct rng *r)
{
	size_t maps = 0;

	(void)r;
	for (size_t i = 0; i < h->count; i++)
		maps += is_map(h, i);
	if (h->info.by_ccaio || h->platform->trace.events_known || maps < 24)
		return false;
	for (size_t i = h->count; i > 0; i--) {
		if (h->steps[i - 1].ev.kind == EVENT_UNMAP)
			history_remove(h, i - 1);
	}
	return true;
}

/* A CPU that the recorder masked. */
bool masked(struct history *h, struct rng *r)
{
	uint16_t cpu = rng_below(r, h->info.ncpus);
	bool others = false;

	for (size_t i = h->count; i > 0; i--) {
		if (h->steps[i - 1].ev.cpu == cpu)
			history_remove(h, i - 1);
		else
			others = true;
	}
	return others && !h->info.by_ccaio;
}
