/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "lib/net/http.h"
#include "lib/net/json-members.h"
#include "tests/unit/test.h"

struct seen {
	struct http_message list[16];
	size_t begun, ended;
	bool bodyless;
};

static void begin(void *ctx, const struct http_message *message)
{
	(void)message;
	((struct seen *)ctx)->begun++;
}

static void end(void *ctx, const struct http_message *message)
{
	struct seen *s = ctx;

	if (s->ended < 16)
		s->list[s->ended++] = *message;
}

static bool bodyless(void *ctx, const struct http_message *message)
{
	(void)message;
	return ((struct seen *)ctx)->bodyless;
}

static const struct http_ops ops = { begin, end, bodyless, NULL };

/* Feed text in pieces of `by` bytes and end the stream.  Returns the state before the end. */
static enum http_state feed(struct seen *s, bool requests, const char *text, size_t by)
{
	struct http *h = http_new(requests, &ops, s);
	size_t len = strlen(text);
	enum http_state state = HTTP_OK;

	for (size_t at = 0; at < len; at += by) {
		size_t n = len - at < by ? len - at : by;

		state = http_feed(h, at, 1000 + at, (const uint8_t *)text + at, n);
	}
	http_finish(h, 5000);
	http_free(h);
	return state;
}

static const char post[] = "POST /keys/v1/key/skywalker HTTP/1.1\r\n"
			   "Host: h\r\nContent-Type: application/json; charset=x\r\n"
			   "Content-Length: 38\r\n\r\n"
			   "{\"pubkey\":{\"n\":\"May the force\",\"e\":1}}";

static void one_post(size_t by)
{
	struct seen s = { 0 };
	const struct http_message *m = &s.list[0];

	check(feed(&s, true, post, by) == HTTP_OK && s.ended == 1 && s.begun == 1);
	check(strcmp(m->method, "POST") == 0 && strcmp(m->target, "/keys/v1/key/skywalker") == 0);
	check(m->complete && m->keep_alive && !m->chunked);
	check(m->start == 0 && m->end == strlen(post));
	check(m->body_bytes == 38 && m->header_bytes == strlen(post) - 38);
	check(strcmp(m->type, "application/json") == 0);
	check(m->nnames == 3 && strcmp(m->names[0], "pubkey") == 0 &&
	      strcmp(m->names[1], "n") == 0 && strcmp(m->names[2], "e") == 0);
}

static void pipelined(size_t by)
{
	static const char text[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
				   "GET /b HTTP/1.1\r\nHost: h\r\n\r\n\r\n"
				   "HEAD /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
	struct seen s = { 0 };

	check(feed(&s, true, text, by) == HTTP_OK && s.ended == 3);
	check(strcmp(s.list[0].target, "/a") == 0 && strcmp(s.list[2].target, "/c") == 0);
	check(s.list[0].end == s.list[1].start && s.list[1].end + 2 == s.list[2].start);
	check(s.list[1].body_bytes == 0 && s.list[1].header_bytes == 28);
	check(s.list[0].keep_alive && !s.list[2].keep_alive);
}

static void answers(size_t by)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n"
				   "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
				   "4\r\nwiki\r\nb\r\n0123456789a\r\n0\r\nTrailer: x\r\n\r\n"
				   "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
				   "HTTP/1.1 200 OK\r\n\r\nuntil the end";
	struct seen s = { 0 };

	check(feed(&s, false, text, by) == HTTP_OK && s.ended == 4);
	check(s.list[0].status == 100 && s.list[0].complete && s.list[0].body_bytes == 0);
	check(s.list[1].status == 201 && s.list[1].chunked && s.list[1].body_bytes == 15);
	check(s.list[2].status == 403 && s.list[2].body_bytes == 2);
	check(s.list[3].body_bytes == 13 && s.list[3].complete && !s.list[3].keep_alive);
	check(s.list[3].end == strlen(text));
}

