/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "lib/base/names.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/clear.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/traffic.h"
#include "tests/unit/packets.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#define DATA (FLOW_ACK | 0x08)

struct wire {
	struct names *names;
	struct traffic *traffic;
	struct frame frame;
	uint32_t at[2]; /* bytes sent so far */
	uint64_t now;
	uint16_t port;
	int over;
};

static void over(void *ctx, const struct exchanges *x, const struct exchange *row)
{
	(void)x, (void)row;
	((struct wire *)ctx)->over++;
}

static void send_flags(struct wire *w, enum flow_dir dir, uint8_t flags, const void *data,
		       uint32_t len)
{
	struct packet p;

	frame_tcp(&w->frame, dir, w->port, 1000 + w->at[dir], 1000 + w->at[!dir], flags, data, len);
	p = frame_packet(&w->frame, w->now += 1000, dir);
	traffic_packet(w->traffic, &p);
	w->at[dir] += len + (flags & (FLOW_SYN | FLOW_FIN) ? 1 : 0);
}

static void say(struct wire *w, enum flow_dir dir, const char *text)
{
	send_flags(w, dir, DATA, text, (uint32_t)strlen(text));
}

static void open_wire(struct wire *w, bool headers_only)
{
	struct traffic_options options = { .headers_only = headers_only, .over = over, .ctx = w };

	memset(w, 0, sizeof(*w));
	w->names = names_new();
	names_intern(w->names, "eth0", 4);
	w->traffic = traffic_new(w->names, &options);
	w->port = 40000;
}

static void handshake(struct wire *w)
{
	w->at[0] = w->at[1] = 0;
	send_flags(w, FLOW_OUT, FLOW_SYN, "", 0);
	send_flags(w, FLOW_IN, FLOW_SYN | FLOW_ACK, "", 0);
	send_flags(w, FLOW_OUT, FLOW_ACK, "", 0);
}

static void hang_up(struct wire *w)
{
	send_flags(w, FLOW_OUT, FLOW_FIN | FLOW_ACK, "", 0);
	send_flags(w, FLOW_IN, FLOW_FIN | FLOW_ACK, "", 0);
	send_flags(w, FLOW_OUT, FLOW_ACK, "", 0);
}

static struct exchanges *close_wire(struct wire *w)
{
	struct exchanges *x = traffic_finish(w->traffic);

	names_free(w->names);
	return x;
}

static void two_exchanges(void)
{
	static const char ask[] =
		"POST /keys/v1/key/k HTTP/1.1\r\nContent-Type: application/json\r\n"
		"Content-Length: 12\r\n\r\n{\"pubkey\":1}";
	static const char ok[] = "HTTP/1.1 201 Created\r\nContent-Length: 13\r\n"
				 "Content-Type: application/json\r\n\r\n{\"challenge\":";
	struct wire w;
	struct exchanges *x;
	struct exchange *r;

	open_wire(&w, false);
	handshake(&w);
	say(&w, FLOW_OUT, ask);
	say(&w, FLOW_IN, ok);
	say(&w, FLOW_OUT, "POST /e/1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
	say(&w, FLOW_OUT, "cde");
	say(&w, FLOW_IN, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
	hang_up(&w);
	check(w.over == 2);
	x = close_wire(&w);
	check(x->nconns == 1 && x->nrows == 2 && x->capture.packets == 11 &&
	      x->capture.skipped == 0);
	check(strcmp(x->conns[0].iface, "eth0") == 0 && x->conns[0].end == CONN_FINISHED);
	r = &x->rows[0];
	check(r->protocol == EXCHANGE_HTTP && r->end == EXCHANGE_COMPLETE && r->status == 201);
	check(strcmp(r->method, "POST") == 0 && strcmp(r->target, "/keys/v1/key/k") == 0);
	check(r->nrequest_names == 1 && strcmp(r->request_names[0], "pubkey") == 0);
	check(r->nresponse_names == 1 && strcmp(r->response_names[0], "challenge") == 0);
	check(r->half[FLOW_OUT].body_bytes == 12 && r->half[FLOW_IN].body_bytes == 13);
	check(r->half[FLOW_OUT].stream.end == strlen(ask));
	check(r->half[FLOW_IN].stream.end == strlen(ok) && r->keep_alive && r->clear);
	check(r[1].half[FLOW_OUT].stream.start == strlen(ask) && r[1].status == 403);
	check(r[1].half[FLOW_OUT].stream.end == x->conns[0].payload[FLOW_OUT]);
	check(r[1].half[FLOW_OUT].first_ns + 1000 == r[1].half[FLOW_OUT].last_ns);
	exchanges_free(x);
}

/* More requests wait than are queued: none gets another one's answer. */
static void far_pipelined(void)
{
	enum { MANY = 1030 };
	struct exchanges *x;
	struct wire w;
	char text[80];

	open_wire(&w, false);
	handshake(&w);
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "GET /%d HTTP/1.1\r\n\r\n", i);
		say(&w, FLOW_OUT, text);
	}
	for (int i = 0; i < MANY; i++) {
		/* one more asks while those are answered that found no room */
		if (i == 1026)
			say(&w, FLOW_OUT, "GET /last HTTP/1.1\r\n\r\n");
		snprintf(text, sizeof(text), "HTTP/1.1 %d OK\r\nContent-Length: 0\r\n\r\n",
			 200 + i % 100);
		say(&w, FLOW_IN, text);
	}
	say(&w, FLOW_IN, "HTTP/1.1 299 OK\r\nContent-Length: 0\r\n\r\n");
	say(&w, FLOW_OUT, "GET /after HTTP/1.1\r\n\r\n");
	say(&w, FLOW_IN, "HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n");
	x = traffic_finish(w.traffic);
	for (size_t i = 0; i < x->nrows; i++) {
		const struct exchange *r = &x->rows[i];
		int number = r->target ? atoi(r->target + 1) : -1;

		if (r->target && strcmp(r->target, "/after") == 0)
			check(r->status == 201);
		else if (r->target && number < 1024 && strcmp(r->target, "/last") != 0)
			test_failures += r->status != (unsigned int)(200 + number % 100);
		else if (r->target)
			check(r->status == 0);
	}
	check(x->nrows == MANY + 1 + 7 + 1 && x->nnotes == 1);
	exchanges_free(x);
	names_free(w.names);
}

