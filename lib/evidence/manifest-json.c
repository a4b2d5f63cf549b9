/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifests as JSON, schema ccaio.manifest/1: see ccaio-bundle(5). */
#include <stdlib.h>
#include <string.h>

#include "lib/evidence/manifest.h"
#include "lib/evidence/tables.h"

#define MAX_SIZE ((uint64_t)1 << 50) /* of one file; more is absurd */

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
