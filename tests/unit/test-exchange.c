/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "collectors/packets/packet-file.h"
#include "lib/base/err.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/correlate/correlate.h"
#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/exchange/clear.h"
#include "lib/exchange/exchange.h"
#include "lib/exchange/json.h"
#include "lib/exchange/traffic.h"
#include "lib/json/long.h"
#include "reports/exchanges.h"
#include "tests/unit/exchange-text.h"
#include "tests/unit/packets.h"
#include "tests/unit/test.h"

#define DATA (FLOW_ACK | 0x08)

static const char ask[] = "POST /k HTTP/1.1\r\nContent-Type: application/json\r\n"
			  "Content-Length: 18\r\n\r\n{\"key\":\"the force\"";
static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* A short conversation, as packets to whoever takes them. */
static void talk(void (*take)(void *ctx, const struct packet *p), void *ctx, uint16_t iface)
{
	static const struct {
		enum flow_dir dir;
		uint8_t flags;
		const char *text;
	} said[] = {
		{ FLOW_OUT, FLOW_SYN, "" },
		{ FLOW_IN, FLOW_SYN | FLOW_ACK, "" },
		{ FLOW_OUT, DATA, ask },
		{ FLOW_IN, DATA, ok },
		{ FLOW_OUT, FLOW_FIN | FLOW_ACK, "" },
		{ FLOW_IN, FLOW_FIN | FLOW_ACK, "" },
	};
	static struct frame f;
	uint32_t at[2] = { 0, 0 };

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		enum flow_dir dir = said[i].dir;
		uint32_t len = (uint32_t)strlen(said[i].text);
		struct packet p;

		frame_tcp(&f, dir, 40000, 100 + at[dir], 100 + at[!dir], said[i].flags,
			  said[i].text, len);
		p = frame_packet(&f, 5000000000 + 1000 * i, dir);
		p.iface = iface;
		take(ctx, &p);
		at[dir] += len + (said[i].flags & (FLOW_SYN | FLOW_FIN) ? 1 : 0);
	}
}

static void to_traffic(void *ctx, const struct packet *p)
{
	traffic_packet(ctx, p);
}

static void to_file(void *ctx, const struct packet *p)
{
	packet_writer_add(ctx, p, 7);
}

static struct exchanges *made(void)
{
	struct names *names = names_new();
	struct traffic_options options = { 0 };
	struct traffic *t;
	struct exchanges *x;
	struct exchange_iface *iface;

	names_intern(names, "eth0", 4);
	t = traffic_new(names, &options);
	talk(to_traffic, t, 1);
	x = traffic_finish(t);
	names_free(names);
	x->program.roots[x->program.nroots++] = 77;
	x->capture.realtime_offset_ns = 1700000000000000000;
	iface = exchanges_iface(x, "eth0");
	iface->index = 7;
	iface->counters_known = true;
	iface->counter_bytes[FLOW_IN] = 999;
	return x;
}

static char *write_json(const struct exchanges *x, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	exchanges_write(out, x);
	fclose(out);
	return text;
}

static void there_and_back(void)
{
	struct exchanges *x = made(), *y;
	struct err err = { "" };
	char *first, *second;
	size_t n1, n2;

	exchanges_iface(x, "eth7")->broken = true;
	first = write_json(x, &n1);
	y = exchanges_parse(first, n1, "exchanges.json", &err);
	check(y != NULL);
	if (!y) {
		printf("# %s\n", err.text);
		return;
	}
	second = write_json(y, &n2);
	check(n1 == n2 && strcmp(first, second) == 0);
	check(exchanges_iface(y, "eth7")->broken);
	check(y->nrows == 1 && strcmp(y->rows[0].target, "/k") == 0 && y->rows[0].status == 200);
	check(y->rows[0].nrequest_names == 1 && strcmp(y->rows[0].request_names[0], "key") == 0);
	check(y->nconns == 1 && y->conns[0].local.port == 40000 && y->conns[0].remote.ip[3] == 2);
	check(y->conns[0].end == CONN_FINISHED && y->program.roots[0] == 77 &&
	      y->capture.ifaces[0].index == 7);
	check(y->capture.ifaces[0].counter_bytes[FLOW_IN] == 999);
	check(y->capture.realtime_offset_ns == 1700000000000000000);
	/* what a body says is nowhere, what its members are called is */
	check(!strstr(first, "the force") && strstr(first, "\"key\""));
	free(first);
	free(second);
	exchanges_free(x);
	exchanges_free(y);
}

