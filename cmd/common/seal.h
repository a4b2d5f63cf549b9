/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_CMD_COMMON_SEAL_H
#define CCAIO_CMD_COMMON_SEAL_H

#include <stdint.h>

struct bundle;
struct err;
struct exchanging;
struct judging;
struct report_input;

/*
 * Complete a bundle: the verdict, its HTML report, policy and monitor's log it was
 * judged by, the exchanges (exchanging may be NULL), then the manifest.  0 or -errno.
 */
int seal_bundle(struct bundle *bundle, const struct judging *g, struct exchanging *exchanging,
		const struct report_input *in, uint64_t nonce, struct err *err);

#endif
