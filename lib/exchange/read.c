/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exchange-parse - exchanges.json back into what packets told.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/json.h"
#include "lib/json/json.h"

#define SCHEMA "ccaio.exchanges/1"
#define MANY ((uint64_t)1 << 62)

static const char *const dir_keys[2] = { "out", "in" };

/* "10.0.2.15:43210" or "[fe80::1]:443" */
static struct flow_addr read_addr(const struct jval *conn, const char *key)
{
	struct flow_addr addr = { .family = 4 };
	char *text = jval_name_required(conn, key), *ip = text, *colon;
	char *end;
	unsigned long port;

	if (!text)
		return addr;
	colon = strrchr(text, ':');
	if (!colon)
		goto bad;
	*colon = '\0';
	port = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end || port > UINT16_MAX)
		goto bad;
	addr.port = (uint16_t)port;
	if (*ip == '[' && colon[-1] == ']') {
		addr.family = 6;
		colon[-1] = '\0';
		ip++;
	}
	if (inet_pton(addr.family == 6 ? AF_INET6 : AF_INET, ip, addr.ip) != 1)
		goto bad;
	free(text);
	return addr;
bad:
	jval_fail_at(conn, key, "expected address:port");
	free(text);
	return addr;
}

/* Which of count names stands at key? */
static unsigned int read_word(const struct jval *val, const char *key, const char *(*name)(int),
			      unsigned int count)
{
	char *word = jval_name_required(val, key);
	unsigned int i = 0;

	while (word && i < count && strcmp(name((int)i), word) != 0)
		i++;
	if (word && i == count)
		jval_fail_at(val, key, "unknown word '%s'", word);
	free(word);
	return i < count ? i : 0;
}

static const char *protocol_word(int i)
{
	return exchange_protocol_name((enum exchange_protocol)i);
}

static const char *end_word(int i)
{
	return exchange_end_name((enum exchange_end)i);
}

static const char *conn_end_word(int i)
{
	return conn_end_name((enum conn_end)i);
}

static void read_capture(struct exchanges *x, const struct jval *root)
{
	struct jval capture = jval_object(root, "capture");
	struct jval ifaces = jval_array(&capture, "interfaces");

	x->captured = jval_bool(&capture, "captured", false);
	x->payload_read = jval_bool(&capture, "payload_read", false);
	x->packets = jval_number(&capture, "packets", MANY, 0);
	x->skipped = jval_number(&capture, "skipped", MANY, 0);
	x->capture_dropped = jval_number(&capture, "dropped", MANY, 0);
	x->realtime_offset_ns = (int64_t)jval_number(&capture, "realtime_offset_ns", MANY, 0);
	x->conns_left_out = jval_number(&capture, "connections_left_out", MANY, 0);
	x->rows_left_out = jval_number(&capture, "exchanges_left_out", MANY, 0);
	for (size_t i = 0; i < jval_count(&ifaces); i++) {
		struct jval f = jval_item_object(&ifaces, i);
		char *name = jval_name_required(&f, "name");
		struct exchange_iface *to = name ? exchanges_iface(x, name) : NULL;

		free(name);
		if (!to) {
			jval_fail(&f, "too many interfaces");
			return;
		}
		to->index = (uint32_t)jval_number(&f, "index", UINT32_MAX, 0);
		to->packets = jval_number(&f, "packets", MANY, 0);
		to->dropped = jval_number(&f, "dropped", MANY, 0);
		to->broken = jval_bool(&f, "broken", false);
		to->counters_known = jval_has(&f, "tx_bytes");
		to->counter_bytes[FLOW_OUT] = jval_number(&f, "tx_bytes", MANY, 0);
		to->counter_bytes[FLOW_IN] = jval_number(&f, "rx_bytes", MANY, 0);
		to->counter_packets[FLOW_OUT] = jval_number(&f, "tx_packets", MANY, 0);
		to->counter_packets[FLOW_IN] = jval_number(&f, "rx_packets", MANY, 0);
	}
}

static void read_conn(struct exchange_conn *c, const struct jval *v)
{
	char *role;

	c->local = read_addr(v, "local");
	c->remote = read_addr(v, "remote");
	c->iface = jval_string(v, "interface");
	role = jval_string(v, "role");
	c->server = role && strcmp(role, "server") == 0;
	free(role);
	c->from_start = jval_bool(v, "from_start", false);
	c->preexisting = jval_bool(v, "preexisting", false);
	c->end = read_word(v, "end", conn_end_word, CONN_REFUSED + 1);
	c->opened_ns = jval_number(v, "opened_ns", MANY, 0);
	c->last_ns = jval_number(v, "last_ns", MANY, 0);
	if (c->preexisting) {
		/* known through /proc when the capture began: no event tells it again */
		c->program = jval_bool(v, "program", false);
		c->pid = (int32_t)jval_number(v, "pid", INT32_MAX, 0);
		c->comm = jval_string(v, "comm");
		c->owner = c->pid ? GRADE_EXACT : GRADE_NONE;
	}
	for (int dir = 0; dir < 2; dir++) {
		struct jval half = jval_object(v, dir_keys[dir]);

		c->packets[dir] = jval_number(&half, "packets", MANY, 0);
		c->frame_bytes[dir] = jval_number(&half, "frame_bytes", MANY, 0);
		c->payload[dir] = jval_number(&half, "payload", MANY, 0);
		c->retransmitted[dir] = jval_number(&half, "retransmitted", MANY, 0);
		c->lost[dir] = jval_number(&half, "lost", MANY, 0);
	}
}

