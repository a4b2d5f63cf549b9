/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bundle that is being written: a private folder, renamed into place or made a tar of. */
#include "collectors/bundle-state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collectors/tar.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/place.h"
#include "lib/base/version.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/manifest.h"

static const char unfinished_text[] =
	"ccaio was writing this bundle when it ended.  It is no evidence.\n";

struct bundle *bundle_new(const char *path)
{
	struct bundle *b = xcalloc(1, sizeof(*b));

	b->path = xstrdup(path);
	for (size_t len = strlen(b->path); len > 1 && b->path[len - 1] == '/'; len--)
		b->path[len - 1] = '\0';
	b->dir = -1;
	b->members = (struct members)MEMBERS_NONE;
	b->place = (struct place)PLACE_NONE;
	return b;
}

void bundle_close(struct bundle *b)
{
	if (!b)
		return;
	if (b->dir >= 0)
		close(b->dir);
	manifest_free(b->manifest);
	manifest_free(b->begun);
	members_release(&b->members);
	place_close(&b->place);
	free(b->work);
	free(b->path);
	free(b);
}

const char *bundle_path(const struct bundle *b)
{
	return b->path;
}

/* What goes wrong in the folder where it is to be. */
static int cannot_create(const char *path, const char *why, int code, struct err *err)
{
	return err_set(err, code, "cannot create %s: %s", path, why);
}

/*
 * A folder that only this user can enter.  Its name cannot be guessed, so nobody has put
 * anything there; and whoever renames it, or puts something else into its place, reaches
 * nothing: all that follows goes through its descriptor.
 */
