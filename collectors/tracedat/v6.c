/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Version 6: one part after the other, instances at the end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/tracedat/parts.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

/* Version 6: where the data of an instance begins; read later by instance_read_v6(). */
struct instance_v6 {
	uint64_t offset;
	char name[TRACEDAT_MAX_NAME];
	uint64_t ncpus; /* 0: as many as the machine */
};

static void buffer_option_v6(struct source *opt, struct instance_v6 **list, size_t *count)
{
	struct instance_v6 inst = { .offset = source_num(opt, 8) };

	source_str(opt, inst.name, sizeof(inst.name));
	if (opt->end - opt->pos >= 4)
		inst.ncpus = source_num(opt, 4);
	if (opt->rc)
		return;
	*list = xrealloc(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = inst;
}

/* "flyrecord" and the table of offsets and sizes, one per CPU. */
static int flyrecord_read(struct source *src, struct tracedat_buffer *buffer, uint64_t ncpus)
{
	src->what = "the table of CPU data";
	for (uint64_t cpu = 0; cpu < ncpus && !src->rc; cpu++) {
		uint64_t offset = source_num(src, 8), size = source_num(src, 8);

		parts_data(src, buffer, cpu, offset, size);
	}
	return src->rc;
}

static int options_read_v6(struct source *src, struct instance_v6 **list, size_t *count)
{
	src->what = "the list of options";
	while (!src->rc) {
		struct source opt = *src;
		uint64_t id = source_num(src, 2), size;

		if (src->rc || id == OPTION_DONE)
			break;
		size = source_num(src, 4);
		opt.pos = src->pos;
		if (source_skip(src, size) < 0)
			break;
		opt.end = src->pos;
		if (id == OPTION_BUFFER) {
			buffer_option_v6(&opt, list, count);
		} else {
			char *text = source_text(&opt, size, TRACEDAT_MAX_TEXT);

			if (text)
				parts_option(src->file, (unsigned int)id, text);
			free(text);
		}
		src->rc = opt.rc;
	}
	return src->rc;
}

static uint32_t page_size_v6(const struct tracedat_file *file)
{
	/* header_page knows the sub-buffers; the file header only knows the machine's pages */
	return file->layout.data_off + file->layout.data_size;
}

static int buffer_read_v6(struct source *src, const char *name, uint64_t ncpus)
{
	struct tracedat_buffer *buffer;
	char kind[10];

	src->what = "the header of the CPU data";
	source_get(src, kind, sizeof(kind));
	if (src->rc)
		return src->rc;
	if (memcmp(kind, "latency  ", 10) == 0)
		return src->rc =
			       err_set(src->err, ENOTSUP,
				       "%s holds the text of a latency tracer, not events; record "
				       "with trace-cmd record -e swiotlb -e dma",
				       src->file->path);
	if (memcmp(kind, "flyrecord", 10) != 0)
		return source_cut(src);
	buffer = parts_buffer(src);
	if (!buffer)
		return src->rc;
	buffer->name = xstrdup(name);
	buffer->page_size = page_size_v6(src->file);
	return flyrecord_read(src, buffer, ncpus);
}

int tracedat_read_v6(struct source *src, tracedat_format_fn format, void *arg)
{
	struct instance_v6 *instances = NULL;
	size_t ninstances = 0;
	uint64_t ncpus;
	char kind[10];

	parts_header(src);
	parts_ftrace(src, format, arg);
	parts_formats(src, format, arg);
	parts_kallsyms(src);
	src->what = "the list of printk formats";
	source_skip(src, source_num(src, 4));
	parts_cmdlines(src);
	src->what = "the number of CPUs";
	ncpus = source_num(src, 4);
	source_get(src, kind, sizeof(kind));
	if (!src->rc && memcmp(kind, "options  ", 10) == 0)
		options_read_v6(src, &instances, &ninstances);
	else
		src->pos -= src->rc ? 0 : sizeof(kind);
	if (!src->rc)
		buffer_read_v6(src, "", ncpus);
	for (size_t i = 0; i < ninstances && !src->rc; i++) {
		struct instance_v6 *inst = &instances[i];

		/* The top-level buffer is listed, too; it has been read. */
		if (!*inst->name)
			continue;
		if (inst->offset > src->file->size) {
			source_cut(src);
			break;
		}
		src->pos = inst->offset;
		buffer_read_v6(src, inst->name, inst->ncpus ? inst->ncpus : ncpus);
	}
	free(instances);
	return src->rc;
}
