/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MEMORY_TASK_H
#define CCAIO_LIB_BOUNCE_MEMORY_TASK_H

#include <stdint.h>

/*
 * task - the CPU and the task that run, per thread, as the kernel's `current`.
 *
 * The CPU chooses the swiotlb area; cpu, pid and comm are stamped on events.
 */
struct task {
	uint16_t cpu;
	uint16_t comm; /* names id */
	int32_t pid;
};

/* This thread's own; all 0 in a new thread.  Change it in place. */
struct task *task_current(void);

#endif