static void refused(const char *text, const char *why)
{
	struct err err = { "" };
	struct exchanges *x = exchanges_parse(text, strlen(text), "x.json", &err);

	check(x == NULL);
	check(strstr(err.text, why) != NULL);
	if (!strstr(err.text, why))
		printf("# %s\n", err.text);
	exchanges_free(x);
}

/* An element that does not end does not fill the memory. */
static void endless_element(void)
{
	size_t size = JLONG_ITEM + 4096;
	char *text = xcalloc(size + 1, 1);

	memset(text, ' ', size);
	memcpy(text, "{\"connections\":[{", 17);
	refused(text, "bytes of JSON in one element of a list");
	free(text);
}

static void malformed(void)
{
	refused("{\"schema\":\"other/1\"}", "schema");
	refused("{}", "schema");
	refused("{\"schema\":\"ccaio.exchanges/1\",\"connections\":[{\"local\":\"nonsense\"}]}",
		"local");
	refused("{\"schema\":\"ccaio.exchanges/"
		"1\",\"connections\":[{\"local\":\"1.2.3.4:99999\"}]}",
		"local");
	refused("{\"schema\":\"ccaio.exchanges/1\",\"exchanges\":[{\"connection\":0,"
		"\"protocol\":\"http\",\"end\":\"complete\"}]}",
		"no such connection");
	refused("{\"schema\":\"ccaio.exchanges/1\",\"connections\":[{\"local\":\"1.2.3.4:9\","
		"\"remote\":\"1.2.3.4:9\",\"end\":\"dead\"}]}",
		"dead");
#define BEGINS "{\"schema\":\"ccaio.exchanges/1\",\"connections\":["
#define CONNECTION "{\"local\":\"1.2.3.4:9\",\"remote\":\"1.2.3.4:9\",\"end\":\"open\"}"
	/* each element of the long lists is a text of its own, and says which it is */
	refused(BEGINS CONNECTION "," CONNECTION ",{\"local\":\"x\"}]}", "connections[2]: local: ");
	refused(BEGINS CONNECTION ",]}", "connections[1]: empty");
	refused(BEGINS "," CONNECTION "]}", "connections[0]: empty");
	refused(BEGINS "7]}", "connections[0]: ");
	refused(BEGINS "[" CONNECTION "]]}", "connections[0]: expected a JSON object");
	refused(BEGINS CONNECTION CONNECTION "]}", "connections[0]: more text");
	refused(BEGINS CONNECTION, "ends too early");
	refused(BEGINS CONNECTION "}}", "x.json: not JSON");
	refused(BEGINS "{\"local\":\"]}\"}]}", "connections[0]: local: expected");
	refused(BEGINS CONNECTION "],\"connections\":[" CONNECTION "]}", "two members of one name");
	refused(BEGINS CONNECTION "],\"conn\\u0065ctions\":[]}", "two members of one name");
	refused("{\"exchanges\":[{\"connection\":0,\"protocol\":\"tls\",\"end\":\"open\"}],"
		"\"schema\":\"ccaio.exchanges/1\",\"connections\":[" CONNECTION "]}",
		"no such connection");
	endless_element();
}

