/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own table of symbols, in a core file made here. */
#include "collectors/memory/symbols.h"

#include <elf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/memory/core.h"
#include "lib/base/xalloc.h"
#include "tests/unit/test.h"

#define BASE UINT64_C(0xffff800080000000) /* of the core file's one segment */
#define RELATIVE (BASE - 0x10000)	  /* kallsyms_relative_base */
#define AT(member) (BASE + offsetof(struct memory, member))

/* Addresses, as offsets from BASE; tokens: 'a' to 'z' and the like stand for themselves. */
static const struct {
	const char *name;
	int32_t at;
} symbols[] = {
	{ "T_stext", 0x1000 },
	{ "dvirtio_bus", 0x2000 },
	{ "dvirtio_bus_type", 0x2100 },
	{ "bbus_kset", 0x3000 },
	{ "tswiotlb_dyn_alloc.cold", 0x3100 },
	{ "Dinit_uts_ns", 0x4000 },
};
#define COUNT (sizeof(symbols) / sizeof(symbols[0]))
#define LONG 200 /* tokens of a name whose length takes two bytes */

struct memory {
	uint64_t base;
	uint32_t count, pad;
	uint8_t names[512];
	char text[1024];
	uint16_t index[256];
	int32_t offsets[COUNT + 1];
};

struct image {
	Elf64_Ehdr head;
	Elf64_Phdr segments[2];
	struct {
		Elf64_Nhdr first;
		char first_name[8];
		Elf64_Nhdr head;
		char name[12];
		char text[512];
	} note;
	struct memory memory;
};

enum form { ABOVE, BELOW, OWN_PLACE };

static int32_t offset(enum form form, size_t index, int32_t at)
{
	switch (form) {
	case ABOVE:
		return at + 0x10000;
	case BELOW: /* the base is the last address there is, more or less */
		return -1 - (at + 0x10000);
	default:
		return (int32_t)(at - (int64_t)(offsetof(struct memory, offsets) + 4 * index));
	}
}

/* Two tokens are longer than a letter: 1 is "virtio_", 2 is "Dinit_". */
static size_t put_name(uint8_t *to, const char *name)
{
	size_t n = 1;

	while (*name) {
		if (strncmp(name, "virtio_", 7) == 0) {
			to[n++] = 1;
			name += 7;
		} else if (strncmp(name, "Dinit_", 6) == 0) {
			to[n++] = 2;
			name += 6;
		} else {
			to[n++] = (uint8_t)*name++;
		}
	}
	to[0] = (uint8_t)(n - 1);
	return n;
}

static void put_tokens(struct memory *m)
{
	size_t used = 0;

	for (int i = 0; i < 256; i++) {
		const char letter[2] = { i >= '!' && i <= '~' ? (char)i : '?', '\0' };
		const char *token = i == 1 ? "virtio_" : i == 2 ? "Dinit_" : letter;

		m->index[i] = (uint16_t)used;
		strcpy(m->text + used, token);
		used += strlen(token) + 1;
	}
}

static struct image good(enum form form)
{
	struct image image = { 0 };
	struct memory *m = &image.memory;
	size_t used = 0;

