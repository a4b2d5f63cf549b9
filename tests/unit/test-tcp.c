/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/evidence/event.h"
#include "lib/net/conn.h"
#include "tests/unit/packets.h"
#include "tests/unit/test.h"

#define ACK FLOW_ACK
#define DATA (FLOW_ACK | 0x08)

/* What came out of a connection: text per direction, '?' for each byte not captured. */
struct seen {
	char text[2][8192];
	size_t len[2];
	int opened, closed, released;
	enum conn_end end;
	bool in_order;
	struct conn last; /* counters when it was closed; its pointers are not used */
};

static void opened(void *ctx, struct conn *conn)
{
	(void)conn;
	((struct seen *)ctx)->opened++;
}

static void data(void *ctx, struct conn *conn, enum flow_dir dir, uint64_t offset, uint64_t ts_ns,
		 const uint8_t *bytes, uint64_t len)
{
	struct seen *s = ctx;

	(void)conn, (void)ts_ns;
	if (offset != s->len[dir])
		s->in_order = false;
	for (uint64_t i = 0; i < len && s->len[dir] < sizeof(s->text[0]) - 1; i++)
		s->text[dir][s->len[dir]++] = bytes ? (char)bytes[i] : '?';
}

static void closed(void *ctx, struct conn *conn, uint64_t ts_ns)
{
	struct seen *s = ctx;

	(void)ts_ns;
	s->closed++;
	s->end = conn->end;
	s->last = *conn;
}

static void released(void *ctx, struct conn *conn)
{
	(void)conn;
	((struct seen *)ctx)->released++;
}

static const struct conn_ops ops = { opened, data, closed, released };

struct talk {
	struct conn_table *table;
	struct seen seen;
	struct frame frame;
	struct conn_segment last;
	uint32_t c, s; /* initial sequence numbers */
};

static void begin(struct talk *t, uint32_t c, uint32_t s)
{
	memset(t, 0, sizeof(*t));
	t->seen.in_order = true;
	t->table = conn_table_new(&ops, &t->seen);
	t->c = c;
	t->s = s;
}

static void send_flags(struct talk *t, enum flow_dir dir, uint32_t at, uint32_t peer, uint8_t flags,
		       const char *text)
{
	struct packet p;
	bool out = dir == FLOW_OUT;

	frame_tcp(&t->frame, dir, 40000, (out ? t->c : t->s) + 1 + at,
		  (out ? t->s : t->c) + 1 + peer, flags, text, (uint32_t)strlen(text));
	p = frame_packet(&t->frame, 1000, dir);
	check(conn_table_packet(t->table, &p, &t->last));
}

static void say(struct talk *t, enum flow_dir dir, uint32_t at, const char *text)
{
	send_flags(t, dir, at, 0, DATA, text);
}

static void handshake(struct talk *t)
{
	send_flags(t, FLOW_OUT, (uint32_t)-1, 0, FLOW_SYN, "");
	send_flags(t, FLOW_IN, (uint32_t)-1, 0, FLOW_SYN | FLOW_ACK, "");
	send_flags(t, FLOW_OUT, 0, 0, ACK, "");
}

static void finish(struct talk *t)
{
	conn_table_free(t->table);
}

static void in_order(uint32_t isn)
{
	struct talk t;

	begin(&t, isn, isn + 77);
	handshake(&t);
	say(&t, FLOW_OUT, 0, "GET /");
	check(t.last.offset == 0 && t.last.fresh_bytes == 5 && t.last.dir == FLOW_OUT);
	say(&t, FLOW_OUT, 5, " HTTP");
	say(&t, FLOW_IN, 0, "200");
	check(strcmp(t.seen.text[FLOW_OUT], "GET / HTTP") == 0);
	check(strcmp(t.seen.text[FLOW_IN], "200") == 0);
	send_flags(&t, FLOW_OUT, 10, 3, FLOW_FIN | ACK, "");
	check(t.seen.closed == 0);
	send_flags(&t, FLOW_IN, 3, 11, FLOW_FIN | ACK, "");
	check(t.seen.closed == 1 && t.seen.end == CONN_FINISHED);
	check(!t.seen.last.server && t.seen.last.from_start && t.seen.opened == 1);
	check(t.seen.last.half[FLOW_OUT].payload == 10 && t.seen.last.half[FLOW_OUT].lost == 0);
	finish(&t);
	check(t.seen.closed == 1 && t.seen.released == 1 && t.seen.in_order);
}

