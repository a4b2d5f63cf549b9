/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Version 7: sections anywhere in the file, found through options. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/tracedat/parts.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

/* Unpacked; all event formats of a kernel are 3 MiB.  Real files stay far below. */
#define MAX_SECTION (64u << 20)
#define MAX_OPTION_CHAIN 1000 /* option sections */

enum {
	SECTION_OPTIONS = 0,
	SECTION_BUFFER = 3,
	SECTION_FLAG_COMPRESSED = 1,
};

static void buffer_option_v7(struct source *opt)
{
	struct tracedat_file *file = opt->file;
	struct source head = { .file = file,
			       .end = file->size,
			       .err = opt->err,
			       .what = "the header of a buffer section" };
	struct tracedat_buffer *buffer;
	char name[TRACEDAT_MAX_NAME], clock[TRACEDAT_MAX_NAME];
	uint64_t offset, cpus, page_size;

	offset = source_num(opt, 8);
	source_str(opt, name, sizeof(name));
	source_str(opt, clock, sizeof(clock));
	page_size = source_num(opt, 4);
	cpus = source_num(opt, 4);
	if (opt->rc)
		return;
	if (page_size > TRACEDAT_MAX_PAGE || offset > file->size) {
		source_cut(opt);
		return;
	}
	head.pos = offset;
	if (source_num(&head, 2) != SECTION_BUFFER)
		source_cut(&head);
	buffer = parts_buffer(opt);
	if (!buffer)
		return;
	buffer->compressed = source_num(&head, 2) & SECTION_FLAG_COMPRESSED;
	buffer->name = xstrdup(name);
	buffer->clock = *clock ? parts_clock(clock) : NULL;
	buffer->page_size = (uint32_t)page_size;
	opt->rc = head.rc;
	for (uint64_t i = 0; i < cpus && !opt->rc; i++) {
		uint64_t cpu = source_num(opt, 4), at = source_num(opt, 8),
			 size = source_num(opt, 8);

		parts_data(opt, buffer, cpu, at, size);
	}
}

/*
 * Make the section at offset a source, unpacked into *mem (to be freed) where
 * it is compressed.
 */
static int section_open(struct source *sec, uint8_t **mem, struct source *parent, uint64_t offset,
			unsigned int id)
{
	struct tracedat_file *file = parent->file;
	struct tracedat_unzip zip = { .kind = file->zip };
	uint64_t flags, packed, size;
	uint8_t *in;

	*mem = NULL;
	*sec = (struct source){ .file = file,
				.end = file->size,
				.what = "the header of a section",
				.err = parent->err,
				.rc = parent->rc };
	if (sec->rc)
		return sec->rc;
	if (offset > file->size)
		return source_cut(sec);
	sec->pos = offset;
	if (source_num(sec, 2) != id)
		source_cut(sec);
	flags = source_num(sec, 2);
	source_num(sec, 4); /* its description in the string section */
	size = source_num(sec, 8);
	if (!sec->rc && size > sec->end - sec->pos)
		source_cut(sec);
	if (sec->rc)
		return sec->rc;
	sec->end = sec->pos + size;
	if (!(flags & SECTION_FLAG_COMPRESSED))
		return 0;

	packed = source_num(sec, 4);
	size = source_num(sec, 4);
	if (sec->rc)
		return sec->rc;
	/* zlib reaches 1:1032 and text less: what claims more is not a section of trace-cmd's */
	if (packed > sec->end - sec->pos || size > MAX_SECTION || size / 1100 > packed)
		return source_cut(sec);
	in = (uint8_t *)source_text(sec, packed, packed);
	if (!in)
		return sec->rc;
	*mem = xcalloc(1, size + 1);
	if (tracedat_unzip(&zip, *mem, size, in, packed) < 0) {
		sec->what = "a compressed section";
		source_cut(sec);
	}
	tracedat_unzip_release(&zip);
	free(in);
	sec->mem = *mem;
	sec->pos = 0;
	sec->end = size;
	return sec->rc;
}

