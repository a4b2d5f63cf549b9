/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs of more connections and exchanges than were once listed: all count, and all come back. */
#include "lib/base/err.h"
#include "lib/exchange/clear.h"
#include "lib/exchange/json.h"
#include "lib/net/conn.h"
#include "tests/unit/correlate-fixture.h"
#include "tests/unit/exchange-text.h"
#include "tests/unit/test.h"

#define MANY 10000

/* One after the other, each with one exchange; sockets and ports are used again. */
static void connections(struct machine *m, size_t count)
{
	struct line l;

	for (size_t i = 0; i < count; i++) {
		connect_line(&l, m, 0xcc00 + i % 16 * 64, (uint16_t)(30000 + i % 20000), APP);
		say(&l, ask, 0);
		hear(&l, ok);
		send_flags(&l, FLOW_FIN | FLOW_ACK, "", 0, 0);
		recv_flags(&l, FLOW_FIN | FLOW_ACK, "", 0);
		send_flags(&l, FLOW_ACK, "", 0, 0);
		sock_state(&l, FLOW_ESTABLISHED, FLOW_CLOSE, l.port, 0);
	}
}

/* All in one connection. */
static void exchanges(struct machine *m, size_t count)
{
	struct line l;

	connect_line(&l, m, 0xcc00, 40000, APP);
	for (size_t i = 0; i < count; i++) {
		say(&l, ask, 0);
		hear(&l, ok);
	}
}

/* Written and read; derived: with what the correlation made. */
static struct exchanges *load(const struct exchanges *x, bool derived)
{
	struct err err = { "" };
	struct exchanges *back;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	exchanges_write(out, x);
	fclose(out);
	back = (derived ? exchanges_recall : exchanges_parse)(text, len, "x.json", &err);
	if (!back)
		printf("# %s\n", err.text);
	free(text);
	return back;
}

static struct exchanges *again(const struct exchanges *x)
{
	return load(x, true);
}

static void all_of_them(void (*talk)(struct machine *m, size_t count), size_t conns)
{
	struct exchanges *x, *back;
	const struct exchange *last;
	struct machine m;

	begin(&m);
	talk(&m, MANY);
	x = judge(&m, true);
	check(x->nconns == conns && x->nrows == MANY && x->sums.conserved);
	check(x->result.clear_bytes == MANY * strlen(ask) && !x->capture.conns_left_out);
	last = &x->rows[MANY - 1];
	check(last->conn == conns - 1 && last->grade == GRADE_NESTED && last->status == 200);
	check(last->half[FLOW_OUT].packets == 1 && last->half[FLOW_OUT].transfers == 1);
	back = again(x);
	check(back && back->nconns == conns && back->nrows == MANY);
	check(back && back->sums.held == x->sums.held && !back->sums.failed);
	check(back && back->rows[MANY - 1].conn == conns - 1);
	exchanges_free(back);
	end(&m, x);
}

/* A connection that lives through all of them stays the program's. */
static void one_that_stays(void)
{
	struct exchanges *x;
	struct machine m;
	struct line stays, l;

	begin(&m);
	connect_line(&stays, &m, 0xbb00, 20000, APP);
	for (size_t i = 0; i < 20000; i++) {
		connect_line(&l, &m, 0x100000 + i * 64, (uint16_t)(30000 + i), OTHER);
		recv_flags(&l, FLOW_RST, "", 0);
		sock_state(&l, FLOW_ESTABLISHED, FLOW_CLOSE, l.port, 0);
	}
	say(&stays, ask, 0);
	hear(&stays, ok);
	x = judge(&m, true);
	check(x->nconns == 20001 && x->conns[0].program && x->conns[0].app_bytes[FLOW_OUT]);
	check(x->sums.conserved && x->result.clear_bytes == strlen(ask));
	end(&m, x);
}

/* ---- what is not listed counts like what is ---- */

static const char hello[] = "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00";
static const char odd[] = "\x01\x02 nobody knows this";

