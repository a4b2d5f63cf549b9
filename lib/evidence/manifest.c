/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/evidence/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/progress.h"
#include "lib/base/xalloc.h"
#include "lib/evidence/tables.h"

#define HASH_PIECE ((size_t)1 << 18)
#define MAX_SIZE ((uint64_t)1 << 50) /* of one file; more is absurd */

struct manifest *manifest_new(void)
{
	return xcalloc(1, sizeof(struct manifest));
}

void manifest_free(struct manifest *m)
{
	if (!m)
		return;
	jtable_free(manifest_table, m);
	free(m);
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

static void manifest_hex(const unsigned char sum[MANIFEST_SHA256], char *to)
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

/* --- as JSON --- */

static bool hex_digit(char c, unsigned int *value)
{
	if (c >= '0' && c <= '9')
		*value = (unsigned int)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*value = (unsigned int)(c - 'a' + 10);
	else
		return false;
	return true;
}

static bool parse_sum(const char *text, void *to)
{
	unsigned char *sum = to;
	unsigned int high, low;
	size_t i = 0;

	for (; i < MANIFEST_SHA256; i++) {
		if (!hex_digit(text[2 * i], &high) || !hex_digit(text[2 * i + 1], &low))
			return false;
		sum[i] = (unsigned char)(high << 4 | low);
	}
	return !text[2 * i];
}

static void format_sum(const void *from, char text[JCODE_TEXT])
{
	manifest_hex(from, text);
}

static const struct jcode sum_code = {
	.size = MANIFEST_SHA256,
	.parse = parse_sum,
	.format = format_sum,
	.expected = "64 hexadecimal digits in lower case",
	.pattern = "^[0-9a-f]{64}$",
};

static void check_name(const struct jval *item, void *what)
{
	const char *name = ((const struct manifest_file *)what)->name;

	if (!name)
		return;
	if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		jval_fail_at(item, "name",
			     "expected the name of a file in the bundle's folder, not '%.64s'",
			     name);
	if (strcmp(name, MANIFEST_NAME) == 0 || strcmp(name, MANIFEST_UNFINISHED) == 0)
		jval_fail_at(item, "name", "%.64s cannot be listed", name);
}

static const struct jrow file_rows[] = {
	JNAME("name", struct manifest_file, name, .flags = JF_REQUIRED | JF_UNIQUE),
	JNUMBER("size", struct manifest_file, size, MAX_SIZE, .flags = JF_REQUIRED),
	JCODED("sha256", struct manifest_file, sha256, &sum_code, .flags = JF_REQUIRED),
	JWHOLE(.check = check_name),
};

/* An object whose members are the libraries' versions. */
static void read_libraries(const struct jrow *row, const struct jval *object, void *what)
{
	struct jval libraries = jval_object(object, row->key);
	struct manifest *m = what;
	const char *name;
	void *iter = NULL;

	while ((name = jval_next_key(&libraries, &iter))) {
		char *version = jval_string(&libraries, name);

		if (m->nlibraries >= MANIFEST_MAX_FILES)
			jval_fail(&libraries, "more than %d entries", MANIFEST_MAX_FILES);
		else
			manifest_add_library(m, name, version ? version : "");
		free(version);
	}
}

static void write_libraries(const struct jrow *row, struct jwriter *w, const void *what)
{
	const struct manifest *m = what;

	jwrite_object(w, row->key);
	for (size_t i = 0; i < m->nlibraries; i++)
		jwrite_string(w, m->libraries[i].name, m->libraries[i].version);
	jwrite_end_object(w);
}

static void free_libraries(const struct jrow *row, void *what)
{
	struct manifest *m = what;

	(void)row;
	for (size_t i = 0; i < m->nlibraries; i++) {
		free(m->libraries[i].name);
		free(m->libraries[i].version);
	}
	free(m->libraries);
}

static const struct jown libraries_own = {
	.read = read_libraries,
	.write = write_libraries,
	.release = free_libraries,
	.schema = "{\"type\": \"object\", \"additionalProperties\": {\"type\": \"string\"}}",
};

static void check_manifest(const struct jval *object, void *what)
{
	if (((const struct manifest *)what)->nfiles == 0)
		jval_fail_at(object, "files", "expected a list of files");
}

const struct jrow manifest_table[] = {
	JNAME("tool", struct manifest, tool),
	JNAME("created", struct manifest, created),
	JHEX("nonce", struct manifest, nonce, UINT64_MAX, .flags = JF_OMIT),
	JOWN("libraries", struct manifest, libraries, &libraries_own),
	JLIST("files", struct manifest, files, nfiles, file_rows, MANIFEST_MAX_FILES,
	      .flags = JF_REQUIRED),
	JWHOLE(.check = check_manifest),
};

char *manifest_format(const struct manifest *m)
{
	return jtable_format(manifest_table, MANIFEST_SCHEMA, m);
}

struct manifest *manifest_parse(const char *text, size_t len, const char *name, struct err *err)
{
	return jtable_load(manifest_table, sizeof(struct manifest),
			   jdoc_parse(text, len, name, err), MANIFEST_SCHEMA);
}
