/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat-file.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/decode-format.h"
#include "lib/err.h"
#include "lib/xalloc.h"

/* Bounds for what is held in memory at once; real files stay far below. */
#define MAX_SECTION                                                                              \
	(64u << 20)		/* one unpacked section: all event formats of a kernel are 3 MiB \
				 */
#define MAX_FORMAT (256u << 10) /* one format text */
#define MAX_TEXT (8u << 20)	/* header_page, saved_cmdlines, one option */
#define MAX_NAME 256
#define MAX_CPU 65535	      /* struct event numbers CPUs in 16 bits */
#define MAX_PAGE (16u << 20)  /* sub-buffer size */
#define MAX_OPTION_CHAIN 1000 /* option sections of version 7 */

/* Sections and options by number: trace-cmd.dat.v7(5). */
enum {
	SECTION_OPTIONS = 0,
	SECTION_BUFFER = 3,
	SECTION_FLAG_COMPRESSED = 1,

	OPTION_DONE = 0,
	OPTION_CPUSTAT = 2,
	OPTION_BUFFER = 3,
	OPTION_TRACECLOCK = 4,
	OPTION_UNAME = 5,
	OPTION_VERSION = 9,
	OPTION_HEADER_INFO = 16,
	OPTION_FTRACE_EVENTS = 17,
	OPTION_EVENT_FORMATS = 18,
	OPTION_CMDLINES = 21,
};

/*
 * A place to read from in order: a range of the file, or an unpacked section.
 * The first failure is kept and every later read fails with it.
 */
struct source {
	struct tracedat_file *file;
	const uint8_t *mem; /* NULL: the file itself */
	uint64_t pos, end;
	const char *what; /* what is being read, for messages */
	int rc;
	struct err *err;
};

static int source_cut(struct source *src)
{
	if (!src->rc)
		src->rc = err_set(src->err, EBADMSG,
				  "%s: %s is cut short or damaged at offset %" PRIu64
				  "; record it again or copy the file again",
				  src->file->path, src->what, src->pos);
	return src->rc;
}

int tracedat_file_pread(const struct tracedat_file *file, void *buf, size_t size, uint64_t offset,
			struct err *err)
{
	char *p = buf;

