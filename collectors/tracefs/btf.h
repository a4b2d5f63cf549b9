/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_BTF_H
#define CCAIO_COLLECTORS_TRACEFS_BTF_H

#include <stddef.h>

/*
 * btf - offsets of structure members, and arguments of functions, in the running kernel.
 *
 * A helper around libbpf's struct btf, which <bpf/btf.h> can be used on as well.  The
 * kernel finds members by itself when a dynamic event names them, but searches all its
 * types for each name.  Format: Documentation/bpf/btf.rst of Linux.
 */
struct btf;

#define BTF_KERNEL "/sys/kernel/btf/vmlinux" /* the running kernel's */

/*
 * Load a file of BTF (at most 64 MiB).  NULL where it cannot be read or is none of this
 * machine's byte order.  Release with btf_free.
 */
struct btf *btf_load(const char *path);

/* Parse a copy of BTF in memory.  NULL as above.  Release with btf_free. */
struct btf *btf_parse(const void *data, size_t len);

void btf_free(struct btf *btf); /* accepts NULL */

/*
 * The offset in bytes of a member of a structure, also of one in an unnamed structure or
 * union inside it.  -1 where there is none, or where it is a bit field.
 */
long btf_offset(const struct btf *btf, const char *structure, const char *member);

/* How many arguments a function takes; -1 where there is none of this name. */
int btf_arguments(const struct btf *btf, const char *function);

#endif
