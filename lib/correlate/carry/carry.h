/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_CORRELATE_CARRY_CARRY_H
#define CCAIO_LIB_CORRELATE_CARRY_CARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/flow.h"

struct event;
struct names;
struct owners;
struct platform;

/*
 * carry - which DMA transfers carried which packet, as the kernel's events show.
 *
 * Sending (Linux drivers/net/virtio_net.c, net/core/dev.c): a map between
 * net_dev_start_xmit and net_dev_xmit on one CPU is of that packet; they sum up to
 * the frame and the virtio-net header.  A packet in several pieces may have one map more, the last:
 * the indirect table of 16 bytes for each piece (drivers/virtio/virtio_ring.c), which is no byte
 * of the frame.  __ip_queue_xmit names the skb's socket;
 * an skb that was cut into segments on its way shows up as several new ones right
 * after it on that CPU; the socket that a segment carries along is reported as it is put
 * into its virtqueue.  What one task maps between putting a command into the control
 * queue and its kick is the command.
 *
 * Receiving: buffers are handed to the CPU (sync, or unmap where the driver
 * unmaps) in the order in which one poll sees them.  napi_gro_receive_entry names the
 * skb that those since the last such event became, and skb_gro_receive the skb that
 * this one was merged into; a packet that is received then is all that bears its address,
 * if lengths agree.  Without these events the sizes tell how buffers became packets:
 * one each, several for a long one, or several merged by GRO.
 * tcp_rcv_established and its like name the socket of the received skb.
 */
struct carried_dma {
	uint64_t ts_ns;
	uint64_t dma; /* EVENT_NO_ADDR where no event tells it */
	uint64_t size;
	bool bounced;
};

/* One packet and what carried it. */
struct packet_dma {
	uint64_t ts_ns;	 /* net_dev_start_xmit, netif_receive_skb */
	uint64_t socket; /* 0 unknown */
	struct flow_key key;
	bool key_known;
	uint32_t conn;		/* of the socket, as its owner_socket says */
	uint8_t socket_grade;	/* enum grade: socket to packet */
	uint8_t dma_grade;	/* enum grade: packet to transfers */
	uint8_t dir;		/* enum flow_dir */
	uint16_t iface, device; /* names ids; device 0 unknown */
	uint32_t frame;		/* bytes with the Ethernet header */
	uint32_t descriptors;	/* 0 unknown */
	uint32_t kicks;
	uint16_t queue;	   /* names id: "output.0"; 0 unknown */
	uint16_t rx_queue; /* 1 + number of the queue that it came by; 0 unknown */
	uint32_t wire;	   /* packets on the wire that became this one (GRO) */
	uint64_t dma_bytes;
	uint64_t table_bytes; /* of dma_bytes: the indirect descriptor table, the last of dma */
	size_t ndma;
	struct carried_dma *dma; /* in the callback: borrowed */
};

struct carry_ops {
	void (*carried)(void *ctx, const struct packet_dma *packet_dma);
	/*
	 * DMA that belongs to no packet, of any device: mapped for sending, or handed over
	 * after receiving.  why is a constant.
	 */
	void (*unattributed)(void *ctx, uint64_t ts_ns, uint16_t device, enum flow_dir dir,
			     uint64_t bytes, const char *why);
};

/*
 * The reason of what a network device's driver mapped as commands to the device, for whomever
 * but the program: filters and settings, no packet.
 */
extern const char carry_command[];

struct carry;

/* platform may be NULL.  All are borrowed until carry_free. */
struct carry *carry_new(const struct names *names, const struct platform *platform,
			struct owners *owners, const struct carry_ops *ops, void *ctx);
/* Hand out what still waits, and free.  Accepts NULL. */
void carry_finish(struct carry *carry);
void carry_free(struct carry *carry);

void carry_event(struct carry *carry, const struct event *event);

/* The DMA device of an interface: reported by the platform, or learned; 0 unknown. */
uint16_t carry_device(const struct carry *carry, uint16_t iface);
/* Is it known to be a network device? */
bool carry_is_net(const struct carry *carry, uint16_t device);
/* Is it known to be a device with rings of another kind, without a header before each frame? */
bool carry_is_foreign(const struct carry *carry, uint16_t device);
/* Does it carry packets although it is no network device (a console: frames in a byte stream)? */
bool carry_in_bytes(const struct carry *carry, uint16_t device);
/*
 * Bytes in front of each frame: the virtio-net header, 12 unless the events say otherwise; none
 * where the device is known to be no virtio device;
 * in a byte stream what tells frames apart, 0 unless the events say otherwise.
 */
unsigned int carry_header(const struct carry *carry, uint16_t device);
/* Does the driver unmap receive buffers (true), or sync the bytes that came (false)? */
bool carry_unmaps(const struct carry *carry, uint16_t device);

#endif
