/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_MEMORY_STATE_H
#define CCAIO_COLLECTORS_MEMORY_STATE_H

/* What the files of collectors/memory share.  Nobody else includes this. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/kernel/btf.h"
#include "collectors/memory/core.h"
#include "collectors/memory/memory.h"
#include "lib/evidence/snapshot.h"

/* Offsets and sizes of the running kernel's structures; -1: it has no such member. */
struct layout {
	long kset_list, subsys_entry, subsys_bus, subsys_devices; /* in subsys_private */
	long node_next, private_node, private_device;
	long device_name, device_parent, device_pool;
	long vdev_dev, vdev_features, vdev_vqs, vdev_size;
	long vq_list, vq_name, vq_index, vring_vq, vring_size;
	long use_api, packed_ring;
	long split_num, split_desc, split_state, split_extra, split_dma, split_bytes;
	long split_stride, split_data, split_table;
	long packed_num, packed_desc, packed_state, packed_extra, packed_dma, packed_bytes;
	long packed_driver_dma, packed_device_dma, packed_event_bytes, packed_wrap, packed_next;
	long packed_stride, packed_data, packed_table, packed_count;
	long extra_stride, extra_addr, extra_len, extra_flags, extra_next;
	long mem_pool, mem_pools, mem_size, pool_node, pool_start, pool_end, pool_slots_count;
	long pool_nareas, pool_area_slots, pool_areas, pool_slots, pool_size;
	long area_stride, area_used;
	long slot_stride, slot_orig, slot_size, slot_list;
};

struct taking {
	const struct core *core;
	struct layout at;
	const struct memory_symbols *symbols;
	struct snapshot *s;
	size_t descriptors, live; /* entered so far, of all queues, of all pools */
	/* pools of single devices, to be read besides the default one */
	uint64_t own_pools[SNAPSHOT_POOLS];
	size_t nown_pools;
};

/* Say why the snapshot is not whole; the first reason stays. */
void memory_trouble(struct taking *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Kernel memory as a number; 0 where it cannot be read. */
uint64_t memory_u64(const struct taking *t, uint64_t address);

/* layout.c: false, with the trouble said, where a member that is needed is missing. */
bool memory_layout(struct taking *t, struct types *types);

/* virtio.c: all devices and their queues. */
void memory_virtio(struct taking *t);

/* rings.c: the rings and descriptors of the vring_virtqueue at address, into q. */
void memory_split(struct taking *t, const uint8_t *vring, uint64_t address,
		  struct snapshot_queue *q);
void memory_packed(struct taking *t, const uint8_t *vring, uint64_t address,
		   struct snapshot_queue *q);

/* pools.c: the default pool, and those of devices. */
void memory_pools(struct taking *t);

/* pages.c: how the linear map marks the pages of rings and pools. */
void memory_pages(struct taking *t);

/* Members of a structure that was read as a whole. */
static inline uint64_t at_u64(const uint8_t *base, long offset)
{
	uint64_t value;

	__builtin_memcpy(&value, base + offset, sizeof(value));
	return value;
}

static inline uint32_t at_u32(const uint8_t *base, long offset)
{
	uint32_t value;

	__builtin_memcpy(&value, base + offset, sizeof(value));
	return value;
}

static inline uint16_t at_u16(const uint8_t *base, long offset)
{
	uint16_t value;

	__builtin_memcpy(&value, base + offset, sizeof(value));
	return value;
}

#endif
