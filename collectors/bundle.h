/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_BUNDLE_H
#define CCAIO_COLLECTORS_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct err;
struct manifest;
struct members;

/*
 * bundle - a folder NAME.ccaio/ with the evidence of one run.
 *
 * Writing: create, put files in, finish.  Until then it is a folder
 * NAME.ccaio.unfinished-XXXXXXXX beside its place, which only this user can enter (0700) and
 * whose files only this user can read (0600); everything goes through its descriptor, so
 * that nobody who can write to the folder around it can make ccaio write elsewhere.  It
 * holds a file UNFINISHED, which goes only after the manifest is on the disk; then
 * it is renamed.  A crash at any time leaves NAME.ccaio whole or not at all.
 *
 * A name that ends in ".tar" gets the same as one file (collectors/tar.h).
 *
 * Reading: open checks the manifest and every file against it.
 */
struct bundle;

#define BUNDLE_SUFFIX ".ccaio"
#define BUNDLE_TRACE "trace.dat"
#define BUNDLE_PLATFORM "platform.json"
#define BUNDLE_EXCHANGES "exchanges.json"
#define BUNDLE_VERDICT "verdict.json"
#define BUNDLE_REPORT "report.html"
#define BUNDLE_POLICY "policy.json" /* the policy that was judged by; only where there was one */
#define BUNDLE_RMM "rmm.log"	    /* the monitor's log; only where one was given */

/*
 * A new bundle at path.  Whatever exists there already is refused (-EEXIST).
 * Returns NULL with err set.
 */
struct bundle *bundle_create(const char *path, struct err *err);

/*
 * When it is finished, let group read it (folder 0750, files and tar 0640).  It becomes the
 * folder's group at once: -errno with err set where this user cannot give it.
 */
int bundle_share(struct bundle *b, gid_t group, struct err *err);

/* A new file in it, for writing.  Returns a descriptor (the caller closes it), or -errno. */
int bundle_new_file(struct bundle *b, const char *name, struct err *err);

/* The folder of a bundle that is being written, to make files in.  Borrowed. */
int bundle_folder(const struct bundle *b);

/* A whole new file, flushed to the disk. */
int bundle_write(struct bundle *b, const char *name, const void *data, size_t len, struct err *err);

/*
 * The digest (lib/evidence/manifest.h) of what is in it up to now, but for report.html, which names
 * it.  Nothing but report.html may be written afterwards.  0 or -errno with err set.
 */
int bundle_digest(struct bundle *b, char hex[65], struct err *err);

/*
 * Everything is written: flush it, write the manifest, take the mark away, rename it into place.
 * nonce: of the run.  Returns 0, or -errno with err set.  Where only the renaming failed (somebody
 * has moved the folder, or made something of the bundle's name) err says where the evidence is.
 */
int bundle_finish(struct bundle *b, uint64_t nonce, struct err *err);

/*
 * Remove the folder with all that was put in, for a run that has nothing to keep.  A bundle that
 * was completed stays.
 */
void bundle_discard(struct bundle *b);

/*
 * A bundle to read: a folder, a tar of one, a tar compressed with zstd, or either of these on
 * standard input ("-").  max: bytes that are read of it at most; 0: 16 GiB.  NULL with err set when
 * it is unfinished, when its manifest is missing or malformed, or when the files are not what the
 * manifest says.  Each file is opened once, here: what was compared with the manifest is what is
 * read later.
 */
struct bundle *bundle_open(const char *path, uint64_t max, struct err *err);

/* The same of what collectors/members.h has opened; m is taken over in any case. */
struct bundle *bundle_open_members(struct members *m, const char *path, uint64_t max,
				   struct err *err);

/* 0, or -EBADMSG with err set: a file was written to since the bundle was opened. */
int bundle_unchanged(const struct bundle *b, struct err *err);

/*
 * The content of a file of an opened bundle, checked against the manifest once
 * more, with a NUL behind it.  The caller frees.  NULL with err set; a file that
 * the manifest does not list: NULL and errno ENOENT.
 */
char *bundle_read(struct bundle *b, const char *name, size_t max, size_t *len, struct err *err);

/* Where a file of a bundle is: size bytes from at on. */
struct bundle_file {
	int fd;
	uint64_t at, size;
};

/*
 * A file of it for reading; of a bundle that is being written, too.  0, or -errno; the caller
 * closes file->fd.
 */
int bundle_file(struct bundle *b, const char *name, struct bundle_file *file, struct err *err);

/* The same as a stream.  NULL with err set. */
FILE *bundle_stream(struct bundle *b, const char *name, struct err *err);

const struct manifest *bundle_manifest(const struct bundle *b); /* NULL while writing */
const char *bundle_path(const struct bundle *b);		/* as it is named, or will be */

/* Let go of it; the folder stays as it is.  Accepts NULL. */
void bundle_close(struct bundle *b);

#endif
