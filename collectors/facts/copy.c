/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How fast this machine copies: the least that bouncing costs. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collectors/facts/facts.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/platform.h"

#define PIECE 16384u /* in any first-level cache, beside its copy: no copy is faster */
#define TIMES 16     /* a clock's step is not much of what is measured */
#define MOST_NS 3000000u

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void copy(char *to, const char *from, bool by_string)
{
#ifdef __x86_64__
	/* as kernels do; where the processor is emulated it is the faster one */
	if (by_string) {
		size_t n = PIECE;

		__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
		return;
	}
#endif
	(void)by_string;
	memcpy(to, from, PIECE);
	__asm__ volatile("" : : "r"(to), "r"(from) : "memory");
}

void facts_measure_copy(struct platform *p)
{
	char *from = xcalloc(1, PIECE), *to = xcalloc(1, PIECE);
	uint64_t begun = now_ns(), before = begun, after, best = 0;

	memset(from, 1, PIECE);
	for (int round = 0; round < 1000 && before - begun < MOST_NS; round++, before = after) {
		for (int i = 0; i < TIMES; i++)
			copy(to, from, round % 2);
		after = now_ns();
		if (after > before && (!best || after - before < best))
			best = after - before;
	}
	if (best && best <= UINT32_MAX) {
		p->memcpy.bytes = (uint64_t)PIECE * TIMES;
		p->memcpy.ns = best;
	}
	free(from);
	free(to);
}
