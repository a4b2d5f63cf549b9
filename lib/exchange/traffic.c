/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/exchange/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/talk.h"
#include "lib/net/conn.h"
#include "lib/net/http.h"
#include "lib/net/tls.h"

/* The direction of requests, or of responses. */
static enum flow_dir direction(const struct talk *t, bool request)
{
	return t->server == request ? FLOW_IN : FLOW_OUT;
}

/* ---- HTTP ---- */

static void take_message(struct exchange *r, struct exchange_half *half,
			 const struct http_message *m)
{
	bool first = half->first_ns == 0;

	if (first) {
		half->stream.start = m->start;
		half->first_ns = m->first_ns;
	}
	half->stream.end = m->end;
	half->last_ns = m->last_ns;
	half->header_bytes += m->headers_done ? m->header_bytes : m->end - m->start;
	half->body_bytes += m->body_bytes;
	r->clear = true;
}

static size_t copy_names(char ***to, const struct http_message *m)
{
	size_t n = m->nnames < EXCHANGE_NAMES ? m->nnames : EXCHANGE_NAMES;

	if (n && !*to)
		*to = xcalloc(n + 1, sizeof(**to));
	for (size_t i = 0; i < n; i++)
		(*to)[i] = xstrdup(m->names[i]);
	return n;
}

static void request_begin(void *ctx, const struct http_message *m)
{
	struct talk *t = ctx;
	struct exchange *r;

	t->request_row = talk_row_new(t, EXCHANGE_HTTP);
	t->request_alone = false;
	r = talk_row(t, t->request_row);
	if (r) {
		r->half[direction(t, true)].stream = (struct extent){ m->start, m->end };
		r->pipelined = t->nwaiting > 0;
	}
	/* once one finds no room none is queued: answers come in the order of requests */
	if (!t->unqueued && t->nwaiting < PIPELINE_MAX) {
		t->waiting[(t->first + t->nwaiting++) % PIPELINE_MAX] = t->request_row;
	} else {
		t->unqueued++;
		t->request_alone = true;
	}
}

static void request_read(struct talk *t, struct exchange *r, const struct http_message *m)
{
	if (!m->headers_done && !t->closing && t->row == NO_ROW) {
		/* it was no request after all: the stream has no name from here on */
		r->protocol = EXCHANGE_UNRECOGNISED;
		t->row = t->request_row;
		t->covered[direction(t, true)] = m->start;
		if (t->unqueued)
			t->unqueued--;
		else
			t->nwaiting -= t->nwaiting > 0;
		return;
	}
	take_message(r, &r->half[direction(t, true)], m);
	if (m->headers_done) {
		r->method = xstrdup(m->method);
		r->target = xstrdup(m->target);
		r->request_type = m->type[0] ? xstrdup(m->type) : NULL;
		r->nrequest_names = copy_names(&r->request_names, m);
	}
	r->chunked_request = m->chunked;
	r->keep_alive = m->keep_alive;
}

static void request_end(void *ctx, const struct http_message *m)
{
	struct talk *t = ctx;
	uint32_t row = t->request_row;
	struct exchange *r = talk_row(t, row);

	t->covered[direction(t, true)] = m->end;
	if (r)
		request_read(t, r, m);
	talk_row_asked(t, row);
}

static void answer_begin(void *ctx, const struct http_message *m)
{
	struct talk *t = ctx;
	struct exchange *r;

	t->answer_row = t->nwaiting ? t->waiting[t->first] : talk_row_new(t, EXCHANGE_HTTP);
	r = talk_row(t, t->answer_row);
	if (r && r->half[direction(t, false)].first_ns == 0)
		r->half[direction(t, false)].stream = (struct extent){ m->start, m->end };
}

/* Is this the answer of a proxy that is connected (RFC 9110 section 9.3.6)? */
static bool opens_tunnel(const struct exchange *r, const struct http_message *m)
{
	return r && r->method && strcmp(r->method, "CONNECT") == 0 && m->status >= 200 &&
	       m->status < 300;
}

