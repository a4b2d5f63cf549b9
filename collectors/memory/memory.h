/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_MEMORY_MEMORY_H
#define CCAIO_COLLECTORS_MEMORY_MEMORY_H

#include <stdint.h>

struct types;
struct core;
struct snapshot;

/*
 * memory - what the running kernel holds about devices and their memory, read from its own
 * structures.
 *
 * The way: bus_kset → the virtio bus → its devices → their virtqueues → rings and descriptors;
 * io_tlb_default_mem and each device's own pool → areas → slots; the kernel's page tables → the
 * entries of the pages that rings and pools lie in.  Every value read is bounded before it is used:
 * the kernel changes it meanwhile, and a host may change what is shared with it.
 */

/* Addresses of kernel symbols; 0: the kernel has none, or does not show it. */
struct memory_symbols {
	uint64_t bus_kset, virtio_bus; /* struct kset *, struct bus_type */
	uint64_t pool;		       /* struct io_tlb_mem: io_tlb_default_mem */
	uint64_t page_table;	       /* swapper_pg_dir, init_top_pgt */
	uint64_t page_mask;	       /* the variable that holds it; see struct snapshot */
};

/*
 * A snapshot; its trouble says what is missing where it is not whole (core or types may be NULL).
 * The caller frees.
 */
struct snapshot *memory_snapshot(const struct core *core, struct types *types,
				 const struct memory_symbols *symbols);

#endif