static size_t read_names(const struct jval *v, const char *key, char *to[EXCHANGE_NAMES])
{
	size_t count = 0, keep;
	char **names = jval_strings(v, key, JDOC_MAX_VALUES, &count);

	keep = count < EXCHANGE_NAMES ? count : EXCHANGE_NAMES;
	for (size_t i = 0; i < count; i++) {
		if (i < keep)
			to[i] = names[i];
		else
			free(names[i]);
	}
	free(names);
	return keep;
}

static void read_row(struct exchanges *x, struct exchange *r, const struct jval *v)
{
	r->conn = (uint32_t)jval_number(v, "connection", UINT32_MAX, UINT32_MAX);
	if (r->conn >= x->nconns) {
		jval_fail_at(v, "connection", "there is no such connection");
		r->conn = 0;
	}
	r->protocol = read_word(v, "protocol", protocol_word, EXCHANGE_TLS + 1);
	r->end = read_word(v, "end", end_word, EXCHANGE_REFUSED + 1);
	r->clear = jval_bool(v, "clear", false);
	r->method = jval_string(v, "method");
	r->target = jval_string(v, "target");
	r->status = (unsigned int)jval_number(v, "status", 999, 0);
	r->keep_alive = jval_bool(v, "keep_alive", false);
	r->chunked_request = jval_bool(v, "chunked_request", false);
	r->chunked_response = jval_bool(v, "chunked_response", false);
	r->continued = jval_bool(v, "continued", false);
	r->pipelined = jval_bool(v, "pipelined", false);
	r->request_type = jval_string(v, "request_type");
	r->response_type = jval_string(v, "response_type");
	r->nrequest_names = read_names(v, "request_names", r->request_names);
	r->nresponse_names = read_names(v, "response_names", r->response_names);
	r->sni = jval_string(v, "sni");
	r->alpn = jval_string(v, "alpn");
	r->tls_version = (unsigned int)jval_number(v, "tls_version", 0xffff, 0);
	r->handshake_complete = jval_bool(v, "handshake_complete", false);
	for (int dir = 0; dir < 2; dir++) {
		struct jval half = jval_object(v, dir_keys[dir]);
		struct exchange_half *h = &r->half[dir];

		h->stream.start = jval_number(&half, "stream_start", MANY, 0);
		h->stream.end = jval_number(&half, "stream_end", MANY, 0);
		if (h->stream.end < h->stream.start) {
			jval_fail_at(&half, "stream_end", "before stream_start");
			h->stream.end = h->stream.start;
		}
		h->header_bytes = jval_number(&half, "header_bytes", MANY, 0);
		h->body_bytes = jval_number(&half, "body_bytes", MANY, 0);
		h->first_ns = jval_number(&half, "first_ns", MANY, 0);
		h->last_ns = jval_number(&half, "last_ns", MANY, 0);
	}
}

static void read_files(struct exchanges *x, const struct jval *root)
{
	struct jval files = jval_array(root, "files");

	for (size_t i = 0; i < jval_count(&files) && i < EXCHANGES_FILES; i++) {
		struct jval v = jval_item_object(&files, i);
		char *path = jval_string(&v, "path");

		if (path)
			exchanges_file(x, (uint32_t)jval_number(&v, "dev", UINT32_MAX, 0),
				       jval_hex(&v, "inode", UINT64_MAX, 0), path);
		free(path);
	}
}

static void read_all(struct exchanges *x, struct jdoc *doc)
{
	struct jval root = jdoc_root(doc);
	struct jval conns = jval_array(&root, "connections");
	struct jval rows = jval_array(&root, "exchanges");
	struct jval roots = jval_array(&root, "roots");
	char *schema = jval_name_required(&root, "schema");

	if (schema && strcmp(schema, SCHEMA) != 0)
		jval_fail_at(&root, "schema", "expected " SCHEMA);
	free(schema);
	read_capture(x, &root);
	x->no_follow = jval_bool(&root, "no_follow", false);
	x->launched = jval_bool(&root, "launched", false);
	read_files(x, &root);
	for (size_t i = 0; i < jval_count(&roots) && i < EXCHANGE_ROOTS; i++) {
		struct jval v = jval_item_object(&roots, i);

		x->roots[x->nroots++] = (int32_t)jval_number(&v, "pid", INT32_MAX, 0);
	}
	for (size_t i = 0; i < jval_count(&conns) && jdoc_status(doc) == 0; i++) {
		struct jval v = jval_item_object(&conns, i);
		struct exchange_conn *c = exchanges_add_conn(x);

		if (!c) {
			jval_fail(&conns, "too many connections");
			return;
		}
		read_conn(c, &v);
	}
	for (size_t i = 0; i < jval_count(&rows) && jdoc_status(doc) == 0; i++) {
		struct jval v = jval_item_object(&rows, i);
		struct exchange *r = exchanges_add_row(x);

		if (!r) {
			jval_fail(&rows, "too many exchanges");
			return;
		}
		read_row(x, r, &v);
	}
}

struct exchanges *exchanges_parse(const char *text, size_t len, const char *name, struct err *err)
{
	struct jdoc *doc = jdoc_parse_large(text, len, name, err);
	struct exchanges *x;
	int status;

	if (!doc)
		return NULL;
	x = exchanges_new();
	read_all(x, doc);
	status = jdoc_status(doc);
	jdoc_free(doc);
	if (status < 0) {
		exchanges_free(x);
		return NULL;
	}
	return x;
}