static void answer_end(void *ctx, const struct http_message *m)
{
	struct talk *t = ctx;
	struct exchange *r = talk_row(t, t->answer_row);
	bool interim = m->complete && m->status >= 100 && m->status < 200 && m->status != 101;

	t->covered[direction(t, false)] = m->end;
	if (r) {
		take_message(r, &r->half[direction(t, false)], m);
		r->continued |= interim;
		r->status = m->status;
	}
	if (interim) {
		if (!t->nwaiting)
			talk_row_leaves(t, t->answer_row);
		return;
	}
	if (r) {
		r->response_type = m->type[0] ? xstrdup(m->type) : NULL;
		r->nresponse_names = copy_names(&r->response_names, m);
		r->chunked_response = m->chunked;
		r->keep_alive = r->keep_alive && m->keep_alive;
	}
	if (t->nwaiting) {
		if (t->waiting[t->first] != t->answer_row)
			talk_row_leaves(t, t->waiting[t->first]);
		t->first = (t->first + 1) % PIPELINE_MAX;
		t->nwaiting--;
	} else if (t->unqueued) {
		t->unqueued--;
		exchanges_note(
			t->traffic->x,
			"more than %d requests waited on one connection: later ones and their "
			"answers are listed apart",
			PIPELINE_MAX);
	}
	t->tunnel = opens_tunnel(r, m) && m->complete;
	talk_row_over(t, t->answer_row, m->complete ? EXCHANGE_COMPLETE : EXCHANGE_CUT);
	t->answer_row = NO_ROW;
}

static bool answer_bodyless(void *ctx, const struct http_message *m)
{
	struct talk *t = ctx;
	struct exchange *r = talk_row(t, t->answer_row);

	/* the request's method is known once its headers are: before any server answers */
	return (r && r->method && strcmp(r->method, "HEAD") == 0) || opens_tunnel(r, m);
}

static bool answer_tunnel(void *ctx, const struct http_message *m)
{
	(void)m;
	return ((struct talk *)ctx)->tunnel;
}

static const struct http_ops request_ops = { request_begin, request_end, NULL, NULL };
static const struct http_ops answer_ops = { answer_begin, answer_end, answer_bodyless,
					    answer_tunnel };

/* ---- streams that are rows of their own ---- */

static void extend(struct talk *t, enum flow_dir dir, uint64_t offset, uint64_t ts_ns, uint64_t len)
{
	struct exchange *r = talk_row(t, t->row);
	struct exchange_half *half;

	if (!r)
		return;
	half = &r->half[dir];
	if (half->first_ns == 0) {
		half->stream.start = offset;
		half->first_ns = ts_ns;
	}
	half->last_ns = ts_ns;
	half->stream.end = offset + len;
	if (r->protocol == EXCHANGE_UNRECOGNISED)
		half->body_bytes = half->stream.end - half->stream.start;
}

static void begin_other(struct talk *t)
{
	t->protocol = OTHER;
	t->row = talk_row_new(t, EXCHANGE_UNRECOGNISED);
}

static void begin_stream(struct talk *t, enum flow_dir dir, const uint8_t *data, uint64_t len)
{
	if (data && dir == direction(t, true) && tls_looks_like(data, len)) {
		t->protocol = TLS;
		t->row = talk_row_new(t, EXCHANGE_TLS);
	} else {
		begin_other(t);
	}
}

static void feed_http(struct talk *t, enum flow_dir dir, uint64_t offset, uint64_t ts_ns,
		      const uint8_t *data, uint64_t len)
{
	bool request = dir == direction(t, true);
	uint64_t end = offset + len;

	if (http_feed(t->http[!request], offset, ts_ns, data, len) == HTTP_OK || t->tunnel)
		return;
	if (t->covered[dir] >= end)
		return;
	/* what cannot be followed as HTTP is a stream without a name, from the last message on */
	if (t->row == NO_ROW)
		t->row = talk_row_new(t, EXCHANGE_UNRECOGNISED);
	extend(t, dir, t->covered[dir], ts_ns, end - t->covered[dir]);
	t->covered[dir] = end;
}

static void feed_tls(struct talk *t, enum flow_dir dir, uint64_t offset, uint64_t ts_ns,
		     const uint8_t *data, uint64_t len)
{
	extend(t, dir, offset, ts_ns, len);
	tls_feed(&t->tls, dir != direction(t, true), offset, data, len);
}

