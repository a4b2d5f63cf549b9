/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tar archives of plain files, written and, as somebody else's, read. */
#include "collectors/tar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/xalloc.h"

#define USTAR_SIZE_MAX 077777777777ull
#define PAX_MAX 65536 /* bytes of one extended header */
#define ENTRIES_MAX 4096

/* POSIX.1-2017 pax, "ustar Interchange Format". */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
	char magic[6], version[2], uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header is one block");

static unsigned int sum_of(const struct header *h)
{
	const unsigned char *bytes = (const unsigned char *)h;
	unsigned int sum = 0;

	for (size_t i = 0; i < sizeof(*h); i++)
		sum += i >= offsetof(struct header, sum) && i < offsetof(struct header, type)
			       ? ' '
			       : bytes[i];
	return sum;
}

/* ---- writing ---- */

static void set_name(struct header *h, const char *folder, const char *name)
{
	snprintf(h->name, sizeof(h->name), "%s", name);
	snprintf(h->prefix, sizeof(h->prefix), "%s", folder);
}

static int put_header(int out, struct header *h, char type, uint64_t size, mode_t mode,
		      int64_t mtime, struct err *err)
{
	h->type = type;
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	snprintf(h->mode, sizeof(h->mode), "%07o", (unsigned int)mode & 0777);
	snprintf(h->uid, sizeof(h->uid), "%07o", 0);
	snprintf(h->gid, sizeof(h->gid), "%07o", 0);
	snprintf(h->size, sizeof(h->size), "%011" PRIo64, size > USTAR_SIZE_MAX ? 0 : size);
	snprintf(h->mtime, sizeof(h->mtime), "%011" PRIo64,
		 mtime < 0 || (uint64_t)mtime > USTAR_SIZE_MAX ? 0 : (uint64_t)mtime);
	snprintf(h->sum, sizeof(h->sum), "%06o", sum_of(h));
	h->sum[7] = ' ';
	return file_write_all(out, h, sizeof(*h)) < 0 ? err_sys(err, "cannot write the archive")
						      : 0;
}

/* "27 size=10000000000\n", whose length counts itself. */
static int put_size(int out, const char *folder, uint64_t size, int64_t mtime, struct err *err)
{
	char block[TAR_BLOCK] = "", record[64];
	int len = snprintf(record, sizeof(record), " size=%" PRIu64 "\n", size);
	struct header h = { 0 };
	int ret;

	len += len + 2 > 99 ? 3 : 2;
	snprintf(block, sizeof(block), "%d%s", len, record);
	set_name(&h, folder, "size");
	ret = put_header(out, &h, 'x', (uint64_t)len, 0600, mtime, err);
	if (ret == 0 && file_write_all(out, block, sizeof(block)) < 0)
		ret = err_sys(err, "cannot write the archive");
	return ret;
}

