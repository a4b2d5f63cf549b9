/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutations of what is known of the recording: events, buffers, losses, the window. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "tests/property/mutate.h"

static bool changes(struct history *h, struct rng *r)
{
	switch (rng_below(r, 3)) {
	case 0:
		h->platform->window.devices_changed = TRI_YES;
		break;
	case 1:
		h->platform->window.cpus_changed = TRI_YES;
		break;
	default:
		h->platform->window.tsm_changed = TRI_YES;
	}
	return true;
}

static bool log_line(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;

	(void)r;
	free(p->window.kernel_log);
	p->window.kernel_log = xcalloc(1, sizeof(*p->window.kernel_log));
	p->window.kernel_log[0] = xstrdup("0000:00:01.0: swiotlb addr 0x1+1 overflow");
	p->window.nkernel_log = 1;
	return true;
}

static bool no_log(struct history *h, struct rng *r)
{
	(void)r;
	h->platform->window.log_known = false;
	return true;
}

static bool lost_in_facts(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;

	free(p->trace.lost);
	p->trace.lost = xcalloc(1, sizeof(*p->trace.lost));
	p->trace.nlost = 1;
	p->trace.lost[0].cpu = rng_below(r, h->info.ncpus);
	p->trace.lost[0].overrun = 1 + rng_below(r, 5);
	return true;
}

static bool lost_in_stats(struct history *h, struct rng *r)
{
	h->info.cpus[rng_below(r, h->info.ncpus)].dropped = 1;
	return true;
}

/* Another reader took some of the events that the kernel says were read. */
static bool taken_by_another(struct history *h, struct rng *r)
{
	struct stream_cpu *cpu = &h->info.cpus[rng_below(r, h->info.ncpus)];

	cpu->has_read = true;
	cpu->read = cpu->events + 1 + rng_below(r, 3);
	return h->info.by_ccaio;
}

static bool disturbed(struct history *h, struct rng *r)
{
	static char file[] = "tracing_on";
	struct platform *p = h->platform;

	if (rng_below(r, 3) == 0) {
		p->trace.watched = TRI_NO;
		return true;
	}
	for (size_t i = 0; i < p->trace.nchanges; i++)
		free(p->trace.changes[i].file);
	free(p->trace.changes);
	p->trace.changes = xcalloc(1, sizeof(*p->trace.changes));
	p->trace.changes[0] =
		(struct platform_change){ .file = xstrdup(file), .from_ns = rng_below(r, 1000) };
	p->trace.nchanges = 1;
	return true;
}

static bool no_counters(struct history *h, struct rng *r)
{
	h->platform->trace.lost_known = false;
	h->info.cpus[rng_below(r, h->info.ncpus)].has_stats = false;
	return true;
}

static bool unordered(struct history *h, struct rng *r)
{
	(void)r;
	h->info.unordered = 1;
	return true;
}

static bool not_from_boot(struct history *h, struct rng *r)
{
	(void)r;
	if (h->platform->start)
		return false; /* PROVEN for the run then */
	h->platform->trace.from_boot = TRI_NO;
	h->options.window_only = false;
	return true;
}

static bool not_armed(struct history *h, struct rng *r)
{
	struct stream_format *f = &h->info.formats[rng_below(r, h->info.nformats)];

	f->name[0] = 'x';
	return true;
}

/* Nothing says that memory which became protected again would be reported. */
static bool change_unlisted(struct history *h, struct rng *r)
{
	struct platform *p = h->platform;

	if (find_step(h, r, is_needed_decrypt) == NOWHERE || !p->trace.events_known)
		return false;
	if (rng_one_in(r, 2)) {
		p->trace.events_known = false;
		return true;
	}
	for (size_t i = 0; i < p->trace.nevents; i++) {
		char *colon = strchr(p->trace.events[i], ':');

		if (strcmp(colon, ":encrypt") == 0)
			colon[1] = 'x';
	}
	return true;
}

static bool not_readable(struct history *h, struct rng *r)
{
	struct stream_format *f = &h->info.formats[rng_below(r, h->info.nformats)];

	f->decoded = false;
	f->missing = xstrdup("dma_addr");
	return true;
}

static bool canary_size(struct history *h, struct rng *r)
{
	(void)r;
	if (!h->platform->trace.ncanaries)
		return false;
	h->platform->trace.canaries[0].size++;
	return true;
}

/* The canary was there, but before the window opened or after it closed. */
static bool canary_outside(struct history *h, struct rng *r)
{
	uint64_t size;
	size_t first = h->count, last = 0;

	if (!h->platform->trace.ncanaries)
		return false;
	size = h->platform->trace.canaries[0].size;
	for (size_t k = 0; k < h->count; k++) {
		const struct event *e = &h->steps[k].ev;

		if (e->kind == EVENT_MAP && e->size == size && e->dma != EVENT_NO_ADDR) {
			if (first == h->count)
				first = k;
			last = k;
		}
	}
	if (first == h->count)
		return false;
	for (size_t k = 0; k < h->count; k++) {
		struct event *e = &h->steps[k].ev;
		struct step s = h->steps[k];

		if (e->kind != EVENT_MARK)
			continue;
		if (rng_one_in(r, 2) && e->aux == EVENT_MARK_STOP && k > last) {
			/* all stop markers before the first canary */
			history_remove(h, k);
			history_insert(h, first, &s);
			first++;
			last++;
		}
	}
	/* only where every CPU's stop marker moved is the canary outside for sure */
	for (size_t k = last; k < h->count; k++) {
		if (h->steps[k].ev.kind == EVENT_MARK)
			return false;
	}
	return true;
}

/* The kernel counted more than the recording holds, or on a CPU that it does not hold. */
static bool buffer_missing(struct history *h, struct rng *r)
{
	struct stream_cpu *c = &h->info.cpus[rng_below(r, h->info.ncpus)];
	struct platform *p = h->platform;

	if (rng_one_in(r, 2)) {
		c->written = c->events + 1;
		return !h->info.by_ccaio || !c->events;
	}
	free(p->trace.lost);
	p->trace.lost = xcalloc(1, sizeof(*p->trace.lost));
	p->trace.nlost = 1;
	p->trace.lost[0].cpu = h->info.ncpus;
	return true;
}

/* Facts of ccaio's own run beside what another tool recorded. */
static bool other_recorder(struct history *h, struct rng *r)
{
	if (h->info.by_ccaio)
		return false;
	h->platform->trace.nonce = 1 + rng_below(r, 1000);
	return true;
}

const struct mutation mutations_recording[] = {
	{ "changes", changes },
	{ "log-line", log_line },
	{ "no-log", no_log },
	{ "lost-in-facts", lost_in_facts },
	{ "lost-in-stats", lost_in_stats },
	{ "taken-by-another", taken_by_another },
	{ "disturbed", disturbed },
	{ "no-counters", no_counters },
	{ "unordered", unordered },
	{ "not-from-boot", not_from_boot },
	{ "not-armed", not_armed },
	{ "change-unlisted", change_unlisted },
	{ "not-readable", not_readable },
	{ "canary-size", canary_size },
	{ "canary-outside", canary_outside },
	{ "buffer-missing", buffer_missing },
	{ "other-recorder", other_recorder },
	{ "other-kernel", other_kernel },
	{ "other-run", other_run },
	{ "other-cpus", other_cpus },
	{ "half-reported", half_reported },
	{ "left-out", left_out },
	{ "masked", masked },
	{ NULL, NULL },
};