static void recognise(struct talk *t, enum flow_dir dir, const uint8_t *data, uint64_t len)
{
	bool request = dir == direction(t, true);

	if (t->traffic->options.headers_only || !data) {
		begin_other(t);
	} else if (!(request && tls_looks_like(data, len)) && http_looks_like(request, data, len)) {
		t->protocol = HTTP;
		t->http[0] = http_new(true, &request_ops, t);
		t->http[1] = http_new(false, &answer_ops, t);
	} else {
		begin_stream(t, dir, data, len);
	}
}

/*
 * Who is the server of a connection without its beginning was guessed from the ports, and two
 * ephemeral ones tell nothing: a request or an answer does.
 */
static void settle_role(struct talk *t, struct conn *conn, enum flow_dir dir, const uint8_t *data,
			uint64_t len)
{
	bool request = dir == direction(t, true);

	if (conn->from_start || !data || t->traffic->options.headers_only ||
	    http_looks_like(request, data, len) || !http_looks_like(!request, data, len))
		return;
	t->server = conn->server = !t->server;
	(t->unlisted ? t->unlisted : &t->traffic->x->conns[t->conn])->server = t->server;
}

/* ---- connections ---- */

static void conn_opened(void *ctx, struct conn *conn)
{
	struct traffic *traffic = ctx;
	struct exchange_conn *c = exchanges_add_conn(traffic->x, traffic->options.memory);
	bool listed = c;
	struct talk *t;

	if (!c && !exchanges_add_unlisted(traffic->x, EXCHANGES_UNLISTED_MEMORY))
		return;
	if (!c)
		c = xcalloc(1, sizeof(*c));
	c->local = conn->local;
	c->remote = conn->remote;
	c->server = conn->server;
	c->from_start = conn->from_start;
	c->opened_ns = conn->opened_ns;
	c->iface = xstrdup(names_get(traffic->names, conn->iface));
	t = xcalloc(1, sizeof(*t));
	t->traffic = traffic;
	t->conn = conn->id;
	t->unlisted = listed ? NULL : c;
	t->server = conn->server;
	t->row = t->request_row = t->answer_row = NO_ROW;
	conn->user = t;
}

/* The first bytes in a tunnel through a proxy, which HTTP has not read: what is said there? */
static bool enter_tunnel(struct talk *t, enum flow_dir dir, uint64_t offset, const uint8_t *data,
			 uint64_t len)
{
	uint64_t read = t->covered[dir] > offset ? t->covered[dir] - offset : 0;

	if (t->protocol != HTTP || !t->tunnel || t->row != NO_ROW || read >= len)
		return false;
	for (; t->nwaiting; t->nwaiting--) {
		/* asked of the proxy before the tunnel was there */
		talk_row_over(t, t->waiting[t->first], EXCHANGE_CUT);
		t->first = (t->first + 1) % PIPELINE_MAX;
	}
	begin_stream(t, dir, data ? data + read : NULL, len - read);
	return true;
}

static void conn_data(void *ctx, struct conn *conn, enum flow_dir dir, uint64_t offset,
		      uint64_t ts_ns, const uint8_t *data, uint64_t len)
{
	struct talk *t = conn->user;

	(void)ctx;
	if (!t)
		return;
	if (t->protocol == NOTHING_YET) {
		settle_role(t, conn, dir, data, len);
		recognise(t, dir, data, len);
	}
	if (enter_tunnel(t, dir, offset, data, len) && t->covered[dir] > offset) {
		uint64_t read = t->covered[dir] - offset;

		offset += read;
		len -= read;
		data = data ? data + read : NULL;
	}
	switch (t->protocol) {
	case HTTP:
		feed_http(t, dir, offset, ts_ns, data, len);
		/* what came behind the proxy's answer in the same piece */
		if (enter_tunnel(t, dir, offset, data, len))
			extend(t, dir, t->covered[dir], ts_ns, offset + len - t->covered[dir]);
		break;
	case TLS:
		feed_tls(t, dir, offset, ts_ns, data, len);
		break;
	default:
		extend(t, dir, offset, ts_ns, len);
	}
}

static enum exchange_end stream_end(const struct talk *t, const struct conn *conn)
{
	/* after close_notify a reset breaks off nothing */
	if (t->protocol == TLS && conn->end == CONN_RESET && tls_is_closed(&t->tls))
		return EXCHANGE_COMPLETE;
	switch (conn->end) {
	case CONN_FINISHED:
		return EXCHANGE_COMPLETE;
	case CONN_RESET:
		return EXCHANGE_CUT;
	case CONN_REFUSED:
		return EXCHANGE_REFUSED;
	default:
		return EXCHANGE_OPEN;
	}
}

