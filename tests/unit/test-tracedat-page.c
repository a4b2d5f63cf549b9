/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ring-buffer pages of every shape, against libtraceevent's kbuffer, and malformed ones.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <traceevent/event-parse.h>
#include <traceevent/kbuffer.h>

#include "collectors/decode/decode.h"
#include "collectors/tracedat/page.h"
#include "lib/base/err.h"
#include "tests/unit/test.h"

#define MAX_PAGE 65536

enum { PADDING = 29, TIME_EXTEND, TIME_STAMP };

/* A page being put together, and the buffer that it is the only page of. */
struct page {
	uint8_t bytes[MAX_PAGE];
	size_t used;
	uint64_t flags; /* of the commit word */
	uint32_t size, long_size;
};

static void word(struct page *page, uint32_t value)
{
	memcpy(page->bytes + page->used, &value, 4);
	page->used += 4;
}

static struct page begin(uint32_t size, uint32_t long_size, uint64_t time)
{
	struct page page = { .size = size, .long_size = long_size, .used = 8 + long_size };

	memcpy(page.bytes, &time, 8);
	return page;
}

/* A record of len bytes of data, which are its number and then zeroes. */
static void record(struct page *page, uint32_t delta, uint32_t len, uint64_t number)
{
	if (len <= 112) {
		word(page, len / 4 | delta << 5);
	} else {
		word(page, delta << 5);
		word(page, len + 4);
	}
	memcpy(page->bytes + page->used, &number, 8);
	page->used += len;
}

static void special(struct page *page, uint32_t type, uint64_t value)
{
	word(page, type | (uint32_t)value << 5);
	word(page, (uint32_t)(value >> 27));
}

static void discarded(struct page *page, uint32_t delta, uint32_t len)
{
	word(page, PADDING | delta << 5);
	word(page, len + 4);
	page->used += len;
}

static void finish(struct page *page)
{
	uint64_t commit = (page->used - 8 - page->long_size) | page->flags;

	memcpy(page->bytes + 8, &commit, page->long_size);
}

static struct tracedat_file file;
static struct tracedat_buffer buffer = { .name = (char *)"" };
static struct tracedat_data data;
static struct tracedat_room room = { TRACEDAT_ROOM };

static struct tracedat_cpu open_page(const struct page *page)
{
	struct tracedat_cpu cpu;

	file = (struct tracedat_file){
		.fd = memfd_create("page", MFD_CLOEXEC),
		.path = (char *)"a.dat",
		.size = page->size,
		.layout = { 0, 8, page->long_size, 8 + page->long_size,
			    page->size - 8 - page->long_size },
	};
	buffer.page_size = page->size;
	data = (struct tracedat_data){ .cpu = 2, .size = page->size };
	check(write(file.fd, page->bytes, page->size) == (ssize_t)page->size);
	tracedat_cpu_init(&cpu, &file, &buffer, &data, 1, &room, NULL);
	return cpu;
}

static void close_page(struct tracedat_cpu *cpu)
{
	tracedat_cpu_release(cpu);
	room.left = TRACEDAT_ROOM;
	close(file.fd);
}

/* Both readers must see the same records; returns how many. */
static int agree(struct page *page)
{
	struct kbuffer *kbuf = kbuffer_alloc(
		page->long_size == 8 ? KBUFFER_LSIZE_8 : KBUFFER_LSIZE_4, KBUFFER_ENDIAN_LITTLE);
	unsigned long long ts;
	struct tracedat_cpu cpu;
	struct err err = { "" };
	int count = 0, rc;
	void *theirs;

	finish(page);
	cpu = open_page(page);
	kbuffer_load_subbuffer(kbuf, page->bytes);
	for (theirs = kbuffer_read_event(kbuf, &ts); theirs;
	     theirs = kbuffer_next_event(kbuf, &ts)) {
		rc = tracedat_cpu_next(&cpu, &err);
		check(rc == 1 && cpu.data);
		if (rc != 1)
			break;
		check(cpu.ts_ns == ts);
		check(cpu.len == (uint32_t)kbuffer_event_size(kbuf));
		check(memcmp(cpu.data, theirs, cpu.len) == 0);
		count++;
	}
	check(tracedat_cpu_next(&cpu, &err) == 0);
	close_page(&cpu);
	kbuffer_free(kbuf);
	return count;
}

static void test_shapes(uint32_t size, uint32_t long_size)
{
	uint64_t high = UINT64_C(0x0800000000000000); /* a time beyond 59 bits */
	struct page page = begin(size, long_size, 1000);

	record(&page, 0, 8, 1);
	record(&page, 5, 112, 2);	      /* the longest short one */
	record(&page, (1 << 27) - 1, 116, 3); /* the shortest long one, the longest delta */
	record(&page, 1, 3000, 4);
	special(&page, TIME_EXTEND, UINT64_C(1) << 40 | 12345);
	record(&page, 2, 16, 5);
	discarded(&page, 77, 24);
	record(&page, 3, 16, 6);
	special(&page, TIME_STAMP, UINT64_C(1) << 50 | 999);
	record(&page, 0, 16, 7);
	check(agree(&page) == 7);

	page = begin(size, long_size, high | 5);
	record(&page, 1, 8, 1);
	special(&page, TIME_STAMP, 700);
	record(&page, 1, 8, 2);
	check(agree(&page) == 2);

	page = begin(size, long_size, 1);
	check(agree(&page) == 0);
}

/* A page as full as pages get, with sub-buffers larger than a page of the machine. */
static void test_full(void)
{
	struct page page = begin(MAX_PAGE, 8, 1);

	while (page.used + 20 <= page.size)
		record(&page, 3, 16, page.used);
	check(agree(&page) == (MAX_PAGE - 16) / 20);
}

