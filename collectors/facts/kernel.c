/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel's own variables say: its table of symbols, or /proc/kallsyms, tells where a
 * symbol is, /proc/kcore what stands there.  Used where nothing else tells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/facts/state.h"
#include "collectors/kernel/btf.h"
#include "collectors/kernel/kept.h"
#include "collectors/memory/core.h"
#include "collectors/memory/memory.h"
#include "collectors/memory/symbols.h"
#include "collectors/tracefs/state.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/snapshot.h"

#define SLOT_BYTES 2048

static const char *const symbol_names[FACTS_SYMBOLS] = {
	[FACTS_SYM_POOL] = "io_tlb_default_mem",   [FACTS_SYM_MAP] = "swiotlb_tbl_map_single",
	[FACTS_SYM_DYNAMIC] = "swiotlb_dyn_alloc", [FACTS_SYM_RSI_PRESENT] = "rsi_present",
	[FACTS_SYM_SHARED_BIT] = "prot_ns_shared", [FACTS_SYM_BUSES] = "bus_kset",
	[FACTS_SYM_VIRTIO] = "virtio_bus",	   [FACTS_SYM_TABLE_ARM] = "swapper_pg_dir",
	[FACTS_SYM_TABLE_X86] = "init_top_pgt",	   [FACTS_SYM_CC_MASK] = "cc_mask",
	[FACTS_SYM_SME_MASK] = "sme_me_mask",	   [FACTS_SYM_PKVM_GUEST] = "pkvm_guest",
};

/*
 * "ffffffff8cee35e0 b io_tlb_default_mem", with "\t[module]" for one of a module's; the compiler
 * may add ".cold", ".isra.0" …
 */
static void take_symbol(struct facts *facts, const char *line)
{
	const char *name = strchr(line, ' ');

	if (!name || !name[1] || name[2] != ' ')
		return;
	name += 3;
	for (unsigned int i = 0; i < FACTS_SYMBOLS; i++) {
		size_t len = strlen(symbol_names[i]);

		if (strncmp(name, symbol_names[i], len) != 0 || !strchr(".\t\n", name[len]))
			continue;
		facts->symbols[i].seen = true;
		if (name[len] != '.') /* 0 where addresses are hidden */
			facts->symbols[i].address = strtoull(line, NULL, 16);
	}
}

static const struct core *open_core(struct facts *facts)
{
	char *path;

	if (!facts->core && !facts->core_tried) {
		path = facts_path(facts, "/proc/kcore");
		facts->core = core_open(path);
		facts->core_tried = true;
		free(path);
	}
	return facts->core;
}

static void read_lines(struct facts *facts)
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

/* The key under which a symbol is kept: "at/NAME"; "seen/NAME", as struct symbol says. */
static bool get_symbol(const struct kept *kept, const char *what, const char *name, uint64_t *value)
{
	char *key = xasprintf("%s/%s", what, name);
	bool has = kept_get(kept, key, value);

	free(key);
	return has;
}

static void put_symbol(struct kept *kept, const char *what, const char *name, uint64_t value)
{
	char *key = xasprintf("%s/%s", what, name);

	kept_put(kept, key, value);
	free(key);
}

/* What earlier runs of this boot found out; where the kernel begins is kept, too, as a check. */
static struct kept *open_kept(struct facts *facts)
{
	uint64_t begins, begun;
	char *boot_id;

	if (facts->kept || facts->root[0] || !symbols_first(open_core(facts), &begins))
		return facts->kept;
	boot_id = facts_attr(facts, "/proc/sys/kernel/random/boot_id");
	facts->kept = kept_open(STATE_DIR "/" KEPT_FILE, boot_id);
	free(boot_id);
	if (!get_symbol(facts->kept, "at", SYMBOL_FIRST, &begun) || begun != begins) {
		kept_forget(facts->kept);
		put_symbol(facts->kept, "at", SYMBOL_FIRST, begins);
	}
	return facts->kept;
}

static bool read_kept(struct facts *facts)
{
	const struct kept *kept = open_kept(facts);
	struct facts_place places[FACTS_SYMBOLS];
	uint64_t seen;

	for (unsigned int i = 0; i < FACTS_SYMBOLS; i++) {
		if (!get_symbol(kept, "seen", symbol_names[i], &seen) ||
		    !get_symbol(kept, "at", symbol_names[i], &places[i].address))
			return false;
		places[i].seen = seen != 0;
	}
	memcpy(facts->symbols, places, sizeof(places));
	return true;
}

