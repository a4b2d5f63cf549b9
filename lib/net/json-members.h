/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_NET_JSON_MEMBERS_H
#define CCAIO_LIB_NET_JSON_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * jsonnames - the names of the members of a JSON text, without their values.
 *
 * Reads bytes as they come and keeps no more than the string that it is in,
 * which is wiped when it turns out to be a value.  Zero-initialised is ready.
 */
#define JSONNAMES_MAX 47 /* longer names are cut */
#define JSONNAMES_DEPTH 64

struct jsonnames {
	char text[JSONNAMES_MAX + 1];
	size_t len;
	uint8_t state;
	uint64_t in_array; /* bit per level: it is an array */
	unsigned int depth;
	bool value; /* a member's value is due */
	bool broken;
};

/* found is called for each member's name, at any depth, as often as it occurs. */
void jsonnames_feed(struct jsonnames *j, const uint8_t *data, size_t len,
		    void (*found)(void *ctx, const char *name), void *ctx);

#endif
