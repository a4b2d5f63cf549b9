/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/conn.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

#define BUCKETS 32768

struct entry {
	struct conn conn; /* first: a conn is its entry */
	struct entry *next_in_bucket;
	struct entry *newer, *older; /* in its list */
	uint32_t bucket;
};

/* By last use. */
struct list {
	struct entry *newest, *oldest;
	size_t count;
};

struct conn_table {
	struct conn_ops ops;
	void *ctx;
	struct entry *buckets[BUCKETS];
	struct list live, over;
	uint32_t next_id;
};

/* What a delivery needs to know. */
struct delivery {
	struct conn_table *table;
	struct conn *conn;
	enum flow_dir dir;
};

static void deliver(void *ctx, uint64_t offset, uint64_t ts_ns, const uint8_t *data, uint64_t len)
{
	const struct delivery *d = ctx;

	if (d->table->ops.data && !d->conn->over)
		d->table->ops.data(d->table->ctx, d->conn, d->dir, offset, ts_ns, data, len);
}

struct conn_table *conn_table_new(const struct conn_ops *ops, void *ctx)
{
	struct conn_table *table = xcalloc(1, sizeof(*table));

	table->ops = *ops;
	table->ctx = ctx;
	return table;
}

static struct list *list_of(struct conn_table *table, const struct entry *e)
{
	return e->conn.over ? &table->over : &table->live;
}

static void unlink_use(struct conn_table *table, struct entry *e)
{
	struct list *list = list_of(table, e);

	*(e->newer ? &e->newer->older : &list->newest) = e->older;
	*(e->older ? &e->older->newer : &list->oldest) = e->newer;
	list->count--;
}

static void link_newest(struct conn_table *table, struct entry *e)
{
	struct list *list = list_of(table, e);

	e->newer = NULL;
	e->older = list->newest;
	*(list->newest ? &list->newest->newer : &list->oldest) = e;
	list->newest = e;
	list->count++;
}

static void end(struct conn_table *table, struct conn *conn, uint64_t ts_ns)
{
	if (conn->over)
		return;
	for (int dir = 0; dir < 2; dir++) {
		struct delivery d = { table, conn, dir };

		tcp_half_flush(&conn->half[dir], ts_ns, deliver, &d);
	}
	unlink_use(table, (struct entry *)conn);
	conn->over = true;
	link_newest(table, (struct entry *)conn);
	if (table->ops.closed)
		table->ops.closed(table->ctx, conn, ts_ns);
}

static void drop(struct conn_table *table, struct entry *e)
{
	struct entry **at = &table->buckets[e->bucket];

	end(table, &e->conn, e->conn.last_ns);
	if (table->ops.released)
		table->ops.released(table->ctx, &e->conn);
	while (*at != e)
		at = &(*at)->next_in_bucket;
	*at = e->next_in_bucket;
	unlink_use(table, e);
	for (int dir = 0; dir < 2; dir++)
		tcp_half_release(&e->conn.half[dir]);
	free(e);
}

void conn_table_free(struct conn_table *table)
{
	if (!table)
		return;
	while (table->over.oldest)
		drop(table, table->over.oldest);
	while (table->live.oldest)
		drop(table, table->live.oldest);
	free(table);
}

/* The same for both directions of a connection. */
static uint32_t hash(const struct segment *s, uint16_t iface)
{
	uint32_t h[2] = { 2166136261u, 2166136261u };
	const struct flow_addr *ends[2] = { &s->src, &s->dst };

	for (int side = 0; side < 2; side++) {
		for (int i = 0; i < 16; i++)
			h[side] = (h[side] ^ ends[side]->ip[i]) * 16777619u;
		h[side] = (h[side] ^ ends[side]->port) * 16777619u;
	}
	return ((h[0] + h[1]) * 2654435761u ^ iface) >> 7 & (BUCKETS - 1);
}

static struct entry *find(struct conn_table *table, const struct segment *s, const struct packet *p,
			  uint32_t bucket)
{
	for (struct entry *e = table->buckets[bucket]; e; e = e->next_in_bucket) {
		const struct conn *c = &e->conn;

		if (c->iface != p->iface)
			continue;
		if (p->dir != FLOW_IN && flow_addr_equal(&c->local, &s->src) &&
		    flow_addr_equal(&c->remote, &s->dst))
			return e;
		if (p->dir != FLOW_OUT && flow_addr_equal(&c->local, &s->dst) &&
		    flow_addr_equal(&c->remote, &s->src))
			return e;
	}
	return NULL;
}

