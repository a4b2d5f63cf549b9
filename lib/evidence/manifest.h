/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_MANIFEST_H
#define CCAIO_LIB_EVIDENCE_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * manifest - what the files of an evidence bundle must be.
 *
 * MANIFEST.json, schema ccaio.manifest/1: size and SHA-256 of every other file in
 * the bundle's folder, who wrote it, with which libraries, and the run's nonce.
 * It shows that a bundle is as its writer left it, not that the writer was honest:
 * whoever can change a file can write a new manifest.
 */
#define MANIFEST_SCHEMA "ccaio.manifest/1"
#define MANIFEST_NAME "MANIFEST.json"
#define MANIFEST_UNFINISHED "UNFINISHED" /* the file that marks a bundle still being written */
#define MANIFEST_MAX_FILES 256
#define MANIFEST_MAX_BYTES ((size_t)1 << 20)
#define MANIFEST_SHA256 32

struct manifest_file {
	char *name;    /* a plain file in the bundle's folder */
	uint64_t size; /* bytes */
	unsigned char sha256[MANIFEST_SHA256];
};

struct manifest_library {
	char *name, *version;
};

struct manifest {
	char *tool;	/* "ccaio 0.1" */
	char *created;	/* "2026-11-20T18:00:00Z"; NULL unknown */
	uint64_t nonce; /* of the run; 0 none */
	struct manifest_library *libraries;
	size_t nlibraries;
	struct manifest_file *files;
	size_t nfiles;
};

struct manifest *manifest_new(void);
void manifest_free(struct manifest *m); /* accepts NULL */

/* Both are copied. */
void manifest_add_library(struct manifest *m, const char *name, const char *version);

/* Reads the file in the folder dirfd and enters what it is.  Returns 0, or -errno with err set. */
int manifest_add_file(struct manifest *m, int dirfd, const char *name, struct err *err);

/* The entry of a file, or NULL.  Borrowed. */
const struct manifest_file *manifest_find(const struct manifest *m, const char *name);

/* The manifest as JSON text (NUL-terminated, caller frees). */
char *manifest_format(const struct manifest *m);

/*
 * Read a manifest from JSON text.  name is for messages.  Unknown members are
 * ignored; a newer schema, names that are not plain file names (a slash, "..", a
 * control character, the manifest itself), names listed twice, wrong types and
 * sizes are refused: NULL with err set.
 */
struct manifest *manifest_parse(const char *text, size_t len, const char *name, struct err *err);

/*
 * SHA-256 of size bytes from at on of what is open at fd.  name is for messages.  0 or -errno
 * with err set (-EBADMSG: there are not so many).
 */
int manifest_hash(int fd, uint64_t at, uint64_t size, const char *name,
		  unsigned char sum[MANIFEST_SHA256], struct err *err);

/*
 * One number for the evidence: the SHA-256, in hexadecimal, of what
 * "LC_ALL=C sha256sum FILE..." prints of all files of the bundle in the order of their names, but
 * for MANIFEST.json and the file but, which names this number itself.
 */
void manifest_digest(const struct manifest *m, const char *but, char hex[2 * MANIFEST_SHA256 + 1]);

/* SHA-256 of memory. */
void manifest_sha256(const void *data, size_t len, unsigned char sum[MANIFEST_SHA256]);

/* The sum as 64 hexadecimal digits in lower case, and a NUL. */
void manifest_hex(const unsigned char sum[MANIFEST_SHA256], char to[2 * MANIFEST_SHA256 + 1]);

#endif
