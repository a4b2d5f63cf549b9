/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/correlate/passing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/hash.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/correlate/state.h"

#define BUCKETS 8192

struct passing {
	uint32_t id;
	struct exchange_conn conn;
	struct conn_state state;
	uint64_t waiting; /* packets whose events have not come */
	bool released, closed;
	uint64_t released_ns;		  /* by the events' clock */
	TAILQ_ENTRY(passing) in_bucket;	  /* by its addresses, the oldest first */
	TAILQ_ENTRY(passing) in_released; /* in their order */
};

TAILQ_HEAD(passing_list, passing);

struct by_id {
	struct hash_key key; /* id, 0 */
	struct passing *passing;
};

struct passing_conns {
	struct hash ids;
	struct passing_list buckets[BUCKETS], released;
	uint64_t now_ns;
};

struct passing_conns *passing_conns_new(void)
{
	struct passing_conns *all = xcalloc(1, sizeof(*all));

	hash_init(&all->ids, sizeof(struct by_id));
	TAILQ_INIT(&all->released);
	for (size_t i = 0; i < BUCKETS; i++)
		TAILQ_INIT(&all->buckets[i]);
	return all;
}

static struct passing_list *bucket_of(struct passing_conns *all, const struct flow_key *key)
{
	uint64_t h = (key->local * 31 + key->remote) * UINT64_C(0x9e3779b97f4a7c15);

	h ^= (uint64_t)key->local_port << 16 | key->remote_port;
	return &all->buckets[(h * UINT64_C(0x9e3779b97f4a7c15) >> 32) % BUCKETS];
}

static struct passing *find(const struct correlate *c, uint32_t id)
{
	const struct by_id *e = c->passing ? hash_find(&c->passing->ids, id, 0) : NULL;

	return e ? e->passing : NULL;
}

static void let_go(struct passing_conns *all, struct passing *p)
{
	TAILQ_REMOVE(bucket_of(all, &p->state.key), p, in_bucket);
	if (p->released)
		TAILQ_REMOVE(&all->released, p, in_released);
	hash_remove(&all->ids, hash_find(&all->ids, p->id, 0));
	free(p->conn.comm);
	free(p);
}

void passing_conns_free(struct passing_conns *all)
{
	struct by_id *e;

	if (!all)
		return;
	while ((e = hash_next(&all->ids, NULL)))
		let_go(all, e->passing);
	hash_free(&all->ids);
	free(all);
}

/* What it adds to what is known of all that are not listed. */
static void add_up(struct exchanges *x, const struct passing *p)
{
	const struct exchange_rest *rest = exchanges_rest_of(x, p->id);
	struct exchange_unlisted *u = &x->unlisted;
	const struct exchange_conn *conn = &p->conn;

	if (rest)
		rest_sum(&u->by[conn_owner(conn)], rest);
	u->seen++;
	if (conn->owner == GRADE_NONE) {
		u->no_owner++;
		u->no_sender += conn->payload[FLOW_OUT] || conn->lost[FLOW_OUT];
	}
	for (int dir = 0; dir < 2; dir++)
		u->streams[conn_owner(conn)][dir] += conn->payload[dir] + conn->lost[dir];
	for (int dir = 0; conn->program && dir < 2; dir++) {
		u->control_packets += conn->control_packets[dir];
		u->control_bytes += conn->control_bytes[dir];
	}
	if (!conn_sent_by_others(x, conn))
		return;
	if (!u->sent_by_others) {
		u->others_pid = conn->pid;
		snprintf(u->others_comm, sizeof(u->others_comm), "%s",
			 conn->comm ? conn->comm : "");
	}
	u->sent_by_others += conn->payload[FLOW_OUT];
}

static void leave(struct correlate *c, struct passing *p)
{
	add_up(c->x, p);
	correlate_conn_over(c, &p->conn, &p->state);
	let_go(c->passing, p);
}

