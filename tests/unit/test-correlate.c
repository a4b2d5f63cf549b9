/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of the exchanges of a program: who spoke, and which DMA carried it. */
#include "tests/unit/correlate-fixture.h"
#include "tests/unit/test.h"

static bool failed(const struct exchanges *x, const char *left_name)
{
	for (size_t i = 0; i < x->sums.n; i++)
		if (!x->sums.list[i].ok && strcmp(x->sums.list[i].left_name, left_name) == 0)
			return true;
	return false;
}

static void one_exchange(void)
{
	struct machine m;
	struct line l;
	struct exchanges *x;
	struct exchange_half *out, *in;

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	hear(&l, ok);
	x = judge(&m, true);
	check(x->nconns == 1 && x->nrows == 1 && x->result.program_known);
	check(x->conns[0].program && x->conns[0].pid == APP && x->conns[0].owner == GRADE_EXACT);
	check(x->conns[0].socket == 0xcc00);
	out = &x->rows[0].half[FLOW_OUT];
	in = &x->rows[0].half[FLOW_IN];
	check(x->rows[0].grade == GRADE_NESTED);
	check(out->bytes[GRADE_NESTED] == strlen(ask) && out->bytes[GRADE_NONE] == 0);
	check(in->bytes[GRADE_NESTED] == strlen(ok));
	check(out->packets == 1 && out->transfers == 1 && out->slots == 1);
	check(out->dma_bytes == strlen(ask) + FRAME_HEADERS + HDR && out->nlist == 1);
	check(out->list[0].size == out->dma_bytes && out->list[0].bounced);
	check(out->copies == 1 && out->copied_bytes == out->dma_bytes && out->copy_ns == 0);
	check(out->descriptors == 1 && out->kicks == 1 && strcmp(out->queues, "output.0") == 0);
	check(in->transfers == 1 && in->dma_bytes == strlen(ok) + FRAME_HEADERS + HDR);
	check(strcmp(x->devices[0].name, "0000:00:01.0") == 0);
	check(strcmp(x->devices[0].iface, "eth0") == 0);
	check(x->devices[0].other_bytes[0] == 0 && x->devices[0].unknown_bytes[0] == 0);
	check(x->result.clear_bytes == strlen(ask) && x->result.tls_bytes == 0);
	check(x->conns[0].app_bytes[FLOW_OUT] == strlen(ask));
	check(x->sums.conserved && x->sums.n >= 6 && x->nunattributed == 0);
	end(&m, x);
}

static void segmented(void)
{
	char body[5000] = "POST /e HTTP/1.1\r\nContent-Length: 4000\r\n\r\n";
	size_t head = strlen(body);
	struct machine m;
	struct line l;
	struct exchanges *x;

	memset(body + head, 'x', 4000);
	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, body, 1460);
	hear(&l, ok);
	x = judge(&m, true);
	check(x->rows[0].half[FLOW_OUT].packets == 3);
	check(x->rows[0].half[FLOW_OUT].bytes[GRADE_NESTED] == head + 4000);
	check(x->rows[0].grade == GRADE_NESTED);
	end(&m, x);
}

static void merged_and_multi_buffer(void)
{
	static char body[10001];
	struct machine m;
	struct line l;
	struct exchanges *x;
	static struct frame f;
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n";
	size_t len;

	strcpy(body, head);
	memset(body + strlen(head), 'x', 9000);
	len = strlen(head) + 9000;
	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	/* three packets merged into one by GRO */
	frame_tcp(&f, FLOW_IN, l.port, 1000 + l.at[1], 1000 + l.at[0], DATA, body, 4000);
	buffer(&m, 1460 + FRAME_HEADERS + HDR);
	buffer(&m, 1460 + FRAME_HEADERS + HDR);
	buffer(&m, 1080 + FRAME_HEADERS + HDR);
	receive(&l, &f);
	/* one packet in two buffers */
	frame_tcp(&f, FLOW_IN, l.port, 1000 + l.at[1] + 4000, 1000 + l.at[0], DATA, body + 4000,
		  (uint32_t)len - 4000);
	buffer(&m, 4096);
	buffer(&m, f.len + HDR - 4096);
	receive(&l, &f);
	x = judge(&m, true);
	check(x->rows[0].end == EXCHANGE_COMPLETE && x->rows[0].grade == GRADE_NESTED);
	check(x->rows[0].half[FLOW_IN].transfers == 5 && x->rows[0].half[FLOW_IN].packets == 2);
	check(x->rows[0].half[FLOW_IN].bytes[GRADE_NESTED] == len);
	check(x->devices[0].event_packets[FLOW_IN] == 5);
	end(&m, x);
}

