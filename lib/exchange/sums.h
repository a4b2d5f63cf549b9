/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EXCHANGE_SUMS_H
#define CCAIO_LIB_EXCHANGE_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * sums - equations over a run's bytes and packets that have to hold.
 */

/* One of them. */
struct conservation {
	char *what; /* "10.0.2.15:43210 out: payload = packets" */
	char *left_name, *right_name;
	uint64_t left, right;
	bool ok;
};

#define EXCHANGES_CHECKS 4096 /* listed that hold; of others as many more */

struct exchange_sums {
	struct conservation *list; /* owned, with its texts; the first ones */
	size_t n, cap;
	uint64_t held, failed; /* all of them, listed or not */
	bool conserved;	       /* all hold, and there were some */
};

/* Enter one; the texts are copied.  Past the limits it is counted, and not listed. */
void sums_check(struct exchange_sums *sums, const char *what, const char *left_name, uint64_t left,
		const char *right_name, uint64_t right, bool ok);
/* All are entered: fill conserved. */
void sums_close(struct exchange_sums *sums);
/* The first that does not hold, as a sentence (caller frees); NULL: all hold. */
char *sums_broken(const struct exchange_sums *sums);

#endif
