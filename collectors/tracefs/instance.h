/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_TRACEFS_INSTANCE_H
#define CCAIO_COLLECTORS_TRACEFS_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct tracefs_instance;

/*
 * instance - one set of ring buffers and the events that are on in it.
 *
 * Either made by this run and removed with it, or found armed from the kernel
 * command line and left as it was.
 */
struct instance {
	struct tracefs_instance *files; /* libtracefs' */
	char *name;
	char *path;
	int hold;		  /* an open file of an own instance; -1 none */
	unsigned int cpus;	  /* per-CPU buffers: one per possible CPU */
	unsigned int subbuf_size; /* bytes that one read of a raw page gives */
	bool own;		  /* made by this run */
};

/* How often each counter of one CPU's buffer moved. */
struct instance_stats {
	uint64_t overrun, commit_overrun, dropped;
	uint64_t entries, read;
};

/* Make the instance called name below the directory of tracing_open().  Release in any case. */
int instance_create(struct instance *instance, const char *name, struct err *err);

/* Use an instance that exists; it will be left in place. */
int instance_adopt(struct instance *instance, const char *name, struct err *err);

/* Free what belongs to the struct; who made the instance removes it (state_undo()). */
void instance_release(struct instance *instance);

/* Set the trace clock; the buffers are emptied by it.  -EINVAL for a clock the kernel lacks. */
int instance_set_clock(struct instance *instance, const char *clock, struct err *err);

/* The clock that is set; the caller frees.  NULL with errno set. */
char *instance_clock(const struct instance *instance);

/* Room for so many bytes of events per CPU. */
int instance_set_buffer(struct instance *instance, uint64_t bytes_per_cpu, struct err *err);

int instance_record(struct instance *instance, bool on, struct err *err);

int instance_stats(const struct instance *instance, unsigned int cpu, struct instance_stats *stats,
		   struct err *err);

/*
 * What of all that was recorded since boot the buffers do not hold any more, in words (to be
 * freed); NULL nothing.  taken: this run has read them just now.
 */
char *instance_what_is_missing(const struct instance *instance, bool taken);

/* Parse a stats file.  Returns false when it lacks a counter.  Unknown lines are ignored. */
bool instance_parse_stats(const char *text, struct instance_stats *stats);

/* How many online CPUs this process may not run on, whatever it asks for (a cpuset). */
unsigned int instance_barred_cpus(void);

/*
 * Write "ccaio: <what> nonce=<16 hex> cpu=<n>" into the buffer of each online CPU,
 * from that CPU; but not of those that this process may not run on.  Without each_cpu: once,
 * wherever that is, as of CPU 0.
 */
int instance_mark(const struct instance *instance, const char *what, uint64_t nonce, bool each_cpu,
		  struct err *err);

#endif
