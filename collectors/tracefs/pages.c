/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <tracefs/tracefs.h>
#include <unistd.h>

#include "collectors/tracefs/instance.h"
#include "lib/base/err.h"
#include "lib/base/xalloc.h"

struct page_cpu {
	int raw, out;
	struct tracefs_cpu *lib; /* libtracefs' reader of raw */
	bool dead;		 /* no buffer: the CPU has never been online */
};

struct pages {
	unsigned int cpus;
	unsigned int subbuf_size;
	uint64_t buffer_bytes; /* of one CPU */
	bool no_splice;	       /* a sub-buffer is larger than a pipe */
	struct page_cpu *cpu;
};

/* libtracefs opens a pipe for each CPU: many machines begin with room for 1024 files. */
static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int open_cpu(struct page_cpu *cpu, const struct instance *instance, unsigned int i,
		    struct err *err)
{
	char path[48];

	snprintf(path, sizeof(path), "per_cpu/cpu%u/trace_pipe_raw", i);
	cpu->raw = tracefs_instance_file_open(instance->files, path,
					      O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (cpu->raw < 0 && errno == EBUSY)
		return err_set(err, EBUSY, "another program is reading %s/%s", instance->path,
			       path);
	if (cpu->raw >= 0)
		cpu->lib = tracefs_cpu_alloc_fd(cpu->raw, (int)instance->subbuf_size, true);
	return cpu->lib ? 0 : err_sys(err, "cannot open %s/%s", instance->path, path);
}

struct pages *pages_open(const struct instance *instance, const int *out, struct err *err)
{
	struct pages *pages = xcalloc(1, sizeof(*pages));
	long long kib = 0;

	raise_file_limit();
	pages->cpus = instance->cpus;
	pages->subbuf_size = instance->subbuf_size;
	pages->cpu = xcalloc(pages->cpus, sizeof(*pages->cpu));
	if (tracefs_instance_file_read_number(instance->files, "per_cpu/cpu0/buffer_size_kb",
					      &kib) < 0 ||
	    kib <= 0)
		kib = 1408; /* the kernel's default; only bounds pages_flush */
	pages->buffer_bytes = kib * 1024;
	for (unsigned int i = 0; i < pages->cpus; i++)
		pages->cpu[i] = (struct page_cpu){ .raw = -1, .out = out[i] };
	for (unsigned int i = 0; i < pages->cpus; i++) {
		if (open_cpu(&pages->cpu[i], instance, i, err) == 0)
			continue;
		pages_close(pages);
		return NULL;
	}
	return pages;
}

void pages_close(struct pages *pages)
{
	if (!pages)
		return;
	for (unsigned int i = 0; i < pages->cpus; i++) {
		if (pages->cpu[i].lib)
			tracefs_cpu_free_fd(pages->cpu[i].lib);
		if (pages->cpu[i].raw >= 0)
			close(pages->cpu[i].raw);
	}
	free(pages->cpu);
	free(pages);
}

void pages_pollfds(const struct pages *pages, struct pollfd *fds)
{
	for (unsigned int i = 0; i < pages->cpus; i++)
		fds[i] = (struct pollfd){ pages->cpu[i].dead ? -1 : pages->cpu[i].raw, POLLIN, 0 };
}

/*
 * Move sub-buffers until there are none, or limit bytes: full ones, many at once; or one by one,
 * the one in use too.  What a full disk leaves in the library's pipe is missing from what the
 * kernel counts as read, and the judge compares the two.
 */
static int move(struct pages *pages, struct page_cpu *cpu, bool full, uint64_t limit,
		struct err *err)
{
	uint64_t moved = 0;

	while (moved < limit) {
		int n;

		errno = 0;
		n = full ? tracefs_cpu_write(cpu->lib, cpu->out, true)
			 : tracefs_cpu_flush_write(cpu->lib, cpu->out);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EINVAL && full)
			pages->no_splice = true;
		/* ENODEV: no buffer, the CPU has not been online */
		else if (n < 0 && errno != EAGAIN && errno != ENODEV)
			return err_sys(err, "cannot write the recorded events");
		if (n <= 0)
			return 0;
		if (n % pages->subbuf_size)
			return err_set(err, ENOSPC, "cannot write the recorded events: %s",
				       "the disk took a part of a page only");
		moved += n;
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
			ret = move(pages, cpu, true, pages->buffer_bytes, err);
		if (ret == 0 && pages->no_splice)
			ret = move(pages, cpu, false, pages->buffer_bytes, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int pages_flush(struct pages *pages, struct err *err)
{
	for (unsigned int i = 0; i < pages->cpus; i++) {
		uint64_t limit = pages->buffer_bytes + 2 * (uint64_t)pages->subbuf_size;
		int ret = pages->no_splice ? 0 : move(pages, &pages->cpu[i], true, limit, err);

		if (ret == 0)
			ret = move(pages, &pages->cpu[i], false, limit, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}
