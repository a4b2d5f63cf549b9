/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_APPS_EVIDENCE_H
#define CCAIO_TESTS_APPS_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * evidence - what a Realm shows to get its key.
 *
 * Where the kernel has a TSM report provider it is the real report (Linux's
 * Documentation/ABI/testing/configfs-tsm); elsewhere a mock of the size and outer shape of a CCA
 * token, with the challenge where a token has it but with no signature that holds.
 */
#define CHALLENGE_SIZE 64
#define MOCK_TOKEN_SIZE 2074

/* The challenge in the well-known example CCA token (TF-M's iat-verifier test data). */
extern const uint8_t example_challenge[CHALLENGE_SIZE];

/* The Realm initial measurement in every mock token. */
#define MOCK_RIM "ccaio mock measurement, 32 bytes"

/* Fills a mock token that answers the challenge. */
void evidence_mock(const uint8_t challenge[static CHALLENGE_SIZE],
		   uint8_t token[static MOCK_TOKEN_SIZE]);

/*
 * Asks the kernel for a report on the challenge.  Returns its length with the report in *report,
 * which the caller frees; 0 where there is no provider; -errno where there is one that failed.
 */
long evidence_report(const uint8_t challenge[static CHALLENGE_SIZE], uint8_t **report);

#endif
