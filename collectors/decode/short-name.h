/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_DECODE_SHORT_NAME_H
#define CCAIO_COLLECTORS_DECODE_SHORT_NAME_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* short-name - device names of up to 16 bytes that were seen lately, and their numbers. */
#define NAME_PLACES 256
struct cached_name {
	uint64_t head, tail; /* its first and last 8 bytes */
	uint32_t len;	     /* 0: none */
	uint16_t id;
};

/* A name of 1 to 16 bytes: its first and last 8 are all of it. */
static inline struct cached_name name_of(const uint8_t *p, uint32_t len)
{
	struct cached_name name = { .len = len };

	memcpy(&name.head, p, 8); /* DECODE_SLACK is behind a short one */
	if (len >= 8)
		memcpy(&name.tail, p + len - 8, 8);
	else
		name.head &= (UINT64_C(1) << 8 * len) - 1;
	return name;
}

/* Its place among the NAME_PLACES of a cache, where it or another one is. */
static inline struct cached_name *name_place(struct cached_name *cache,
					     const struct cached_name *name)
{
	uint64_t hash = (name->head ^ (name->tail << 1) ^ name->len) * UINT64_C(0x9e3779b97f4a7c15);

	return &cache[hash >> 56];
}

static inline bool is_same(const struct cached_name *a, const struct cached_name *b)
{
	return a->len == b->len && a->head == b->head && a->tail == b->tail;
}

#endif
