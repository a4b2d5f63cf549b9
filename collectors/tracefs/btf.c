/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/btf.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/xalloc.h"

#define BTF_MAGIC 0xeb9f
#define BTF_BYTES_MAX (64u << 20)
#define DEPTH_MAX 8
#define KNOWN_MAX 8

/* Kinds that carry more than the common 12 bytes, or that are looked at. */
enum {
	KIND_INT = 1,
	KIND_ARRAY = 3,
	KIND_STRUCT = 4,
	KIND_UNION = 5,
	KIND_ENUM = 6,
	KIND_FUNC_PROTO = 13,
	KIND_VAR = 14,
	KIND_DATASEC = 15,
	KIND_DECL_TAG = 17,
	KIND_ENUM64 = 19,
};

struct btf_head {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, type_off, type_len, str_off, str_len;
};

struct btf_type {
	uint32_t name, info, size;
};

struct btf_member {
	uint32_t name, type, offset;
};

struct btf {
	void *owned;   /* freed with it */
	size_t mapped; /* owned is so many bytes of a file; 0: memory */
	const uint8_t *types;
	const char *strings;
	uint32_t strings_len;
	uint32_t *at; /* offset of each type; ids count from 1 */
	uint32_t count;
	/* structures that were asked for, and their ids (0: none); a search goes through all types
	 */
	struct {
		char *name;
		uint32_t id;
	} known[KNOWN_MAX];
	unsigned int nknown;
};

static unsigned int kind_of(const struct btf_type *type)
{
	return type->info >> 24 & 31;
}

static unsigned int vlen_of(const struct btf_type *type)
{
	return type->info & 0xffff;
}

/* Bytes behind the common part. */
static size_t extra(const struct btf_type *type)
{
	switch (kind_of(type)) {
	case KIND_INT:
	case KIND_VAR:
	case KIND_DECL_TAG:
		return 4;
	case KIND_ARRAY:
		return 12;
	case KIND_STRUCT:
	case KIND_UNION:
	case KIND_DATASEC:
	case KIND_ENUM64:
		return 12 * (size_t)vlen_of(type);
	case KIND_ENUM:
	case KIND_FUNC_PROTO:
		return 8 * (size_t)vlen_of(type);
	default:
		return 0;
	}
}

/* Note where each type begins.  Returns false when they do not fit into len. */
static bool index_types(struct btf *btf, uint32_t len)
{
	size_t cap = 0;
	uint32_t pos = 0;

	while (pos < len) {
		struct btf_type type;
		size_t size;

		if (len - pos < sizeof(type))
			return false;
		memcpy(&type, btf->types + pos, sizeof(type));
		size = sizeof(type) + extra(&type);
		if (size > len - pos)
			return false;
		XGROW(btf->at, btf->count, cap);
		btf->at[btf->count++] = pos;
		pos += size;
	}
	return true;
}

struct btf *btf_parse(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	struct btf_head head;
	struct btf *btf;

	if (len < sizeof(head) || len > BTF_BYTES_MAX)
		return NULL;
	memcpy(&head, bytes, sizeof(head));
	if (head.magic != BTF_MAGIC || head.version != 1 || head.hdr_len > len)
		return NULL;
	len -= head.hdr_len;
	if (head.type_off > len || head.type_len > len - head.type_off || head.str_off > len ||
	    head.str_len == 0 || head.str_len > len - head.str_off)
		return NULL;
	btf = xcalloc(1, sizeof(*btf));
	btf->types = bytes + head.hdr_len + head.type_off;
	btf->strings = (const char *)bytes + head.hdr_len + head.str_off;
	btf->strings_len = head.str_len;
	if (btf->strings[btf->strings_len - 1] == '\0' && index_types(btf, head.type_len))
		return btf;
	btf_free(btf);
	return NULL;
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

struct btf *btf_load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t mapped = 0;
	struct btf *btf;
	struct stat st;
	char *data;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > (off_t)BTF_BYTES_MAX) {
		close(fd);
		return NULL;
	}
	/* a read gives no more than a page, of thousands; Linux 6.16 can map the file */
	data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data != MAP_FAILED)
		mapped = st.st_size;
	else
		data = read_all(fd, st.st_size);
	close(fd);
	btf = data ? btf_parse(data, st.st_size) : NULL;
	if (btf) {
		btf->owned = data;
		btf->mapped = mapped;
	} else if (mapped) {
		munmap(data, mapped);
	} else {
		free(data);
	}
	return btf;
}

void btf_free(struct btf *btf)
{
	if (!btf)
		return;
	if (btf->mapped)
		munmap(btf->owned, btf->mapped);
	else
		free(btf->owned);
	for (unsigned int i = 0; i < btf->nknown; i++)
		free(btf->known[i].name);
	free(btf->at);
	free(btf);
}

static const char *string(const struct btf *btf, uint32_t offset)
{
	return offset < btf->strings_len ? btf->strings + offset : "";
}

static bool get_type(const struct btf *btf, uint32_t id, struct btf_type *type)
{
	if (id == 0 || id > btf->count)
		return false;
	memcpy(type, btf->types + btf->at[id - 1], sizeof(*type));
	return true;
}

static long find_member(const struct btf *btf, uint32_t id, const char *name, int depth)
{
	const uint8_t *members = btf->types + btf->at[id - 1] + sizeof(struct btf_type);
	struct btf_type type, inner;

	if (!get_type(btf, id, &type) || depth > DEPTH_MAX)
		return -1;
	for (unsigned int i = 0; i < vlen_of(&type); i++) {
		bool bit_fields = type.info >> 31;
		struct btf_member member;
		const char *its;
		long at;

		memcpy(&member, members + i * sizeof(member), sizeof(member));
		its = string(btf, member.name);
		if (bit_fields && member.offset >> 24)
			continue; /* so many bits wide */
		if (member.offset % 8)
			continue;
		if (strcmp(its, name) == 0)
			return member.offset / 8;
		if (*its || !get_type(btf, member.type, &inner) ||
		    (kind_of(&inner) != KIND_STRUCT && kind_of(&inner) != KIND_UNION))
			continue;
		at = find_member(btf, member.type, name, depth + 1);
		if (at >= 0)
			return member.offset / 8 + at;
	}
	return -1;
}

static uint32_t find_structure(struct btf *btf, const char *name)
{
	struct btf_type type;
	uint32_t id;

	for (unsigned int i = 0; i < btf->nknown; i++)
		if (strcmp(btf->known[i].name, name) == 0)
			return btf->known[i].id;
	for (id = 1; get_type(btf, id, &type); id++)
		if (kind_of(&type) == KIND_STRUCT && strcmp(string(btf, type.name), name) == 0)
			break;
	if (id > btf->count)
		id = 0;
	if (btf->nknown < KNOWN_MAX) {
		btf->known[btf->nknown].name = xstrdup(name);
		btf->known[btf->nknown++].id = id;
	}
	return id;
}

long btf_offset(struct btf *btf, const char *structure, const char *member)
{
	uint32_t id = find_structure(btf, structure);

	return id ? find_member(btf, id, member, 0) : -1;
}
