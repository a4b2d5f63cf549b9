/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_BOUNCE_SELFTEST_MACHINE_H
#define CCAIO_LIB_BOUNCE_SELFTEST_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bounce/memory/fault.h"
#include "lib/bounce/memory/trace.h"
#include "lib/bounce/msg/bus.h"
#include "lib/bounce/virtio/devices.h"
#include "lib/bounce/virtio/hostile.h"
#include "lib/evidence/stream.h"

struct err;
struct ffa;
struct msg_backend;
struct names;
struct platform;

/*
 * machine - one Realm with one virtio device behind one transport, and its host.
 *
 * Puts the parts of lib/bounce together, records the events, and describes itself
 * as a struct platform.  A second device, the bystander, keeps a mapping and a
 * coherent allocation alive that nobody else may touch.
 */
enum machine_device {
	MACHINE_NET,
	MACHINE_BLK,
	MACHINE_CONSOLE,
	MACHINE_RNG,
	MACHINE_BALLOON,
	MACHINE_FS,
	MACHINE_DEVICES
};

/* msg-N: virtio-msg over FF-A, revision N; static or dynamic sharing (lib/bounce/msg/bus.h). */
enum machine_transport {
	MACHINE_PCI,
	MACHINE_MMIO,
	MACHINE_MSG1_STATIC,
	MACHINE_MSG1_DYNAMIC,
	MACHINE_MSG2_STATIC,
	MACHINE_MSG2_DYNAMIC,
	MACHINE_TRANSPORTS
};

struct machine_config {
	enum machine_device device;
	enum machine_transport transport;
	bool packed, indirect, event_idx;
	bool alias; /* publishes the shared alias (Linux 7.2), else plain addresses (6.12) */
	uint64_t seed;
	enum fault_id fault;
	unsigned int fault_skip;
	bool fault_dry;
	enum hostile_trick trick;
	unsigned int trick_skip;
	struct names *names; /* to enter names in; borrowed.  NULL: the machine has its own */
	/* Where events go besides the record; may be NULL.  Called under the trace's lock. */
	bounce_sink sink;
	void *sink_ctx;
	uint64_t start_ns; /* the events' clock begins there; 0: somewhere, by the seed */
	bool unrecorded;   /* keep no events and no accesses: long runs with a sink of their own */
};

/* What a device did, and after which event. */
struct machine_access {
	struct guard_access access;
	size_t after; /* events reported before it */
};

struct machine {
	struct machine_config config;
	struct names *names;
	struct realm *realm;
	struct swiotlb_pool *pools[2]; /* default; restricted (static sharing) */
	size_t npools;
	struct bounce_trace *trace;
	struct fault_plan fault;
	struct dma_device dma, bystander;
	struct dma_coherent bystander_ring;
	uint64_t bystander_buffer, bystander_dma;
	struct host_device host;
	struct transport transport;
	struct msg_bus *bus; /* msg-*: the bus, else NULL */
	struct ffa *ffa;
	struct msg_backend *backend;
	bool started, stopped;
	uint64_t used_hiwater; /* slots, of all pools */
	uint64_t random;       /* for payload */

	struct event *events;
	size_t nevents, events_cap;
	struct machine_access *accesses;
	size_t naccesses, accesses_cap;

	/* the device's two halves; config.device says which */
	union {
		struct net net;
		struct blk blk;
		struct console console;
		struct rng rng;
		struct balloon balloon;
		struct fs fs;
	} drv;
	union {
		struct net_host net;
		struct blk_host blk;
		struct console_host console;
		struct rng_host rng;
		struct balloon_host balloon;
		struct fs_host fs;
	} hst;
	int disk;	 /* blk: the disk; fs: the folder; -1 none */
	char folder[64]; /* fs: path of the folder; "" none */
};

const char *machine_device_name(enum machine_device device);
const char *machine_transport_name(enum machine_transport transport);

/* Build the machine; its device is not started yet.  -errno with err. */
int machine_open(struct machine *m, const struct machine_config *config, struct err *err);
/* Bring the device up. */
int machine_start(struct machine *m, struct err *err);
/* Stop the device.  The record stays; the bystander lives on. */
void machine_stop(struct machine *m);
void machine_close(struct machine *m); /* accepts a zeroed struct */

/* The facts of this machine, as its kernel would tell them.  The caller frees. */
struct platform *machine_platform(struct machine *m);

/* What the recorded stream's source tells; *cpus must hold 4. */
void machine_stream_info(const struct machine *m, struct stream_info *info,
			 struct stream_cpu *cpus);

/* Payload: what went through, what did not, and what came out changed. */
struct exercise {
	uint64_t transfers, bytes;
	uint64_t damaged; /* transfers whose bytes were not what was sent */
	uint64_t failed;  /* operations that ended in an error */
	uint64_t zones;	  /* Realm memory outside the buffers that was changed */
	char why[256];	  /* the first error */
};

/* Move payload both ways, rounds times, and compare.  Stops at the first error. */
void machine_exercise(struct machine *m, unsigned int rounds, struct exercise *x);

#endif
