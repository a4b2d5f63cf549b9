/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat/write.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/tracedat/parts.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

#define COPY_SIZE (1u << 20)
#define MAX_CPUS 8192

struct blob {
	char *p;
	size_t len;
};

struct format {
	char *system;
	struct blob text;
};

struct option {
	uint16_t id;
	struct blob data;
};

struct spool {
	int fd;
	char *path;
	uint64_t size, offset; /* set by finish() */
};

struct tracedat_writer {
	int dir; /* borrowed: that the paths are relative to */
	char *path, *part;
	uint32_t page_size;
	struct spool *spools; /* of the first buffer's CPUs, then of the second's */
	unsigned int ncpus;   /* of one buffer */
	unsigned int nspools;
	char *second; /* name of the second buffer; NULL there is none */
	struct blob header_page, header_event, kallsyms, printk, cmdlines;
	struct format *formats; /* in order of arrival; written by system */
	size_t nformats, formats_cap;
	struct option *options;
	size_t noptions, options_cap;
	int rc; /* first failure */
	struct err failure;
	FILE *out; /* PATH.part */
};

static void blob_set(struct blob *blob, const void *p, size_t len)
{
	free(blob->p);
	blob->p = xcalloc(1, len + 1);
	if (len)
		memcpy(blob->p, p, len);
	blob->len = len;
}

/* Keep the first failure: a recording that failed once is not finished later. */
static int fail(struct tracedat_writer *writer, struct err *err, int rc, const struct err *why)
{
	if (!writer->rc) {
		writer->rc = rc;
		writer->failure = *why;
	}
	if (err)
		*err = writer->failure;
	return writer->rc;
}

static int fail_sys(struct tracedat_writer *writer, struct err *err, const char *path)
{
	struct err why = { "" };
	int rc = err_sys(&why, "cannot write %s", path);

	return fail(writer, err, rc, &why);
}

