/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Binding of event formats by field name, and decoding of single records. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "collectors/decode/decode.h"
#include "collectors/decode/format.h"
#include "lib/base/names.h"
#include "lib/evidence/stream.h"
#include "lib/net/flow.h"
#include "tests/unit/test.h"

#define COMMON                                                                         \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"         \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"         \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

#define MAP_FORMAT                                                               \
	"name: dma_map_phys\nID: 314\nformat:\n" COMMON                          \
	"\tfield:__data_loc char[] device;\toffset:8;\tsize:4;\tsigned:0;\n"     \
	"\tfield:u64 phys_addr;\toffset:16;\tsize:8;\tsigned:0;\n"               \
	"\tfield:u64 dma_addr;\toffset:24;\tsize:8;\tsigned:0;\n"                \
	"\tfield:size_t size;\toffset:32;\tsize:8;\tsigned:0;\n"                 \
	"\tfield:enum dma_data_direction dir;\toffset:40;\tsize:4;\tsigned:0;\n" \
	"\tfield:unsigned long attrs;\toffset:48;\tsize:8;\tsigned:0;\n\n"       \
	"print fmt: \"field:u64 size; offset:0; size:1; signed:0;\", REC->size\n"

#define SG_FORMAT                                                                      \
	"name: dma_map_sg\nID: 305\nformat:\n" COMMON                                  \
	"\tfield:__data_loc char[] device;\toffset:8;\tsize:4;\tsigned:0;\n"           \
	"\tfield:int full_nents;\toffset:12;\tsize:4;\tsigned:1;\n"                    \
	"\tfield:int full_ents;\toffset:16;\tsize:4;\tsigned:1;\n"                     \
	"\tfield:bool truncated;\toffset:20;\tsize:1;\tsigned:0;\n"                    \
	"\tfield:__data_loc u64[] phys_addrs;\toffset:24;\tsize:4;\tsigned:0;\n"       \
	"\tfield:__data_loc u64[] dma_addrs;\toffset:28;\tsize:4;\tsigned:0;\n"        \
	"\tfield:__data_loc unsigned int[] lengths;\toffset:32;\tsize:4;\tsigned:0;\n" \
	"\tfield:enum dma_data_direction dir;\toffset:36;\tsize:4;\tsigned:0;\n"       \
	"\tfield:unsigned long attrs;\toffset:40;\tsize:8;\tsigned:0;\n\nprint fmt: \"\"\n"

#define BLK_FORMAT                                                          \
	"name: block_rq_complete\nID: 1221\nformat:\n" COMMON               \
	"\tfield:dev_t dev;\toffset:8;\tsize:4;\tsigned:0;\n"               \
	"\tfield:sector_t sector;\toffset:16;\tsize:8;\tsigned:0;\n"        \
	"\tfield:unsigned int nr_sector;\toffset:24;\tsize:4;\tsigned:0;\n" \
	"\tfield:char rwbs[10];\toffset:34;\tsize:10;\tsigned:0;\n\nprint fmt: \"\"\n"

#define CACHE_FORMAT                                                    \
	"name: mm_filemap_add_to_page_cache\nID: 564\nformat:\n" COMMON \
	"\tfield:u64 i_ino;\toffset:8;\tsize:8;\tsigned:0;\n"           \
	"\tfield:unsigned long pfn;\toffset:16;\tsize:8;\tsigned:0;\n"  \
	"\tfield:dev_t s_dev;\toffset:32;\tsize:4;\tsigned:0;\n"        \
	"\tfield:unsigned char order;\toffset:36;\tsize:1;\tsigned:0;\n\nprint fmt: \"\"\n"

static uint8_t bytes[512];

static void put(size_t off, uint64_t value, size_t size)
{
	memcpy(bytes + off, &value, size);
}

