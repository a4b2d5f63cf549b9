/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bundle that somebody else has written: checked against its manifest, then read. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/bundle-state.h"
#include "lib/base/err.h"
#include "lib/base/progress.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/manifest.h"

const struct manifest *bundle_manifest(const struct bundle *b)
{
	return b->manifest;
}

/* Whole, from the one time that it is opened. */
static char *read_member(const struct bundle *b, const struct member *m, size_t max, size_t *len,
			 struct err *err)
{
	char *text;
	size_t got = 0;

	if (m->fd < 0) {
		errno = m->problem;
		err_sys(err, "cannot read %s/%s", b->path, m->name);
		return NULL;
	}
	if (m->size > max) {
		err_set(err, EFBIG, "cannot read %s/%s: it is larger than %zu bytes", b->path,
			m->name, max);
		errno = EFBIG;
		return NULL;
	}
	text = xcalloc((size_t)m->size + 1, 1);
	while (got < m->size) {
		ssize_t n = pread(m->fd, text + got, (size_t)m->size - got, (off_t)(m->at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err_set(err, EBADMSG, "%s: %s became shorter while it was read", b->path,
				m->name);
			free(text);
			errno = EBADMSG;
			return NULL;
		}
		got += (size_t)n;
	}
	if (len)
		*len = got;
	return text;
}

static int check_file(const struct bundle *b, const struct manifest_file *file, struct err *err)
{
	const struct member *m = members_find(&b->members, file->name);
	unsigned char sum[MANIFEST_SHA256];
	int ret;

	if (!m)
		return err_set(err, EBADMSG, "%s: %s is missing, but " MANIFEST_NAME " lists it",
			       b->path, file->name);
	if (m->problem == ELOOP)
		return err_set(err, EBADMSG, "%s: %s is a symbolic link, not a file of this bundle",
			       b->path, file->name);
	if (m->problem == EINVAL || m->problem == ENXIO)
		return err_set(err, EBADMSG, "%s: %s is not a regular file", b->path, file->name);
	if (m->problem)
		return err_set(err, m->problem, "cannot read %s/%s: %s", b->path, file->name,
			       strerror(m->problem));
	if (m->size != file->size)
		return err_set(err, EBADMSG,
			       "%s: %s was changed after the bundle was written: it has %" PRIu64
			       " bytes, not %" PRIu64,
			       b->path, file->name, m->size, file->size);
	ret = manifest_hash(m->fd, m->at, m->size, file->name, sum, err);
	if (ret == 0 && memcmp(sum, file->sha256, sizeof(sum)) != 0)
		ret = err_set(err, EBADMSG,
			      "%s: %s was changed after the bundle was written: its SHA-256 is not "
			      "the one in " MANIFEST_NAME,
			      b->path, file->name);
	return ret;
}

/* What nobody listed could be taken for evidence. */
static int check_extra(const struct bundle *b, struct err *err)
{
	for (size_t i = 0; i < b->members.count; i++) {
		const char *name = b->members.all[i].name;

		if (strcmp(name, MANIFEST_NAME) != 0 && !manifest_find(b->manifest, name))
			return err_set(
				err, EBADMSG,
				"%s: %s was added after the bundle was written: " MANIFEST_NAME
				" does not list it",
				b->path, name);
	}
	return 0;
}

/* All files are as the manifest says, in size first: then no more is read than it claims. */
static int check_files(const struct bundle *b, uint64_t max, struct err *err)
{
	uint64_t sum = 0;
	int ret = 0;

	for (size_t i = 0; i < b->manifest->nfiles; i++) {
		uint64_t size = b->manifest->files[i].size;

		sum = sum + size < sum ? UINT64_MAX : sum + size;
	}
	if (sum > max)
		return err_set(err, EFBIG,
			       "%s is %" PRIu64 " bytes large, and no more than %" PRIu64
			       " are read: give a larger --max-size if that is right",
			       b->path, sum, max);
	for (size_t i = 0; i < b->manifest->nfiles && ret == 0; i++)
		ret = check_file(b, &b->manifest->files[i], err);
	progress_end();
	return ret < 0 ? ret : check_extra(b, err);
}

static int check_bundle(struct bundle *b, uint64_t max, struct err *err)
{
	char *name = xasprintf("%s/" MANIFEST_NAME, b->path), *text = NULL;
	const struct member *manifest;
	int ret = -EBADMSG;
	size_t len;

	manifest = members_find(&b->members, MANIFEST_NAME);
	if (members_find(&b->members, MANIFEST_UNFINISHED)) {
		err_set(err, EBADMSG,
			"%s is unfinished: ccaio ended while it wrote it, so nothing can be "
			"judged from it",
			b->path);
		goto out;
	}
	if (!manifest) {
		err_set(err, EBADMSG, "%s holds no " MANIFEST_NAME ": not an evidence bundle",
			b->path);
		goto out;
	}
	text = read_member(b, manifest, MANIFEST_MAX_BYTES, &len, err);
	if (!text)
		goto out;
	b->manifest = manifest_parse(text, len, name, err);
	if (b->manifest)
		ret = check_files(b, max ? max : MEMBERS_BYTES_MAX, err);
out:
	free(text);
	free(name);
	return ret;
}

struct bundle *bundle_open_members(struct members *m, const char *path, uint64_t max,
				   struct err *err)
{
	struct bundle *b = bundle_new(path);
	int ret;

