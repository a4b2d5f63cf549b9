/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of a bundle in a folder, a tar, a compressed tar, or from a pipe. */
#include "collectors/members.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "collectors/tar.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

/* ---- unpacking into a file without a name ---- */

static int unnamed(struct err *err)
{
	const char *folder = getenv("TMPDIR");
	int fd = open(folder && *folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = memfd_create("ccaio", MFD_CLOEXEC);
	return fd < 0 ? err_sys(err, "cannot make a temporary file") : fd;
}

static int too_large(const char *path, uint64_t max, struct err *err)
{
	return err_set(err, EFBIG,
		       "%s unpacks to more than %" PRIu64
		       " bytes: give a larger --max-size if that is right",
		       path, max);
}

static ssize_t read_some(int in, void *buf, size_t size)
{
	ssize_t n;

	do {
		n = read(in, buf, size);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Copy what a pipe holds. */
static int spool(int in, const char *path, uint64_t max, struct err *err)
{
	int out = unnamed(err), ret = 0;
	size_t cap = 1 << 18;
	char *buf = xcalloc(cap, 1);
	uint64_t size = 0;
	ssize_t n = 0;

	while (out >= 0 && ret == 0 && (n = read_some(in, buf, cap)) > 0) {
		size += (uint64_t)n;
		if (size > max)
			ret = too_large(path, max, err);
		else if (file_write_all(out, buf, (size_t)n) < 0)
			ret = err_sys(err, "cannot keep what is read from %s", path);
	}
	if (out >= 0 && n < 0)
		ret = err_sys(err, "cannot read %s", path);
	free(buf);
	if (ret < 0) {
		close(out);
		return ret;
	}
	return out;
}

struct unzip {
	ZSTD_DStream *stream;
	char *in, *out;
	uint64_t size, max;
	size_t more; /* 0: a frame has just ended */
};

static int unzip_piece(struct unzip *z, size_t len, int out, const char *path, struct err *err)
{
	ZSTD_inBuffer in = { z->in, len, 0 };
	bool full = true;

	while (in.pos < in.size || full) {
		ZSTD_outBuffer to = { z->out, ZSTD_DStreamOutSize(), 0 };

		z->more = ZSTD_decompressStream(z->stream, &to, &in);
		if (ZSTD_isError(z->more))
			return err_set(err, EBADMSG, "%s cannot be unpacked: %s", path,
				       ZSTD_getErrorName(z->more));
		z->size += to.pos;
		if (z->size > z->max)
			return too_large(path, z->max, err);
		if (file_write_all(out, z->out, to.pos) < 0)
			return err_sys(err, "cannot unpack %s", path);
		full = to.pos == to.size;
	}
	return 0;
}

/* Unpack zstd, from the file's beginning. */
static int unzip(int in, const char *path, uint64_t max, struct err *err)
{
	struct unzip z = { ZSTD_createDStream(),
			   xcalloc(ZSTD_DStreamInSize(), 1),
			   xcalloc(ZSTD_DStreamOutSize(), 1),
			   0,
			   max,
			   1 };
	int out = unnamed(err), ret = out < 0 ? out : 0;
	ssize_t n = 0;

	if (ret == 0 && (!z.stream || lseek(in, 0, SEEK_SET) < 0))
		ret = err_set(err, ENOMEM, "cannot unpack %s", path);
	while (ret == 0 && (n = read_some(in, z.in, ZSTD_DStreamInSize())) > 0)
		ret = unzip_piece(&z, (size_t)n, out, path, err);
	if (ret == 0 && n < 0)
		ret = err_sys(err, "cannot read %s", path);
	if (ret == 0 && z.more)
		ret = err_set(err, EBADMSG, "%s cannot be unpacked: it is cut short", path);
	ZSTD_freeDStream(z.stream);
	free(z.in);
	free(z.out);
	if (ret < 0 && out >= 0)
		close(out);
	return ret < 0 ? ret : out;
}

/* ---- opening ---- */

static void replace_fd(struct members *m, int fd)
{
	close(m->fd);
	m->fd = fd;
}

int members_open(struct members *m, const char *path, uint64_t max, struct err *err)
{
	unsigned char start[TAR_BLOCK] = { 0 };
	bool pipe = strcmp(path, "-") == 0;
	struct stat st;
	int fd;

	*m = (struct members)MEMBERS_NONE;
	max = max ? max : MEMBERS_BYTES_MAX;
	m->fd = pipe ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
		     : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (m->fd < 0 || fstat(m->fd, &st) < 0)
		return err_sys(err, "cannot open %s", path);
	if (S_ISDIR(st.st_mode)) {
		m->kind = MEMBERS_FOLDER;
		return 0;
	}
	if (pipe) {
		fd = spool(m->fd, "standard input", max, err);
		if (fd < 0)
			return fd;
		replace_fd(m, fd);
	} else if (!S_ISREG(st.st_mode)) {
		return err_set(err, EINVAL,
			       "%s is neither a folder nor a file; standard input is called -",
			       path);
	}
	if (pread(m->fd, start, sizeof(start), 0) >= 4 &&
	    memcmp(start, "\x28\xb5\x2f\xfd", 4) == 0) {
		fd = unzip(m->fd, path, max, err);
		if (fd < 0)
			return fd;
		replace_fd(m, fd);
		memset(start, 0, sizeof(start));
	}
	m->kind = pread(m->fd, start, sizeof(start), 0) == TAR_BLOCK &&
				  memcmp(start + 257, "ustar", 5) == 0
			  ? MEMBERS_TAR
			  : MEMBERS_OTHER;
	return 0;
}

/* ---- listing ---- */

static int add(struct members *m, const struct member *what, struct err *err)
{
	if (m->count >= MEMBERS_MAX)
		return err_set(err, E2BIG, "more than %d files in a bundle", MEMBERS_MAX);
	XGROW(m->all, m->count, m->cap);
	m->all[m->count] = *what;
	m->all[m->count++].name = xstrdup(what->name);
	m->size += what->size;
	return 0;
}

static int add_member(void *ctx, const char *name, uint64_t at, uint64_t size, struct err *err)
{
	struct members *m = ctx;
	struct member member = { (char *)name, m->fd, 0, at, size, { 0 } };

	if (members_find(m, name))
		return err_set(err, EBADMSG, "the archive holds %s twice", name);
	if (fstat(m->fd, &member.st) < 0)
		return err_sys(err, "cannot read the archive");
	return add(m, &member, err);
}

/* A regular file of the folder, never through a link. */
static struct member open_file(int folder, const char *name)
{
	struct member member = { .name = (char *)name };

	member.fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (member.fd < 0 || fstat(member.fd, &member.st) < 0)
		member.problem = errno;
	else if (!S_ISREG(member.st.st_mode))
		member.problem = EINVAL;
	else
		member.size = (uint64_t)member.st.st_size;
	if (member.problem && member.fd >= 0) {
		close(member.fd);
		member.fd = -1;
	}
	return member;
}

static int list_folder(struct members *m, const char *path, struct err *err)
{
	int fd = openat(m->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		ret = err_sys(err, "cannot read %s", path);
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (ret == 0 && (entry = readdir(dir))) {
		struct member member;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		member = open_file(m->fd, entry->d_name);
		ret = add(m, &member, err);
		if (ret < 0 && member.fd >= 0)
			close(member.fd);
	}
	closedir(dir);
	return ret;
}

int members_list(struct members *m, const char *path, struct err *err)
{
	struct stat st;

	if (m->kind == MEMBERS_FOLDER)
		return list_folder(m, path, err);
	if (fstat(m->fd, &st) < 0)
		return err_sys(err, "cannot read %s", path);
	return tar_list(m->fd, (uint64_t)st.st_size, path, add_member, m, err);
}

const struct member *members_find(const struct members *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->all[i].name, name) == 0)
			return &m->all[i];
	return NULL;
}

bool members_unchanged(const struct members *m)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct stat *then = &m->all[i].st;
		struct stat now;

		if (m->all[i].fd < 0)
			continue;
		if (fstat(m->all[i].fd, &now) < 0 || now.st_size != then->st_size ||
		    now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
		    now.st_mtim.tv_nsec != then->st_mtim.tv_nsec ||
		    now.st_ctim.tv_sec != then->st_ctim.tv_sec ||
		    now.st_ctim.tv_nsec != then->st_ctim.tv_nsec)
			return false;
	}
	return true;
}