static void two_programs(void)
{
	struct machine m;
	struct line a, b, child;
	struct exchanges *x;
	struct event *e;
	uint64_t sum;

	begin(&m);
	e = emit(&m, EVENT_FORK, APP);
	e->aux = APP + 1;
	connect_line(&a, &m, 0xcc00, 40000, APP);
	connect_line(&b, &m, 0xdd00, 40001, OTHER);
	connect_line(&child, &m, 0xee00, 40002, APP + 1);
	/* the same sizes, interleaved */
	say(&b, ask, 0);
	say(&a, ask, 0);
	say(&child, ask, 0);
	hear(&child, ok);
	hear(&b, ok);
	hear(&a, ok);
	x = judge(&m, true);
	check(x->nrows == 3);
	for (size_t i = 0; i < 3; i++) {
		check(x->rows[i].grade == GRADE_NESTED);
		check(x->conns[i].program == (x->conns[i].local.port != 40001));
		check(x->conns[i].carried[FLOW_OUT][GRADE_NESTED] == strlen(ask));
	}
	check(x->conns[2].pid == APP + 1);
	check(x->result.clear_bytes == 2 * strlen(ask));
	/* each line: SYN, ACK, request */
	sum = 3 * (FRAME_HEADERS + HDR) + strlen(ask);
	check(x->devices[0].program_bytes[FLOW_OUT] == 2 * sum);
	check(x->devices[0].other_bytes[FLOW_OUT] == sum);
	check(x->sums.conserved);
	end(&m, x);
}

static void retransmitted(void)
{
	struct machine m;
	struct line l;
	struct exchanges *x;

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	l.at[0] -= (uint32_t)strlen(ask);
	send_flags(&l, DATA, ask, (uint32_t)strlen(ask), 0);
	hear(&l, ok);
	x = judge(&m, true);
	check(x->rows[0].half[FLOW_OUT].packets == 2 && x->rows[0].half[FLOW_OUT].transfers == 2);
	check(x->rows[0].half[FLOW_OUT].retransmitted == strlen(ask));
	check(x->rows[0].half[FLOW_OUT].bytes[GRADE_NESTED] == strlen(ask));
	check(x->conns[0].payload[FLOW_OUT] == strlen(ask) && x->sums.conserved);
	end(&m, x);
}

/*
 * A segment joined to another one in a socket's backlog is never received by
 * itself, and its skb is soon used again, for another connection.
 */
static void joined_in_the_backlog(void)
{
	struct machine m;
	struct line a, b;
	struct event again;
	struct exchanges *x;
	uint64_t skb;

	begin(&m);
	connect_line(&a, &m, 0xcc00, 40000, APP);
	connect_line(&b, &m, 0xdd00, 40001, OTHER);
	say(&a, ask, 0);
	say(&b, ask, 0);
	m.no_tcp_probes = true;
	skb = m.next_skb;
	hear(&a, ok);
	m.no_tcp_probes = false;
	m.next_skb = skb;
	hear(&b, ok);
	/* the second of two events about the same segment */
	again = m.events[m.nevents - 1];
	*emit(&m, EVENT_TCP_RX, 0) = again;
	x = judge(&m, true);
	check(x->conns[0].carried[FLOW_IN][GRADE_SIZED] == strlen(ok));
	check(x->conns[1].carried[FLOW_IN][GRADE_NESTED] == strlen(ok));
	check(x->sums.conserved);
	end(&m, x);
}

/* A connection older than the recording: only its packets tell whose the socket is. */
static void older_connections(void)
{
	for (int reported = 0; reported < 2; reported++) {
		struct exchanges *x;
		struct machine m;
		struct line l, other;

		begin(&m);
		m.addresses = reported;
		l = (struct line){ .m = &m, .sock = 0xcc00, .port = 40000, .pid = APP };
		other = (struct line){ .m = &m, .sock = 0xdd00, .port = 40001, .pid = OTHER };
		say(&l, ask, 0);
		say(&other, ask, 0);
		hear(&other, ok);
		hear(&l, ok);
		x = judge(&m, true);
		check(x->nrows == 2);
		check(x->rows[0].grade == (reported ? GRADE_NESTED : GRADE_SIZED));
		check(x->conns[0].program == reported && !x->conns[1].program);
		check(x->conns[0].socket == (reported ? 0xcc00 : 0));
		check(x->conns[1].pid == (reported ? OTHER : 0));
		check(x->program.unseen_bytes == (reported ? 0 : strlen(ask)));
		end(&m, x);
	}
}

static void edge(struct machine *m, unsigned int what)
{
	struct event *e = emit(m, EVENT_MARK, 0);

	e->link = 7;
	e->aux = what;
}

