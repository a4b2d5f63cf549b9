/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_APPS_BROKER_H
#define CCAIO_TESTS_APPS_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/apps/evidence.h"

/*
 * broker - what a key broker decides, apart from HTTP: challenges, evidence, wrapped keys.
 *
 * It stands in for the demo's verifier with the simplest check that can fail: the evidence must
 * hold the challenge that was issued and, where reference values are given, one of them.
 */
struct broker;

struct broker_challenge {
	uint32_t id; /* never 0 */
	uint8_t value[CHALLENGE_SIZE];
};

enum broker_answer {
	BROKER_KEY,	      /* *wrapped is the key */
	BROKER_NO_CHALLENGE,  /* no such challenge, or it was used already */
	BROKER_NOT_IN_POLICY, /* the evidence does not convince */
	BROKER_BAD_EVIDENCE,  /* not base64url */
	BROKER_CANNOT_WRAP    /* no such key, or the client's public key is of no use */
};

/* mock_challenge: issue the example token's challenge instead of random ones. */
struct broker *broker_new(bool mock_challenge);
void broker_free(struct broker *broker);

/* Require one of the measurements in {"reference-values":["<base64>",...]}.  False: no such file,
 * or not that. */
bool broker_read_reference_values(struct broker *broker, const char *path);

/* A client asks for a key; its JSON names the public key.  False: it is not a request. */
bool broker_request(struct broker *broker, const char *key_name, const char *json,
		    struct broker_challenge *issued);

/* A client answers a challenge, for its only time.  *wrapped (base64url) is the caller's to free.
 */
enum broker_answer broker_submit(struct broker *broker, uint32_t id, const char *evidence,
				 size_t len, char **wrapped);

#endif