static void tls_result(struct talk *t)
{
	struct exchange *r = talk_row(t, t->row);

	if (!r)
		return;
	r->sni = t->tls.sni[0] ? xstrdup(t->tls.sni) : NULL;
	r->alpn = t->tls.alpn[0] ? xstrdup(t->tls.alpn) : NULL;
	r->tls_version = t->tls.version;
	r->tls_suite = t->tls.suite;
	r->clear = tls_suite_encrypts(r->tls_suite) == TRI_NO;
	r->handshake_complete = t->tls.handshake_complete;
	if (t->tls.broken) {
		/* begins like TLS, but is not: whether anybody could read it is not known */
		r->protocol = EXCHANGE_UNRECOGNISED;
	}
	for (int request = 0; request < 2; request++) {
		struct exchange_half *half = &r->half[direction(t, request)];

		half->body_bytes = t->tls.half[!request].application_bytes;
		half->header_bytes = exchange_half_bytes(half) - half->body_bytes;
	}
}

static void http_result(struct talk *t, const struct conn *conn, uint64_t ts_ns)
{
	t->closing = true;
	http_finish(t->http[0], ts_ns);
	http_finish(t->http[1], ts_ns);
	while (t->nwaiting) {
		talk_row_over(t, t->waiting[t->first],
			      conn->end == CONN_OPEN ? EXCHANGE_OPEN : EXCHANGE_CUT);
		t->first = (t->first + 1) % PIPELINE_MAX;
		t->nwaiting--;
	}
}

static void conn_closed(void *ctx, struct conn *conn, uint64_t ts_ns)
{
	struct talk *t = conn->user;

	(void)ctx;
	if (!t)
		return;
	if (t->protocol == NOTHING_YET)
		begin_other(t);
	if (t->protocol == HTTP)
		http_result(t, conn, ts_ns);
	if (t->protocol == TLS)
		tls_result(t);
	talk_row_over(t, t->row, stream_end(t, conn));
}

static void conn_released(void *ctx, struct conn *conn)
{
	struct traffic *traffic = ctx;
	struct talk *t = conn->user;
	struct exchange_conn *c;

	if (!t)
		return;
	c = t->unlisted ? t->unlisted : &traffic->x->conns[t->conn];
	c->end = conn->end;
	c->last_ns = conn->last_ns;
	for (int dir = 0; dir < 2; dir++) {
		c->packets[dir] = conn->packets[dir];
		c->frame_bytes[dir] = conn->frame_bytes[dir];
		c->payload[dir] = conn->half[dir].payload;
		c->retransmitted[dir] = conn->half[dir].retransmitted;
		c->lost[dir] = conn->half[dir].lost;
	}
	http_free(t->http[0]);
	http_free(t->http[1]);
	tls_release(&t->tls);
	if (t->unlisted) {
		free(t->unlisted->iface);
		free(t->unlisted);
	}
	free(t);
}

static const struct conn_ops conn_ops = { conn_opened, conn_data, conn_closed, conn_released };

struct traffic *traffic_new(const struct names *names, const struct traffic_options *options)
{
	struct traffic *traffic = xcalloc(1, sizeof(*traffic));

	traffic->names = names;
	traffic->options = *options;
	if (!options->memory)
		traffic->options.memory = EXCHANGES_MEMORY;
	traffic->x = exchanges_new();
	traffic->x->capture.on = true;
	traffic->x->capture.payload_read = !options->headers_only;
	traffic->conns = conn_table_new(&conn_ops, traffic);
	return traffic;
}

void traffic_packet(struct traffic *traffic, const struct packet *packet)
{
	traffic->x->capture.packets++;
	if (!conn_table_packet(traffic->conns, packet, NULL))
		traffic->x->capture.skipped++;
}

struct exchanges *traffic_finish(struct traffic *traffic)
{
	struct exchanges *x = traffic->x;

	conn_table_free(traffic->conns);
	passing_rows_free(&traffic->passing);
	free(traffic);
	return x;
}
