/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/correlate/correlate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/correlate/passing.h"
#include "lib/correlate/state.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"

#define SLOT_SIZE 2048
#define VIRTIO_ID_NET 1

/* ---- a packet and what carried it ---- */

static void correlate_not_tcp(struct correlate *c, const char *kind,
			      const struct packet_dma *packet_dma);

static uint64_t slots_of(const struct carried_dma *dma)
{
	if (!dma->bounced || dma->dma == EVENT_NO_ADDR || !dma->size)
		return 0;
	return (dma->dma + dma->size - 1) / SLOT_SIZE - dma->dma / SLOT_SIZE + 1;
}

/* Its number in the default pool. */
static uint32_t slot_of(const struct correlate *c, uint64_t dma)
{
	const struct platform *p = c->platform;

	if (!p || dma == EVENT_NO_ADDR)
		return TRANSFER_NO_SLOT;
	dma &= ~p->realm.shared_bit;
	for (size_t i = 0; i < p->swiotlb.npools; i++) {
		const struct platform_pool *pool = &p->swiotlb.pools[i];

		if (platform_pool_is_default(pool) && range_contains(&pool->range, dma, 1) &&
		    (dma - pool->range.start) / SLOT_SIZE < TRANSFER_NO_SLOT)
			return (uint32_t)((dma - pool->range.start) / SLOT_SIZE);
	}
	return TRANSFER_NO_SLOT;
}

/* "output.0"; with several CPUs its packets may go through several, "output.0 output.2" */
static void credit_queue(struct exchange_half *half, const char *queue)
{
	size_t len = strlen(half->queues), more = strlen(queue);

	if (!more || strchr(queue, ' '))
		return;
	for (const char *at = half->queues; (at = strstr(at, queue)); at += more)
		if ((at == half->queues || at[-1] == ' ') && (!at[more] || at[more] == ' '))
			return;
	if (len + more + 2 > sizeof(half->queues))
		return;
	snprintf(half->queues + len, sizeof(half->queues) - len, "%s%s", len ? " " : "", queue);
}

/* virtio-net calls its queues so (Linux drivers/net/virtio_net.c, virtnet_find_vqs). */
static void credit_rx_queue(struct correlate *c, struct exchange_half *half,
			    const struct packet_dma *packet_dma)
{
	const struct platform_virtio *v =
		c->platform && packet_dma->device
			? platform_find_virtio(c->platform, names_get(c->names, packet_dma->device))
			: NULL;
	char name[24];

	if (!packet_dma->rx_queue || !v || v->device_id != VIRTIO_ID_NET)
		return;
	snprintf(name, sizeof(name), "input.%u", packet_dma->rx_queue - 1u);
	credit_queue(half, name);
}

static void credit_transfers(struct correlate *c, struct exchange_half *half,
			     const struct packet_dma *packet_dma, enum grade grade)
{
	uint16_t device = 0;

	if (packet_dma->ndma)
		device = exchanges_device(c->x, names_get(c->names, packet_dma->device));
	half->dma_bytes += packet_dma->dma_bytes;
	half->descriptors += packet_dma->descriptors;
	half->kicks += packet_dma->kicks;
	if (packet_dma->queue)
		credit_queue(half, names_get(c->names, packet_dma->queue));
	credit_rx_queue(c, half, packet_dma);
	for (size_t i = 0; i < packet_dma->ndma; i++) {
		const struct carried_dma *dma = &packet_dma->dma[i];

		half->transfers++;
		half->slots += slots_of(dma);
		if (slots_of(dma)) {
			half->copies++;
			half->copied_bytes += dma->size;
		}
		if (half->nlist == EXCHANGE_TRANSFERS || c->x->nlisted == EXCHANGES_LISTED)
			continue;
		c->x->nlisted++;
		if (!half->list)
			half->list = xcalloc(EXCHANGE_TRANSFERS, sizeof(*half->list));
		half->list[half->nlist++] = (struct transfer){
			dma->ts_ns, dma->dma,	    dma->size,	  slot_of(c, dma->dma),
			device,	    (uint8_t)grade, dma->bounced,
		};
	}
}