static void reordered_and_repeated(void)
{
	struct talk t;

	begin(&t, 0xfffffff0u, 5);
	handshake(&t);
	say(&t, FLOW_OUT, 10, "klmno");
	check(t.seen.len[FLOW_OUT] == 0);
	say(&t, FLOW_OUT, 20, "uvw");
	say(&t, FLOW_OUT, 0, "abcde");
	check(strcmp(t.seen.text[FLOW_OUT], "abcde") == 0);
	/* overlaps what is there on both sides, and lies about it: the first copy counts */
	say(&t, FLOW_OUT, 3, "XXfghijYY");
	check(t.last.fresh_bytes == 5 && t.last.fresh.start == 5 && t.last.fresh.end == 10);
	check(strcmp(t.seen.text[FLOW_OUT], "abcdefghijklmno") == 0);
	say(&t, FLOW_OUT, 0, "abcde");
	check(t.last.fresh_bytes == 0);
	say(&t, FLOW_OUT, 15, "pqrst");
	check(strlen(t.seen.text[FLOW_OUT]) == 23 && t.seen.in_order);
	finish(&t);
	check(t.seen.last.half[FLOW_OUT].payload == 23);
	check(t.seen.last.half[FLOW_OUT].retransmitted == 9);
	check(t.seen.last.half[FLOW_OUT].lost == 0);
}

static void lost_by_the_capture(void)
{
	struct talk t;

	begin(&t, 100, 200);
	handshake(&t);
	say(&t, FLOW_OUT, 0, "ab");
	say(&t, FLOW_OUT, 5, "fg");
	/* the peer has it all: bytes 2 to 4 will never come */
	send_flags(&t, FLOW_IN, 0, 7, ACK, "");
	check(strcmp(t.seen.text[FLOW_OUT], "ab???fg") == 0);
	check(t.seen.in_order);
	finish(&t);
	check(t.seen.last.half[FLOW_OUT].lost == 3 && t.seen.last.half[FLOW_OUT].payload == 4);
}

static void cut_by_snaplen(void)
{
	struct talk t;
	struct packet p;

	begin(&t, 100, 200);
	handshake(&t);
	frame_tcp(&t.frame, FLOW_OUT, 40000, 101, 201, DATA, "0123456789", 10);
	p = frame_packet(&t.frame, 1000, FLOW_OUT);
	p.cap -= 6;
	check(conn_table_packet(t.table, &p, &t.last));
	check(t.last.segment.payload_len == 10 && t.last.segment.payload_cap == 4);
	say(&t, FLOW_OUT, 10, "ab");
	check(strcmp(t.seen.text[FLOW_OUT], "0123??????ab") == 0);
	finish(&t);
}

static void hostile(void)
{
	struct talk t;

	begin(&t, 100, 200);
	handshake(&t);
	say(&t, FLOW_OUT, 0x30000000, "far");
	check(t.last.strange);
	say(&t, FLOW_OUT, (uint32_t)-20, "before the beginning");
	check(t.last.strange);
	say(&t, FLOW_OUT, 0, "ok");
	check(strcmp(t.seen.text[FLOW_OUT], "ok") == 0);
	/* holes without end: memory stays bounded, everything is delivered in order */
	for (uint32_t i = 0; i < 3000; i++)
		say(&t, FLOW_OUT, 10 + 2 * i, "x");
	check(t.seen.in_order && t.seen.len[FLOW_OUT] > 2);
	finish(&t);
	check(t.seen.in_order && t.seen.last.half[FLOW_OUT].strange == 2);
}

static void endings(void)
{
	struct talk t;

	begin(&t, 100, 200);
	send_flags(&t, FLOW_OUT, (uint32_t)-1, 0, FLOW_SYN, "");
	send_flags(&t, FLOW_IN, (uint32_t)-201, 0, FLOW_RST | ACK, "");
	check(t.seen.closed == 1 && t.seen.end == CONN_REFUSED);
	/* the same ports again: another connection */
	t.c = 9000;
	handshake(&t);
	check(t.seen.opened == 2 && t.last.conn->id == 1);
	say(&t, FLOW_IN, 0, "half an ans");
	send_flags(&t, FLOW_IN, 11, 0, FLOW_RST | ACK, "");
	check(t.seen.closed == 2 && t.seen.end == CONN_RESET);
	/* the client is done, and resets what the server says after that */
	t.c = 20000;
	handshake(&t);
	send_flags(&t, FLOW_OUT, 0, 0, FLOW_FIN | ACK, "");
	say(&t, FLOW_IN, 0, "bye");
	send_flags(&t, FLOW_OUT, 1, 0, FLOW_RST, "");
	check(t.seen.closed == 3 && t.seen.end == CONN_FINISHED);
	say(&t, FLOW_IN, 3, "late");
	check(t.last.strange && t.last.conn->half[FLOW_IN].payload == 3);
	finish(&t);
	check(t.seen.released == 3);
}

