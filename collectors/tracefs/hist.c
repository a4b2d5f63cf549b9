/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the kernel's text of a histogram. */
#include "collectors/tracefs/hist.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands behind "NAME:" and blanks between from and to; NULL: no such name. */
static const char *member(const char *from, const char *to, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = from; (at = memchr(at, ':', to - at)) != NULL; at++) {
		if ((size_t)(at - from) <= len || memcmp(at - len, name, len) != 0 ||
		    *(at - len - 1) != ' ')
			continue;
		for (at++; at < to && *at == ' '; at++)
			;
		return at;
	}
	return NULL;
}

static uint64_t number(const char *from, const char *to, const char *name)
{
	const char *at = member(from, to, name);

	if (at && to - at > 4 && memcmp(at, "~ 2^", 4) == 0)
		at += 4;
	return at && at < to && isdigit((unsigned char)*at) ? strtoull(at, NULL, 10) : 0;
}

/* A name may hold anything, but ends before the next key. */
static bool name_of(const char *from, const char *to, char dev[HIST_NAME])
{
	const char *at = member(from, to, "dev"), *end = at;

	if (!at)
		return false;
	while (end < to && !(end[0] == ',' && end + 1 < to && end[1] == ' '))
		end++;
	while (end > at && end[-1] == ' ')
		end--;
	snprintf(dev, HIST_NAME, "%.*s", (int)(end - at), at);
	return true;
}

uint64_t hist_each(const char *text, const char *value,
		   void (*fn)(void *ctx, const struct hist_entry *entry), void *ctx)
{
	static const char dropped[] = "Dropped: ";
	uint64_t lost = 0;
	bool ours = false;

	for (const char *line = text, *end; line && *line; line = *end ? end + 1 : end) {
		const char *keys_end;
		struct hist_entry e = { .dev = "" };

		end = line + strcspn(line, "\n");
		while (line < end && *line == ' ')
			line++;
		if (*line == '#') {
			ours = false;
			continue;
		}
		if (ours && strncmp(line, dropped, strlen(dropped)) == 0)
			lost += strtoull(line + strlen(dropped), NULL, 10);
		keys_end = line[0] == '{' ? strstr(line, " } hitcount:") : NULL;
		if (!keys_end || keys_end > end || !member(keys_end, end, value))
			continue;
		ours = true;
		name_of(line, keys_end, e.dev);
		e.dir = number(line, keys_end, "dir");
		e.log2 = number(line, keys_end, "size");
		e.hits = number(keys_end, end, "hitcount");
		e.sum = number(keys_end, end, value);
		fn(ctx, &e);
	}
	return lost;
}