	memcpy(image.head.e_ident, ELFMAG, SELFMAG);
	image.head.e_ident[EI_CLASS] = ELFCLASS64;
	image.head.e_phoff = sizeof(image.head);
	image.head.e_phentsize = sizeof(image.segments[0]);
	image.head.e_phnum = 2;
	image.segments[0] = (Elf64_Phdr){ .p_type = PT_NOTE,
					  .p_offset = offsetof(struct image, note),
					  .p_filesz = sizeof(image.note) };
	image.segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
					  .p_vaddr = BASE,
					  .p_memsz = sizeof(*m),
					  .p_offset = offsetof(struct image, memory) };
	image.note.first = (Elf64_Nhdr){ .n_namesz = 5 };
	memcpy(image.note.first_name, "CORE", 5);
	image.note.head = (Elf64_Nhdr){ .n_namesz = 11, .n_descsz = sizeof(image.note.text) };
	memcpy(image.note.name, "VMCOREINFO", 11);
	snprintf(image.note.text, sizeof(image.note.text),
		 "SYMBOL(init_uts_ns)=%llx\nSYMBOL(_stext)=%llx\nSYMBOL(kallsyms_names)=%llx\n"
		 "SYMBOL(kallsyms_num_syms)=%llx\nSYMBOL(kallsyms_token_table)=%llx\n"
		 "SYMBOL(kallsyms_token_index)=%llx\nSYMBOL(kallsyms_offsets)=%llx\n%s%llx\n",
		 (unsigned long long)BASE + 0x4000, (unsigned long long)BASE + 0x1000,
		 (unsigned long long)AT(names), (unsigned long long)AT(count),
		 (unsigned long long)AT(text), (unsigned long long)AT(index),
		 (unsigned long long)AT(offsets),
		 form == OWN_PLACE ? "NUMBER(x)=" : "SYMBOL(kallsyms_relative_base)=",
		 (unsigned long long)AT(base));
	m->base = RELATIVE;
	m->count = COUNT + 1;
	m->names[used++] = 0x80 | (LONG & 0x7f); /* a long one before all that are looked for */
	m->names[used++] = LONG >> 7;
	memset(m->names + used, 'v', LONG);
	used += LONG;
	for (size_t i = 0; i < COUNT; i++) {
		used += put_name(m->names + used, symbols[i].name);
		m->offsets[i + 1] = offset(form, i + 1, symbols[i].at);
	}
	if (form == BELOW)
		m->base = BASE - 0x10000;
	put_tokens(m);
	return image;
}

/* What is found in it; those that are not asked for stay as they are. */
static bool find(const struct image *image, struct symbol list[5])
{
	static const char *const names[] = { "bus_kset", "virtio_bus", "swiotlb_dyn_alloc",
					     "rsi_present", "virtio_bus_typ" };
	char path[] = "/tmp/ccaio-test-core-XXXXXX";
	int fd = mkstemp(path);
	struct core *core;
	bool ok = false;

	for (size_t i = 0; i < 5; i++)
		list[i] = (struct symbol){ .name = names[i] };
	if (fd < 0 || write(fd, image, sizeof(*image)) != sizeof(*image)) {
		printf("Bail out! cannot write %s\n", path);
		exit(1);
	}
	close(fd);
	core = core_open(path);
	check(core != NULL);
	ok = symbols_find(core, list, 5);
	core_close(core);
	unlink(path);
	return ok;
}

static void test_forms(void)
{
	for (enum form form = ABOVE; form <= OWN_PLACE; form++) {
		struct image image = good(form);
		struct symbol list[5];

		check(find(&image, list));
		check(list[0].seen && list[0].address == BASE + 0x3000);
		check(list[1].seen && list[1].address == BASE + 0x2000);
		check(list[2].seen && list[2].address == 0); /* a part of it */
		check(!list[3].seen && !list[3].address);
		check(!list[4].seen && !list[4].address);
	}
}

static bool refused(const struct image *image)
{
	struct symbol list[5];
	bool ok = find(image, list), as_it_was = true;

	for (size_t i = 0; i < 5; i++)
		as_it_was &= !list[i].seen && !list[i].address;
	return !ok && as_it_was;
}

static void test_damaged(void)
{
	struct image image = good(ABOVE);

	image.memory.offsets[1]++; /* _stext is elsewhere by the note */
	check(refused(&image));
	image = good(ABOVE);
	memcpy(image.note.name, "VMCOREINFI", 10);
	check(refused(&image));
	image = good(ABOVE);
	image.note.head.n_descsz = UINT32_MAX;
	check(refused(&image));
	image = good(ABOVE);
	image.segments[0].p_filesz = UINT64_MAX;
	check(refused(&image));
	image = good(ABOVE);
	image.memory.index[7] = 2000; /* behind the tokens */
	check(refused(&image));
	image = good(ABOVE);
	image.memory.count = 3; /* ends before what the note has */
	check(refused(&image));
	image = good(ABOVE);
	memset(image.memory.names, 0xff, sizeof(image.memory.names));
	check(refused(&image));
	image = good(ABOVE);
	memcpy(strstr(image.note.text, "kallsyms_names"), "kallsyms_namex", 14);
	check(refused(&image));
	image = good(ABOVE);
	image.segments[1].p_memsz = offsetof(struct memory, offsets); /* nothing behind the names */
	check(refused(&image));
}

int main(void)
{
	test_forms();
	test_damaged();
	return done();
}
