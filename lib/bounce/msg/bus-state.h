/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MSG_BUS_STATE_H
#define CCAIO_LIB_BOUNCE_MSG_BUS_STATE_H

#include "lib/bounce/msg/bus.h"

/* msg-bus-local - what msg-bus.c, msg-area.c and transport-msg.c share; nobody else. */
struct bus_area {
	bool used;
	bool waiting; /* unshared, but the backend has not released it yet */
	uint64_t handle, ipa, bus;
	uint32_t pages;
	size_t size; /* of the buffer */
	bool streaming;
};

struct msg_bus {
	struct ffa *ffa;
	struct dma_device *dma;
	enum msg_revision rev;
	uint16_t self, peer, dev, token;
	bool direct, dynamic;
	struct bus_area areas[MSG_BUS_AREAS];
	int last; /* newest streaming area; -1 none */
	struct msg_bus_counters counters;
};

int msg_bus_call(struct msg_bus *b, struct msg *m, struct msg *answer, int size, struct err *err);
void msg_bus_tell(struct msg_bus *b, struct msg *m);

/* msg-area.c */
extern const struct dma_ops msg_area_ops;
void msg_area_released(struct msg_bus *b, uint16_t id);
/* The defect of an owner that does not wait: at the moment of a notification. */
void msg_area_reclaim_early(struct msg_bus *b);

#endif
