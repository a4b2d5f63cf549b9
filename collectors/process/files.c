/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/process/files.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "lib/exchange/exchange.h"

#define WORDS_MAX 4096

/* As the kernel numbers devices inside. */
static void add(struct exchanges *x, const struct stat *st, const char *path)
{
	if (S_ISREG(st->st_mode))
		exchanges_file(x, (uint32_t)(major(st->st_dev) << 20 | minor(st->st_dev)),
			       st->st_ino, path);
}

static void add_path(struct exchanges *x, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		add(x, &st, path);
}

void files_of_command(struct exchanges *x, char *const *argv)
{
	size_t words = 0;

	for (; *argv && words < WORDS_MAX; argv++) {
		char *copy = xstrdup(*argv), *rest = copy, *word;

		add_path(x, *argv);
		while ((word = strsep(&rest, " \t\n=;<>|&()'\"")) && words++ < WORDS_MAX)
			if (strchr(word, '/'))
				add_path(x, word);
		free(copy);
	}
}

static void add_open(struct exchanges *x, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char *link = xasprintf("%s/%s", dir, entry->d_name), path[4096];
		ssize_t n = readlink(link, path, sizeof(path) - 1);
		struct stat st;

		if (n > 0 && path[0] == '/' && stat(link, &st) == 0) {
			path[n] = '\0';
			add(x, &st, path);
		}
		free(link);
	}
	if (d)
		closedir(d);
}

void files_of_tasks(struct exchanges *x, const int32_t *tasks, size_t count)
{
	const char *proc = getenv("CCAIO_PROC_DIR");

	for (size_t i = 0; i < count; i++) {
		char *dir = xasprintf("%s/%d/fd", proc ? proc : "/proc", tasks[i]);

		add_open(x, dir);
		free(dir);
	}
}