static void pipelined_with_continue(void)
{
	struct wire w;
	struct exchanges *x;

	open_wire(&w, false);
	handshake(&w);
	say(&w, FLOW_OUT, "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	say(&w, FLOW_IN, "HTTP/1.1 100 Continue\r\n\r\n");
	say(&w, FLOW_OUT, "abcHEAD /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n");
	say(&w, FLOW_IN,
	    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
	    "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	x = close_wire(&w);
	check(x->nrows == 3);
	check(x->rows[0].continued && x->rows[0].half[FLOW_IN].body_bytes == 1);
	check(!x->rows[1].continued && x->rows[1].half[FLOW_IN].body_bytes == 0);
	check(x->rows[1].pipelined && strcmp(x->rows[2].target, "/c") == 0);
	check(x->rows[2].chunked_response && x->rows[2].half[FLOW_IN].body_bytes == 3);
	check(x->rows[2].end == EXCHANGE_COMPLETE);
	check(x->rows[2].half[FLOW_IN].stream.end == x->conns[0].payload[FLOW_IN]);
	exchanges_free(x);
}

static void bad_endings(void)
{
	struct wire w;
	struct exchanges *x;

	open_wire(&w, false);
	send_flags(&w, FLOW_OUT, FLOW_SYN, "", 0);
	send_flags(&w, FLOW_IN, FLOW_RST | FLOW_ACK, "", 0);
	w.port++;
	handshake(&w);
	say(&w, FLOW_OUT, "GET / HTTP/1.1\r\n\r\n");
	say(&w, FLOW_IN, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
	send_flags(&w, FLOW_IN, FLOW_RST | FLOW_ACK, "", 0);
	w.port++;
	handshake(&w);
	say(&w, FLOW_OUT, "GET /never HTTP/1.1\r\n\r\n");
	hang_up(&w);
	w.port++;
	handshake(&w);
	say(&w, FLOW_OUT, "GET /open HTTP/1.1\r\n\r\n");
	x = close_wire(&w);
	check(x->nconns == 4 && x->nrows == 4);
	check(x->rows[0].end == EXCHANGE_REFUSED && x->conns[0].end == CONN_REFUSED);
	check(x->rows[1].end == EXCHANGE_CUT && x->rows[1].status == 200);
	check(x->rows[1].half[FLOW_IN].body_bytes == 4);
	check(x->rows[2].end == EXCHANGE_CUT && x->rows[2].status == 0);
	check(x->rows[3].end == EXCHANGE_OPEN);
	exchanges_free(x);
}

static void others(void)
{
	struct wire w;
	struct exchanges *x;

	open_wire(&w, false);
	handshake(&w);
	say(&w, FLOW_IN, "SSH-2.0-x\r\n");
	say(&w, FLOW_OUT, "SSH-2.0-y\r\n");
	hang_up(&w);
	w.port++;
	handshake(&w);
	send_flags(&w, FLOW_OUT, DATA, "\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9);
	send_flags(&w, FLOW_OUT, DATA, "\x17\x03\x03\x00\x03xyz", 8);
	hang_up(&w);
	w.port++;
	handshake(&w);
	say(&w, FLOW_OUT, "GET / HTTP/1.1\r\n\r\nnot a request at all\r\n");
	say(&w, FLOW_OUT, "more");
	hang_up(&w);
	x = close_wire(&w);
	check(x->nrows == 4 && x->rows[0].protocol == EXCHANGE_UNRECOGNISED);
	check(x->rows[0].half[FLOW_IN].body_bytes == 11 && x->rows[0].end == EXCHANGE_COMPLETE);
	check(x->rows[1].protocol == EXCHANGE_TLS && x->rows[1].half[FLOW_OUT].body_bytes == 3);
	check(x->rows[1].half[FLOW_OUT].header_bytes == 14 && !x->rows[1].clear);
	/* every byte of the third connection is in some row */
	check(x->conns[2].payload[FLOW_OUT] == 18 + 22 + 4);
	{
		uint64_t sum = 0;

		for (size_t i = 0; i < x->nrows; i++)
			if (x->rows[i].conn == 2)
				sum += exchange_half_bytes(&x->rows[i].half[FLOW_OUT]);
		check(sum == x->conns[2].payload[FLOW_OUT]);
	}
	exchanges_free(x);
}

/* A connection that was open before: its ports say server, what it says says client. */
static void joined_late(void)
{
	struct exchanges *x;
	struct wire w;

	open_wire(&w, false);
	w.port = 80;
	send_flags(&w, FLOW_IN, FLOW_ACK, "", 0);
	say(&w, FLOW_OUT, "GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
	say(&w, FLOW_IN, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	x = close_wire(&w);
	check(x->nconns == 1 && !x->conns[0].from_start && !x->conns[0].server);
	check(x->nrows == 1 && x->rows[0].protocol == EXCHANGE_HTTP && x->rows[0].status == 200);
	exchanges_free(x);
}

static void headers_only(void)
{
	struct wire w;
	struct exchanges *x;
	char *why;

	open_wire(&w, true);
	handshake(&w);
	say(&w, FLOW_OUT, "GET /secret HTTP/1.1\r\n\r\n");
	x = close_wire(&w);
	check(x->nrows == 1 && x->rows[0].protocol == EXCHANGE_UNRECOGNISED && !x->rows[0].target);
	check(exchange_half_bytes(&x->rows[0].half[FLOW_OUT]) == 24);
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN && why);
	free(why);
	exchanges_free(x);
}

/* A tunnel through a proxy: what is said in it is told apart from what the proxy was asked. */
static void through_a_proxy(void)
{
	static const char ask[] = "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n";
	static const char yes[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	static const char no[] = "HTTP/1.1 407 Who are you\r\nContent-Length: 2\r\n\r\nno";
	/* a handshake record with some message of 4 bytes, and application data of 3 */
	static const char tls[] = "\x16\x03\x01\x00\x08\x01\x00\x00\x04"
				  "abcd"
				  "\x17\x03\x03\x00\x03"
				  "xyz";
	static const uint32_t tls_len = sizeof(tls) - 1;
	struct exchanges *x;
	struct wire w;

	open_wire(&w, false);
	handshake(&w);
	say(&w, FLOW_OUT, ask);
	say(&w, FLOW_IN, yes);
	send_flags(&w, FLOW_OUT, DATA, tls, tls_len);
	send_flags(&w, FLOW_IN, DATA, tls, tls_len);
	hang_up(&w);
	x = close_wire(&w);
	check(x->nrows == 2 && x->rows[0].protocol == EXCHANGE_HTTP && x->rows[0].status == 200);
	check(x->rows[0].end == EXCHANGE_COMPLETE);
	check(x->rows[1].protocol == EXCHANGE_TLS && x->rows[1].end == EXCHANGE_COMPLETE);
	check(x->rows[1].half[FLOW_OUT].stream.start == strlen(ask));
	check(x->rows[1].half[FLOW_OUT].stream.end == strlen(ask) + tls_len);
	check(x->rows[1].half[FLOW_IN].stream.start == strlen(yes));
	check(x->rows[1].half[FLOW_OUT].body_bytes == 3);
	exchanges_free(x);

	/* another protocol, whose server speaks first, in one piece with the proxy's answer */
	open_wire(&w, false);
	handshake(&w);
	say(&w, FLOW_OUT, ask);
	say(&w, FLOW_IN, "HTTP/1.1 200 OK\r\n\r\n220 mail");
	say(&w, FLOW_OUT, "EHLO");
	hang_up(&w);
	x = close_wire(&w);
	check(x->nrows == 2 && x->rows[1].protocol == EXCHANGE_UNRECOGNISED);
	check(exchange_half_bytes(&x->rows[1].half[FLOW_IN]) == 8);
	check(exchange_half_bytes(&x->rows[1].half[FLOW_OUT]) == 4);
	exchanges_free(x);

	/* refused: the next request is one to the proxy */
	open_wire(&w, false);
	handshake(&w);
	say(&w, FLOW_OUT, ask);
	say(&w, FLOW_IN, no);
	hang_up(&w);
	x = close_wire(&w);
	check(x->nrows == 1 && x->rows[0].status == 407);
	exchanges_free(x);
}

int main(void)
{
	two_exchanges();
	pipelined_with_continue();
	far_pipelined();
	bad_endings();
	others();
	joined_late();
	headers_only();
	through_a_proxy();
	return done();
}
