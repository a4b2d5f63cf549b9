/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EXCHANGE_TALK_H
#define CCAIO_LIB_EXCHANGE_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/exchange/exchange.h"
#include "lib/exchange/passing-rows.h"
#include "lib/exchange/traffic.h"
#include "lib/net/tls.h"

/*
 * talk - what is said on one connection, and the rows of its exchanges: within
 * lib/exchange/traffic.h.
 */
#define NO_ROW UINT32_MAX
#define PIPELINE_MAX 1024 /* requests without an answer yet, per connection */

enum talking { NOTHING_YET = 0, HTTP, TLS, OTHER };

/* What is said on one connection. */
struct talk {
	struct traffic *traffic;
	uint32_t conn; /* index in exchanges.conns, or past them: it is not listed */
	struct exchange_conn *unlisted; /* then it is here */
	bool server;
	enum talking protocol;
	struct http *http[2]; /* 0 requests, 1 responses */
	struct tls tls;
	uint32_t row;			/* TLS and other streams: the connection's row */
	uint32_t request_row;		/* of the request being read */
	bool request_alone;		/* it is not among those that wait */
	uint32_t answer_row;		/* of the response being read */
	uint32_t waiting[PIPELINE_MAX]; /* ring of rows whose requests have no final answer */
	unsigned int first, nwaiting;
	uint64_t unqueued;   /* requests after those: their answers are rows of their own */
	uint64_t covered[2]; /* by flow_dir: end of the last message */
	bool tunnel;	     /* a CONNECT was answered: what follows is another protocol */
	bool closing;
};

struct traffic {
	const struct names *names;
	struct traffic_options options;
	struct exchanges *x;
	struct conn_table *conns;
	struct passing_rows passing;
};

/* NULL: there is none, or it is over.  Valid until the next new one. */
struct exchange *talk_row(struct talk *t, uint32_t row);
/* NO_ROW where there is no memory for it (counted). */
uint32_t talk_row_new(struct talk *t, enum exchange_protocol protocol);
/* It is over: whoever asked for it is told; one that is not listed is counted and leaves. */
void talk_row_over(struct talk *t, uint32_t row, enum exchange_end end);
/*
 * Nobody comes back to it but the request that is being read: one that is not listed is counted
 * and leaves.
 */
void talk_row_leaves(struct talk *t, uint32_t row);
/* The request that was being read is; row: its row. */
void talk_row_asked(struct talk *t, uint32_t row);

#endif