/* ---- a stream ---- */

struct cookie {
	int fd;
	uint64_t at, left;
};

static ssize_t cookie_read(void *arg, char *buf, size_t size)
{
	struct cookie *c = arg;
	ssize_t n;

	if (size > c->left)
		size = (size_t)c->left;
	do {
		n = pread(c->fd, buf, size, (off_t)c->at);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		c->at += (uint64_t)n;
		c->left -= (uint64_t)n;
	}
	return n;
}

static int cookie_close(void *arg)
{
	free(arg);
	return 0;
}

FILE *members_stream(const struct member *member)
{
	struct cookie *c = xcalloc(1, sizeof(*c));
	FILE *f;

	*c = (struct cookie){ member->fd, member->at, member->size };
	f = fopencookie(c, "r",
			(cookie_io_functions_t){ .read = cookie_read, .close = cookie_close });
	if (!f)
		free(c);
	return f;
}

void members_release(struct members *m)
{
	for (size_t i = 0; i < m->count; i++) {
		if (m->all[i].fd >= 0 && m->all[i].fd != m->fd)
			close(m->all[i].fd);
		free(m->all[i].name);
	}
	free(m->all);
	if (m->fd >= 0)
		close(m->fd);
	*m = (struct members)MEMBERS_NONE;
}
