/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BASE_PROGRESS_H
#define CCAIO_LIB_BASE_PROGRESS_H

#include <stdint.h>

/*
 * progress - a line on the terminal while something takes long.
 *
 * Off until progress_enable; only cmd/ enables it, where standard error is a terminal.
 * Whoever works long calls progress_step now and then; the first line is shown after a second,
 * then at most ten a second, and progress_end takes the line away.
 */
void progress_enable(void);

/* what: "checking trace.dat"; of: 0 where the end is not known.  Cheap: may be called often. */
void progress_step(const char *what, uint64_t done, uint64_t of);
void progress_end(void);

#endif
