/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracedat/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/tracedat/parts.h"
#include "collectors/tracedat/source.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

int tracedat_file_pread(const struct tracedat_file *file, void *buf, size_t size, uint64_t offset,
			struct err *err)
{
	char *p = buf;

	while (size) {
		ssize_t n = pread(file->fd, p, size, (off_t)(file->at + offset));

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

static int magic_read(struct source *src)
{
	static const char magic[] = "\x17\x08\x44tracing";
	struct tracedat_file *file = src->file;
	char start[10], version[16];
	uint64_t endian;

	src->what = "the file header";
	if (file->size < sizeof(start) || source_get(src, start, sizeof(start)) < 0 ||
	    memcmp(start, magic, sizeof(start)) != 0)
		return src->rc = err_set(
			       src->err, EBADMSG,
			       "%s is not a trace.dat: it does not begin as trace-cmd's files do",
			       file->path);
	if (source_str(src, version, sizeof(version)) < 0)
		return src->rc;
	if (strcmp(version, "6") != 0 && strcmp(version, "7") != 0)
		return src->rc = err_set(
			       src->err, ENOTSUP,
			       "%s has version %.15s of the trace.dat format; ccaio reads 6 and 7",
			       file->path, version);
	file->version = (unsigned int)(version[0] - '0');
	endian = source_num(src, 1);
	if (!src->rc && endian == 1)
		return src->rc = err_set(
			       src->err, ENOTSUP,
			       "%s was recorded on a big-endian machine, which ccaio does not read",
			       file->path);
	file->long_size = (unsigned int)source_num(src, 1);
	file->page_size = (uint32_t)source_num(src, 4);
	if (!src->rc && (endian > 1 || (file->long_size != 4 && file->long_size != 8)))
		return source_cut(src);
	return src->rc;
}

static int by_offset(const void *a, const void *b)
{
	const struct tracedat_data *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Events that come twice look like faults: no CPU's data is another's, too. */
static int check_once(const struct tracedat_file *file, struct err *err)
{
	struct tracedat_data *all = xcalloc(file->ndata + 1, sizeof(*all));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < file->nbuffers; i++) {
		const struct tracedat_buffer *buffer = &file->buffers[i];

		for (size_t k = 0; k < buffer->ndata; k++)
			if (buffer->data[k].size)
				all[n++] = buffer->data[k];
	}
	qsort(all, n, sizeof(*all), by_offset);
	for (size_t k = 1; k < n && !rc; k++)
		if (all[k].offset - all[k - 1].offset < all[k - 1].size)
			rc = err_set(err, EBADMSG,
				     "%s has the events of CPU %u and CPU %u in one place; the "
				     "file is damaged",
				     file->path, all[k - 1].cpu, all[k].cpu);
	free(all);
	return rc;
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

		if (buffer->page_size <= file->layout.data_off ||
		    buffer->page_size > TRACEDAT_MAX_PAGE)
			return err_set(err, EBADMSG,
				       "%s gives %u bytes as the size of a page, which "
				       "cannot be; the file is damaged",
				       file->path, buffer->page_size);
	}
	return check_once(file, err);
}

int tracedat_file_read_part(struct tracedat_file *file, int fd, uint64_t at, uint64_t size,
			    const char *path, tracedat_format_fn format, void *arg, struct err *err)
{
	struct source src = { .file = file, .err = err };

	*file = (struct tracedat_file){ .fd = fd, .path = xstrdup(path), .at = at, .size = size };
	src.end = file->size;
	if (magic_read(&src) < 0)
		return src.rc;
	if (file->version == 6)
		tracedat_read_v6(&src, format, arg);
	else
		src.rc = tracedat_read_v7(&src, format, arg);
	return src.rc ? src.rc : file_check(file, err);
}

int tracedat_file_read(struct tracedat_file *file, int fd, const char *path,
		       tracedat_format_fn format, void *arg, struct err *err)
{
	struct stat st;

	*file = (struct tracedat_file){ .fd = fd };
	if (fstat(fd, &st) < 0)
		return err_sys(err, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s is not a file; give a trace.dat", path);
	return tracedat_file_read_part(file, fd, 0, (uint64_t)st.st_size, path, format, arg, err);
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
	free(file->kallsyms);
	memset(file, 0, sizeof(*file));
	file->fd = -1;
}