/* Headers alone, written and read again, give the same connections and offsets. */
static void packet_files(void)
{
	struct exchanges *x = made(), *again;
	struct names *names = names_new();
	struct traffic_options options = { 0 };
	struct packet_reader *r;
	struct traffic *t;
	struct packet p;
	struct err err = { "" };
	char *bytes = NULL;
	size_t len = 0;
	struct packet_writer w = { open_memstream(&bytes, &len), false,
				   x->capture.realtime_offset_ns };
	uint64_t expected = 5000000000;

	packet_writer_begin(&w);
	talk(to_file, &w, 0);
	fclose(w.out);
	check(!memmem(bytes, len, "force", 5) && !memmem(bytes, len, "HTTP", 4));
	r = packet_reader_open(fmemopen(bytes, len, "r"), "packets.pcap", x, names, &err);
	check(r != NULL);
	t = traffic_new(names, &options);
	while (r && packet_reader_next(r, &p, &err) == 1) {
		check(p.ts_ns == expected);
		check(strcmp(names_get(names, p.iface), "eth0") == 0);
		expected += 1000;
		traffic_packet(t, &p);
	}
	packet_reader_close(r);
	again = traffic_finish(t);
	check(again->capture.packets == 6 && again->nconns == 1);
	check(again->conns[0].payload[0] == x->conns[0].payload[0]);
	check(again->conns[0].frame_bytes[1] == x->conns[0].frame_bytes[1]);
	check(flow_addr_equal(&again->conns[0].local, &x->conns[0].local));
	exchanges_free(again);
	/* cut anywhere: an error or fewer packets, never more */
	for (size_t cut = 0; cut < len; cut += 7) {
		FILE *in = fmemopen(bytes, cut ? cut : 1, "r");

		r = packet_reader_open(in, "packets.pcap", x, names, &err);
		if (cut < 24)
			check(r == NULL && strstr(err.text, "cannot read packets of packets.pcap"));
		while (r && packet_reader_next(r, &p, &err) == 1)
			;
		packet_reader_close(r);
	}
	free(bytes);
	names_free(names);
	exchanges_free(x);
}

/* Bytes that left and may be the program's, by a connection that was not captured or by none. */
static void nobodys(struct exchanges *x)
{
	uint16_t id = exchanges_device(x, "0000:00:07.0");
	struct exchange_device *d = &x->devices[id];
	char *why;

	d->other_bytes[FLOW_OUT] = d->unknown_bytes[FLOW_IN] = 1500;
	check(exchanges_clear_payload(x, &why) == TRI_NO);
	free(why);
	d->unknown_bytes[FLOW_OUT] = 66;
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN &&
	      strstr(why, "66 bytes left through 0000:00:07.0"));
	free(why);
	d->unknown_bytes[FLOW_OUT] = 0;
	x->program.unseen_bytes = 21;
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN &&
	      strstr(why, "sent 21 bytes by TCP"));
	free(why);

	/* datagrams of another process may be the program's, as its TCP may */
	x->program.unseen_bytes = 0;
	x->program.others_bytes = 33;
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN &&
	      strstr(why, "sent 33 bytes, among them"));
	free(why);
	x->program.others_bytes = 0;
	x->program.unseen_bytes = 0;
}

/* What the kernel sends by itself over TCP may be the program's: a file on another machine. */
static void network_disks(struct exchanges *x)
{
	static const char *const names[] = { "kworker/u8:2", "kworkers", "kworker/0:1H" };
	char *own = x->conns[0].comm, *why;

	for (int i = 0; i < 3; i++) {
		bool kernels = i != 1;

		x->conns[0].comm = (char *)names[i];
		check(exchanges_clear_payload(x, &why) == (kernels ? TRI_UNKNOWN : TRI_NO));
		check(!kernels || strstr(why, "bytes by TCP for itself"));
		free(why);
		x->rows[0].protocol = EXCHANGE_TLS; /* NFS over TLS */
		check(exchanges_clear_payload(x, &why) == TRI_NO);
		free(why);
		x->rows[0].protocol = EXCHANGE_HTTP;
	}
	x->conns[0].comm = own;
}

/* TLS hides what its cipher suite hides. */
static void cipher_suites(struct exchanges *x)
{
	struct exchange row = x->rows[0];
	bool program = x->conns[0].program;
	char *why;

	x->conns[0].program = true;
	x->rows[0].protocol = EXCHANGE_TLS;
	x->rows[0].half[FLOW_OUT].bytes[GRADE_NESTED] = 100;
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN && strstr(why, "which cipher suite"));
	free(why);
	x->rows[0].tls_suite = 0x003b;
	check(exchanges_clear_payload(x, &why) == TRI_YES && strstr(why, "0x003b"));
	free(why);
	x->rows[0].tls_suite = 0x1301;
	check(exchanges_clear_payload(x, &why) == TRI_NO);
	free(why);
	x->rows[0] = row;
	x->conns[0].program = program;
}

