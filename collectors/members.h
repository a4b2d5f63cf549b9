/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_MEMBERS_H
#define CCAIO_COLLECTORS_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

struct err;

/*
 * members - the files of somebody's bundle, whatever they come in: a folder, a tar, a
 * tar compressed with zstd, or either of them from standard input.
 *
 * Each file is opened once: what is hashed and what is read later is the same open file. What
 * is compressed or comes through a pipe is first unpacked into a file without a name.
 */
#define MEMBERS_MAX 300 /* a bundle has at most MANIFEST_MAX_FILES files, and the manifest */
#define MEMBERS_BYTES_MAX ((uint64_t)16 << 30) /* default limit of all together */

struct member {
	char *name;
	int fd;		/* -1: cannot be read, see problem */
	int problem;	/* ELOOP a link, EINVAL no regular file, or another errno */
	uint64_t at;	/* its first byte in fd */
	uint64_t size;	/* bytes */
	struct stat st; /* of fd when it was opened */
};

enum members_kind {
	MEMBERS_FOLDER,
	MEMBERS_TAR,
	MEMBERS_OTHER, /* one file, but no archive */
};

struct members {
	int fd; /* the folder, or the file */
	enum members_kind kind;
	struct member *all;
	size_t count, cap;
	uint64_t size; /* of all together */
};

#define MEMBERS_NONE     \
	{                \
		.fd = -1 \
	}

/*
 * Open path ("-": standard input) and see what it is.  max: bytes that may be unpacked or taken
 * from a pipe; 0: MEMBERS_BYTES_MAX.  Returns 0, or -errno with err set; release in any case.
 */
int members_open(struct members *m, const char *path, uint64_t max, struct err *err);

/* List them: a folder's or a tar's.  path is for messages. */
int members_list(struct members *m, const char *path, struct err *err);

/* Borrowed; NULL: there is none of this name. */
const struct member *members_find(const struct members *m, const char *name);

/* Has no file been written to since it was opened, as far as its size and times tell? */
bool members_unchanged(const struct members *m);

/* A stream that reads one of them.  NULL where there is no memory.  The caller closes it. */
FILE *members_stream(const struct member *member);

void members_release(struct members *m);

#endif
