/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials in command lines: what is replaced, and what is left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/evidence/text/redact.h"
#include "tests/unit/test.h"

int main(void)
{
	/* S stands for the secret, which must be gone; the rest must be there */
	static const struct {
		const char *previous, *text, *left;
	} hidden[] = {
		{ NULL, "--password=hunter2", "--password=[redacted:" },
		{ "--password", "hunter2", "[redacted:" },
		{ "--api-key", "hunter2", "[redacted:" },
		{ NULL, "DB_PASSWORD=hunter2", "DB_PASSWORD=[redacted:" },
		{ NULL, "accessToken=hunter2", "accessToken=[redacted:" },
		{ "-H", "Authorization: Bearer hunter2", "Authorization: [redacted:" },
		{ "-H", "X-Auth-Token: hunter2", "X-Auth-Token: [redacted:" },
		{ NULL, "Bearer hunter2", "Bearer [redacted:" },
		{ "-u", "me:hunter2", "me:[redacted:" },
		{ NULL, "https://me:hunter2@host/path", "https://me:[redacted:" },
		{ NULL, "http://host/a?x=1&token=hunter2&y=2", "&y=2" },
		{ NULL, "http://host/a?sig=hunter2#top", "#top" },
	};
	static const struct {
		const char *previous, *text;
	} shown[] = {
		{ NULL, "--endpoint=http://10.0.2.2:8088/" },
		{ "--endpoint", "http://10.0.2.2:8088" },
		{ NULL, "keybroker-app" },
		{ "--pass", "--verbose" },
		{ NULL, "compass=north" },
		{ NULL, "if=/dev/vda" },
		{ "-u", "nobody" },
		{ NULL, "bs=4k" },
		{ NULL, "a:b" },
		{ NULL, "design=1" },
		{ NULL, "" },
	};
	char *a, *b, *argv[] = { "curl", "--password", "hunter2", NULL }, **copy;

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		a = redact(hidden[i].text, hidden[i].previous, 1);
		check(!strstr(a, "hunter2") && strstr(a, hidden[i].left));
		if (strstr(a, "hunter2") || !strstr(a, hidden[i].left))
			printf("# %s\n", a);
		free(a);
	}
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		a = redact(shown[i].text, shown[i].previous, 1);
		check(strcmp(a, shown[i].text) == 0);
		free(a);
	}
	a = redact("eyJhbGciOiJIUzI1NiJ9.e30.abc", NULL, 1);
	check(strncmp(a, "[redacted:", 10) == 0);
	free(a);
	/* equal secrets of a run look equal, those of two runs do not */
	a = redact("--token=x", NULL, 1);
	b = redact("token=x", NULL, 1);
	check(strcmp(strchr(a, '='), strchr(b, '=')) == 0);
	free(b);
	b = redact("token=x", NULL, 2);
	check(strcmp(strchr(a, '='), strchr(b, '=')) != 0);
	free(a);
	free(b);
	copy = redact_argv(argv, 1);
	check(strcmp(copy[1], "--password") == 0 && !strstr(copy[2], "hunter2") && !copy[3]);
	redact_free(copy);
	check(!redact_argv(NULL, 1));
	return done();
}
