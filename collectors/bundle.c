/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collectors/bundle.h"

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

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/place.h"
#include "lib/base/version.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/manifest.h"

struct bundle {
	char *path;
	int dir;
	struct manifest *manifest; /* reading only */
	/* writing only */
	struct place place; /* where it is to be */
	char *work;	    /* its name there until it is finished; NULL: it has been renamed */
	bool shared;	    /* with the group gid */
	gid_t gid;
};

static const char unfinished_text[] =
	"ccaio was writing this bundle when it ended.  It is no evidence.\n";

static struct bundle *bundle_new(const char *path, int dir)
{
	struct bundle *b = xcalloc(1, sizeof(*b));

	b->path = xstrdup(path);
	for (size_t len = strlen(b->path); len > 1 && b->path[len - 1] == '/'; len--)
		b->path[len - 1] = '\0';
	b->dir = dir;
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
	place_close(&b->place);
	free(b->work);
	free(b->path);
	free(b);
}

const struct manifest *bundle_manifest(const struct bundle *b)
{
	return b->manifest;
}

const char *bundle_path(const struct bundle *b)
{
	return b->path;
}

int bundle_is_one(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is;

	if (dir < 0)
		return 0;
	is = faccessat(dir, MANIFEST_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	     faccessat(dir, MANIFEST_UNFINISHED, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	close(dir);
	return is;
}

/* --- writing --- */

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

struct bundle *bundle_create(const char *path, struct err *err)
{
	struct bundle *b = bundle_new(path, -1);
	struct err why = { "" };
	int ret = place_open(&b->place, b->path, false, &why);

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

void bundle_share(struct bundle *b, gid_t gid)
{
	b->shared = true;
	b->gid = gid;
}

/* What went wrong with the file name, named with the bundle. */
static int named(struct bundle *b, const char *name, const char *what, struct err *err)
{
	return err_sys(err, "cannot %s %s/%s", what, b->path, name);
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
	else if (b->shared && fchown(fd, -1, b->gid) < 0)
		ret = named(b, name, "give the group access to", err);
	else if (fchmod(fd, b->shared ? 0640 : 0600) < 0)
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

/* The manifest of all that is there, on the disk; then the mark goes. */
static int complete(struct bundle *b, uint64_t nonce, struct err *err)
{
	struct manifest *m = manifest_new();
	const char *name, *version;
	char **names = NULL;
	size_t count = 0;
	int ret;

	m->tool = xstrdup("ccaio " VERSION);
	m->created = time_now();
	m->nonce = nonce;
	for (unsigned int i = 0; (name = version_library(i, &version)); i++)
		manifest_add_library(m, name, version);
	ret = list_files(b, &names, &count, err);
	for (size_t i = 0; i < count && ret == 0; i++) {
		ret = settle_file(b, names[i], err);
		if (ret == 0)
			ret = manifest_add_file(m, b->dir, names[i], err);
	}
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
	free_names(names, count);
	manifest_free(m);
	return ret;
}

/* Does name in the folder around it still name this bundle's folder? */
static bool is_ours(const struct bundle *b, const char *name)
{
	struct stat ours, there;

	return fstat(b->dir, &ours) == 0 &&
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
		       "%s: somebody renamed or replaced the bundle's folder while it was written; "
		       "the evidence is whole, and now in %s",
		       b->path, n > 0 ? where : "an unknown place");
}

/* The name that it was given; whatever has come there in the meantime stays. */
static int rename_into_place(struct bundle *b, struct err *err)
{
	struct stat st;
	int ret;

	if (b->shared && (fchown(b->dir, -1, b->gid) < 0 || fchmod(b->dir, 0750) < 0))
		return err_sys(err, "cannot give the group access to %s", b->path);
	ret = renameat2(b->place.dir, b->work, b->place.dir, b->place.name, RENAME_NOREPLACE);
	/* some file systems have no such rename; theirs replaces nothing but an empty folder */
	if (ret < 0 && (errno == EINVAL || errno == ENOSYS)) {
		errno = EEXIST;
		if (fstatat(b->place.dir, b->place.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			ret = renameat(b->place.dir, b->work, b->place.dir, b->place.name);
	}
	if (ret < 0 && errno == ENOENT)
		return moved(b, err);
	if (ret < 0)
		return err_sys(err, "cannot rename %s to %s: the evidence stays there", b->work,
			       b->path);
	if (!is_ours(b, b->place.name))
		return moved(b, err);
	/* a folder that cannot be flushed keeps its names as well as any other */
	if (fsync(b->place.dir) < 0 && errno != EINVAL && errno != EBADF)
		return err_sys(err, "cannot flush the folder of %s", b->path);
	return 0;
}

int bundle_finish(struct bundle *b, uint64_t nonce, struct err *err)
{
	int ret = complete(b, nonce, err);

	if (ret < 0)
		return ret;
	ret = rename_into_place(b, err);
	free(b->work);
	b->work = NULL; /* what is whole is not discarded, wherever it is */
	return ret;
}

void bundle_discard(struct bundle *b)
{
	char **names;
	size_t count;

	if (!b->work)
		return;
	if (b->dir >= 0 && list_files(b, &names, &count, NULL) == 0) {
		for (size_t i = 0; i < count; i++)
			unlinkat(b->dir, names[i], 0);
		free_names(names, count);
		unlinkat(b->dir, MANIFEST_UNFINISHED, 0);
	}
	if (is_ours(b, b->work))
		unlinkat(b->place.dir, b->work, AT_REMOVEDIR);
}

/* --- reading --- */

static int check_bundle(struct bundle *b, struct err *err)
{
	char *name = xasprintf("%s/" MANIFEST_NAME, b->path), *text = NULL;
	size_t len;
	int ret = -EBADMSG;

	if (faccessat(b->dir, MANIFEST_UNFINISHED, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		err_set(err, EBADMSG,
			"%s is unfinished: ccaio ended while it wrote it, so nothing can be "
			"judged from it",
			b->path);
		goto out;
	}
	text = file_read_at(b->dir, MANIFEST_NAME, O_NOFOLLOW, MANIFEST_MAX_BYTES, &len, NULL);
	if (!text) {
		if (errno == ENOENT)
			err_set(err, EBADMSG,
				"%s holds no " MANIFEST_NAME ": not an evidence bundle", b->path);
		else
			ret = named(b, MANIFEST_NAME, "read", err);
		goto out;
	}
	b->manifest = manifest_parse(text, len, name, err);
	if (b->manifest)
		ret = manifest_check(b->manifest, b->dir, b->path, err);
out:
	free(text);
	free(name);
	return ret;
}

struct bundle *bundle_open(const char *path, struct err *err)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bundle *b;

	if (dir < 0) {
		err_sys(err, "cannot open bundle %s", path);
		return NULL;
	}
	b = bundle_new(path, dir);
	if (check_bundle(b, err) < 0) {
		bundle_close(b);
		return NULL;
	}
	return b;
}

int bundle_open_file(struct bundle *b, const char *name, struct err *err)
{
	int fd = openat(b->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd < 0 ? named(b, name, "read", err) : fd;
}

char *bundle_read(struct bundle *b, const char *name, size_t max, size_t *len, struct err *err)
{
	const struct manifest_file *file = manifest_find(b->manifest, name);
	unsigned char sum[MANIFEST_SHA256];
	char *text;
	size_t got;

	if (!file) {
		err_set(err, ENOENT, "%s holds no %s", b->path, name);
		errno = ENOENT;
		return NULL;
	}
	text = file_read_at(b->dir, name, O_NOFOLLOW, max, &got, err);
	if (!text)
		return NULL;
	manifest_sha256(text, got, sum);
	if (memcmp(sum, file->sha256, sizeof(sum)) != 0) {
		err_set(err, EBADMSG, "%s: %s changed while it was read", b->path, name);
		free(text);
		errno = EBADMSG;
		return NULL;
	}
	if (len)
		*len = got;
	return text;
}
