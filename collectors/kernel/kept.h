/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_KERNEL_KEPT_H
#define CCAIO_COLLECTORS_KERNEL_KEPT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * kept - what was found out about the running kernel, for the runs that follow until it boots
 * again.
 *
 * Where the kernel's symbols are, and where members are in its structures, takes a third of a short
 * run to find out, and does not change while the kernel runs.  So trace keeps it in a file: the
 * line "ccaio-kernel/1 BOOT-ID", a line "KEY VALUE" for each answer, the line "end".  A file that
 * is not exactly so is not believed: one of another boot, of another owner, open to others, cut.
 */
struct kept;

#define KEPT_FILE "kernel" /* in STATE_DIR */

/*
 * What the file at path has for this boot: nothing where it has nothing, or boot_id is NULL.  Never
 * returns NULL.  Release with kept_free.
 */
struct kept *kept_open(const char *path, const char *boot_id);
void kept_free(struct kept *kept); /* accepts NULL */

/* Forget all of it: it has turned out not to be this kernel's. */
void kept_forget(struct kept *kept);

/* The answer of this key (no spaces, not longer than 200 bytes); NULL keeps nothing. */
bool kept_get(const struct kept *kept, const char *key, uint64_t *value);
void kept_put(struct kept *kept, const char *key, uint64_t value);

/* Write the file where answers are new; where that is not possible, the next run finds them anew.
 */
void kept_write(struct kept *kept);

#endif