/* From which of its exchanges on a packet is looked for: it follows the last one, or goes back. */
static uint32_t row_of(const struct correlate *c, const struct conn_state *s,
		       const struct match_packet *p, enum flow_dir dir)
{
	uint32_t row = s->row[dir];

	if (row == NO_INDEX || c->x->rows[row].half[dir].stream.start > p->offset)
		return s->first_row;
	return row;
}

/* The exchanges whose bytes the packet held. */
static void credit_rows(struct correlate *c, const struct match_packet *p,
			const struct packet_dma *packet_dma, struct conn_state *s, enum grade grade)
{
	enum flow_dir dir = packet_dma->dir;
	bool first = true;

	for (uint32_t i = row_of(c, s, p, dir); i != NO_INDEX; i = c->row_next[i]) {
		struct exchange_half *half = &c->x->rows[i].half[dir];
		struct extent part = { p->offset, p->offset + p->len };
		uint64_t fresh = 0;

		if (half->stream.start >= part.end && half->stream.end > half->stream.start)
			break;
		if (half->stream.end <= part.start || half->stream.start >= part.end)
			continue;
		if (first)
			s->row[dir] = i;
		first = false;
		if (part.start < half->stream.start)
			part.start = half->stream.start;
		if (part.end > half->stream.end)
			part.end = half->stream.end;
		if (p->fresh.start < part.end && p->fresh.end > part.start) {
			uint64_t s = p->fresh.start > part.start ? p->fresh.start : part.start;
			uint64_t t = p->fresh.end < part.end ? p->fresh.end : part.end;

			fresh = t - s < p->fresh_bytes ? t - s : p->fresh_bytes;
		}
		half->bytes[grade] += fresh;
		half->retransmitted += part.end - part.start - fresh;
		half->packets++;
		if (!half->first_packet || p->number < half->first_packet)
			half->first_packet = p->number;
		if (p->number > half->last_packet)
			half->last_packet = p->number;
		credit_transfers(c, half, packet_dma, grade);
	}
}

static enum grade weakest(enum grade a, enum grade b)
{
	return a < b ? a : b;
}

static void count_unattributed(struct correlate *c, uint64_t ts_ns, uint16_t device,
			       enum flow_dir dir, const char *why, uint64_t transfers,
			       uint64_t bytes)
{
	bool early = c->x->program.launched && (!c->began_ns || ts_ns < c->began_ns);
	size_t i;

	if (!bytes && !transfers)
		return;
	for (i = 0; i < c->nunattributed; i++)
		if (c->unattributed[i].device == device && c->unattributed[i].dir == dir &&
		    c->unattributed[i].why == why && c->unattributed[i].early == early)
			break;
	if (i == CORRELATE_SUMS)
		i = 0; /* hostile: wrong reason, but never left out */
	else if (i == c->nunattributed)
		c->unattributed[c->nunattributed++] = (struct unattributed_sum){
			.device = device, .dir = (uint8_t)dir, .why = why, .early = early
		};
	c->unattributed[i].transfers += transfers;
	c->unattributed[i].bytes += bytes;
}

static void matched(void *ctx, const struct match_packet *p, const struct packet_dma *packet_dma,
		    unsigned int match)
{
	struct correlate *c = ctx;
	enum flow_dir dir = packet_dma->dir;
	enum grade grade = weakest(match, packet_dma->dma_grade);
	struct exchange_conn *conn;
	struct conn_state *s;

	if (packet_dma->key_known)
		grade = weakest(grade, packet_dma->socket_grade);
	if (p->conn == MATCH_NO_CONN) {
		correlate_not_tcp(c, p->kind, packet_dma);
		return;
	}
	conn = correlate_conn(c, p->conn, &s);
	if (!conn) {
		count_unattributed(c, packet_dma->ts_ns, packet_dma->device, dir,
				   "connection that was left out", packet_dma->ndma,
				   packet_dma->dma_bytes);
		return;
	}
	if (s->device && packet_dma->device && s->device != packet_dma->device) {
		count_unattributed(c, packet_dma->ts_ns, packet_dma->device, dir,
				   "connection that changed its device", packet_dma->ndma,
				   packet_dma->dma_bytes);
	} else {
		if (packet_dma->ndma)
			s->device = packet_dma->device;
		s->transfers[dir] += packet_dma->ndma;
		s->dma_bytes[dir] += packet_dma->dma_bytes;
	}
	conn->carried[dir][grade] += p->fresh_bytes;
	if (p->len) {
		credit_rows(c, p, packet_dma, s, grade);
	} else {
		conn->control_packets[dir]++;
		conn->control_bytes[dir] += packet_dma->dma_bytes;
	}
	passing_waits(c, p->conn, false);
}

