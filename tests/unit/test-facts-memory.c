/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel's own memory says: a core file and BTF with two structures. */
#include <elf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/facts-fixture.h"

#define BASE UINT64_C(0xffff800080000000) /* of the core file's one segment */

static void put_file(const char *path, const void *data, size_t len)
{
	char *whole = xasprintf("%s/%s", root, path);
	FILE *out = fopen(whole, "we");

	if (!out || fwrite(data, 1, len, out) != len || fclose(out) != 0) {
		printf("Bail out! cannot write %s\n", whole);
		exit(1);
	}
	free(whole);
}

/* struct io_tlb_pool { u64 start, end; }; struct io_tlb_mem { u64 x; pool defpool; u64 nslabs; } */
static void put_btf(void)
{
	static const char strings[] = "\0io_tlb_pool\0start\0end\0io_tlb_mem\0defpool\0nslabs";
	static const uint32_t types[] = {
		0,  1u << 24,	  8,  64,		     /* 1: u64 */
		1,  4u << 24 | 2, 16, 13, 1, 0,	 19, 1, 64,  /* 2: the pool */
		23, 4u << 24 | 2, 32, 34, 2, 64, 42, 1, 192, /* 3: the memory */
	};
	struct {
		uint16_t magic;
		uint8_t version, flags;
		uint32_t hdr_len, type_off, type_len, str_off, str_len;
		uint32_t types[sizeof(types) / 4];
		char strings[sizeof(strings)];
	} image = { 0xeb9f, 1, 0, 24, 0, sizeof(types), sizeof(types), sizeof(strings), { 0 }, "" };

	memcpy(image.types, types, sizeof(types));
	memcpy(image.strings, strings, sizeof(strings));
	put_file("sys/kernel/btf/vmlinux", &image, sizeof(image));
}

struct core {
	Elf64_Ehdr head;
	Elf64_Phdr segments[2];
	uint64_t memory[8]; /* x, start, end, nslabs of the pool; rsi_present; prot_ns_shared */
};

static void put_core(const struct core *core)
{
	put_file("proc/kcore", core, sizeof(*core));
}

static struct core good_core(void)
{
	struct core core = { 0 };

	memcpy(core.head.e_ident, ELFMAG, SELFMAG);
	core.head.e_ident[EI_CLASS] = ELFCLASS64;
	core.head.e_phoff = sizeof(core.head);
	core.head.e_phentsize = sizeof(core.segments[0]);
	core.head.e_phnum = 2;
	core.segments[0] = (Elf64_Phdr){ .p_type = PT_NOTE };
	core.segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
					 .p_vaddr = BASE,
					 .p_memsz = sizeof(core.memory),
					 .p_offset = offsetof(struct core, memory) };
	core.memory[1] = 0x72900000;
	core.memory[2] = 0x7a900000;
	core.memory[3] = 65536;
	core.memory[4] = 1;
	core.memory[5] = UINT64_C(1) << 32;
	return core;
}

/* The log has lost its beginning; the kernel's memory still knows. */
static void test_kernel_memory(void)
{
	struct core core = good_core(), broken;
	struct platform *p;

	fresh_tree();
	change("sed -i 1,4d dev/kmsg && printf '%s\n' 'ffff800080000000 b io_tlb_default_mem' "
	       "'ffff800080000020 d rsi_present' 'ffff800080000028 D prot_ns_shared' "
	       ">>proc/kallsyms && sed -i /swiotlb_tbl/d proc/kallsyms");
	put_btf();
	put_core(&core);
	p = collected();
	check(p->swiotlb.dynamic == TRI_NO); /* its type has no member can_grow */
	check(p->swiotlb.npools == 2 && same(p->swiotlb.pools[0].name, "default"));
	check(p->swiotlb.pools[0].range.start == 0x72900000);
	check(p->swiotlb.pools[0].range.end == 0x7a8fffff);
	check(p->realm.is_realm == TRI_YES);
	check(p->realm.shared_bit == UINT64_C(1) << 32 && p->realm.ipa_bits == 33);
	platform_free(p);

	broken = core;
	broken.memory[3]--; /* slots and bounds disagree */
	broken.memory[4] = 0;
	put_core(&broken);
	p = collected();
	check(p->swiotlb.npools == 1 && p->realm.is_realm == TRI_NO && !p->realm.shared_bit);
	platform_free(p);

	broken = core;
	broken.segments[1].p_memsz = 24; /* ends before nslabs and the others */
	put_core(&broken);
	p = collected();
	check(p->swiotlb.npools == 1 && p->realm.is_realm == TRI_UNKNOWN);
	platform_free(p);

	broken = core;
	broken.head.e_phnum = 60000;
	put_core(&broken);
	p = collected();
	check(p->swiotlb.npools == 1 && p->realm.is_realm == TRI_UNKNOWN);
	platform_free(p);

	/* variables are listed, but none of Realms */
	change("sed -i /rsi_present/d proc/kallsyms");
	p = collected();
	check(p->realm.is_realm == TRI_NO);
	platform_free(p);
}

int main(void)
{
	make_tree();
	test_kernel_memory();
	remove_tree();
	return done();
}
