/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_PROCESS_PROCESSES_H
#define CCAIO_COLLECTORS_PROCESS_PROCESSES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/net/flow.h"

struct err;
struct exchanges;

/*
 * processes - programs that run already: who they are, and which sockets they have.
 *
 * Everything is read from /proc (CCAIO_PROC_DIR for tests) at one moment.
 */
#define PROCESSES_MAX 64
#define PROCESSES_SOCKETS 256

struct processes {
	int32_t pids[PROCESSES_MAX]; /* asked for, or with the name asked for */
	size_t npids;
	int32_t *tasks; /* their threads, and those of all their descendants */
	size_t ntasks, cap_tasks;
	struct process_socket {
		struct flow_addr local, remote;
		int32_t pid;
		char comm[16];
	} sockets[PROCESSES_SOCKETS]; /* TCP connections of any of them */
	size_t nsockets;
};

/*
 * Add a process by number or all with this name (see comm in proc(5)).  Returns
 * 0; -ESRCH when there is none; -E2BIG for too many.
 */
int processes_add_pid(struct processes *p, int32_t pid, struct err *err);
int processes_add_comm(struct processes *p, const char *comm, struct err *err);

/* Find their threads, descendants and sockets. */
void processes_look(struct processes *p);

/*
 * Tell exchanges: these tasks are the program, and connections that were captured from their
 * middle and are among the sockets are theirs.
 */
void processes_describe(const struct processes *p, struct exchanges *x);
void processes_release(struct processes *p);

#endif
