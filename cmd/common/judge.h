/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_COMMON_JUDGE_H
#define CCAIO_CMD_COMMON_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/common/cmd.h"
#include "cmd/common/options.h"
#include "lib/evidence/limit.h"
#include "lib/judge/judge.h"

struct err;
struct exchanging;
struct names;
struct platform;
struct policy;
struct report;
struct report_input;
struct stream;
struct verdict;

/*
 * judging - what every judging command does the same way: judge a stream,
 * render the verdict, turn it into an exit status.
 */

#define JUDGING_WORDS 16

/* One --format, or one --output. */
struct judging_word {
	const struct report *format;
	const char *path;
};

/* One report: which, and where to. */
struct judging_output {
	const struct report *report; /* NULL: text */
	const char *path;	     /* NULL: standard output */
	struct cmd_output out;	     /* found by judging_prepare() */
	bool open;
};

/* The options that judging commands share; zero is the default. */
struct judging {
	struct judging_word words[JUDGING_WORDS]; /* --format and --output as they were given */
	size_t nwords;
	struct judging_output outputs[JUDGING_WORDS]; /* by judging_settle(); one at least … */
	size_t noutputs;			      /* … after judging_prepare() */
	const char *sarif_location;		      /* --sarif-location; NULL: the evidence */
	const char *policy_path;		      /* --policy */
	const char *rmm_path;			      /* --rmm-log */
	bool window_only;			      /* --scope window */
	enum judge_asked asked;			      /* --scope since-boot, run */
	bool scope_given;
	/* nobody will see the timeline, or the cost: it is not made; see judging_only_reports() */
	bool undrawn, uncosted;
	/* --only-device; without names limit may still come from a bundle */
	const char *only[LIMIT_DEVICES];
	size_t nonly;
	struct limit *limit;   /* what the verdict is about; NULL: the whole machine */
	uint64_t max_size;     /* --max-size; 0: the default */
	int verbosity;	       /* -q: -1, -v: 1 */
	uint64_t width;	       /* --width; 0: as the terminal is */
	struct policy *policy; /* loaded by judging_prepare or taken from a bundle */
	struct rmm_log *rmm;
	char *policy_text, *rmm_text; /* as they were read: they go into the bundle; NULL none */
	size_t policy_len, rmm_len;
	struct exchanging *exchanging; /* the application's traffic of this evidence; NULL none */
};

/*
 * Rows for their usage (cmd/common/options.h), all into a struct judging: how the report looks,
 * where it goes, what it is judged by.
 */
extern const struct opt judging_look[];	 /* --format, --width, --quiet, --verbose */
extern const struct opt judging_place[]; /* --output */
extern const struct opt judging_read[];	 /* --max-size */
extern const struct opt judging_by[];	 /* --policy, --rmm-log, --scope, --only-device */

/* For tables of options (OPT_CALL); judging: struct judging. */
int judging_take_format(void *judging, const char *value, struct err *err);
int judging_take_output(void *judging, const char *value, struct err *err);

/*
 * Which format goes where, after the options: a format to the output that follows it, else to one
 * before it that has none, else to standard output; an output without a format has that of its
 * ending.  0, or -EINVAL with err set.
 */
int judging_settle(struct judging *g, struct err *err);
/* Only the reports will see the verdict: leave out what none of them shows. */
void judging_only_reports(struct judging *g);
/* cmd_spare() for all outputs. */
int judging_spare(const struct judging *g, const char *input, struct err *err);

/* Write the names of all formats, as the last part of --help. */
void judging_print_formats(FILE *out);

/*
 * Find the devices given by --only-device among the facts (NULL: there are none).
 * 0, or -EINVAL with err set where there is no such device.
 */
int judging_limit(struct judging *g, const struct platform *facts, struct err *err);

/* A terminal reads the output at path (NULL: standard output), and NO_COLOR is not set. */
bool judging_colour(const char *path);

/*
 * Make sure that the judge can be trusted (lib/judge/selfcheck/selfcheck.h) and that output can be
 * written, load policy and monitor log.  Returns 0 or -errno with err set.
 */
int judging_prepare(struct judging *g, struct err *err);

/*
 * Use this policy, this monitor log.  The text is g's from now on, also when it
 * cannot be used (-EINVAL with err set).  name is for messages.
 */
int judging_take_policy(struct judging *g, char *text, size_t len, const char *name,
			struct err *err);
int judging_take_rmm(struct judging *g, char *text, size_t len, const char *name, struct err *err);
void judging_release(struct judging *g);

/*
 * Read stream to its end and judge it.  Returns the verdict (the caller frees)
 * or NULL with err set.  platform may be NULL.
 */
struct verdict *judging_run(const struct judging *g, struct stream *stream, struct names *names,
			    const struct platform *platform, struct err *err);

/* Render.  Returns the exit status of the verdict, or CMD_TROUBLE after saying why. */
int judging_report(const struct cmd *cmd, const struct judging *g, const struct report_input *in);

#endif