	b->members = *m;
	*m = (struct members)MEMBERS_NONE;
	if (b->members.kind == MEMBERS_OTHER)
		ret = err_set(err, ENOTDIR,
			      "cannot open bundle %s: it is neither a folder nor a tar", path);
	else
		ret = members_list(&b->members, b->path, err);
	if (ret == 0)
		ret = check_bundle(b, max, err);
	if (ret == 0)
		return b;
	bundle_close(b);
	return NULL;
}

struct bundle *bundle_open(const char *path, uint64_t max, struct err *err)
{
	struct members m;

	if (members_open(&m, path, max, err) < 0) {
		members_release(&m);
		return NULL;
	}
	return bundle_open_members(&m, path, max, err);
}

static const struct member *find(const struct bundle *b, const char *name, struct err *err)
{
	const struct member *m =
		manifest_find(b->manifest, name) ? members_find(&b->members, name) : NULL;

	if (!m) {
		err_set(err, ENOENT, "%s holds no %s", b->path, name);
		errno = ENOENT;
	}
	return m;
}

int bundle_file(struct bundle *b, const char *name, struct bundle_file *file, struct err *err)
{
	const struct member *m;
	struct stat st;

	*file = (struct bundle_file){ .fd = -1 };
	if (!b->manifest) {
		file->fd = openat(b->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (file->fd < 0 || fstat(file->fd, &st) < 0)
			return err_sys(err, "cannot read %s/%s", b->path, name);
		file->size = (uint64_t)st.st_size;
		return 0;
	}
	m = find(b, name, err);
	if (!m)
		return -ENOENT;
	file->fd = fcntl(m->fd, F_DUPFD_CLOEXEC, 3);
	file->at = m->at;
	file->size = m->size;
	return file->fd < 0 ? err_sys(err, "cannot read %s/%s", b->path, name) : 0;
}

FILE *bundle_stream(struct bundle *b, const char *name, struct err *err)
{
	const struct member *m;
	struct bundle_file file;
	FILE *f;

	if (!b->manifest) {
		if (bundle_file(b, name, &file, err) < 0)
			return NULL;
		f = fdopen(file.fd, "r");
		if (!f)
			close(file.fd);
	} else {
		m = find(b, name, err);
		if (!m)
			return NULL;
		f = members_stream(m);
	}
	if (!f)
		err_sys(err, "cannot read %s/%s", b->path, name);
	return f;
}

char *bundle_read(struct bundle *b, const char *name, size_t max, size_t *len, struct err *err)
{
	const struct member *m = find(b, name, err);
	unsigned char sum[MANIFEST_SHA256];
	char *text;
	size_t got;

	if (!m)
		return NULL;
	text = read_member(b, m, max, &got, err);
	if (!text)
		return NULL;
	manifest_sha256(text, got, sum);
	if (memcmp(sum, manifest_find(b->manifest, name)->sha256, sizeof(sum)) != 0) {
		err_set(err, EBADMSG, "%s: %s changed while it was read", b->path, name);
		free(text);
		errno = EBADMSG;
		return NULL;
	}
	if (len)
		*len = got;
	return text;
}

int bundle_unchanged(const struct bundle *b, struct err *err)
{
	if (members_unchanged(&b->members))
		return 0;
	return err_set(err, EBADMSG,
		       "%s changed while it was judged: judge a copy that no program writes to",
		       b->path);
}