static struct decode_record begin(uint16_t type, uint32_t len)
{
	memset(bytes, 0, sizeof(bytes));
	put(0, type, 2);
	put(4, 77, 4);
	return (struct decode_record){ .data = bytes, .len = len, .cpu = 3, .pid = 77, .ts_ns = 5 };
}

static struct decode_record map_record(void)
{
	struct decode_record r = begin(314, 72);

	put(8, 56 | 13 << 16, 4);
	memcpy(bytes + 56, "0000:00:01.0", 13);
	put(16, 0x4375bb86, 8);
	put(24, 0x72a9c800, 8);
	put(32, 98, 8);
	put(40, EVENT_TO_DEVICE, 4);
	put(48, 0x2020, 8);
	return r;
}

static void test_format(void)
{
	struct decode_format f;
	const struct decode_field *field;

	check(decode_format_parse(&f, MAP_FORMAT, strlen(MAP_FORMAT)));
	check(strcmp(f.name, "dma_map_phys") == 0 && f.id == 314 && f.nfields == 10);
	field = decode_format_field(&f, "size");
	check(field && field->offset == 32 && field->size == 8);
	field = decode_format_field(&f, "device");
	check(field && field->string == DECODE_DATA_LOC && field->entry_size == 1);
	check(!decode_format_field(&f, "siz"));
	decode_format_release(&f);
	check(!decode_format_parse(&f, "ID: 3\n", 6));
	decode_format_release(&f);
	check(!decode_format_parse(&f, "name: x\nID: 99999999999\n", 24));
	decode_format_release(&f);
}

static void test_map(void)
{
	struct names *names = names_new();
	struct decode *d = decode_new(names, 4096);
	struct decode_record r = map_record();
	struct event e[2];

	decode_add(d, "dma", MAP_FORMAT, strlen(MAP_FORMAT));
	decode_add(d, "dma", MAP_FORMAT, strlen(MAP_FORMAT)); /* listed twice: no harm */
	check(decode_record(d, &r, e, 2) == 1);
	check(e[0].kind == EVENT_MAP && e[0].orig == 0x4375bb86 && e[0].dma == 0x72a9c800);
	check(e[0].size == 98 && e[0].dir == EVENT_TO_DEVICE && e[0].attrs == 0x2020);
	check(e[0].pid == 77 && e[0].cpu == 3 && e[0].ts_ns == 5);
	check(strcmp(names_get(names, e[0].dev), "0000:00:01.0") == 0);

	/* a name outside the record, a record too short, a direction that is none */
	put(8, 70 | 13 << 16, 4);
	check(decode_record(d, &r, e, 2) == 1 && e[0].kind == EVENT_UNDECODED);
	check(strcmp(names_get(names, (uint16_t)e[0].aux), "dma:dma_map_phys") == 0);
	r = map_record();
	r.len = 55;
	check(decode_record(d, &r, e, 2) == 1 && e[0].kind == EVENT_UNDECODED);
	r = map_record();
	put(40, 4, 4);
	check(decode_record(d, &r, e, 2) == 1 && e[0].kind == EVENT_UNDECODED);
	decode_free(d);
	names_free(names);
}

/* Two events of one number: whose a record is, nobody can tell. */
static void test_one_number(void)
{
	static const char tick[] = "name: tick\nID: 314\nformat:\n" COMMON "\nprint fmt: \"\"\n";

	for (int first = 0; first < 2; first++) {
		struct names *names = names_new();
		struct decode *d = decode_new(names, 4096);
		struct decode_record r = map_record();
		struct event e;

		if (first)
			decode_add(d, "timer", tick, strlen(tick));
		decode_add(d, "dma", MAP_FORMAT, strlen(MAP_FORMAT));
		if (!first)
			decode_add(d, "timer", tick, strlen(tick));
		check(decode_record(d, &r, &e, 1) == 1 && e.kind == EVENT_UNDECODED);
		decode_free(d);
		names_free(names);
	}
}

