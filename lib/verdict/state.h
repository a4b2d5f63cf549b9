/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_VERDICT_STATE_H
#define CCAIO_LIB_VERDICT_STATE_H

#include <stdint.h>

#include "lib/verdict/diff.h"

/* What the files of verdict-diff share. */

/* Bytes that two runs of the same program may differ by, besides a tenth. */
#define DIFF_NOISE_BYTES 4096
/* Bytes that ccaio itself may move through a device: its canary reads until it was seen. */
#define DIFF_OWN_BYTES 65536
/* A network driver posts buffers in batches; half a ring of 256 with a page each. */
#define DIFF_REFILL_BYTES (128 * 4096)
/* Linux gives ports from here on to whoever asks for none: "http://10.0.2.2:45999/" */
#define DIFF_CHOSEN_PORT 32768

/* Adds a difference; text is the diff's from now on, name is copied. */
void diff_add(struct verdict_diff *diff, enum change change, const char *kind, const char *name,
	      char *text);

/* The same with the two numbers that it is about. */
void diff_add_numbers(struct verdict_diff *diff, enum change change, const char *kind,
		      const char *name, char *text, uint64_t before, uint64_t after);

/* More bytes are worse; a tenth or DIFF_NOISE_BYTES of difference is noise. */
enum change diff_by_bytes(uint64_t before, uint64_t after);

/* A device of one run, as its exchanges know it; x may be NULL. */
struct diff_device {
	bool network;
	uint64_t own[2]; /* bytes that ccaio moved through it, by enum flow_dir; DIFF_OWN_BYTES */
};
struct diff_device diff_device_of(const struct exchanges *x, const char *name);

/* What left and came in, and the exchanges (lib/verdict/diff-traffic.c); both may be NULL. */
void diff_traffic(struct verdict_diff *d, const struct exchanges *before,
		  const struct exchanges *after);

#endif
