/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The instructions that all CPUs execute. */
#include "cmd/bench/instructions.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/xalloc.h"

static int open_counter(long cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
	};

	return (int)syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

void instructions_open(struct instructions *of)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	*of = (struct instructions){ .fds = xcalloc(cpus > 0 ? cpus : 1, sizeof(*of->fds)) };
	for (long i = 0; i < cpus; i++) {
		int fd = open_counter(i);

		/* some CPUs are not all of them */
		if (fd < 0)
			return instructions_close(of);
		of->fds[of->n++] = fd;
	}
}

uint64_t instructions_read(const struct instructions *of)
{
	uint64_t sum = 0, value;

	for (size_t i = 0; i < of->n; i++) {
		if (read(of->fds[i], &value, sizeof(value)) != sizeof(value))
			return 0;
		sum += value;
	}
	return sum;
}

void instructions_close(struct instructions *of)
{
	for (size_t i = 0; i < of->n; i++)
		close(of->fds[i]);
	free(of->fds);
	*of = (struct instructions){ 0 };
}
