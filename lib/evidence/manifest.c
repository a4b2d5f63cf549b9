/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of a bundle are. */
#include "lib/evidence/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/progress.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/tables.h"

#define HASH_PIECE ((size_t)1 << 18)

struct manifest *manifest_new(void)
{
	return xcalloc(1, sizeof(struct manifest));
}

void manifest_free(struct manifest *m)
{
	jtable_delete(manifest_table, m);
}

void manifest_add_library(struct manifest *m, const char *name, const char *version)
{
	m->libraries = xrealloc(m->libraries, m->nlibraries + 1, sizeof(*m->libraries));
	m->libraries[m->nlibraries++] =
		(struct manifest_library){ xstrdup(name), xstrdup(version) };
}

void manifest_sha256(const void *data, size_t len, unsigned char sum[MANIFEST_SHA256])
{
	/* With its own SHA-256 OpenSSL cannot fail here; without, no sum must match. */
	if (EVP_Digest(data, len, sum, NULL, EVP_sha256(), NULL) != 1)
		memset(sum, 0, MANIFEST_SHA256);
}

void manifest_hex(const unsigned char sum[MANIFEST_SHA256], char to[2 * MANIFEST_SHA256 + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < MANIFEST_SHA256; i++) {
		*to++ = digits[sum[i] >> 4];
		*to++ = digits[sum[i] & 15];
	}
	*to = '\0';
}

int manifest_hash(int fd, uint64_t at, uint64_t size, const char *name,
		  unsigned char sum[MANIFEST_SHA256], struct err *err)
{
	char *what = xasprintf("checking %s", name), *buf = xcalloc(HASH_PIECE, 1);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint64_t done = 0;
	int ret = 0;

	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		ret = err_set(err, EIO, "cannot compute a SHA-256: OpenSSL has none");
	while (ret == 0 && done < size) {
		size_t want = size - done < HASH_PIECE ? (size_t)(size - done) : HASH_PIECE;
		ssize_t n = pread(fd, buf, want, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ret = err_sys(err, "cannot read %s", name);
		else if (n == 0)
			ret = err_set(err, EBADMSG, "%s became shorter while it was read", name);
		else if (EVP_DigestUpdate(ctx, buf, (size_t)n) != 1)
			ret = err_set(err, EIO, "cannot compute the SHA-256 of %s", name);
		else
			progress_step(what, done += (uint64_t)n, size);
	}
	if (ret == 0 && EVP_DigestFinal_ex(ctx, sum, NULL) != 1)
		ret = err_set(err, EIO, "cannot compute the SHA-256 of %s", name);
	EVP_MD_CTX_free(ctx);
	free(buf);
	free(what);
	return ret;
}

int manifest_add_file(struct manifest *m, int dirfd, const char *name, struct err *err)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), ret = 0;
	struct manifest_file file = { 0 };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		ret = err_sys(err, "cannot read %s", name);
	else if (m->nfiles >= MANIFEST_MAX_FILES)
		ret = err_set(err, E2BIG, "more than %d files in a bundle", MANIFEST_MAX_FILES);
	else
		ret = manifest_hash(fd, 0, (uint64_t)st.st_size, name, file.sha256, err);
	if (fd >= 0)
		close(fd);
	if (ret < 0)
		return ret;
	file.size = (uint64_t)st.st_size;
	file.name = xstrdup(name);
	m->files = xrealloc(m->files, m->nfiles + 1, sizeof(*m->files));
	m->files[m->nfiles++] = file;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct manifest_file *const *)a)->name,
		      (*(const struct manifest_file *const *)b)->name);
}

void manifest_digest(const struct manifest *m, const char *but, char hex[2 * MANIFEST_SHA256 + 1])
{
	const struct manifest_file **sorted = xcalloc(m->nfiles + 1, sizeof(*sorted));
	unsigned char sum[MANIFEST_SHA256];
	char *text = xstrdup("");
	size_t n = 0;

	for (size_t i = 0; i < m->nfiles; i++)
		if (strcmp(m->files[i].name, but) != 0)
			sorted[n++] = &m->files[i];
	qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < n; i++) {
		char *longer;

		manifest_hex(sorted[i]->sha256, hex);
		longer = xasprintf("%s%s  %s\n", text, hex, sorted[i]->name);
		free(text);
		text = longer;
	}
	manifest_sha256(text, strlen(text), sum);
	manifest_hex(sum, hex);
	free(sorted);
	free(text);
}

const struct manifest_file *manifest_find(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->nfiles; i++) {
		if (strcmp(m->files[i].name, name) == 0)
			return &m->files[i];
	}
	return NULL;
}