static int make_private(struct bundle *b, struct err *err)
{
	struct stat st;
	uint32_t random;

	if (fstatat(b->place.dir, b->place.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(err, EEXIST, "%s exists: remove it, or name another with -o",
			       b->path);
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return err_sys(err, "cannot get a random number");
	b->work = xasprintf("%s.unfinished-%08x", b->place.name, random);
	if (mkdirat(b->place.dir, b->work, 0700) < 0) {
		free(b->work);
		b->work = NULL;
		return cannot_create(b->path, strerror(errno), errno, err);
	}
	b->dir = openat(b->place.dir, b->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (b->dir < 0)
		return err_sys(err, "cannot open %s", b->path);
	/* between the two calls it could have been another's; and the umask may have taken bits */
	if (fstat(b->dir, &st) < 0 || st.st_uid != geteuid() || fchmod(b->dir, 0700) < 0)
		return err_set(err, EPERM, "%s was replaced while it was made", b->path);
	return 0;
}

/* Does a name ask for a bundle in one file? */
static bool names_tar(const char *path)
{
	size_t len = strlen(path);

	return len > 4 && strcmp(path + len - 4, ".tar") == 0;
}

struct bundle *bundle_create(const char *path, struct err *err)
{
	struct bundle *b = bundle_new(path);
	struct err why = { "" };
	int ret = place_open(&b->place, b->path, false, &why);

	b->tar = names_tar(b->path);
	if (ret < 0)
		cannot_create(b->path, why.text, -ret, err);
	if (ret == 0)
		ret = make_private(b, err);
	if (ret == 0)
		ret = bundle_write(b, MANIFEST_UNFINISHED, unfinished_text, strlen(unfinished_text),
				   err);
	if (ret == 0)
		return b;
	bundle_discard(b);
	bundle_close(b);
	return NULL;
}

/* What went wrong with the file name, named with the bundle. */
static int named(struct bundle *b, const char *name, const char *what, struct err *err)
{
	return err_sys(err, "cannot %s %s/%s", what, b->path, name);
}

int bundle_share(struct bundle *b, gid_t group, struct err *err)
{
	if (fchown(b->dir, (uid_t)-1, group) < 0 || fchmod(b->dir, 0700) < 0)
		return err_sys(err, "cannot give %s to group %u", b->path, (unsigned int)group);
	b->shared = true;
	b->group = group;
	return 0;
}

int bundle_folder(const struct bundle *b)
{
	return b->dir;
}

int bundle_new_file(struct bundle *b, const char *name, struct err *err)
{
	int fd = openat(b->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? named(b, name, "create", err) : fd;
}

int bundle_write(struct bundle *b, const char *name, const void *data, size_t len, struct err *err)
{
	struct err why = { "" };
	int fd = bundle_new_file(b, name, err), ret = 0;

	if (fd < 0)
		return fd;
	if (file_write_all(fd, data, len) < 0 || fsync(fd) < 0)
		ret = named(b, name, "write", &why);
	if (close(fd) < 0 && ret == 0)
		ret = named(b, name, "write", &why);
	if (ret < 0) {
		if (err)
			*err = why;
		unlinkat(b->dir, name, 0);
	}
	return ret;
}

static char *time_now(void)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32];

	if (!gmtime_r(&now, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return NULL;
	return xstrdup(text);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the files that the folder holds, but for the mark. */
static int list_files(struct bundle *b, char ***names, size_t *count, struct err *err)
{
	int fd = openat(b->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t cap = 0;

	*names = NULL;
	*count = 0;
	if (!dir) {
		ret = err_sys(err, "cannot read %s", b->path);
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, MANIFEST_UNFINISHED) == 0)
			continue;
		XGROW(*names, *count, cap);
		(*names)[(*count)++] = xstrdup(entry->d_name);
	}
	closedir(dir);
	if (*count > 0)
		qsort(*names, *count, sizeof(**names), compare);
	return 0;
}

static void free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* A finished file: on the disk, and for those that may read it. */
static int settle_file(struct bundle *b, const char *name, struct err *err)
{
	int fd = openat(b->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), ret = 0;

	if (fd < 0 || fsync(fd) < 0)
		ret = named(b, name, "flush", err);
	else if (fchmod(fd, 0600) < 0)
		ret = named(b, name, "set the access mode of", err);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int write_manifest(struct bundle *b, struct manifest *m, struct err *err)
{
	char *text = manifest_format(m);
	struct err why; /* names the file alone */
	int ret;

	if (!text)
		return err_set(err, ENOMEM, "cannot write %s/" MANIFEST_NAME, b->path);
	ret = file_replace_at(b->dir, MANIFEST_NAME, text, strlen(text), &why);
	free(text);
	if (ret < 0) {
		errno = -ret;
		return named(b, MANIFEST_NAME, "write", err);
	}
	return 0;
}

/* Flush and enter all files that are not entered yet. */
static int enter_files(struct bundle *b, struct err *err)
{
	char **names = NULL;
	size_t count = 0;
	int ret = list_files(b, &names, &count, err);

	if (!b->begun)
		b->begun = manifest_new();
	for (size_t i = 0; i < count && ret == 0; i++) {
		if (manifest_find(b->begun, names[i]))
			continue;
		ret = settle_file(b, names[i], err);
		if (ret == 0)
			ret = manifest_add_file(b->begun, b->dir, names[i], err);
	}
	free_names(names, count);
	return ret;
}

int bundle_digest(struct bundle *b, char hex[65], struct err *err)
{
	int ret = enter_files(b, err);

	if (ret == 0)
		manifest_digest(b->begun, BUNDLE_REPORT, hex);
	return ret;
}

/* The manifest of all that is there, on the disk; then the mark goes. */
static int complete(struct bundle *b, uint64_t nonce, struct err *err)
{
	const char *name, *version;
	int ret = enter_files(b, err);
	struct manifest *m = b->begun;

	m->tool = xstrdup("ccaio " VERSION);
	m->created = time_now();
	m->nonce = nonce;
	for (unsigned int i = 0; (name = version_library(i, &version)); i++)
		manifest_add_library(m, name, version);
	if (ret == 0)
		ret = write_manifest(b, m, err);
	if (ret == 0)
		ret = settle_file(b, MANIFEST_NAME, err);
	/* The manifest is on the disk before the mark goes, whatever the disk reorders. */
	if (ret == 0 && fsync(b->dir) < 0)
		ret = err_sys(err, "cannot flush %s", b->path);
	if (ret == 0 && unlinkat(b->dir, MANIFEST_UNFINISHED, 0) < 0)
		ret = named(b, MANIFEST_UNFINISHED, "remove", err);
	if (ret == 0 && fsync(b->dir) < 0)
		ret = err_sys(err, "cannot flush %s", b->path);
	return ret;
}

/* Does name in the folder around it name what is open at fd? */
static bool is_ours(const struct bundle *b, int fd, const char *name)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 &&
	       fstatat(b->place.dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* Somebody has moved it.  It is whole: say where. */
static int moved(const struct bundle *b, struct err *err)
{
	char link[48], where[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", b->dir);
	n = readlink(link, where, sizeof(where) - 1);
	where[n > 0 ? n : 0] = '\0';
	return err_set(err, ESTALE,
		       "%s: another program renamed or replaced the bundle's folder while it was "
		       "written; the evidence is whole and now in %s",
		       b->path, n > 0 ? where : "an unknown place");
}

/* From in the folder from to the name that the bundle was given; what has that name stays. */
static int rename_new(const struct bundle *b, int from, const char *in)
{
	const struct place *p = &b->place;
	struct stat st;

	if (renameat2(from, in, p->dir, p->name, RENAME_NOREPLACE) == 0)
		return 0;
	/* some file systems have no such rename */
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (fstatat(p->dir, p->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(from, in, p->dir, p->name);
}

/* A folder that cannot be flushed keeps its names as well as any other. */
static int flush_around(const struct bundle *b, struct err *err)
{
	if (fsync(b->place.dir) < 0 && errno != EINVAL && errno != EBADF)
		return err_sys(err, "cannot flush the folder of %s", b->path);
	return 0;
}

/* It is still private: the folder opens last. */
static int open_to_group(struct bundle *b, struct err *err)
{
	char **names = NULL;
	size_t count = 0;
	int ret = b->shared && !b->tar ? list_files(b, &names, &count, err) : 0;

	for (size_t i = 0; i < count && ret == 0; i++)
		if (fchownat(b->dir, names[i], (uid_t)-1, b->group, AT_SYMLINK_NOFOLLOW) < 0 ||
		    fchmodat(b->dir, names[i], 0640, 0) < 0)
			ret = named(b, names[i], "share", err);
	free_names(names, count);
	if (ret == 0 && b->shared && !b->tar && fchmod(b->dir, 0750) < 0)
		ret = err_sys(err, "cannot share %s", b->path);
	return ret;
}

static int rename_into_place(struct bundle *b, struct err *err)
{
	int ret = open_to_group(b, err);

	if (ret < 0)
		return ret;
	if (rename_new(b, b->place.dir, b->work) < 0) {
		if (errno == ENOENT)
			return moved(b, err);
		return err_sys(err, "cannot rename %s to %s: the evidence stays there", b->work,
			       b->path);
	}
	if (!is_ours(b, b->dir, b->place.name))
		return moved(b, err);
	return flush_around(b, err);
}

#define ARCHIVE "archive.tar" /* in the private folder, until it is renamed */

static int archive_file(struct bundle *b, int out, const char *folder, const char *name,
			struct err *err)
{
	int fd = openat(b->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), ret;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		ret = named(b, name, "read", err);
	else
		ret = tar_add(out, folder, name, fd, (uint64_t)st.st_size, 0600, st.st_mtim.tv_sec,
			      err);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* The manifest first, then the files by name, in a folder called as the archive without ".tar". */
static int archive(struct bundle *b, int out, struct err *err)
{
	char *folder = xstrndup(b->place.name, strlen(b->place.name) - 4), **names = NULL;
	size_t count = 0;
	int ret = archive_file(b, out, folder, MANIFEST_NAME, err);

	if (ret == 0)
		ret = list_files(b, &names, &count, err);
	for (size_t i = 0; i < count && ret == 0; i++)
		if (strcmp(names[i], MANIFEST_NAME) != 0 && strcmp(names[i], ARCHIVE) != 0)
			ret = archive_file(b, out, folder, names[i], err);
	if (ret == 0)
		ret = tar_end(out, err);
	free_names(names, count);
	free(folder);
	return ret;
}

static void remove_folder(struct bundle *b)
{
	char **names;
	size_t count;

	if (b->dir >= 0 && list_files(b, &names, &count, NULL) == 0) {
		for (size_t i = 0; i < count; i++)
			unlinkat(b->dir, names[i], 0);
		free_names(names, count);
		unlinkat(b->dir, MANIFEST_UNFINISHED, 0);
	}
	if (b->dir >= 0 && is_ours(b, b->dir, b->work))
		unlinkat(b->place.dir, b->work, AT_REMOVEDIR);
}

/* One file instead of the folder.  Where this fails the folder stays: it is whole. */
static int archive_into_place(struct bundle *b, struct err *err)
{
	int out = bundle_new_file(b, ARCHIVE, err), ret = out < 0 ? out : archive(b, out, err);

	if (ret == 0)
		ret = settle_file(b, ARCHIVE, err);
	if (ret == 0 && b->shared &&
	    (fchown(out, (uid_t)-1, b->group) < 0 || fchmod(out, 0640) < 0))
		ret = err_sys(err, "cannot share %s", b->path);
	if (ret == 0 && rename_new(b, b->dir, ARCHIVE) < 0)
		ret = err_sys(err, "cannot make %s: the evidence stays in %s", b->path, b->work);
	else if (ret == 0 && !is_ours(b, out, b->place.name))
		ret = err_set(err, ESTALE,
			      "%s was renamed or replaced while it was written: the evidence stays "
			      "in %s",
			      b->path, b->work);
	else if (ret == 0)
		remove_folder(b);
	else if (out >= 0)
		unlinkat(b->dir, ARCHIVE, 0);
	if (out >= 0)
		close(out);
	return ret == 0 ? flush_around(b, err) : ret;
}

int bundle_finish(struct bundle *b, uint64_t nonce, struct err *err)
{
	int ret = complete(b, nonce, err);

	if (ret < 0)
		return ret;
	ret = b->tar ? archive_into_place(b, err) : rename_into_place(b, err);
	free(b->work);
	b->work = NULL; /* what is whole is not discarded, wherever it is */
	return ret;
}

void bundle_discard(struct bundle *b)
{
	if (b->work)
		remove_folder(b);
}
