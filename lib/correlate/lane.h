/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_CORRELATE_LANE_H
#define CCAIO_LIB_CORRELATE_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/extents.h"
#include "lib/correlate/carry/carry.h"

/*
 * lane - one direction of one interface: captured packets meet the events of their passing.
 */
#define LANE_NO_CONN UINT32_MAX /* the packet is no TCP */

struct lane_packet {
	struct flow_key key;
	uint32_t conn;
	const char *kind; /* of what is no TCP: "UDP" …; constant */
	uint32_t number;  /* in its file, from 1; 0 unknown */
	uint32_t frame;
	uint64_t offset, len; /* payload in the stream */
	struct extent fresh;
	uint64_t fresh_bytes;
};

struct lane;

struct lane_ops {
	/* They are the same.  grade: how sure. */
	void (*matched)(void *ctx, const struct lane_packet *packet,
			const struct carriage *carriage, unsigned int grade);
	/* Nobody came for it. */
	void (*lone_packet)(void *ctx, const struct lane_packet *packet);
	void (*lone_carriage)(void *ctx, const struct carriage *carriage);
};

/* At most max of each wait; past that the oldest is given up. */
struct lane *lane_new(size_t max, const struct lane_ops *ops, void *ctx);
/* Gives up all that waits.  Accepts NULL. */
void lane_free(struct lane *lane);

void lane_packet(struct lane *lane, const struct lane_packet *packet);
void lane_carriage(struct lane *lane, const struct carriage *carriage); /* copied */

#endif