static int section_read(struct source *src, unsigned int id, uint64_t offset,
			tracedat_format_fn format, void *arg)
{
	uint32_t bit = UINT32_C(1) << id;
	struct source sec;
	uint8_t *mem;

	/* each stands in a file once; unpacking one again and again would take for ever */
	if (src->file->sections & bit)
		return source_cut(src);
	src->file->sections |= bit;
	section_open(&sec, &mem, src, offset, id);
	if (!sec.rc) {
		switch (id) {
		case OPTION_HEADER_INFO:
			parts_header(&sec);
			break;
		case OPTION_FTRACE_EVENTS:
			parts_ftrace(&sec, format, arg);
			break;
		case OPTION_EVENT_FORMATS:
			parts_formats(&sec, format, arg);
			break;
		case OPTION_KALLSYMS:
			parts_kallsyms(&sec);
			break;
		case OPTION_CMDLINES:
			parts_cmdlines(&sec);
			break;
		}
	}
	free(mem);
	return src->rc = sec.rc;
}

/* One option: sections are read where their option is met. */
static void option_read_v7(struct source *opt, unsigned int id, uint64_t size,
			   tracedat_format_fn format, void *arg)
{
	char *text;

	switch (id) {
	case OPTION_HEADER_INFO:
	case OPTION_FTRACE_EVENTS:
	case OPTION_EVENT_FORMATS:
	case OPTION_KALLSYMS:
	case OPTION_CMDLINES:
		section_read(opt, id, source_num(opt, 8), format, arg);
		break;
	case OPTION_BUFFER:
		buffer_option_v7(opt);
		break;
	default:
		text = source_text(opt, size, TRACEDAT_MAX_TEXT);
		if (text)
			parts_option(opt->file, id, text);
		free(text);
	}
}

/* Returns the offset of the next options section through next, 0 at the last one. */
static int options_read_v7(struct source *src, uint64_t offset, uint64_t *next,
			   tracedat_format_fn format, void *arg)
{
	struct source sec;
	uint8_t *mem;

	*next = 0;
	section_open(&sec, &mem, src, offset, SECTION_OPTIONS);
	while (!sec.rc) {
		uint64_t id = source_num(&sec, 2), size = source_num(&sec, 4);
		struct source opt = sec;

		sec.what = "the list of options";
		if (source_skip(&sec, size) < 0)
			break;
		opt.end = sec.pos;
		opt.what = "an option";
		if (id == OPTION_DONE) {
			*next = source_num(&opt, 8);
			sec.rc = opt.rc;
			break;
		}
		option_read_v7(&opt, (unsigned int)id, size, format, arg);
		sec.rc = opt.rc;
	}
	free(mem);
	return src->rc = sec.rc;
}

int tracedat_read_v7(struct source *src, tracedat_format_fn format, void *arg)
{
	struct tracedat_file *file = src->file;
	char zip[TRACEDAT_MAX_NAME], zip_version[TRACEDAT_MAX_NAME];
	uint64_t offset;
	int chain = 0;

	src->what = "the name of the compression";
	source_str(src, zip, sizeof(zip));
	source_str(src, zip_version, sizeof(zip_version));
	offset = source_num(src, 8);
	if (src->rc)
		return src->rc;
	file->zip = tracedat_zip_find(zip);
	if (file->zip == TRACEDAT_ZIP_UNKNOWN)
		return err_set(
			src->err, ENOTSUP,
			"%s is compressed with '%.20s', which ccaio cannot read; record with "
			"trace-cmd record --compression zstd, zlib or none",
			file->path, zip);
	while (offset && !src->rc) {
		if (++chain > MAX_OPTION_CHAIN)
			return source_cut(src);
		options_read_v7(src, offset, &offset, format, arg);
	}
	return src->rc;
}
