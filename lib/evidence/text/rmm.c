/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/evidence/text/rmm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/range.h"
#include "lib/base/xalloc.h"

#define MAX_SEGMENTS 200000 /* a Realm has some dozens of shared ranges */

enum {
	SEG_SHARED_NOW = 1,
	SEG_EVER_SHARED = 2,
	SEG_TAKEN_BACK = 4, /* became RAM after it was EMPTY */
	SEG_DOUBT = 8,	    /* a cut line speaks of it */
};

struct segment {
	struct range range;
	unsigned int flags;
};

/* What one Realm did: disjoint segments in ascending order. */
struct realm {
	struct segment *list;
	size_t count, cap;
	uint64_t rd;	 /* its descriptor's address; 0: of lines while no Realm is known */
	size_t from, to; /* it may call from this line to that one, exclusive; SIZE_MAX: no end */
	size_t pending;	 /* while reading: created at this line and not activated; 0 no */
	bool ended;	 /* its end is in the log */
	bool attested;	 /* it asked for an attestation token */
	bool doubt;	 /* a cut line does not even tell its range */
	bool ambiguous;	 /* another Realm may have called what changed memory */
};

struct rmm_log {
	struct realm *realms;
	size_t nrealms, cap;
	uint64_t *recs; /* created in the log */
	size_t nrecs, recs_cap;
	bool strange_rec; /* one was entered whose creation is not in the log */
	size_t at;	  /* line that is read */
	size_t since;	  /* line of the host's last start */
	size_t sets, cut;
	struct realm *chosen;
	struct rmm_range *shared;
	size_t nshared;
};

static void insert(struct realm *r, size_t i, struct segment s)
{
	XGROW(r->list, r->count, r->cap);
	memmove(&r->list[i + 1], &r->list[i], (r->count - i) * sizeof(s));
	r->list[i] = s;
	r->count++;
}

/* Index of the first segment that ends at or after addr. */
static size_t lower(const struct realm *r, uint64_t addr)
{
	return range_reaching(r->list, r->count, sizeof(*r->list), addr);
}

/* Make addr the start of a segment where it lies inside one. */
static void cut_at(struct realm *r, uint64_t addr)
{
	size_t i = lower(r, addr);
	struct segment tail;

	if (i == r->count || r->list[i].range.start >= addr)
		return;
	tail = r->list[i];
	tail.range.start = addr;
	r->list[i].range.end = addr - 1;
	insert(r, i + 1, tail);
}

static unsigned int changed(unsigned int flags, bool share)
{
	if (share)
		return flags | SEG_SHARED_NOW | SEG_EVER_SHARED;
	if (flags & SEG_EVER_SHARED)
		flags |= SEG_TAKEN_BACK;
	return flags & ~SEG_SHARED_NOW;
}

/* Set [start, end] to a state; what the log has not mentioned yet gets segments of its own. */
static void apply(struct realm *r, uint64_t start, uint64_t end, bool share, bool doubt)
{
	uint64_t at = start;
	size_t i;

	if (r->count > MAX_SEGMENTS) {
		r->doubt = true;
		return;
	}
	cut_at(r, start);
	if (end != UINT64_MAX)
		cut_at(r, end + 1);
	for (i = lower(r, start); at <= end; i++) {
		uint64_t next = i < r->count ? r->list[i].range.start : UINT64_MAX;

		if (at < next || i == r->count) {
			uint64_t stop = next <= end && i < r->count ? next - 1 : end;

			insert(r, i, (struct segment){ .range = { at, stop } });
		}
		r->list[i].flags =
			doubt ? r->list[i].flags | SEG_DOUBT : changed(r->list[i].flags, share);
		at = r->list[i].range.end + 1;
		if (!at)
			break;
	}
}

static struct realm *add_realm(struct rmm_log *log, uint64_t rd, size_t from)
{
	XGROW(log->realms, log->nrealms, log->cap);
	log->realms[log->nrealms] = (struct realm){ .rd = rd, .from = from, .to = SIZE_MAX };
	return &log->realms[log->nrealms++];
}

/* A Realm that can call now, with how many there are; NULL none that the log names. */
static struct realm *caller(struct rmm_log *log, size_t *count)
{
	struct realm *one = NULL;

	*count = 0;
	for (size_t i = 0; i < log->nrealms; i++) {
		struct realm *r = &log->realms[i];

		if (log->at < r->from || log->at >= r->to || !r->rd)
			continue;
		*count += 1;
		one = r;
	}
	*count += one && log->strange_rec;
	return one;
}

/*
 * Whose call is this line?  RSI lines do not name their Realm: it is the only one that can call
 * now.  Where there are several, each of them is marked.
 */
