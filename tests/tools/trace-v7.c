/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tools/trace-v7.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"

#define PAGE 4096
#define CHUNK (10 * PAGE) /* as trace-cmd */

/* The version 6 file, read whole: it is ours, and this is a test tool. */
struct in {
	const uint8_t *p;
	size_t at;
};

struct out {
	FILE *file;
	const char *zip;
};

static uint64_t num(struct in *in, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, in->p + in->at, size);
	in->at += size;
	return value;
}

static void put_num(struct out *out, uint64_t value, unsigned int size)
{
	fwrite(&value, 1, size, out->file);
}

/* Packed bytes, to be freed; the length comes back through len. */
static void *pack(struct out *out, const void *p, size_t size, size_t *len)
{
	uLongf zlen = compressBound(size);
	size_t bound = ZSTD_compressBound(size);
	void *buf = xcalloc(1, bound > zlen ? bound : zlen);

	if (strcmp(out->zip, "zstd") == 0) {
		*len = ZSTD_compress(buf, bound, p, size, 3);
	} else {
		compress2(buf, &zlen, p, size, 6);
		*len = zlen;
	}
	return buf;
}

static bool packs(const struct out *out)
{
	return strcmp(out->zip, "none") != 0;
}

/* Write one section; returns its offset. */
static uint64_t section(struct out *out, unsigned int id, const void *p, size_t size)
{
	uint64_t offset = (uint64_t)ftello(out->file);
	size_t len = 0;
	void *packed = packs(out) ? pack(out, p, size, &len) : NULL;

	put_num(out, id, 2);
	put_num(out, packed ? 1 : 0, 2);
	put_num(out, 0, 4);
	put_num(out, packed ? len + 8 : size, 8);
	if (packed) {
		put_num(out, len, 4);
		put_num(out, size, 4);
	}
	fwrite(packed ? packed : p, 1, packed ? len : size, out->file);
	free(packed);
	return offset;
}

static void option(FILE *options, unsigned int id, const void *p, uint32_t size)
{
	fwrite(&id, 1, 2, options);
	fwrite(&size, 1, 4, options);
	fwrite(p, 1, size, options);
}

/* Sections that version 6 has one after the other, each announced by an option. */
static void metadata(struct in *in, struct out *out, FILE *options)
{
	size_t start = in->at;
	uint64_t offset, count, events;

	in->at += 12, in->at += num(in, 8);
	in->at += 13, in->at += num(in, 8);
	offset = section(out, 16, in->p + start, in->at - start);
	option(options, 16, &offset, 8);

	start = in->at;
	for (count = num(in, 4); count; count--)
		in->at += num(in, 8);
	offset = section(out, 17, in->p + start, in->at - start);
	option(options, 17, &offset, 8);

	start = in->at;
	for (count = num(in, 4); count; count--) {
		in->at += strlen((const char *)in->p + in->at) + 1;
		for (events = num(in, 4); events; events--)
			in->at += num(in, 8);
	}
	offset = section(out, 18, in->p + start, in->at - start);
	option(options, 18, &offset, 8);

	for (unsigned int id = 19; id <= 21; id++) {
		start = in->at;
		in->at += num(in, id == 21 ? 8 : 4);
		offset = section(out, id, in->p + start, in->at - start);
		option(options, id, &offset, 8);
	}
}

/* The pages of one CPU, in chunks where they are packed. */
static uint64_t pages(struct out *out, const uint8_t *p, uint64_t size)
{
	uint64_t start = (uint64_t)ftello(out->file);

	if (!packs(out)) {
		fwrite(p, 1, size, out->file);
		return size;
	}
	put_num(out, (size + CHUNK - 1) / CHUNK, 4);
	while (size) {
		size_t n = size < CHUNK ? size : CHUNK, len;
		void *packed = pack(out, p, n, &len);

		put_num(out, len, 4);
		put_num(out, n, 4);
		fwrite(packed, 1, len, out->file);
		free(packed);
		p += n;
		size -= n;
	}
	return (uint64_t)ftello(out->file) - start;
}

