/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/kernel/btf.h"
#include "collectors/kernel/kept.h"
#include "lib/base/xalloc.h"
#include "tests/unit/test.h"

/*
 * int; struct inner { int deep; }  (unnamed); struct outer { int first; inner; int bits : 3;
 * int last; } at bytes 0, 8, 12 and 16.  int call(int first, int last).
 */
static const char strings[] = "\0outer\0first\0deep\0bits\0last\0call";
enum { OUTER = 1, FIRST = 7, DEEP = 13, BITS = 18, LAST = 23, CALL = 28 };

static const uint32_t types[] = {
	0,
	1u << 24,
	4,
	32, /* 1: int */
	0,
	4u << 24 | 1,
	4, /* 2: unnamed struct with one member */
	DEEP,
	1,
	32, /* at byte 4 */
	OUTER,
	1u << 31 | 4u << 24 | 4,
	20, /* 3: the struct, with bit fields */
	FIRST,
	1,
	0, /* at byte 0 */
	0,
	2,
	64, /* at byte 8 */
	BITS,
	1,
	3u << 24 | 96,
	LAST,
	1,
	128, /* at byte 16 */
	0,
	13u << 24 | 2,
	1, /* 4: a prototype of two arguments */
	FIRST,
	1,
	LAST,
	1,
	CALL,
	12u << 24,
	4, /* 5: a function of that prototype */
};

struct image {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, type_off, type_len, str_off, str_len;
	uint32_t types[sizeof(types) / 4];
	char strings[sizeof(strings)];
};

static struct image make(void)
{
	struct image image = { .magic = 0xeb9f,
			       .version = 1,
			       .hdr_len = 24,
			       .type_len = sizeof(types),
			       .str_off = sizeof(types),
			       .str_len = sizeof(strings) };

	memcpy(image.types, types, sizeof(types));
	memcpy(image.strings, strings, sizeof(strings));
	return image;
}

static char *path;

static struct types *load_with(const void *data, size_t len, struct kept *kept)
{
	FILE *out = fopen(path, "we");

	check(out && fwrite(data, 1, len, out) == len && fclose(out) == 0);
	return btf_load(path, kept);
}

static struct types *load(const void *data, size_t len)
{
	return load_with(data, len, NULL);
}

/* What is kept is not looked for; what is not is found in the file, and kept. */
static void test_kept(void)
{
	struct kept *kept = kept_open("/nowhere", "boot");
	struct image image = make();
	struct types *btf;
	uint64_t value;

	kept_put(kept, "outer.first", 77);
	btf = load_with(&image, sizeof(image), kept);
	check(btf_offset(btf, "outer", "first") == 77);
	check(btf_offset(btf, "outer", "last") == 16);
	check(btf_offset(btf, "outer", "nothing") == -1);
	check(kept_get(kept, "outer.last", &value) && value == 16);
	check(kept_get(kept, "outer.nothing", &value) && value == UINT64_MAX);
	btf_free(btf);
	/* an answer that is not there because nothing could be read is none to keep */
	btf = load_with("", 0, kept);
	check(btf_offset(btf, "outer", "last") == 16 && btf_bytes(btf, "outer") == -1);
	check(!kept_get(kept, "outer#", &value));
	btf_free(btf);
	unlink(path);
	check(btf_load(path, kept) == NULL);
	kept_free(kept);
}

static void test_offsets(void)
{
	struct image image = make();
	struct types *btf = load(&image, sizeof(image));

	check(btf != NULL);
	check(btf_offset(btf, "outer", "first") == 0);
	check(btf_offset(btf, "outer", "deep") == 8 + 4);
	check(btf_offset(btf, "outer", "last") == 16);
	check(btf_offset(btf, "outer", "bits") == -1);
	check(btf_offset(btf, "outer", "nothing") == -1);
	check(btf_offset(btf, "other", "first") == -1);
	check(btf_offset(btf, "outer", "first.deep") == -1);
	check(btf_bytes(btf, "outer") == 20 && btf_bytes(btf, "other") == -1);
	check(btf_arguments(btf, "call") == 2);
	check(btf_arguments(btf, "outer") == -1 && btf_arguments(btf, "nothing") == -1);
	btf_free(btf);
}

/* Cut anywhere, it is refused or read without a step outside: the sanitizers watch. */
static void test_cut(void)
{
	struct image image = make();
	size_t refused = 0;

	for (size_t len = 0; len < sizeof(image) - 3; len++) {
		void *copy = malloc(len ? len : 1);
		struct types *btf;

		memcpy(copy, &image, len);
		btf = load(copy, len);
		refused += btf == NULL;
		btf_free(btf);
		free(copy);
	}
	check(refused == sizeof(image) - 3);
}

static void test_damaged(void)
{
	struct image image = make();

	image.magic = 0x9feb;
	check(load(&image, sizeof(image)) == NULL);
	image = make();
	image.str_len = 1u << 30;
	check(load(&image, sizeof(image)) == NULL);
	image = make();
	image.types[1] = 4u << 24 | 0xffff; /* more members than there is room for */
	check(load(&image, sizeof(image)) == NULL);
}

int main(void)
{
	char dir[] = "/tmp/ccaio-test-btf.XXXXXX";

	check(mkdtemp(dir) != NULL);
	path = xasprintf("%s/vmlinux", dir);
	test_kept();
	test_offsets();
	test_cut();
	test_damaged();
	unlink(path);
	rmdir(dir);
	free(path);
	return done();
}
