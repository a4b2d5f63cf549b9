/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/http.h"

#include <http_parser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/xalloc.h"
#include "lib/net/json-members.h"

struct http {
	http_parser parser;
	struct http_ops ops;
	void *ctx;
	bool requests, in_message, hole;
	enum http_state state;
	struct http_message message;
	struct jsonnames names;
	bool names_json;
	/* the header being read; a value may come in pieces */
	char field[32];
	size_t field_len;
	bool value_seen, target_cut;
	char type[96];
	size_t type_len;
	uint64_t ts_ns;
};

static bool is_field(const struct http *h, const char *name)
{
	return h->field_len == strlen(name) && strncasecmp(h->field, name, h->field_len) == 0;
}

static int on_url(http_parser *p, const char *at, size_t len)
{
	struct http *h = p->data;
	size_t have = strlen(h->message.target);

	if (h->target_cut)
		return 0;
	if (have + len > HTTP_TARGET_MAX) {
		len = HTTP_TARGET_MAX - have;
		h->target_cut = true;
	}
	memcpy(h->message.target + have, at, len);
	strcpy(h->message.target + have + len, h->target_cut ? "…" : "");
	return 0;
}

static int on_field(http_parser *p, const char *at, size_t len)
{
	struct http *h = p->data;

	if (h->value_seen) {
		h->value_seen = false;
		h->field_len = 0;
	}
	/* one past the room means: longer than any name of interest */
	for (size_t i = 0; i < len; i++)
		if (h->field_len < sizeof(h->field))
			h->field[h->field_len++] = at[i];
	return 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
	struct http *h = p->data;

	h->value_seen = true;
	if (is_field(h, "content-type")) {
		for (size_t i = 0; i < len && h->type_len < sizeof(h->type) - 1; i++)
			h->type[h->type_len++] = at[i];
	} else if (is_field(h, "expect") && len >= 4 && strncasecmp(at, "100-", 4) == 0) {
		h->message.expect_continue = true;
	}
	return 0;
}

/* "application/json; charset=utf-8" without what follows the type, only printable. */
static void take_type(struct http *h)
{
	size_t n = 0;

	while (n < h->type_len && h->type[n] > ' ' && h->type[n] < 0x7f && h->type[n] != ';')
		n++;
	memcpy(h->message.type, h->type, n);
	h->message.type[n] = '\0';
	h->names_json = strcasecmp(h->message.type, "application/json") == 0 ||
			(n > 5 && strcasecmp(h->message.type + n - 5, "+json") == 0);
}

static int on_headers_complete(http_parser *p)
{
	struct http *h = p->data;
	int skip = 0;

	take_type(h);
	h->message.headers_done = true;
	h->message.method = h->requests ? http_method_str(p->method) : NULL;
	h->message.status = h->requests ? 0 : p->status_code;
	h->message.chunked = p->flags & F_CHUNKED;
	if (!h->requests && h->ops.bodyless && h->ops.bodyless(h->ctx, &h->message))
		skip = 1;
	http_parser_pause(p, 1); /* so that the end of the headers is known to the byte */
	return skip;
}

static void found_name(void *ctx, const char *name)
{
	struct http_message *m = &((struct http *)ctx)->message;

	for (size_t i = 0; i < m->nnames; i++)
		if (strcmp(m->names[i], name) == 0)
			return;
	if (m->nnames < HTTP_NAMES)
		strcpy(m->names[m->nnames++], name);
}

static int on_body(http_parser *p, const char *at, size_t len)
{
	struct http *h = p->data;

	h->message.body_bytes += len;
	if (h->hole)
		h->names_json = false;
	if (h->names_json)
		jsonnames_feed(&h->names, (const uint8_t *)at, len, found_name, h);
	return 0;
}

static int on_complete(http_parser *p)
{
	struct http *h = p->data;

	h->message.complete = true;
	h->message.keep_alive = http_should_keep_alive(p);
	h->message.upgraded = p->upgrade;
	http_parser_pause(p, 1); /* one message at a time */
	return 0;
}