static void leave_if_over(struct correlate *c, struct passing *p)
{
	if (p->released && p->closed && !p->waiting)
		leave(c, p);
}

void passing_opened(struct correlate *c, const struct conn *conn)
{
	struct passing *p;
	struct by_id *e;

	if (!c->passing || conn->id < c->x->nconns ||
	    conn->id - c->x->nconns >= c->x->unlisted.conns)
		return;
	p = xcalloc(1, sizeof(*p));
	p->id = conn->id;
	p->conn.local = conn->local;
	p->conn.remote = conn->remote;
	p->conn.from_start = conn->from_start;
	p->state.first_row = p->state.row[0] = p->state.row[1] = NO_INDEX;
	flow_key_make(&p->state.key, &conn->local, &conn->remote);
	TAILQ_INSERT_TAIL(bucket_of(c->passing, &p->state.key), p, in_bucket);
	e = hash_add(&c->passing->ids, p->id, 0);
	e->passing = p;
	if (c->passing->ids.count > c->x->unlisted.most)
		c->x->unlisted.most = c->passing->ids.count;
}

void passing_released(struct correlate *c, const struct conn *conn)
{
	struct passing *p = find(c, conn->id);

	if (!p)
		return;
	p->conn.end = conn->end;
	for (int dir = 0; dir < 2; dir++) {
		p->conn.payload[dir] = conn->half[dir].payload;
		p->conn.lost[dir] = conn->half[dir].lost;
	}
	p->released = true;
	p->released_ns = c->passing->now_ns;
	TAILQ_INSERT_TAIL(&c->passing->released, p, in_released);
	leave_if_over(c, p);
}

void passing_waits(struct correlate *c, uint32_t id, bool waits)
{
	struct passing *p = find(c, id);

	if (!p)
		return;
	p->waiting += waits ? 1 : -1;
	leave_if_over(c, p);
}

void passing_closed(struct correlate *c, uint32_t id)
{
	struct passing *p = find(c, id);

	if (!p)
		return;
	p->closed = true;
	leave_if_over(c, p);
}

void passing_now(struct correlate *c, uint64_t ts_ns)
{
	struct passing_conns *all = c->passing;
	struct passing *p, *next;

	if (!all)
		return;
	if (ts_ns > all->now_ns)
		all->now_ns = ts_ns;
	for (p = TAILQ_FIRST(&all->released); p; p = next) {
		next = TAILQ_NEXT(p, in_released);
		if (all->now_ns - p->released_ns < PASSING_LINGER_NS)
			break;
		if (!p->waiting)
			leave(c, p);
	}
}

static int by_number(const void *a, const void *b)
{
	const struct passing *p = *(struct passing *const *)a, *q = *(struct passing *const *)b;

	return (p->id > q->id) - (p->id < q->id);
}

/* In the order of their numbers: where entries of a hash stand differs from run to run. */
void passing_end(struct correlate *c)
{
	size_t n = 0, count = c->passing ? c->passing->ids.count : 0;
	struct passing **list = xcalloc(count + 1, sizeof(*list));

	for (struct by_id *e = NULL; n < count && (e = hash_next(&c->passing->ids, e));)
		list[n++] = e->passing;
	qsort(list, n, sizeof(struct passing *), by_number);
	for (size_t i = 0; i < n; i++)
		leave(c, list[i]);
	free(list);
}

struct exchange_conn *passing_conn(const struct correlate *c, uint32_t id, struct conn_state **s)
{
	struct passing *p = find(c, id);

	if (!p)
		return NULL;
	*s = &p->state;
	return &p->conn;
}

uint32_t passing_find(const struct correlate *c, const struct flow_key *key)
{
	struct passing *p;

	if (!c->passing)
		return NO_INDEX;
	TAILQ_FOREACH(p, bucket_of(c->passing, key), in_bucket)
	{
		if (!p->state.bound && flow_key_equal(&p->state.key, key))
			return p->id;
	}
	return NO_INDEX;
}
