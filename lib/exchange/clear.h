/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EXCHANGE_CLEAR_H
#define CCAIO_LIB_EXCHANGE_CLEAR_H

#include <stdint.h>

struct exchanges;

/*
 * clear - did the program's payload leave in clear text?  Asked of exchanges that were correlated.
 */

/*
 * What workers of the kernel sent over connections of their own, not under TLS: network file
 * systems and disks (NFS, iSCSI, NVMe) send so what programs wrote.
 */
uint64_t exchanges_kernel_bytes(const struct exchanges *x);

/*
 * The program's payload as the claim `confidential` needs it: TRI_YES clear text
 * left, TRI_NO all of it was under TLS (or there was none), TRI_UNKNOWN when that
 * cannot be said (nothing captured, owner unknown, unrecognised streams, losses; bytes
 * that left otherwise than over captured TCP: datagrams, tunnels, writes to disks; bytes that
 * left through a device and are not known to be somebody else's).
 * why gets the reason, one sentence, to be freed.
 */
int exchanges_clear_payload(const struct exchanges *x, char **why);

/* Payload that other processes than the program and ccaio sent by TCP, and whose the first is. */
struct exchanges_sender {
	uint64_t bytes;
	int32_t pid;
	const char *comm; /* borrowed; NULL unknown */
};
struct exchanges_sender exchanges_others(const struct exchanges *x);

#endif