/* What leaves by other ways than TLS is not under TLS. */
static void otherwise(struct exchanges *x)
{
	char *why;

	x->program.calls_known = false;
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN && strstr(why, "other than TCP"));
	free(why);
	x->program.calls_known = true;
	x->program.other_calls[FLOW_IN] = x->program.other_call_bytes[FLOW_IN] = 3;
	check(exchanges_clear_payload(x, &why) == TRI_NO);
	free(why);
	x->program.other_calls[FLOW_OUT] = 1;
	x->program.other_call_bytes[FLOW_OUT] = 44;
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN && strstr(why, "44 bytes"));
	free(why);
	x->program.other_calls[FLOW_OUT] = 0;
	x->blocks = xcalloc(2, sizeof(*x->blocks));
	x->nblocks = 2;
	x->blocks[0].bytes[FLOW_IN] = 4096; /* another's */
	x->blocks[1].program = true;
	x->blocks[1].bytes[FLOW_IN] = 4096;
	check(exchanges_clear_payload(x, &why) == TRI_NO);
	free(why);
	x->blocks[0].bytes[FLOW_OUT] = 1024; /* what the program changed in memory, maybe */
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN &&
	      strstr(why, "1024 bytes that oth"));
	free(why);
	x->blocks[0].bytes[FLOW_OUT] = 0;
	x->blocks[1].bytes[FLOW_OUT] = 512;
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN && strstr(why, "512 bytes to disks"));
	free(why);
	x->blocks[1].bytes[FLOW_OUT] = 0;
	x->conns[0].owner = GRADE_NONE;
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN && strstr(why, "whose payload"));
	free(why);
	x->conns[0].payload[FLOW_OUT] = 0;
	check(exchanges_clear_payload(x, &why) == TRI_NO);
	free(why);
	x->conns[0].lost[FLOW_OUT] = 10; /* what the capture missed had an owner, too */
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN && strstr(why, "whose payload"));
	free(why);
	x->conns[0].lost[FLOW_OUT] = 0;
	x->conns[0].owner = GRADE_EXACT;
	cipher_suites(x);
	nobodys(x);
	network_disks(x);
	x->program.nalive =
		2; /* for the time that was asked for; or of a program that goes on behind it */
	check(exchanges_clear_payload(x, &why) == TRI_NO);
	free(why);
	x->program.launched = true;
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN && strstr(why, "2 of the program's"));
	free(why);
	x->program.nalive = 0;
}

static void confidential(void)
{
	struct exchanges *x = made();
	char *why;

	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN);
	free(why);
	x->result.correlated = x->result.program_known = x->program.calls_known = true;
	x->conns[0].owner = GRADE_EXACT;
	check(exchanges_clear_payload(x, &why) == TRI_NO && strstr(why, "sent no payload"));
	free(why);
	x->result.tls_bytes = 10;
	check(exchanges_clear_payload(x, &why) == TRI_NO && strstr(why, "TLS"));
	free(why);
	otherwise(x);
	exchanges_iface(x, "eth7")->broken = true; /* unplugged meanwhile */
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN && strstr(why, "eth7 broke off"));
	free(why);
	x->result.opaque_bytes = 5;
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN);
	free(why);
	x->result.clear_bytes = 1;
	check(exchanges_clear_payload(x, &why) == TRI_YES);
	free(why);
	exchanges_free(x);
}

/* A line for an exchange as it completes: one that nobody accepted has a time, too. */
static void live_lines(void)
{
	struct exchanges *x = made();
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	exchanges_line(out, x, &x->rows[0]);
	x->rows[0].end = EXCHANGE_REFUSED;
	memset(x->rows[0].half, 0, sizeof(x->rows[0].half));
	exchanges_line(out, x, &x->rows[0]);
	exchanges_json_line(out, x, &x->rows[0]);
	fclose(out);
	check(strncmp(text, "5.000002000 s 10.0.2.15:40000 ", 30) == 0);
	check(strstr(text, "\n5.000000000 s 10.0.2.15:40000 "));
	check(strstr(text, "\"first_ns\": 5000000000, \"last_ns\": 5000005000,"));
	free(text);
	exchanges_free(x);
}

