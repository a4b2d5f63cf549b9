/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EXCHANGE_RESULT_H
#define CCAIO_LIB_EXCHANGE_RESULT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * result - what the correlation of packets and events says of the program as a whole.
 *
 * All zero: nothing is known.  Written for readers; never read back for judging.
 */
struct exchange_result {
	bool correlated;     /* kernel events were brought in */
	bool program_known;  /* at least one connection could be given to a process */
	bool nothing_else;   /* what is listed is all that touched a device for the program */
	char *other_traffic; /* the same as a sentence, or why it is not known; NULL unknown */
	/* the program's payload that left readable, under TLS, and in an unknown form */
	uint64_t clear_bytes, tls_bytes, opaque_bytes;
};

#endif
