/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line on the terminal that says how far a long piece of work is. */
#include "lib/base/progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/printable.h"

static struct {
	bool enabled, working, shown;
	uint64_t next_ms;
} progress;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void progress_enable(void)
{
	progress.enabled = true;
}

void progress_step(const char *what, uint64_t done, uint64_t of)
{
	char *safe;
	uint64_t now;

	if (!progress.enabled)
		return;
	now = now_ms();
	if (!progress.working) {
		progress.working = true;
		progress.next_ms = now + 1000;
	}
	if (now < progress.next_ms)
		return;
	progress.next_ms = now + 100;
	progress.shown = true;
	safe = printable(what);
	if (of)
		fprintf(stderr, "\r\033[K%s: %" PRIu64 " %%", safe,
			done >= of ? 100 : (uint64_t)((double)done / (double)of * 100));
	else
		fprintf(stderr, "\r\033[K%s: %.1f million", safe, (double)done / 1e6);
	fflush(stderr);
	free(safe);
}

void progress_end(void)
{
	if (progress.shown)
		fputs("\r\033[K", stderr);
	fflush(stderr);
	progress.working = progress.shown = false;
}