static void cut_short(void)
{
	struct seen s = { 0 };

	feed(&s, false, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", 7);
	check(s.ended == 1 && !s.list[0].complete && s.list[0].headers_done);
	check(s.list[0].body_bytes == 9 && s.list[0].status == 200);
}

static void head(void)
{
	struct seen s = { .bodyless = true };

	feed(&s, false,
	     "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 9);
	check(s.ended == 2 && s.list[0].complete && s.list[0].body_bytes == 0);
	check(s.list[1].status == 204);
}

static void holes(void)
{
	static const char first[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				    "Content-Length: 100000\r\n\r\n{\"a\":1";
	static const char second[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
	struct seen s = { 0 };
	struct http *h = http_new(false, &ops, &s);
	uint64_t at = strlen(first), body = 100000 - 6;

	check(http_feed(h, 0, 1, (const uint8_t *)first, at) == HTTP_OK);
	check(http_feed(h, at, 2, NULL, body) == HTTP_OK);
	at += body;
	check(s.ended == 1 && s.list[0].body_bytes == 100000 && s.list[0].end == at);
	check(s.list[0].nnames == 1 && strcmp(s.list[0].names[0], "a") == 0);
	check(http_feed(h, at, 3, (const uint8_t *)second, strlen(second)) == HTTP_OK);
	check(s.ended == 2 && s.list[1].status == 404);
	/* a hole where a message would begin can not be followed */
	check(http_feed(h, at + strlen(second), 4, NULL, 5) == HTTP_BROKEN);
	http_free(h);
}

static void not_http(void)
{
	struct seen s = { 0 };

	check(feed(&s, true, "SSH-2.0-OpenSSH_9\r\n", 100) == HTTP_BROKEN);
	check(feed(&s, true, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 100) == HTTP_BROKEN);
	check(http_looks_like(true, (const uint8_t *)"PO", 2));
	check(!http_looks_like(true, (const uint8_t *)"PUSH", 4));
	check(http_looks_like(false, (const uint8_t *)"HTTP/1.0", 8));
	check(!http_looks_like(false, (const uint8_t *)"HTTP/2", 6));
}

static void upgraded(void)
{
	struct seen s = { 0 };

	check(feed(&s, true, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n\x16\x03\x01", 100) ==
	      HTTP_RAW);
	check(s.ended == 1 && s.list[0].upgraded && s.list[0].end == 35);
}

static void long_things(void)
{
	static char text[100000];
	struct seen s = { 0 };

	strcpy(text, "GET /");
	memset(text + 5, 'a', 2000);
	strcpy(text + 2005, " HTTP/1.1\r\nHost: h\r\n\r\n");
	feed(&s, true, text, 333);
	check(s.ended == 1 && strlen(s.list[0].target) == HTTP_TARGET_MAX + strlen("…"));
	/* headers without end are refused */
	strcpy(text, "GET / HTTP/1.1\r\nA: ");
	memset(text + 19, 'a', 90000);
	text[90019] = '\0';
	check(feed(&s, true, text, 4096) == HTTP_BROKEN);
}

static char names_found[256];

static void found(void *ctx, const char *name)
{
	(void)ctx;
	if (strlen(names_found) + strlen(name) + 2 < sizeof(names_found))
		strcat(strcat(names_found, name), " ");
}

static void json(const char *text, const char *want)
{
	for (size_t by = 1; by < 9; by += 3) {
		struct jsonnames j = { 0 };

		names_found[0] = '\0';
		for (size_t at = 0; at < strlen(text); at += by)
			jsonnames_feed(&j, (const uint8_t *)text + at,
				       strlen(text) - at < by ? strlen(text) - at : by, found,
				       NULL);
		check(strcmp(names_found, want) == 0);
	}
}

static void json_names(void)
{
	json("{\"a\":\"secret\",\"b\" : [\"x\",{\"c\":null},\"y\"], \"d\":{\"e\":\"\"}}",
	     "a b c d e ");
	json("[\"secret\",\"other\"]", "");
	json("\"secret\"", "");
	json("{\"a\":\"se\\\"cret\\\\\",\"b\":2}", "a b ");
	json("\"x\":1", ""); /* outside an object nothing is a name */
	json("{\"a\" \"secret\", \"b\":1}", "b ");
	json("}}}{\"a\":1}", "");
	json("{\"a\":{\"b\":1},\"c\":[1,[2]],\"d\":3}", "a b c d ");
}

int main(void)
{
	for (size_t by = 1; by < 200; by += by < 8 ? 1 : 61) {
		one_post(by);
		pipelined(by);
		answers(by);
	}
	cut_short();
	head();
	holes();
	not_http();
	upgraded();
	long_things();
	json_names();
	return done();
}
