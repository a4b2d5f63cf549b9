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

#include "collectors/tracefs/kept.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

#define BTF_BYTES_MAX (64u << 20)
#define DEPTH_MAX 8

#define BUCKETS 65536u

/* Structures and functions by their names, of which libbpf looks through all each time. */
struct index {
	struct btf *btf;
	uint32_t buckets[BUCKETS]; /* the last of each; 0: none */
	uint32_t *before;	   /* of each type: the one before it in its bucket */
};

struct types {
	struct source *source; /* what answers change */
};

struct source {
	struct index *index; /* NULL: not loaded */
	char *path;	     /* to load it from where an answer is not kept; NULL: no more */
	struct kept *kept;   /* NULL: nothing */
};

static uint32_t bucket_of(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 16777619u;
	return (hash ^ hash >> 16) % BUCKETS;
}

static void make_index(struct index *types)
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
static uint32_t find_id(const struct index *types, const char *wanted, int kind)
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

static const struct btf_type *find(const struct index *types, const char *wanted, int kind)
{
	uint32_t id = find_id(types, wanted, kind);

	return id ? btf__type_by_id(types->btf, id) : NULL;
}

static struct index *parse(const void *data, size_t len)
{
	struct index *index;
	struct btf *btf;

	libbpf_set_print(NULL); /* a kernel without readable types is no message of libbpf's */
	btf = len > 0 && len <= BTF_BYTES_MAX ? btf__new(data, (uint32_t)len) : NULL;
	if (!btf)
		return NULL;
	index = xcalloc(1, sizeof(*index));
	index->btf = btf;
	make_index(index);
	return index;
}

/* Linux 6.16 can map it, which saves thousands of reads of a page. */
static struct index *map(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct index *index = NULL;
	struct stat st;
	void *data;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 &&
	    st.st_size <= (off_t)BTF_BYTES_MAX) {
		data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			index = parse(data, st.st_size);
			munmap(data, st.st_size);
		}
	}
	if (fd >= 0)
		close(fd);
	return index;
}

static struct index *load(const char *path)
{
	struct index *index = map(path);
	size_t len = 0;
	char *data = index ? NULL : file_read(path, BTF_BYTES_MAX, &len, NULL);

	if (data)
		index = parse(data, len);
	free(data);
	return index;
}

static struct types *new_types(struct source source)
{
	struct types *types = xcalloc(1, sizeof(*types));

	types->source = xcalloc(1, sizeof(source));
	*types->source = source;
	return types;
}

struct types *btf_load(const char *path, struct kept *kept)
{
	struct index *index;

	if (kept && access(path, R_OK) == 0)
		return new_types((struct source){ .path = xstrdup(path), .kept = kept });
	index = load(path);
	return index ? new_types((struct source){ .index = index, .kept = kept }) : NULL;
}

void btf_free(struct types *types)
{
	struct index *index = types ? types->source->index : NULL;

	if (!types)
		return;
	if (index) {
		btf__free(index->btf);
		free(index->before);
		free(index);
	}
	free(types->source->path);
	free(types->source);
	free(types);
}

/* What answers what is not kept; NULL: nothing does. */
static const struct index *index_of(const struct types *types)
{
	struct source *source = types->source;

	if (!source->index && source->path) {
		source->index = load(source->path);
		free(source->path);
		source->path = NULL;
	}
	return source->index;
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

static long member_at(const struct index *index, const struct btf_type *structure, const char *path)
{
	const struct btf_type *type = structure;
	long offset = 0;

	for (;;) {
		size_t len = strcspn(path, ".");
		long at = type ? find_member(index->btf, type, path, len, &type, 0) : -1;

		if (at < 0)
			return -1;
		offset += at;
		if (!path[len])
			return offset;
		path += len + 1;
	}
}

static long find_offset(const struct index *index, const char *structure, const char *path)
{
	return member_at(index, find(index, structure, BTF_KIND_STRUCT), path);
}

static long find_bytes(const struct index *index, const char *structure, const char *unused)
{
	const struct btf_type *type = find(index, structure, BTF_KIND_STRUCT);

	(void)unused;
	return type ? (long)type->size : -1;
}

static long find_arguments(const struct index *index, const char *function, const char *unused)
{
	const struct btf_type *type = find(index, function, BTF_KIND_FUNC);
	const struct btf_type *proto = type ? btf__type_by_id(index->btf, type->type) : NULL;

	(void)unused;
	return proto && btf_is_func_proto(proto) ? btf_vlen(proto) : -1;
}

static long find_function(const struct index *index, const char *function, const char *unused)
{
	uint32_t id = find_id(index, function, BTF_KIND_FUNC);

	(void)unused;
	return id ? (long)id : -1;
}

/* The answer that is kept under "NAME", sign and path, or what find() says. */
static long ask(const struct types *types, const char *name, char sign, const char *path,
		long (*find)(const struct index *index, const char *name, const char *path))
{
	char *key = xasprintf("%s%c%s", name, sign, path);
	const struct index *index;
	uint64_t value;
	long answer = -1;

	if (kept_get(types->source->kept, key, &value)) {
		answer = (long)value;
	} else if ((index = index_of(types)) != NULL) {
		answer = find(index, name, path);
		kept_put(types->source->kept, key, (uint64_t)answer);
	}
	free(key);
	return answer;
}

long btf_offset(const struct types *types, const char *structure, const char *path)
{
	return ask(types, structure, '.', path, find_offset);
}

long btf_bytes(const struct types *types, const char *structure)
{
	return ask(types, structure, '#', "", find_bytes);
}

int btf_arguments(const struct types *types, const char *function)
{
	return (int)ask(types, function, '/', "", find_arguments);
}

int btf_function(const struct types *types, const char *function)
{
	return (int)ask(types, function, '@', "", find_function);
}
