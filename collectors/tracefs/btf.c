/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of structures and arguments of functions in the running kernel, from its BTF, by libbpf.
 */
#include "collectors/tracefs/btf.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/xalloc.h"

#define BTF_BYTES_MAX (64u << 20)
#define DEPTH_MAX 8

#define BUCKETS 65536u

struct types {
	struct btf *btf;
	/* structures and functions by their names, of which libbpf looks through all each time */
	uint32_t buckets[BUCKETS]; /* the last of each; 0: none */
	uint32_t *before;	   /* of each type: the one before it in its bucket */
};

static uint32_t bucket_of(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 16777619u;
	return (hash ^ hash >> 16) % BUCKETS;
}

static void make_index(struct types *types)
{
	uint32_t count = btf__type_cnt(types->btf);

	types->before = xcalloc(count, sizeof(*types->before));
	for (uint32_t id = 1; id < count; id++) {
		const struct btf_type *type = btf__type_by_id(types->btf, id);
		const char *name;
		uint32_t *bucket;

		if (!btf_is_struct(type) && !btf_is_func(type))
			continue;
		name = btf__name_by_offset(types->btf, type->name_off);
		if (!name || !*name)
			continue;
		bucket = &types->buckets[bucket_of(name)];
		types->before[id] = *bucket;
		*bucket = id;
	}
}

/* The first of this kind and name, as libbpf finds it; NULL: none. */
static const struct btf_type *find(const struct types *types, const char *wanted, int kind)
{
	const struct btf_type *found = NULL;

	for (uint32_t id = types->buckets[bucket_of(wanted)]; id; id = types->before[id]) {
		const struct btf_type *type = btf__type_by_id(types->btf, id);

		if (btf_kind(type) == kind &&
		    strcmp(btf__name_by_offset(types->btf, type->name_off), wanted) == 0)
			found = type;
	}
	return found;
}

struct types *btf_parse(const void *data, size_t len)
{
	struct types *types;
	struct btf *btf;

	libbpf_set_print(NULL); /* a kernel without readable types is no message of libbpf's */
	btf = len > 0 && len <= BTF_BYTES_MAX ? btf__new(data, (uint32_t)len) : NULL;
	if (!btf)
		return NULL;
	types = xcalloc(1, sizeof(*types));
	types->btf = btf;
	make_index(types);
	return types;
}

/* Linux 6.16 can map it, which saves thousands of reads of a page. */
static struct types *map(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct types *types = NULL;
	struct stat st;
	void *data;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 &&
	    st.st_size <= (off_t)BTF_BYTES_MAX) {
		data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			types = btf_parse(data, st.st_size);
			munmap(data, st.st_size);
		}
	}
	if (fd >= 0)
		close(fd);
	return types;
}

struct types *btf_load(const char *path)
{
	struct types *types = map(path);
	size_t len = 0;
	char *data = types ? NULL : file_read(path, BTF_BYTES_MAX, &len, NULL);

	if (data)
		types = btf_parse(data, len);
	free(data);
	return types;
}

void btf_free(struct types *types)
{
	if (!types)
		return;
	btf__free(types->btf);
	free(types->before);
	free(types);
}

const struct btf_type *btf_structure(const struct types *types, const char *name)
{
	return find(types, name, BTF_KIND_STRUCT);
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

long btf_member_at(const struct types *types, const struct btf_type *structure, const char *path)
{
	const struct btf_type *type = structure;
	long offset = 0;

	for (;;) {
		size_t len = strcspn(path, ".");
		long at = type ? find_member(types->btf, type, path, len, &type, 0) : -1;

		if (at < 0)
			return -1;
		offset += at;
		if (!path[len])
			return offset;
		path += len + 1;
	}
}

long btf_offset(const struct types *types, const char *structure, const char *path)
{
	return btf_member_at(types, btf_structure(types, structure), path);
}

long btf_bytes(const struct btf_type *structure)
{
	return structure ? (long)structure->size : -1;
}

int btf_arguments(const struct types *types, const char *function)
{
	const struct btf_type *type = find(types, function, BTF_KIND_FUNC);
	const struct btf_type *proto = type ? btf__type_by_id(types->btf, type->type) : NULL;

	return proto && btf_is_func_proto(proto) ? btf_vlen(proto) : -1;
}