static void lone_packet(void *ctx, const struct match_packet *p)
{
	/* its bytes stay without a link: exchange_half.bytes[GRADE_NONE] */
	passing_waits(ctx, p->conn, false);
}

static void lone_packet_dma(void *ctx, const struct packet_dma *packet_dma)
{
	count_unattributed(ctx, packet_dma->ts_ns, packet_dma->device, packet_dma->dir,
			   "packet that was not captured", packet_dma->ndma, packet_dma->dma_bytes);
}

static struct match_queue *match_of(struct correlate *c, uint16_t iface, unsigned int dir)
{
	static const struct match_ops ops = { matched, lone_packet, lone_packet_dma };
	size_t i;

	for (i = 0; i < c->nifaces; i++)
		if (c->ifaces[i].iface == iface)
			return c->ifaces[i].queues[dir];
	if (i == CORRELATE_IFACES)
		return NULL;
	c->nifaces++;
	c->ifaces[i].iface = iface;
	for (int d = 0; d < 2; d++)
		c->ifaces[i].queues[d] = match_new(CORRELATE_WAITING, &ops, c);
	return c->ifaces[i].queues[dir];
}

static bool in_window(const struct correlate *c, uint64_t ts_ns)
{
	return ts_ns >= c->start_ns && ts_ns <= c->stop_ns;
}

/*
 * Transfers beyond the window are not among its sums, though their packet may be in it.  Returns
 * whether there are any.
 */
static bool trim(const struct correlate *c, struct packet_dma *packet_dma)
{
	size_t all = packet_dma->ndma;

	while (packet_dma->ndma && !in_window(c, packet_dma->dma[0].ts_ns)) {
		packet_dma->dma_bytes -= packet_dma->dma[0].size;
		packet_dma->dma++;
		packet_dma->ndma--;
	}
	while (packet_dma->ndma && !in_window(c, packet_dma->dma[packet_dma->ndma - 1].ts_ns)) {
		packet_dma->dma_bytes -= packet_dma->dma[packet_dma->ndma - 1].size;
		packet_dma->ndma--;
	}
	return packet_dma->ndma < all;
}

static void carried(void *ctx, const struct packet_dma *given)
{
	struct correlate *c = ctx;
	struct packet_dma copy = *given;
	const struct packet_dma *packet_dma = &copy;
	struct device_sum *sum = correlate_sum(c, packet_dma->device);
	struct match_queue *queue;
	bool trimmed;

	if (!packet_dma->ndma && !packet_dma->device)
		return; /* loopback, a bridge: no device has it */
	trimmed = trim(c, &copy);
	if (!in_window(c, packet_dma->ts_ns)) {
		/* another CPU was at it as the window opened or closed: no capture has the packet
		 */
		count_unattributed(c, packet_dma->ts_ns, packet_dma->device, packet_dma->dir,
				   "packet on its way as the window opened or closed",
				   packet_dma->ndma, packet_dma->dma_bytes);
		sum->wire[packet_dma->dir] += packet_dma->ndma ? packet_dma->wire : 0;
		return;
	}
	queue = match_of(c, packet_dma->iface, packet_dma->dir);
	sum->carried[packet_dma->dir] += packet_dma->dma_bytes;
	c->have_transfers |= packet_dma->dma_bytes > 0;
	sum->wire[packet_dma->dir] += packet_dma->wire;
	if (packet_dma->dir == FLOW_OUT) {
		sum->frames[FLOW_OUT] += packet_dma->frame;
	} else if (packet_dma->ndma) {
		sum->frames[FLOW_IN] +=
			packet_dma->dma_bytes -
			(uint64_t)carry_header(c->carry, packet_dma->device) * packet_dma->wire;
	}
	if (packet_dma->dir == FLOW_OUT && packet_dma->ndma && !trimmed) {
		sum->frame_bytes += packet_dma->frame + carry_header(c->carry, packet_dma->device);
		sum->frame_dma += packet_dma->dma_bytes - packet_dma->table_bytes;
	}
	if (queue)
		match_packet_dma(queue, packet_dma);
	else
		lone_packet_dma(c, packet_dma);
}