/* Ten of the program and of others: HTTP, several requests at once, early answers, TLS, others. */
static void mixed(struct machine *m, size_t count)
{
	struct line l;

	for (size_t i = 0; i < count; i++) {
		int32_t pid = i % 3 == 2 ? OTHER : APP;

		connect_line(&l, m, 0xcc00 + i * 64, (uint16_t)(30000 + i % 500), pid);
		switch (i % 8) {
		case 0:
			say(&l, ask, 0);
			hear(&l, ok);
			say(&l, ask, 7);
			hear(&l, "HTTP/1.1 100 Continue\r\n\r\n");
			hear(&l, ok);
			break;
		case 1: /* three at once, one of them not answered */
			say(&l, ask, 0);
			say(&l, ask, 0);
			say(&l, ask, 0);
			hear(&l, ok);
			hear(&l, ok);
			break;
		case 2: /* answered before all was asked */
			say(&l, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n1234", 0);
			hear(&l, "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
			say(&l, "56789", 0);
			hear(&l, "HTTP/1.1 103 Hints\r\n\r\n");
			break;
		case 3:
			say(&l, hello, 0);
			hear(&l, hello);
			break;
		case 4:
			say(&l, odd, 0);
			hear(&l, odd);
			break;
		case 5: /* HTTP at first */
			say(&l, ask, 0);
			hear(&l, odd);
			say(&l, odd, 0);
			break;
		case 6: /* asked while it is answered */
			hear(&l, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
			say(&l, ask, 0);
			hear(&l, "llo");
			break;
		default:
			recv_flags(&l, FLOW_RST, "", 0);
		}
		send_flags(&l, FLOW_FIN | FLOW_ACK, "", 0, 0);
		recv_flags(&l, FLOW_FIN | FLOW_ACK, "", 0);
		sock_state(&l, FLOW_ESTABLISHED, FLOW_CLOSE, l.port, 0);
		send_flags(&l, FLOW_ACK, "", 0, 0);
	}
	/* more at once than wait */
	connect_line(&l, m, 0xbb00, 20000, APP);
	for (size_t i = 0; i < 1100; i++)
		say(&l, ask, 0);
	for (size_t i = 0; i < 1100; i++)
		hear(&l, ok);
}

static bool same_device(const struct exchange_device *a, const struct exchange_device *b)
{
	return strcmp(a->name, b->name) == 0 && memcmp(a->dma_bytes, b->dma_bytes, 16) == 0 &&
	       memcmp(a->program_bytes, b->program_bytes, 16) == 0 &&
	       memcmp(a->other_bytes, b->other_bytes, 16) == 0 &&
	       memcmp(a->unknown_bytes, b->unknown_bytes, 16) == 0;
}

/* The same with lists of this many bytes. */
static struct exchanges *with_memory(size_t memory, size_t count, uint64_t lead)
{
	struct exchanges *x;
	struct machine m;

	begin(&m);
	m.memory = memory;
	m.lead = lead;
	mixed(&m, count);
	x = judge(&m, true);
	names_free(m.names);
	return x;
}

static void not_listed(size_t memory, size_t count, uint64_t lead)
{
	struct exchanges *all = with_memory(0, count, lead), *x = with_memory(memory, count, lead);
	struct exchanges *back = again(x);
	uint64_t held = x->sums.held;
	char *why[2];

	check(!all->unlisted.conns && !exchanges_rest_count(all) && all->sums.conserved);
	check(x->nconns + x->unlisted.conns == all->nconns && x->nrows < all->nrows);
	check(x->nrows + exchanges_rest_count(x) == all->nrows);
	check(!x->capture.conns_left_out && !x->capture.rows_left_out);
	check(x->sums.conserved && x->result.clear_bytes == all->result.clear_bytes);
	check(x->result.tls_bytes == all->result.tls_bytes && x->result.tls_bytes);
	check(x->result.opaque_bytes == all->result.opaque_bytes && x->result.opaque_bytes);
	/* payload of the stream = bytes of exchanges: once for all of an owner */
	for (size_t i = x->nconns; i < all->nconns; i++)
		held += all->conns[i].program ? 2 : 0;
	check(held == all->sums.held + 1 + 2 * CONN_OWNERS);
	check(x->ndevices == all->ndevices);
	for (size_t i = 0; i < x->ndevices && i < all->ndevices; i++)
		check(same_device(&x->devices[i], &all->devices[i]));
	check(x->nunattributed == all->nunattributed && x->nunattributed);
	check(x->result.nothing_else == all->result.nothing_else);
	check(strcmp(x->result.other_traffic, all->result.other_traffic) == 0);
	check(exchanges_clear_payload(x, &why[0]) == exchanges_clear_payload(all, &why[1]));
	check(strcmp(why[0], why[1]) == 0);
	check(exchanges_kernel_bytes(x) == exchanges_kernel_bytes(all));
	check(exchanges_others(x).bytes == exchanges_others(all).bytes &&
	      exchanges_others(x).pid == OTHER);
	check(back && back->unlisted.conns == x->unlisted.conns &&
	      memcmp(back->unlisted.by, x->unlisted.by, sizeof(x->unlisted.by)) == 0);
	free(why[0]);
	free(why[1]);
	exchanges_free(back);
	exchanges_free(x);
	exchanges_free(all);
}

/* As verify does: what is recorded of them is held against the packets. */
static void judged_again(void)
{
	struct exchanges *x, *back;
	struct machine m;

	begin(&m);
	m.memory = 1;
	mixed(&m, 100);
	x = listen_to(&m);
	correlate_all(&m, x, true);
	for (int wrong = 0; wrong < 4; wrong++) {
		back = load(x, false);
		if (wrong == 1)
			back->unlisted.by[OWNER_PROGRAM].out[FORM_TLS]++;
		if (wrong == 2)
			back->unlisted.by[OWNER_OTHERS].in++;
		if (wrong == 3)
			back->unlisted.conns++;
		correlate_all(&m, back, true);
		check(back->sums.conserved == !wrong && x->sums.conserved);
		check(wrong || (back->result.clear_bytes == x->result.clear_bytes &&
				back->result.opaque_bytes == x->result.opaque_bytes));
		exchanges_free(back);
	}
	forget(&m);
	end(&m, x);
}

/* One that is over leaves, though none is listed. */
static void they_leave(void)
{
	struct exchanges *x;
	struct machine m;

	begin(&m);
	m.memory = 1;
	connections(&m, MANY);
	x = judge(&m, true);
	check(x->unlisted.conns == MANY && !x->nconns && x->sums.conserved);
	check(x->unlisted.most < CONN_OVER + 100);
	end(&m, x);
}

/* Where there is no memory left it is said, and what is listed does not pass for all. */
static void no_memory_left(void)
{
	const struct event event = { .kind = EVENT_FORK };
	struct exchanges *x = exchanges_new();
	struct names *names = names_new();
	struct correlate *c;
	char *why = NULL;

	x->capture.on = x->capture.payload_read = true;
	check(exchanges_add_conn(x, EXCHANGES_MEMORY) && exchanges_add_row(x, EXCHANGES_MEMORY));
	check(!exchanges_add_conn(x, x->memory) && !exchanges_add_row(x, x->memory));
	check(!exchanges_add_row(x, x->memory + sizeof(*x->rows) - 1));
	x->rows[0].target = xstrdup("/a/long/target");
	exchanges_row_done(x, &x->rows[0]);
	check(x->memory > sizeof(*x->conns) + sizeof(*x->rows) + strlen("/a/long/target"));
	check(exchanges_add_unlisted(x, sizeof(struct exchange_rest)));
	check(!exchanges_add_unlisted(x, sizeof(struct exchange_rest)));
	x->unlisted.conns = 0;
	x->capture.rows_left_out = 2;
	c = correlate_new(x, names, NULL);
	correlate_event(c, &event);
	correlate_finish(c);
	check(!x->sums.conserved && x->sums.failed == 2);
	check(x->sums.list[0].left == 2 && strcmp(x->sums.list[0].left_name, "connections") == 0);
	check(x->sums.list[1].left == 3 && !x->sums.list[1].ok);
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN);
	free(why);
	exchanges_free(x);
	names_free(names);
}

int main(void)
{
	all_of_them(connections, MANY);
	all_of_them(exchanges, 1);
	one_that_stays();
	not_listed(1, 200, 0);
	not_listed(1, 1000, UINT64_MAX / 2);
	not_listed(50000, 200, 0);
	not_listed(200000, 5000, 0);
	they_leave();
	judged_again();
	no_memory_left();
	return done();
}
