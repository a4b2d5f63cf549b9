/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_COMMON_EVIDENCE_H
#define CCAIO_CMD_COMMON_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/common/traffic.h"
#include "collectors/bundle.h"
#include "collectors/members.h"

struct err;
struct judging;
struct run;
struct verdict;
struct verdict_record;

/*
 * evidence - what a command is given to judge again: a bundle in any of its shapes, or a bare
 * trace.dat; from a path, or from standard input ("-").
 *
 *     evidence_open      open it, see what it is, compare a bundle with its manifest
 *     evidence_load      of a bundle: facts, recorded verdict, traffic, policy, monitor's log,
 * events evidence_file      of a bare trace.dat: the events, and the facts of another file
 *     (judging_run)
 *     evidence_compare, evidence_unchanged
 */
struct evidence {
	const char *path;
	struct bundle *bundle;		 /* NULL: a bare trace.dat */
	struct members file;		 /* that trace.dat */
	struct verdict_record *recorded; /* the bundle's own verdict; NULL without a bundle */
	struct platform *platform;
	struct exchanging exchanging;
	struct names *names;
	struct bundle_file trace;
	struct stream *stream;
	char digest[65]; /* of a bundle: see manifest_digest */
};

#define EVIDENCE_NONE                                      \
	{                                                  \
		.file = MEMBERS_NONE, .trace = {.fd = -1 } \
	}

/* path is borrowed.  max: bytes, 0 the default.  0 or -errno with err set; release in any case. */
int evidence_open(struct evidence *e, const char *path, uint64_t max, struct err *err);

/* As it was judged then, unless g asks for something else; sets g's exchanging, policy, limit... */
int evidence_load(struct evidence *e, struct judging *g, struct err *err);
/* facts: paths, of before and after the recording or of one moment; NULL: none. */
int evidence_file(struct evidence *e, const char *const facts[2], struct judging *g,
		  struct err *err);

/* The recorded run, judged by this program, lying at path. */
void evidence_run(const struct evidence *e, const char *path, struct run *run);

/*
 * Compare today's verdict with the recorded one.  alike: it was judged by the same as then.  One of
 * this version that does not come out again is no honest record: -EBADMSG with err set.  Of another
 * version today's judgement counts, and what that version said is noted in now, as are members of
 * the files that this version does not know.
 */
int evidence_compare(const struct evidence *e, struct verdict *now, bool alike, struct err *err);

/* Nobody wrote to it since it was opened.  0, or -EBADMSG with err set. */
int evidence_unchanged(const struct evidence *e, struct err *err);

void evidence_release(struct evidence *e);

#endif