/* The kernel's own check of its pages says that a delta of 1 on a discarded event is none. */
static void test_discarded(void)
{
	struct page page = begin(4096, 8, 1000);
	struct tracedat_cpu cpu;

	record(&page, 0, 8, 1);
	discarded(&page, 1, 24);
	record(&page, 4, 8, 2);
	finish(&page);
	cpu = open_page(&page);
	check(tracedat_cpu_next(&cpu, NULL) == 1 && cpu.ts_ns == 1000);
	check(tracedat_cpu_next(&cpu, NULL) == 1 && cpu.ts_ns == 1004);
	check(tracedat_cpu_next(&cpu, NULL) == 0);
	close_page(&cpu);
}

/* Padding without length: the rest of the page is empty. */
static void test_rest_empty(void)
{
	struct page page = begin(4096, 8, 1000);
	struct tracedat_cpu cpu;

	record(&page, 0, 8, 1);
	word(&page, PADDING);
	page.used += 40;
	finish(&page);
	cpu = open_page(&page);
	check(tracedat_cpu_next(&cpu, NULL) == 1);
	check(tracedat_cpu_next(&cpu, NULL) == 0);
	close_page(&cpu);
}

/* The commit word with its flags comes sign-extended; the number may or may not be there. */
static void test_lost(uint32_t long_size)
{
	struct page page = begin(4096, long_size, 1000);
	struct tracedat_cpu cpu;
	uint64_t lost = 268;

	record(&page, 0, 8, 1);
	page.flags = UINT64_C(0xffffffffc0000000);
	finish(&page);
	memcpy(page.bytes + page.used, &lost, long_size);
	cpu = open_page(&page);
	check(tracedat_cpu_next(&cpu, NULL) == 1 && !cpu.data && cpu.lost == 268 &&
	      cpu.ts_ns == 1000);
	check(tracedat_cpu_next(&cpu, NULL) == 1 && cpu.data);
	check(tracedat_cpu_next(&cpu, NULL) == 0);
	close_page(&cpu);

	page.flags = UINT64_C(0xffffffff80000000);
	finish(&page);
	cpu = open_page(&page);
	check(tracedat_cpu_next(&cpu, NULL) == 1 && !cpu.data && cpu.lost == 0);
	check(tracedat_cpu_next(&cpu, NULL) == 1 && cpu.data);
	close_page(&cpu);
}

static void refused(struct page *page, const char *sentence)
{
	struct err err = { "" };
	struct tracedat_cpu cpu = open_page(page);
	int rc;

	while ((rc = tracedat_cpu_next(&cpu, &err)) > 0)
		;
	check(rc == -EBADMSG);
	check(strcmp(err.text, sentence) == 0);
	if (strcmp(err.text, sentence) != 0)
		printf("# %s\n", err.text);
	close_page(&cpu);
}

/* Malformed pages are named by file, CPU and offset. */
static void test_malformed(void)
{
#define AT(what, offset) \
	"a.dat: CPU 2: " what " at offset " offset " of the file; the file is damaged"
	struct page page = begin(4096, 8, 1);

	finish(&page);
	page.bytes[9] = 0xff; /* longer than the page */
	refused(&page, AT("a page with an impossible length", "0"));

	page = begin(4096, 8, 1);
	record(&page, 0, 8, 1);
	record(&page, 0, 24, 1);
	page.used -= 4; /* the last record sticks out */
	finish(&page);
	refused(&page, AT("a record with an impossible length", "28"));

	page = begin(4096, 8, 1);
	record(&page, 0, 8, 1);
	word(&page, TIME_EXTEND | 1 << 5); /* its other half is missing */
	finish(&page);
	refused(&page, AT("a record that is cut short", "28"));

	page = begin(4096, 8, 1);
	word(&page, 0); /* a long record … */
	word(&page, 3); /* … shorter than its own length word */
	word(&page, 0);
	finish(&page);
	refused(&page, AT("a record with an impossible length", "16"));

	page = begin(4096, 8, 1);
	word(&page, 0);
	word(&page, 0xffffffff);
	finish(&page);
	refused(&page, AT("a record with an impossible length", "16"));

	page = begin(4096, 8, 1);
	word(&page, PADDING | 9 << 5);
	word(&page, 0xfffffffc);
	finish(&page);
	refused(&page, AT("a record with an impossible length", "16"));

	page = begin(4096, 8, 1);
	record(&page, 0, 8, 1);
	page.used += 3;
	finish(&page);
	refused(&page, AT("a record that is cut short", "28"));

	page = begin(4096, 8, 1);
	page.flags = 0xc0000000; /* no room for the number that it promises */
	page.used = 4092;
	finish(&page);
	refused(&page, AT("a page with an impossible length", "0"));
#undef AT
}

/* Many CPUs with large pieces cannot take all memory. */
static void test_room(void)
{
	struct page page = begin(16384, 8, 1);
	struct err err = { "" };
	struct tracedat_cpu cpu;

	record(&page, 0, 8, 1);
	finish(&page);
	cpu = open_page(&page);
	room.left = 16383;
	check(tracedat_cpu_next(&cpu, &err) == -EBADMSG && room.left == 16383);
	check(strcmp(err.text, "a.dat cannot be unpacked in 256 MiB; the file is damaged") == 0);
	room.left = 16384;
	check(tracedat_cpu_next(&cpu, &err) == 1 && room.left == 0);
	close_page(&cpu);
}

int main(void)
{
	test_shapes(4096, 8);
	test_shapes(4096, 4);
	test_shapes(16384, 8);
	test_full();
	test_discarded();
	test_rest_empty();
	test_lost(8);
	test_lost(4);
	test_malformed();
	test_room();
	return done();
}
