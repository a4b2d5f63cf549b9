/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CCAIO_COLLECTORS_MODEL_MODEL_H
#define CCAIO_COLLECTORS_MODEL_MODEL_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/bounce/selftest/machine.h"

struct err;
struct names;
struct packet;
struct platform;
struct stream;

/*
 * model - a real application's traffic through the bounce path (lib/bounce).
 *
 * A proxy on loopback stands for the Realm's end of the network: what a client
 * sends to it becomes TCP segments in frames of the Realm (10.0.2.15), which cross
 * driver, DMA API, swiotlb and virtqueue to the host's half of the device; there the
 * segments are taken apart again and their bytes go to the real server.  Answers take
 * the way back.  Both ends look at nothing but what came through the device.  Over
 * the console, frames follow one another, each behind its length in two bytes.
 *
 * One thread does all that.  It tells DMA, socket and packet events as a kernel would.
 */
struct model_options {
	enum machine_device device; /* MACHINE_NET or MACHINE_CONSOLE */
	enum machine_transport transport;
	bool packed, indirect, event_idx;
	bool plain; /* publish plain addresses (Linux 6.12), not the shared alias */
	uint64_t seed;
	const char *server; /* "host:port" that connections go to */
	uint16_t port;	    /* to listen on; 0: any free one */
	const char *comm;   /* name of the client's task in events; NULL "model" */
	/*
	 * Sees each frame that crosses, at both directions, in the model's thread; its clock
	 * is CLOCK_MONOTONIC, as the events'.  May be NULL.
	 */
	void (*packet)(void *ctx, const struct packet *packet);
	void *ctx;
};

struct model;

/*
 * Listen and begin.  names is borrowed until model_free; the model enters its names
 * here and not later.  NULL with err set: no such server name, no port, a device that
 * carries no connections.
 */
struct model *model_start(const struct model_options *options, struct names *names,
			  struct err *err);

/* The port on 127.0.0.1 that the client is to connect to. */
uint16_t model_port(const struct model *model);

/* From now on events of the client's end carry this pid. */
void model_set_pid(struct model *model, pid_t pid);

/*
 * The events, from the machine's start on.  Reading waits for more until the model is
 * stopped.  One stream per model; close it before model_free.
 */
struct stream *model_stream(struct model *model);

/*
 * End: connections are closed, the device is stopped, the stream gets its end.
 * Returns 0, or -errno with the first failure of the device, or of a connection to
 * the server that was refused.
 */
int model_stop(struct model *model, struct err *err);

/* The machine's facts.  After model_stop.  The caller frees. */
struct platform *model_platform(struct model *model);

/* Bytes of payload that crossed to the server and back, and connections.  After model_stop. */
struct model_totals {
	uint64_t connections, out_bytes, in_bytes, frames;
	uint64_t refused; /* connections that the server did not take */
};
struct model_totals model_totals(const struct model *model);

void model_free(struct model *model); /* stops it if need be; accepts NULL */

#endif
