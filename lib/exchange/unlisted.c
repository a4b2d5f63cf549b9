/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/exchange/unlisted.h"

#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/exchange/exchange.h"
#include "lib/net/tls.h"

static enum exchange_form form_of(const struct exchange *row)
{
	if (row->protocol == EXCHANGE_HTTP)
		return FORM_CLEAR;
	if (row->protocol != EXCHANGE_TLS)
		return FORM_OPAQUE;
	switch (tls_suite_encrypts(row->tls_suite)) {
	case TRI_YES:
		return FORM_TLS;
	case TRI_NO:
		return FORM_CLEAR;
	default:
		return FORM_TLS_UNSURE;
	}
}

void rest_add(struct exchange_rest *rest, const struct exchange *row)
{
	rest->exchanges++;
	rest->out[form_of(row)] += exchange_half_bytes(&row->half[FLOW_OUT]);
	rest->in += exchange_half_bytes(&row->half[FLOW_IN]);
}

void rest_sum(struct exchange_rest *rest, const struct exchange_rest *more)
{
	rest->exchanges += more->exchanges;
	rest->in += more->in;
	for (int form = 0; form < EXCHANGE_FORMS; form++)
		rest->out[form] += more->out[form];
}

uint64_t rest_out(const struct exchange_rest *rest)
{
	uint64_t bytes = 0;

	for (int form = 0; form < EXCHANGE_FORMS; form++)
		bytes += rest->out[form];
	return bytes;
}

enum conn_owner conn_owner(const struct exchange_conn *conn)
{
	if (conn->program)
		return OWNER_PROGRAM;
	if (conn->comm && strncmp(conn->comm, "kworker/", 8) == 0)
		return OWNER_KERNEL;
	return conn->owner == GRADE_NONE ? OWNER_UNKNOWN : OWNER_OTHERS;
}

bool conn_sent_by_others(const struct exchanges *x, const struct exchange_conn *conn)
{
	/* whoever recorded caused traffic of its own to see it recorded */
	return !conn->program && conn->owner != GRADE_NONE && conn->pid &&
	       conn->pid != x->program.recorder && conn->payload[FLOW_OUT];
}

const char *conn_owner_name(enum conn_owner owner)
{
	static const char *const names[] = { "program", "kernel", "others", "unknown" };

	return owner < CONN_OWNERS ? names[owner] : "?";
}

bool exchanges_add_unlisted(struct exchanges *x, size_t memory)
{
	struct exchange_unlisted *u = &x->unlisted;

	if (u->neach >= memory / sizeof(*u->each)) {
		x->capture.conns_left_out++;
		return false;
	}
	u->conns++;
	XGROW(u->each, u->neach, u->cap_each);
	memset(&u->each[u->neach++], 0, sizeof(*u->each));
	return true;
}

struct exchange_rest *exchanges_rest_of(struct exchanges *x, uint32_t id)
{
	if (id < x->nconns)
		return &x->conns[id].rest;
	return id - x->nconns < x->unlisted.neach ? &x->unlisted.each[id - x->nconns] : NULL;
}

struct exchange_rest exchanges_rest(const struct exchanges *x, enum conn_owner owner)
{
	struct exchange_rest all = x->unlisted.by[owner];

	for (size_t i = 0; i < x->nconns; i++)
		if (x->conns[i].rest.exchanges && conn_owner(&x->conns[i]) == owner)
			rest_sum(&all, &x->conns[i].rest);
	return all;
}

uint64_t exchanges_rest_count(const struct exchanges *x)
{
	uint64_t count = 0;

	for (int owner = 0; owner < CONN_OWNERS; owner++)
		count += exchanges_rest(x, (enum conn_owner)owner).exchanges;
	return count;
}
