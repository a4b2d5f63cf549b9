/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_NET_HTTP_H
#define CCAIO_LIB_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * http - one direction of an HTTP/1 connection, cut into messages.
 *
 * Feeds on stream bytes in order.  Of each message it keeps sizes and offsets,
 * method, target or status, content type, and for JSON bodies the names of the
 * members; never a body or another header's value.
 */
#define HTTP_TARGET_MAX 512 /* longer targets are cut, and end in "…" */
#define HTTP_NAMES 24
#define HTTP_NAME_MAX 48

struct http_message {
	bool request;
	const char *method; /* static string */
	char target[HTTP_TARGET_MAX + 4];
	unsigned int status;
	char type[96];	       /* Content-Type without its parameters */
	uint64_t start, end;   /* stream offsets, end exclusive (so far) */
	uint64_t header_bytes; /* start line, headers and the empty line */
	uint64_t body_bytes;   /* decoded */
	uint64_t first_ns, last_ns;
	bool headers_done, complete;
	bool chunked, keep_alive, expect_continue;
	bool upgraded; /* CONNECT, 101: what follows is not HTTP */
	char names[HTTP_NAMES][HTTP_NAME_MAX];
	size_t nnames;
};

struct http_ops {
	/* The first byte of a message was seen. */
	void (*begin)(void *ctx, const struct http_message *message);
	/* It is complete, or (message->complete false) was cut by the end of the stream. */
	void (*end)(void *ctx, const struct http_message *message);
	/*
	 * A response's headers are complete: does it answer a request whose response has
	 * no body (HEAD), or a CONNECT?  NULL: no.
	 */
	bool (*bodyless)(void *ctx, const struct http_message *message);
	/* A response is over (after end): does it open a tunnel, as a CONNECT's does?  NULL: no. */
	bool (*tunnel)(void *ctx, const struct http_message *message);
};

enum http_state {
	HTTP_OK = 0,
	HTTP_BROKEN, /* this is not, or no longer, HTTP/1 that can be followed */
	HTTP_RAW,    /* after an upgrade: other bytes */
};

struct http;

struct http *http_new(bool requests, const struct http_ops *ops, void *ctx);
void http_free(struct http *http); /* accepts NULL */

/*
 * The next len bytes of the stream, at offset; data NULL: they were not
 * captured.  A hole is survived inside a body of known length only.
 */
enum http_state http_feed(struct http *http, uint64_t offset, uint64_t ts_ns, const uint8_t *data,
			  uint64_t len);

/* The stream ended: ends a message that lasts until the end of the connection. */
void http_finish(struct http *http, uint64_t ts_ns);

/* Could a stream that begins like this be a request (or response)?  len >= 1. */
bool http_looks_like(bool request, const uint8_t *data, uint64_t len);

#endif
