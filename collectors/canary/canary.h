/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_CANARY_CANARY_H
#define CCAIO_COLLECTORS_CANARY_CANARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct platform;
struct platform_canary;

/*
 * canary - I/O that ccaio causes itself in the window, to be found in the stream.
 *
 * One transfer for each active virtio block and network device, of a length that this
 * run's nonce decides.  It shows that the events of the device reach the stream; a device
 * on which none could be caused is listed with kind "none" and the reason, or "failed"
 * where the user has asked for one.
 */
struct canaries {
	struct platform_canary *list;
	size_t count;
};

/*
 * Cause them.  facts lists the devices; url: an HTTP request to it for each network device
 * instead of a frame that goes nowhere, NULL for the latter.  Takes at most a
 * few seconds per device where the other side does not answer, 30 where a disk does not.
 */
void canary_run(struct canaries *canaries, const struct platform *facts, uint64_t nonce,
		const char *url);

/* Can this ccaio send an HTTP request?  False with err set where it cannot: ask before a run. */
bool canary_can_http(struct err *err);

/* Move the list into the facts. */
void canary_describe(struct canaries *canaries, struct platform *facts);

void canary_release(struct canaries *canaries);

/* The kinds, each in its file.  Return the mapping's size, or 0 with the reason (to be freed). */
uint64_t canary_read_block(const char *disk, uint64_t nonce, char **reason);
uint64_t canary_send_frame(const char *iface, uint32_t header_size, uint64_t nonce, char **reason);
uint64_t canary_send_http(const char *iface, uint32_t header_size, const char *url, uint64_t nonce,
			  char **reason);

#endif