static void fill_half(struct exchange_half *h)
{
	for (int g = 0; g < GRADES; g++)
		h->bytes[g] = 1;
	h->stream = (struct extent){ 1, 5 };
	h->header_bytes = h->body_bytes = h->retransmitted = h->packets = 2;
	h->first_ns = h->last_ns = UINT64_C(1) << 60;
	h->transfers = h->dma_bytes = h->slots = h->descriptors = h->kicks = 2;
	h->first_packet = h->last_packet = 9;
}

static void fill_conn(struct exchange_conn *conn, size_t i)
{
	conn->local = (struct flow_addr){ { 10, 0, (uint8_t)(i >> 8), (uint8_t)i }, 1, 4 };
	conn->remote = (struct flow_addr){ { 10, 1 }, 80, 4 };
	conn->iface = xstrdup("eth0");
	conn->opened_ns = conn->last_ns = UINT64_C(1) << 60;
	conn->socket = UINT64_MAX;
	conn->owner = GRADE_EXACT;
	conn->comm = xstrdup("keybroker-app");
	for (int dir = 0; dir < 2; dir++) {
		for (int g = 0; g < GRADES; g++)
			conn->carried[dir][g] = 1;
		conn->packets[dir] = conn->frame_bytes[dir] = conn->payload[dir] = 4;
		conn->retransmitted[dir] = conn->lost[dir] = 4;
		conn->control_packets[dir] = conn->control_bytes[dir] = 4;
	}
}

static void fill_row(struct exchange *r, uint32_t conn)
{
	r->conn = conn;
	r->protocol = EXCHANGE_HTTP;
	r->keep_alive = r->clear = r->continued = r->pipelined = true;
	r->chunked_request = r->chunked_response = true;
	r->method = xstrdup("POST");
	r->target = xstrdup("/keys/v1/evidence/1234567890");
	r->status = 200;
	r->request_type = xstrdup("application/json");
	r->response_type = xstrdup("application/json");
	fill_half(&r->half[0]);
	fill_half(&r->half[1]);
}

/* Long lists, and those with limits as long as they get. */
static struct exchanges *full(size_t n)
{
	struct exchanges *x = exchanges_new();

	x->capture.on = true;
	for (size_t i = 0; i < n; i++) {
		struct exchange *r;

		fill_conn(exchanges_add_conn(x, EXCHANGES_MEMORY), i);
		r = exchanges_add_row(x, EXCHANGES_MEMORY);
		fill_row(r, (uint32_t)i);
		r->request_names = xcalloc(EXCHANGE_NAMES + 1, sizeof(*r->request_names));
		while (r->nrequest_names < EXCHANGE_NAMES)
			r->request_names[r->nrequest_names++] = xstrdup("evidence.token.value");
	}
	for (size_t i = 0; i < EXCHANGES_LISTED; i++) {
		struct exchange_half *h = &x->rows[i / EXCHANGE_TRANSFERS].half[0];

		if (!h->list)
			h->list = xcalloc(EXCHANGE_TRANSFERS, sizeof(*h->list));
		h->list[h->nlist++] = (struct transfer){ .ts_ns = 1, .dma = 1, .bounced = true };
	}
	exchanges_device(x, "0000:00:01.0");
	return x;
}

/* What is written can be read. */
static void as_much_as_fits(void)
{
	struct exchanges *x = full(20000), *back;
	struct err err = { "" };
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	out = open_memstream(&text, &len);
	exchanges_write(out, x);
	fclose(out);
	back = exchanges_parse(text, len, "x.json", &err);
	if (!back)
		printf("# %zu bytes: %s\n", len, err.text);
	check(back && back->nrows == x->nrows && back->nconns == x->nconns);
	exchanges_free(back);
	back = exchanges_recall(text, len, "x.json", &err);
	check(back && back->rows[19999].nrequest_names == EXCHANGE_NAMES);
	check(back && back->rows[1].half[0].nlist == EXCHANGE_TRANSFERS);
	exchanges_free(back);
	free(text);
	exchanges_free(x);
}

int main(void)
{
	as_much_as_fits();
	there_and_back();
	malformed();
	packet_files();
	confidential();
	live_lines();
	return done();
}
