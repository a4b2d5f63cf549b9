/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_NET_TLS_H
#define CCAIO_LIB_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/range.h"

/*
 * tls - what TLS shows to everybody: its records (RFC 8446 §5, RFC 5246 §6.2).
 *
 * Version, server name, ALPN, and how many bytes travelled as handshake and as
 * application data.  In TLS 1.3 most of the handshake travels in records of
 * application data and is counted as such.  Zero-initialised is ready.
 */
#define TLS_HELLO_MAX 8192 /* of a hello message; longer ones tell nothing */

struct tls_half {
	uint8_t header[5];
	unsigned int nheader;
	uint32_t left; /* of the current record */
	uint8_t *hello;
	size_t nhello, hello_len; /* have, and need once known */
	bool hello_done, ciphered;
	/* counters */
	uint64_t records, handshake_bytes, application_bytes, alert_bytes, overhead_bytes;
	uint64_t app_start; /* stream offset of the first application data record */
	bool app_seen;
	uint32_t last_len; /* of the last record */
};

struct tls {
	struct tls_half half[2]; /* 0 the client's, 1 the server's bytes */
	unsigned int version;	 /* 0x0304 is 1.3; 0 unknown */
	unsigned int suite;	 /* the cipher suite of the ServerHello; 0 unknown */
	char sni[256];
	char alpn[64]; /* the server's choice where it is readable, else the client's offer */
	bool handshake_complete; /* as far as an onlooker can tell */
	bool broken;		 /* no TLS, or lost: sizes after this are unknown */
};

/*
 * Did a side end the connection in the way of TLS (close_notify)?  In TLS 1.3 it is
 * encrypted, and known by its length: 2 bytes, a content type, a tag of 16 bytes.
 */
bool tls_is_closed(const struct tls *tls);

void tls_release(struct tls *tls);

/*
 * Does a cipher suite encrypt?  TRI_NO for those of the IANA registry ("TLS Cipher Suites") whose
 * payload is at most signed (RFC 5246 A.5, RFC 4785, RFC 5489, RFC 9150); TRI_UNKNOWN for 0.
 */
enum tri tls_suite_encrypts(unsigned int suite);

/*
 * The next len bytes of one side's stream, at offset; data NULL: not captured
 * (survived within a record).  False once the stream is not TLS, or lost.
 */
bool tls_feed(struct tls *tls, bool from_server, uint64_t offset, const uint8_t *data,
	      uint64_t len);

/* Could a stream that begins like this be TLS?  len >= 1. */
bool tls_looks_like(const uint8_t *data, uint64_t len);

#endif