/* What cannot be bound or is not known is said, never skipped. */
static void test_undecoded(void)
{
	static const char future[] =
		"name: dma_beam\nID: 400\nformat:\n" COMMON "\nprint fmt: \"\"\n";
	static const char other[] = "name: tick\nID: 401\nformat:\n" COMMON "\nprint fmt: \"\"\n";
	struct names *names = names_new();
	struct decode *d = decode_new(names, 4096);
	struct stream_format *formats;
	char text[sizeof(MAP_FORMAT)];
	struct decode_record r;
	struct event e;
	size_t count;

	strcpy(text, MAP_FORMAT);
	memcpy(strstr(text, "dma_addr"), "dma_xddr", 8);
	decode_add(d, "dma", text, strlen(text));
	decode_add(d, "dma", future, strlen(future));
	decode_add(d, "timer", other, strlen(other));
	r = map_record();
	check(decode_record(d, &r, &e, 1) == 1 && e.kind == EVENT_UNDECODED);
	r = begin(400, 16);
	check(decode_record(d, &r, &e, 1) == 1 && e.kind == EVENT_UNDECODED);
	check(strcmp(names_get(names, (uint16_t)e.aux), "dma:dma_beam") == 0);
	r = begin(401, 16);
	check(decode_record(d, &r, &e, 1) == 0);
	r = begin(402, 16);
	check(decode_record(d, &r, &e, 1) == 1 && e.kind == EVENT_UNDECODED);
	formats = decode_take_formats(d, &count);
	check(count == 3 && !formats[0].decoded && strcmp(formats[0].missing, "dma_addr") == 0);
	check(!formats[1].decoded && !formats[1].missing && !formats[2].decoded);
	for (size_t i = 0; i < count; i++) {
		free(formats[i].system);
		free(formats[i].name);
		free(formats[i].missing);
	}
	free(formats);
	decode_free(d);
	names_free(names);
}

/* Three entries, of which fits says how many are in the lists. */
static struct decode_record sg_record(unsigned int fits)
{
	struct decode_record r = begin(305, 160);

	put(8, 48 | 4 << 16, 4);
	memcpy(bytes + 48, "sda", 4);
	put(12, 3, 4);
	put(16, 3, 4);
	put(24, 56 | (8 * fits) << 16, 4);
	put(28, 88 | (8 * fits) << 16, 4);
	put(32, 120 | (4 * fits) << 16, 4);
	put(36, EVENT_FROM_DEVICE, 4);
	for (unsigned int i = 0; i < fits; i++) {
		put(56 + 8 * i, 0x1000 * (i + 1), 8);
		put(88 + 8 * i, 0xf000 * (i + 1), 8);
		put(120 + 4 * i, 100 + i, 4);
	}
	return r;
}

/* A list that could not be mapped names its buffers only. */
static void test_sg_err(void)
{
	static const char format[] =
		"name: dma_map_sg_err\nID: 304\nformat:\n" COMMON
		"\tfield:__data_loc char[] device;\toffset:8;\tsize:4;\tsigned:0;\n"
		"\tfield:__data_loc u64[] phys_addrs;\toffset:12;\tsize:4;\tsigned:0;\n"
		"\tfield:int err;\toffset:16;\tsize:4;\tsigned:1;\n"
		"\tfield:enum dma_data_direction dir;\toffset:20;\tsize:4;\tsigned:0;\n"
		"\tfield:unsigned long attrs;\toffset:24;\tsize:8;\tsigned:0;\n\n"
		"print fmt: \"\"\n";
	struct names *names = names_new();
	struct decode *d = decode_new(names, 4096);
	struct decode_record r = begin(304, 56);
	struct event e[8];

	put(8, 32 | 4 << 16, 4);
	memcpy(bytes + 32, "sda", 4);
	put(12, 40 | 16 << 16, 4);
	put(16, (uint32_t)-ENOMEM, 4);
	put(20, EVENT_FROM_DEVICE, 4);
	put(40, 0x1000, 8);
	put(48, 0x5000, 8);
	decode_add(d, "dma", format, strlen(format));
	check(decode_record(d, &r, e, 8) == 2 && r.resume == 0);
	for (int i = 0; i < 2; i++) {
		check(e[i].kind == EVENT_MAP_FAILED && e[i].orig == (i ? 0x5000 : 0x1000));
		check(e[i].dma == EVENT_NO_ADDR && e[i].size == 0 && e[i].flags == EVENT_F_SG);
		check(e[i].aux == (uint32_t)-ENOMEM && e[i].dir == EVENT_FROM_DEVICE);
	}
	decode_free(d);
	names_free(names);
}