static void who_is_local(void)
{
	struct talk t;
	struct packet p;

	begin(&t, 100, 200);
	/* captured in a file that does not tell directions */
	frame_tcp(&t.frame, FLOW_OUT, 40000, 100, 0, FLOW_SYN, "", 0);
	p = frame_packet(&t.frame, 1, FLOW_DIR_UNKNOWN);
	check(conn_table_packet(t.table, &p, &t.last) && t.last.dir == FLOW_OUT);
	frame_tcp(&t.frame, FLOW_IN, 40000, 200, 101, FLOW_SYN | ACK, "", 0);
	p = frame_packet(&t.frame, 2, FLOW_DIR_UNKNOWN);
	check(conn_table_packet(t.table, &p, &t.last) && t.last.dir == FLOW_IN);
	check(t.last.conn->local.port == 40000 && !t.last.conn->server);
	finish(&t);

	begin(&t, 100, 200);
	frame_tcp(&t.frame, FLOW_OUT, 40000, 100, 0, FLOW_SYN, "", 0);
	p = frame_packet(&t.frame, 1, FLOW_IN);
	check(conn_table_packet(t.table, &p, &t.last));
	check(t.last.conn->local.port == 8088 && t.last.conn->server);
	finish(&t);
}

static void many_connections(void)
{
	struct talk t;
	struct packet p;

	begin(&t, 100, 200);
	for (unsigned int i = 0; i < CONN_MAX + 500; i++) {
		frame_tcp(&t.frame, FLOW_OUT, (uint16_t)(1000 + i), 100, 0, FLOW_SYN, "", 0);
		p = frame_packet(&t.frame, i, FLOW_OUT);
		conn_table_packet(t.table, &p, NULL);
	}
	check(t.seen.opened == CONN_MAX + 500 && t.seen.released == 500);
	finish(&t);
	check(t.seen.released == CONN_MAX + 500);
}

/* A connection that lives is not closed for those that have ended meanwhile, however idle it is. */
static void many_ended(void)
{
	static const uint8_t flags[] = { FLOW_SYN, FLOW_RST };
	struct talk t;
	struct packet p;

	begin(&t, 100, 200);
	handshake(&t);
	for (unsigned int i = 0; i < 2 * (CONN_OVER + 100); i++) {
		frame_tcp(&t.frame, FLOW_OUT, (uint16_t)(1000 + i / 2), 100 + i % 2, 0,
			  flags[i % 2], "", 0);
		p = frame_packet(&t.frame, i, FLOW_OUT);
		conn_table_packet(t.table, &p, NULL);
	}
	check(t.seen.opened == CONN_OVER + 101 && t.seen.released == 100);
	say(&t, FLOW_OUT, 0, "still here");
	check(t.last.conn->id == 0 && t.last.conn->from_start && t.last.fresh_bytes == 10);
	finish(&t);
	check(t.seen.released == CONN_OVER + 101);
}

/* What the kernel says of a packet, without its Ethernet header; a VLAN tag may be left in front.
 */
static void cooked(void)
{
	uint8_t data[64] = { 0x81, 0, 0, 0, 0, 0, 1, 2, 0, 1, 4 };
	struct packet p = { 0 };
	uint32_t index = 0;

	data[20] = 0;
	data[21] = 7; /* VLAN 7 */
	data[22] = 0x08;
	data[23] = 0x00;
	data[24] = 0x45;
	check(packet_from_cooked(&p, data, sizeof(data), 1000, true, &index) && index == 0x102);
	check(p.dir == FLOW_OUT && p.ethertype == 0x0800 && p.l3 == data + 24);
	check(p.cap == 40 && p.len == 976 && p.frame == 980 + 14);
	data[0] = 0x86;
	data[1] = 0xdd;
	data[10] = 0;
	check(packet_from_cooked(&p, data, sizeof(data), 64, true, &index) && p.dir == FLOW_IN);
	check(p.ethertype == 0x86dd && p.cap == 44 && p.len == 44 && p.frame == 58);
	check(!packet_from_cooked(&p, data, 19, 19, true, &index));
	data[0] = 0x88;
	data[1] = 0xa8;
	check(!packet_from_cooked(&p, data, 23, 23, true, &index));
}

