/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat/parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/decode/format.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

#define MAX_FORMAT (256u << 10) /* one format text */
#define MAX_CPU 65535		/* struct event numbers CPUs in 16 bits */
#define MAX_BUFFERS 4096
#define MAX_DATA 65536 /* CPUs of all buffers together */
#define MAX_STATS 16384

static int layout_read(struct source *src, const char *text, size_t len)
{
	struct tracedat_layout *layout = &src->file->layout;
	const struct decode_field *time, *commit, *data;
	struct decode_format format;
	int rc = -EBADMSG;

	decode_format_parse_fields(&format, text, len);
	time = decode_format_field(&format, "timestamp");
	commit = decode_format_field(&format, "commit");
	data = decode_format_field(&format, "data");
	if (!time || !commit || !data || time->size != 8 ||
	    (commit->size != 4 && commit->size != 8) || data->offset > 4096 ||
	    data->size > TRACEDAT_MAX_PAGE || time->offset + 8 > data->offset ||
	    commit->offset + commit->size > data->offset)
		goto out;
	*layout = (struct tracedat_layout){ time->offset, commit->offset, commit->size,
					    data->offset, data->size };
	rc = 0;
out:
	decode_format_release(&format);
	return rc ? source_cut(src) : 0;
}

int parts_header(struct source *src)
{
	uint64_t size;
	char *text;

	src->what = "the ring-buffer description (header_page)";
	source_expect(src, "header_page", 12);
	size = source_num(src, 8);
	text = source_text(src, size, TRACEDAT_MAX_TEXT);
	if (text)
		layout_read(src, text, size);
	free(text);
	source_expect(src, "header_event", 13);
	return source_skip(src, source_num(src, 8));
}

static void format_read(struct source *src, const char *system, tracedat_format_fn format,
			void *arg)
{
	uint64_t size = source_num(src, 8);
	char *text = source_text(src, size, MAX_FORMAT);

	if (text)
		format(arg, system, text, size);
	free(text);
}

int parts_ftrace(struct source *src, tracedat_format_fn format, void *arg)
{
	uint64_t count;

	src->what = "the list of ftrace event formats";
	count = source_num(src, 4);
	for (uint64_t i = 0; i < count && !src->rc; i++)
		format_read(src, "ftrace", format, arg);
	return src->rc;
}

int parts_formats(struct source *src, tracedat_format_fn format, void *arg)
{
	uint64_t systems, events;
	char system[TRACEDAT_MAX_NAME];

	src->what = "the list of event formats";
	systems = source_num(src, 4);
	for (uint64_t i = 0; i < systems && !src->rc; i++) {
		source_str(src, system, sizeof(system));
		events = source_num(src, 4);
		for (uint64_t k = 0; k < events && !src->rc; k++)
			format_read(src, system, format, arg);
	}
	return src->rc;
}

#define MAX_SYMBOLS (32u << 20) /* 160,000 symbols are 7 MiB */

int parts_kallsyms(struct source *src)
{
	struct tracedat_file *file = src->file;
	uint64_t size;

	src->what = "the kernel symbol table";
	size = source_num(src, 4);
	free(file->kallsyms);
	file->kallsyms = NULL;
	if (size > MAX_SYMBOLS)
		return source_skip(src, size);
	file->kallsyms = source_text(src, size, MAX_SYMBOLS);
	file->kallsyms_len = file->kallsyms ? size : 0;
	return src->rc;
}

int parts_cmdlines(struct source *src)
{
	struct tracedat_file *file = src->file;
	uint64_t size;

	src->what = "the list of task names";
	size = source_num(src, 8);
	free(file->cmdlines);
	file->cmdlines = source_text(src, size, TRACEDAT_MAX_TEXT);
	file->cmdlines_len = file->cmdlines ? size : 0;
	return src->rc;
}

/* "entries: 5\noverrun: 0\n…": the number after key at the start of a line; 0 without one. */
static uint64_t stat_number(const char *text, const char *key, bool *found)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0)
			return strtoull(line + len, NULL, 10);
	}
	*found = false;
	return 0;
}

