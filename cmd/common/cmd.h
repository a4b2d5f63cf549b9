/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_CMD_H
#define CCAIO_CMD_CMD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "lib/base/place.h"

struct err;
struct usage;

/* Exit statuses, the same for every subcommand (see ccaio(1), EXIT STATUS). */
enum {
	CMD_OK = 0,	      /* done; for a judgement: PROVEN */
	CMD_VIOLATED = 1,     /* a claim was refuted */
	CMD_INCONCLUSIVE = 2, /* nothing refuted, not everything shown */
	CMD_TROUBLE = 3, /* bad usage, no permission, I/O error, malformed input, lost output */
};

/* One subcommand.  A new one is a file cmd/<name>.c plus a line here and in cmd/main.c. */
struct cmd {
	const char *name;		   /* the word the user types */
	const char *summary;		   /* one line for ccaio --help */
	const struct usage *usage;	   /* its options and --help */
	int (*run)(int argc, char **argv); /* argv[0] is name; returns CMD_* */
};

extern const struct cmd cmd_trace;
extern const struct cmd cmd_bench;
extern const struct cmd cmd_report;
extern const struct cmd cmd_selftest;
extern const struct cmd cmd_doctor;
extern const struct cmd cmd_explain;
extern const struct cmd cmd_verify;

/* Print "ccaio <cmd>: <message>" on stderr.  Returns CMD_TROUBLE. */
int cmd_fail(const struct cmd *cmd, const struct err *err);

/* Print "ccaio <cmd>: <message>" on stderr, for what is no failure. */
void cmd_say(const struct cmd *cmd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same for a usage mistake, pointing at --help. */
int cmd_usage(const struct cmd *cmd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Parse the command line into options, by cmd->usage.  Returns the index of the first operand
 * (argc: there is none); 0 after --help; -1 after saying what is wrong.
 */
int cmd_options(const struct cmd *cmd, void *options, int argc, char **argv);

/* cmd/common/output.c: does --output mean standard output: not given, "-", "/dev/stdout"? */
bool cmd_to_stdout(const char *output);

/* … and is that a terminal? */
bool cmd_on_terminal(const char *output);

/*
 * Let paragraphs be as wide as --width (0: not given) or COLUMNS says, else as the terminal is,
 * else as a serial console (WRAP_COLUMNS).
 */
void cmd_fit_terminal(uint64_t width, const char *output);

/*
 * Where --output says, found before a long run: then the run is not in vain, and nobody who may
 * write to that folder can lead the output elsewhere while it lasts (lib/base/place.h).  A link is
 * followed now, never later.
 */
struct cmd_output {
	struct place place; /* none: standard output */
	const char *path;   /* borrowed */
	const char *what;   /* "the report", for messages; borrowed */
	mode_t mode;	    /* of the file that is there; 0 none */
	bool special;	    /* a FIFO, a device: written as it is */
};

/* Returns 0, or -errno with err set; then there is nothing to close. */
int cmd_output_open(struct cmd_output *out, const char *path, const char *what, struct err *err);
void cmd_output_close(struct cmd_output *out);

/*
 * Write with fn.  A file appears whole or not at all: what was there stays when this fails.
 * Returns 0, or -errno with err set.
 */
int cmd_output_write(const struct cmd_output *out, void (*fn)(FILE *out, const void *ctx),
		     const void *ctx, struct err *err);

/*
 * Make sure that --output (NULL: standard output) is neither input, a file that is read, nor lies
 * in it, a bundle: it would be destroyed.  Returns 0, or -EINVAL with err set.
 */
int cmd_spare(const char *input, const char *path, struct err *err);

/*
 * Open, write with fn, close.  main looks at standard output when all is done.
 * Returns 0, or -errno with err set.
 */
int cmd_write(const char *output, const char *what, void (*fn)(FILE *out, const void *ctx),
	      const void *ctx, struct err *err);

#endif
