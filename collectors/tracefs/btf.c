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

#include "lib/base/xalloc.h"

#define BTF_BYTES_MAX (64u << 20)
#define DEPTH_MAX 8

struct btf *btf_parse(const void *data, size_t len)
{
	libbpf_set_print(NULL); /* a kernel without readable types is no message of libbpf's */
	return len > 0 && len <= BTF_BYTES_MAX ? btf__new(data, (uint32_t)len) : NULL;
}

/* All of the file in memory; NULL when it cannot be read. */
static char *read_all(int fd, size_t size)
{
	char *data = xcalloc(1, size);
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, data + len, size - len)) > 0)
		len += n;
	if (len == size)
		return data;
	free(data);
	return NULL;
}

/* libbpf would read the file; Linux 6.16 can map it, which saves thousands of reads of a page. */
struct btf *btf_load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct btf *btf = NULL;
	struct stat st;
	void *data;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= (off_t)BTF_BYTES_MAX) {
		data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			btf = btf_parse(data, st.st_size);
			munmap(data, st.st_size);
		} else if ((data = read_all(fd, st.st_size)) != NULL) {
			btf = btf_parse(data, st.st_size);
			free(data);
		}
	}
	close(fd);
	return btf;
}

void btf_free(struct btf *btf)
{
	btf__free(btf);
}

static long find_member(const struct btf *btf, const struct btf_type *type, const char *name,
			int depth)
{
	const struct btf_member *members = btf_members(type);

	for (int i = 0; depth <= DEPTH_MAX && i < btf_vlen(type); i++) {
		const char *its = btf__name_by_offset(btf, members[i].name_off);
		uint32_t bit = btf_member_bit_offset(type, i);
		const struct btf_type *inner;
		long at;

		if (btf_member_bitfield_size(type, i) || bit % 8)
			continue;
		if (its && strcmp(its, name) == 0)
			return bit / 8;
		inner = its && *its ? NULL : btf__type_by_id(btf, members[i].type);
		if (!inner || !btf_is_composite(inner))
			continue;
		at = find_member(btf, inner, name, depth + 1);
		if (at >= 0)
			return bit / 8 + at;
	}
	return -1;
}

long btf_offset(const struct btf *btf, const char *structure, const char *member)
{
	int id = btf__find_by_name_kind(btf, structure, BTF_KIND_STRUCT);

	return id > 0 ? find_member(btf, btf__type_by_id(btf, id), member, 0) : -1;
}

int btf_arguments(const struct btf *btf, const char *function)
{
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	const struct btf_type *proto =
		id > 0 ? btf__type_by_id(btf, btf__type_by_id(btf, id)->type) : NULL;

	return proto && btf_is_func_proto(proto) ? btf_vlen(proto) : -1;
}
