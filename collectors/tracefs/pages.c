/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs/tracefs.h>
#include <unistd.h>

#include "collectors/tracefs/instance.h"
#include "collectors/tracefs/tracefs.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

#define PIPE_BYTES (1 << 20)

struct page_cpu {
	int raw;
	int out;
	uint64_t moved;
	bool dead; /* no buffer: the CPU has never been online */
};

struct pages {
	unsigned int cpus;
	unsigned int subbuf_size;
	uint64_t buffer_bytes; /* of one CPU */
	int pipe[2];
	size_t pipe_bytes;
	bool no_splice; /* the file system of the output cannot be spliced to */
	char *buf;	/* one sub-buffer */
	struct page_cpu *cpu;
};

static int open_cpus(struct pages *pages, const struct instance *instance, const int *out,
		     struct err *err)
{
	for (unsigned int i = 0; i < pages->cpus; i++) {
		struct page_cpu *cpu = &pages->cpu[i];
		char path[48];

		snprintf(path, sizeof(path), "per_cpu/cpu%u/trace_pipe_raw", i);
		cpu->out = out[i];
		cpu->raw = tracefs_instance_file_open(instance->files, path,
						      O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (cpu->raw < 0 && errno == EBUSY)
			return err_set(err, EBUSY, "another program is reading %s/%s",
				       instance->path, path);
		if (cpu->raw < 0)
			return err_sys(err, "cannot open %s/%s", instance->path, path);
	}
	return 0;
}

struct pages *pages_open(const struct instance *instance, const int *out, struct err *err)
{
	struct pages *pages = xcalloc(1, sizeof(*pages));
	unsigned long long kib = 0;
	int size;

	pages->cpus = instance->cpus;
	pages->subbuf_size = instance->subbuf_size;
	pages->cpu = xcalloc(pages->cpus, sizeof(*pages->cpu));
	pages->buf = xcalloc(1, pages->subbuf_size);
	pages->pipe[0] = pages->pipe[1] = -1;
	for (unsigned int i = 0; i < pages->cpus; i++)
		pages->cpu[i].raw = -1;
	if (tracing_read_number(instance->files, "per_cpu/cpu0/buffer_size_kb", &kib) < 0 ||
	    kib == 0)
		kib = 1408; /* the kernel's default; only bounds pages_flush */
	pages->buffer_bytes = kib * 1024;
	if (pipe2(pages->pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		err_sys(err, "cannot make a pipe for trace pages");
		goto fail;
	}
	size = fcntl(pages->pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
	if (size < 0)
		size = fcntl(pages->pipe[1], F_GETPIPE_SZ);
	pages->pipe_bytes = size > 0 ? size : 65536;
	pages->no_splice = pages->subbuf_size > pages->pipe_bytes;
	if (open_cpus(pages, instance, out, err) < 0)
		goto fail;
	return pages;
fail:
	pages_close(pages);
	return NULL;
}

void pages_close(struct pages *pages)
{
	if (!pages)
		return;
	for (unsigned int i = 0; i < pages->cpus; i++) {
		if (pages->cpu[i].raw >= 0)
			close(pages->cpu[i].raw);
	}
	for (int i = 0; i < 2; i++) {
		if (pages->pipe[i] >= 0)
			close(pages->pipe[i]);
	}
	free(pages->cpu);
	free(pages->buf);
	free(pages);
}

void pages_pollfds(const struct pages *pages, struct pollfd *fds)
{
	for (unsigned int i = 0; i < pages->cpus; i++)
		fds[i] = (struct pollfd){ pages->cpu[i].dead ? -1 : pages->cpu[i].raw, POLLIN, 0 };
}

static int write_all(struct page_cpu *cpu, const char *buf, size_t len, struct err *err)
{
	while (len > 0) {
		ssize_t n = write(cpu->out, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot write the recorded events");
		buf += n;
		len -= n;
		cpu->moved += n;
	}
	return 0;
}

/* Copy what is in the pipe: for outputs that cannot be spliced to. */
static int empty_pipe(struct pages *pages, struct page_cpu *cpu, size_t len, struct err *err)
{
	while (len > 0) {
		size_t part = len < pages->subbuf_size ? len : pages->subbuf_size;
		ssize_t n = read(pages->pipe[0], pages->buf, part);
		int ret;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(err, "cannot read back recorded events");
		ret = write_all(cpu, pages->buf, n, err);
		if (ret < 0)
			return ret;
		len -= n;
	}
	return 0;
}

static int pipe_to_file(struct pages *pages, struct page_cpu *cpu, size_t len, struct err *err)
{
	while (len > 0) {
		ssize_t n = splice(pages->pipe[0], NULL, cpu->out, NULL, len, SPLICE_F_MOVE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EINVAL) {
			pages->no_splice = true;
			return empty_pipe(pages, cpu, len, err);
		}
		if (n <= 0)
			return err_sys(err, "cannot write the recorded events");
		len -= n;
		cpu->moved += n;
	}
	return 0;
}

/* Move full pages until there are none, or limit bytes. */
static int move_full(struct pages *pages, struct page_cpu *cpu, uint64_t limit, struct err *err)
{
	uint64_t stop = cpu->moved + limit;

	while (!pages->no_splice && cpu->moved < stop) {
		ssize_t n = splice(cpu->raw, NULL, pages->pipe[1], NULL, pages->pipe_bytes,
				   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		int ret;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EINVAL) {
			pages->no_splice = true;
			break;
		}
		if (n < 0 && errno == ENODEV)
			return 0; /* no buffer: the CPU has not been online */
		if (n < 0 && errno != EAGAIN)
			return err_sys(err, "cannot read recorded events");
		if (n <= 0)
			return 0;
		ret = pipe_to_file(pages, cpu, n, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Read pages one by one, the one in use too, until there are none, or limit bytes. */
static int move_rest(struct pages *pages, struct page_cpu *cpu, uint64_t limit, struct err *err)
{
	uint64_t stop = cpu->moved + limit;

	while (cpu->moved < stop) {
		ssize_t n = read(cpu->raw, pages->buf, pages->subbuf_size);
		int ret;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENODEV)
			return 0;
		if (n < 0 && errno != EAGAIN)
			return err_sys(err, "cannot read recorded events");
		if (n <= 0)
			return 0;
		if ((size_t)n != pages->subbuf_size)
			return err_set(err, EIO, "the kernel gave %zd bytes of a page of %u", n,
				       pages->subbuf_size);
		ret = write_all(cpu, pages->buf, n, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int pages_move(struct pages *pages, const struct pollfd *fds, struct err *err)
{
	for (unsigned int i = 0; i < pages->cpus; i++) {
		struct page_cpu *cpu = &pages->cpu[i];
		int ret = 0;

		if (fds[i].fd < 0 || !fds[i].revents)
			continue;
		if (fds[i].revents & (POLLERR | POLLNVAL)) {
			cpu->dead = true;
			continue;
		}
		if (!pages->no_splice)
			ret = move_full(pages, cpu, pages->buffer_bytes, err);
		if (ret == 0 && pages->no_splice)
			ret = move_rest(pages, cpu, pages->buffer_bytes, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int pages_flush(struct pages *pages, struct err *err)
{
	for (unsigned int i = 0; i < pages->cpus; i++) {
		struct page_cpu *cpu = &pages->cpu[i];
		uint64_t limit = pages->buffer_bytes + 2 * (uint64_t)pages->subbuf_size;
		int ret = move_full(pages, cpu, limit, err);

		if (ret == 0)
			ret = move_rest(pages, cpu, limit, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}
