/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * correlate-result - totals, what belongs to nobody, and whether the sums agree.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/correlate/state.h"
#include "lib/evidence/meter.h"
#include "lib/evidence/platform.h"

static const char *const dir_names[2] = { "out", "in" };

/* What no packet with a known transfer held stays without a link; a row is as good as its worst. */
static void grade_rows(struct exchanges *x)
{
	for (size_t i = 0; i < x->nrows; i++) {
		struct exchange *r = &x->rows[i];
		enum grade worst = GRADE_EXACT;
		bool any = false;

		for (int dir = 0; dir < 2; dir++) {
			struct exchange_half *half = &r->half[dir];
			uint64_t linked = 0, all = exchange_half_bytes(half);

			for (int g = GRADE_SIZED; g < GRADES; g++)
				linked += half->bytes[g];
			half->bytes[GRADE_NONE] = all > linked ? all - linked : 0;
			for (int g = 0; g < GRADES; g++) {
				if (!half->bytes[g])
					continue;
				any = true;
				worst = (int)worst < g ? worst : (enum grade)g;
			}
		}
		r->grade = any ? worst : GRADE_NONE;
	}
}

/* What copying took at least: at the rate of memcpy() on this machine. */
static void time_copies(struct exchanges *x, const struct platform *p)
{
	for (size_t i = 0; p && i < x->nrows; i++) {
		for (int dir = 0; dir < 2; dir++) {
			struct exchange_half *half = &x->rows[i].half[dir];

			half->copy_ns =
				meter_least_ns(p->memcpy.bytes, p->memcpy.ns, half->copied_bytes);
		}
	}
}

static void total_rows(struct exchanges *x)
{
	struct exchange_rest all = exchanges_rest(x, OWNER_PROGRAM);

	for (size_t i = 0; i < x->nconns; i++)
		x->result.program_known |= x->conns[i].owner != GRADE_NONE;
	for (size_t i = 0; i < x->nrows; i++)
		if (x->conns[x->rows[i].conn].program)
			rest_add(&all, &x->rows[i]);
	x->result.clear_bytes += all.out[FORM_CLEAR];
	x->result.tls_bytes += all.out[FORM_TLS] + all.out[FORM_TLS_UNSURE];
	x->result.opaque_bytes += all.out[FORM_OPAQUE];
}

static void share_of_conn(struct correlate *c, const struct exchange_conn *conn,
			  const struct conn_state *s)
{
	uint16_t device;

	if (!s->device)
		return;
	device = exchanges_device(c->x, names_get(c->names, s->device));
	for (int dir = 0; dir < 2; dir++) {
		struct exchange_device *d = &c->x->devices[device];
		char why[96];

		if (conn->program) {
			d->program_bytes[dir] += s->dma_bytes[dir];
			continue;
		}
		d->other_bytes[dir] += s->dma_bytes[dir];
		if (conn->owner == GRADE_NONE)
			snprintf(why, sizeof(why), "connection of an unknown process");
		else
			snprintf(why, sizeof(why), "connection of %s[%d]",
				 conn->comm && conn->comm[0] ? conn->comm : "?", conn->pid);
		if (s->dma_bytes[dir])
			exchanges_unattributed(c->x, device, dir, why, s->transfers[dir],
					       s->dma_bytes[dir]);
	}
}

static const char *iface_of(const struct correlate *c, uint16_t device)
{
	for (size_t i = 0; i < c->nifaces; i++)
		if (carry_device(c->carry, c->ifaces[i].iface) == device)
			return names_get(c->names, c->ifaces[i].iface);
	return NULL;
}