static int copy(int out, int in, uint64_t size, struct err *err)
{
	static const char zeros[TAR_BLOCK];
	char *buf = xcalloc(1, 1 << 18);
	uint64_t at = 0;
	int ret = 0;

	while (at < size && ret == 0) {
		size_t want = size - at < 1 << 18 ? (size_t)(size - at) : 1 << 18;
		ssize_t n = pread(in, buf, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			ret = n < 0 ? err_sys(err, "cannot read what is to be archived")
				    : err_set(err, EIO,
					      "a file became shorter while it was archived");
		else if (file_write_all(out, buf, (size_t)n) < 0)
			ret = err_sys(err, "cannot write the archive");
		else
			at += (uint64_t)n;
	}
	if (ret == 0 && size % TAR_BLOCK &&
	    file_write_all(out, zeros, TAR_BLOCK - size % TAR_BLOCK) < 0)
		ret = err_sys(err, "cannot write the archive");
	free(buf);
	return ret;
}

int tar_add(int out, const char *folder, const char *name, int in, uint64_t size, mode_t mode,
	    int64_t mtime, struct err *err)
{
	struct header h = { 0 };
	int ret = 0;

	if (strlen(name) >= sizeof(h.name) || strlen(folder) >= sizeof(h.prefix))
		return err_set(err, ENAMETOOLONG, "no archive can hold a name as long as %s/%s",
			       folder, name);
	if (size > USTAR_SIZE_MAX)
		ret = put_size(out, folder, size, mtime, err);
	set_name(&h, folder, name);
	if (ret == 0)
		ret = put_header(out, &h, '0', size, mode, mtime, err);
	return ret == 0 ? copy(out, in, size, err) : ret;
}

int tar_end(int out, struct err *err)
{
	static const char zeros[2 * TAR_BLOCK];

	return file_write_all(out, zeros, sizeof(zeros)) < 0
		       ? err_sys(err, "cannot write the archive")
		       : 0;
}

/* ---- reading ---- */

struct reader {
	int fd;
	uint64_t at, end;
	const char *path;
	char *folder; /* that all members are in, "" none; NULL before the first */
	unsigned int entries;
	/* of an extended header, for the next member */
	bool has_size;
	uint64_t size;
	char *name;
	struct err *err;
};

static int bad(struct reader *r, const char *what)
{
	return err_set(r->err, EBADMSG, "%s is no archive of a bundle: %s at offset %" PRIu64,
		       r->path, what, r->at);
}

/* Exactly len bytes. */
static int get(struct reader *r, void *buf, size_t len)
{
	char *to = buf;

	if (len > r->end - r->at)
		return bad(r, "it is cut short");
	while (len) {
		ssize_t n = pread(r->fd, to, len, (off_t)r->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(r->err, "cannot read %s", r->path);
		if (n == 0)
			return bad(r, "it became shorter");
		to += n;
		len -= (size_t)n;
		r->at += (uint64_t)n;
	}
	return 0;
}

/* Octal digits, then blanks or NULs; or, with the top bit set, a big-endian number. */
static bool number(const char *field, size_t len, uint64_t *value)
{
	const unsigned char *f = (const unsigned char *)field;
	size_t i = 0;

	*value = 0;
	if (f[0] & 0x80) {
		for (i = 0; i < len; i++) {
			if (*value >> 55)
				return false;
			*value = *value << 8 | (i ? f[i] : f[i] & 0x7fu);
		}
		return true;
	}
	while (i < len && f[i] == ' ')
		i++;
	for (; i < len && f[i] >= '0' && f[i] <= '7'; i++)
		*value = *value << 3 | (uint64_t)(f[i] - '0');
	for (; i < len; i++)
		if (f[i] && f[i] != ' ')
			return false;
	return *value <= INT64_MAX;
}

static bool is_zero(const void *block)
{
	const char *p = block;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		if (p[i])
			return false;
	return true;
}

/* Nothing but zeros to the end: what stands there, no tar shows. */
static int check_end(struct reader *r)
{
	char block[TAR_BLOCK];

	while (r->at < r->end) {
		size_t len = r->end - r->at < TAR_BLOCK ? (size_t)(r->end - r->at) : TAR_BLOCK;

		memset(block, 0, sizeof(block));
		if (get(r, block, len) < 0)
			return -EBADMSG;
		if (!is_zero(block))
			return bad(r, "something stands behind its end");
	}
	return 0;
}

/* "27 size=10000000000\n20 path=x.ccaio/a\n" */
static int take_extended(struct reader *r, uint64_t size)
{
	char *text, *at, *end;
	int ret = 0;

	if (size > PAX_MAX)
		return bad(r, "an extended header is too long");
	text = xcalloc(size + 1, 1);
	ret = get(r, text, size);
	for (at = text; ret == 0 && at < text + size; at += strlen(at) + 1) {
		unsigned long len = strtoul(at, &end, 10);

		if (end == at || *end != ' ' || len < 5 || len > (size_t)(text + size - at) ||
		    at[len - 1] != '\n' || memchr(at, '\0', len) || end >= at + len) {
			ret = bad(r, "an extended header is malformed");
			break;
		}
		at[len - 1] = '\0';
		if (strncmp(end, " size=", 6) == 0) {
			errno = 0;
			r->size = strtoull(end + 6, &end, 10);
			r->has_size = !errno && !*end && r->size <= INT64_MAX;
			if (!r->has_size)
				ret = bad(r, "an extended header is malformed");
		} else if (strncmp(end, " path=", 6) == 0) {
			free(r->name);
			r->name = xstrdup(end + 6);
		}
		if (at + strlen(at) != at + len - 1)
			break;
	}
	free(text);
	return ret;
}

/* The name in its folder, which is that of all the others.  NULL: it is not. */
static const char *plain_name(struct reader *r, const char *full)
{
	const char *slash;
	size_t len;

	while (strncmp(full, "./", 2) == 0)
		full += 2;
	slash = strchr(full, '/');
	len = slash ? (size_t)(slash - full) : 0;
	if (full[0] == '/' || (slash && strchr(slash + 1, '/')) || (len == 1 && full[0] == '.') ||
	    (len == 2 && full[0] == '.' && full[1] == '.'))
		return NULL;
	if (!r->folder)
		r->folder = xstrndup(full, len);
	if (strlen(r->folder) != len || strncmp(r->folder, full, len) != 0)
		return NULL;
	full += slash ? len + 1 : 0;
	return *full && strcmp(full, ".") != 0 && strcmp(full, "..") != 0 ? full : NULL;
}

static int take_file(struct reader *r, const struct header *h, uint64_t size, tar_member_fn fn,
		     void *ctx)
{
	char *full = r->name	    ? xstrdup(r->name)
		     : h->prefix[0] ? xasprintf("%.155s/%.100s", h->prefix, h->name)
				    : xstrndup(h->name, strnlen(h->name, sizeof(h->name)));
	const char *name = plain_name(r, full);
	uint64_t padded;
	int ret;

	if (r->has_size)
		size = r->size;
	free(r->name);
	r->name = NULL;
	r->has_size = false;
	padded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	if (!name)
		ret = bad(r, "a member is not in the bundle's folder");
	else if (size > INT64_MAX - TAR_BLOCK || padded > r->end - r->at)
		ret = bad(r, "it is cut short");
	else
		ret = fn(ctx, name, r->at, size, r->err);
	r->at += ret == 0 ? padded : 0;
	free(full);
	return ret;
}

/* One member.  1: the archive is over. */
static int take_member(struct reader *r, tar_member_fn fn, void *ctx)
{
	uint64_t size, sum;
	struct header h;
	int ret = get(r, &h, sizeof(h));

	if (ret < 0)
		return ret;
	if (is_zero(&h))
		return check_end(r) < 0 ? -EBADMSG : 1;
	if (!number(h.sum, sizeof(h.sum), &sum) || sum != sum_of(&h) ||
	    memcmp(h.magic, "ustar", 5) != 0 || !number(h.size, sizeof(h.size), &size))
		return bad(r, "a header is malformed");
	if (++r->entries > ENTRIES_MAX)
		return bad(r, "there are too many members");
	switch (h.type) {
	case '0':
	case '\0':
		return take_file(r, &h, size, fn, ctx);
	case '5': /* the folder itself */
		return size ? bad(r, "a folder has a size") : 0;
	case 'x':
	case 'g':
		if (size > PAX_MAX)
			return bad(r, "an extended header is too long");
		ret = h.type == 'x' ? take_extended(r, size) : 0;
		if (h.type == 'g')
			r->at += size;
		r->at += (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
		return ret == 0 && r->at > r->end ? bad(r, "it is cut short") : ret;
	default:
		return bad(r, "a member is a link, a device, or of a kind that no bundle holds");
	}
}

int tar_list(int fd, uint64_t size, const char *path, tar_member_fn fn, void *ctx, struct err *err)
{
	struct reader r = { .fd = fd, .end = size, .path = path, .err = err };
	int ret = 0;

	while (ret == 0)
		ret = take_member(&r, fn, ctx);
	free(r.folder);
	free(r.name);
	return ret == 1 ? 0 : ret;
}