static void keep_symbols(struct facts *facts)
{
	struct kept *kept = open_kept(facts);

	for (unsigned int i = 0; i < FACTS_SYMBOLS; i++) {
		put_symbol(kept, "seen", symbol_names[i], facts->symbols[i].seen);
		put_symbol(kept, "at", symbol_names[i], facts->symbols[i].address);
	}
}

/* All but virtio_bus are of no module; where the kernel's own table has that, too, it is enough. */
static bool read_table(struct facts *facts)
{
	struct symbol list[FACTS_SYMBOLS] = { 0 };

	for (unsigned int i = 0; i < FACTS_SYMBOLS; i++)
		list[i].name = symbol_names[i];
	if (!symbols_find(open_core(facts), list, FACTS_SYMBOLS) || !list[FACTS_SYM_VIRTIO].seen)
		return false;
	for (unsigned int i = 0; i < FACTS_SYMBOLS; i++)
		facts->symbols[i] = (struct facts_place){ list[i].seen, list[i].address };
	keep_symbols(facts);
	return true;
}

const struct facts_place *facts_find_symbol(struct facts *facts, enum facts_symbol symbol)
{
	if (!facts->symbols_read && !read_kept(facts) && !read_table(facts))
		read_lines(facts);
	facts->symbols_read = true;
	return &facts->symbols[symbol];
}

static struct types *load_types(struct facts *facts)
{
	char *path;

	if (!facts->types && !facts->types_tried) {
		path = facts_path(facts, BTF_KERNEL);
		facts->types = btf_load(path, open_kept(facts));
		facts->types_tried = true;
		free(path);
	}
	return facts->types;
}

void facts_kernel_close(struct facts *facts)
{
	core_close(facts->core);
	btf_free(facts->types);
	kept_free(facts->kept);
}

bool facts_kernel_read(struct facts *facts, enum facts_symbol symbol, size_t offset, void *buf,
		       size_t len)
{
	uint64_t address = facts_find_symbol(facts, symbol)->address;
	const struct core *core = address ? open_core(facts) : NULL;

	return core && core_read(core, address + offset, buf, len);
}

static uint64_t address_of(struct facts *facts, enum facts_symbol symbol)
{
	return facts_find_symbol(facts, symbol)->address;
}

static uint64_t first_of(struct facts *facts, enum facts_symbol a, enum facts_symbol b)
{
	uint64_t address = address_of(facts, a);

	return address ? address : address_of(facts, b);
}

void facts_kernel_prepare(struct facts *facts)
{
	address_of(facts, FACTS_SYM_BUSES);
	open_core(facts);
	load_types(facts);
}

void facts_kernel_keep(struct facts *facts)
{
	kept_write(facts->kept);
}

struct types *facts_types(struct facts *facts)
{
	return facts->root[0] ? NULL : load_types(facts);
}

struct snapshot *facts_snapshot(struct facts *facts)
{
	struct memory_symbols symbols = {
		.bus_kset = address_of(facts, FACTS_SYM_BUSES),
		.virtio_bus = address_of(facts, FACTS_SYM_VIRTIO),
		.pool = address_of(facts, FACTS_SYM_POOL),
		.page_table = first_of(facts, FACTS_SYM_TABLE_ARM, FACTS_SYM_TABLE_X86),
		.page_mask = first_of(facts, FACTS_SYM_SHARED_BIT, FACTS_SYM_CC_MASK),
	};

	if (!symbols.page_mask)
		symbols.page_mask = address_of(facts, FACTS_SYM_SME_MASK);
	return memory_snapshot(open_core(facts), load_types(facts), &symbols);
}

/* The pool of a kernel with CONFIG_SWIOTLB_DYNAMIC knows whether it may grow (Linux 6.6). */
enum tri facts_kernel_grows(struct facts *facts)
{
	struct types *types = load_types(facts);

	if (!types || btf_offset(types, "io_tlb_mem", "nslabs") < 0)
		return TRI_UNKNOWN;
	return btf_offset(types, "io_tlb_mem", "can_grow") >= 0 ? TRI_YES : TRI_NO;
}

/* Where start, end and nslabs are in struct io_tlb_mem (start, end: since 6.6 in its defpool). */
struct layout {
	long start, end, nslabs;
};

static bool read_layout(struct facts *facts, struct layout *at)
{
	struct types *types = load_types(facts);
	bool parts = types && btf_offset(types, "io_tlb_mem", "defpool") >= 0;

	if (!types)
		return false;
	at->nslabs = btf_offset(types, "io_tlb_mem", "nslabs");
	at->start = btf_offset(types, "io_tlb_mem", parts ? "defpool.start" : "start");
	at->end = btf_offset(types, "io_tlb_mem", parts ? "defpool.end" : "end");
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