/* Whose it was, calls of the program tell in the end. */
static void correlate_not_tcp(struct correlate *c, const char *kind,
			      const struct packet_dma *packet_dma)
{
	count_unattributed(c, packet_dma->ts_ns, packet_dma->device, packet_dma->dir, kind,
			   packet_dma->ndma, packet_dma->dma_bytes);
	for (size_t i = 0; i < c->nunattributed; i++)
		if (c->unattributed[i].why == kind)
			c->unattributed[i].not_tcp = true;
}

static void unattributed(void *ctx, uint64_t ts_ns, uint16_t device, enum flow_dir dir,
			 uint64_t bytes, const char *why)
{
	if (in_window(ctx, ts_ns))
		count_unattributed(ctx, ts_ns, device, dir, why, 1, bytes);
}

static void opened(void *ctx, struct conn *conn)
{
	passing_opened(ctx, conn);
}

/* No packet of the connection comes any more. */
static void released(void *ctx, struct conn *conn)
{
	struct correlate *c = ctx;
	struct conn_state *s;

	if (correlate_conn(c, conn->id, &s))
		for (int dir = 0; dir < 2; dir++)
			s->finished[dir] = conn->half[dir].fin;
	passing_released(c, conn);
}

/* ---- the interface ---- */

struct correlate *correlate_new(struct exchanges *x, const struct names *names,
				const struct platform *platform)
{
	static const struct carry_ops carry_ops = { carried, unattributed };
	static const struct conn_ops conn_ops = { opened, NULL, NULL, released };
	struct correlate *c = xcalloc(1, sizeof(*c));

	c->x = x;
	c->names = names;
	c->platform = platform;
	c->nonce = platform ? platform->trace.nonce : 0;
	c->start_ns = c->nonce ? UINT64_MAX : 0;
	c->stop_ns = UINT64_MAX;
	c->owners = owners_new();
	owners_set_follow(c->owners, !x->program.no_follow);
	for (size_t i = 0; i < x->program.nroots; i++)
		owners_add_root(c->owners, x->program.roots[i]);
	c->carry = carry_new(names, platform, c->owners, &carry_ops, c);
	c->blockio = blockio_new(x, names, platform, c->owners);
	c->diskcount = diskcount_new(names, platform);
	c->netcount = netcount_new(names, platform);
	c->packets = conn_table_new(&conn_ops, c);
	if (x->unlisted.conns)
		c->passing = passing_conns_new();
	correlate_index(c);
	return c;
}

void correlate_packet(struct correlate *c, const struct packet *packet)
{
	struct match_packet p = { .conn = MATCH_NO_CONN,
				  .frame = packet->frame,
				  .kind = packet_kind(packet),
				  .number = packet->number };
	enum flow_dir dir = packet->dir;
	struct conn_segment seg;
	struct match_queue *queue;

	if (conn_table_packet(c->packets, packet, &seg)) {
		dir = seg.dir;
		p.conn = seg.conn->id;
		flow_key_make(&p.key, &seg.conn->local, &seg.conn->remote);
		p.offset = seg.offset;
		p.len = seg.strange ? 0 : seg.segment.payload_len;
		p.fresh = seg.fresh;
		p.fresh_bytes = seg.fresh_bytes;
	}
	if (dir == FLOW_DIR_UNKNOWN)
		return; /* no TCP, in a file that does not tell directions: cannot be matched */
	queue = match_of(c, packet->iface, dir);
	if (!queue)
		return;
	passing_waits(c, p.conn, true);
	match_packet(queue, &p);
}