static struct realm *current(struct rmm_log *log)
{
	size_t count;
	struct realm *one = caller(log, &count);

	for (size_t i = 0; i < log->nrealms; i++) {
		struct realm *r = &log->realms[i];
		bool now = log->at >= r->from && log->at < r->to;

		if (count > 1 && now && r->rd)
			r->ambiguous = true;
		if (!one && now && !r->rd)
			return r;
	}
	return one ? one : add_realm(log, 0, log->at);
}

/* ---- lines ---- */

struct cursor {
	const char *at, *end;
};

static void skip_space(struct cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
		c->at++;
}

static bool take_hex(struct cursor *c, uint64_t *out)
{
	unsigned int digits = 0;
	uint64_t value = 0;

	skip_space(c);
	for (; c->at < c->end; c->at++, digits++) {
		char ch = *c->at;
		int d = ch >= '0' && ch <= '9'	 ? ch - '0'
			: ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
			: ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
						 : -1;

		if (d < 0)
			break;
		if (value >> 60)
			return false;
		value = value << 4 | d;
	}
	/* a number that touches the line's end may be cut; the caller knows when that matters */
	if (!digits || (c->at < c->end && *c->at != ' ' && *c->at != '\t' && *c->at != '\r'))
		return false;
	*out = value;
	return true;
}

static bool take_word(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	skip_space(c);
	if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
		return false;
	c->at += len;
	return c->at == c->end || *c->at == ' ' || *c->at == '\t' || *c->at == '\r';
}

/* The part of an IPA_STATE_SET line after its name.  whole: the line ended with a newline. */
static void state_set(struct rmm_log *log, struct cursor c, bool whole)
{
	uint64_t base, end, ripas, flags, reached, response;
	struct cursor result;
	bool range;

	log->sets++;
	range = take_hex(&c, &base) && take_hex(&c, &end) && c.at < c.end;
	if (!range || end <= base)
		goto cut;
	if (!take_hex(&c, &ripas) || !take_hex(&c, &flags) || !take_word(&c, ">"))
		goto cut;
	skip_space(&c);
	result = c;
	if (!take_word(&c, "RSI_SUCCESS")) {
		/* an error changed nothing; anything else was not read to its end */
		if ((size_t)(result.end - result.at) > 9 && memcmp(result.at, "RSI_ERROR", 9) == 0)
			return;
		goto cut;
	}
	if (!take_hex(&c, &reached) || !take_hex(&c, &response) || !whole)
		goto cut;
	if (response != 0 || reached <= base)
		return;
	if (reached > end || ripas > 1)
		goto cut;
	apply(current(log), base, reached - 1, ripas == 0, false);
	return;
cut:
	log->cut++;
	if (range && end > base)
		apply(current(log), base, end - 1, false, true);
	else
		current(log)->doubt = true;
}

/* ---- Realms: the first pass ---- */

static struct realm *alive(struct rmm_log *log, uint64_t rd)
{
	for (size_t i = log->nrealms; i > 0; i--) {
		if (log->realms[i - 1].rd == rd && log->realms[i - 1].to == SIZE_MAX)
			return &log->realms[i - 1];
	}
	return NULL;
}

/* Its descriptor is named: it was made before the log began, or after it was last destroyed. */
static struct realm *named(struct rmm_log *log, uint64_t rd)
{
	struct realm *r = alive(log, rd);
	size_t from = log->since;

	if (r)
		return r;
	for (size_t i = 0; i < log->nrealms; i++) {
		if (log->realms[i].rd == rd && log->realms[i].to > from)
			from = log->realms[i].to;
	}
	return add_realm(log, rd, from);
}

static void rec_created(struct rmm_log *log, uint64_t rec)
{
	XGROW(log->recs, log->nrecs, log->recs_cap);
	log->recs[log->nrecs++] = rec;
}

static bool rec_known(const struct rmm_log *log, uint64_t rec)
{
	for (size_t i = 0; i < log->nrecs; i++) {
		if (log->recs[i] == rec)
			return true;
	}
	return false;
}

/* Commands that name a Realm's descriptor first: RMM specification DEN0137, chapter B4. */
static bool names_realm(const char *command, size_t len)
{
	static const char *const words[] = { "REALM_CREATE", "REALM_ACTIVATE", "REALM_DESTROY",
					     "REC_CREATE",   "REC_AUX_COUNT",  "DATA_",
					     "RTT_" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (len >= strlen(words[i]) && memcmp(command, words[i], strlen(words[i])) == 0)
			return true;
	}
	return false;
}

