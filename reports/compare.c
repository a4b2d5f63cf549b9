/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/compare.h"

#include <stdlib.h>

#include "lib/base/printable.h"
#include "lib/base/xalloc.h"
#include "lib/verdict/diff.h"
#include "reports/wrap.h"

static void write_one(FILE *out, const struct difference *d, bool colour)
{
	static const struct {
		const char *word, *colour;
	} styles[] = {
		[CHANGE_NEUTRAL] = { "changed", "" },
		[CHANGE_WORSE] = { "worse", "\033[31m" },
		[CHANGE_BETTER] = { "better", "\033[32m" },
	};
	const char *paint = colour ? styles[d->change].colour : "";
	char *name = printable(d->name), *text = printable(d->text);
	char *line = xasprintf("%s: %s", name, text);

	fprintf(out, "%s%-7s%s  %-9s  ", paint, styles[d->change].word, *paint ? "\033[0m" : "",
		d->kind);
	wrap(out, 20, 20, line);
	free(name);
	free(text);
	free(line);
}

void compare_write(FILE *out, const struct verdict_diff *diff, bool colour, bool only_worse)
{
	static const enum change order[] = { CHANGE_WORSE, CHANGE_NEUTRAL, CHANGE_BETTER };

	if (!only_worse)
		fprintf(out, "%zu changed, %zu of them for the worse\n", diff->count, diff->worse);
	for (size_t o = 0; o < (only_worse ? 1 : 3); o++) {
		for (size_t i = 0; i < diff->count; i++) {
			if (diff->list[i].change == order[o])
				write_one(out, &diff->list[i], colour);
		}
	}
}