/* One network device: its sums, and who has a share in them. */
static void net_device(struct correlate *c, uint16_t id)
{
	const struct device_sum *sum = &c->sums[id];
	uint16_t device = exchanges_device(c->x, names_get(c->names, id));
	struct exchange_device *d = &c->x->devices[device];
	const char *iface = iface_of(c, id);
	bool unmaps = carry_unmaps(c->carry, id);

	if (!d->iface && iface)
		d->iface = xstrdup(iface);
	d->dma_bytes[FLOW_OUT] = sum->mapped;
	d->dma_transfers[FLOW_OUT] = sum->nmapped;
	d->dma_bytes[FLOW_IN] = unmaps ? sum->unmapped : sum->synced;
	d->dma_transfers[FLOW_IN] = unmaps ? sum->nunmapped : sum->nsynced;
	for (size_t i = 0; iface && i < c->x->capture.nifaces; i++) {
		const struct exchange_iface *f = &c->x->capture.ifaces[i];

		if (strcmp(f->name, iface) != 0 || !f->counters_known)
			continue;
		d->counters_known = true;
		memcpy(d->counter_bytes, f->counter_bytes, sizeof(d->counter_bytes));
		memcpy(d->counter_packets, f->counter_packets, sizeof(d->counter_packets));
	}
	for (int dir = 0; dir < 2; dir++) {
		d->event_bytes[dir] = sum->frames[dir];
		d->event_packets[dir] = sum->wire[dir];
	}
}

/*
 * What the kernel sends by itself, what ccaio sent; and where every call of the program is known,
 * what only other sockets than the program's can have sent or got.
 */
static bool not_the_programs(const struct correlate *c, const struct unattributed_sum *s)
{
	if (strcmp(s->why, "ARP") == 0 || strcmp(s->why, packet_own_frames) == 0)
		return true;
	if (strcmp(s->why, packet_unreadable_tcp) == 0)
		return false;
	return correlate_calls_known(c) && !c->x->program.other_calls[s->dir];
}

static void unattributed(struct correlate *c)
{
	for (size_t i = 0; i < c->nunattributed; i++) {
		const struct unattributed_sum *s = &c->unattributed[i];
		uint16_t device;
		bool others;

		if (!carry_is_net(c->carry, s->device))
			continue;
		device = exchanges_device(c->x, names_get(c->names, s->device));
		others = (s->early && c->began_ns) || s->why == carry_command ||
			 (s->not_tcp && not_the_programs(c, s));
		*(others ? &c->x->devices[device].other_bytes[s->dir]
			 : &c->x->devices[device].unknown_bytes[s->dir]) += s->bytes;
		exchanges_unattributed(c->x, device, s->dir, s->why, s->transfers, s->bytes);
	}
}

#define VIRTIO_ID_RNG 4

/* Random numbers that no task of the program asked for: whoever reads them maps the next buffer. */
static bool is_entropy_of_others(const struct correlate *c, uint16_t id)
{
	const struct platform_virtio *v =
		c->platform ? platform_find_virtio(c->platform, names_get(c->names, id)) : NULL;

	return v && v->device_id == VIRTIO_ID_RNG && !c->sums[id].by_program;
}

/* Devices that are neither network interface nor disk: who made them work, nobody tells. */
static void other_device(struct correlate *c, uint16_t id)
{
	const struct device_sum *sum = &c->sums[id];
	uint64_t back = sum->unmapped + sum->synced, nback = sum->nunmapped + sum->nsynced;
	/* what was mapped before the window comes back in it */
	uint64_t bytes[2] = { sum->mapped, sum->mapped_in > back ? sum->mapped_in : back };
	uint64_t transfers[2] = { sum->nmapped, sum->nmapped_in > nback ? sum->nmapped_in : nback };
	bool entropy = is_entropy_of_others(c, id);
	uint16_t device;

	if (!transfers[0] && !transfers[1])
		return;
	device = exchanges_device(c->x, names_get(c->names, id));
	if (c->x->devices[device].block)
		return;
	for (int dir = 0; dir < 2; dir++) {
		c->x->devices[device].dma_bytes[dir] = bytes[dir];
		c->x->devices[device].dma_transfers[dir] = transfers[dir];
		*(entropy ? &c->x->devices[device].other_bytes[dir]
			  : &c->x->devices[device].unknown_bytes[dir]) = bytes[dir];
		if (transfers[dir])
			exchanges_unattributed(
				c->x, device, (enum flow_dir)dir,
				entropy ? exchanges_entropy_of_others
					: "of a device that is neither disk nor network interface",
				transfers[dir], bytes[dir]);
	}
}

/* ---- conservation ---- */

/*
 * What the program's calls moved, beside the stream.  All that was handed to a socket is sent
 * before the FIN; where none came, the rest stayed in the socket: the peer broke off, the program
 * ended, or the window did.
 */
