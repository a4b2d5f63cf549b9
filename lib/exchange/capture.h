/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_LIB_EXCHANGE_CAPTURE_H
#define CCAIO_LIB_EXCHANGE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * capture - how the packets of a run were captured, and what the capture did not see.
 *
 * Filled by whoever captured (collectors/packets) and by lib/exchange/traffic.h; recorded in
 * exchanges.json, and read back by whoever judges.
 */

#define EXCHANGES_IFACES 64

/* An interface that was captured. */
struct exchange_iface {
	char *name;
	uint32_t index; /* as packets.pcap has it */
	uint64_t packets, dropped;
	bool broken; /* the capture ended early: the interface went away */
	/* the kernel's own count, /proc/net/dev, while the capture was on; by enum flow_dir */
	bool counters_known;
	uint64_t counter_bytes[2], counter_packets[2];
};

/* All zero: nothing was captured. */
struct exchange_capture {
	bool on;		    /* packets were captured */
	bool payload_read;	    /* their payload was looked at */
	uint64_t packets;	    /* packets seen */
	uint64_t skipped;	    /* of them not TCP */
	uint64_t dropped;	    /* packets that the kernel could not hand over */
	int64_t realtime_offset_ns; /* CLOCK_REALTIME - packets' clock; 0 unknown */
	/* what found no memory at all; up to version 0.2, what was not listed */
	uint64_t conns_left_out, rows_left_out;
	struct exchange_iface *ifaces; /* owned, with their names */
	size_t nifaces, cap_ifaces;
};

#endif