static struct entry *open_conn(struct conn_table *table, const struct segment *s,
			       const struct packet *p, uint32_t bucket)
{
	struct entry *e = xcalloc(1, sizeof(*e));
	bool syn = s->flags & FLOW_SYN, ack = s->flags & FLOW_ACK;
	bool out = p->dir == FLOW_OUT || (p->dir == FLOW_DIR_UNKNOWN && !(syn && ack));

	if (table->over.count >= CONN_OVER)
		drop(table, table->over.oldest);
	if (table->live.count == CONN_MAX)
		drop(table, table->live.oldest);
	e->bucket = bucket;
	e->next_in_bucket = table->buckets[bucket];
	table->buckets[bucket] = e;
	link_newest(table, e);
	e->conn.id = table->next_id++;
	e->conn.local = out ? s->src : s->dst;
	e->conn.remote = out ? s->dst : s->src;
	e->conn.iface = p->iface;
	e->conn.opened_ns = p->ts_ns;
	e->conn.from_start = syn && !ack;
	/* without the SYN, the lower port is taken for the server's */
	if (syn)
		e->conn.server = out == ack;
	else
		e->conn.server = e->conn.local.port < e->conn.remote.port;
	if (table->ops.opened)
		table->ops.opened(table->ctx, &e->conn);
	return e;
}

/* A SYN for a connection that is known already, with another number, begins a new one. */
static bool is_reuse(const struct conn *c, const struct segment *s, enum flow_dir dir)
{
	if ((s->flags & (FLOW_SYN | FLOW_ACK)) != FLOW_SYN)
		return false;
	return c->over || (c->half[dir].synced && c->half[dir].first_seq != s->seq + 1);
}

static void note_end(struct conn_table *table, struct conn *c, const struct segment *s,
		     enum flow_dir dir, uint64_t ts_ns)
{
	bool silent = c->half[0].payload == 0 && c->half[1].payload == 0;

	if (c->over)
		return;
	if (s->flags & FLOW_RST) {
		bool answered = c->half[!dir].synced && c->packets[dir] == 1 && c->from_start;

		/* who has said FIN already closes the door on what comes late, and breaks off
		 * nothing */
		if (c->half[dir].fin)
			c->end = CONN_FINISHED;
		else
			c->end = silent && answered ? CONN_REFUSED : CONN_RESET;
		c->reset = true;
		end(table, c, ts_ns);
	} else if (tcp_half_is_finished(&c->half[0]) && tcp_half_is_finished(&c->half[1])) {
		c->end = CONN_FINISHED;
		end(table, c, ts_ns);
	}
}

bool conn_table_packet(struct conn_table *table, const struct packet *p, struct conn_segment *out)
{
	struct conn_segment local;
	struct delivery d = { .table = table };
	struct entry *e;
	struct conn *c;
	uint32_t bucket;
	int64_t added;

	if (!out)
		out = &local;
	memset(out, 0, sizeof(*out));
	if (!segment_parse(&out->segment, p))
		return false;
	bucket = hash(&out->segment, p->iface);
	e = find(table, &out->segment, p, bucket);
	if (e) {
		out->dir = flow_addr_equal(&e->conn.local, &out->segment.src) ? FLOW_OUT : FLOW_IN;
		if (is_reuse(&e->conn, &out->segment, out->dir)) {
			drop(table, e);
			e = NULL;
		}
	}
	if (!e)
		e = open_conn(table, &out->segment, p, bucket);
	c = &e->conn;
	out->conn = c;
	out->dir = flow_addr_equal(&c->local, &out->segment.src) ? FLOW_OUT : FLOW_IN;
	if (p->dir != FLOW_DIR_UNKNOWN)
		out->dir = p->dir;
	unlink_use(table, e);
	link_newest(table, e);
	c->last_ns = p->ts_ns;
	c->packets[out->dir]++;
	c->frame_bytes[out->dir] += p->frame;

	if (c->reset) {
		out->strange = true;
		return true;
	}
	d.conn = c;
	d.dir = !out->dir;
	if (out->segment.flags & FLOW_ACK && !(out->segment.flags & FLOW_RST))
		tcp_half_acked(&c->half[!out->dir], out->segment.ack, p->ts_ns, deliver, &d);
	d.dir = out->dir;
	/* the sequence number of a RST that refuses a SYN is 0 */
	if (!(out->segment.flags & FLOW_RST)) {
		added = tcp_half_segment(&c->half[out->dir], &out->segment, p->ts_ns, &out->offset,
					 &out->fresh, deliver, &d);
		out->strange = added < 0;
		out->fresh_bytes = added < 0 ? 0 : (uint64_t)added;
	}
	note_end(table, c, &out->segment, out->dir, p->ts_ns);
	return true;
}
