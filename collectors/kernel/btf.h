/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_KERNEL_BTF_H
#define CCAIO_COLLECTORS_KERNEL_BTF_H

#include <stddef.h>

/*
 * btf - offsets of structure members, and arguments of functions, in the running kernel.
 *
 * Read by libbpf, once, with an index of names beside it.  Members are found by their names, never
 * by a version: names differ between kernels, and so do offsets between two builds of one version.
 * Format: Documentation/bpf/btf.rst of Linux.
 */
struct types;
struct kept;

#define BTF_KERNEL "/sys/kernel/btf/vmlinux" /* the running kernel's */

/*
 * Load a file of BTF (at most 64 MiB).  NULL where it cannot be read (CONFIG_DEBUG_INFO_BTF is off)
 * or is none of this machine's byte order.  Answers are taken from kept where it has them and are
 * added to it where not (collectors/kernel/kept.h; NULL: none; it must outlive the types): then
 * the file is loaded with the first that it lacks.  Release with btf_free.
 */
struct types *btf_load(const char *path, struct kept *kept);

void btf_free(struct types *types); /* accepts NULL */

/*
 * Offset in bytes of a structure's member, "split.vring.num" for one of a member that is a
 * structure or union itself; members of unnamed ones are found by their own name.  -1 where there
 * is none, and where it is a bit field.
 */
long btf_offset(struct types *types, const char *structure, const char *path);

/* Size of a structure in bytes; -1 where there is none of this name. */
long btf_bytes(struct types *types, const char *structure);

/* How many arguments a function takes; -1 where there is none of this name. */
int btf_arguments(struct types *types, const char *function);

/* The number of a function of this name, as BPF programs name it; -1 where there is none. */
int btf_function(struct types *types, const char *function);

#endif