static void check_calls(struct exchanges *x, const struct exchange_conn *conn, enum flow_dir dir,
			const char *what, bool finished)
{
	uint64_t seen = conn->payload[dir] + conn->lost[dir], moved = conn->app_bytes[dir];

	if (dir == FLOW_OUT && !finished && moved > seen)
		sums_check(&x->sums, what, "payload of the stream, which was broken off", seen,
			   "bytes of the program's calls", moved, true);
	else
		sums_check(&x->sums, what, "bytes of the program's calls", moved,
			   "payload of the stream", seen, moved <= seen);
}

/* row_bytes: of its exchanges; NULL: they are only known of all connections together. */
static void check_conn(const struct correlate *c, const struct exchange_conn *conn,
		       const struct conn_state *s, const uint64_t row_bytes[2])
{
	struct exchanges *x = c->x;
	char local[FLOW_TEXT], what[128];

	if (!conn->program)
		return;
	for (int dir = 0; dir < 2; dir++) {
		uint64_t carried = 0, seen = conn->payload[dir] + conn->lost[dir];

		for (int g = GRADE_SIZED; g < GRADES; g++)
			carried += conn->carried[dir][g];
		snprintf(what, sizeof(what), "%s %s", flow_addr_text(&conn->local, local),
			 dir_names[dir]);
		if (row_bytes)
			sums_check(&x->sums, what, "payload of the stream", seen,
				   "bytes of its exchanges", row_bytes[dir],
				   seen == row_bytes[dir]);
		/* what the capture came too late for was sent as well */
		if (conn->app_known && conn->from_start)
			check_calls(x, conn, dir, what, s->finished[dir]);
		if (c->have_transfers)
			sums_check(&x->sums, what, "payload of the packets", conn->payload[dir],
				   "payload in known transfers", carried,
				   conn->payload[dir] == carried);
	}
}

void correlate_conn_over(struct correlate *c, const struct exchange_conn *conn,
			 const struct conn_state *s)
{
	share_of_conn(c, conn, s);
	c->x->result.program_known |= conn->owner != GRADE_NONE;
	check_conn(c, conn, s, NULL);
}

/* Of those that are not listed: were all seen again, and is their payload that of exchanges? */
static void check_unlisted(struct exchanges *x)
{
	const struct exchange_unlisted *u = &x->unlisted;
	char what[128];

	if (!u->conns)
		return;
	sums_check(&x->sums, "the capture", "connections that are not listed", u->conns,
		   "in its packets", u->seen, u->conns == u->seen);
	for (int owner = 0; owner < CONN_OWNERS; owner++) {
		for (int dir = 0; dir < 2; dir++) {
			const struct exchange_rest *rest = &u->by[owner];
			uint64_t bytes = dir == FLOW_OUT ? rest_out(rest) : rest->in;

			snprintf(what, sizeof(what), "connections that are not listed, %s, %s",
				 conn_owner_name((enum conn_owner)owner), dir_names[dir]);
			sums_check(&x->sums, what, "payload of the streams", u->streams[owner][dir],
				   "bytes of their exchanges", bytes,
				   u->streams[owner][dir] == bytes);
		}
	}
}

static void check_conns(struct correlate *c)
{
	struct exchanges *x = c->x;
	uint64_t(*bytes)[2] = xcalloc(x->nconns + 1, sizeof(*bytes));

	for (size_t i = 0; i < x->nrows; i++)
		for (int dir = 0; dir < 2; dir++)
			bytes[x->rows[i].conn][dir] += exchange_half_bytes(&x->rows[i].half[dir]);
	for (size_t i = 0; i < x->nconns; i++) {
		bytes[i][FLOW_OUT] += rest_out(&x->conns[i].rest);
		bytes[i][FLOW_IN] += x->conns[i].rest.in;
		check_conn(c, &x->conns[i], &c->conns[i], bytes[i]);
	}
	free(bytes);
}

