/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/kernel/kept.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/names.h"
#include "lib/base/xalloc.h"

#define FORM "ccaio-kernel/1"
#define BYTES_MAX (64u << 10)
#define ANSWERS_MAX 1000u
#define KEY_MAX 200

struct kept {
	char *path, *first; /* first: the first line; NULL: nothing is kept */
	struct names *keys;
	uint64_t *values; /* by the number of their key */
	size_t cap;
	bool changed;
};

static void start(struct kept *kept)
{
	kept->keys = names_new();
	kept->changed = false;
}

void kept_forget(struct kept *kept)
{
	names_free(kept->keys);
	start(kept);
	kept->changed = true;
}

bool kept_get(const struct kept *kept, const char *key, uint64_t *value)
{
	uint16_t id = kept ? names_find(kept->keys, key) : 0;

	if (id)
		*value = kept->values[id];
	return id != 0;
}

void kept_put(struct kept *kept, const char *key, uint64_t value)
{
	size_t len = strlen(key);
	uint16_t id;

	if (!kept || !len || len > KEY_MAX || strpbrk(key, " \n") ||
	    names_count(kept->keys) > ANSWERS_MAX)
		return;
	id = names_intern(kept->keys, key, len);
	if (kept->cap <= id) {
		kept->cap = 2 * (size_t)id + 128;
		kept->values = xrealloc(kept->values, kept->cap, sizeof(*kept->values));
	}
	kept->values[id] = value;
	kept->changed = true;
}

/* Of this user alone? */
static bool is_ours(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       st.st_nlink == 1 && !(st.st_mode & 077);
}

/* "KEY VALUE", as it is written */
static bool take_line(struct kept *kept, char *line)
{
	char *space = strchr(line, ' '), *end;
	uint64_t value, had;

	if (!space || space == line || space - line > KEY_MAX ||
	    space[1 + strspn(space + 1, "0123456789abcdef")] || !space[1] || strlen(space + 1) > 16)
		return false;
	*space = '\0';
	value = strtoull(space + 1, &end, 16);
	if (kept_get(kept, line, &had) || names_count(kept->keys) > ANSWERS_MAX)
		return false;
	kept_put(kept, line, value);
	return true;
}

/* All lines from the first to the last, which is "end". */
static bool take(struct kept *kept, char *text)
{
	char *rest = text, *line = strsep(&rest, "\n");

	if (!rest || strcmp(line, kept->first) != 0)
		return false;
	while ((line = strsep(&rest, "\n")) && rest) {
		if (strcmp(line, "end") == 0)
			return !*rest;
		if (!take_line(kept, line))
			return false;
	}
	return false;
}

struct kept *kept_open(const char *path, const char *boot_id)
{
	struct kept *kept = xcalloc(1, sizeof(*kept));
	size_t len = 0;
	char *text;

	start(kept);
	kept->path = xstrdup(path);
	if (!boot_id || !*boot_id)
		return kept;
	kept->first = xasprintf("%s %s", FORM, boot_id);
	text = is_ours(path) ? file_read_at(AT_FDCWD, path, O_NOFOLLOW, BYTES_MAX, &len, NULL)
			     : NULL;
	if (text && (strlen(text) != len || !take(kept, text)))
		kept_forget(kept);
	kept->changed = false;
	free(text);
	return kept;
}

void kept_free(struct kept *kept)
{
	if (!kept)
		return;
	names_free(kept->keys);
	free(kept->values);
	free(kept->first);
	free(kept->path);
	free(kept);
}

/* Is the file that fd has open still the one at path? */
static bool is_at(int fd, const char *path)
{
	struct stat has, at;

	return fstat(fd, &has) == 0 && lstat(path, &at) == 0 && has.st_ino == at.st_ino &&
	       has.st_dev == at.st_dev;
}

/* Written beside it, by one run at a time; what a killed run left there is written anew. */
static void replace(const char *path, const char *text, size_t len)
{
	char *beside = xasprintf("%s.new", path);
	int fd = open(beside, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && is_at(fd, beside)) {
		if (ftruncate(fd, 0) < 0 || file_write_all(fd, text, len) < 0 ||
		    rename(beside, path) < 0)
			unlink(beside);
	}
	if (fd >= 0)
		close(fd);
	free(beside);
}

void kept_write(struct kept *kept)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = kept && kept->first && kept->changed ? open_memstream(&text, &len) : NULL;

	if (!out)
		return;
	fprintf(out, "%s\n", kept->first);
	for (size_t id = 1; id < names_count(kept->keys); id++)
		fprintf(out, "%s %" PRIx64 "\n", names_get(kept->keys, (uint16_t)id),
			kept->values[id]);
	fputs("end\n", out);
	if (fclose(out) == 0)
		replace(kept->path, text, len);
	free(text);
	kept->changed = false;
}
