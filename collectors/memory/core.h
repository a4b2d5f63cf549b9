/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_MEMORY_CORE_H
#define CCAIO_COLLECTORS_MEMORY_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * core - the kernel's memory through /proc/kcore, an ELF core file of 64 bits.
 *
 * The kernel writes while it is read: what one call returns may be half old, half new.
 */
struct core;

/* NULL where the file cannot be read or is no such thing (no root, lockdown). */
struct core *core_open(const char *path);
void core_close(struct core *core); /* accepts NULL */

/* len bytes at a virtual address; false where the file does not have all of them. */
bool core_read(const struct core *core, uint64_t address, void *buf, size_t len);

/* Where the kernel has this byte of RAM in its linear map; false where no segment says so. */
bool core_virtual(const struct core *core, uint64_t physical, uint64_t *address);

/*
 * What the kernel says of itself for debuggers (the note VMCOREINFO, lines "SYMBOL(name)=hex" and
 * others), to be freed; NULL where there is none.
 */
char *core_note(const struct core *core);

#endif
