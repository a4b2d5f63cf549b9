/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EXCHANGE_TRAFFIC_H
#define CCAIO_LIB_EXCHANGE_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>

struct exchange;
struct exchanges;
struct names;
struct packet;

/*
 * traffic - what the packets of a run say: connections, and the exchanges in them.
 *
 * Fed with packets while they come in.  Keeps no payload beyond what a message
 * needs to be understood (see lib/net/http.h, lib/net/tls.h, TCP_WAITING).
 */
struct traffic;

struct traffic_options {
	bool headers_only; /* look at no payload: every stream is "unrecognised" */
	size_t memory;	   /* that listed connections and exchanges may take; 0: EXCHANGES_MEMORY */
	/*
	 * Called when an exchange is over (or its connection is).  May be NULL.  Where row is not
	 * listed, x has its connection alone.
	 */
	void (*over)(void *ctx, const struct exchanges *x, const struct exchange *row);
	void *ctx;
};

/* names knows the interfaces of the packets; borrowed until traffic_finish. */
struct traffic *traffic_new(const struct names *names, const struct traffic_options *options);
void traffic_packet(struct traffic *traffic, const struct packet *packet);

/* Ends the run and frees traffic.  The caller frees the result. */
struct exchanges *traffic_finish(struct traffic *traffic);

#endif
