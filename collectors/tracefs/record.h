/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_RECORD_H
#define CCAIO_COLLECTORS_TRACEFS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "collectors/kernel/metering.h"
#include "collectors/tracefs/events.h"
#include "collectors/tracefs/instance.h"
#include "collectors/tracefs/stacks.h"
#include "collectors/tracefs/state.h"
#include "collectors/tracefs/tracefs.h"

struct types;
struct err;
struct platform;

/*
 * recording - one live recording, from arming the kernel to restoring it.
 *
 *     recording_open      clean up after dead runs, get an instance, arm it
 *     recording_start     open the window: pages flow, markers are in
 *     recording_wait      … as often as needed
 *     recording_stop      close the window: markers, the rest of the pages, counters
 *     recording_close     restore the kernel; always, also after a failure
 */
#define RECORDING_BUFFER_BYTES (4u << 20)
#define RECORDING_CLOCK "mono"

struct recording_options {
	uint64_t buffer_bytes; /* per CPU; 0: RECORDING_BUFFER_BYTES, or the boot-armed buffer's */
	const char *clock;     /* NULL: RECORDING_CLOCK, or the boot-armed buffer's */
	struct types *types;   /* the kernel's types, where they have been loaded; else NULL */
	bool no_boot;	       /* make an instance even where one was armed at boot */
	bool cost;	       /* let the kernel sum up what bouncing costs */
};

struct recording {
	struct tracing tracing;
	struct state state;
	struct instance instance;
	struct arming arming;
	struct stacks stacks;
	struct pages *pages;
	struct pollfd *fds; /* one per CPU, the caller's and the watch's */
	struct gaps *gaps;
	char *group; /* of this run's dynamic events */
	struct metering metering;
	char *clock; /* that the time stamps are of */
	uint64_t nonce;
	struct instance_stats *before; /* per CPU */
	struct platform_lost *lost;    /* per CPU: how much they moved since */
	bool from_boot;		       /* everything since boot is in the pages */
	char *boot_reason; /* why not, although an armed instance was looked for; NULL otherwise */
	/* with from_boot: the probes of the kernel command line, which are in the top-level buffer
	 */
	struct instance top;
	bool boot_probes;
	char *probes_reason; /* why not, although there are some; NULL otherwise */
	bool started;
	bool lost_known;
};

#define RECORDING_INIT                                                                         \
	{                                                                                      \
		.state.fd = -1, .instance.hold = -1, .top.hold = -1, .metering = METERING_INIT \
	}

/* Release with recording_close in any case. */
int recording_open(struct recording *rec, const struct recording_options *options, struct err *err);

/* Let the kernel say who gives devices what these facts call protected; before the window opens. */
void recording_watch_maps(struct recording *rec, const struct platform *platform);

/*
 * Open the window.  out: a file descriptor per CPU (rec->instance.cpus), for the raw pages; with
 * boot_probes as many more behind them, for those of the top-level buffer.
 */
int recording_start(struct recording *rec, const int *out, struct err *err);

/* Put a marker of this run into the stream: what, "count", is happening. */
int recording_note(struct recording *rec, const char *what, struct err *err);

/* The same on every CPU, by a task that runs there: "rest". */
int recording_note_all(struct recording *rec, const char *what, struct err *err);

/*
 * Wait until fd is readable (returns 1), or timeout_ms (-1: none) is over (returns 0), moving
 * pages meanwhile.
 */
int recording_wait(struct recording *rec, int fd, int timeout_ms, struct err *err);

int recording_stop(struct recording *rec, struct err *err);

/* Returns 0, or -errno when something could not be restored. */
int recording_close(struct recording *rec, struct err *err);

/* Enter what the recording knows into the trace part of the facts, and the meter, once. */
void recording_describe(struct recording *rec, struct platform *platform);

#endif
