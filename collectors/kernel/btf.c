/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of structures and arguments of functions in the running kernel, from its BTF, by libbpf.
 */
#include "collectors/kernel/btf.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/kernel/kept.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

#define BTF_BYTES_MAX (64u << 20)
#define DEPTH_MAX 8

#define BUCKETS 65536u

struct types {
	struct btf *btf;   /* NULL: not loaded */
	char *path;	   /* to load it from where an answer is not kept; NULL: no more */
	struct kept *kept; /* NULL: nothing */
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

/* The first of this kind and name, as libbpf finds it; 0: none. */
static uint32_t find_id(struct types *types, const char *wanted, int kind)
{
	uint32_t found = 0;

	for (uint32_t id = types->buckets[bucket_of(wanted)]; id; id = types->before[id]) {
		const struct btf_type *type = btf__type_by_id(types->btf, id);

		if (btf_kind(type) == kind &&
		    strcmp(btf__name_by_offset(types->btf, type->name_off), wanted) == 0)
			found = id;
	}
	return found;
}

static bool parse(struct types *types, const void *data, size_t len)
{
	libbpf_set_print(NULL); /* a kernel without readable types is no message of libbpf's */
	types->btf = len > 0 && len <= BTF_BYTES_MAX ? btf__new(data, (uint32_t)len) : NULL;
	if (types->btf)
		make_index(types);
	return types->btf != NULL;
}

/* Linux 6.16 can map it, which saves thousands of reads of a page. */
static bool map(struct types *types, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	void *data = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= (off_t)BTF_BYTES_MAX)
		data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (data == MAP_FAILED)
		return false;
	parse(types, data, st.st_size);
	munmap(data, st.st_size);
	return types->btf != NULL;
}

static bool load(struct types *types, const char *path)
{
	size_t len = 0;
	char *data;

	if (map(types, path))
		return true;
	data = file_read(path, BTF_BYTES_MAX, &len, NULL);
	if (data)
		parse(types, data, len);
	free(data);
	return types->btf != NULL;
}

struct types *btf_load(const char *path, struct kept *kept)
{
	struct types *types = xcalloc(1, sizeof(*types));

	types->kept = kept;
	if (kept && access(path, R_OK) == 0)
		types->path = xstrdup(path);
	if (types->path || load(types, path))
		return types;
	btf_free(types);
	return NULL;
}

void btf_free(struct types *types)
{
	if (!types)
		return;
	btf__free(types->btf);
	free(types->before);
	free(types->path);
	free(types);
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

static long member_at(const struct btf *btf, const struct btf_type *type, const char *path)
{
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

/* What is asked of a name, as answers are kept: "sk_buff.len", "device#", "swiotlb_map/". */
enum question { OFFSET = '.', BYTES = '#', ARGUMENTS = '/', FUNCTION = '@' };

static long look_up(struct types *types, const char *name, enum question question, const char *path)
{
	bool function = question == ARGUMENTS || question == FUNCTION;
	uint32_t id = find_id(types, name, function ? BTF_KIND_FUNC : BTF_KIND_STRUCT);
	const struct btf_type *type = id ? btf__type_by_id(types->btf, id) : NULL;

	if (!type)
		return -1;
	if (question == OFFSET)
		return member_at(types->btf, type, path);
	if (question == BYTES)
		return type->size;
	if (question == FUNCTION)
		return id;
	type = btf__type_by_id(types->btf, type->type);
	return type && btf_is_func_proto(type) ? btf_vlen(type) : -1;
}

/* The answer that is kept, or what the types say. */
static long ask(struct types *types, const char *name, enum question question, const char *path)
{
	char *key = xasprintf("%s%c%s", name, question, path);
	uint64_t value;
	long answer = -1;

	if (kept_get(types->kept, key, &value)) {
		answer = (long)value;
	} else {
		if (types->path)
			load(types, types->path);
		free(types->path);
		types->path = NULL;
		if (types->btf) {
			answer = look_up(types, name, question, path);
			kept_put(types->kept, key, (uint64_t)answer);
		}
	}
	free(key);
	return answer;
}

long btf_offset(struct types *types, const char *structure, const char *path)
{
	return ask(types, structure, OFFSET, path);
}

long btf_bytes(struct types *types, const char *structure)
{
	return ask(types, structure, BYTES, "");
}

int btf_arguments(struct types *types, const char *function)
{
	return (int)ask(types, function, ARGUMENTS, "");
}

int btf_function(struct types *types, const char *function)
{
	return (int)ask(types, function, FUNCTION, "");
}
