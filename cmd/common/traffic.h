/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_COMMON_TRAFFIC_H
#define CCAIO_CMD_COMMON_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "collectors/packets/packets.h"
#include "lib/base/err.h"

struct bundle;
struct correlate;
struct event;
struct exchanges;
struct judge;
struct names;
struct packet_reader;
struct platform;

/*
 * exchanging - the application's traffic in a judging command: captured, correlated
 * with the events while they are judged, and written into the bundle.
 *
 *     exchanging_start, _window, _stop     ccaio trace: capture
 *     exchanging_load                      ccaio verify: from a bundle
 *     exchanging_begin, _feed, _finish     both: with the events
 *     exchanging_write                     ccaio trace: into the bundle
 */
struct exchanging {
	/* options; zero is the default */
	enum packets_payload payload;
	uint32_t snaplen;
	const char *filter;
	bool off; /* no capture */
	void (*over)(void *ctx, const struct exchanges *x, const struct exchange *row);
	void *ctx;

	struct packets *packets;
	FILE *out;
	struct bundle *bundle;
	struct exchanges *x; /* what there is to report; NULL nothing */
	struct packet_reader *reader;
	struct correlate *correlate;
	bool pending;	  /* the reader has a packet that is not due yet: */
	uint64_t next_ns; /* its time */
};

#define BUNDLE_PACKETS "packets.pcap"

/*
 * Begin to capture.  Where that is not possible the run goes on without, and
 * exchanges say why; only a wrong filter is an error (-EINVAL).
 */
int exchanging_start(struct exchanging *e, struct bundle *bundle, struct err *err);
void exchanging_window(struct exchanging *e, bool open);
/* root: the program's first process; 0: others say who the program is. */
int exchanging_stop(struct exchanging *e, pid_t root, bool follow, struct err *err);

/*
 * The exchanges of a bundle, which the caller frees; NULL: it has none.  derived: with what the
 * correlation made of them.  0, or -errno with err set.
 */
int bundle_exchanges(struct bundle *bundle, bool derived, struct exchanges **x, struct err *err);

/* From a bundle; one without exchanges.json has none (0). */
int exchanging_load(struct exchanging *e, struct bundle *bundle, struct err *err);

int exchanging_begin(struct exchanging *e, struct names *names, const struct platform *platform,
		     struct err *err);
int exchanging_feed(struct exchanging *e, const struct event *events, size_t count,
		    struct err *err);
/* Completes e->x and tells the judge. */
int exchanging_finish(struct exchanging *e, struct judge *judge, struct err *err);

/* Replace what looks like a credential in the URLs of exchanges (lib/evidence/text/redact.h).
 * Accepts NULL. */
void traffic_redact(struct exchanges *x, uint64_t nonce);

int exchanging_write(struct exchanging *e, struct bundle *bundle, struct err *err);
void exchanging_release(struct exchanging *e);

#endif
