/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_PACKETS_PACKETS_H
#define CCAIO_COLLECTORS_PACKETS_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;
struct exchange;
struct exchanges;

/*
 * packets - what the Realm's network interfaces carry while the program runs.
 *
 * A thread reads the interfaces through libpcap, follows connections and exchanges
 * (lib/exchange/traffic.h), and writes the packets' headers to a file, so that the
 * correlation can be done, and done again, when the events are there.  Payload
 * is looked at in memory and forgotten, unless asked otherwise.
 *
 * Until the thread reads them, packets wait in one ring of the kernel's memory for all interfaces:
 * 48 MiB, or a sixteenth of the machine's memory where that is less (8 MiB at least), taken up
 * front. That is room for a stall of 30 s at 1,000 packets of 1,500 bytes a second, and of 38 s at
 * fewer. What finds no room is counted (exchanges.capture_dropped), and then something was lost.
 */
enum packets_payload {
	PACKETS_LOOK = 0, /* read payload, keep none */
	PACKETS_IGNORE,	  /* --no-payload: capture headers only */
	PACKETS_KEEP,	  /* --payload: write it to the file, too */
};

struct packets_options {
	enum packets_payload payload;
	uint32_t snaplen;   /* bytes of each packet; 0: all (or headers, with PACKETS_IGNORE) */
	const char *filter; /* pcap-filter(7); NULL: everything */
	const char *const *ifaces; /* NULL: every network interface of a virtio device */
	size_t nifaces;
	FILE *out; /* for the packets (see packet-file.h); NULL none.  Borrowed until packets_stop
		    */
	/* Called in the thread when an exchange is over; may be NULL. */
	void (*over)(void *ctx, const struct exchanges *x, const struct exchange *row);
	void *ctx;
};

struct packets;

/*
 * Begin.  Packets count from packets_window(true) to packets_window(false).  NULL with err set: no
 * interface (ENODEV), no permission (EPERM, EACCES), a wrong filter (EINVAL).
 */
struct packets *packets_start(const struct packets_options *options, struct err *err);

/*
 * The window opens (true), or is about to close.  To be called while events are recorded: then each
 * packet, and all that the interfaces' own counters count, has its events.
 */
void packets_window(struct packets *packets, bool open);

/*
 * End, once what was sent before has been read, and free.  The caller frees the
 * result.  NULL with err set when the capture broke or the file could not be written.
 */
struct exchanges *packets_stop(struct packets *packets, struct err *err);

#endif
