/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/tracefs/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/xalloc.h"

#define FILE_MAX (1u << 20)

static char *slurp(int fd)
{
	size_t len = 0, cap = 4096;
	char *text = xcalloc(cap, 1);

	for (;;) {
		ssize_t n = read(fd, text + len, cap - len - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return NULL;
		}
		if (n == 0)
			break;
		len += n;
		if (len + 1 < cap)
			continue;
		if (cap >= FILE_MAX) {
			free(text);
			errno = EFBIG;
			return NULL;
		}
		cap *= 2;
		text = xrealloc(text, cap, 1);
	}
	text[len] = '\0';
	return text;
}

char *tracing_read(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC), code;
	char *text;

	if (fd < 0)
		return NULL;
	text = slurp(fd);
	code = errno;
	close(fd);
	errno = code;
	return text;
}

int tracing_read_number(int dirfd, const char *path, unsigned long long *number)
{
	char *text = tracing_read(dirfd, path), *end;
	int ret = -EINVAL;

	if (!text)
		return -errno;
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (end != text && errno == 0)
		ret = 0;
	free(text);
	return ret;
}

static int write_flags(int dirfd, const char *path, const char *text, int flags)
{
	size_t len = strlen(text);
	int fd = openat(dirfd, path, flags | O_CLOEXEC), ret = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = write(fd, text, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		ret = -errno;
	else if ((size_t)n != len)
		ret = -EIO;
	/* some control files tell their failure only when they are closed */
	if (close(fd) < 0 && ret == 0)
		ret = -errno;
	return ret;
}

int tracing_write(int dirfd, const char *path, const char *text)
{
	return write_flags(dirfd, path, text, O_WRONLY);
}

int tracing_append(int dirfd, const char *path, const char *text)
{
	return write_flags(dirfd, path, text, O_WRONLY | O_APPEND);
}

bool tracing_exists(int dirfd, const char *path)
{
	return faccessat(dirfd, path, F_OK, 0) == 0;
}

/* Open path as the tracing directory if it is one.  Returns whether; errno says why not. */
static bool try_dir(struct tracing *tracing, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), code;

	if (fd < 0)
		return false;
	if (faccessat(fd, "events", F_OK, 0) < 0) {
		code = errno;
		close(fd);
		errno = code;
		return false;
	}
	tracing->path = xstrdup(path);
	tracing->fd = fd;
	return true;
}

/* Does the file (one line, or a list of words) hold this word? */
static bool file_says(const char *path, const char *word)
{
	char *text = tracing_read(AT_FDCWD, path);
	bool yes = text && strstr(text, word);

	free(text);
	return yes;
}

static bool try_mounts(struct tracing *tracing)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	bool found = false;

	if (!mounts)
		return false;
	while (!found && (entry = getmntent(mounts)) != NULL)
		found = strcmp(entry->mnt_type, "tracefs") == 0 && try_dir(tracing, entry->mnt_dir);
	endmntent(mounts);
	return found;
}

static int explain(int code, struct err *err)
{
	if (file_says("/sys/kernel/security/lockdown", "[confidentiality]"))
		return err_set(err, EPERM,
			       "the kernel is locked down (confidentiality): tracing is forbidden; "
			       "boot it with lockdown=integrity or less to trace");
	if (code == EACCES || code == EPERM)
		return err_set(err, code, "the tracing directory cannot be opened: %s",
			       strerror(code));
	if (!file_says("/proc/filesystems", "tracefs"))
		return err_set(err, ENOENT,
			       "this kernel has no tracefs (CONFIG_TRACING is off); "
			       "boot one that has it");
	return err_set(err, ENOENT,
		       "tracefs is not mounted; mount it with "
		       "'mount -t tracefs nodev /sys/kernel/tracing'");
}

int tracing_open(struct tracing *tracing, struct err *err)
{
	const char *chosen = getenv("CCAIO_TRACING_DIR");
	int code;

	tracing->path = NULL;
	tracing->fd = -1;
	if (chosen) {
		if (try_dir(tracing, chosen))
			return 0;
		return err_sys(err, "CCAIO_TRACING_DIR=%s is no tracing directory", chosen);
	}
	if (try_dir(tracing, "/sys/kernel/tracing"))
		return 0;
	code = errno;
	if (try_mounts(tracing) || try_dir(tracing, "/sys/kernel/debug/tracing"))
		return 0;
	return explain(code, err);
}

void tracing_release(struct tracing *tracing)
{
	free(tracing->path);
	if (tracing->fd >= 0)
		close(tracing->fd);
	tracing->path = NULL;
	tracing->fd = -1;
}
