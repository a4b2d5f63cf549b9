/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/facts/state.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

#define ATTR_MAX ((size_t)1 << 20)

static char *path_va(const struct facts *facts, const char *fmt, va_list ap)
{
	char below[PATH_MAX];

	vsnprintf(below, sizeof(below), fmt, ap);
	return xasprintf("%s%s", facts->root, below);
}

#define WITH_PATH(path, facts, fmt)                  \
	do {                                         \
		va_list ap_;                         \
		va_start(ap_, fmt);                  \
		(path) = path_va((facts), fmt, ap_); \
		va_end(ap_);                         \
	} while (0)

char *facts_path(const struct facts *facts, const char *fmt, ...)
{
	char *path;

	WITH_PATH(path, facts, fmt);
	return path;
}

static char *trimmed(char *text)
{
	size_t start = strspn(text, " \t\n"), len;

	memmove(text, text + start, strlen(text + start) + 1);
	for (len = strlen(text); len > 0 && strchr(" \t\n", text[len - 1]); len--)
		text[len - 1] = '\0';
	return text;
}

char *facts_attr(const struct facts *facts, const char *fmt, ...)
{
	char *path, *text;

	WITH_PATH(path, facts, fmt);
	text = file_read(path, ATTR_MAX, NULL, NULL);
	free(path);
	return text ? trimmed(text) : NULL;
}

char *facts_link(const struct facts *facts, const char *fmt, ...)
{
	char target[PATH_MAX], *path, *slash;
	ssize_t n;

	WITH_PATH(path, facts, fmt);
	n = readlink(path, target, sizeof(target) - 1);
	free(path);
	if (n <= 0)
		return NULL;
	target[n] = '\0';
	slash = strrchr(target, '/');
	return xstrdup(slash ? slash + 1 : target);
}

bool facts_exists(const struct facts *facts, const char *fmt, ...)
{
	char *path;
	bool exists;

	WITH_PATH(path, facts, fmt);
	exists = access(path, F_OK) == 0;
	free(path);
	return exists;
}

uint64_t facts_number(const struct facts *facts, uint64_t unknown, const char *fmt, ...)
{
	char *path, *text, *end;
	uint64_t number = unknown;

	WITH_PATH(path, facts, fmt);
	text = file_read(path, ATTR_MAX, NULL, NULL);
	free(path);
	if (text && trimmed(text)[0] >= '0' && text[0] <= '9') {
		errno = 0;
		number = strtoull(text, &end, 0);
		if (errno || *end)
			number = unknown;
	}
	free(text);
	return number;
}

uint64_t facts_inode(const struct facts *facts, const char *fmt, ...)
{
	struct stat st;
	char *path;
	int ret;

	WITH_PATH(path, facts, fmt);
	ret = lstat(path, &st);
	free(path);
	return ret == 0 ? st.st_ino : 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **facts_list(const struct facts *facts, size_t *count, const char *fmt, ...)
{
	char *path, **names = NULL;
	struct dirent *entry;
	size_t cap = 0;
	DIR *dir;

	*count = 0;
	WITH_PATH(path, facts, fmt);
	dir = opendir(path);
	free(path);
	if (!dir)
		return NULL;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		XGROW(names, *count, cap);
		names[(*count)++] = xstrdup(entry->d_name);
	}
	closedir(dir);
	if (*count > 0)
		qsort(names, *count, sizeof(*names), compare);
	return names;
}

void facts_free_list(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
