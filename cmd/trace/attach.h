/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_TRACE_ATTACH_H
#define CCAIO_CMD_TRACE_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include "collectors/process/processes.h"

struct err;
struct exchanges;

/*
 * attach - the window of ccaio trace --pid, --comm, --duration: it lasts until the
 * processes have ended, the time is over, or somebody says stop (SIGINT, SIGTERM).
 */
struct attach {
	struct processes processes;
	int fd; /* readable when the window is to close */
	int timer_fd, signal_fd;
	int pid_fds[PROCESSES_MAX];
	uint64_t duration_ms; /* 0: none */
};

#define ATTACH_INIT                                       \
	{                                                 \
		.fd = -1, .timer_fd = -1, .signal_fd = -1 \
	}

/* duration_ms: 0 none.  Returns 0 or -errno.  Release in any case. */
int attach_open(struct attach *a, const int32_t *pids, unsigned int npids, const char *comm,
		uint64_t duration_ms, struct err *err);
/* The window is open: look for threads and sockets, let the time run. */
int attach_start(struct attach *a, struct err *err);
/* a->fd was readable: is the window to close? */
bool attach_handle(struct attach *a);
void attach_release(struct attach *a);

#endif