static const http_parser_settings settings = {
	.on_url = on_url,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

struct http *http_new(bool requests, const struct http_ops *ops, void *ctx)
{
	struct http *h = xcalloc(1, sizeof(*h));

	http_parser_init(&h->parser, requests ? HTTP_REQUEST : HTTP_RESPONSE);
	h->parser.data = h;
	h->requests = requests;
	h->ops = *ops;
	h->ctx = ctx;
	return h;
}

void http_free(struct http *h)
{
	free(h);
}

static void begin_message(struct http *h, uint64_t offset)
{
	memset(&h->message, 0, sizeof(h->message));
	memset(&h->names, 0, sizeof(h->names));
	h->message.request = h->requests;
	h->message.start = h->message.end = offset;
	h->message.first_ns = h->message.last_ns = h->ts_ns;
	h->field_len = h->type_len = 0;
	h->value_seen = h->target_cut = h->names_json = false;
	h->in_message = true;
	if (h->ops.begin)
		h->ops.begin(h->ctx, &h->message);
}

static void end_message(struct http *h)
{
	h->in_message = false;
	if (h->ops.end)
		h->ops.end(h->ctx, &h->message);
	if (h->message.upgraded || (h->ops.tunnel && h->ops.tunnel(h->ctx, &h->message)))
		h->state = HTTP_RAW;
}

static void fail(struct http *h)
{
	h->state = HTTP_BROKEN;
	if (h->in_message)
		end_message(h);
	h->state = HTTP_BROKEN;
}

/* One call of the parser, which stops after headers and after each message.  Returns bytes read. */
static uint64_t step(struct http *h, uint64_t offset, const uint8_t *data, uint64_t len)
{
	bool had_headers = h->message.headers_done;
	size_t n = http_parser_execute(&h->parser, &settings, (const char *)data, len);
	enum http_errno why = HTTP_PARSER_ERRNO(&h->parser);

	if (why == HPE_PAUSED)
		http_parser_pause(&h->parser, 0);
	else if (why != HPE_OK) {
		fail(h);
		return n;
	}
	h->message.end = offset + n;
	h->message.last_ns = h->ts_ns;
	if (h->message.headers_done && !had_headers) {
		/* paused on the last line feed, which is read again */
		h->message.header_bytes = offset + n + 1 - h->message.start;
	}
	if (h->message.complete)
		end_message(h);
	else if (why == HPE_OK && n < len)
		fail(h);
	return n;
}

static void read_data(struct http *h, uint64_t offset, const uint8_t *data, uint64_t len)
{
	while (len && h->state == HTTP_OK) {
		uint64_t n = 0;

		if (!h->in_message) {
			/* empty lines between messages belong to nobody */
			while (n < len && (data[n] == '\r' || data[n] == '\n'))
				n++;
			if (n == len)
				return;
			begin_message(h, offset + n);
		}
		n += step(h, offset + n, data + n, len - n);
		offset += n;
		data += n;
		len -= n;
	}
}

/* Bytes that nobody has seen: inside a body of known length they can only be body. */
static void read_hole(struct http *h, uint64_t offset, uint64_t len)
{
	static const uint8_t zeros[16384];

	h->hole = true;
	while (len && h->state == HTTP_OK) {
		uint64_t n = len < sizeof(zeros) ? len : sizeof(zeros);
		bool chunked = h->parser.flags & F_CHUNKED;

		if (!h->in_message || !h->message.headers_done || chunked) {
			fail(h);
			break;
		}
		if (h->parser.content_length != UINT64_MAX && h->parser.content_length < n)
			n = h->parser.content_length;
		if (n == 0) {
			fail(h);
			break;
		}
		read_data(h, offset, zeros, n);
		offset += n;
		len -= n;
	}
	h->hole = false;
}

enum http_state http_feed(struct http *h, uint64_t offset, uint64_t ts_ns, const uint8_t *data,
			  uint64_t len)
{
	h->ts_ns = ts_ns;
	if (h->state != HTTP_OK || len == 0)
		return h->state;
	if (data)
		read_data(h, offset, data, len);
	else
		read_hole(h, offset, len);
	return h->state;
}

void http_finish(struct http *h, uint64_t ts_ns)
{
	h->ts_ns = ts_ns;
	if (h->state != HTTP_OK || !h->in_message)
		return;
	if (h->message.headers_done)
		http_parser_execute(&h->parser, &settings, NULL, 0);
	end_message(h);
}

bool http_looks_like(bool request, const uint8_t *data, uint64_t len)
{
	static const char *const methods[] = { "GET ",	  "POST ",    "PUT ",	  "HEAD ",
					       "DELETE ", "OPTIONS ", "CONNECT ", "PATCH ",
					       "TRACE ",  NULL };
	static const char *const answers[] = { "HTTP/1.", NULL };

	for (const char *const *w = request ? methods : answers; *w; w++) {
		size_t n = strlen(*w);

		if (memcmp(*w, data, n < len ? n : len) == 0)
			return true;
	}
	return false;
}
