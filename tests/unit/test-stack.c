/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who made the mapping: when the kernel is asked, how its answer is read, and whose it is. */
#include <stdlib.h>
#include <string.h>

#include "collectors/decode/decode.h"
#include "collectors/decode/stack.h"
#include "collectors/tracefs/stacks.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"
#include "tests/unit/test.h"

#define STACK_FORMAT                                                                   \
	"name: kernel_stack\nID: 4\nformat:\n"                                         \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"         \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"         \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"                   \
	"\tfield:int size;\toffset:8;\tsize:4;\tsigned:1;\n"

static const char kallsyms[] = "ffff800080010000 T vring_map_one_sg\n"
			       "ffff800080020000 t virtqueue_add_sgs\t[virtio_ring]\n"
			       "not a line\n";

static void test_text(void)
{
	struct decode_symbols *s = decode_symbols_new(kallsyms, strlen(kallsyms));
	const uint64_t callers[] = { 0xffff800080010010, 0xffff800080020034, 0x1000, UINT64_MAX,
				     0xffff800080010000 };
	char text[256];

	decode_stack_text(s, (const uint8_t *)callers, sizeof(callers), text, sizeof(text));
	check(strcmp(text, "vring_map_one_sg+0x10\nvirtqueue_add_sgs+0x34 [virtio_ring]\n0x1000") ==
	      0);
	check(decode_stack_text(NULL, (const uint8_t *)callers, 8, text, sizeof(text)) == 18);
	check(decode_stack_text(s, (const uint8_t *)callers, 16, text, 30) == 21);
	check(decode_stack_text(s, (const uint8_t *)callers, 7, text, sizeof(text)) == 0);
	decode_symbols_free(s);
	s = decode_symbols_new("", 0);
	decode_symbols_free(s);
}

/* A record of three frames, where the format says eight, or does not say how many. */
static void test_record(const char *caller)
{
	struct {
		uint16_t type;
		uint8_t flags, count;
		int32_t pid, size, pad;
		uint64_t callers[3];
		uint64_t slack;
	} raw = { 4, 0, 0, 77, 2, 0, { 0xffff800080020034, 0xffff800080010010, 99 }, 0 };
	struct names *table = names_new();
	struct decode *d = decode_new(table, 4096);
	char *format = xasprintf("%s%s", STACK_FORMAT, caller);
	struct decode_record record = { .data = (const uint8_t *)&raw,
					.len = sizeof(raw) - sizeof(raw.slack),
					.cpu = 1,
					.pid = 77 };
	struct event ev;

	decode_add(d, "ftrace", format, strlen(format));
	decode_set_symbols(d, kallsyms, strlen(kallsyms));
	check(decode_record(d, &record, &ev, 1) == 1);
	check(ev.kind == EVENT_STACK && ev.cpu == 1 && ev.size == 0);
	check(strcmp(names_get(table, ev.aux),
		     "virtqueue_add_sgs+0x34 [virtio_ring]\nvring_map_one_sg+0x10") == 0);
	for (int i = 0; i < DECODE_STACKS + 10; i++)
		check(decode_record(d, &record, &ev, 1) == (i < DECODE_STACKS - 1));
	free(format);
	decode_free(d);
	names_free(table);
}

/* A stack of another form is as good as none: nothing is undecoded by it. */
static void test_unknown_form(void)
{
	struct names *table = names_new();
	struct decode *d = decode_new(table, 4096);
	uint64_t raw[8] = { 4 };
	struct decode_record record = { .data = (const uint8_t *)raw, .len = 48 };
	struct event ev;

	decode_add(d, "ftrace", STACK_FORMAT, strlen(STACK_FORMAT));
	check(decode_record(d, &record, &ev, 1) == 0);
	decode_free(d);
	names_free(table);
}

static void test_condition(void)
{
	struct platform_pool pools[] = { { "default", { 0x72900000, 0x7a8fffff }, false },
					 { "more", { 0x1000, 0x1fff }, false } };
	struct platform_pci pci = { .name = "0000:00:01.0" };
	struct platform p = { .swiotlb = { .pools = pools, .npools = 2, .slots = 65536 } };
	char *text;

	p.realm.is_realm = TRI_NO;
	text = stacks_condition(&p, STACKS_MAP);
	check(text && strcmp(text, "(dma_addr < 0x72900000 || dma_addr > 0x7a8fffff) && "
				   "(dma_addr < 0x1000 || dma_addr > 0x1fff) && "
				   "dma_addr != 0xffffffffffffffff") == 0);
	free(text);
	check(!stacks_condition(&p, STACKS_ALLOC) && !stacks_condition(NULL, STACKS_MAP));
	p.realm.is_realm = TRI_YES;
	p.realm.shared_bit = 0x100000000;
	p.swiotlb.npools = 1;
	text = stacks_condition(&p, STACKS_MAP);
	check(text && strncmp(text, "(dma_addr < 0x172900000 || dma_addr > 0x17a8fffff)", 50) == 0);
	free(text);
	text = stacks_condition(&p, STACKS_ALLOC);
	check(text && strcmp(text, "dma_addr < 0x100000000") == 0);
	free(text);
	check(!stacks_condition(&p, STACKS_LIST));
	/* plain addresses in a Realm, or addresses of an IOMMU, show nothing */
	p.realm.shared_bit = 0;
	check(!stacks_condition(&p, STACKS_MAP) && !stacks_condition(&p, STACKS_ALLOC));
	p.realm.is_realm = TRI_NO;
	p.pci = &pci;
	p.npci = 1;
	pci.iommu_group = "3";
	check(!stacks_condition(&p, STACKS_MAP));
	pci.iommu_type = "identity";
	text = stacks_condition(&p, STACKS_MAP);
	check(text != NULL);
	free(text);
	/* a machine without any pool bounces nothing */
	p.swiotlb.npools = 0;
	check(!stacks_condition(&p, STACKS_MAP));
	p.swiotlb.slots = PLATFORM_UNKNOWN;
	check(!stacks_condition(&p, STACKS_MAP));
	p.swiotlb.force = TRI_NO; /* swiotlb=noforce */
	text = stacks_condition(&p, STACKS_MAP);
	check(text != NULL);
	free(text);
	p.swiotlb.slots = 0;
	text = stacks_condition(&p, STACKS_MAP);
	check(text && strcmp(text, "dma_addr != 0xffffffffffffffff") == 0);
	free(text);
	text = stacks_condition(&p, STACKS_LIST);
	check(text && strcmp(text, "dir >= 0") == 0);
	free(text);
}

int main(void)
{
	test_text();
	test_record("\tfield:unsigned long caller[];\toffset:16;\tsize:0;\tsigned:0;\n");
	test_record("\tfield:unsigned long caller[8];\toffset:16;\tsize:64;\tsigned:0;\n");
	test_unknown_form();
	test_condition();
	return done();
}