	while (size) {
		ssize_t n = pread(file->fd, p, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read %s", file->path);
		if (n == 0)
			return err_set(err, EBADMSG, "%s became shorter while it was read",
				       file->path);
		p += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

static int get(struct source *src, void *buf, uint64_t size)
{
	if (src->rc)
		return src->rc;
	if (size > src->end - src->pos)
		return source_cut(src);
	if (src->mem)
		memcpy(buf, src->mem + src->pos, size);
	else
		src->rc = tracedat_file_pread(src->file, buf, size, src->pos, src->err);
	src->pos += size;
	return src->rc;
}

static int skip(struct source *src, uint64_t size)
{
	if (src->rc)
		return src->rc;
	if (size > src->end - src->pos)
		return source_cut(src);
	src->pos += size;
	return 0;
}

/* Little-endian number of size bytes; 0 after a failure. */
static uint64_t get_num(struct source *src, unsigned int size)
{
	uint8_t bytes[8] = { 0 };
	uint64_t value = 0;

	if (get(src, bytes, size) < 0)
		return 0;
	for (unsigned int i = size; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

/* NUL-terminated string of fewer than size bytes into buf. */
static int get_str(struct source *src, char *buf, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (get(src, &buf[i], 1) < 0)
			return src->rc;
		if (!buf[i])
			return 0;
	}
	return source_cut(src);
}

/* The next size bytes, with a NUL behind them; NULL after a failure.  To be freed. */
static char *get_text(struct source *src, uint64_t size, uint64_t max)
{
	char *text;

	if (src->rc)
		return NULL;
	if (size > max || size > src->end - src->pos) {
		source_cut(src);
		return NULL;
	}
	text = xcalloc(1, size + 1);
	if (get(src, text, size) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int expect(struct source *src, const char *word, size_t size)
{
	char buf[16];

	if (get(src, buf, size) < 0)
		return src->rc;
	return memcmp(buf, word, size) == 0 ? 0 : source_cut(src);
}

/* ---- metadata that both versions share ---- */

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
	    data->size > MAX_PAGE || time->offset + 8 > data->offset ||
	    commit->offset + commit->size > data->offset)
		goto out;
	*layout = (struct tracedat_layout){ time->offset, commit->offset, commit->size,
					    data->offset, data->size };
	rc = 0;
out:
	decode_format_release(&format);
	return rc ? source_cut(src) : 0;
}

static int header_read(struct source *src)
{
	uint64_t size;
	char *text;

	src->what = "the ring-buffer description (header_page)";
	expect(src, "header_page", 12);
	size = get_num(src, 8);
	text = get_text(src, size, MAX_TEXT);
	if (text)
		layout_read(src, text, size);
	free(text);
	expect(src, "header_event", 13);
	return skip(src, get_num(src, 8));
}

static void format_read(struct source *src, const char *system, tracedat_format_fn format,
			void *arg)
{
	uint64_t size = get_num(src, 8);
	char *text = get_text(src, size, MAX_FORMAT);

	if (text)
		format(arg, system, text, size);
	free(text);
}

static int ftrace_read(struct source *src, tracedat_format_fn format, void *arg)
{
	uint64_t count;

	src->what = "the list of ftrace event formats";
	count = get_num(src, 4);
	for (uint64_t i = 0; i < count && !src->rc; i++)
		format_read(src, "ftrace", format, arg);
	return src->rc;
}

static int formats_read(struct source *src, tracedat_format_fn format, void *arg)
{
	uint64_t systems, events;
	char system[MAX_NAME];

	src->what = "the list of event formats";
	systems = get_num(src, 4);
	for (uint64_t i = 0; i < systems && !src->rc; i++) {
		get_str(src, system, sizeof(system));
		events = get_num(src, 4);
		for (uint64_t k = 0; k < events && !src->rc; k++)
			format_read(src, system, format, arg);
	}
	return src->rc;
}

static int cmdlines_read(struct source *src)
{
	struct tracedat_file *file = src->file;
	uint64_t size;

	src->what = "the list of task names";
	size = get_num(src, 8);
	free(file->cmdlines);
	file->cmdlines = get_text(src, size, MAX_TEXT);
	file->cmdlines_len = file->cmdlines ? size : 0;
	return src->rc;
}

/* ---- options ---- */

/* "entries: 5\noverrun: 0\n…": the number after key at the start of a line. */
static uint64_t stat_number(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0)
			return strtoull(line + len, NULL, 10);
	}
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
	stat.cpu = header ? UINT32_MAX : (uint32_t)stat_number(text, "CPU: ");
	stat.overrun = stat_number(text, "overrun: ");
	stat.commit_overrun = stat_number(text, "commit overrun: ");
	stat.dropped = stat_number(text, "dropped events: ");
	file->stats = xrealloc(file->stats, file->nstats + 1, sizeof(*file->stats));
	file->stats[file->nstats++] = stat;
}

/* "[local] global counter": the word in brackets; of a text without, all of it. */
static char *chosen_clock(const char *text)
{
	const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;

	if (!close)
		return xstrndup(text, strcspn(text, " \n"));
	return xstrndup(open + 1, (size_t)(close - open - 1));
}

static struct tracedat_buffer *buffer_add(struct tracedat_file *file)
{
	struct tracedat_buffer *buffer;

	file->buffers = xrealloc(file->buffers, file->nbuffers + 1, sizeof(*file->buffers));
	buffer = &file->buffers[file->nbuffers++];
	*buffer = (struct tracedat_buffer){ 0 };
	return buffer;
}

/* Remember where a CPU's pages lie, having checked that the file reaches that far. */
static int data_add(struct source *src, struct tracedat_buffer *buffer, uint64_t cpu,
		    uint64_t offset, uint64_t size)
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
	buffer->data = xrealloc(buffer->data, buffer->ndata + 1, sizeof(*buffer->data));
	buffer->data[buffer->ndata++] = (struct tracedat_data){ (uint32_t)cpu, offset, size };
	return 0;
}

/* Version 6: where the data of an instance begins; read later by instance_read_v6(). */
struct instance_v6 {
	uint64_t offset;
	char name[MAX_NAME];
	uint64_t ncpus; /* 0: as many as the machine */
};

static void buffer_option_v6(struct source *opt, struct instance_v6 **list, size_t *count)
{
	struct instance_v6 inst = { .offset = get_num(opt, 8) };

	get_str(opt, inst.name, sizeof(inst.name));
	if (opt->end - opt->pos >= 4)
		inst.ncpus = get_num(opt, 4);
	if (opt->rc)
		return;
	*list = xrealloc(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = inst;
}

static void buffer_option_v7(struct source *opt)
{
	struct tracedat_file *file = opt->file;
	struct source head = { .file = file,
			       .end = file->size,
			       .err = opt->err,
			       .what = "the header of a buffer section" };
	struct tracedat_buffer *buffer;
	char name[MAX_NAME], clock[MAX_NAME];
	uint64_t offset, cpus, page_size;

	offset = get_num(opt, 8);
	get_str(opt, name, sizeof(name));
	get_str(opt, clock, sizeof(clock));
	page_size = get_num(opt, 4);
	cpus = get_num(opt, 4);
	if (opt->rc)
		return;
	if (page_size > MAX_PAGE || offset > file->size) {
		source_cut(opt);
		return;
	}
	head.pos = offset;
	if (get_num(&head, 2) != SECTION_BUFFER)
		source_cut(&head);
	buffer = buffer_add(file);
	buffer->compressed = get_num(&head, 2) & SECTION_FLAG_COMPRESSED;
	buffer->name = xstrdup(name);
	buffer->clock = *clock ? chosen_clock(clock) : NULL;
	buffer->page_size = (uint32_t)page_size;
	opt->rc = head.rc;
	for (uint64_t i = 0; i < cpus && !opt->rc; i++) {
		uint64_t cpu = get_num(opt, 4), at = get_num(opt, 8), size = get_num(opt, 8);

		data_add(opt, buffer, cpu, at, size);
	}
}

static void text_option(struct tracedat_file *file, unsigned int id, const char *text)
{
	switch (id) {
	case OPTION_CPUSTAT:
		stat_option(file, text);
		break;
	case OPTION_TRACECLOCK:
		free(file->clock);
		file->clock = chosen_clock(text);
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

/* ---- version 6: one sequence of parts ---- */

/* "flyrecord" and the table of offsets and sizes, one per CPU. */
static int flyrecord_read(struct source *src, struct tracedat_buffer *buffer, uint64_t ncpus)
{
	src->what = "the table of CPU data";
	for (uint64_t cpu = 0; cpu < ncpus && !src->rc; cpu++) {
		uint64_t offset = get_num(src, 8), size = get_num(src, 8);

		data_add(src, buffer, cpu, offset, size);
	}
	return src->rc;
}

static int options_read_v6(struct source *src, struct instance_v6 **list, size_t *count)
{
	src->what = "the list of options";
	while (!src->rc) {
		struct source opt = *src;
		uint64_t id = get_num(src, 2), size;

		if (src->rc || id == OPTION_DONE)
			break;
		size = get_num(src, 4);
		opt.pos = src->pos;
		if (skip(src, size) < 0)
			break;
		opt.end = src->pos;
		if (id == OPTION_BUFFER) {
			buffer_option_v6(&opt, list, count);
		} else {
			char *text = get_text(&opt, size, MAX_TEXT);

			if (text)
				text_option(src->file, (unsigned int)id, text);
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
	get(src, kind, sizeof(kind));
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
	buffer = buffer_add(src->file);
	buffer->name = xstrdup(name);
	buffer->page_size = page_size_v6(src->file);
	return flyrecord_read(src, buffer, ncpus);
}

static int file_read_v6(struct source *src, tracedat_format_fn format, void *arg)
{
	struct instance_v6 *instances = NULL;
	size_t ninstances = 0;
	uint64_t ncpus;
	char kind[10];

	header_read(src);
	ftrace_read(src, format, arg);
	formats_read(src, format, arg);
	src->what = "the kernel symbol table";
	skip(src, get_num(src, 4));
	src->what = "the list of printk formats";
	skip(src, get_num(src, 4));
	cmdlines_read(src);
	src->what = "the number of CPUs";
	ncpus = get_num(src, 4);
	get(src, kind, sizeof(kind));
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

/* ---- version 7: sections, found through options ---- */

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
	if (get_num(sec, 2) != id)
		source_cut(sec);
	flags = get_num(sec, 2);
	get_num(sec, 4); /* its description in the string section */
	size = get_num(sec, 8);
	if (!sec->rc && size > sec->end - sec->pos)
		source_cut(sec);
	if (sec->rc)
		return sec->rc;
	sec->end = sec->pos + size;
	if (!(flags & SECTION_FLAG_COMPRESSED))
		return 0;

	packed = get_num(sec, 4);
	size = get_num(sec, 4);
	if (sec->rc)
		return sec->rc;
	/* zlib reaches 1:1032 and text less: what claims more is not a section of trace-cmd's */
	if (packed > sec->end - sec->pos || size > MAX_SECTION || size / 1100 > packed)
		return source_cut(sec);
	in = (uint8_t *)get_text(sec, packed, packed);
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
	struct source sec;
	uint8_t *mem;

	section_open(&sec, &mem, src, offset, id);
	if (!sec.rc) {
		switch (id) {
		case OPTION_HEADER_INFO:
			header_read(&sec);
			break;
		case OPTION_FTRACE_EVENTS:
			ftrace_read(&sec, format, arg);
			break;
		case OPTION_EVENT_FORMATS:
			formats_read(&sec, format, arg);
			break;
		case OPTION_CMDLINES:
			cmdlines_read(&sec);
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
	case OPTION_CMDLINES:
		section_read(opt, id, get_num(opt, 8), format, arg);
		break;
	case OPTION_BUFFER:
		buffer_option_v7(opt);
		break;
	default:
		text = get_text(opt, size, MAX_TEXT);
		if (text)
			text_option(opt->file, id, text);
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
		uint64_t id = get_num(&sec, 2), size = get_num(&sec, 4);
		struct source opt = sec;

		sec.what = "the list of options";
		if (skip(&sec, size) < 0)
			break;
		opt.end = sec.pos;
		opt.what = "an option";
		if (id == OPTION_DONE) {
			*next = get_num(&opt, 8);
			sec.rc = opt.rc;
			break;
		}
		option_read_v7(&opt, (unsigned int)id, size, format, arg);
		sec.rc = opt.rc;
	}
	free(mem);
	return src->rc = sec.rc;
}

static int file_read_v7(struct source *src, tracedat_format_fn format, void *arg)
{
	struct tracedat_file *file = src->file;
	char zip[MAX_NAME], zip_version[MAX_NAME];
	uint64_t offset;
	int chain = 0;

	src->what = "the name of the compression";
	get_str(src, zip, sizeof(zip));
	get_str(src, zip_version, sizeof(zip_version));
	offset = get_num(src, 8);
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

/* ---- the beginning ---- */

static int magic_read(struct source *src)
{
	static const char magic[] = "\x17\x08\x44tracing";
	struct tracedat_file *file = src->file;
	char start[10], version[16];
	uint64_t endian;

	src->what = "the file header";
	if (file->size < sizeof(start) || get(src, start, sizeof(start)) < 0 ||
	    memcmp(start, magic, sizeof(start)) != 0)
		return src->rc = err_set(
			       src->err, EBADMSG,
			       "%s is not a trace.dat: it does not begin as trace-cmd's files do",
			       file->path);
	if (get_str(src, version, sizeof(version)) < 0)
		return src->rc;
	if (strcmp(version, "6") != 0 && strcmp(version, "7") != 0)
		return src->rc = err_set(
			       src->err, ENOTSUP,
			       "%s has version %.15s of the trace.dat format; ccaio reads 6 and 7",
			       file->path, version);
	file->version = (unsigned int)(version[0] - '0');
	endian = get_num(src, 1);
	if (!src->rc && endian == 1)
		return src->rc = err_set(
			       src->err, ENOTSUP,
			       "%s was recorded on a big-endian machine, which ccaio does not read",
			       file->path);
	file->long_size = (unsigned int)get_num(src, 1);
	file->page_size = (uint32_t)get_num(src, 4);
	if (!src->rc && (endian > 1 || (file->long_size != 4 && file->long_size != 8)))
		return source_cut(src);
	return src->rc;
}

/* What every reader relies on, whatever the version. */
static int file_check(const struct tracedat_file *file, struct err *err)
{
	if (!file->layout.data_size)
		return err_set(err, EBADMSG,
			       "%s does not describe its ring-buffer pages; record it again",
			       file->path);
	if (!file->nbuffers)
		return err_set(err, EBADMSG,
			       "%s holds no ring buffer: the recording was not finished",
			       file->path);
	for (size_t i = 0; i < file->nbuffers; i++) {
		const struct tracedat_buffer *buffer = &file->buffers[i];

		if (buffer->page_size <= file->layout.data_off || buffer->page_size > MAX_PAGE)
			return err_set(err, EBADMSG,
				       "%s gives %u bytes as the size of a page, which "
				       "cannot be; the file is damaged",
				       file->path, buffer->page_size);
	}
	return 0;
}

int tracedat_file_read(struct tracedat_file *file, int fd, const char *path,
		       tracedat_format_fn format, void *arg, struct err *err)
{
	struct source src = { .file = file, .err = err };
	struct stat st;

	*file = (struct tracedat_file){ .fd = fd, .path = xstrdup(path) };
	if (fstat(fd, &st) < 0)
		return err_sys(err, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s is not a file; give a trace.dat", path);
	file->size = (uint64_t)st.st_size;
	src.end = file->size;
	if (magic_read(&src) < 0)
		return src.rc;
	if (file->version == 6)
		file_read_v6(&src, format, arg);
	else
		src.rc = file_read_v7(&src, format, arg);
	return src.rc ? src.rc : file_check(file, err);
}

void tracedat_file_release(struct tracedat_file *file)
{
	for (size_t i = 0; i < file->nbuffers; i++) {
		free(file->buffers[i].name);
		free(file->buffers[i].clock);
		free(file->buffers[i].data);
	}
	for (size_t i = 0; i < file->nstats; i++)
		free(file->stats[i].buffer);
	free(file->buffers);
	free(file->stats);
	free(file->path);
	free(file->recorder);
	free(file->uname);
	free(file->clock);
	free(file->cmdlines);
	memset(file, 0, sizeof(*file));
	file->fd = -1;
}
