/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_TRACE_OPTIONS_H
#define CCAIO_CMD_TRACE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/common/judge.h"
#include "cmd/common/options.h"

/*
 * trace_options - the command line of ccaio trace.  Strings are borrowed from argv.
 */
#define TRACE_PIDS 64

struct bundle;

struct trace_options {
	struct judging judging; /* -f, -q, -v, --policy...; output: the report's -o */
	const char *bundle;	/* -o; NULL: made from the command's name and the time */
	uint64_t buffer_bytes;	/* -b, per CPU; 0: the default */
	const char *clock;	/* -C */
	const char *user;	/* -u */
	uint64_t group;		/* --group: number + 1; 0 none */
	const char *canary_url; /* --canary */
	char *const *argv;	/* the command, NULL-terminated; NULL with pids, comm or duration */
	uint64_t timeout_ms;	/* --timeout; 0: none */
	/* instead of a command */
	int32_t pids[TRACE_PIDS]; /* --pid */
	unsigned int npids;
	const char *comm;     /* --comm */
	uint64_t duration_ms; /* --duration; 0: until they end */
	/* the application's traffic */
	const char *capture_filter; /* --capture-filter */
	uint64_t snaplen;	    /* --snaplen, fits 32 bits; 0: all */
	bool no_payload, keep_payload, no_capture;
	bool model;			/* --model: through lib/bounce instead of a kernel */
	const char *device, *transport; /* of the model; NULL: its defaults */
	bool cost;			/* --cost: the kernel sums up copies and their times */
	bool live;			/* --live: a line per exchange as it completes */
	bool keep_arguments;		/* --keep-arguments */
	bool follow;			/* attribute the I/O of the command's children to it */
	bool command_status;		/* --exit-code=command */
};

extern const struct usage trace_usage;

/*
 * Parse.  Returns 0; 1 when help was asked for; -EINVAL with err set for a mistake.
 */
int trace_options_parse(struct trace_options *options, int argc, char **argv, struct err *err);

/* The bundle that the options ask for.  NULL with err set. */
struct bundle *trace_new_bundle(const struct trace_options *options, const char *what,
				struct err *err);

/* Where nobody named the bundle and no report on standard output does: say its name on stderr. */
void trace_tell_bundle(const struct trace_options *options, const char *path);

#endif
