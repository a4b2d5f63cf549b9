/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_MEMORY_TYPES_H
#define CCAIO_COLLECTORS_MEMORY_TYPES_H

/*
 * types - where the running kernel's structures have their members, by its BTF.
 *
 * Members are found by their names, never by a version: names differ between kernels, and so do
 * offsets between two builds of one version.
 */
struct types;

#define TYPES_KERNEL "/sys/kernel/btf/vmlinux"

/* NULL where the file cannot be read or is no BTF (CONFIG_DEBUG_INFO_BTF is off). */
struct types *types_load(const char *path);
void types_free(struct types *types); /* accepts NULL */

/*
 * Offset in bytes of a member, "split.vring.num" for one of a member that is a structure or union
 * itself; members of unnamed ones are found by their own name.  -1 where there is none, or where it
 * is a bit field.
 */
long types_offset(struct types *types, const char *structure, const char *path);

/* Its size in bytes; -1 where there is no such structure. */
long types_size(struct types *types, const char *structure);

#endif
