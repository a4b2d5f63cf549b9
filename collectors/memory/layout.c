/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the running kernel has what is read: bound by the names of members. */
#include "collectors/memory/state.h"

#define NEEDED 0
#define OPTIONAL 1

struct binding {
	size_t to;				    /* in struct layout */
	const char *structure, *member, *or_member; /* member NULL: the size of it */
	int optional;
};

#define TO(member) offsetof(struct layout, member)

static const struct binding bindings[] = {
	{ TO(kset_list), "kset", "list", NULL, NEEDED },
	{ TO(subsys_entry), "subsys_private", "subsys.kobj.entry", NULL, NEEDED },
	{ TO(subsys_bus), "subsys_private", "bus", NULL, NEEDED },
	{ TO(subsys_devices), "subsys_private", "klist_devices.k_list", NULL, NEEDED },
	{ TO(node_next), "klist_node", "n_node", NULL, NEEDED },
	{ TO(private_node), "device_private", "knode_bus.n_node", NULL, NEEDED },
	{ TO(private_device), "device_private", "device", NULL, NEEDED },
	{ TO(device_name), "device", "kobj.name", NULL, NEEDED },
	{ TO(device_parent), "device", "parent", NULL, NEEDED },
	{ TO(device_pool), "device", "dma_io_tlb_mem", NULL, OPTIONAL },
	{ TO(vdev_dev), "virtio_device", "dev", NULL, NEEDED },
	{ TO(vdev_features), "virtio_device", "features", NULL, NEEDED },
	{ TO(vdev_vqs), "virtio_device", "vqs", NULL, NEEDED },
	{ TO(vdev_size), "virtio_device", NULL, NULL, NEEDED },
	{ TO(vq_list), "virtqueue", "list", NULL, NEEDED },
	{ TO(vq_name), "virtqueue", "name", NULL, NEEDED },
	{ TO(vq_index), "virtqueue", "index", NULL, NEEDED },
	{ TO(vring_vq), "vring_virtqueue", "vq", NULL, NEEDED },
	{ TO(vring_size), "vring_virtqueue", NULL, NULL, NEEDED },
	{ TO(use_api), "vring_virtqueue", "use_map_api", "use_dma_api", NEEDED },
	{ TO(packed_ring), "vring_virtqueue", "packed_ring", NULL, OPTIONAL },
	{ TO(split_num), "vring_virtqueue", "split.vring.num", NULL, NEEDED },
	{ TO(split_desc), "vring_virtqueue", "split.vring.desc", NULL, NEEDED },
	{ TO(split_state), "vring_virtqueue", "split.desc_state", NULL, NEEDED },
	{ TO(split_extra), "vring_virtqueue", "split.desc_extra", NULL, NEEDED },
	{ TO(split_dma), "vring_virtqueue", "split.queue_dma_addr", NULL, NEEDED },
	{ TO(split_bytes), "vring_virtqueue", "split.queue_size_in_bytes", NULL, NEEDED },
	{ TO(split_stride), "vring_desc_state_split", NULL, NULL, NEEDED },
	{ TO(split_data), "vring_desc_state_split", "data", NULL, NEEDED },
	{ TO(split_table), "vring_desc_state_split", "indir_desc", NULL, NEEDED },
	{ TO(packed_num), "vring_virtqueue", "packed.vring.num", NULL, NEEDED },
	{ TO(packed_desc), "vring_virtqueue", "packed.vring.desc", NULL, NEEDED },
	{ TO(packed_state), "vring_virtqueue", "packed.desc_state", NULL, NEEDED },
	{ TO(packed_extra), "vring_virtqueue", "packed.desc_extra", NULL, NEEDED },
	{ TO(packed_dma), "vring_virtqueue", "packed.ring_dma_addr", NULL, NEEDED },
	{ TO(packed_bytes), "vring_virtqueue", "packed.ring_size_in_bytes", NULL, NEEDED },
	{ TO(packed_driver_dma), "vring_virtqueue", "packed.driver_event_dma_addr", NULL, NEEDED },
	{ TO(packed_device_dma), "vring_virtqueue", "packed.device_event_dma_addr", NULL, NEEDED },
	{ TO(packed_event_bytes), "vring_virtqueue", "packed.event_size_in_bytes", NULL, NEEDED },
	{ TO(packed_wrap), "vring_virtqueue", "packed.avail_wrap_counter", NULL, NEEDED },
	{ TO(packed_next), "vring_virtqueue", "packed.next_avail_idx", NULL, NEEDED },
	{ TO(packed_stride), "vring_desc_state_packed", NULL, NULL, NEEDED },
	{ TO(packed_data), "vring_desc_state_packed", "data", NULL, NEEDED },
	{ TO(packed_table), "vring_desc_state_packed", "indir_desc", NULL, NEEDED },
	{ TO(packed_count), "vring_desc_state_packed", "num", NULL, NEEDED },
	{ TO(extra_stride), "vring_desc_extra", NULL, NULL, NEEDED },
	{ TO(extra_addr), "vring_desc_extra", "addr", NULL, NEEDED },
	{ TO(extra_len), "vring_desc_extra", "len", NULL, NEEDED },
	{ TO(extra_flags), "vring_desc_extra", "flags", NULL, NEEDED },
	{ TO(extra_next), "vring_desc_extra", "next", NULL, NEEDED },
	/* pools that can grow have several parts (Linux 6.6), older ones are one part themselves */
	{ TO(mem_pool), "io_tlb_mem", "defpool", NULL, OPTIONAL },
	{ TO(mem_pools), "io_tlb_mem", "pools", NULL, OPTIONAL },
	{ TO(mem_size), "io_tlb_mem", NULL, NULL, OPTIONAL },
	{ TO(pool_size), "io_tlb_pool", NULL, NULL, OPTIONAL },
	{ TO(pool_node), "io_tlb_pool", "node", NULL, OPTIONAL },
	{ TO(area_stride), "io_tlb_area", NULL, NULL, OPTIONAL },
	{ TO(area_used), "io_tlb_area", "used", NULL, OPTIONAL },
	{ TO(slot_stride), "io_tlb_slot", NULL, NULL, OPTIONAL },
	{ TO(slot_orig), "io_tlb_slot", "orig_addr", NULL, OPTIONAL },
	{ TO(slot_size), "io_tlb_slot", "alloc_size", NULL, OPTIONAL },
	{ TO(slot_list), "io_tlb_slot", "list", NULL, OPTIONAL },
};

