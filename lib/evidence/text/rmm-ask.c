/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the monitor's log says of the Realm that is judged: which it is, what it shared. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/evidence/text/rmm.h"
#include "lib/evidence/text/state.h"

static enum rmm_state state_of(unsigned int flags)
{
	if (flags & SEG_DOUBT)
		return RMM_UNKNOWN;
	if (!(flags & SEG_EVER_SHARED))
		return RMM_PROTECTED;
	return flags & SEG_TAKEN_BACK ? RMM_CHANGED : RMM_SHARED;
}

static enum rmm_state realm_state(const struct realm *r, uint64_t start, uint64_t end)
{
	enum rmm_state all = RMM_UNKNOWN;
	uint64_t at = start;

	for (size_t i = segment_at(r, start); i < r->count && at <= end; i++) {
		enum rmm_state s = state_of(r->list[i].flags);

		if (r->list[i].range.start > at)
			return RMM_UNKNOWN;
		if (at != start && s != all)
			return RMM_MIXED;
		all = s;
		at = r->list[i].range.end + 1;
		if (!at)
			return all;
	}
	return at > end ? all : RMM_UNKNOWN;
}

static void list_shared(struct rmm_log *log)
{
	const struct realm *r = log->chosen;
	size_t cap = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct segment *s = &r->list[i];

		if (!(s->flags & SEG_EVER_SHARED))
			continue;
		XGROW(log->shared, log->nshared, cap);
		log->shared[log->nshared++] =
			(struct rmm_range){ .range = s->range, .state = state_of(s->flags) };
	}
}

/* Does the log speak of this RAM from end to end, and of nothing right beside it? */
static bool has_ram(const struct realm *r, const struct range *ram)
{
	size_t first = segment_at(r, ram->start), last = segment_at(r, ram->end);

	return first < r->count && last < r->count && r->list[first].range.start == ram->start &&
	       r->list[last].range.end == ram->end;
}

/* How many of this run's rings did it share by themselves? */
static size_t rings_of(const struct realm *r, const uint64_t *rings, size_t nrings)
{
	size_t n = 0;

	for (size_t i = 0; i < nrings; i++) {
		size_t at = segment_at(r, rings[i]);

		n += at < r->count && r->list[at].range.start == rings[i] &&
		     (r->list[at].flags & SEG_EVER_SHARED);
	}
	return n;
}

/* The one of the Realms that shared the most of this run's rings; NULL: none, or not one only. */
static struct realm *by_rings(struct rmm_log *log, const struct range *pool, const uint64_t *rings,
			      size_t nrings)
{
	struct realm *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < log->nrealms; i++) {
		struct realm *r = &log->realms[i];
		size_t n = rings_of(r, rings, nrings);

		if (pool && realm_state(r, pool->start, pool->end) != RMM_SHARED)
			continue;
		if (n && n == most)
			best = NULL;
		if (n > most) {
			most = n;
			best = r;
		}
	}
	return best;
}

/* Realms that did anything, and how many of them shared the pool. */
static size_t count_active(struct rmm_log *log, const struct range *pool, size_t *fits,
			   struct realm **fit, struct realm **only)
{
	size_t active = 0;

	*fits = 0;
	*fit = *only = NULL;
	for (size_t i = 0; i < log->nrealms; i++) {
		struct realm *r = &log->realms[i];

		if (!r->count && !r->doubt && !r->ambiguous)
			continue;
		active++;
		*only = r;
		if (pool && realm_state(r, pool->start, pool->end) == RMM_SHARED) {
			*fits += 1;
			*fit = r;
		}
	}
	return active;
}

const char *rmm_select(struct rmm_log *log, const struct platform *platform, const uint64_t *rings,
		       size_t nrings)
{
	const struct range *pool =
		platform && platform->swiotlb.npools ? &platform->swiotlb.pools[0].range : NULL;
	bool from_boot = platform && platform->trace.from_boot == TRI_YES;
	struct realm *fit, *only;
	size_t fits, active = count_active(log, pool, &fits, &fit, &only);

	if (fits == 1 && from_boot && nrings > 1 && !rings_of(fit, rings, nrings))
		return "the monitor's log is of another run: it has none of this run's rings";
	if (fits > 1)
		fit = by_rings(log, pool, rings, nrings);
	else if (!fits)
		fit = by_rings(log, NULL, rings, nrings);
	if (!fit && !fits && active == 1 && !pool && platform && platform->nram &&
	    has_ram(only, &platform->ram[0]))
		fit = only;
	for (size_t i = 0; i < log->nrealms && !fit; i++) {
		if (log->realms[i].ambiguous)
			fit = &log->realms[i];
	}
	if (!fit)
		return fits ? "several Realms of the log shared this pool"
			    : "none of the log's Realms shared this machine's pool";
	if (fit->ambiguous)
		return "two Realms lived at the same time, and the monitor's lines do not say "
		       "which one called";
	if (fit->doubt)
		return "a cut line of the log does not show which memory changed";
	log->chosen = fit;
	list_shared(log);
	return NULL;
}

bool rmm_ended(const struct rmm_log *log)
{
	return log->chosen && log->chosen->ended;
}

bool rmm_attested(const struct rmm_log *log)
{
	return log->chosen && log->chosen->attested;
}

bool rmm_has_range_at(const struct rmm_log *log, uint64_t start)
{
	return log->chosen && rings_of(log->chosen, &start, 1);
}

size_t rmm_realms(const struct rmm_log *log)
{
	size_t n = 0;

	for (size_t i = 0; i < log->nrealms; i++)
		n += log->realms[i].count > 0;
	return n;
}

uint64_t rmm_chosen_realm(const struct rmm_log *log)
{
	return log->chosen ? log->chosen->rd : 0;
}

enum rmm_state rmm_state(const struct rmm_log *log, uint64_t start, uint64_t size)
{
	uint64_t end = start + (size ? size - 1 : 0);

	if (!log->chosen || end < start)
		return RMM_UNKNOWN;
	return realm_state(log->chosen, start, end);
}

const struct rmm_range *rmm_shared_ranges(const struct rmm_log *log, size_t *count)
{
	*count = log->nshared;
	return log->shared;
}

size_t rmm_cut_lines(const struct rmm_log *log)
{
	return log->cut;
}

const char *rmm_state_name(enum rmm_state state)
{
	static const char *const names[] = { "unknown", "shared", "protected", "changed", "mixed" };

	return names[state];
}
