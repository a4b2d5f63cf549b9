/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changed in a program's traffic between two runs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/exchange/exchange.h"
#include "lib/net/flow.h"
#include "lib/verdict/state.h"

static const char *row_device(const struct exchanges *x, const struct unattributed *u)
{
	return u->device < x->ndevices ? x->devices[u->device].name : "unknown device";
}

/* "kworker/u4:3-events_unbound" and the like are whoever was free. */
static bool is_worker(const char *text, size_t *len)
{
	static const char worker[] = "kworker/";

	if (strncmp(text, worker, sizeof(worker) - 1) != 0)
		return false;
	*len = strcspn(text, " [");
	return true;
}

/*
 * "connection of curl[123]" is "connection of curl": the next run has other process numbers, and
 * other workers of the kernel.
 */
static char *kind_of(const char *reason)
{
	char *kind = xcalloc(strlen(reason) + 1, 1);
	size_t n = 0, worker;

	while (*reason) {
		size_t digits = *reason == '[' ? strspn(reason + 1, "0123456789") : 0;

		if (digits && reason[1 + digits] == ']') {
			reason += digits + 2;
		} else if (is_worker(reason, &worker)) {
			n += (size_t)sprintf(kind + n, "kworker");
			reason += worker;
		} else {
			kind[n++] = *reason++;
		}
	}
	return kind;
}

/* Bytes of the same kind as u (which is y's); *many gets how many rows of x there are of it. */
static uint64_t traffic_like(const struct exchanges *x, const struct exchanges *y,
			     const struct unattributed *u, size_t *many)
{
	char *kind = kind_of(u->reason);
	uint64_t bytes = 0;

	*many = 0;
	for (size_t i = 0; i < x->nunattributed; i++) {
		const struct unattributed *other = &x->unattributed[i];
		char *its = kind_of(other->reason);

		if (other->dir == u->dir && strcmp(its, kind) == 0 &&
		    strcmp(row_device(x, other), row_device(y, u)) == 0) {
			bytes += other->bytes;
			++*many;
		}
		free(its);
	}
	free(kind);
	return bytes;
}

/* Has row i's kind been met before it? */
static bool is_repeated(const struct exchanges *x, size_t i)
{
	struct exchanges earlier = *x;
	size_t many;

	earlier.nunattributed = i;
	traffic_like(&earlier, x, &x->unattributed[i], &many);
	return many;
}

static bool is_own(const char *kind)
{
	return strcmp(kind, "block requests of ccaio") == 0 || strcmp(kind, packet_own_frames) == 0;
}

/* What comes and goes between equal runs, whatever the program does. */
static enum change by_kind(const char *kind, uint64_t before, uint64_t after)
{
	enum change change = diff_by_bytes(before, after);

	if (is_own(kind) && before <= DIFF_OWN_BYTES && after <= DIFF_OWN_BYTES)
		return CHANGE_NOISE;
	if (before || is_own(kind) || packet_is_housekeeping(kind) ||
	    strcmp(kind, exchanges_entropy_of_others) == 0)
		return change;
	return CHANGE_WORSE;
}

struct diff_device diff_device_of(const struct exchanges *x, const char *name)
{
	struct diff_device d = { false, { 0, 0 } };

	for (size_t i = 0; x && i < x->nunattributed; i++) {
		const struct unattributed *u = &x->unattributed[i];
		char *kind = kind_of(u->reason);

		if (is_own(kind) && strcmp(row_device(x, u), name) == 0)
			d.own[u->dir] += u->bytes;
		free(kind);
	}
	for (size_t i = 0; x && i < x->ndevices; i++) {
		if (strcmp(x->devices[i].name, name) == 0)
			d.network = !x->devices[i].block && x->devices[i].iface;
	}
	for (int dir = 0; dir < 2; dir++)
		d.own[dir] = d.own[dir] > DIFF_OWN_BYTES ? DIFF_OWN_BYTES : d.own[dir];
	return d;
}

static void diff_unattributed(struct verdict_diff *d, const struct exchanges *a,
			      const struct exchanges *b)
{
	for (size_t i = 0; i < b->nunattributed; i++) {
		const struct unattributed *u = &b->unattributed[i];
		const char *way = u->dir == FLOW_OUT ? "out" : "in";
		uint64_t before, after;
		size_t were, are;
		char *kind;

		if (is_repeated(b, i))
			continue;
		before = traffic_like(a, b, u, &were);
		after = traffic_like(b, b, u, &are);
		kind = kind_of(u->reason);
		if (!were)
			diff_add_numbers(d, by_kind(kind, 0, after), "traffic", row_device(b, u),
					 xasprintf("new unattributed traffic %s: %s, %" PRIu64
						   " bytes",
						   way, kind, after),
					 0, after);
		else if (before != after)
			diff_add_numbers(d, by_kind(kind, before, after), "traffic",
					 row_device(b, u),
					 xasprintf("unattributed traffic %s: %s, %" PRIu64
						   " → %" PRIu64 " bytes",
						   way, kind, before, after),
					 before, after);
		free(kind);
	}
}

/* Numbers in what is said are longer or shorter by a digit; none at all is another matter. */
static enum change by_clear_bytes(uint64_t a, uint64_t b)
{
	if (b > a)
		return b - a > a / 10 ? CHANGE_WORSE : CHANGE_NOISE;
	return a - b > a / 10 ? CHANGE_BETTER : CHANGE_NOISE;
}

/* Which part of a path or query is another in each run: numbers, long hexadecimal ones, UUIDs? */
static bool is_varying(const char *part, size_t len)
{
	bool digits = strspn(part, "0123456789") >= len;

	if (digits)
		return len >= 4;
	return len >= 16 && strspn(part, "0123456789abcdefABCDEF-") >= len &&
	       strcspn(part, "0123456789") < len;
}

