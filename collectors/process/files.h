/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_PROCESS_FILES_H
#define CCAIO_COLLECTORS_PROCESS_FILES_H

#include <stddef.h>
#include <stdint.h>

struct exchanges;

/*
 * files - what inodes are called, as far as it is known where to look.
 *
 * The kernel's events know files by number.  Looked at are paths among a command's words (those
 * of a script in one word, too) and what running tasks have open.  What no longer
 * exists, and what an overlay shows under other numbers, stays without a name.
 */
void files_of_command(struct exchanges *x, char *const *argv);

/* From /proc (CCAIO_PROC_DIR for tests). */
void files_of_tasks(struct exchanges *x, const int32_t *tasks, size_t count);

#endif
