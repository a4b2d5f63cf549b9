/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_MSG_BACKEND_H
#define CCAIO_LIB_BOUNCE_MSG_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bounce/msg/format.h"

struct ffa;
struct host_device;

/*
 * msg-backend - the endpoint that has the device: answers virtio-msg, borrows areas.
 *
 * It reaches a shared area only between AREA_SHARE (FFA_MEM_RETRIEVE_REQ) and
 * AREA_UNSHARE (FFA_MEM_RELINQUISH).  Area 0 is the static one: its offsets count from
 * guest-physical 0, so that an address in the pool is its own bus address.
 */
#define MSG_BACKEND_AREAS 1024u
#define MSG_BACKEND_EVENTS 16u

struct msg_backend {
	struct ffa *ffa;
	struct host_device *host;
	enum msg_revision rev;
	enum msg_revision info_rev; /* of DEVICE_INFO: another one is the fault */
	uint16_t self;
	uint64_t shared_bit; /* stripped from offsets of area 0 */
	bool plugged;
	bool busy; /* answer the next AREA_UNSHARE with "busy", and release it by an event */
	struct {
		bool used;
		uint64_t handle, ipa;
		uint32_t pages;
	} areas[MSG_BACKEND_AREAS];
	struct msg events[MSG_BACKEND_EVENTS]; /* not yet polled */
	unsigned int nevents;
	uint64_t refused; /* messages that made no sense */
};

/* self: its FF-A id.  Adds itself to the relayer, and its translation to the guard. */
void msg_backend_init(struct msg_backend *b, struct ffa *ffa, struct host_device *host,
		      enum msg_revision rev, uint16_t self, bool direct, uint64_t shared_bit);

/* Hotplug: the device comes or goes; the driver is told by an event. */
void msg_backend_plug(struct msg_backend *b, bool present);

/* UUIDs of the two roles (DEN0153). */
extern const uint8_t msg_device_uuid[16], msg_driver_uuid[16];

#endif
