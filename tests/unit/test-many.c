/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs of more connections and exchanges than were once listed: all count, and all come back. */
#include "lib/base/err.h"
#include "lib/exchange/clear.h"
#include "lib/exchange/json.h"
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

static struct exchanges *again(const struct exchanges *x)
{
	struct err err = { "" };
	struct exchanges *back;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	exchanges_write(out, x);
	fclose(out);
	back = exchanges_recall(text, len, "x.json", &err);
	if (!back)
		printf("# %s\n", err.text);
	free(text);
	return back;
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
	no_memory_left();
	return done();
}
