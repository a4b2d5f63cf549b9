/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_PAGES_H
#define CCAIO_COLLECTORS_TRACEFS_PAGES_H

#include <poll.h>
#include <stdint.h>

struct err;
struct instance;

/*
 * pages - moves whole ring-buffer pages from the kernel into files, one per CPU.
 *
 * The kernel wakes the reader when a buffer is filled to buffer_percent; full
 * pages are spliced without being looked at.  What is moved is gone from the buffer.
 */
struct pages;

/*
 * Open the raw pages of every CPU.  out: one file descriptor per CPU, borrowed,
 * written from its position on.  NULL with err set on failure.
 */
struct pages *pages_open(const struct instance *instance, const int *out, struct err *err);
void pages_close(struct pages *pages); /* accepts NULL */

/*
 * The descriptors to poll(2) for pages: puts as many as there are CPUs into fds.
 * CPUs that cannot be polled get -1, which poll ignores.
 */
void pages_pollfds(const struct pages *pages, struct pollfd *fds);

/* Move the full pages of each CPU whose descriptor poll has found ready. */
int pages_move(struct pages *pages, const struct pollfd *fds, struct err *err);

/*
 * Move everything that each buffer holds now, the page in use included.  Pages that
 * fill while this runs may come along, no more than a buffer of them.
 */
int pages_flush(struct pages *pages, struct err *err);

#endif
