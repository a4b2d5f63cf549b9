/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EXCHANGE_UNLISTED_H
#define CCAIO_LIB_EXCHANGE_UNLISTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;
struct exchange_conn;
struct exchanges;

/*
 * unlisted - connections and exchanges beyond those that exchanges.json lists.
 *
 * Lists take EXCHANGES_MEMORY.  What comes then lives as long as its connection: it is read,
 * matched with its events and given to a process like any other, its bytes are added up here,
 * and it leaves.  Totals, shares and sums are of all connections, listed or not.
 */

/* How payload left, as far as its form tells. */
enum exchange_form {
	FORM_CLEAR = 0,	 /* readable: HTTP, or TLS with a cipher suite that does not encrypt */
	FORM_TLS,	 /* encrypted */
	FORM_TLS_UNSURE, /* under TLS with an unknown cipher suite */
	FORM_OPAQUE,	 /* not recognised */
	EXCHANGE_FORMS
};

/* Exchanges that are not listed. */
struct exchange_rest {
	uint64_t exchanges;
	uint64_t out[EXCHANGE_FORMS], in; /* bytes of their streams */
};

void rest_add(struct exchange_rest *rest, const struct exchange *row);
void rest_sum(struct exchange_rest *rest, const struct exchange_rest *more);
uint64_t rest_out(const struct exchange_rest *rest);

/* Whose a connection is. */
enum conn_owner {
	OWNER_PROGRAM = 0,
	OWNER_KERNEL, /* a worker of the kernel, as for a file system of the network */
	OWNER_OTHERS,
	OWNER_UNKNOWN,
	CONN_OWNERS
};

enum conn_owner conn_owner(const struct exchange_conn *conn);
const char *conn_owner_name(enum conn_owner owner); /* "program" … */
/* Did another process than the program and whoever recorded send payload by it? */
bool conn_sent_by_others(const struct exchanges *x, const struct exchange_conn *conn);

/* Connections that are not listed. */
struct exchange_unlisted {
	uint64_t conns;
	struct exchange_rest by[CONN_OWNERS]; /* their exchanges, by whose connection it was */
	/*
	 * The exchanges of each, in the order of their numbers, from the capture to the
	 * correlation; not recorded.  Owned.
	 */
	struct exchange_rest *each;
	size_t neach, cap_each;
	/* what the correlation finds of them: not recorded */
	uint64_t seen;			  /* of conns, in the packets */
	uint64_t most;			  /* at one time */
	uint64_t streams[CONN_OWNERS][2]; /* payload by enum flow_dir, with what was lost of it */
	uint64_t no_owner,
		no_sender; /* connections of an unknown process; those that sent payload */
	uint64_t control_packets, control_bytes; /* the program's without payload, and their DMA */
	uint64_t sent_by_others;		 /* payload, and whose the first of it was */
	int32_t others_pid;
	char others_comm[24];
};

/* What one connection that is not listed takes until it is correlated: some 5,000,000 of them. */
#define EXCHANGES_UNLISTED_MEMORY ((size_t)256 << 20)

/* A connection that is not listed.  False: there is no memory for that either, and it is counted.
 */
bool exchanges_add_unlisted(struct exchanges *x, size_t memory);
/* Where its exchanges are added up, NULL where there is none; id as in struct conn. */
struct exchange_rest *exchanges_rest_of(struct exchanges *x, uint32_t id);
/* All exchanges that are not listed, of listed and other connections of this owner. */
struct exchange_rest exchanges_rest(const struct exchanges *x, enum conn_owner owner);
/* How many there are. */
uint64_t exchanges_rest_count(const struct exchanges *x);

#endif