/* What the mapping of a list returned, in which context: one that failed is reported as a whole. */
static void test_list_failed(void)
{
	static const char format[] =
		"name: list_failed\nID: 1700\nformat:\n" COMMON
		"\tfield:unsigned long __probe_func;\toffset:8;\tsize:8;\tsigned:0;\n"
		"\tfield:unsigned long __probe_ret_ip;\toffset:16;\tsize:8;\tsigned:0;\n"
		"\tfield:__data_loc char[] device;\toffset:24;\tsize:4;\tsigned:1;\n"
		"\tfield:u32 nents;\toffset:28;\tsize:4;\tsigned:0;\n"
		"\tfield:s32 ret;\toffset:32;\tsize:4;\tsigned:1;\n\n"
		"print fmt: \"\"\n";
	struct names *names = names_new();
	struct decode *d = decode_new(names, 4096);
	struct decode_record r = begin(1700, 40);
	struct event e[2];

	put(2, 0x01 | EVENT_CONTEXT_SOFTIRQ | 0x04, 1); /* and others of common_flags */
	put(24, 36 | 4 << 16, 4);
	memcpy(bytes + 36, "sda", 4);
	put(28, 4, 4);
	put(32, (uint32_t)-EIO, 4);
	decode_add(d, "ccaio_77", format, strlen(format));
	check(decode_record(d, &r, e, 2) == 1);
	check(e[0].kind == EVENT_MAP_FAILED && e[0].flags == (EVENT_F_SG | EVENT_F_PROBE));
	check(e[0].aux == 4 && e[0].context == EVENT_CONTEXT_SOFTIRQ && e[0].size == 0);
	check(e[0].orig == EVENT_NO_ADDR && strcmp(names_get(names, e[0].dev), "sda") == 0);
	put(32, 0, 4);
	check(decode_record(d, &r, e, 2) == 1);
	put(32, 4, 4); /* all of them were mapped: dma_map_sg tells it */
	check(decode_record(d, &r, e, 2) == 0);
	decode_free(d);
	names_free(names);
}

static void test_sg(void)
{
	struct names *names = names_new();
	struct decode *d = decode_new(names, 4096);
	struct decode_record r = sg_record(3);
	struct event e[8];

	decode_add(d, "dma", SG_FORMAT, strlen(SG_FORMAT));
	check(decode_record(d, &r, e, 8) == 3 && r.resume == 0);
	check(e[2].kind == EVENT_MAP && e[2].orig == 0x3000 && e[2].dma == 0x2d000);
	check(e[2].size == 102 && e[2].flags == EVENT_F_SG && e[2].dir == EVENT_FROM_DEVICE);

	/* delivered in pieces */
	r = sg_record(3);
	check(decode_record(d, &r, e, 2) == 2 && r.resume == 2 && e[1].orig == 0x2000);
	check(decode_record(d, &r, e, 2) == 1 && r.resume == 0 && e[0].orig == 0x3000);

	/* cut */
	r = sg_record(2);
	check(decode_record(d, &r, e, 8) == 3 && e[0].kind == EVENT_SG_TRUNCATED && e[0].aux == 1);
	check(e[1].kind == EVENT_MAP && e[2].orig == 0x2000);
	r = sg_record(3);
	put(20, 1, 1);
	check(decode_record(d, &r, e, 8) == 4 && e[0].kind == EVENT_SG_TRUNCATED);
	r = sg_record(3);
	put(32, 120 | 8 << 16, 4); /* fewer lengths than addresses */
	check(decode_record(d, &r, e, 8) == 4 && e[0].kind == EVENT_SG_TRUNCATED);

	/* lists that leave the record */
	r = sg_record(3);
	put(28, 150 | 24 << 16, 4);
	check(decode_record(d, &r, e, 8) == 1 && e[0].kind == EVENT_UNDECODED);
	decode_free(d);
	names_free(names);
}