/* "/keys/v1/evidence/2457767528?n=7" is "/keys/v1/evidence/" and a star, "?n=" and a star. */
static char *target_kind(const char *target)
{
	char *kind = xcalloc(2 * strlen(target) + 1, 1);
	bool query = false;
	size_t n = 0;

	while (*target) {
		size_t len = strcspn(target, query ? "=&" : "/?");
		bool value = query && n && kind[n - 1] == '=';

		if (len && (value || is_varying(target, len))) {
			kind[n++] = '*';
		} else {
			memcpy(kind + n, target, len);
			n += len;
		}
		target += len;
		query |= *target == '?';
		if (*target)
			kind[n++] = *target++;
	}
	return kind;
}

/* With whom: the server's address and port, where it did not get it from its system. */
static char *peer_of(const struct exchange_conn *conn)
{
	struct flow_addr peer = conn->remote;
	char text[FLOW_TEXT], *colon;

	if (conn->server)
		return xstrdup("clients");
	flow_addr_text(&peer, text);
	colon = strrchr(text, ':');
	if (colon && peer.port >= DIFF_CHOSEN_PORT)
		*colon = '\0';
	return xstrdup(text);
}

static char *exchange_kind(const struct exchanges *x, const struct exchange *row)
{
	char *peer = peer_of(&x->conns[row->conn]), *target, *kind;

	if (row->protocol != EXCHANGE_HTTP) {
		kind = xasprintf("%s with %s%s%s", exchange_protocol_name(row->protocol), peer,
				 row->sni ? ", " : "", row->sni ? row->sni : "");
	} else {
		target = target_kind(row->target ? row->target : "?");
		kind = xasprintf("%s %s → %u with %s", row->method ? row->method : "?", target,
				 row->status, peer);
		free(target);
	}
	free(peer);
	return kind;
}

/* The program's exchanges by kind, in the order of their first. */
struct exchange_kinds {
	struct {
		char *name;
		uint64_t count;
		bool secret; /* all of them under TLS */
	} * list;
	size_t count, cap;
};

static size_t find_kind(const struct exchange_kinds *kinds, const char *name)
{
	size_t i = 0;

	while (i < kinds->count && strcmp(kinds->list[i].name, name) != 0)
		i++;
	return i;
}

static void kinds_of(struct exchange_kinds *kinds, const struct exchanges *x)
{
	for (size_t i = 0; i < x->nrows; i++) {
		const struct exchange *row = &x->rows[i];
		char *name;
		size_t at;

		if (row->conn >= x->nconns || !x->conns[row->conn].program)
			continue;
		name = exchange_kind(x, row);
		at = find_kind(kinds, name);
		if (at == kinds->count) {
			XGROW(kinds->list, kinds->count, kinds->cap);
			kinds->list[kinds->count++].name = name;
			kinds->list[at].count = 0;
			kinds->list[at].secret = true;
		} else {
			free(name);
		}
		kinds->list[at].count++;
		kinds->list[at].secret &= row->protocol == EXCHANGE_TLS;
	}
}

static void kinds_release(struct exchange_kinds *kinds)
{
	for (size_t i = 0; i < kinds->count; i++)
		free(kinds->list[i].name);
	free(kinds->list);
}

static void diff_exchanges(struct verdict_diff *d, const struct exchanges *a,
			   const struct exchanges *b)
{
	struct exchange_kinds was = { 0 }, is = { 0 };

	kinds_of(&was, a);
	kinds_of(&is, b);
	for (size_t i = 0; i < is.count; i++) {
		size_t at = find_kind(&was, is.list[i].name);
		uint64_t before = at < was.count ? was.list[at].count : 0, n = is.list[i].count;
		uint64_t by = n > before ? n - before : before - n;

		if (!before)
			diff_add_numbers(d, is.list[i].secret ? CHANGE_NEUTRAL : CHANGE_WORSE,
					 "exchange", is.list[i].name, xstrdup("is new"), 0, n);
		else if (by)
			diff_add_numbers(d, by > before / 10 ? CHANGE_NEUTRAL : CHANGE_NOISE,
					 "exchange", is.list[i].name,
					 xasprintf("%" PRIu64 " → %" PRIu64 " times", before, n),
					 before, n);
	}
	for (size_t i = 0; i < was.count; i++) {
		if (find_kind(&is, was.list[i].name) == is.count)
			diff_add_numbers(d, CHANGE_NEUTRAL, "exchange", was.list[i].name,
					 xstrdup("is gone"), was.list[i].count, 0);
	}
	kinds_release(&was);
	kinds_release(&is);
}

void diff_traffic(struct verdict_diff *d, const struct exchanges *a, const struct exchanges *b)
{
	if (!a != !b)
		diff_add(d, b ? CHANGE_NEUTRAL : CHANGE_WORSE, "traffic", "exchanges",
			 xstrdup(b ? "are recorded now, with nothing to compare them with"
				   : "are not recorded any more: what left cannot be compared"));
	if (!a || !b)
		return;
	diff_unattributed(d, a, b);
	if (a->result.clear_bytes != b->result.clear_bytes)
		diff_add_numbers(d, by_clear_bytes(a->result.clear_bytes, b->result.clear_bytes),
				 "traffic", "clear text",
				 xasprintf("%" PRIu64 " → %" PRIu64
					   " bytes of the program's payload",
					   a->result.clear_bytes, b->result.clear_bytes),
				 a->result.clear_bytes, b->result.clear_bytes);
	diff_exchanges(d, a, b);
}
