/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monitor's log, read line by line into what each Realm did. */
#include "lib/evidence/text/rmm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/text/state.h"

#define MAX_SEGMENTS 200000 /* a Realm has some dozens of shared ranges */

static void insert(struct realm *r, size_t i, struct segment s)
{
	XGROW(r->list, r->count, r->cap);
	memmove(&r->list[i + 1], &r->list[i], (r->count - i) * sizeof(s));
	r->list[i] = s;
	r->count++;
}

/* Make addr the start of a segment where it lies inside one. */
static void cut_at(struct realm *r, uint64_t addr)
{
	size_t i = segment_at(r, addr);
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
	for (i = segment_at(r, start); at <= end; i++) {
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
