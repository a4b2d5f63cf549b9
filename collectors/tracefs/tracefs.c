/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's tracing directory: where it is, and why it cannot be used. */
#include "collectors/tracefs/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs/tracefs.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

char *tracing_read(struct tracefs_instance *files, const char *path)
{
	char *text;

	errno = 0;
	text = tracefs_instance_file_read(files, path, NULL);
	/* of an empty file libtracefs returns nothing, too */
	return !text && errno == 0 ? xstrdup("") : text;
}

int tracing_write(struct tracefs_instance *files, const char *path, const char *text)
{
	errno = 0;
	if (tracefs_instance_file_write(files, path, text) >= 0)
		return 0;
	return errno ? -errno : -EIO;
}

bool tracing_exists(struct tracefs_instance *files, const char *path)
{
	return tracefs_file_exists(files, path) || tracefs_dir_exists(files, path);
}

bool tracing_has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (; text && *text; text = *text ? text + 1 : text) {
		if (strncmp(text, line, len) == 0 && (text[len] == '\n' || !text[len]))
			return true;
		text += strcspn(text, "\n");
	}
	return false;
}

/* Does the file (one line, or a list of words) hold this word? */
static bool file_says(const char *path, const char *word)
{
	char *text = file_read_at(AT_FDCWD, path, 0, 1u << 20, NULL, NULL);
	bool yes = text && strstr(text, word);

	free(text);
	return yes;
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

/* Is there a tracing directory that can be looked into?  errno says why not. */
static bool is_tracing(const char *path)
{
	char *events = xasprintf("%s/events", path);
	bool yes = access(path, X_OK) == 0 && access(events, F_OK) == 0;
	int code = errno;

	free(events);
	errno = code;
	return yes;
}

int tracing_open(struct tracing *tracing, struct err *err)
{
	const char *chosen = getenv("CCAIO_TRACING_DIR"), *found = NULL;

	*tracing = (struct tracing){ 0 };
	tracefs_set_loglevel(TEP_LOG_NONE); /* ccaio has sentences of its own */
	if (chosen) {
		if (!is_tracing(chosen))
			return err_sys(err, "CCAIO_TRACING_DIR=%s is no tracing directory", chosen);
		found = chosen;
	} else if (is_tracing("/sys/kernel/tracing")) {
		found = "/sys/kernel/tracing";
	} else {
		int code = errno;

		if (tracefs_tracing_dir_is_mounted(false, &found) <= 0 || !found ||
		    !is_tracing(found))
			return explain(code, err);
	}
	tracing->path = xstrdup(found);
	tracefs_set_tracing_dir(tracing->path);
	tracing->files = tracefs_instance_alloc(tracing->path, NULL);
	return tracing->files ? 0 : err_sys(err, "cannot use %s", tracing->path);
}

void tracing_release(struct tracing *tracing)
{
	if (tracing->files)
		tracefs_instance_free(tracing->files);
	free(tracing->path);
	*tracing = (struct tracing){ 0 };
}
