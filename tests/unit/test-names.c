/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/base/names.h"
#include "tests/unit/test.h"

int main(void)
{
	struct names *n = names_new();
	uint16_t a = names_intern(n, "0000:00:01.0", 12);
	uint16_t other = 0;
	char text[16];
	int wrong = 0;

	check(a == 1);
	check(names_intern(n, "0000:00:01.0 and more", 12) == a);
	check(names_intern(n, "0000:00:01", 10) == 2);
	check(names_intern(n, "", 0) == 0);
	check(names_intern(n, "\0x", 2) == 0);
	check(names_find(n, "0000:00:01.0") == a);
	check(names_find(n, "none") == 0);
	check(strcmp(names_get(n, a), "0000:00:01.0") == 0);
	check(strcmp(names_get(n, 9999), "") == 0);

	for (int i = 0; i < NAMES_MAX + 10; i++) {
		snprintf(text, sizeof(text), "d%d", i);
		other = names_intern(n, text, strlen(text));
		wrong += i < 60000 && strcmp(names_get(n, other), text) != 0;
	}
	check(wrong == 0);
	check(other == NAMES_OTHER);
	check(strcmp(names_get(n, other), "(other)") == 0);
	check(names_find(n, "d500") == 503);
	names_free(n);
	return done();
}
