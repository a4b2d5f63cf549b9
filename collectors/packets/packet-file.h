/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_PACKETS_PACKET_FILE_H
#define CCAIO_COLLECTORS_PACKETS_PACKET_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct err;
struct exchanges;
struct names;
struct packet;

/*
 * packet-file - packets in a file that Wireshark and tcpdump read, too.
 *
 * ccaio writes pcap with nanoseconds and link type LINUX_SLL2, which keeps each
 * packet's direction and interface (https://www.tcpdump.org/linktypes.html).
 * Times are CLOCK_REALTIME.
 */

/* ---- writing ---- */

struct packet_writer {
	FILE *out;	   /* borrowed; whoever owns it checks it for errors */
	bool whole;	   /* with payload; else IP and TCP or UDP headers only */
	int64_t offset_ns; /* CLOCK_REALTIME - the packets' clock */
};

void packet_writer_begin(const struct packet_writer *w);
/* iface: the interface's index. */
void packet_writer_add(const struct packet_writer *w, const struct packet *packet, uint32_t iface);

/* ---- reading ---- */

struct packet_reader;

/*
 * A pcap or pcapng file: LINUX_SLL2, LINUX_SLL or Ethernet.  in is taken over, also
 * on failure.  x (may be NULL) knows the interfaces by index and the clock; an unknown one is
 * called "if<index>", that of a file without interfaces "eth0".  Names are entered
 * into names.  Returns NULL with err set.
 */
struct packet_reader *packet_reader_open(FILE *in, const char *path, const struct exchanges *x,
					 struct names *names, struct err *err);
void packet_reader_close(struct packet_reader *r); /* accepts NULL */

/* 1 and the next packet (its bytes stay valid until the next call), 0 at the end, -errno. */
int packet_reader_next(struct packet_reader *r, struct packet *packet, struct err *err);

#endif
