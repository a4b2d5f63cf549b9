/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_MEMORY_SYMBOLS_H
#define CCAIO_COLLECTORS_MEMORY_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core;

/*
 * symbols - where the kernel's own symbols are, by the table that it keeps of them.
 *
 * /proc/kallsyms writes out all of that table, a line for each of 200,000 symbols, which costs
 * several times as much as the rest of a short run.  The note VMCOREINFO in /proc/kcore says where
 * the table is (Linux 6.0); names are compressed there (Linux kernel/kallsyms.c,
 * scripts/kallsyms.c). Symbols of modules are not in it.
 */
struct symbol {
	const char *name;
	bool seen;	  /* it, or a part of it that the compiler made ("name.isra.0") */
	uint64_t address; /* 0: no symbol has exactly this name */
};

/*
 * Find all of the list, whose seen and address are 0 before.  False, with the list as it was, where
 * there is no such table, or where what it says of two symbols is not what the note says of them.
 */
bool symbols_find(const struct core *core, struct symbol *list, size_t count);

/*
 * Where SYMBOL_FIRST is by the note alone: it differs from boot to boot where the kernel moves
 * itself.  False where that is not said, and for core NULL.
 */
#define SYMBOL_FIRST "_stext"
bool symbols_first(const struct core *core, uint64_t *address);

#endif