static void align(struct out *out)
{
	while (ftello(out->file) % PAGE)
		putc(0, out->file);
}

static void buffer(struct in *in, struct out *out, uint32_t ncpus, FILE *options)
{
	uint64_t offset = (uint64_t)ftello(out->file), end;
	uint32_t page_size = PAGE;
	char *text = NULL;
	size_t text_len = 0;
	FILE *desc = open_memstream(&text, &text_len);

	put_num(out, 3, 2);
	put_num(out, packs(out), 2);
	put_num(out, 0, 4);
	put_num(out, 0, 8); /* size, below */
	fwrite(&offset, 1, 8, desc);
	fwrite("\0local", 1, 7, desc);
	fwrite(&page_size, 1, 4, desc);
	fwrite(&ncpus, 1, 4, desc);
	for (uint32_t cpu = 0; cpu < ncpus; cpu++) {
		uint64_t at = num(in, 8), size = num(in, 8);

		align(out);
		end = (uint64_t)ftello(out->file);
		size = size ? pages(out, in->p + at, size) : 0;
		fwrite(&cpu, 1, 4, desc);
		fwrite(&end, 1, 8, desc);
		fwrite(&size, 1, 8, desc);
	}
	fclose(desc);
	end = (uint64_t)ftello(out->file);
	fseeko(out->file, (off_t)offset + 8, SEEK_SET);
	put_num(out, end - offset - 16, 8);
	fseeko(out->file, 0, SEEK_END);
	option(options, 3, text, (uint32_t)text_len);
	free(text);
}

static void convert(struct in *in, struct out *out)
{
	char *text = NULL;
	size_t text_len = 0, options_at;
	FILE *options = open_memstream(&text, &text_len);
	static const uint64_t none;
	uint32_t ncpus;
	uint64_t id, at;

	fwrite(in->p, 1, 10, out->file);
	fwrite("7", 1, 2, out->file);
	fwrite(in->p + 12, 1, 6, out->file); /* endianness, size of long, page size */
	in->at = 18;
	fprintf(out->file, "%s%c%s%c", out->zip, 0, packs(out) ? "1" : "", 0);
	options_at = (size_t)ftello(out->file);
	put_num(out, 0, 8);
	metadata(in, out, options);
	ncpus = (uint32_t)num(in, 4);
	in->at += 10;
	while ((id = num(in, 2)) != 0) {
		uint32_t size = (uint32_t)num(in, 4);

		option(options, (unsigned int)id, in->p + in->at, size);
		in->at += size;
	}
	in->at += 10;
	option(options, 8, &ncpus, 4);
	buffer(in, out, ncpus, options);
	option(options, 0, &none, 8);
	fclose(options);
	at = (uint64_t)ftello(out->file);
	put_num(out, 0, 2); /* an options section is never packed */
	put_num(out, 0, 2);
	put_num(out, 0, 4);
	put_num(out, text_len, 8);
	fwrite(text, 1, text_len, out->file);
	fseeko(out->file, (off_t)options_at, SEEK_SET);
	put_num(out, at, 8);
	free(text);
}

int trace_v7_convert(const char *path, const char *zip, struct err *err)
{
	struct out out = { .zip = zip };
	uint8_t *p = NULL;
	size_t size;
	FILE *in;

	if (strcmp(zip, "none") != 0 && strcmp(zip, "zlib") != 0 && strcmp(zip, "zstd") != 0)
		return err_set(err, EINVAL, "no compression is called '%s'", zip);
	in = fopen(path, "re");
	if (!in || fseeko(in, 0, SEEK_END) < 0)
		return err_sys(err, "cannot read %s", path);
	size = (size_t)ftello(in);
	rewind(in);
	p = xcalloc(1, size + 8);
	if (fread(p, 1, size, in) != size)
		return err_sys(err, "cannot read %s", path);
	fclose(in);
	out.file = fopen(path, "we");
	if (!out.file)
		return err_sys(err, "cannot write %s", path);
	convert(&(struct in){ p, 0 }, &out);
	free(p);
	return fclose(out.file) == 0 ? 0 : err_sys(err, "cannot write %s", path);
}