static void broken_frames(void)
{
	struct frame f;
	struct segment s;
	struct packet p;

	frame_tcp(&f, FLOW_OUT, 1, 2, 3, DATA, "hello", 5);
	for (uint32_t cap = 0; cap < FRAME_HEADERS; cap++) {
		memset(&p, 0, sizeof(p));
		check(!packet_from_ethernet(&p, f.bytes, cap, f.len) || !segment_parse(&s, &p));
	}
	p = frame_packet(&f, 0, FLOW_OUT);
	check(segment_parse(&s, &p) && s.payload_len == 5 && memcmp(s.payload, "hello", 5) == 0);
	put16(f.bytes + 16, 4000); /* says more than the wire had */
	check(!segment_parse(&s, &p));
	put16(f.bytes + 16, 42); /* shorter than the frame: Ethernet padding */
	check(segment_parse(&s, &p) && s.payload_len == 2 && s.payload_cap == 2);
	put16(f.bytes + 16, 0); /* big TCP */
	check(segment_parse(&s, &p) && s.payload_len == 5);
	f.bytes[20] = 0x00, f.bytes[21] = 0x10; /* a later fragment */
	check(!segment_parse(&s, &p));
}

static void vlan_and_ipv6(void)
{
	uint8_t f[14 + 4 + 40 + 8 + 20 + 3] = { 0 };
	struct packet p = { 0 };
	struct segment s;
	char text[FLOW_TEXT];

	put16(f + 12, 0x8100);
	put16(f + 16, 0x86dd);
	f[18] = 0x60;
	put16(f + 22, 8 + 20 + 3);
	f[24] = 60; /* destination options, then TCP */
	f[26] = 0xfe, f[27] = 0x80, f[41] = 1;
	f[57] = 2;
	f[58] = 6;
	put16(f + 66, 443);
	f[66 + 12] = 0x50;
	memcpy(f + 86, "abc", 3);
	check(packet_from_ethernet(&p, f, sizeof(f), sizeof(f)) && p.ethertype == 0x86dd);
	check(segment_parse(&s, &p) && s.payload_len == 3 && memcmp(s.payload, "abc", 3) == 0);
	check(strcmp(flow_addr_text(&s.src, text), "[fe80::1]:443") == 0);
}

static void sock_events(void)
{
	static const uint8_t v4[2][4] = { { 10, 0, 2, 15 }, { 10, 0, 2, 2 } };
	uint8_t mapped[2][16] = { { [10] = 0xff, [11] = 0xff, 10, 0, 2, 15 },
				  { [10] = 0xff, [11] = 0xff, 10, 0, 2, 2 } };
	uint8_t six[2][16] = { { 0xfe, 0x80, [15] = 1 }, { 0xfe, 0x80, [15] = 2 } };
	struct flow_addr local = { { 10, 0, 2, 15 }, 40000, 4 },
			 remote = { { 10, 0, 2, 2 }, 8088, 4 };
	struct flow_key want, key;
	struct event e = { 0 };
	unsigned int from, to;

	flow_key_make(&want, &local, &remote);
	flow_pack_sock(&e, AF_INET, v4[0], v4[1], mapped[0], mapped[1], 40000, 8088, FLOW_CLOSE,
		       FLOW_SYN_SENT);
	flow_unpack_sock(&e, &key, &from, &to);
	check(flow_key_equal(&key, &want) && from == FLOW_CLOSE && to == FLOW_SYN_SENT);
	flow_pack_sock(&e, AF_INET6, v4[0], v4[1], mapped[0], mapped[1], 40000, 8088, 1, 2);
	flow_unpack_sock(&e, &key, &from, &to);
	check(flow_key_equal(&key, &want));
	flow_pack_sock(&e, AF_INET6, v4[0], v4[1], six[0], six[1], 40000, 8088, 1, 2);
	flow_unpack_sock(&e, &key, &from, &to);
	check(!flow_key_equal(&key, &want) && key.family == 6);
	local = (struct flow_addr){ { 0xfe, 0x80, [15] = 1 }, 40000, 6 };
	remote = (struct flow_addr){ { 0xfe, 0x80, [15] = 2 }, 8088, 6 };
	flow_key_make(&want, &local, &remote);
	check(flow_key_equal(&key, &want));
}

