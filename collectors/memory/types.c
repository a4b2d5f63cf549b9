/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's types, as libbpf reads them. */
#include "collectors/memory/types.h"

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/tracefs/btf.h"
#include "lib/base/xalloc.h"

#define DEPTH_MAX 8

/* All structures that anybody asks for: one pass over the kernel's types finds them. */
static const char *const wanted[] = {
	"device",
	"device_private",
	"io_tlb_area",
	"io_tlb_mem",
	"io_tlb_pool",
	"io_tlb_slot",
	"klist",
	"klist_node",
	"kobject",
	"kset",
	"subsys_private",
	"virtio_device",
	"virtqueue",
	"vring_desc_extra",
	"vring_desc_state_packed",
	"vring_desc_state_split",
	"vring_virtqueue",
};
#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

struct types {
	struct btf *btf;
	uint32_t ids[WANTED]; /* 0: the kernel has none */
};

static void find_wanted(struct types *types)
{
	uint32_t count = btf__type_cnt(types->btf);

	for (uint32_t id = 1; id < count; id++) {
		const struct btf_type *type = btf__type_by_id(types->btf, id);
		const char *name;

		if (!btf_is_struct(type))
			continue;
		name = btf__name_by_offset(types->btf, type->name_off);
		if (!name || !name[0] || !strchr("dikrsv", name[0]))
			continue;
		for (size_t i = 0; i < WANTED; i++) {
			if (!types->ids[i] && strcmp(name, wanted[i]) == 0)
				types->ids[i] = id;
		}
	}
}

struct types *types_load(const char *path)
{
	struct types *types = xcalloc(1, sizeof(*types));

	types->btf = btf_load(path);
	if (!types->btf) {
		free(types);
		return NULL;
	}
	find_wanted(types);
	return types;
}

void types_free(struct types *types)
{
	if (!types)
		return;
	btf_free(types->btf);
	free(types);
}

static uint32_t find(const struct types *types, const char *structure)
{
	for (size_t i = 0; i < WANTED; i++) {
		if (strcmp(structure, wanted[i]) == 0)
			return types->ids[i];
	}
	return 0;
}

/* Without typedef, const and volatile; NULL at the end of a loop of them. */
static const struct btf_type *plain(const struct types *types, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(types->btf, id);

	for (int depth = 0; type && depth < DEPTH_MAX; depth++) {
		if (!btf_is_mod(type) && !btf_is_typedef(type))
			return type;
		type = btf__type_by_id(types->btf, type->type);
	}
	return NULL;
}

/* The first len characters of path name the member; *its is its type. */
static long member(const struct types *types, const struct btf_type *type, const char *path,
		   size_t len, const struct btf_type **its, int depth)
{
	const struct btf_member *list = btf_members(type);

	for (uint32_t i = 0; i < btf_vlen(type) && depth < DEPTH_MAX; i++) {
		const char *name = btf__name_by_offset(types->btf, list[i].name_off);
		uint32_t bit = btf_member_bit_offset(type, i);
		const struct btf_type *inner;
		long at;

		if (!name || btf_member_bitfield_size(type, i) || bit % 8)
			continue;
		inner = plain(types, list[i].type);
		if (strlen(name) == len && strncmp(name, path, len) == 0) {
			*its = inner;
			return bit / 8;
		}
		if (name[0] || !inner || !btf_is_composite(inner))
			continue;
		at = member(types, inner, path, len, its, depth + 1);
		if (at >= 0)
			return bit / 8 + at;
	}
	return -1;
}

long types_offset(struct types *types, const char *structure, const char *path)
{
	uint32_t id = find(types, structure);
	const struct btf_type *type = id ? btf__type_by_id(types->btf, id) : NULL;
	long offset = 0;

	for (;;) {
		size_t len = strcspn(path, ".");
		long at = type && btf_is_composite(type) ? member(types, type, path, len, &type, 0)
							 : -1;

		if (at < 0)
			return -1;
		offset += at;
		if (!path[len])
			return offset;
		path += len + 1;
	}
}

long types_size(struct types *types, const char *structure)
{
	uint32_t id = find(types, structure);

	return id ? (long)btf__type_by_id(types->btf, id)->size : -1;
}
