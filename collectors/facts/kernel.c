/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel's own variables say: /proc/kallsyms tells where a symbol is,
 * /proc/kcore what stands there.  Used where nothing else tells.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/facts/state.h"
#include "collectors/tracefs/btf.h"

#define SLOT_BYTES 2048
#define SEGMENTS_MAX 4096

static const char *const symbol_names[FACTS_SYMBOLS] = {
	[FACTS_SYM_POOL] = "io_tlb_default_mem",   [FACTS_SYM_MAP] = "swiotlb_tbl_map_single",
	[FACTS_SYM_DYNAMIC] = "swiotlb_dyn_alloc", [FACTS_SYM_RSI_PRESENT] = "rsi_present",
	[FACTS_SYM_SHARED_BIT] = "prot_ns_shared",
};

/* "ffffffff8cee35e0 b io_tlb_default_mem"; the compiler may add ".cold", ".isra.0" … */
static void take_symbol(struct facts *facts, const char *line)
{
	const char *name = strchr(line, ' ');

	if (!name || !name[1] || name[2] != ' ')
		return;
	name += 3;
	for (unsigned int i = 0; i < FACTS_SYMBOLS; i++) {
		size_t len = strlen(symbol_names[i]);

		if (strncmp(name, symbol_names[i], len) != 0 || !strchr(".\n", name[len]))
			continue;
		facts->symbols[i].seen = true;
		if (name[len] != '.') /* 0 where addresses are hidden */
			facts->symbols[i].address = strtoull(line, NULL, 16);
	}
}

static void read_symbols(struct facts *facts)
{
	char *path = facts_path(facts, "/proc/kallsyms"), *line = NULL;
	FILE *in = fopen(path, "re");
	size_t cap = 0;

	while (in && getline(&line, &cap, in) > 0)
		take_symbol(facts, line);
	free(line);
	free(path);
	if (in)
		fclose(in);
}

const struct facts_place *facts_find_symbol(struct facts *facts, enum facts_symbol symbol)
{
	if (!facts->symbols_read)
		read_symbols(facts);
	facts->symbols_read = true;
	return &facts->symbols[symbol];
}

/* Kernel memory at a virtual address, through the segments of an ELF core file. */
static bool core_read(int fd, uint64_t address, void *buf, size_t len)
{
	Elf64_Ehdr head;
	Elf64_Phdr seg;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    head.e_phentsize != sizeof(seg) || head.e_phnum > SEGMENTS_MAX ||
	    head.e_phoff > INT64_MAX / 2)
		return false;
	for (unsigned int i = 0; i < head.e_phnum; i++) {
		if (pread(fd, &seg, sizeof(seg), (off_t)(head.e_phoff + i * sizeof(seg))) !=
		    sizeof(seg))
			return false;
		if (seg.p_type != PT_LOAD || address < seg.p_vaddr ||
		    address - seg.p_vaddr >= seg.p_memsz ||
		    len > seg.p_memsz - (address - seg.p_vaddr) ||
		    seg.p_offset > (uint64_t)INT64_MAX - (address - seg.p_vaddr))
			continue;
		if (pread(fd, buf, len, (off_t)(seg.p_offset + (address - seg.p_vaddr))) ==
		    (ssize_t)len)
			return true;
	}
	return false;
}

bool facts_kernel_read(struct facts *facts, enum facts_symbol symbol, size_t offset, void *buf,
		       size_t len)
{
	uint64_t address = facts_find_symbol(facts, symbol)->address;
	char *path;
	bool done;
	int fd;

	if (!address)
		return false;
	path = facts_path(facts, "/proc/kcore");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return false;
	done = core_read(fd, address + offset, buf, len);
	close(fd);
	return done;
}

/* The kernel's types; NULL where they cannot be read.  Loaded once. */
static const struct btf *load_btf(struct facts *facts)
{
	char *path;

	if (!facts->btf_tried) {
		path = facts_path(facts, BTF_KERNEL);
		facts->btf = btf_load(path);
		free(path);
	}
	facts->btf_tried = true;
	return facts->btf;
}

/* The pool of a kernel with CONFIG_SWIOTLB_DYNAMIC knows whether it may grow (Linux 6.6). */
enum tri facts_kernel_grows(struct facts *facts)
{
	enum tri grows = TRI_UNKNOWN;
	const struct btf *btf = load_btf(facts);

	if (btf && btf_offset(btf, "io_tlb_mem", "nslabs") >= 0)
		grows = btf_offset(btf, "io_tlb_mem", "can_grow") >= 0 ? TRI_YES : TRI_NO;
	return grows;
}

/* Where start, end and nslabs are in struct io_tlb_mem (start, end: since 6.6 in its defpool). */
struct layout {
	long start, end, nslabs;
};

static bool read_layout(struct facts *facts, struct layout *at)
{
	const struct btf *btf = load_btf(facts);
	long pool;

	*at = (struct layout){ -1, -1, -1 };
	if (btf) {
		at->nslabs = btf_offset(btf, "io_tlb_mem", "nslabs");
		pool = btf_offset(btf, "io_tlb_mem", "defpool");
		at->start = btf_offset(btf, pool < 0 ? "io_tlb_mem" : "io_tlb_pool", "start");
		at->end = btf_offset(btf, pool < 0 ? "io_tlb_mem" : "io_tlb_pool", "end");
		if (pool > 0 && at->start >= 0 && at->end >= 0) {
			at->start += pool;
			at->end += pool;
		}
	}
	return at->start >= 0 && at->end >= 0 && at->nslabs >= 0;
}

bool facts_kernel_pool(struct facts *facts, struct range *range)
{
	const enum facts_symbol pool = FACTS_SYM_POOL;
	uint64_t start, end, slots;
	struct layout at;

	if (!facts_find_symbol(facts, pool)->address || !read_layout(facts, &at) ||
	    !facts_kernel_read(facts, pool, (size_t)at.start, &start, sizeof(start)) ||
	    !facts_kernel_read(facts, pool, (size_t)at.end, &end, sizeof(end)) ||
	    !facts_kernel_read(facts, pool, (size_t)at.nslabs, &slots, sizeof(slots)))
		return false;
	/* end is the first byte behind; all three must tell the same story */
	if (start == 0 || end <= start || (end - start) % SLOT_BYTES ||
	    (end - start) / SLOT_BYTES != slots)
		return false;
	*range = (struct range){ start, end - 1 };
	return true;
}