static void extents(void)
{
	struct extents e = { 0 };
	struct extent fresh;

	check(extents_add(&e, 10, 20, &fresh) == 10 && fresh.start == 10 && fresh.end == 20);
	check(extents_add(&e, 30, 40, NULL) == 10 && e.count == 2);
	check(extents_add(&e, 15, 35, &fresh) == 10 && fresh.start == 20 && fresh.end == 30);
	check(e.count == 1 && extents_overlap(&e, 0, 100) == 30);
	check(extents_add(&e, 12, 13, NULL) == 0 && extents_add(&e, 5, 5, NULL) == 0);
	for (uint64_t i = 0; i < 2 * EXTENTS_MAX; i++)
		extents_add(&e, 100 + 4 * i, 102 + 4 * i, NULL);
	check(e.count == EXTENTS_MAX && e.forgotten > 0);
	extents_release(&e);
}

/* A fragment is of what the packet says that it is a part of. */
static void fragments(void)
{
	uint8_t ip[48] = { 0x60 };
	struct packet p = { .ethertype = 0x86dd, .l3 = ip, .cap = 48, .len = 48 };
	struct segment seg;

	ip[5] = 8;
	ip[6] = 44;
	ip[40] = 6;
	check(!segment_parse(&seg, &p) && packet_kind(&p) == packet_unreadable_tcp);
	ip[40] = 17;
	check(strcmp(packet_kind(&p), "UDP") == 0);
	p.cap = 47;
	check(packet_kind(&p) != packet_unreadable_tcp);
}

/* What a machine says to its own link: only with the hop limits that keep it there. */
static void housekeeping(void)
{
	static const struct {
		uint16_t ethertype;
		uint8_t protocol, hops, type; /* type: of ICMPv6 */
		const char *kind;
		bool quiet;
	} rows[] = {
		{ 0x0806, 0, 0, 0, "ARP", true },
		{ 0x0800, 2, 1, 0, "IGMP", true },
		{ 0x0800, 2, 64, 0, "IP, but neither TCP, UDP nor ICMP", false },
		{ 0x0800, 1, 64, 8, "ICMP", false },
		{ 0x86dd, 58, 255, 133, "ICMPv6 neighbour discovery", true },
		{ 0x86dd, 58, 254, 133, "ICMPv6", false },
		{ 0x86dd, 58, 1, 143, "ICMPv6 multicast listener reports", true },
		{ 0x86dd, 58, 64, 128, "ICMPv6", false },
		{ 0x88cc, 0, 0, 0, "neither IP nor ARP", false },
	};
	uint8_t ip[64];
	struct packet p = { .l3 = ip, .cap = sizeof(ip), .len = sizeof(ip) };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool six = rows[i].ethertype == 0x86dd;

		memset(ip, 0, sizeof(ip));
		p.ethertype = rows[i].ethertype;
		ip[0] = six ? 0x60 : 0x45;
		ip[six ? 6 : 9] = rows[i].protocol;
		ip[six ? 7 : 8] = rows[i].hops;
		ip[six ? 40 : 20] = rows[i].type;
		check(strcmp(packet_kind(&p), rows[i].kind) == 0);
		check(packet_is_housekeeping(rows[i].kind) == rows[i].quiet);
	}
	/* listener reports stand behind a hop-by-hop header */
	memset(ip, 0, sizeof(ip));
	p.ethertype = 0x86dd;
	ip[0] = 0x60;
	ip[7] = 1;
	ip[40] = 58;
	ip[48] = 143;
	check(strcmp(packet_kind(&p), "ICMPv6 multicast listener reports") == 0);
	/* DHCP by both its ports */
	memset(ip, 0, sizeof(ip));
	p.ethertype = 0x0800;
	ip[0] = 0x45;
	ip[9] = 17;
	ip[21] = 68;
	ip[23] = 67;
	check(strcmp(packet_kind(&p), "DHCP") == 0);
	ip[23] = 53;
	check(strcmp(packet_kind(&p), "UDP") == 0);
	p.cap = 22;
	check(strcmp(packet_kind(&p), "UDP") == 0);
}

int main(void)
{
	housekeeping();
	in_order(1);
	in_order(0xfffffffa); /* sequence numbers wrap */
	reordered_and_repeated();
	lost_by_the_capture();
	cut_by_snaplen();
	hostile();
	endings();
	who_is_local();
	many_connections();
	many_ended();
	cooked();
	broken_frames();
	vlan_and_ipv6();
	fragments();
	sock_events();
	extents();
	return done();
}
