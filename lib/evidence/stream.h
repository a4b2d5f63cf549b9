/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_STREAM_H
#define CCAIO_LIB_EVIDENCE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/evidence/event.h"

struct err;
struct names;

/*
 * stream - where events come from: a trace.dat, a bundle, the bounce path, an array.
 *
 * A source embeds struct stream as its first member and fills ops.  Readers see
 * events in time order; events with the same time in any order that keeps each
 * CPU's own order.
 */
struct stream;

struct stream_ops {
	/*
	 * Put up to max (>= 1) events into buf.  Returns how many, 0 at the end,
	 * -errno with a sentence in err for malformed evidence or an I/O error.
	 */
	ssize_t (*read)(struct stream *stream, struct event *buf, size_t max, struct err *err);
	/*
	 * The same evidence from its start, as a stream of its own with names of its own; to be
	 * closed before this one.  NULL: it can be read once only.
	 */
	struct stream *(*again)(struct stream *stream, struct names *names, struct err *err);
	/* Free everything, the stream included. */
	void (*close)(struct stream *stream);
};

/* What one CPU's buffer held. */
struct stream_cpu {
	unsigned int cpu;
	uint64_t events;   /* records read from this buffer, decoded or not */
	uint64_t first_ns; /* time of the first and the last one; 0 without events */
	uint64_t last_ns;
	uint64_t lost;	   /* events that page headers say are missing (LOST markers) */
	bool lost_unknown; /* a page says LOST without a number */
	uint64_t written;  /* events that the kernel counted, overwritten ones aside; 0 unknown */
	/* counters kept by the recorder in the file itself; has_stats false where it kept none */
	bool has_stats;
	uint64_t overrun, commit_overrun, dropped;
	/*
	 * Events that the kernel says were taken out of the buffer, and were left in it, when the
	 * counters were read.  Both start anew where the buffer is cleared.
	 */
	bool has_read;
	uint64_t read, left;
	bool from_start; /* the buffer's oldest page was never overwritten, as far as known */
};

/* One event type that the evidence describes. */
struct stream_format {
	char *system, *name; /* "dma", "dma_map_phys" */
	bool decoded;	     /* its needed fields were all found */
	char *missing;	     /* else the first field that was not */
	bool directed;	     /* it names a direction: dma_alloc does but on early 6.12 */
};

/* What a source tells about itself.  Counts are complete once read() returned 0. */
struct stream_info {
	char *recorder; /* "ccaio 0.1", "trace-cmd 3.3.1"; NULL where the evidence does not say */
	bool by_ccaio;	/* ccaio's own recording: markers and canary must be there */
	bool is_model;	/* from lib/bounce, not from a kernel */
	char *clock;	/* trace clock, "local" …; NULL unknown */
	char *arch;	/* NULL unknown */
	char *release;	/* kernel release; NULL unknown */
	char *boot_id;	/* the kernel's number of the boot; NULL unknown */
	struct stream_cpu *cpus;
	size_t ncpus;
	struct stream_format *formats;
	size_t nformats;
	uint64_t unordered; /* events that went back in time within one CPU's buffer */
	uint64_t read_ns;   /* time spent in reading and decoding; 0 unknown */
};

struct stream {
	const struct stream_ops *ops;
	struct stream_info info; /* owned by the source, freed with it */
};

ssize_t stream_read(struct stream *stream, struct event *buf, size_t max, struct err *err);
/* NULL with err set where it cannot be read again. */
struct stream *stream_again(struct stream *stream, struct names *names, struct err *err);
void stream_close(struct stream *stream); /* accepts NULL */

/* Is there a format called system:name?  NULL if not.  Borrowed. */
const struct stream_format *stream_info_format(const struct stream_info *info, const char *event);

/* Free what info holds (for sources). */
void stream_info_release(struct stream_info *info);

#endif