/* A frame of nobody whose transmission the window cuts, at map number cut. */
static void across(struct machine *m, unsigned int what, unsigned int cut, uint32_t size)
{
	struct event *e = emit(m, EVENT_NET_XMIT_START, 0);
	uint64_t skb = e->link = m->next_skb += 256;

	e->dev = m->eth0;
	e->size = size + 90 - HDR;
	for (unsigned int i = 0; i <= 2; i++) {
		if (i == cut)
			edge(m, what);
		if (i < 2)
			map(m, m->net, EVENT_TO_DEVICE, i ? size : 90);
	}
	e = emit(m, EVENT_NET_XMIT, 0);
	e->link = skb;
	e->dev = m->eth0;
	e->size = size + 90 - HDR;
}

/* Packets on their way as the window opens and closes: each byte of its maps is somebody's. */
static void at_the_edges(void)
{
	struct platform *p = platform_new();
	struct exchanges *x;
	struct machine m;
	struct line l;

	p->trace.nonce = 7;
	p->memcpy.bytes = 10;
	p->memcpy.ns = 30;
	for (unsigned int cut = 0; cut <= 2; cut++) {
		begin(&m);
		m.platform = p;
		across(&m, EVENT_MARK_START, cut, 40);
		connect_line(&l, &m, 0xcc00, 40000, APP);
		say(&l, ask, 0);
		across(&m, EVENT_MARK_STOP, cut, 60);
		x = judge(&m, true);
		check(!failed(x, "DMA bytes"));
		check(!failed(x, "packets by the interface's own count"));
		/* copied once on its way out, at the rate that the facts name */
		check(x->rows[0].half[FLOW_OUT].copies == 1);
		check(x->rows[0].half[FLOW_OUT].copy_ns ==
		      3 * x->rows[0].half[FLOW_OUT].copied_bytes);
		end(&m, x);
	}
	platform_free(p);
}

static void without_probes(void)
{
	struct machine m;
	struct line l;
	struct exchanges *x;

	begin(&m);
	m.no_tcp_probes = true;
	m.no_sync = true;
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	hear(&l, ok);
	x = judge(&m, true);
	check(x->rows[0].grade == GRADE_SIZED);
	check(x->rows[0].half[FLOW_IN].bytes[GRADE_SIZED] == strlen(ok));
	check(x->rows[0].half[FLOW_OUT].bytes[GRADE_SIZED] == strlen(ask));
	end(&m, x);

	begin(&m);
	m.no_maps = true;
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	x = judge(&m, true);
	check(x->rows[0].grade == GRADE_NONE && x->rows[0].half[FLOW_OUT].transfers == 0);
	check(x->rows[0].half[FLOW_OUT].bytes[GRADE_NONE] == strlen(ask));
	end(&m, x);

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	x = judge(&m, false);
	check(!x->result.correlated && !x->result.program_known && x->rows[0].grade == GRADE_NONE);
	end(&m, x);
}

/* A packet whose events are missing: its bytes are nobody's, and the sums say so. */
static void lost_events(void)
{
	struct machine m;
	struct line l;
	struct exchanges *x;
	size_t before;

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	before = m.nevents;
	say(&l, ask, 0);
	m.nevents = before;
	hear(&l, ok);
	x = judge(&m, true);
	check(x->nrows == 2 && x->rows[1].grade == GRADE_NONE);
	check(x->rows[1].half[FLOW_OUT].bytes[GRADE_NONE] == strlen(ask));
	check(x->rows[0].grade == GRADE_NESTED);
	check(!x->sums.conserved && failed(x, "payload of the packets"));
	end(&m, x);
}

/* A map that is larger than the packet, and DMA that no packet explains. */
static void more_than_the_packets(void)
{
	struct machine m;
	struct line l;
	struct exchanges *x;

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	map(&m, m.net, EVENT_TO_DEVICE, 3000);
	say(&l, ask, 0);
	x = judge(&m, true);
	check(x->devices[0].unknown_bytes[FLOW_OUT] == 3000);
	check(!failed(x, "DMA bytes") && x->sums.conserved);
	end(&m, x);

	begin(&m);
	connect_line(&l, &m, 0xcc00, 40000, APP);
	say(&l, ask, 0);
	for (size_t i = m.nevents; i-- > 0;) {
		if (m.events[i].kind == EVENT_MAP) {
			m.events[i].size += 100;
			break;
		}
	}
	x = judge(&m, true);
	check(x->rows[0].grade == GRADE_SIZED);
	check(!x->sums.conserved && failed(x, "frames and their virtio-net headers"));
	end(&m, x);
}

int main(void)
{
	one_exchange();
	segmented();
	merged_and_multi_buffer();
	two_programs();
	retransmitted();
	joined_in_the_backlog();
	older_connections();
	without_probes();
	lost_events();
	at_the_edges();
	more_than_the_packets();
	return done();
}
