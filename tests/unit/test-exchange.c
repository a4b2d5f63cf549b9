/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "collectors/packet-file.h"
#include "lib/err.h"
#include "lib/exchange-json.h"
#include "lib/exchange.h"
#include "lib/names.h"
#include "lib/platform.h"
#include "lib/traffic.h"
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
	x->roots[x->nroots++] = 77;
	x->realtime_offset_ns = 1700000000000000000;
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
	check(y->conns[0].end == CONN_FINISHED && y->roots[0] == 77 && y->ifaces[0].index == 7);
	check(y->ifaces[0].counter_bytes[FLOW_IN] == 999);
	check(y->realtime_offset_ns == 1700000000000000000);
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
	struct packet_writer w = { open_memstream(&bytes, &len), false, x->realtime_offset_ns };
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
	check(again->packets == 6 && again->nconns == 1);
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

static void confidential(void)
{
	struct exchanges *x = made();
	char *why;

	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN);
	free(why);
	x->correlated = x->program_known = true;
	check(exchanges_clear_payload(x, &why) == TRI_NO && strstr(why, "sent no payload"));
	free(why);
	x->tls_bytes = 10;
	check(exchanges_clear_payload(x, &why) == TRI_NO && strstr(why, "TLS"));
	free(why);
	exchanges_iface(x, "eth7")->broken = true; /* unplugged meanwhile */
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN && strstr(why, "eth7 broke off"));
	free(why);
	x->opaque_bytes = 5;
	check(exchanges_clear_payload(x, &why) == TRI_UNKNOWN);
	free(why);
	x->clear_bytes = 1;
	check(exchanges_clear_payload(x, &why) == TRI_YES);
	free(why);
	exchanges_free(x);
}

int main(void)
{
	there_and_back();
	malformed();
	packet_files();
	confidential();
	return done();
}