/*
 * "CPU: 0\n" and the per_cpu statistics; in files with several buffers a text
 * "\nBuffer: NAME\n\n" stands in front of the texts of each.
 */
static void stat_option(struct tracedat_file *file, const char *text)
{
	struct tracedat_stat *last = file->nstats ? &file->stats[file->nstats - 1] : NULL;
	const char *buffer = strstr(text, "Buffer: ");
	struct tracedat_stat stat = { 0 };
	bool header = false;

	if (buffer) {
		buffer += strlen("Buffer: ");
		stat.buffer = xstrndup(buffer, strcspn(buffer, "\n"));
		header = true;
	} else {
		stat.buffer = xstrdup(last ? last->buffer : "");
	}
	stat.complete = true;
	stat.cpu = header ? UINT32_MAX : (uint32_t)stat_number(text, "CPU: ", &stat.complete);
	stat.overrun = stat_number(text, "overrun: ", &stat.complete);
	stat.commit_overrun = stat_number(text, "commit overrun: ", &stat.complete);
	stat.dropped = stat_number(text, "dropped events: ", &stat.complete);
	stat.has_read = true;
	stat.left = stat_number(text, "entries: ", &stat.has_read);
	stat.read = stat_number(text, "read events: ", &stat.has_read);
	stat.written = stat.left + stat.read;
	if (file->nstats >= MAX_STATS) {
		free(stat.buffer);
		return;
	}
	file->stats = xrealloc(file->stats, file->nstats + 1, sizeof(*file->stats));
	file->stats[file->nstats++] = stat;
}

char *parts_clock(const char *text)
{
	const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;

	if (!close)
		return xstrndup(text, strcspn(text, " \n"));
	return xstrndup(open + 1, (size_t)(close - open - 1));
}

struct tracedat_buffer *parts_buffer(struct source *src)
{
	struct tracedat_file *file = src->file;
	struct tracedat_buffer *buffer;

	if (file->nbuffers >= MAX_BUFFERS) {
		source_cut(src);
		return NULL;
	}
	file->buffers = xrealloc(file->buffers, file->nbuffers + 1, sizeof(*file->buffers));
	buffer = &file->buffers[file->nbuffers++];
	*buffer = (struct tracedat_buffer){ 0 };
	return buffer;
}

int parts_data(struct source *src, struct tracedat_buffer *buffer, uint64_t cpu, uint64_t offset,
	       uint64_t size)
{
	struct tracedat_file *file = src->file;

	if (src->rc)
		return src->rc;
	if (cpu > MAX_CPU)
		return src->rc = err_set(src->err, EBADMSG,
					 "%s names CPU %" PRIu64
					 ", which cannot be; the file is damaged",
					 file->path, cpu);
	if (size && (offset > file->size || size > file->size - offset))
		return src->rc = err_set(
			       src->err, EBADMSG,
			       "%s is cut short: the events of CPU %" PRIu64 " should reach to "
			       "byte %" PRIu64 " but the file ends at %" PRIu64 "; copy it again",
			       file->path, cpu, offset + size, file->size);
	if (file->ndata++ >= MAX_DATA)
		return source_cut(src);
	buffer->data = xrealloc(buffer->data, buffer->ndata + 1, sizeof(*buffer->data));
	buffer->data[buffer->ndata++] = (struct tracedat_data){ (uint32_t)cpu, offset, size };
	return 0;
}

void parts_option(struct tracedat_file *file, unsigned int id, const char *text)
{
	switch (id) {
	case OPTION_CPUSTAT:
		stat_option(file, text);
		break;
	case OPTION_TRACECLOCK:
		free(file->clock);
		file->clock = parts_clock(text);
		break;
	case OPTION_UNAME:
		free(file->uname);
		file->uname = xstrdup(text);
		break;
	case OPTION_VERSION:
		free(file->recorder);
		file->recorder = xstrdup(text);
		break;
	}
}
