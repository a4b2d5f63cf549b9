/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of structures and arguments of functions in the running kernel, from its BTF, by libbpf.
 */
#include "collectors/tracefs/btf.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"

#define BTF_BYTES_MAX (64u << 20)
#define DEPTH_MAX 8

struct btf *btf_parse(const void *data, size_t len)
{
	libbpf_set_print(NULL); /* a kernel without readable types is no message of libbpf's */
	return len > 0 && len <= BTF_BYTES_MAX ? btf__new(data, (uint32_t)len) : NULL;
}

struct btf *btf_load(const char *path)
{
	size_t len = 0;
	char *data = file_read(path, BTF_BYTES_MAX, &len, NULL);
	struct btf *btf = data ? btf_parse(data, len) : NULL;

	free(data);
	return btf;
}

void btf_free(struct btf *btf)
{
	btf__free(btf);
}

const struct btf_type *btf_structure(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
}

/* Without typedef, const and volatile; NULL where it is none that has members. */
static const struct btf_type *composite(const struct btf *btf, uint32_t id)
{
	int plain = btf__resolve_type(btf, id);
	const struct btf_type *type = plain < 0 ? NULL : btf__type_by_id(btf, (uint32_t)plain);

	return type && btf_is_composite(type) ? type : NULL;
}

/* The first len characters of path name the member; *its is its type where that has members. */
static long find_member(const struct btf *btf, const struct btf_type *type, const char *path,
			size_t len, const struct btf_type **its, int depth)
{
	const struct btf_member *members = btf_members(type);

	for (uint32_t i = 0; i < btf_vlen(type) && depth < DEPTH_MAX; i++) {
		const char *name = btf__name_by_offset(btf, members[i].name_off);
		uint32_t bit = btf_member_bit_offset(type, i);
		const struct btf_type *inner;
		long at;

		if (!name || btf_member_bitfield_size(type, i) || bit % 8)
			continue;
		inner = composite(btf, members[i].type);
		if (strlen(name) == len && strncmp(name, path, len) == 0) {
			*its = inner;
			return bit / 8;
		}
		at = name[0] || !inner ? -1 : find_member(btf, inner, path, len, its, depth + 1);
		if (at >= 0)
			return bit / 8 + at;
	}
	return -1;
}

long btf_member_at(const struct btf *btf, const struct btf_type *structure, const char *path)
{
	const struct btf_type *type = structure;
	long offset = 0;

	for (;;) {
		size_t len = strcspn(path, ".");
		long at = type ? find_member(btf, type, path, len, &type, 0) : -1;

		if (at < 0)
			return -1;
		offset += at;
		if (!path[len])
			return offset;
		path += len + 1;
	}
}

long btf_offset(const struct btf *btf, const char *structure, const char *path)
{
	return btf_member_at(btf, btf_structure(btf, structure), path);
}

long btf_bytes(const struct btf_type *structure)
{
	return structure ? (long)structure->size : -1;
}

int btf_arguments(const struct btf *btf, const char *function)
{
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	const struct btf_type *proto =
		id > 0 ? btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type) : NULL;

	return proto && btf_is_func_proto(proto) ? btf_vlen(proto) : -1;
}
