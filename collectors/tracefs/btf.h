/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_BTF_H
#define CCAIO_COLLECTORS_TRACEFS_BTF_H

#include <stddef.h>

/*
 * btf - where a structure of the running kernel has its members.
 *
 * The kernel finds them by itself when a dynamic event names them, but takes a
 * search of all its types for each name; here they are searched once.  Format:
 * Documentation/bpf/btf.rst of Linux.
 */
struct btf;

#define BTF_KERNEL "/sys/kernel/btf/vmlinux" /* the running kernel's */

/* From a file; NULL where it cannot be read, or is no such thing. */
struct btf *btf_load(const char *path);

/* From memory that is kept until btf_free; NULL where it is no BTF of this machine's byte order. */
struct btf *btf_parse(const void *data, size_t len);

void btf_free(struct btf *btf); /* accepts NULL */

/*
 * The offset in bytes of a member, those of unnamed structures and unions within
 * included; -1 where there is none, or where it is a bit field.
 */
long btf_offset(struct btf *btf, const char *structure, const char *member);

#endif
