/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_COUNTERS_NETCOUNT_STATE_H
#define CCAIO_LIB_COUNTERS_NETCOUNT_STATE_H

/* What netcount.c and netcount-result.c share. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/hash.h"
#include "lib/counters/netcount.h"

#define NETCOUNT_CPUS 4096
#define NETCOUNT_IFACES 64
#define NETCOUNT_NONE 255  /* in known[] */
#define NETCOUNT_BUDGET 64 /* Linux include/linux/netdevice.h, NAPI_POLL_WEIGHT */

struct netcount_sums {
	uint64_t packets, bytes;
};

struct netcount_iface {
	const struct platform_net *net;
	/* of the counters' difference, by enum flow_dir */
	struct netcount_sums surely[2], at_most[2];
	bool seen;	     /* its device was, in DMA events of what it reads */
	bool unmapped_sends; /* packets that no DMA event tells of */
};

/* What one CPU reported of an interface since it was surely in no poll: maybe not yet counted. */
struct netcount_poll {
	struct netcount_sums out, out_fresh; /* taken back; of it reported between the looks */
	uint64_t in[NETCOUNT_BUDGET];	     /* bytes of the last frames handed on */
	bool fresh_in[NETCOUNT_BUDGET];
	unsigned int next_in, count_in;
};

struct netcount_cpu {
	struct netcount_poll *polls[NETCOUNT_IFACES];
	bool used; /* one of them holds something */
	/* the open transmission */
	struct netcount_iface *sending;
	uint64_t skb, frame, first;
	uint16_t first_device;
	bool mapped; /* first is its first transfer */
};

enum netcount_state {
	NETCOUNT_UNKNOWN, /* may be a frame */
	NETCOUNT_PART,	  /* of a frame whose first transfer is another, or of none */
	NETCOUNT_SENDING, /* a frame's first, its transmission is not over */
	NETCOUNT_SENT,	  /* the same, handed to the device */
};

struct netcount_map {
	struct hash_key key; /* address and device */
	uint64_t frame;
	uint8_t state;
};

struct netcount {
	const struct names *names;
	const struct platform *platform;
	bool tasks_tell; /* what a task tells ends the polls of its CPU */
	bool too_many;	 /* live mappings: hostile */
	unsigned int marks;
	struct netcount_iface ifaces[NETCOUNT_IFACES];
	size_t nifaces;
	struct hash maps; /* of struct netcount_map */
	struct netcount_cpu *cpus[NETCOUNT_CPUS];
	uint8_t known[2][65536]; /* names id, of an interface or a device: index + 1 */
};

#endif
