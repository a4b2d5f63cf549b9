/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_MODEL_TCP_H
#define CCAIO_COLLECTORS_MODEL_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * model-tcp - frames of Ethernet, IPv4 and TCP between the model's two ends.
 *
 * The way between them loses and reorders nothing, so that an end needs no more
 * than to count.  Addresses are those of QEMU's user network.
 */
#define MODEL_GUEST_IP 0x0a00020fu /* 10.0.2.15 */
#define MODEL_HOST_IP 0x0a000202u  /* 10.0.2.2 */
#define MODEL_FRAME_MAX 1514u
#define MODEL_HEADERS 54u /* Ethernet 14, IPv4 20, TCP 20 */
#define MODEL_PAYLOAD_MAX (MODEL_FRAME_MAX - MODEL_HEADERS)

/* One end's view of a connection. */
struct model_tcp {
	uint16_t guest_port, host_port;
	uint32_t next, acked; /* to send; received from the other end */
};

/* Write a frame from the guest's (or the host's) end; advances tcp->next.  Returns its size. */
size_t model_tcp_frame(uint8_t frame[MODEL_FRAME_MAX], struct model_tcp *tcp, bool from_guest,
		       uint8_t flags, const uint8_t *payload, size_t size);

#endif
