/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_TESTS_PROPERTY_HISTORY_H
#define CCAIO_TESTS_PROPERTY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/evidence/event.h"
#include "lib/evidence/platform.h"
#include "lib/evidence/stream.h"
#include "lib/judge/judge.h"
#include "lib/verdict/verdict.h"

struct names;

/*
 * history - a stream of events with the machine that it comes from, and what
 * its maker knows about it: which mapping each event belongs to, and whether
 * the stream and the facts show everything.
 */

/* splitmix64: small, seedable, good enough to choose with. */
struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 … n-1 */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

/* true once in n */
static inline bool rng_one_in(struct rng *r, uint64_t n)
{
	return rng_below(r, n) == 0;
}

/* How a mapping came about. */
enum made { MADE_NONE, MADE_BOUNCED, MADE_DIRECT, MADE_ALLOC, MADE_FAILED };

struct step {
	struct event ev;
	uint32_t map; /* number of the mapping it belongs to; 0 none */
	uint8_t made; /* enum made of that mapping */
	bool trusted; /* the device was accepted (TDISP) then */
	bool within;  /* a direct mapping of a part of an allocation */
};

enum sharing {
	SHARING_REHEARSAL,
	SHARING_ALIAS,	      /* Realm, the shared bit is given */
	SHARING_INFERRED,     /* Realm, the shared bit must be inferred */
	SHARING_PLAIN,	      /* Realm, plain addresses, decrypts are reported */
	SHARING_PLAIN_SILENT, /* Realm, plain addresses, decrypts are not reported */
	SHARINGS
};

#define C_BIT (1ull << 51) /* marks what is protected, in an SEV guest */

struct history {
	struct step *steps;
	size_t count, cap;
	struct platform *platform;
	struct names *names;
	struct stream_info info;
	struct judge_options options;
	enum sharing sharing;
	uint64_t alias;	   /* the bit, 0 in plain settings */
	uint32_t maps;	   /* mappings are numbered from 1 */
	uint64_t ram_free; /* RAM that nothing in the history uses: from here … */
	uint64_t ram_end;  /* … to here, inclusive */
	bool provable;	   /* stream and facts show everything: must be PROVEN */
	const char *why;   /* not provable: what is missing */
};

/* A legal history, as a kernel could tell it, of about the given number of events. */
struct history *history_new(uint64_t seed, size_t size);
struct history *history_copy(const struct history *h);
void history_free(struct history *h); /* accepts NULL */

/* Number, order and times of events changed: bring what the stream tells about itself in line. */
void history_settle(struct history *h);

void history_insert(struct history *h, size_t at, const struct step *s);
void history_remove(struct history *h, size_t at);

/* Judge it.  The caller frees. */
struct verdict *history_judge(const struct history *h);

/* Readable: facts that matter, then one line per event. */
void history_print(const struct history *h, FILE *out);

/*
 * mutations - each turns a legal history into one that must not be PROVEN.
 * apply returns false where this history offers no place for it, or where the
 * result would be another legal history.
 */
struct mutation {
	const char *name;
	bool (*apply)(struct history *h, struct rng *r);
};
/* The mutation with this number, from 0 on; NULL where there is none any more. */
const struct mutation *mutation_at(size_t i);

#endif