/* Is what was mapped for the frames that were sent all of them, and what belongs before each? */
static void check_frames(struct correlate *c, uint16_t id, const char *name)
{
	const struct device_sum *sum = &c->sums[id];
	const char *frames = "frames and their virtio-net headers";
	char what[128];

	if (!sum->frame_dma)
		return;
	if (carry_in_bytes(c->carry, id))
		frames = "frames and what separates them in the byte stream";
	if (carry_is_foreign(c->carry, id))
		frames = "frames";
	if (carry_is_foreign(c->carry, id) && sum->frame_bytes != sum->frame_dma) {
		exchanges_note(c->x,
			       "%s out: it is no virtio device; its driver mapped %" PRIu64
			       " bytes for frames of %" PRIu64,
			       name, sum->frame_dma, sum->frame_bytes);
		return;
	}
	snprintf(what, sizeof(what), "%.96s out", name);
	sums_check(&c->x->sums, what, frames, sum->frame_bytes, "mapped for them", sum->frame_dma,
		   sum->frame_bytes == sum->frame_dma);
}

static void check_device(struct correlate *c, uint16_t id)
{
	const struct device_sum *sum = &c->sums[id];
	uint16_t device = exchanges_device(c->x, names_get(c->names, id));
	const struct exchange_device *d = &c->x->devices[device];
	uint64_t in_flight = sum->lowest < 0 ? (uint64_t)-sum->lowest : 0;
	char what[128];

	for (int dir = 0; dir < 2; dir++) {
		uint64_t shares =
			d->program_bytes[dir] + d->other_bytes[dir] + d->unknown_bytes[dir];

		snprintf(what, sizeof(what), "%.96s %s", d->name, dir_names[dir]);
		sums_check(&c->x->sums, what, "DMA bytes", d->dma_bytes[dir],
			   "attributed and unattributed", shares, d->dma_bytes[dir] == shares);
		/* packets that were on their way when the window opened are counted when they end
		 */
		if (d->counters_known && d->dma_transfers[dir] &&
		    !(d->iface && netcount_compared(c->netcount, d->iface, dir)))
			sums_check(
				&c->x->sums, what, "packets by the interface's own count",
				d->counter_packets[dir], "packets in events", d->event_packets[dir],
				d->counter_packets[dir] <=
					d->event_packets[dir] + (dir == FLOW_OUT ? in_flight : 0));
	}
	check_frames(c, id, d->name);
}

static void check_disk(struct exchanges *x, const struct exchange_device *d)
{
	char what[128];

	for (int dir = 0; dir < 2; dir++) {
		uint64_t shares =
			d->program_bytes[dir] + d->other_bytes[dir] + d->unknown_bytes[dir];

		snprintf(what, sizeof(what), "%.96s %s", d->name, dir_names[dir]);
		sums_check(&x->sums, what, "DMA bytes", d->dma_bytes[dir],
			   "attributed and unattributed", shares, d->dma_bytes[dir] == shares);
	}
}

void correlate_result(struct correlate *c)
{
	struct exchanges *x = c->x;

	x->result.correlated = c->events_seen;
	correlate_sum(c, (uint16_t)(names_count(c->names) - 1)); /* all of them are there */
	for (uint32_t id = 1; id < names_count(c->names) && id < 65536; id++)
		if (carry_is_net(c->carry, (uint16_t)id))
			net_device(c, (uint16_t)id);
	for (uint32_t id = 1; id < names_count(c->names) && id < 65536; id++)
		if (!carry_is_net(c->carry, (uint16_t)id))
			other_device(c, (uint16_t)id);
	unattributed(c);
	for (size_t i = 0; i < x->nconns; i++)
		share_of_conn(c, &x->conns[i], &c->conns[i]);
	grade_rows(x);
	time_copies(x, c->platform);
	total_rows(x);
	if (!x->result.correlated)
		return;
	diskcount_result(c->diskcount, x);
	netcount_result(c->netcount, x);
	if (x->capture.conns_left_out)
		sums_check(&x->sums, "the capture", "connections",
			   x->nconns + x->capture.conns_left_out, "listed", x->nconns, false);
	if (x->capture.rows_left_out)
		sums_check(&x->sums, "the capture", "exchanges",
			   x->nrows + x->capture.rows_left_out, "listed", x->nrows, false);
	check_unlisted(x);
	check_conns(c);
	for (uint32_t id = 1; id < names_count(c->names) && id < 65536; id++)
		if (carry_is_net(c->carry, (uint16_t)id))
			check_device(c, (uint16_t)id);
	for (size_t i = 0; i < x->ndevices; i++)
		if (x->devices[i].block)
			check_disk(x, &x->devices[i]);
	sums_close(&x->sums);
	correlate_unplaced(c);
	correlate_alive(c);
	correlate_other_traffic(c);
}