/* What a block request does is in letters. */
static void test_block(void)
{
	static const struct {
		const char *rwbs;
		enum event_blk what;
	} cases[] = {
		{ "R", EVENT_BLK_READ },     { "RAM", EVENT_BLK_READ },	  { "WS", EVENT_BLK_WRITE },
		{ "FWFS", EVENT_BLK_WRITE }, { "DS", EVENT_BLK_DISCARD }, { "FF", EVENT_BLK_FLUSH },
		{ "N", EVENT_BLK_OTHER },    { "", EVENT_BLK_OTHER },
	};
	struct names *names = names_new();
	struct decode *d = decode_new(names, 4096);
	struct decode_record r;
	struct event e[2];

	decode_add(d, "block", BLK_FORMAT, strlen(BLK_FORMAT));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		r = begin(1221, 48);
		put(8, 254 << 20 | 16, 4);
		put(16, 2048, 8);
		put(24, 40, 4);
		memcpy(bytes + 34, cases[i].rwbs, strlen(cases[i].rwbs));
		check(decode_record(d, &r, e, 2) == 1 && e[0].kind == EVENT_BLK_COMPLETE);
		check(e[0].aux == cases[i].what && e[0].size == 20480 && e[0].dma == 2048);
		check(strcmp(names_get(names, e[0].dev), "254:16") == 0);
	}
	decode_free(d);
	names_free(names);
}

#define TCP_FORMAT                                                           \
	"name: tcp_tx\nID: 2000\nformat:\n" COMMON                           \
	"\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n" \
	"\tfield:u64 sk;\toffset:16;\tsize:8;\tsigned:0;\n"                  \
	"\tfield:u64 skb;\toffset:24;\tsize:8;\tsigned:0;\n"                 \
	"\tfield:u32 len;\toffset:32;\tsize:4;\tsigned:0;\n"                 \
	"\tfield:u16 family;\toffset:36;\tsize:2;\tsigned:0;\n"              \
	"\tfield:u16 sport;\toffset:38;\tsize:2;\tsigned:0;\n"               \
	"\tfield:u16 dport;\toffset:40;\tsize:2;\tsigned:0;\n"               \
	"\tfield:u32 saddr;\toffset:42;\tsize:4;\tsigned:0;\n"               \
	"\tfield:u32 daddr;\toffset:46;\tsize:4;\tsigned:0;\n\nprint fmt: \"\"\n"

