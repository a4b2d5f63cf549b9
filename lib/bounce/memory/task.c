/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bounce/memory/task.h"

static _Thread_local struct task current;

struct task *task_current(void)
{
	return &current;
}
