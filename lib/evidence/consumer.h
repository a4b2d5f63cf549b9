/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EVIDENCE_CONSUMER_H
#define CCAIO_LIB_EVIDENCE_CONSUMER_H

#include <stddef.h>

struct err;
struct event;
struct stream;

/*
 * consumer - who reads the stream of events: the judge, the counters, the timeline, the
 * correlation of exchanges.
 *
 * One stream, many consumers: each is fed every batch in time order, and finished once where
 * the stream was read to its end without an error.  Both return 0, or -errno with err set;
 * finish may be NULL, and so may feed.
 */
struct consumer {
	int (*feed)(void *ctx, const struct event *events, size_t count, struct err *err);
	int (*finish)(void *ctx, struct err *err);
	void *ctx;
};

/*
 * Read the stream to its end.  Consumers are fed in the order of the array, and finished in
 * it, too.  Returns 0, or -errno with err set: then none was finished after the one that failed.
 */
int consumers_run(const struct consumer *consumers, size_t count, struct stream *stream,
		  struct err *err);

#endif