/* A socket's addresses come as they are in it: but for its own port, in network order. */
static void test_tcp(void)
{
	static const uint8_t from[4] = { 10, 0, 2, 15 }, to[4] = { 10, 0, 2, 2 };
	static const uint8_t port[2] = { 0x1f, 0x98 };
	struct names *names = names_new();
	struct decode *d = decode_new(names, 4096);
	struct decode_record r;
	struct flow_key key;
	struct event e[2];

	decode_add(d, "ccaio_77", TCP_FORMAT, strlen(TCP_FORMAT));
	r = begin(2000, 56);
	put(16, 0xcc00, 8);
	put(24, 0xd0e8, 8);
	put(32, 97, 4);
	put(36, 2, 2);
	put(38, 40000, 2);
	memcpy(bytes + 40, port, 2);
	memcpy(bytes + 42, from, 4);
	memcpy(bytes + 46, to, 4);
	check(decode_record(d, &r, e, 2) == 1 && e[0].kind == EVENT_TCP_TX);
	check(e[0].orig == 0xcc00 && e[0].link == 0xd0e8 && e[0].size == 97);
	check(flow_unpack_tcp(&e[0], &key) && key.local == 0x0a00020f && key.remote == 0x0a000202);
	check(key.local_port == 40000 && key.remote_port == 8088 && key.family == 4);
	put(36, 10, 2); /* these four bytes are no address of an IPv6 socket */
	check(decode_record(d, &r, e, 2) == 1 && !flow_unpack_tcp(&e[0], &key));
	decode_free(d);
	names_free(names);
}

#define RECV_FORMAT                                                 \
	"name: sock_recv_length\nID: 1495\nformat:\n" COMMON        \
	"\tfield:void * sk;\toffset:8;\tsize:8;\tsigned:0;\n"       \
	"\tfield:__u16 family;\toffset:16;\tsize:2;\tsigned:0;\n"   \
	"\tfield:__u16 protocol;\toffset:18;\tsize:2;\tsigned:0;\n" \
	"\tfield:int ret;\toffset:20;\tsize:4;\tsigned:1;\n"        \
	"\tfield:int flags;\toffset:24;\tsize:4;\tsigned:1;\n\nprint fmt: \"\"\n"

/* What a call only looks at it gets once more; a flag does not hide what is sent. */
static void test_calls(void)
{
	static const struct {
		const char *name;
		int flags, ret;
		uint64_t size;
	} cases[] = {
		{ "recv", 0, 100, 100 },	{ "recv", MSG_PEEK, 100, 0 },
		{ "recv", 0, -11, 0 },		{ "recv", MSG_TRUNC, 100, 100 },
		{ "send", MSG_PEEK, 100, 100 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char format[] = RECV_FORMAT, *at = strstr(format, "recv");
		struct names *names = names_new();
		struct decode *d = decode_new(names, 4096);
		struct decode_record r;
		struct event e[2];

		memcpy(at, cases[i].name, 4);
		decode_add(d, "sock", format, strlen(format));
		r = begin(1495, 28);
		put(16, 2, 2);
		put(18, 6, 2);
		put(20, (uint32_t)cases[i].ret, 4);
		put(24, (uint32_t)cases[i].flags, 4);
		check(decode_record(d, &r, e, 2) == 1 && e[0].size == cases[i].size);
		check(e[0].aux == (2u << 16 | 6));
		decode_free(d);
		names_free(names);
	}
}

static void test_page_cache(void)
{
	struct names *names = names_new();
	struct decode *d = decode_new(names, 4096);
	struct decode_record r;
	struct event e[2];

	decode_add(d, "filemap", CACHE_FORMAT, strlen(CACHE_FORMAT));
	r = begin(564, 40);
	put(8, 12, 8);
	put(16, 0x45579, 8);
	put(32, 254 << 20, 4);
	put(36, 2, 1);
	check(decode_record(d, &r, e, 2) == 1 && e[0].kind == EVENT_PAGE_IN);
	check(e[0].orig == 0x45579000 && e[0].size == 16384 && e[0].link == 12);
	check(e[0].aux == 254 << 20);
	put(16, UINT64_MAX, 8); /* no such page */
	check(decode_record(d, &r, e, 2) == 0);
	put(16, 1, 8);
	put(36, 64, 1); /* no such size */
	check(decode_record(d, &r, e, 2) == 0);
	decode_free(d);
	names_free(names);
}

int main(void)
{
	test_block();
	test_page_cache();
	test_tcp();
	test_calls();
	test_format();
	test_map();
	test_undecoded();
	test_one_number();
	test_sg();
	test_sg_err();
	test_list_failed();
	return done();
}