/* Files for the pages of one more buffer: PATH.KIND0, PATH.KIND1 … */
static int spools_open(struct tracedat_writer *writer, const char *kind, struct err *err)
{
	for (unsigned int cpu = 0; cpu < writer->ncpus; cpu++) {
		struct spool *spool = &writer->spools[writer->nspools];

		spool->path = xasprintf("%s.%s%u", writer->path, kind, cpu);
		unlinkat(writer->dir, spool->path, 0);
		spool->fd = openat(writer->dir, spool->path,
				   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (spool->fd < 0) {
			int rc = err_sys(err, "cannot write %s", spool->path);

			free(spool->path);
			return rc;
		}
		writer->nspools++;
	}
	return 0;
}

struct tracedat_writer *tracedat_writer_open(int dir, const char *path, unsigned int ncpus,
					     uint32_t page_size, struct err *err)
{
	struct tracedat_writer *writer = xcalloc(1, sizeof(*writer));

	writer->dir = dir;
	writer->path = xstrdup(path);
	writer->part = xasprintf("%s.part", path);
	writer->page_size = page_size;
	if (!ncpus || ncpus > MAX_CPUS || !page_size || page_size & (page_size - 1)) {
		err_set(err, EINVAL,
			"cannot write %s: %u CPUs with pages of %u bytes are impossible", path,
			ncpus, page_size);
		goto bad;
	}
	writer->ncpus = ncpus;
	writer->spools = xcalloc(2 * (size_t)ncpus, sizeof(*writer->spools));
	if (spools_open(writer, "cpu", err) == 0)
		return writer;
bad:
	tracedat_writer_close(writer);
	return NULL;
}

int tracedat_writer_second(struct tracedat_writer *writer, const char *name, struct err *err)
{
	if (writer->second)
		return err_set(err, EINVAL, "%s has two buffers already", writer->path);
	writer->second = xstrdup(name);
	return spools_open(writer, "second.cpu", err);
}

void tracedat_writer_close(struct tracedat_writer *writer)
{
	if (!writer)
		return;
	if (writer->out) {
		fclose(writer->out);
		unlinkat(writer->dir, writer->part, 0);
	}
	for (unsigned int i = 0; i < writer->nspools; i++) {
		close(writer->spools[i].fd);
		unlinkat(writer->dir, writer->spools[i].path, 0);
		free(writer->spools[i].path);
	}
	free(writer->second);
	for (size_t i = 0; i < writer->nformats; i++) {
		free(writer->formats[i].system);
		free(writer->formats[i].text.p);
	}
	for (size_t i = 0; i < writer->noptions; i++)
		free(writer->options[i].data.p);
	free(writer->spools);
	free(writer->formats);
	free(writer->options);
	free(writer->header_page.p);
	free(writer->header_event.p);
	free(writer->kallsyms.p);
	free(writer->printk.p);
	free(writer->cmdlines.p);
	free(writer->path);
	free(writer->part);
	free(writer);
}

int tracedat_writer_fd(const struct tracedat_writer *writer, unsigned int cpu)
{
	return cpu < writer->nspools ? writer->spools[cpu].fd : -1;
}

static int write_all(int fd, const char *p, size_t size)
{
	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int tracedat_writer_pages(struct tracedat_writer *writer, unsigned int cpu, const void *pages,
			  size_t size, struct err *err)
{
	struct err why = { "" };

	if (cpu >= writer->nspools)
		return fail(writer, err,
			    err_set(&why, EINVAL, "cannot write %s: it has no CPU %u", writer->path,
				    cpu),
			    &why);
	if (write_all(writer->spools[cpu].fd, pages, size) < 0)
		return fail_sys(writer, err, writer->spools[cpu].path);
	return 0;
}

void tracedat_writer_header(struct tracedat_writer *writer, const char *header_page,
			    size_t page_len, const char *header_event, size_t event_len)
{
	blob_set(&writer->header_page, header_page, page_len);
	blob_set(&writer->header_event, header_event, event_len);
}

void tracedat_writer_format(struct tracedat_writer *writer, const char *system, const char *text,
			    size_t len)
{
	struct format *format;

	XGROW(writer->formats, writer->nformats, writer->formats_cap);
	format = &writer->formats[writer->nformats++];
	*format = (struct format){ .system = xstrdup(system) };
	blob_set(&format->text, text, len);
}

void tracedat_writer_kallsyms(struct tracedat_writer *writer, const char *text, size_t len)
{
	blob_set(&writer->kallsyms, text, len);
}

void tracedat_writer_printk(struct tracedat_writer *writer, const char *text, size_t len)
{
	blob_set(&writer->printk, text, len);
}

void tracedat_writer_cmdlines(struct tracedat_writer *writer, const char *text, size_t len)
{
	blob_set(&writer->cmdlines, text, len);
}

void tracedat_writer_option(struct tracedat_writer *writer, enum tracedat_option option,
			    const void *data, size_t len)
{
	XGROW(writer->options, writer->noptions, writer->options_cap);
	writer->options[writer->noptions] = (struct option){ .id = (uint16_t)option };
	blob_set(&writer->options[writer->noptions++].data, data, len);
}

/* ---- the file; stdio keeps a failed write until it is asked for ---- */

static void put(struct tracedat_writer *writer, const void *p, size_t len)
{
	if (len)
		fwrite(p, 1, len, writer->out);
}

static void put_num(struct tracedat_writer *writer, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		putc((int)(value >> 8 * i & 0xff), writer->out);
}

static void put_blob(struct tracedat_writer *writer, const struct blob *blob, unsigned int size)
{
	put_num(writer, blob->len, size);
	put(writer, blob->p, blob->len);
}

static void put_start(struct tracedat_writer *writer)
{
	put(writer, "\x17\x08\x44tracing6", 12); /* with the NUL behind the version */
	putc(0, writer->out);			 /* little-endian */
	putc(sizeof(long), writer->out);
	put_num(writer, writer->page_size, 4);
	put(writer, "header_page", 12);
	put_blob(writer, &writer->header_page, 8);
	put(writer, "header_event", 13);
	put_blob(writer, &writer->header_event, 8);
}

static uint32_t system_count(const struct tracedat_writer *writer, const char *system)
{
	uint32_t count = 0;

	for (size_t i = 0; i < writer->nformats; i++)
		count += strcmp(writer->formats[i].system, system) == 0;
	return count;
}

static void put_system(struct tracedat_writer *writer, const char *system)
{
	put_num(writer, system_count(writer, system), 4);
	for (size_t i = 0; i < writer->nformats; i++)
		if (strcmp(writer->formats[i].system, system) == 0)
			put_blob(writer, &writer->formats[i].text, 8);
}

/* Is this the first format of its system, and not of ftrace? */
static bool begins_system(const struct tracedat_writer *writer, size_t at)
{
	const char *system = writer->formats[at].system;

	if (strcmp(system, "ftrace") == 0)
		return false;
	for (size_t i = 0; i < at; i++)
		if (strcmp(writer->formats[i].system, system) == 0)
			return false;
	return true;
}

static void put_formats(struct tracedat_writer *writer)
{
	uint32_t systems = 0;

	put_system(writer, "ftrace");
	for (size_t i = 0; i < writer->nformats; i++)
		systems += begins_system(writer, i);
	put_num(writer, systems, 4);
	for (size_t i = 0; i < writer->nformats; i++) {
		const char *system = writer->formats[i].system;

		if (!begins_system(writer, i))
			continue;
		put(writer, system, strlen(system) + 1);
		put_system(writer, system);
	}
}

/* Returns where the second buffer's offset is to be put, -1 where there is none. */
static off_t put_options(struct tracedat_writer *writer)
{
	off_t place = -1;

	put(writer, "options  ", 10);
	for (size_t i = 0; i < writer->noptions; i++) {
		put_num(writer, writer->options[i].id, 2);
		put_blob(writer, &writer->options[i].data, 4);
	}
	if (writer->second) {
		put_num(writer, OPTION_BUFFER, 2);
		put_num(writer, 8 + strlen(writer->second) + 1, 4);
		place = ftello(writer->out);
		put_num(writer, 0, 8);
		put(writer, writer->second, strlen(writer->second) + 1);
	}
	put_num(writer, 0, 2);
	return place;
}

static uint64_t aligned(const struct tracedat_writer *writer, uint64_t at)
{
	uint64_t mask = writer->page_size - 1;

	return (at + mask) & ~mask;
}

/*
 * Where the pages of each CPU of a buffer will lie: page-aligned, behind the table itself.  first:
 * its first spool.  Returns the end of them.
 */
static uint64_t put_table(struct tracedat_writer *writer, unsigned int first)
{
	uint64_t at;

	put(writer, "flyrecord", 10);
	at = (uint64_t)ftello(writer->out) + 16 * (uint64_t)writer->ncpus;
	for (unsigned int cpu = 0; cpu < writer->ncpus; cpu++) {
		struct spool *spool = &writer->spools[first + cpu];

		at = aligned(writer, at);
		spool->offset = at;
		put_num(writer, spool->offset, 8);
		put_num(writer, spool->size, 8);
		at += spool->size;
	}
	return at;
}

/* Behind the pages of the first buffer, which end there.  place: of the option that says so. */
static void put_second(struct tracedat_writer *writer, off_t place, uint64_t end)
{
	end = aligned(writer, end);
	fseeko(writer->out, place, SEEK_SET);
	put_num(writer, end, 8);
	fseeko(writer->out, (off_t)end, SEEK_SET);
	put_table(writer, writer->ncpus);
}

static int copy_plain(int out, int in, uint64_t left)
{
	char *buf = xcalloc(1, COPY_SIZE);
	int rc = 0;

	while (left && !rc) {
		ssize_t n = read(in, buf, left < COPY_SIZE ? left : COPY_SIZE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		rc = n <= 0 ? -1 : write_all(out, buf, (size_t)n);
		left -= n > 0 ? (uint64_t)n : 0;
	}
	free(buf);
	return rc;
}

/* Inside the kernel where the file system can, else by hand. */
static int copy_spool(int out, const struct spool *spool)
{
	uint64_t left = spool->size;

	if (lseek(out, (off_t)spool->offset, SEEK_SET) < 0 || lseek(spool->fd, 0, SEEK_SET) < 0)
		return -1;
	while (left) {
		ssize_t n = copy_file_range(spool->fd, NULL, out, NULL, left, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return copy_plain(out, spool->fd, left);
		left -= (uint64_t)n;
	}
	return 0;
}

static int sizes_find(struct tracedat_writer *writer, struct err *err)
{
	struct stat st;

	for (unsigned int i = 0; i < writer->nspools; i++) {
		if (fstat(writer->spools[i].fd, &st) < 0)
			return fail_sys(writer, err, writer->spools[i].path);
		writer->spools[i].size = (uint64_t)st.st_size;
	}
	return 0;
}

/* The rename is on disk once the folder is. */
static int sync_folder(const struct tracedat_writer *writer)
{
	char *copy = xstrdup(writer->path);
	int fd = openat(writer->dir, dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = -1;

	free(copy);
	if (fd < 0)
		return -1;
	/* some file systems cannot do it for a folder, and say EINVAL */
	if (fsync(fd) == 0 || errno == EINVAL)
		rc = 0;
	close(fd);
	return rc;
}

/* PATH.part, which nobody else has made. */
static FILE *part_open(const struct tracedat_writer *writer)
{
	int fd = openat(writer->dir, writer->part,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !out)
		close(fd);
	return out;
}

static int part_write(struct tracedat_writer *writer)
{
	int fd = fileno(writer->out);
	uint64_t end;
	off_t place;

	put_start(writer);
	put_formats(writer);
	put_blob(writer, &writer->kallsyms, 4);
	put_blob(writer, &writer->printk, 4);
	put_blob(writer, &writer->cmdlines, 8);
	put_num(writer, writer->ncpus, 4);
	place = put_options(writer);
	end = put_table(writer, 0);
	if (place >= 0)
		put_second(writer, place, end);
	if (fflush(writer->out) != 0 || ferror(writer->out))
		return -1;
	for (unsigned int i = 0; i < writer->nspools; i++)
		if (copy_spool(fd, &writer->spools[i]) < 0)
			return -1;
	return fsync(fd);
}

int tracedat_writer_finish(struct tracedat_writer *writer, struct err *err)
{
	FILE *out;
	int rc;

	if (writer->rc)
		return fail(writer, err, writer->rc, &writer->failure);
	rc = sizes_find(writer, err);
	if (rc < 0)
		return rc;
	unlinkat(writer->dir, writer->part, 0);
	writer->out = part_open(writer);
	if (!writer->out || part_write(writer) < 0)
		return fail_sys(writer, err, writer->part);
	out = writer->out;
	writer->out = NULL;
	if (fclose(out) != 0 ||
	    renameat(writer->dir, writer->part, writer->dir, writer->path) < 0) {
		rc = fail_sys(writer, err, writer->path);
		unlinkat(writer->dir, writer->part, 0);
		return rc;
	}
	return sync_folder(writer) < 0 ? fail_sys(writer, err, writer->path) : 0;
}