static const struct {
	size_t to;
	const char *member;
} of_pool[] = {
	{ TO(pool_start), "start" },	    { TO(pool_end), "end" },
	{ TO(pool_slots_count), "nslabs" }, { TO(pool_nareas), "nareas" },
	{ TO(pool_areas), "areas" },	    { TO(pool_area_slots), "area_nslabs" },
	{ TO(pool_slots), "slots" },
};

static long *field(struct layout *at, size_t offset)
{
	return (long *)((char *)at + offset);
}

/* Sizes of structures that are read at once onto the stack. */
static bool sizes_fit(const struct layout *at)
{
	return at->vring_size <= 1024 && at->split_stride <= 256 && at->packed_stride <= 256 &&
	       at->extra_stride <= 256 && at->pool_size <= 1024 && at->mem_size <= 1024 &&
	       at->area_stride <= 256 && at->slot_stride <= 256;
}

bool memory_layout(struct taking *t, struct types *types)
{
	const char *part;

	for (size_t i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++) {
		const struct binding *b = &bindings[i];
		long at = b->member ? btf_offset(types, b->structure, b->member)
				    : btf_bytes(types, b->structure);

		if (at < 0 && b->or_member)
			at = btf_offset(types, b->structure, b->or_member);
		*field(&t->at, b->to) = at;
		if (at >= 0 || b->optional)
			continue;
		memory_trouble(t, "this kernel's types have no %s%s%s", b->structure,
			       b->member ? "." : "", b->member ? b->member : "");
		return false;
	}
	part = t->at.mem_pool >= 0 ? "io_tlb_pool" : "io_tlb_mem";
	for (size_t i = 0; i < sizeof(of_pool) / sizeof(of_pool[0]); i++)
		*field(&t->at, of_pool[i].to) = btf_offset(types, part, of_pool[i].member);
	if (t->at.mem_pool < 0)
		t->at.pool_size = t->at.mem_size;
	if (sizes_fit(&t->at))
		return true;
	memory_trouble(t, "this kernel's types are larger than ccaio reads");
	return false;
}
