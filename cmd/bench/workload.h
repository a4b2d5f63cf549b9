/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_BENCH_WORKLOAD_H
#define CCAIO_CMD_BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cmd/bench/results.h"

struct err;

/*
 * workload - well-known servers and load generators, run on this machine.
 *
 * Commands are for sh, in a folder of their own.  Their environment has OPERATIONS, and what the
 * user gave: CLIENT (a command that runs its arguments on another machine), HOST (the address of
 * this machine there), URL.
 */
struct workload {
	const char *name, *what;
	const char *unit;	/* of an operation: "request" */
	uint64_t operations;	/* of one run */
	const char *packages;	/* of Debian, that have to be on this machine */
	const char *client;	/* the same of the client's machine; NULL: there is no client */
	bool url;		/* needs URL */
	const char *setup;	/* once, before the server; NULL: nothing */
	const char *server;	/* stays until it is ended; NULL: none */
	unsigned int port;	/* the server's, TCP */
	const char *prepare;	/* once, with the server; NULL: nothing */
	const char *load;	/* one run */
	const char *expect;	/* what its output must have; NULL: its exit status suffices */
	double published[2];	/* virtCCA's figures: vanilla, virtCCA; 0: none */
	bool published_is_time; /* they are seconds, and not operations per second */
	const char *caveat;	/* of the published figures; NULL: none */
};

extern const struct workload workloads[]; /* one without a name ends them */

/* Does a word of the user ("all", "redis", "redis-set") mean this workload? */
bool workload_is(const struct workload *w, const char *word);

/* A line for each workload. */
void workload_list(FILE *out);

struct workload_options {
	uint64_t runs;
	const char *client, *url; /* NULL: not given */
	const char *address;	  /* NULL: the first that is no loopback's */
	const char *directory;	  /* for files of servers and of fio; NULL: /var/tmp */
	bool cost;		  /* as many runs more, with the meter of ccaio trace --cost */
};

/*
 * Run it once for nothing, and then as often as asked.  load is zeroed; the caller frees what it
 * owns, whatever the result.  0, or -errno with err set; then no server is left behind.
 */
int workload_run(const struct workload *w, const struct workload_options *options,
		 struct bench_load *load, struct err *err);

#endif
