/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Places: found past links of root and of oneself, not past those of others. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/place.h"
#include "lib/base/xalloc.h"
#include "tests/unit/test.h"

static char dir[] = "/tmp/ccaio-test-place-XXXXXX";

static void shell(const char *command)
{
	char *line = xasprintf("cd %s && { %s; }", dir, command);

	if (system(line) != 0) {
		printf("Bail out! cannot run: %s\n", line);
		exit(1);
	}
	free(line);
}

/* Is path found, and is it name in the folder that holds the file mark? */
static bool leads_to(const char *path, bool follow, const char *name, const char *mark)
{
	struct place p;
	struct err err;
	bool yes;

	if (place_open(&p, path, follow, &err) < 0) {
		printf("# %s: %s\n", path, err.text);
		return false;
	}
	yes = strcmp(p.name, name) == 0 && faccessat(p.dir, mark, F_OK, 0) == 0;
	place_close(&p);
	return yes;
}

static bool fails(const char *path, int code, const char *why)
{
	struct err err = { "" };
	struct place p;
	int ret = place_open(&p, path, true, &err);

	if (ret == -code && strstr(err.text, why))
		return true;
	printf("# %s: %d %s\n", path, ret, err.text);
	return false;
}

static void test_paths(void)
{
	shell("mkdir -p a/b && touch a/in-a a/b/in-b top && ln -s a/b short && ln -s ../in-a "
	      "a/b/up && "
	      "ln -s nowhere dangling && ln -s loop loop && ln -s /proc/self/fd/1 out");
	check(leads_to("new", false, "new", "top"));
	check(leads_to("./a//new", false, "new", "in-a"));
	check(leads_to("a/b/../new/", false, "new", "in-a"));
	check(leads_to("short/new", false, "new", "in-b"));
	check(leads_to("short/../new", false, "new", "in-a")); /* as the kernel goes */
	check(leads_to("short/up", false, "up", "in-b"));
	check(leads_to("short/up", true, "in-a", "in-a"));
	check(leads_to("dangling", true, "nowhere", "top"));
	check(leads_to("out", true, "1", "1"));
	check(fails("loop", ELOOP, "Too many levels"));
	check(fails("loop/x", ELOOP, "Too many levels"));
	check(fails("top/x", ENOTDIR, "Not a directory"));
	check(fails("none/x", ENOENT, "No such file"));
	check(fails("", EISDIR, "Is a directory"));
	check(fails("/", EISDIR, "Is a directory"));
	check(fails("a/..", EISDIR, "Is a directory"));
}

/* Needs root, or whoever can give a link away. */
static void test_others(void)
{
	const char *name = "theirs";

	shell("ln -sfn a theirs");
	if (lchown(name, 65534, 65534) < 0) {
		/* then every link here is one's own, and this is all that can be seen */
		check(leads_to("theirs/new", false, "new", "in-a"));
		return;
	}
	check(fails("theirs/new", ELOOP,
		    "'theirs' on the way there is a symbolic link of user 65534"));
	check(fails("theirs", ELOOP, "name its target instead"));
	check(leads_to("theirs", false, "theirs", "top")); /* not followed: harmless */
}

int main(void)
{
	char *line;

	if (!mkdtemp(dir) || chdir(dir) < 0) {
		printf("Bail out! cannot make a folder in /tmp\n");
		return 1;
	}
	test_paths();
	test_others();
	line = xasprintf("rm -rf %s", dir);
	check(system(line) == 0);
	free(line);
	return done();
}