/* The markers of the run with this nonce, the first of each kind, open and close the window. */
static void mark(struct correlate *c, const struct event *e)
{
	if (!c->nonce || e->link != c->nonce)
		return;
	if (!c->x->program.recorder && e->pid > 0)
		c->x->program.recorder = e->pid;
	if (e->aux == EVENT_MARK_START && c->start_ns == UINT64_MAX)
		c->start_ns = e->ts_ns;
	else if (e->aux == EVENT_MARK_STOP && c->stop_ns == UINT64_MAX)
		c->stop_ns = e->ts_ns;
}

struct device_sum *correlate_sum(struct correlate *c, uint16_t device)
{
	size_t old = c->nsums;

	if (device >= old) {
		c->nsums = (size_t)device + 1 > 2 * old ? (size_t)device + 1 : 2 * old;
		c->sums = xrealloc(c->sums, c->nsums, sizeof(*c->sums));
		memset(c->sums + old, 0, (c->nsums - old) * sizeof(*c->sums));
	}
	return &c->sums[device];
}

static void sum_up(struct correlate *c, const struct event *e)
{
	struct device_sum *sum = correlate_sum(c, e->dev);

	if (e->kind == EVENT_MAP)
		sum->by_program |= owners_is_program(c->owners, e->pid);
	if (e->kind == EVENT_MAP && e->dma != EVENT_NO_ADDR && e->dir == EVENT_FROM_DEVICE) {
		sum->mapped_in += e->size;
		sum->nmapped_in++;
	} else if (e->kind == EVENT_MAP && e->dma != EVENT_NO_ADDR) {
		sum->mapped += e->size;
		sum->nmapped++;
		sum->balance++;
	} else if (e->kind == EVENT_SYNC_CPU && e->dir == EVENT_FROM_DEVICE) {
		sum->synced += e->size;
		sum->nsynced++;
	} else if (e->kind == EVENT_UNMAP && e->dir == EVENT_FROM_DEVICE && e->size >= 64) {
		sum->unmapped += e->size;
		sum->nunmapped++;
	} else if (e->kind == EVENT_UNMAP && e->dir == EVENT_TO_DEVICE) {
		if (--sum->balance < sum->lowest)
			sum->lowest = sum->balance;
	}
}

void correlate_event(struct correlate *c, const struct event *e)
{
	struct owner_socket *s;

	c->events_seen = true;
	if (e->kind == EVENT_MARK)
		mark(c, e);
	diskcount_event(c->diskcount, e);
	netcount_event(c->netcount, e);
	if (e->kind == EVENT_EXEC && !c->began_ns && owners_is_program(c->owners, e->pid))
		c->began_ns = e->ts_ns;
	/* a worker of its io_urings: no fork event tells of it */
	if ((e->kind == EVENT_SOCK_STATE || e->kind == EVENT_SOCK_SEND) &&
	    !owners_is_program(c->owners, e->pid) &&
	    owners_is_task(c->owners, e->pid, names_get(c->names, e->comm)))
		owners_add_root(c->owners, e->pid);
	passing_now(c, e->ts_ns);
	s = owners_event(c->owners, e);
	if (s)
		correlate_bind(c, s);
	carry_event(c->carry, e);
	blockio_learn(c->blockio, e);
	if (!in_window(c, e->ts_ns))
		return;
	correlate_call(c, e, s);
	sum_up(c, e);
	if (e->kind != EVENT_MAP || !carry_is_net(c->carry, e->dev))
		blockio_event(c->blockio, e);
}

void correlate_finish(struct correlate *c)
{
	carry_finish(c->carry);
	for (size_t i = 0; i < c->nifaces; i++)
		for (int dir = 0; dir < 2; dir++)
			match_free(c->ifaces[i].queues[dir]);
	conn_table_free(c->packets);
	blockio_free(c->blockio);
	passing_end(c);
	correlate_result(c);
	passing_conns_free(c->passing);
	free(c->diskcount);
	netcount_free(c->netcount);
	carry_free(c->carry);
	owners_free(c->owners);
	free(c->sums);
	free(c->buckets);
	free(c->conns);
	free(c->row_next);
	free(c);
}
