/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/exchange/json.h"

#include <stdlib.h>
#include <string.h>

#include "lib/evidence/event.h"
#include "lib/exchange/exchange.h"
#include "lib/json/json.h"

#define SCHEMA "ccaio.exchanges/1"

static const char *const dir_keys[2] = { "out", "in" };

/* What is 0, false or unknown is left out: readers take it as such. */
static void number(struct jwriter *w, const char *key, uint64_t value)
{
	if (value)
		jwrite_number(w, key, value);
}

static void flag(struct jwriter *w, const char *key, bool value)
{
	if (value)
		jwrite_bool(w, key, true);
}

static void text(struct jwriter *w, const char *key, const char *value)
{
	if (value)
		jwrite_string(w, key, value);
}

static void write_grades(struct jwriter *w, const char *key, const uint64_t bytes[GRADES])
{
	if (!(bytes[0] | bytes[1] | bytes[2] | bytes[3]))
		return;
	jwrite_object(w, key);
	for (int g = GRADES - 1; g >= 0; g--)
		number(w, grade_name((enum grade)g), bytes[g]);
	jwrite_end_object(w);
}

static void write_ifaces(struct jwriter *w, const struct exchanges *x)
{
	jwrite_array(w, "interfaces");
	for (size_t i = 0; i < x->nifaces; i++) {
		const struct exchange_iface *f = &x->ifaces[i];

		jwrite_object(w, NULL);
		jwrite_string(w, "name", f->name);
		jwrite_number(w, "index", f->index);
		jwrite_number(w, "packets", f->packets);
		jwrite_number(w, "dropped", f->dropped);
		if (f->broken)
			jwrite_bool(w, "broken", true);
		if (f->counters_known) {
			jwrite_number(w, "tx_bytes", f->counter_bytes[FLOW_OUT]);
			jwrite_number(w, "rx_bytes", f->counter_bytes[FLOW_IN]);
			jwrite_number(w, "tx_packets", f->counter_packets[FLOW_OUT]);
			jwrite_number(w, "rx_packets", f->counter_packets[FLOW_IN]);
		}
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
}

static void write_conn_half(struct jwriter *w, const struct exchange_conn *c, int dir)
{
	jwrite_object(w, dir_keys[dir]);
	number(w, "packets", c->packets[dir]);
	number(w, "frame_bytes", c->frame_bytes[dir]);
	number(w, "payload", c->payload[dir]);
	number(w, "retransmitted", c->retransmitted[dir]);
	number(w, "lost", c->lost[dir]);
	if (c->app_known)
		number(w, "program_bytes", c->app_bytes[dir]);
	write_grades(w, "carried", c->carried[dir]);
	number(w, "control_packets", c->control_packets[dir]);
	number(w, "control_bytes", c->control_bytes[dir]);
	jwrite_end_object(w);
}

static void write_conn(struct jwriter *w, const struct exchange_conn *c)
{
	char addr[FLOW_TEXT];

	jwrite_object(w, NULL);
	jwrite_string(w, "local", flow_addr_text(&c->local, addr));
	jwrite_string(w, "remote", flow_addr_text(&c->remote, addr));
	jwrite_string(w, "interface", c->iface);
	jwrite_string(w, "role", c->server ? "server" : "client");
	flag(w, "from_start", c->from_start);
	flag(w, "preexisting", c->preexisting);
	jwrite_string(w, "end", conn_end_name(c->end));
	jwrite_number(w, "opened_ns", c->opened_ns);
	jwrite_number(w, "last_ns", c->last_ns);
	jwrite_bool(w, "program", c->program);
	jwrite_string(w, "owner", grade_name(c->owner));
	if (c->owner != GRADE_NONE) {
		jwrite_number(w, "pid", (uint64_t)(c->pid > 0 ? c->pid : 0));
		jwrite_string(w, "comm", c->comm);
	}
	if (c->socket)
		jwrite_hex(w, "socket", c->socket);
	for (int dir = 0; dir < 2; dir++)
		write_conn_half(w, c, dir);
	jwrite_end_object(w);
}

static void write_transfers(struct jwriter *w, const struct exchanges *x,
			    const struct exchange_half *half)
{
	jwrite_array(w, "transfer_list");
	for (size_t i = 0; i < half->nlist; i++) {
		const struct transfer *t = &half->list[i];

		jwrite_object(w, NULL);
		jwrite_number(w, "ts_ns", t->ts_ns);
		jwrite_string(w, "device",
			      t->device < x->ndevices ? x->devices[t->device].name : NULL);
		if (t->dma != EVENT_NO_ADDR)
			jwrite_hex(w, "dma", t->dma);
		jwrite_number(w, "size", t->size);
		if (t->slot != TRANSFER_NO_SLOT)
			jwrite_number(w, "slot", t->slot);
		flag(w, "bounced", t->bounced);
		jwrite_string(w, "grade", grade_name((enum grade)t->grade));
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
}

static void write_half(struct jwriter *w, const struct exchanges *x, const struct exchange *r,
		       int dir)
{
	const struct exchange_half *h = &r->half[dir];

	jwrite_object(w, dir_keys[dir]);
	number(w, "stream_start", h->stream.start);
	number(w, "stream_end", h->stream.end);
	number(w, "header_bytes", h->header_bytes);
	number(w, "body_bytes", h->body_bytes);
	number(w, "first_ns", h->first_ns);
	number(w, "last_ns", h->last_ns);
	write_grades(w, "bytes", h->bytes);
	number(w, "retransmitted", h->retransmitted);
	number(w, "packets", h->packets);
	number(w, "first_packet", h->first_packet);
	number(w, "last_packet", h->last_packet);
	number(w, "transfers", h->transfers);
	number(w, "dma_bytes", h->dma_bytes);
	number(w, "slots", h->slots);
	number(w, "descriptors", h->descriptors);
	number(w, "kicks", h->kicks);
	text(w, "queues", h->queues[0] ? h->queues : NULL);
	write_transfers(w, x, h);
	jwrite_end_object(w);
}

static void write_http(struct jwriter *w, const struct exchange *r)
{
	text(w, "method", r->method);
	text(w, "target", r->target);
	number(w, "status", r->status);
	flag(w, "keep_alive", r->keep_alive);
	flag(w, "chunked_request", r->chunked_request);
	flag(w, "chunked_response", r->chunked_response);
	flag(w, "continued", r->continued);
	flag(w, "pipelined", r->pipelined);
	text(w, "request_type", r->request_type);
	text(w, "response_type", r->response_type);
	if (r->nrequest_names)
		jwrite_strings(w, "request_names", r->request_names, r->nrequest_names);
	if (r->nresponse_names)
		jwrite_strings(w, "response_names", r->response_names, r->nresponse_names);
}

static void write_row(struct jwriter *w, const struct exchanges *x, const struct exchange *r)
{
	jwrite_object(w, NULL);
	jwrite_number(w, "connection", r->conn);
	text(w, "protocol", exchange_protocol_name(r->protocol));
	text(w, "end", exchange_end_name(r->end));
	jwrite_bool(w, "clear", r->clear);
	text(w, "grade", grade_name(r->grade));
	if (r->protocol == EXCHANGE_HTTP)
		write_http(w, r);
	if (r->protocol == EXCHANGE_TLS) {
		text(w, "sni", r->sni);
		text(w, "alpn", r->alpn);
		jwrite_number(w, "tls_version", r->tls_version);
		flag(w, "handshake_complete", r->handshake_complete);
	}
	for (int dir = 0; dir < 2; dir++)
		write_half(w, x, r, dir);
	jwrite_end_object(w);
}

static void write_devices(struct jwriter *w, const struct exchanges *x)
{
	jwrite_array(w, "devices");
	for (size_t i = 0; i < x->ndevices; i++) {
		const struct exchange_device *d = &x->devices[i];

		jwrite_object(w, NULL);
		jwrite_string(w, "name", d->name);
		jwrite_string(w, "interface", d->iface);
		jwrite_bool(w, "block", d->block);
		for (int dir = 0; dir < 2; dir++) {
			jwrite_object(w, dir_keys[dir]);
			jwrite_number(w, "dma_transfers", d->dma_transfers[dir]);
			jwrite_number(w, "dma_bytes", d->dma_bytes[dir]);
			jwrite_number(w, "program_bytes", d->program_bytes[dir]);
			jwrite_number(w, "other_bytes", d->other_bytes[dir]);
			jwrite_number(w, "unknown_bytes", d->unknown_bytes[dir]);
			jwrite_end_object(w);
		}
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
	jwrite_array(w, "unattributed");
	for (size_t i = 0; i < x->nunattributed; i++) {
		const struct unattributed *u = &x->unattributed[i];

		jwrite_object(w, NULL);
		jwrite_string(w, "device", x->devices[u->device].name);
		jwrite_string(w, "direction", dir_keys[u->dir]);
		jwrite_string(w, "reason", u->reason);
		jwrite_number(w, "transfers", u->transfers);
		jwrite_number(w, "bytes", u->bytes);
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
}

static void write_block_file(struct jwriter *w, const struct exchange_block *b)
{
	if (!b->cached)
		return;
	jwrite_object(w, "file");
	jwrite_hex(w, "inode", b->inode);
	jwrite_number(w, "dev", b->file_dev);
	text(w, "path", b->path);
	if (b->filler) {
		jwrite_number(w, "filled_by", (uint64_t)(b->filler > 0 ? b->filler : 0));
		jwrite_string(w, "filled_by_comm", b->filler_comm);
	}
	jwrite_end_object(w);
}

static void write_blocks(struct jwriter *w, const struct exchanges *x)
{
	jwrite_array(w, "block_requests");
	for (size_t i = 0; i < x->nblocks; i++) {
		const struct exchange_block *b = &x->blocks[i];

		jwrite_object(w, NULL);
		jwrite_string(w, "device", x->devices[b->device].name);
		jwrite_string(w, "disk", b->disk);
		jwrite_number(w, "pid", (uint64_t)(b->pid > 0 ? b->pid : 0));
		jwrite_string(w, "comm", b->comm);
		jwrite_string(w, "owner", grade_name(b->owner));
		jwrite_bool(w, "program", b->program);
		write_block_file(w, b);
		jwrite_number(w, "writes", b->requests[FLOW_OUT]);
		jwrite_number(w, "written", b->bytes[FLOW_OUT]);
		jwrite_number(w, "reads", b->requests[FLOW_IN]);
		jwrite_number(w, "read", b->bytes[FLOW_IN]);
		jwrite_number(w, "transfers", b->transfers);
		jwrite_number(w, "dma_bytes", b->dma_bytes);
		write_grades(w, "written_by_grade", b->carried[FLOW_OUT]);
		write_grades(w, "read_by_grade", b->carried[FLOW_IN]);
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
}

static void write_checks(struct jwriter *w, const struct exchanges *x)
{
	jwrite_array(w, "conservation");
	for (size_t i = 0; i < x->nchecks; i++) {
		const struct conservation *c = &x->checks[i];

		jwrite_object(w, NULL);
		jwrite_string(w, "what", c->what);
		jwrite_string(w, "left_name", c->left_name);
		jwrite_number(w, "left", c->left);
		jwrite_string(w, "right_name", c->right_name);
		jwrite_number(w, "right", c->right);
		jwrite_bool(w, "holds", c->ok);
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
}

static void write_capture(struct jwriter *w, const struct exchanges *x)
{
	jwrite_object(w, "capture");
	jwrite_bool(w, "captured", x->captured);
	jwrite_bool(w, "payload_read", x->payload_read);
	jwrite_number(w, "packets", x->packets);
	jwrite_number(w, "skipped", x->skipped);
	jwrite_number(w, "dropped", x->capture_dropped);
	jwrite_number(w, "realtime_offset_ns", (uint64_t)x->realtime_offset_ns);
	jwrite_number(w, "connections_left_out", x->conns_left_out);
	jwrite_number(w, "exchanges_left_out", x->rows_left_out);
	write_ifaces(w, x);
	jwrite_end_object(w);
}

void exchanges_write_member(struct jwriter *w, const char *key, const struct exchanges *x)
{
	jwrite_object(w, key);
	jwrite_string(w, "schema", SCHEMA);
	write_capture(w, x);
	jwrite_array(w, "roots");
	for (size_t i = 0; i < x->nroots; i++)
		jwrite_object(w, NULL), jwrite_number(w, "pid", (uint64_t)x->roots[i]),
			jwrite_end_object(w);
	jwrite_end_array(w);
	flag(w, "no_follow", x->no_follow);
	flag(w, "launched", x->launched);
	jwrite_array(w, "files");
	for (size_t i = 0; i < x->nfiles; i++) {
		jwrite_object(w, NULL);
		jwrite_number(w, "dev", x->files[i].dev);
		jwrite_hex(w, "inode", x->files[i].inode);
		jwrite_string(w, "path", x->files[i].path);
		jwrite_end_object(w);
	}
	jwrite_end_array(w);
	jwrite_object(w, "result");
	jwrite_bool(w, "correlated", x->correlated);
	jwrite_bool(w, "program_known", x->program_known);
	jwrite_bool(w, "conserved", x->conserved);
	jwrite_bool(w, "nothing_else", x->nothing_else);
	jwrite_string(w, "beyond", x->beyond);
	if (x->alive_known) {
		jwrite_number(w, "alive", x->nalive);
		jwrite_strings(w, "alive_tasks", x->alive, x->nalive_listed);
	}
	jwrite_number(w, "clear_bytes", x->clear_bytes);
	jwrite_number(w, "tls_bytes", x->tls_bytes);
	jwrite_number(w, "unrecognised_bytes", x->opaque_bytes);
	jwrite_strings(w, "notes", x->notes, x->nnotes);
	jwrite_end_object(w);
	jwrite_array(w, "connections");
	for (size_t i = 0; i < x->nconns; i++)
		write_conn(w, &x->conns[i]);
	jwrite_end_array(w);
	jwrite_array(w, "exchanges");
	for (size_t i = 0; i < x->nrows; i++)
		write_row(w, x, &x->rows[i]);
	jwrite_end_array(w);
	write_devices(w, x);
	write_blocks(w, x);
	write_checks(w, x);
	jwrite_end_object(w);
}

void exchanges_write(FILE *out, const struct exchanges *x)
{
	struct jwriter w;

	jwriter_init(&w, out);
	exchanges_write_member(&w, NULL, x);
}
