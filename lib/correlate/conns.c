/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connections of the capture, by their numbers and addresses, and the sockets that they are. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/correlate/passing.h"
#include "lib/correlate/state.h"

static uint32_t key_hash(const struct correlate *c, const struct flow_key *key)
{
	uint64_t h = (key->local * 31 + key->remote) * 0x9e3779b97f4a7c15ull;

	h = (h ^ ((uint64_t)key->local_port << 16 | key->remote_port)) * 0x9e3779b97f4a7c15ull;
	return (uint32_t)(h >> 32) & (uint32_t)(c->nbuckets - 1);
}

void correlate_index(struct correlate *c)
{
	struct exchanges *x = c->x;
	uint32_t *last;

	for (c->nbuckets = 64; c->nbuckets < 2 * x->nconns; c->nbuckets *= 2)
		;
	c->buckets = xcalloc(c->nbuckets, sizeof(*c->buckets));
	memset(c->buckets, 0xff, c->nbuckets * sizeof(*c->buckets));
	c->conns = xcalloc(x->nconns + 1, sizeof(*c->conns));
	c->row_next = xcalloc(x->nrows + 1, sizeof(*c->row_next));
	last = xcalloc(x->nconns + 1, sizeof(*last));
	/* from the last to the first, so that a bucket begins with the oldest */
	for (size_t i = x->nconns; i-- > 0;) {
		struct conn_state *s = &c->conns[i];
		uint32_t *bucket;

		flow_key_make(&s->key, &x->conns[i].local, &x->conns[i].remote);
		bucket = &c->buckets[key_hash(c, &s->key)];
		s->next = *bucket;
		*bucket = (uint32_t)i;
		s->first_row = last[i] = NO_INDEX;
	}
	for (uint32_t i = 0; i < x->nrows; i++) {
		uint32_t conn = x->rows[i].conn;

		c->row_next[i] = NO_INDEX;
		if (conn >= x->nconns)
			continue;
		*(last[conn] == NO_INDEX ? &c->conns[conn].first_row : &c->row_next[last[conn]]) =
			i;
		last[conn] = i;
	}
	for (size_t i = 0; i < x->nconns; i++)
		c->conns[i].row[0] = c->conns[i].row[1] = c->conns[i].first_row;
	free(last);
}

/* The connection that a socket with these addresses must be: the oldest without one. */
static uint32_t find_conn(const struct correlate *c, const struct flow_key *key)
{
	uint32_t i = c->buckets[key_hash(c, key)];

	while (i != NO_INDEX && (c->conns[i].bound || !flow_key_equal(&c->conns[i].key, key)))
		i = c->conns[i].next;
	return i == NO_INDEX ? passing_find(c, key) : i;
}

struct exchange_conn *correlate_conn(const struct correlate *c, uint32_t id, struct conn_state **s)
{
	if (id >= c->x->nconns)
		return passing_conn(c, id, s);
	*s = &c->conns[id];
	return &c->x->conns[id];
}

void correlate_bind(struct correlate *c, struct owner_socket *s)
{
	struct exchange_conn *conn;
	struct conn_state *state;

	if (s->conn == OWNERS_NO_CONN && s->key_known) {
		s->conn = find_conn(c, &s->key);
		conn = correlate_conn(c, s->conn, &state);
		if (!conn) {
			s->conn = OWNERS_NO_CONN;
			return;
		}
		state->bound = true;
		conn->socket = s->address;
	}
	conn = s->conn == OWNERS_NO_CONN ? NULL : correlate_conn(c, s->conn, &state);
	if (!conn)
		return;
	if (s->pid && conn->owner != GRADE_EXACT) {
		conn->owner = GRADE_EXACT;
		conn->pid = s->pid;
		conn->program = s->program;
		free(conn->comm);
		conn->comm = xstrdup(names_get(c->names, s->comm));
	}
	conn->app_known = s->calls_seen;
	conn->app_bytes[FLOW_OUT] = s->sent;
	conn->app_bytes[FLOW_IN] = s->received;
	if (s->closed)
		passing_closed(c, s->conn);
}