/* A host asks for the version once, when it starts: no earlier Realm lives. */
static void restart(struct rmm_log *log)
{
	log->since = log->at;
	for (size_t i = 0; i < log->nrealms; i++) {
		if (log->realms[i].to == SIZE_MAX)
			log->realms[i].to = log->at;
	}
}

static void realm_line(struct rmm_log *log, struct cursor c, bool whole)
{
	const char *command;
	uint64_t rd, rec;
	size_t len;
	bool ok;

	skip_space(&c);
	if (!whole || c.end - c.at < 8 || memcmp(c.at, "SMC_RMI_", 8) != 0)
		return;
	command = c.at += 8;
	while (c.at < c.end && *c.at != ' ' && *c.at != '\t')
		c.at++;
	len = c.at - command;
	if (!take_hex(&c, &rd) || memmem(c.at, c.end - c.at, "> RMI_ERROR_INPUT", 17))
		return;
	ok = memmem(c.at, c.end - c.at, "> RMI_SUCCESS", 13);
	if (len == 7 && memcmp(command, "VERSION", 7) == 0) {
		restart(log);
	} else if (len == 9 && memcmp(command, "REC_ENTER", 9) == 0) {
		log->strange_rec |= !rec_known(log, rd);
	} else if (len == 12 && memcmp(command, "REALM_CREATE", 12) == 0) {
		if (ok)
			add_realm(log, rd, log->at)->pending = log->at + 1;
	} else if (names_realm(command, len)) {
		struct realm *r = named(log, rd);

		if (ok && len == 13 && memcmp(command, "REALM_DESTROY", 13) == 0) {
			r->to = log->at;
			r->ended = true;
		}
		/* until it is activated it does not run */
		if (ok && len == 14 && memcmp(command, "REALM_ACTIVATE", 14) == 0 && r->pending)
			r->from = log->at;
		if (ok && len == 10 && memcmp(command, "REC_CREATE", 10) == 0 && take_hex(&c, &rec))
			rec_created(log, rec);
	}
}

/* ---- what they did: the second pass ---- */

static void line(struct rmm_log *log, struct cursor c, bool whole)
{
	struct cursor rest;
	struct realm *one;
	size_t count;

	skip_space(&c);
	rest = c;
	if (take_word(&rest, "SMC_RSI_IPA_STATE_SET")) {
		state_set(log, rest, whole);
		return;
	}
	rest = c;
	if (take_word(&rest, "SMC_RSI_ATTEST_TOKEN_INIT")) {
		one = caller(log, &count);
		if (one && count == 1)
			one->attested = true;
		return;
	}
	/* the name itself was cut */
	if (!whole && c.at < c.end && c.end - c.at < 21 &&
	    memcmp(c.at, "SMC_RSI_IPA_STATE_SET", c.end - c.at) == 0) {
		log->cut++;
		current(log)->doubt = true;
	}
}

static void each_line(struct rmm_log *log, const char *text, const char *end,
		      void (*take)(struct rmm_log *log, struct cursor c, bool whole))
{
	for (log->at = 0; text < end; log->at++) {
		const char *nl = memchr(text, '\n', end - text);

		take(log, (struct cursor){ text, nl ? nl : end }, nl != NULL);
		text = nl ? nl + 1 : end;
	}
}

struct rmm_log *rmm_parse(const char *text, size_t len, const char *name, struct err *err)
{
	struct rmm_log *log = xcalloc(1, sizeof(*log));
	const char *end = text + len;

	each_line(log, text, end, realm_line);
	each_line(log, text, end, line);
	if (log->sets > log->cut)
		return log;
	err_set(err, EINVAL,
		"%s: no SMC_RSI_IPA_STATE_SET line that can be read; give the log of an RMM built "
		"with logging",
		name);
	rmm_free(log);
	return NULL;
}

void rmm_free(struct rmm_log *log)
{
	if (!log)
		return;
	for (size_t i = 0; i < log->nrealms; i++)
		free(log->realms[i].list);
	free(log->realms);
	free(log->recs);
	free(log->shared);
	free(log);
}

/* ---- asking ---- */

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

	for (size_t i = lower(r, start); i < r->count && at <= end; i++) {
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
	size_t first = lower(r, ram->start), last = lower(r, ram->end);

	return first < r->count && last < r->count && r->list[first].range.start == ram->start &&
	       r->list[last].range.end == ram->end;
}

/* How many of this run's rings did it share by themselves? */
static size_t rings_of(const struct realm *r, const uint64_t *rings, size_t nrings)
{
	size_t n = 0;

	for (size_t i = 0; i < nrings; i++) {
		size_t at = lower(r, rings[i]);

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
