/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_BTF_H
#define CCAIO_COLLECTORS_TRACEFS_BTF_H

#include <stddef.h>

/*
 * btf - offsets of structure members, and arguments of functions, in the running kernel.
 *
 * Read by libbpf, once, with an index of names beside it.  Members are found by their names, never
 * by a version: names differ between kernels, and so do offsets between two builds of one version.
 * Format: Documentation/bpf/btf.rst of Linux.
 */
struct types;
struct btf_type;

#define BTF_KERNEL "/sys/kernel/btf/vmlinux" /* the running kernel's */

/*
 * Load a file of BTF (at most 64 MiB).  NULL where it cannot be read (CONFIG_DEBUG_INFO_BTF is off)
 * or is none of this machine's byte order.  Release with btf_free.
 */
struct types *btf_load(const char *path);

/* Parse a copy of BTF in memory.  NULL as above.  Release with btf_free. */
struct types *btf_parse(const void *data, size_t len);

void btf_free(struct types *types); /* accepts NULL */

/* The structure of this name, borrowed; NULL where the kernel has none. */
const struct btf_type *btf_structure(const struct types *types, const char *name);

/*
 * Offset in bytes of a member, "split.vring.num" for one of a member that is a structure or union
 * itself; members of unnamed ones are found by their own name.  -1 where there is none, where it is
 * a bit field, and for structure NULL.
 */
long btf_member_at(const struct types *types, const struct btf_type *structure, const char *path);

/* The same of a structure by its name. */
long btf_offset(const struct types *types, const char *structure, const char *path);

/* Its size in bytes; -1 for NULL. */
long btf_bytes(const struct btf_type *structure);

/* How many arguments a function takes; -1 where there is none of this name. */
int btf_arguments(const struct types *types, const char *function);

#endif
