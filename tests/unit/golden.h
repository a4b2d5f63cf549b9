/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compare output with a file; UPDATE_GOLDEN=1 writes the file instead. */
#ifndef CCAIO_TESTS_UNIT_GOLDEN_H
#define CCAIO_TESTS_UNIT_GOLDEN_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole file, NUL-terminated; "" if it cannot be read.  The caller frees. */
static inline char *golden_read(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (f) {
		text[fread(text, 1, (1 << 20) - 1, f)] = '\0';
		fclose(f);
	}
	return text;
}

static inline bool golden_same(const char *path, const char *text)
{
	char *want;
	bool same;
	FILE *f;

	if (getenv("UPDATE_GOLDEN")) {
		f = fopen(path, "w");
		if (f) {
			fputs(text, f);
			fclose(f);
		}
	}
	want = golden_read(path);
	same = strcmp(want, text) == 0;
	if (!same) {
		printf("# differs from %s; got:\n", path);
		for (const char *c = text; *c; c++) {
			if (c == text || c[-1] == '\n')
				printf("#   ");
			putchar(*c);
		}
	}
	free(want);
	return same;
}

#endif
