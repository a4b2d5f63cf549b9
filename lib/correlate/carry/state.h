/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_CORRELATE_CARRY_STATE_H
#define CCAIO_LIB_CORRELATE_CARRY_STATE_H

/* What carry.c, carry-tx.c and carry-rx.c share. */
#include "lib/correlate/carry/carry.h"
#include "lib/evidence/event.h"
#include "lib/exchange/exchange.h"

#define CARRY_CPUS 4096
#define CARRY_DEVICES 256
#define CARRY_MAPS 80	  /* of one packet: MAX_SKB_FRAGS and then some */
#define CARRY_BUFFERS 512 /* received buffers that wait for their packets, per CPU and device */
#define BUFFERS_OF_CPU 4
#define CARRY_HELD 256	 /* received packets that wait for their socket */
#define CARRY_SKBS 4096	 /* sent skbs whose transmission is still to come */
#define CARRY_COMMANDS 8 /* tasks that give a network device a command */
#define ETHERNET 14

/* A network device and its interface. */
struct carry_device {
	uint16_t device, iface; /* names ids; device 0 until it is known */
	unsigned int header;	/* virtio-net header; 0 until it is seen */
	bool syncs;		/* receive buffers are synced */
	bool unmaps;
};

/* Between __ip_queue_xmit and its transmission. */
struct carry_skb {
	uint64_t skb, socket;
	uint32_t len; /* TCP header and payload */
};

/* A buffer that was handed over, until the packet in it is received. */
struct carry_waiting {
	struct carried_dma dma;
	uint64_t skb;	/* that it became, or that this was merged into; 0 unknown */
	uint32_t len;	/* of the packet that begins in it, as that entered; else 0 */
	uint16_t queue; /* of the same: 1 + its number, 0 unknown */
};

/* Buffers of one device that one CPU took over, the oldest first. */
struct carry_buffers {
	uint16_t device;
	bool unmapped; /* their sizes are the buffers', not the packets' */
	bool entered;  /* events show which skb they become */
	unsigned int first, count;
	unsigned int fresh; /* the newest, handed over since an skb entered last */
	struct carry_waiting ring[CARRY_BUFFERS];
};

/* Between virtqueue_add_sgs of a control queue and its kick. */
struct carry_command {
	int32_t pid; /* 0: none */
	uint64_t vq;
	uint64_t since_ns;
};

struct carry_cpu {
	/* the open transmission */
	bool sending;
	struct packet_dma out;
	uint64_t skb;
	uint64_t vq;
	struct carried_dma maps[CARRY_MAPS];
	uint64_t map_bytes;
	size_t nmaps; /* seen; the first CARRY_MAPS are kept */
	/* the last bounce, until its map */
	bool bounced;
	uint64_t bounce_orig, bounce_size, bounce_ts;
	uint16_t bounce_device;
	uint64_t lone_bounces; /* in the transmission: bounces without a map event */
	/* the skb that may be cut into segments */
	uint64_t segmented_socket;
	int32_t segmented_pid;
	uint32_t segmented_left; /* bytes of it that may still come */
	/* receiving */
	struct carry_buffers *buffers[BUFFERS_OF_CPU]; /* of the devices that this CPU polls */
};

struct carry_held {
	struct packet_dma packet_dma;
	uint64_t skb;
	bool resolved;
};

struct carry {
	const struct names *names;
	const struct platform *platform;
	struct owners *owners;
	struct carry_ops ops;
	void *ctx;
	struct carry_cpu *cpus[CARRY_CPUS];
	struct carry_device devices[CARRY_DEVICES];
	size_t ndevices;
	struct carry_skb skbs[CARRY_SKBS]; /* by hash of skb; a newer one replaces an older */
	struct carry_held held[CARRY_HELD];
	unsigned int first_held, nheld;
	struct carry_command commands[CARRY_COMMANDS];
	unsigned int ncpus; /* one more than the highest number seen */
	bool maps_seen;	    /* map events exist */
};

struct carry_cpu *carry_cpu(struct carry *c, unsigned int cpu);	   /* NULL: too many */
struct carry_device *carry_iface(struct carry *c, uint16_t iface); /* NULL: too many */
struct carry_device *carry_dma_device(const struct carry *c, uint16_t device);
bool carry_in_pool(const struct carry *c, uint64_t dma);
void carry_set_socket(struct carry *c, struct packet_dma *out, uint64_t socket, enum grade grade);

void carry_tcp_tx(struct carry *c, const struct event *e);
void carry_xmit_start(struct carry *c, const struct event *e);
void carry_xmit(struct carry *c, const struct event *e);
void carry_tx_map(struct carry *c, const struct event *e);
void carry_bounce(struct carry *c, const struct event *e);
void carry_vq_add(struct carry *c, const struct event *e);
void carry_vq_kick(struct carry *c, const struct event *e);

void carry_buffer(struct carry *c, const struct event *e);
void carry_net_rx(struct carry *c, const struct event *e);
void carry_net_enter(struct carry *c, const struct event *e);
void carry_net_merge(struct carry *c, const struct event *e);
void carry_tcp_rx(struct carry *c, const struct event *e);
/*
 * Mark as skb's those of the waiting buffers that a packet of len bytes probably came of.  Returns
 * how sure that is, and in *wire how many packets became one; GRADE_NONE: none is marked.
 */
enum grade carry_guess(struct carry_buffers *b, uint64_t skb, uint64_t len, unsigned int header,
		       unsigned int *wire);
void carry_rx_finish(struct carry *c);

#endif
